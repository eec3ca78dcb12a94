"""The shared state in a database: connections, and the tables of runs, of the audit log and of notes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from recsys.errors import StorageProblem

metadata = sa.MetaData()

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("dataset", sa.String(200), nullable=False),
    sa.Column("recipe", sa.JSON, nullable=False),
    sa.Column("seed", sa.Integer, nullable=False),
    sa.Column("promote", sa.Boolean, nullable=False),
    sa.Column("created", sa.DateTime, nullable=False),
    sa.Column("started", sa.DateTime),
    sa.Column("ended", sa.DateTime),
    sa.Column("process", sa.String(60)),
    sa.Column("cancel_requested", sa.Boolean, nullable=False, default=False),
    sa.Column("progress", sa.JSON, nullable=False),
    sa.Column("message", sa.Text, nullable=False, default=""),
    sa.Column("model", sa.String(60)),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("who", sa.String(200), nullable=False),
    sa.Column("action", sa.String(20), nullable=False),
    sa.Column("subject", sa.String(100), nullable=False),
    sa.Column("before", sa.String(60)),
    sa.Column("note", sa.Text, nullable=False, default=""),
)

notes = sa.Table(
    "notes",
    metadata,
    sa.Column("subject", sa.String(100), primary_key=True),
    sa.Column("note", sa.Text, nullable=False, default=""),
    sa.Column("tags", sa.JSON, nullable=False),
)

documents = sa.Table(
    "documents",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("name", sa.String(60), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("content", sa.JSON(none_as_null=True)),
    sa.Column("saved", sa.DateTime, nullable=False),
    sa.UniqueConstraint("kind", "name", "version"),
)


def utc_now() -> datetime:
    """Now, in UTC, without a zone: as the tables hold it."""
    return datetime.now(UTC).replace(tzinfo=None)


class Database:
    """Connections to one database; tables are made at the first use."""

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(url)
        self._sqlite = self.url.get_backend_name() == "sqlite"
        self._engine: sa.Engine | None = None
        self._tables = 0

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """One transaction: all of it happens, or nothing. Database errors come out as StorageProblem."""
        try:
            with self._connect().begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise self._problem(error) from error

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """The same for reading only: waits for no writer, and holds none up."""
        try:
            with self._connect().execution_options(reads=True).begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise self._problem(error) from error

    def sqlite_file(self) -> str | None:
        """The file of an SQLite database; None for any other."""
        return self.url.database if self._sqlite else None

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        if self._engine is not None:
            self._engine.dispose()

    def exists(self) -> bool:
        """Whether there is anything to read yet; never creates a file."""
        return not self._sqlite or self.url.database is None or Path(self.url.database).exists()

    def _problem(self, error: SQLAlchemyError) -> StorageProblem:
        reason = str(getattr(error, "orig", None) or error)
        return StorageProblem(
            f"The database {self.url.render_as_string(hide_password=True)} cannot be used: {reason}. "
            "Check INSIDER_DATABASE_URL, INSIDER_HOME, free space and write permission."
        )

    def _connect(self) -> sa.Engine:
        if self._engine is None:
            if self._sqlite and self.url.database:
                _make_folder(Path(self.url.database).parent)
            engine = sa.create_engine(self.url, connect_args={"timeout": 30} if self._sqlite else {})
            if self._sqlite:
                sa.event.listen(engine, "connect", _prepare_sqlite)
                sa.event.listen(engine, "begin", _begin_immediate)
            self._engine = engine
        if self._tables < len(metadata.tables):
            # a module that was imported later brings tables of its own
            count = len(metadata.tables)
            metadata.create_all(self._engine)
            self._tables = count
        return self._engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageProblem(
            f"Cannot make the folder {folder}: {error.strerror}. Check INSIDER_HOME and its permissions."
        ) from error


def _prepare_sqlite(connection: "sa.engine.interfaces.DBAPIConnection", _: object) -> None:
    # The driver must not open transactions by itself: BEGIN IMMEDIATE below does, so that two writers queue up.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    # FULL: a commit is on the disk when it returns, also when the power fails right after it.
    connection.execute("PRAGMA synchronous=FULL")


def _begin_immediate(connection: sa.Connection) -> None:
    reads = connection.get_execution_options().get("reads")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

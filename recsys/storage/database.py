"""The shared state in a database: connections, transactions, and what is wrong with it in words."""

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from recsys.errors import Corrupted, StorageProblem
from recsys.storage import schema
from recsys.utils.sqlite_address import engine_url
from recsys.utils.waiting import check_may_wait

logger = logging.getLogger(__name__)

WAIT_SECONDS, CONNECT_SECONDS = 30, 10
READ_WAIT_SECONDS = 2
"""How long a reader waits for an SQLite file that somebody has locked as a whole; a writer alone stops no reader."""

RETRY_SECONDS = 0.5
"""A database that could not be reached is asked again after so long, by one thread; until then all are told at once."""

_WRITERS = 5_114_771
"""Number of the lock under which PostgreSQL's writers queue, so that ids become visible in their order."""


def utc_now() -> datetime:
    """Now, in UTC, without a zone: as the tables hold it."""
    return datetime.now(UTC).replace(tzinfo=None)


class Busy(StorageProblem):
    """Another process keeps the database locked."""


class Database:
    """Connections to one database; at the first use its tables are made or brought up to date.

    Attributes:
        failing_since: since when it cannot be read (UTC); None while it can.
    """

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(url)
        self._sqlite = self.url.get_backend_name() == "sqlite"
        self._engine: sa.Engine | None = None
        self._file: tuple[int, int] | None = None
        self._checked = False
        self.failing_since: datetime | None = None
        self._failure = ""
        self._again_at = 0.0
        self._probe = threading.Lock()

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """One transaction: all of it happens, or nothing. Database errors come out as StorageProblem.

        Those of all processes happen one after the other, so that what is read in one still holds when it writes.
        """
        with self._watched(writes=True):
            try:
                with self._connect().begin() as connection:
                    _queue_up(connection)
                    yield connection
            except SQLAlchemyError as error:
                raise self._problem(error) from error
            except ValueError as error:
                raise damaged_row(error) from error

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """The same for reading only: waits for no writer, and holds none up."""
        with self._watched(writes=False):
            try:
                with self._connect().execution_options(reads=True).begin() as connection:
                    yield connection
            except SQLAlchemyError as error:
                raise self._problem(error) from error
            except (ValueError, TypeError, AttributeError) as error:
                raise damaged_row(error) from error

    def cannot_be_read(self, problem: StorageProblem) -> None:
        """Note that it could not be read: `failing_since` says so until it is read again."""
        if self.failing_since is None:
            logger.error("%s", problem)
            self.failing_since = utc_now()
        self._failure, self._again_at = str(problem), time.monotonic() + RETRY_SECONDS

    @contextmanager
    def _watched(self, *, writes: bool) -> Iterator[None]:
        """Remembers whether the database can be read; while it cannot, one thread at a time tries, and not at once."""
        check_may_wait()
        probing = self.failing_since is not None
        if probing and (time.monotonic() < self._again_at or not self._probe.acquire(blocking=False)):
            raise StorageProblem(self._failure)
        try:
            yield
        except StorageProblem as error:
            if not (writes and isinstance(error, Busy)):
                self.cannot_be_read(error)
            raise
        except Exception:
            self.failing_since = None
            raise
        else:
            self.failing_since = None
        finally:
            if probing:
                self._probe.release()

    def checkpoint(self) -> bool:
        """Move what stands in SQLite's write-ahead log into the database file and empty the log; whether it is empty
        now (another process that reads may need it still). Nothing to do for any other database."""
        if not self._sqlite or not self.exists():
            return True
        check_may_wait()
        try:
            with self._connect().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                raw = connection.connection.driver_connection
                assert raw is not None
                return not raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise storage_problem(self.url, error) from error

    def sqlite_file(self) -> str | None:
        """The file of an SQLite database; None for any other."""
        return self.url.database if self._sqlite else None

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        if self._engine is not None:
            self._engine.dispose()

    def exists(self) -> bool:
        """Whether there is anything to read yet; never creates a file. One that was there and is gone is a problem."""
        return not self._sqlite or self._file is not None or not self.url.database or Path(self.url.database).exists()

    def _problem(self, error: SQLAlchemyError) -> StorageProblem:
        return storage_problem(self.url, error)

    def _connect(self) -> sa.Engine:
        if self._file is not None and self._file != file_identity(self.url):
            raise gone(self.url)
        if self._engine is None:
            if self._sqlite and self.url.database:
                _make_folder(Path(self.url.database).parent)
            address = engine_url(self.url)
            engine = sa.create_engine(address, **engine_options(self.url))
            if self._sqlite:
                if address == self.url:
                    sa.event.listen(engine, "connect", _log_ahead)
                sa.event.listen(engine, "connect", _prepare_sqlite)
                sa.event.listen(engine, "begin", _begin_immediate)
            self._engine = engine
        if not self._checked:
            with self._engine.execution_options(reads=True).begin() as connection:
                version = schema.version(connection)
            if version != schema.NEWEST:
                schema.check_known(version, self.url.render_as_string(hide_password=True))
                with self._engine.begin() as connection:
                    _queue_up(connection)
                    schema.bring_up_to_date(connection)
            self._checked, self._file = True, file_identity(self.url)
        return self._engine


def engine_options(url: sa.URL) -> dict[str, Any]:
    """How to connect: whoever finds the database locked waits `WAIT_SECONDS`, and a server that does not answer is
    given up after `CONNECT_SECONDS`; connections that a server has closed in the meantime are opened anew."""
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": WAIT_SECONDS}}
    options: dict[str, Any] = {"pool_pre_ping": True}
    if url.get_backend_name() == "postgresql":
        wait = f"-c lock_timeout={WAIT_SECONDS}s"
        # a server that is gone without a word, or a network that is cut, is noticed as soon
        silent = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2, "tcp_user_timeout": 10_000}
        options["connect_args"] = {"connect_timeout": CONNECT_SECONDS, "options": wait, **silent} | dict(url.query)
    return options


def file_identity(url: sa.URL) -> tuple[int, int] | None:
    """Device and number of an SQLite file; None for a file that is not there, and for every other database."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    try:
        status = os.stat(url.database)  # noqa: PTH116  asked before every statement
    except OSError:
        return None
    return status.st_dev, status.st_ino


def gone(url: sa.URL) -> StorageProblem:
    """That a database file is not the one that was opened, in words: what is open leads to a file that nobody will
    find again, so nothing may be written there."""
    return StorageProblem(
        f"The database {url.render_as_string(hide_password=True)} is no longer there: its file was moved, deleted or "
        "replaced while it was in use. Put it back; or start this program again to go on with what is there now."
    )


def damaged_row(error: BaseException) -> Corrupted:
    """That the database holds what this program did not write, in words."""
    logger.error("A row of the database cannot be read: %s", error)
    return Corrupted(
        "The database holds a row that cannot be read; the log says why. Nothing was changed. Put a backup of the "
        "database in its place."
    )


def storage_problem(url: sa.URL, error: BaseException) -> StorageProblem:
    """What is wrong with the database, in words and without its password."""
    shown = url.render_as_string(hide_password=True)
    cause = error.__cause__ or error
    reason = " ".join(str(getattr(error, "orig", None) or getattr(cause, "orig", None) or cause).split())
    if any(text in reason.lower() for text in ("database is locked", "lock timeout")):
        return Busy(
            f"The database {shown} is busy: another process has kept it locked for more than {WAIT_SECONDS} seconds. "
            "Nothing was changed. Try again; if it stays so, end the process that holds it."
        )
    return StorageProblem(
        f"The database {shown} cannot be used: {reason}. "
        "Check INSIDER_DATABASE_URL, INSIDER_HOME, free space and write permission."
    )


def _queue_up(connection: sa.Connection) -> None:
    """One writer at a time, as SQLite has it by itself."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITERS)))


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
    # FULL: a commit is on the disk when it returns, also when the power fails right after it.
    connection.execute("PRAGMA synchronous=FULL")
    # What is deleted is overwritten: `forget` must leave nothing of anybody in the file.
    connection.execute("PRAGMA secure_delete=ON")


def _log_ahead(connection: "sa.engine.interfaces.DBAPIConnection", _: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")


def _begin_immediate(connection: sa.Connection) -> None:
    reads = connection.get_execution_options().get("reads")
    connection.exec_driver_sql(f"PRAGMA busy_timeout={1000 * (READ_WAIT_SECONDS if reads else WAIT_SECONDS)}")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

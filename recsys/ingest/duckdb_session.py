"""The only module that imports DuckDB: a connection with limits, and queries that report their progress."""

import queue
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys.errors import InvalidInput, StorageProblem

if TYPE_CHECKING:
    import pyarrow as pa

MEMORY_MB = 1000
"""What DuckDB may hold in memory before it writes to disk; the process as a whole stays below twice that."""

THREADS = 2
POLL_SECONDS = 0.2

OnFraction = Callable[[float], None]

FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[str, ...], str]] = {}
"""SQL functions in Python over Arrow columns, which every database has: name to function, types taken, type given."""


class DuckSession:
    """One DuckDB database in memory; what goes beyond its share of it, DuckDB moves to the folder, if there is one.

    Queries run in a thread, so that the caller's thread can report progress, and stop them by raising.
    """

    def __init__(self, folder: Path | None, *, memory_mb: int = MEMORY_MB, threads: int = THREADS) -> None:
        import duckdb

        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        from duckdb.func import FunctionNullHandling, PythonUDFType

        self._arrow, self._special = PythonUDFType.ARROW, FunctionNullHandling.SPECIAL
        self._of_the_data = (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.OutOfRangeException)
        self._no_space = (duckdb.IOException, duckdb.OutOfMemoryException)
        self.connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{memory_mb}MB",
                "threads": threads,
                "temp_directory": "" if folder is None else str(folder / "spill"),
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute("SET enable_progress_bar = true")
        self.connection.execute("SET enable_progress_bar_print = false")
        for function, (work, takes, gives) in FUNCTIONS.items():
            self.connection.create_function(
                function, work, list(takes), gives, type=self._arrow, null_handling=self._special
            )

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a short query."""
        return self._guarded(lambda: self.connection.execute(sql).fetchall())

    def one(self, sql: str) -> tuple[Any, ...]:
        """The only row of a short query."""
        return self.rows(sql)[0]

    def arrow(self, sql: str) -> "pa.Table":
        """The rows of a query, columns and all."""
        return self._guarded(lambda: self.connection.sql(sql).to_arrow_table())

    def run(self, sql: str, on_fraction: OnFraction = lambda _: None) -> None:
        """A long statement; `on_fraction` hears from 0 to 1, and an exception it raises stops the statement."""
        outcome: list[BaseException] = []

        def work() -> None:
            try:
                self.connection.execute(sql)
            except BaseException as error:
                outcome.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(POLL_SECONDS)
                on_fraction(min(max(self.connection.query_progress(), 0.0) / 100, 1.0))
        except BaseException:
            while thread.is_alive():
                self.connection.interrupt()
                thread.join(POLL_SECONDS)
            raise
        if outcome:
            self._guarded(lambda: _raise(outcome[0]))

    def stream(self, sql: str, rows: int, on_wait: OnFraction = lambda _: None) -> Iterator["pa.Table"]:
        """The rows of a query in pieces of about `rows`, the next one made while the caller works on the last.

        Args:
            on_wait: called again and again while there is no piece yet; an exception it raises stops the query.
        """
        import pyarrow as pa

        pieces: queue.Queue[pa.Table | BaseException | None] = queue.Queue(maxsize=1)
        stopped = threading.Event()

        def hand(piece: pa.Table | BaseException | None) -> None:
            while not stopped.is_set():
                with suppress(queue.Full):
                    pieces.put(piece, timeout=POLL_SECONDS)
                    return

        def work() -> None:
            held: list[pa.RecordBatch] = []
            try:
                for batch in self.connection.sql(sql).to_arrow_reader(rows):
                    held.append(batch)
                    if sum(map(len, held)) >= rows:
                        hand(pa.Table.from_batches(held))
                        held = []
                    if stopped.is_set():
                        return
                if held:
                    hand(pa.Table.from_batches(held))
                hand(None)
            except BaseException as error:
                hand(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            while True:
                try:
                    piece = pieces.get(timeout=POLL_SECONDS)
                except queue.Empty:
                    on_wait(min(max(self.connection.query_progress(), 0.0) / 100, 1.0))
                    continue
                if piece is None:
                    return
                if isinstance(piece, BaseException):
                    self._guarded(partial(_raise, piece))
                else:
                    yield piece
        finally:
            stopped.set()
            while thread.is_alive():
                self.connection.interrupt()
                thread.join(POLL_SECONDS)

    def insert(self, table: str, rows: "pa.Table", *, create: bool = False) -> None:
        """Add rows to a table, or make it of them, beside whatever the connection does."""
        with self.connection.cursor() as beside:
            beside.register("piece", rows)
            sql = f"CREATE TABLE {table} AS FROM piece" if create else f"INSERT INTO {table} BY NAME FROM piece"
            self._guarded(lambda: beside.execute(sql))

    def beside(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a short query, while the connection streams those of another one."""
        with self.connection.cursor() as beside:
            return self._guarded(lambda: beside.execute(sql).fetchall())

    def append(self, table: str, columns: Sequence[str], batch: Sequence[Sequence[Any]]) -> None:
        """Add rows of text to a table."""
        import pyarrow as pa

        arrays = [pa.array(column, type=pa.string()) for column in zip(*batch, strict=True)]
        piece = pa.Table.from_arrays(arrays, names=list(columns))
        self.connection.register("piece", piece)
        self._guarded(lambda: self.connection.execute(f"INSERT INTO {table} SELECT * FROM piece"))
        self.connection.unregister("piece")

    def _guarded(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except self._no_space as error:
            raise StorageProblem(
                f"The import needs more disk space or memory than there is: {_first_line(error)} "
                "Free some, or point INSIDER_HOME to a larger disk. Nothing was changed."
            ) from error
        except self._of_the_data as error:
            raise InvalidInput(f"The data cannot be read: {_first_line(error)}") from error


def text(value: object) -> str:
    """A value as an SQL string."""
    return "'" + str(value).replace("'", "''") + "'"


def file(path: object) -> str:
    """The path of one very file as an SQL string: marks in its name are no wildcards."""
    return text(re.sub(r"[\[*?]", lambda mark: f"[{mark[0]}]", str(path)))


def name(column: str) -> str:
    """A column name as SQL takes it, whatever is in it."""
    return '"' + column.replace('"', '""') + '"'


def listed(values: Iterable[object]) -> str:
    """Strings as an SQL list."""
    return "[" + ", ".join(text(value) for value in values) + "]"


def _raise(error: BaseException) -> None:
    raise error


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0][:300]

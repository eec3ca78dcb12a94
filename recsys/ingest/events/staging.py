"""Events from files into one table of DuckDB: every row with its fields, and the reason when it cannot be used.

Files are read once. What DuckDB reads and checks comes by in pieces, and goes into the table with numbers for ids.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from recsys import columns as c
from recsys.ingest import duckdb_session
from recsys.ingest.cells.timestamps import Reading
from recsys.ingest.columns.marked_rows import PART
from recsys.ingest.columns.recognise import Recognised
from recsys.ingest.config import ImportPlan
from recsys.ingest.duckdb_session import DuckSession, OnFraction
from recsys.ingest.events.event_rows import REASONS, event_rows
from recsys.ingest.events.event_times import SAMPLED, readings
from recsys.ingest.files.sources import UNREAD, Source, move_rejects
from recsys.ingest.ids.id_encoder import MOST_KINDS, IdEncoder
from recsys.ingest.schema import ITEM_FIELDS, Mapped

if TYPE_CHECKING:
    import pyarrow as pa

PIECE = 1_000_000
"""Rows that go into the table at once."""

MOST_IN_A_BYTE = 256
_COLUMNS = {
    c.TIMESTAMP: ("ts", "UINTEGER"), c.EVENT: ("kind", "UTINYINT"), c.QUANTITY: ("q", "FLOAT"), c.VALUE: ("v", "FLOAT"),
    c.PRICE: ("v", "FLOAT"), c.RATING: ("r", "FLOAT"), PART: (PART, "BOOLEAN"),
}  # fmt: skip
"""What of `staged` is there only where a source has the field."""

_STORED = {"ts": "CASE WHEN reason = 0 THEN epoch_us(ts) // 1000000 END"} | {
    number: f"CASE WHEN reason = 0 THEN {number} END" for number in ("q", "v", "r")
}
_EXTRA = (*(x for x in ITEM_FIELDS if x not in (c.ITEM, c.PRICE)), c.ATTRIBUTE)


@dataclass(frozen=True)
class StagedSource:
    """A source in the staging table: its rows are those of number `number`, from `first_row` on.

    Attributes:
        checked: SQL that gives its rows in their order, with `reason` and `bad`, the offending value.
    """

    entry: Recognised
    number: int
    first_row: int
    reading: Reading | None
    checked: str

    @property
    def source(self) -> Source:
        """The file."""
        return self.entry.source

    @property
    def mapped(self) -> Mapped:
        """Field to columns."""
        return self.entry.mapped

    def rejected(self) -> str:
        """SQL of `reason` and `bad` of its rejected rows, in their order."""
        return f"SELECT reason, bad, * EXCLUDE (reason, bad) FROM ({self.checked}) WHERE reason > 0"


@dataclass(frozen=True)
class Staged:
    """All events in the table `staged`, the ids in `user_ids` and `item_ids`.

    Columns: file, u, i (numbers of the ids), reason, and, where a source has such a field, ts (seconds since 1970),
    kind (place in `kinds`), q, v, r; `part_of_another`; and the `extras`.

    Attributes:
        extras: further columns of the table, to the field they belong to and their name as people see it.
        kinds: kinds of events; the first is the empty one.
        ids: which number is whose.
    """

    sources: tuple[StagedSource, ...]
    extras: dict[str, tuple[str, str]]
    fields: frozenset[str]
    kinds: tuple[str, ...]
    ids: IdEncoder


def stage(
    db: DuckSession,
    entries: Sequence[Recognised],
    plan: ImportPlan,
    on_source: Callable[[int], OnFraction],
) -> Staged:
    """Read all sources into the table `staged`; parse rejects of source n go to the table `rejected_lines`.

    Args:
        on_source: gives what hears how far the reading of source n is.

    Raises:
        InvalidInput: the column of kinds of events holds too many.
    """
    read_as = readings(db, entries, plan)
    mapped = [entry.mapped for entry in entries]
    extras: dict[str, tuple[str, str]] = {}
    for part in mapped:
        for name in (x for x in _EXTRA if x in part):
            for column in part[name]:
                if (name, column) not in extras.values():
                    extras[f"x{len(extras)}"] = (name, column)
    fields = frozenset(x for part in mapped for x in part)
    fields |= {PART} if any(entry.marked.has_parts for entry in entries) else set()
    columns = {column: kind for name, (column, kind) in _COLUMNS.items() if name in fields}
    shape = "".join(f", {column} {kind}" for column, kind in (columns | dict.fromkeys(extras, "VARCHAR")).items())
    file = "UTINYINT" if len(entries) <= MOST_IN_A_BYTE else "UINTEGER"
    db.rows(f"CREATE TABLE staged (file {file}, u INTEGER, i INTEGER, reason UTINYINT{shape})")
    db.rows("CREATE TABLE rejected_lines (part VARCHAR, file UINTEGER, line BIGINT, reason VARCHAR, value VARCHAR)")
    found = IdEncoder()
    staged: list[StagedSource] = []
    rows = 0
    for number, (entry, reading) in enumerate(zip(entries, read_as, strict=True)):
        with_kind = c.EVENT in fields
        stored = [f"({_STORED.get(x, x)})::{kind} AS {x}" for x, kind in columns.items() if x != "kind"]
        wanted = ", ".join(
            ("u", "i", "reason::UTINYINT AS reason", *stored, *([c.EVENT] if with_kind else []), *extras)
        )
        scan = event_rows(db, entry, reading, extras, as_written=True, rejects=entry.source.kind == "text")
        first_row = rows
        for piece in db.stream(f"SELECT {wanted} FROM ({scan})", PIECE, on_source(number)):
            db.insert("staged", _staged(db, piece, number, found))
            rows += len(piece)
        keep_rejects(db, "events", number, entry.source)
        staged.append(StagedSource(entry, number, first_row, reading, event_rows(db, entry, reading, extras)))
    found.keep(db)
    return Staged(tuple(staged), extras, fields, tuple(found.kinds), found)


def _staged(db: DuckSession, rows: "pa.Table", number: int, found: IdEncoder) -> "pa.Table":
    """Rows of source `number` as the table has them."""
    import numpy as np
    import pyarrow as pa

    batches = []
    for batch in rows.to_batches():
        coded = found.coded(db, batch)
        columns: dict[str, Any] = {"file": np.full(len(batch), number, dtype=np.uint32)}
        for name in batch.schema.names:
            if name == c.EVENT:
                columns["kind"] = coded["kind"]
            else:
                columns[name] = coded.get(name, batch.column(name))
        batches.append(pa.RecordBatch.from_pydict(columns))
    return pa.Table.from_batches(batches)


def trial(db: DuckSession, entry: Recognised, reading: Reading | None, rows: int = SAMPLED) -> "Trial":
    """What would become of the first rows of a source."""
    scan = event_rows(db, entry, reading, {})
    db.rows(
        f"CREATE OR REPLACE TABLE trial AS SELECT u, i, ts, kind, reason, bad "
        f"FROM (SELECT *, lower(trim({c.EVENT})) AS kind FROM ({scan})) LIMIT {rows}"
    )
    reasons = db.rows("SELECT reason, count(*), any_value(bad) FROM trial WHERE reason > 0 GROUP BY 1 ORDER BY 2 DESC")
    kinds = db.rows(
        "SELECT coalesce(kind, ''), count(*) FROM trial WHERE reason = 0 GROUP BY 1 ORDER BY 2 DESC, 1 "
        f"LIMIT {MOST_KINDS + 1}"
    )
    seen, users, items, first, last = db.one(
        "SELECT count(*), count(DISTINCT u), count(DISTINCT i), min(ts) FILTER (reason = 0), "
        "max(ts) FILTER (reason = 0) FROM trial"
    )
    bad = {REASONS[code]: (count, str(example or "")) for code, count, example in reasons}
    return Trial(seen, users, items, first, last, bad, [str(k) for k, _ in kinds] if c.EVENT in entry.mapped else [])


@dataclass(frozen=True)
class Trial:
    """Counts over the first rows of a source: rows, users, items, first and last time, rejects (reason to count and an
    example), kinds of events."""

    rows: int
    users: int
    items: int
    first: datetime | None
    last: datetime | None
    rejects: dict[str, tuple[int, str]]
    kinds: list[str]


def insert_files(
    db: DuckSession,
    part: str,
    entries: Sequence[Recognised],
    select: Callable[[Recognised], str],
    rows: dict[tuple[str, int], int],
) -> None:
    """Put what `select` reads of every file of the part into `raw_items` or `raw_users`, count it in `rows`, and keep
    what was rejected."""
    before = 0
    for number, entry in enumerate(entries):
        db.run(f"INSERT INTO raw_{part} {select(entry)}")
        after = db.one(f"SELECT count(*) FROM raw_{part}")[0]
        rows[part, number], before = after - before, after
        keep_rejects(db, part, number, entry.source)


def keep_rejects(db: DuckSession, part: str, number: int, source: Source) -> None:
    """Move what the reader of text files rejected into `rejected_lines`, one row per line of the file; and what was set
    aside before, because its quotes do not close, or its file was put together with another one."""
    for unread in source.unread:
        db.rows(
            f"INSERT INTO rejected_lines VALUES ({duckdb_session.text(part)}, {number}, {unread.record}, "
            f"{duckdb_session.text(unread.reason)}, {duckdb_session.text(unread.value)})"
        )
    place = f"{duckdb_session.text(part)}, {number}"
    for file in source.made_of:
        path = duckdb_session.text(str(file.path))
        db.rows(f"INSERT INTO rejected_lines SELECT {place}, line, reason, value FROM {UNREAD} WHERE path = {path}")
    move_rejects(db, source, "rejected_lines", place)

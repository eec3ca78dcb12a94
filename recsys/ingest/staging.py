"""Events from files into one table of DuckDB: every row with its fields, and the reason when it cannot be used.

Files are read once. What DuckDB reads and checks comes by in pieces, and goes into the table with numbers for ids.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from recsys import columns as c
from recsys.errors import InvalidInput
from recsys.ingest import duckdb_session, timestamps
from recsys.ingest.config import MOST_QUANTITY, MOST_VALUE, ImportPlan
from recsys.ingest.duckdb_session import DuckSession, OnFraction
from recsys.ingest.id_encoder import MOST_KINDS, NO_OBJECT, IdEncoder, id_sql
from recsys.ingest.schema import ITEM_FIELDS, GivenMapping, Mapped, mapping
from recsys.ingest.sources import IS_OBJECT, Source
from recsys.ingest.timestamps import Ambiguous, Reading

if TYPE_CHECKING:
    import pyarrow as pa

PIECE = 1_000_000
"""Rows that go into the table at once."""

MOST_IN_A_BYTE = 256
SAMPLED = 20_000
REASONS: dict[int, str] = {
    1: "no user_id",
    2: "no item_id",
    3: "no timestamp",
    4: "timestamp cannot be read",
    5: f"timestamp before {timestamps.EARLIEST} or after {timestamps.LATEST}",
    6: "quantity is no number",
    7: f"quantity beyond {MOST_QUANTITY:,.0f}",
    8: "value is no number",
    9: "rating is no number",
    NO_OBJECT: "line is no JSON object",
    11: f"value beyond {MOST_VALUE:,.0f}",
    12: f"rating beyond {MOST_QUANTITY:,.0f}",
}
_COLUMNS = {
    c.TIMESTAMP: ("ts", "UINTEGER"), c.EVENT: ("kind", "UTINYINT"), c.QUANTITY: ("q", "FLOAT"), c.VALUE: ("v", "FLOAT"),
    c.PRICE: ("v", "FLOAT"), c.RATING: ("r", "FLOAT"),
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

    source: Source
    number: int
    first_row: int
    mapped: Mapped
    reading: Reading | None
    checked: str

    def rejected(self) -> str:
        """SQL of `reason` and `bad` of its rejected rows, in their order."""
        return f"SELECT reason, bad, * EXCLUDE (reason, bad) FROM ({self.checked}) WHERE reason > 0"


@dataclass(frozen=True)
class Staged:
    """All events in the table `staged`, the ids in `user_ids` and `item_ids`.

    Columns: file, u, i (numbers of the ids), reason, and, where a source has such a field, ts (seconds since 1970),
    kind (place in `kinds`), q, v, r; and the `extras`.

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
    sources: Sequence[Source],
    plan: ImportPlan,
    given: GivenMapping,
    on_source: Callable[[int], OnFraction],
) -> Staged:
    """Read all sources into the table `staged`; parse rejects of source n go to the table `rejected_lines`.

    Args:
        given: what of the plan's mapping concerns events.
        on_source: gives what hears how far the reading of source n is.

    Raises:
        InvalidInput: the column of kinds of events holds too many.
    """
    mapped = [mapping(s.columns, "events", given, s.shown, extra=True) for s in sources]
    read_as = readings(db, sources, mapped, plan)
    extras: dict[str, tuple[str, str]] = {}
    for part in mapped:
        for name in (x for x in _EXTRA if x in part):
            for column in part[name]:
                if (name, column) not in extras.values():
                    extras[f"x{len(extras)}"] = (name, column)
    fields = frozenset(x for part in mapped for x in part)
    columns = {column: kind for name, (column, kind) in _COLUMNS.items() if name in fields}
    shape = "".join(f", {column} {kind}" for column, kind in (columns | dict.fromkeys(extras, "VARCHAR")).items())
    file = "UTINYINT" if len(sources) <= MOST_IN_A_BYTE else "UINTEGER"
    db.rows(f"CREATE TABLE staged (file {file}, u INTEGER, i INTEGER, reason UTINYINT{shape})")
    db.rows("CREATE TABLE rejected_lines (part VARCHAR, file UINTEGER, line BIGINT, reason VARCHAR)")
    found = IdEncoder()
    staged: list[StagedSource] = []
    rows = 0
    for number, (source, part, reading) in enumerate(zip(sources, mapped, read_as, strict=True)):
        with_kind = c.EVENT in fields
        stored = [f"({_STORED.get(x, x)})::{kind} AS {x}" for x, kind in columns.items() if x != "kind"]
        wanted = ", ".join(
            ("u", "i", "reason::UTINYINT AS reason", *stored, *([c.EVENT] if with_kind else []), *extras)
        )
        scan = _checked(db, source, part, reading, extras, as_written=True, rejects=source.kind == "text")
        first_row = rows
        for piece in db.stream(f"SELECT {wanted} FROM ({scan})", PIECE, on_source(number)):
            db.insert("staged", _staged(db, piece, number, found))
            rows += len(piece)
        keep_rejects(db, "events", number)
        checked = _checked(db, source, part, reading, extras)
        staged.append(StagedSource(source, number, first_row, part, reading, checked))
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


def trial(db: DuckSession, source: Source, part: Mapped, reading: Reading | None, rows: int = SAMPLED) -> "Trial":
    """What would become of the first rows of a source."""
    scan = _checked(db, source, part, reading, {}, rejects=source.kind == "text")
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
    return Trial(seen, users, items, first, last, bad, [str(k) for k, _ in kinds] if c.EVENT in part else [])


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


def keep_rejects(db: DuckSession, part: str, number: int) -> None:
    """Move what the reader of text files rejected into `rejected_lines`, one row per line of the file."""
    if not db.one("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'reject_errors'")[0]:
        return
    db.rows(
        f"INSERT INTO rejected_lines SELECT {duckdb_session.text(part)}, {number}, line, "
        "arg_min(lower(CAST(error_type AS VARCHAR)), byte_position) FROM reject_errors GROUP BY line"
    )
    db.rows("DELETE FROM reject_errors")
    db.rows("DELETE FROM reject_scans")


def number_sql(text: str, *, decimal_comma: bool) -> str:
    """A number: with a decimal comma where the column is written so, otherwise also as $1,234.50."""
    if decimal_comma:
        return f"try_cast(replace(replace(trim({text}, ' $€£'), '.', ''), ',', '.') AS DOUBLE)"
    plain = f"try_cast({text} AS DOUBLE)"
    grouped = f"regexp_matches({text}, '^\\s*[-$€£]*\\s*\\d{{1,3}}(,\\d{{3}})*(\\.\\d+)?\\s*[$€£]?\\s*$')"
    stripped = f"try_cast(regexp_replace({text}, '[^-0-9.]', '', 'g') AS DOUBLE)"
    return f"coalesce({plain}, CASE WHEN {grouped} THEN {stripped} END)"


def comma_sql(db: DuckSession, source: Source, column: str) -> bool:
    """Whether the first values of a column are written with a decimal comma: 3,50 rather than 3.50 or 1,000."""
    values = sample(db, source, column, 2000)
    commas = sum("," in v and v.rpartition(",")[2].strip(" €$£").isdigit() for v in values)
    thousands = sum(len(v.rpartition(",")[2].strip(" €$£")) == 3 for v in values if "," in v)
    points = sum("." in v.rpartition(",")[2] for v in values)
    return commas > 0 and points == 0 and thousands < commas


def sample(db: DuckSession, source: Source, column: str, limit: int = SAMPLED) -> list[str]:
    """The first values of a column that are not empty."""
    value = source.expression(column)
    found = db.rows(f"SELECT x FROM (SELECT {value} AS x FROM {source.scan()}) WHERE x IS NOT NULL LIMIT {limit}")
    return [str(row[0]) for row in found]


def readings(
    db: DuckSession, sources: Sequence[Source], mapped: Sequence[Mapped], plan: ImportPlan
) -> list[Reading | None]:
    """How the times of each source are read; None where it has none.

    Raises:
        Ambiguous: the day and the month could be either, in all sources.
        InvalidInput: times in a form that is not known, a stated form that is none, or times in some sources only.
    """
    if "%" in (plan.timestamp_format or ""):
        try:
            db.rows(f"SELECT try_strptime('', {duckdb_session.text(plan.timestamp_format)})")
        except InvalidInput as error:
            raise InvalidInput(
                f"--timestamp-format {plan.timestamp_format!r} is no form of times; write it as in '%d/%m/%Y %H:%M' "
                "(strptime), or iso, s, ms, us or ns."
            ) from error
    found: list[Reading | None] = []
    unsettled: list[int] = []
    for number, (source, part) in enumerate(zip(sources, mapped, strict=True)):
        if c.TIMESTAMP not in part:
            found.append(None)
            continue
        column = part[c.TIMESTAMP][0]
        where = f"{source.shown}, column {column!r},"
        values = sample(db, source, column)
        try:
            found.append(timestamps.detect(values, where, stated=plan.timestamp_format))
        except Ambiguous as error:
            settling = _settling(db, source, column)
            if settling:
                found.append(timestamps.detect([*values, *settling], where))
            else:
                found.append(None)
                unsettled.append(number)
                problem = error
    if unsettled:
        settled = next((r for r in found if r is not None and r.day_first is not None), None)
        if settled is None:
            raise problem
        found = [settled if number in unsettled else r for number, r in enumerate(found)]
    with_times = sum(c.TIMESTAMP in part for part in mapped)
    if 0 < with_times < len(sources):
        lacking = next(s.shown for s, part in zip(sources, mapped, strict=True) if c.TIMESTAMP not in part)
        raise InvalidInput(
            f"{lacking} has no column of timestamps, but other files have one. Name it (--map timestamp=COLUMN), "
            "or leave times out everywhere (--map timestamp=)."
        )
    return found


def _settling(db: DuckSession, source: Source, column: str) -> list[str]:
    """Values anywhere in a column that tell day from month."""
    value = source.expression(column)
    over = "(1[3-9]|2[0-9]|3[01])"
    row = db.one(
        f"SELECT any_value(x) FILTER (regexp_matches(x, '^\\s*{over}[-/.]')), "
        f"any_value(x) FILTER (regexp_matches(x, '^\\s*[0-9]+[-/.]{over}[-/.]')) "
        f"FROM (SELECT {value} AS x FROM {source.scan()})"
    )
    return [str(x) for x in row if x is not None]


def _checked(
    db: DuckSession,
    source: Source,
    part: Mapped,
    reading: Reading | None,
    extras: dict[str, tuple[str, str]],
    *,
    as_written: bool = False,
    rejects: bool = False,
) -> str:
    """SQL of the rows of a source, in their order, with the reason why one cannot be used.

    Args:
        as_written: with ids that are a word for a missing one, which are none otherwise.
    """

    def raw(name: str) -> str:
        return source.expression(part[name][0]) if name in part else "CAST(NULL AS VARCHAR)"

    def parsed(name: str) -> str:
        if name not in part:
            return "CAST(NULL AS DOUBLE)"
        return number_sql(f"{name}_text", decimal_comma=comma_sql(db, source, part[name][0]))

    numbers = (c.QUANTITY, c.VALUE, c.PRICE, c.RATING)
    texts = ", ".join(f"{raw(name)} AS {name}_text" for name in (c.TIMESTAMP, *numbers))
    more = {x: source.expression(col) if col in part.get(name, ()) else "NULL" for x, (name, col) in extras.items()}
    user, item = (raw(x) if as_written else id_sql(raw(x)) for x in (c.USER, c.ITEM))
    ids = f"{user} AS u, {item} AS i, {raw(c.EVENT)} AS {c.EVENT}"
    inner = (
        f"SELECT {ids}, {texts}"
        + (f", {IS_OBJECT} AS whole" if source.kind == "json" else "")
        + "".join(f", {sql} AS {x}" for x, sql in more.items())
        + f" FROM {source.scan(rejects=rejects)}"
    )
    ts = reading.sql(f"{c.TIMESTAMP}_text") if reading else "CAST(NULL AS TIMESTAMP)"
    middle = f"SELECT *, {ts} AS ts, " + ", ".join(f"{parsed(name)} AS {name}" for name in numbers) + f" FROM ({inner})"
    value = f"coalesce({c.VALUE}, {c.PRICE} * coalesce({c.QUANTITY}, 1))" if c.VALUE not in part else c.VALUE

    def no_number(name: str) -> str:
        return f"{name}_text IS NOT NULL AND ({name} IS NULL OR NOT isfinite({name}))"

    checks: list[tuple[int, str, str]] = [(1, "u IS NULL", "''"), (2, "i IS NULL", "''")]
    if source.kind == "json":
        checks.insert(0, (NO_OBJECT, "NOT whole", "''"))
    if reading:
        text = f"{c.TIMESTAMP}_text"
        checks += [
            (3, f"{text} IS NULL", "''"),
            (4, "ts IS NULL", text),
            (5, f"ts < TIMESTAMP '{timestamps.EARLIEST}' OR ts >= TIMESTAMP '{timestamps.LATEST}'", text),
        ]
    if c.QUANTITY in part:
        checks += [
            (6, no_number(c.QUANTITY), f"{c.QUANTITY}_text"),
            (7, f"abs({c.QUANTITY}) > {MOST_QUANTITY}", f"{c.QUANTITY}_text"),
        ]
    for code, name in ((8, c.VALUE), (8, c.PRICE), (9, c.RATING)):
        if name in part:
            checks.append((code, no_number(name), f"{name}_text"))
    for code, name, number, most in (
        (11, c.VALUE, value, MOST_VALUE),
        (11, c.PRICE, value, MOST_VALUE),
        (12, c.RATING, c.RATING, MOST_QUANTITY),
    ):
        if name in part:
            checks.append((code, f"abs({number}) > {most}", f"{name}_text"))
    reason = "CASE " + " ".join(f"WHEN {test} THEN {code}" for code, test, _ in checks) + " ELSE 0 END"
    bad = "CASE " + " ".join(f"WHEN {test} THEN left({shown}, 200)" for _, test, shown in checks) + " END"
    return (
        f"SELECT u, i, ts, {c.EVENT}, {c.QUANTITY} AS q, {value} AS v, {c.RATING} AS r, {reason} AS reason, "
        + f"{bad} AS bad"
        + "".join(f", {x}" for x in more)
        + f" FROM ({middle})"
    )

"""How the times of each file of events are read, as their values tell."""

from collections.abc import Sequence

from recsys import columns as c
from recsys.errors import InvalidInput
from recsys.ingest import duckdb_session
from recsys.ingest.cells import timestamps
from recsys.ingest.cells.timestamps import Ambiguous, Reading
from recsys.ingest.columns.recognise import Recognised
from recsys.ingest.config import ImportPlan
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.files.sources import Source

SAMPLED = 20_000


def time_text(source: Source, columns: Sequence[str]) -> str:
    """SQL of the text of a time: of one column, or of a day and a time of the day."""
    day = source.expression(columns[0])
    if len(columns) == 1:
        return day
    clock = source.expression(columns[1])
    plain = f"regexp_replace({day}, '[ T]00:00(:00(\\.0+)?)?$', '')"
    return f"CASE WHEN {day} IS NOT NULL THEN concat_ws(' ', {plain}, {clock}) END"


def sample(db: DuckSession, source: Source, columns: Sequence[str], limit: int = SAMPLED) -> list[str]:
    """The first times of a file that are not empty, as text."""
    return texts(db, source, time_text(source, columns), limit)


def texts(db: DuckSession, source: Source, sql: str, limit: int = SAMPLED) -> list[str]:
    """The first values of an expression that are not empty."""
    found = db.rows(f"SELECT x FROM (SELECT {sql} AS x FROM {source.scan()}) WHERE x IS NOT NULL LIMIT {limit}")
    return [str(row[0]) for row in found]


def readings(db: DuckSession, entries: Sequence[Recognised], plan: ImportPlan) -> list[Reading | None]:
    """How the times of each source are read; None where it has none.

    Raises:
        Ambiguous: the day and the month could be either, in all sources.
        InvalidInput: times in a form that is not known, a stated form that is none, or times in some sources only.
    """
    _check_stated(db, plan)
    found: list[Reading | None] = []
    unsettled: list[int] = []
    for number, entry in enumerate(entries):
        columns = entry.mapped.get(c.TIMESTAMP, ())
        if not columns:
            found.append(None)
            continue
        where = f"{entry.source.shown}, column {' and '.join(map(repr, columns))},"
        values = sample(db, entry.source, columns)
        try:
            found.append(timestamps.detect(values, where, stated=plan.timestamp_format))
        except Ambiguous as error:
            settling = _settling(db, entry.source, columns)
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
    with_times = sum(c.TIMESTAMP in entry.mapped for entry in entries)
    if 0 < with_times < len(entries):
        lacking = next(entry.source.shown for entry in entries if c.TIMESTAMP not in entry.mapped)
        raise InvalidInput(
            f"{lacking} has no column of timestamps, but other files have one. Name it (--map timestamp=COLUMN), "
            "or leave times out everywhere (--map timestamp=)."
        )
    return found


def _check_stated(db: DuckSession, plan: ImportPlan) -> None:
    if "%" not in (plan.timestamp_format or ""):
        return
    try:
        db.rows(f"SELECT try_strptime('', {duckdb_session.text(plan.timestamp_format)})")
    except InvalidInput as error:
        raise InvalidInput(
            f"--timestamp-format {plan.timestamp_format!r} is no form of times; write it as in {timestamps.EXAMPLE}."
        ) from error


def _settling(db: DuckSession, source: Source, columns: Sequence[str]) -> list[str]:
    """Values anywhere in a column that tell day from month."""
    over = "(1[3-9]|2[0-9]|3[01])"
    row = db.one(
        f"SELECT any_value(x) FILTER (regexp_matches(x, '^\\s*{over}[-/. ]')), "
        f"any_value(x) FILTER (regexp_matches(x, '^\\s*[0-9]+[-/. ]{over}[-/. ]')) "
        f"FROM (SELECT {time_text(source, columns)} AS x FROM {source.scan()})"
    )
    return [str(x) for x in row if x is not None]

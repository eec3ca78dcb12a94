"""How the times of each file of events are read, as their values tell."""

from collections.abc import Sequence

from recsys import columns as c
from recsys.errors import InvalidInput
from recsys.ingest import duckdb_session
from recsys.ingest.cells import timestamps
from recsys.ingest.cells.timestamps import Ambiguous, Reading
from recsys.ingest.columns.recognise import Recognised
from recsys.ingest.columns.time_columns import is_hour, is_part
from recsys.ingest.config import ImportPlan
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.files.sources import Source

SAMPLED = 20_000


def time_text(entry: Recognised, columns: Sequence[str]) -> str:
    """SQL of the text of a time: of one column, of a day and a time of the day, or of year, month, day and maybe a time
    of the day."""
    parts = [entry.source.expression(x) for x in columns]
    if len(parts) == 1:
        return parts[0]
    if _begins_with_year(entry, columns):
        year, month, day = (f"regexp_replace(trim({x}), '\\.0+$', '')" for x in [*parts, "'1'"][:3])
        if entry.contents[columns[1]].months:
            text = f"concat({day}, ' ', {month}, ' ', {year})"
        else:
            text = f"concat({year}, '-', {month}, '-', {day})"
        there = " AND ".join(f"{x} IS NOT NULL" for x in parts[:3])
        clock = columns[3:4]
    else:
        text = f"regexp_replace({parts[0]}, '[ T](00?:00(:00(\\.0+)?)?|12:00(:00)? [Aa][Mm])(Z|[+-]00:?00)?$', '')"
        if entry.contents[columns[0]].compact_days:
            text = f"regexp_replace({text}, '^(\\d{{4}})(\\d\\d)(\\d\\d)$', '\\1-\\2-\\3')"
        there, clock = f"{parts[0]} IS NOT NULL", columns[1:2]
    whole = f"concat_ws(' ', {text}{''.join(f', {_clock_text(entry, x)}' for x in clock)})"
    return f"CASE WHEN {there} THEN {whole} END"


def _begins_with_year(entry: Recognised, columns: Sequence[str]) -> bool:
    """Whether several columns of a time are a year, a month and so on, not a day and a time of the day."""
    return is_part(entry.contents[columns[0]], 1970, 2100) and is_part(entry.contents[columns[1]], 1, 12)


def _clock_text(entry: Recognised, column: str) -> str:
    """SQL of a time of the day as a clock, where it is written as an hour or as HHMM or HHMMSS."""
    content, text = entry.contents[column], entry.source.expression(column)
    if is_hour(column, content):
        return f"regexp_replace(trim({text}), '\\.0+$', '') || ':00'"
    if content.dotted_clocks:
        return f"replace({text}, '.', ':')"
    if not content.clock_digits:
        return text
    digits = max(map(len, content.looked_at)) + max(map(len, content.looked_at)) % 2
    groups = "(\\d\\d)" * (digits // 2)
    clock = ":".join(f"\\{n}" for n in range(1, digits // 2 + 1))
    padded = f"CASE WHEN length(trim({text})) < {digits} THEN lpad(trim({text}), {digits}, '0') ELSE trim({text}) END"
    return f"regexp_replace({padded}, '^{groups}$', '{clock}')"


def sample(db: DuckSession, entry: Recognised, columns: Sequence[str], limit: int = SAMPLED) -> list[str]:
    """The first times of a file that are not empty, as text."""
    return texts(db, entry.source, time_text(entry, columns), limit)


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
        values = sample(db, entry, columns)
        try:
            found.append(timestamps.detect(values, where, stated=plan.timestamp_format))
        except Ambiguous as error:
            settling = _settling(db, entry, columns)
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
    filled = [entry for entry in entries if any(x.values for x in entry.contents.values())]
    with_times = sum(c.TIMESTAMP in entry.mapped for entry in filled)
    if 0 < with_times < len(filled):
        lacking = next(entry.source.shown for entry in filled if c.TIMESTAMP not in entry.mapped)
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


def _settling(db: DuckSession, entry: Recognised, columns: Sequence[str]) -> list[str]:
    """Values anywhere in a column that tell day from month."""
    over = "(1[3-9]|2[0-9]|3[01])"
    row = db.one(
        f"SELECT any_value(x) FILTER (regexp_matches(x, '^\\s*{over}[-/. ]')), "
        f"any_value(x) FILTER (regexp_matches(x, '^\\s*[0-9]+[-/. ]{over}[-/. ]')) "
        f"FROM (SELECT {time_text(entry, columns)} AS x FROM {entry.source.scan()})"
    )
    return [str(x) for x in row if x is not None]

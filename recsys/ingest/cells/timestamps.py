"""Times in files: which way they are written, and the SQL that reads them. Nothing is guessed in silence."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

from recsys.errors import InvalidInput
from recsys.ingest import duckdb_session
from recsys.ingest.cells.any_time import any_time
from recsys.ingest.cells.calendar_words import AMBIGUOUS_ZONES
from recsys.ingest.cells.day_order import DAY_MONTH, clock_of, day_comes_first, form_of, year_comes_first
from recsys.ingest.cells.vocabulary import is_no_value
from recsys.ingest.duckdb_session import DuckSession

EARLIEST, LATEST = "1970-01-01", "2100-01-01"
"""Times outside are rejected: one row of the year 9999 would leave nothing to learn from."""

MOST = 0.5
"""A way of reading must fit more than this share of the values."""

_EPOCHS = ((1e11, "s", 1_000_000.0), (1e14, "ms", 1_000.0), (1e17, "us", 1.0), (float("inf"), "ns", 0.001))
_EPOCH_WORDS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_LEAST_EPOCH = 1e8
"""Seconds since 1970 below this are of 1973 or before: such a number is no time, or 0 for none."""

_SERIALS = (20_000.0, 80_000.0)
"""Days since 1899-12-30, as spreadsheets count them: 1954 to 2119."""

_MOST_DAYS = 10_000
_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?([eE][+]?\d+)?")
_SHORTENED = re.compile(r"\d(?:[.,](\d+))?[eE]\+?\d{1,2}")
_DIGITS = 9
"""Digits behind the point of a time in seconds, as 1.704299784E9 has them."""

_ISO = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T].*)?")
_ISO_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d")
"""Without an offset: read four times as fast as by a cast that looks for one, to the same times."""

_COMPACT = re.compile(r"(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])((0\d|1\d|2[0-3])[0-5]\d([0-5]\d)?)?")
_YEAR_FIRST = re.compile(r"\d{4}([/.])\d{1,2}\1\d{1,2}(?!\d)")
_ZONE_WORD = re.compile(r":\d{2}(?:[.,]\d+)?\s*(?:[AaPp]\.?[Mm]\.?)?\s*([A-Za-z]{2,5})\b")
_CLOCKS = ("", " %H:%M:%S", " %H:%M", " %H:%M:%S.%f", " %I:%M:%S %p", " %I:%M %p", "T%H:%M:%S", "T%H:%M", ", %H:%M:%S",
           ", %H:%M")  # fmt: skip
_DAYS_SINCE = re.compile(r"days?\s+(?:since|from)\s+(\d{4}-\d{2}-\d{2})", re.I)
EXAMPLE = (
    "--timestamp-format '%d.%m.%Y %H:%M' (strptime), or iso, s, ms, us or ns since 1970, or 'days since 2024-01-01'"
)


@dataclass(frozen=True)
class Reading:
    """How the times of a column are read.

    Attributes:
        kind: "iso", "epoch", "format", "any" (months by name, offsets and other forms), "serial" or "days".
        words: said in the report.
        formats: strptime formats, tried in order before the other forms.
        factor: microseconds per unit of an epoch; None: each row in the unit that its size tells.
        day_first: of dates such as 3/4/2024; None where the question does not arise.
        start: the day that day numbers count from.
        notes: what somebody should check, in words.
    """

    kind: str
    words: str
    formats: tuple[str, ...] = ()
    factor: float | None = None
    day_first: bool | None = None
    start: str = ""
    notes: tuple[str, ...] = ()

    def sql(self, text: str) -> str:
        """SQL from a text expression to TIMESTAMP in UTC; NULL where it cannot be read."""
        other = _any_sql(text, day_first=self.day_first)
        if self.kind == "iso":
            any_zone = (
                f"CASE WHEN regexp_matches({text}, '\\s[A-Za-z]{{2,5}}$') THEN NULL ELSE CAST(try_cast("
                f"regexp_replace({text}, '\\s+(Z|[+-]\\d)', '\\1') AS TIMESTAMPTZ) AS TIMESTAMP) END"
            )
            return f"coalesce(try_strptime({text}, {duckdb_session.listed(_ISO_FORMATS)}), {any_zone}, {other})"
        if self.kind == "epoch":
            number = f"try_cast(replace({text}, ',', '.') AS DOUBLE)"
            if self.factor is not None:
                micros = f"{number} * {self.factor!r}"
                return f"CASE WHEN abs({micros}) < 4.2e15 THEN make_timestamp(CAST({micros} AS BIGINT)) END"
            return f"CASE WHEN {number} IS NULL THEN {other} ELSE {_epoch_sql(number)} END"
        if self.kind in ("serial", "days"):
            number = f"try_cast(replace({text}, ',', '.') AS DOUBLE)"
            start = "1899-12-30" if self.kind == "serial" else self.start
            low, high = _SERIALS if self.kind == "serial" else (-_MOST_DAYS, 100_000)
            seconds = f"to_seconds(CAST(round({number} * 86400) AS BIGINT))"
            known = f"CASE WHEN {number} BETWEEN {low} AND {high} THEN TIMESTAMP '{start}' + {seconds} END"
            return f"CASE WHEN {number} IS NULL THEN {other} ELSE {known} END"
        if self.kind == "any":
            return other
        return (
            f"coalesce(CAST(try_strptime(trim({text}), {duckdb_session.listed(self.formats)}) AS TIMESTAMP), {other})"
        )


def detect(sample: Iterable[str], where: str, *, stated: str | None = None) -> Reading:
    """How the values of a column are to be read.

    Args:
        sample: values that are not empty, as many as there are at hand.
        where: names file and column, for messages.
        stated: a strptime format such as `%d/%m/%Y %H:%M`, or "iso", "s", "ms", "us", "ns", or "days since 2024-01-01":
            goes before the data.

    Raises:
        Ambiguous: the day and the month could be either, in all of the sample.
        InvalidInput: no way of reading fits most values.
    """
    if stated:
        return _stated(stated)
    values = [value.strip() for value in sample if not is_no_value(value)]
    if not values:
        return Reading("iso", "no values")
    return _with_zones(_detect(values, where), values)


def _detect(values: Sequence[str], where: str) -> Reading:
    most = MOST * len(values)
    if sum(bool(_COMPACT.fullmatch(v)) for v in values) > most:
        formats = ("%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%d%H%M")
        return Reading("format", "dates written as YYYYMMDD", formats)
    numbers = [float(v.replace(",", ".")) for v in values if _NUMBER.fullmatch(v)]
    if len(numbers) > most:
        return _of_numbers(numbers, values, where)
    if sum(bool(_ISO.fullmatch(v)) for v in values) > most:
        words = "ISO dates; times with an offset are brought to UTC, others are kept as written"
        return Reading("iso", words, day_first=day_comes_first(values))
    slashed = [match for v in values if (match := DAY_MONTH.match(v))]
    if len(slashed) > most:
        return _day_month(slashed, values, where)
    if sum(bool(_YEAR_FIRST.match(v)) for v in values) > most:
        mark = _first_mark(values)
        return _with_clocks(f"%Y{mark}%m{mark}%d", values, f"year{mark}month{mark}day")
    words = f"dates such as {values[0]!r}; offsets are brought to UTC"
    found = Reading("any", words, day_first=day_comes_first(values))
    if readable(values, found) > MOST:
        return found
    odd = next((value for value in values if any_time(value, True) is None), values[0])
    raise InvalidInput(f"{where} holds {odd!r}, which is no time in a form known here. State the form: {EXAMPLE}.")


class Ambiguous(InvalidInput):
    """Day and month could be either."""


def readable(values: Sequence[str], reading: Reading) -> float:
    """The share of some values that can be read so."""
    if not values:
        return 0.0
    sql = reading.sql("x")
    n = _reader().one(f"SELECT count({sql}) FROM (SELECT unnest({duckdb_session.listed(values)}) AS x)")[0]
    return float(n / len(values))


def _of_numbers(numbers: Sequence[float], values: Sequence[str], where: str) -> Reading:
    middle = sorted(abs(n) for n in numbers)[len(numbers) // 2]
    if middle >= _LEAST_EPOCH:
        units = Counter(next(unit for limit, unit, _ in _EPOCHS if abs(n) < limit) for n in numbers)
        named = " and ".join(_EPOCH_WORDS[unit] for unit, _ in units.most_common())
        each = ", each row in its own unit" if len(units) > 1 else ""
        shortened = next((v for v in values if (cut := _SHORTENED.fullmatch(v)) and len(cut[1] or "") < _DIGITS), None)
        notes = () if shortened is None else (f"times such as {shortened!r} were shortened by a spreadsheet: several "
                                              "have become one; export them as text",)  # fmt: skip
        return Reading("epoch", f"{named} since 1970{each}, UTC", notes=notes)
    if _SERIALS[0] <= middle <= _SERIALS[1]:
        return Reading("serial", f"day numbers of a spreadsheet, such as {values[0]}: days since 1899-12-30")
    if middle <= _MOST_DAYS and all(n == int(n) for n in numbers):
        raise InvalidInput(
            f"{where} holds whole numbers such as {values[0]!r}, which may count days. Name the day they count from: "
            "--timestamp-format 'days since 2024-01-01'; or leave the times out: --map timestamp="
        )
    raise InvalidInput(
        f"{where} holds numbers such as {values[0]!r}, too small for a time since 1970 in seconds. If they count days, "
        "name the first one: --timestamp-format 'days since 1970-01-01'; or map another column, or leave the times "
        "out: --map timestamp="
    )


def _with_zones(reading: Reading, values: Sequence[str]) -> Reading:
    """With a note on abbreviations of zones that two parts of the world use."""
    if reading.kind in ("epoch", "serial", "days"):
        return reading
    seen = Counter(match[1].lower() for v in values if (match := _ZONE_WORD.search(v)))
    notes = tuple(
        f"the zone {zone.upper()} is taken for {AMBIGUOUS_ZONES[zone]}" for zone in seen if zone in AMBIGUOUS_ZONES
    )
    return replace(reading, notes=(*reading.notes, *notes))


def _stated(stated: str) -> Reading:
    for _, unit, factor in _EPOCHS:
        if stated == unit:
            return Reading("epoch", f"{_EPOCH_WORDS[unit]} since 1970, as stated", factor=factor)
    if stated.lower() == "iso":
        return Reading("iso", "ISO dates, as stated")
    if days := _DAYS_SINCE.fullmatch(stated.strip()):
        try:
            date.fromisoformat(days[1])
        except ValueError as error:
            raise InvalidInput(f"--timestamp-format {stated!r}: {days[1]} is no day.") from error
        return Reading("days", f"{stated.strip()}, as stated", start=days[1])
    if "%" not in stated:
        raise InvalidInput(f"--timestamp-format {stated!r}: write it as in {EXAMPLE}.")
    day = stated.find("%d") < stated.find("%m") if "%d" in stated and "%m" in stated else None
    return Reading("format", f"{stated}, as stated", (stated,), day_first=day)


def _day_month(matches: Sequence[re.Match[str]], values: Sequence[str], where: str) -> Reading:
    mark = matches[0][2]
    if year_comes_first(matches):
        return _with_clocks(f"%y{mark}%m{mark}%d", values, f"year{mark}month{mark}day, of years with two digits")
    day_first = sum(int(m[1]) > 12 for m in matches)
    month_first = sum(int(m[3]) > 12 for m in matches)
    year = "%Y" if len(matches[0][4]) == 4 else "%y"
    if day_first == month_first == 0 and mark != ".":
        raise Ambiguous(
            f"{where} holds dates such as {values[0]!r}: day or month first? No row settles it. State it: "
            f"--timestamp-format '%d{mark}%m{mark}{year}...' or '%m{mark}%d{mark}{year}...' "
            f"(here: '{form_of(values[0], day_first=True)}' or '{form_of(values[0], day_first=False)}')."
        )
    first = day_first >= month_first
    if first:
        seen = day_first
        words = f"day{mark}month{mark}year" + (
            f", settled by {seen:,} of {len(matches):,} rows looked at" if seen else ", as is usual with dots"
        )
        return _with_clocks(f"%d{mark}%m{mark}{year}", values, words, day_first=True)
    words = f"month{mark}day{mark}year, settled by {month_first:,} of {len(matches):,} rows looked at"
    return _with_clocks(f"%m{mark}%d{mark}{year}", values, words, day_first=False)


def _with_clocks(form: str, values: Sequence[str], words: str, *, day_first: bool | None = None) -> Reading:
    formats = tuple(form + clock for clock in _CLOCKS)
    likely = form + clock_of(re.sub(r"^\d+[-/. ]\d+[-/. ]\d+", "", values[0]))
    return Reading("format", words, tuple(dict.fromkeys((likely, *formats))), day_first=day_first)


def _first_mark(values: Sequence[str]) -> str:
    return next(match[1] for value in values if (match := _YEAR_FIRST.match(value)))


def _epoch_sql(number: str) -> str:
    """SQL from a number to the time since 1970 in the unit that its size tells."""
    cases = [f"WHEN {number} < {_LEAST_EPOCH} THEN NULL"]
    cases += [f"WHEN {number} < {limit} THEN {number} * {factor!r}" for limit, _, factor in _EPOCHS[:-1]]
    micros = f"CASE {' '.join(cases)} WHEN {number} < 4e18 THEN {number} * {_EPOCHS[-1][2]!r} END"
    return f"make_timestamp(CAST({micros} AS BIGINT))"


ANY_TIME = "any_time"
"""SQL function from a text, and "d", "m" or "" for what comes first, to a time."""


def _any_sql(text: str, *, day_first: bool | None) -> str:
    first = "" if day_first is None else "d" if day_first else "m"
    return f"{ANY_TIME}({text}, '{first}')"


def _any_times(texts: Any, firsts: Any) -> Any:
    """`any_time` of many texts, each different one read once."""
    import pyarrow as pa

    first = firsts[0].as_py() if len(firsts) else ""
    day_first = {"d": True, "m": False}.get(first)
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    coded = (pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole).dictionary_encode()
    read = [None if x is None else any_time(x, day_first) for x in coded.dictionary.to_pylist()]
    return pa.array(read, pa.timestamp("us")).take(coded.indices)


duckdb_session.FUNCTIONS[ANY_TIME] = (_any_times, ("VARCHAR", "VARCHAR"), "TIMESTAMP")


@lru_cache(maxsize=1)
def _reader() -> DuckSession:
    """A database for trying a reading on a few values."""
    return DuckSession(None, memory_mb=100, threads=1)

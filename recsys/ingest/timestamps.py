"""Times in files: which way they are written, and the SQL that reads them. Nothing is guessed in silence."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from recsys.errors import InvalidInput
from recsys.ingest import duckdb_session

EARLIEST, LATEST = "1970-01-01", "2100-01-01"
"""Times outside are rejected: one row of the year 9999 would leave nothing to learn from."""

_EPOCHS = ((1e11, "s", 1_000_000.0), (1e14, "ms", 1_000.0), (1e17, "us", 1.0), (float("inf"), "ns", 0.001))
_EPOCH_WORDS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][+]?\d+)?")
_ISO = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T].*)?")
_ISO_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d")
"""Without an offset: read four times as fast as by a cast that looks for one, to the same times."""

_COMPACT = re.compile(r"(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])((0\d|1\d|2[0-3])[0-5]\d([0-5]\d)?)?")
_DAY_MONTH = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
_YEAR_FIRST = re.compile(r"\d{4}([/.])\d{1,2}\1\d{1,2}(?!\d)")
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_CLOCKS = ("", " %H:%M:%S", " %H:%M", " %H:%M:%S.%f", " %I:%M:%S %p", " %I:%M %p", "T%H:%M:%S", "T%H:%M", ", %H:%M:%S",
           ", %H:%M")  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """How the times of a column are read.

    Attributes:
        kind: "iso", "epoch" or "format".
        formats: strptime formats, tried in order.
        factor: microseconds per unit of an epoch.
        words: said in the report.
        day_first: of dates such as 3/4/2024; None where the question does not arise.
    """

    kind: str
    words: str
    formats: tuple[str, ...] = ()
    factor: float = 1.0
    day_first: bool | None = None

    def sql(self, text: str) -> str:
        """SQL from a text expression to TIMESTAMP in UTC; NULL where it cannot be read."""
        if self.kind == "iso":
            any_zone = f"CAST(try_cast({text} AS TIMESTAMPTZ) AS TIMESTAMP)"
            return f"coalesce(try_strptime({text}, {duckdb_session.listed(_ISO_FORMATS)}), {any_zone})"
        if self.kind == "epoch":
            micros = f"try_cast({text} AS DOUBLE) * {self.factor!r}"
            return f"CASE WHEN abs({micros}) < 4.2e15 THEN make_timestamp(CAST({micros} AS BIGINT)) END"
        parsed = f"try_strptime(trim({text}), {duckdb_session.listed(self.formats)})"
        return f"CAST({parsed} AS TIMESTAMP)"


def detect(sample: Iterable[str], where: str, *, stated: str | None = None) -> Reading:
    """How the values of a column are to be read.

    Args:
        sample: values that are not empty, as many as there are at hand.
        where: names file and column, for messages.
        stated: a strptime format such as `%d/%m/%Y %H:%M`, or "iso", "s", "ms", "us", "ns": goes before the data.

    Raises:
        Ambiguous: the day and the month could be either, in all of the sample.
        InvalidInput: no way of reading fits most values.
    """
    if stated:
        return _stated(stated)
    values = [value.strip() for value in sample if value.strip()]
    if not values:
        return Reading("iso", "no values")
    most = 0.5 * len(values)
    if sum(bool(_COMPACT.fullmatch(v)) for v in values) > most:
        formats = ("%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%d%H%M")
        return Reading("format", "dates written as YYYYMMDD", formats)
    numbers = [float(v) for v in values if _NUMBER.fullmatch(v)]
    if len(numbers) > most:
        middle = sorted(abs(n) for n in numbers)[len(numbers) // 2]
        if middle < 1e8:
            raise InvalidInput(
                f"{where} holds numbers such as {values[0]!r}, too small for a time since 1970 in seconds. "
                "Map another column, or leave the times out: --map timestamp="
            )
        unit, factor = next((unit, factor) for limit, unit, factor in _EPOCHS if middle < limit)
        return Reading("epoch", f"{_EPOCH_WORDS[unit]} since 1970, UTC", factor=factor)
    if sum(bool(_ISO.fullmatch(v)) for v in values) > most:
        return Reading("iso", "ISO dates; times with an offset are brought to UTC, others are kept as written")
    slashed = [match for v in values if (match := _DAY_MONTH.match(v))]
    if len(slashed) > most:
        return _day_month(slashed, values, where)
    if sum(bool(_YEAR_FIRST.match(v)) for v in values) > most:
        mark = _first_mark(values)
        return _with_clocks(f"%Y{mark}%m{mark}%d", values, f"year{mark}month{mark}day")
    if sum(bool(re.search(_MONTHS, v.lower())) for v in values) > most:
        return _named_months(values)
    raise InvalidInput(
        f"{where} holds {values[0]!r}, which is no time in a form known here. State the form: "
        "--timestamp-format '%d %b %Y' (strptime), or s, ms, us for times since 1970."
    )


class Ambiguous(InvalidInput):
    """Day and month could be either."""


def _stated(stated: str) -> Reading:
    for _, unit, factor in _EPOCHS:
        if stated == unit:
            return Reading("epoch", f"{_EPOCH_WORDS[unit]} since 1970, as stated", factor=factor)
    if stated.lower() == "iso":
        return Reading("iso", "ISO dates, as stated")
    if "%" not in stated:
        raise InvalidInput(f"--timestamp-format {stated!r}: write it as in '%d/%m/%Y %H:%M', or iso, s, ms, us or ns.")
    day = stated.find("%d") < stated.find("%m") if "%d" in stated and "%m" in stated else None
    return Reading("format", f"{stated}, as stated", (stated,), day_first=day)


def _day_month(matches: Sequence[re.Match[str]], values: Sequence[str], where: str) -> Reading:
    mark = matches[0][2]
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


def form_of(value: str, *, day_first: bool) -> str:
    """The strptime format of a value such as "3/4/2024 10:15"."""
    match = _DAY_MONTH.match(value)
    if match is None:
        return "%d/%m/%Y" if day_first else "%m/%d/%Y"
    mark = match[2]
    year = "%Y" if len(match[4]) == 4 else "%y"
    date = f"%d{mark}%m{mark}{year}" if day_first else f"%m{mark}%d{mark}{year}"
    return date + _clock_of(value[match.end() :])


def _clock_of(rest: str) -> str:
    if not rest:
        return ""
    half = rest.strip().upper().endswith(("AM", "PM"))
    hour, colons = ("%I" if half else "%H"), rest.count(":")
    lead = "T" if rest.startswith("T") else ", " if rest.startswith(",") else " "
    clock = f"{hour}:%M" + (":%S" if colons > 1 else "") + (".%f" if "." in rest else "")
    return f"{lead}{clock}" + (" %p" if half else "")


def _with_clocks(date: str, values: Sequence[str], words: str, *, day_first: bool | None = None) -> Reading:
    formats = tuple(date + clock for clock in _CLOCKS)
    likely = date + _clock_of(re.sub(r"^\d+[-/.]\d+[-/.]\d+", "", values[0]))
    return Reading("format", words, tuple(dict.fromkeys((likely, *formats))), day_first=day_first)


def _named_months(values: Sequence[str]) -> Reading:
    dates = (
        "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d-%b-%y", "%d/%b/%Y", "%b %d %Y", "%B %d %Y",
        "%a, %d %b %Y", "%a %b %d %Y", "%d. %B %Y",
    )  # fmt: skip
    formats = tuple(date + clock for date in dates for clock in _CLOCKS[:6])
    return Reading("format", f"dates with the name of the month, such as {values[0]!r}", formats)


def _first_mark(values: Sequence[str]) -> str:
    return next(match[1] for value in values if (match := _YEAR_FIRST.match(value)))

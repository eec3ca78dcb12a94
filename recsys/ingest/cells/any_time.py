"""One time in any form that exports write: what the fast ways of DuckDB leave unread."""

import re
from datetime import datetime, timedelta

from recsys.ingest.cells.calendar_words import MONTHS, ZONES

_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_CLOCK = (
    r"[t\s,:_]\s*(?:at\s+|um\s+|à\s+|kl\.?\s+)?(\d{{1,2}}){0}(\d{{2}})(?:{0}(\d{{2}})(?:[.,:](\d{{1,9}}))?)?(?!\d)"
    r"\s*(?:([ap])\.?\s*m\b\.?)?\s*(?:uhr\b|h\b)?\s*([a-z]{{1,5}}\b)?\s*(?:([+-])(\d{{1,2}}):?(\d{{2}})?(?!\d))?"
)
_CLOCKS = (re.compile(_CLOCK.format("[:h]"), re.I), re.compile(_CLOCK.format(r"\."), re.I))
_BASIC = re.compile(r"(\d{4})(\d{2})(\d{2})[tT ]?(\d{2})(\d{2})(\d{2})?(?:[.,]\d+)?[zZ]?")
_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})")
_EPOCH = re.compile(r"\d{9,19}(\.\d+)?")
_TAIL = re.compile(r"\s*(\[[^]]*\]|\([^)]*\))\s*$")
_HOUR = re.compile(r"\bhour (\d{1,2})$", re.I)
_JSON_DATE = re.compile(r"/Date\((\d+)(?:[+-]\d+)?\)/")
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})\s*([-/.\s年])\s*(\d{1,2})\s*[-/.\s月]\s*(\d{1,2})(?!\d)")
_YEAR_MONTH = re.compile(r"(\d{4})[-/](\d{1,2})")
_DAY_NAMED = re.compile(
    rf"(?<!\d)(\d{{1,2}})(?:st|nd|rd|th|er|º|\.)?[-/\s.]*(?:de\s+|of\s+)?({_MONTH})(?![a-zà-ÿ])\.?,?[-/\s.]*(?:de\s+|del\s+)?'?"
    r"(\d{4}|\d{2})(?!\d)",
    re.I,
)
_NAMED_DAY = re.compile(
    rf"(?<![a-zà-ÿ])({_MONTH})(?![a-zà-ÿ])\.?[-/\s]*(\d{{1,2}})(?:st|nd|rd|th)?,?[-/\s]+(\d{{4}})(?!\d)", re.I
)
_YEAR_NAMED = re.compile(rf"(?<!\d)(\d{{4}})[-/\s]+({_MONTH})\.?[-/\s]+(\d{{1,2}})(?!\d)", re.I)
_NAMED_YEAR = re.compile(rf"({_MONTH})\.?[-/\s]+(\d{{4}})", re.I)
_NUMERIC = re.compile(r"(?<!\d)(\d{1,2})\s*[-/.\s]\s*(\d{1,2})\s*[-/.\s]\s*(\d{4}|\d{2})(?!\d)")
_EPOCH_LIMITS = ((1e11, 1.0), (1e14, 1e-3), (1e17, 1e-6), (float("inf"), 1e-9))
_START = datetime(1970, 1, 1)


def any_time(text: str, day_first: bool | None = None) -> datetime | None:
    """A time in UTC, without a zone of its own, from a text in any form known here; None where it cannot be read.

    Dates with numbers, year first, or with names of months in eight languages; clocks of 12 and of 24 hours; offsets
    and abbreviations of zones; ISO's basic form; times since 1970 in a unit that their size tells.

    Args:
        day_first: whether 3/4/2024 is in April; None: such dates cannot be read.
    """
    text = re.sub(r"[\u00a0\u202f\u2009]", " ", text).replace("\u2212", "-").strip()
    text = _HOUR.sub(r"\1:00", _TAIL.sub("", text))
    try:
        if found := _JSON_DATE.fullmatch(text):
            return _START + timedelta(milliseconds=int(found[1]))
        if (found := _BASIC.fullmatch(text)) and text < "21":
            y, mo, d, h, mi, s = (int(x or 0) for x in found.groups())
            return datetime(y, mo, d, h, mi, s)
        if (found := _DAY.fullmatch(text)) and text < "21":
            return datetime(int(found[1]), int(found[2]), int(found[3]))
        if _EPOCH.fullmatch(text):
            number = float(text)
            return _START + timedelta(seconds=number * next(f for limit, f in _EPOCH_LIMITS if number < limit))
        return _written(text, day_first)
    except (ValueError, OverflowError, KeyError):
        return None


def _written(text: str, day_first: bool | None) -> datetime | None:
    clock = _CLOCKS[0].search(f" {text}") or _CLOCKS[1].search(text)
    if clock is None:
        return _date(text, day_first)
    padded = f" {text}" if clock.re is _CLOCKS[0] else text
    day = _date(f"{padded[: clock.start()]}  {padded[clock.end() :]}".strip(), day_first)
    if day is None:
        return None
    hour, minute, second, fraction, half, zone, sign, off_hours, off_minutes = clock.groups()
    hours = int(hour)
    if half:
        if hours > 12:
            return None
        hours = hours % 12 + (12 if half in "pP" else 0)
    if hours == 24 and int(minute) == 0:
        hours, day = 0, day + timedelta(days=1)
    micros = int((fraction or "0")[:6].ljust(6, "0"))
    moment = day.replace(hour=hours, minute=int(minute), second=min(int(second or 0), 59), microsecond=micros)
    if sign:
        minutes = int(off_hours) * 60 + int(off_minutes or 0)
        return moment - timedelta(minutes=-minutes if sign == "-" else minutes)
    return moment - timedelta(minutes=ZONES[zone.lower()] if zone else 0)


def _date(text: str, day_first: bool | None) -> datetime | None:
    if found := _YEAR_FIRST.search(text):
        return datetime(int(found[1]), int(found[3]), int(found[4]))
    if found := _DAY_NAMED.search(text):
        return datetime(_year(found[3]), MONTHS[found[2].lower()], int(found[1]))
    if found := _NAMED_DAY.search(text):
        return datetime(int(found[3]), MONTHS[found[1].lower()], int(found[2]))
    if found := _YEAR_NAMED.search(text):
        return datetime(int(found[1]), MONTHS[found[2].lower()], int(found[3]))
    if day_first is not None and (found := _NUMERIC.search(text)):
        day, month = (found[1], found[2]) if day_first else (found[2], found[1])
        return datetime(_year(found[3]), int(month), int(day))
    if found := _YEAR_MONTH.fullmatch(text):
        return datetime(int(found[1]), int(found[2]), 1)
    if found := _NAMED_YEAR.fullmatch(text):
        return datetime(int(found[2]), MONTHS[found[1].lower()], 1)
    return None


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else int(text) + (2000 if int(text) < 70 else 1900)

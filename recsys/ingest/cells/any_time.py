"""One time in any form that exports write: what the fast ways of DuckDB leave unread."""

import re
from datetime import datetime, timedelta

from recsys.ingest.cells.calendar_words import AFTER_ALONE, HALVES, MONTHS, WEEKDAYS_OF_EAST_ASIA, ZONES

_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_CLOCK = (
    r"[t\s,:_]\s*(?:at\s+|um\s+|à\s+|kl\.?\s+)?(\d{{1,2}}){0}(\d{{2}})(?:{0}(\d{{2}})(?:[.,:](\d{{1,9}}))?)?(?!\d)"
    r"\s*(?:([ap])(?:\.?\s*m\b\.?|$))?\s*(?:uhr\b|h\b)?\s*([a-z]{{1,5}}\b)?\s*(?:([+-])(\d{{1,2}}):?(\d{{2}})?(?!\d))?"
)
_CLOCKS = (re.compile(_CLOCK.format("[:h]"), re.I), re.compile(_CLOCK.format(r"\."), re.I))
_CLOCK_12 = r"(?P<clock>\d{1,2}[:.]\d{2}(?:[:.]\d{2})?)"
_AFTER = "|".join(sorted(map(re.escape, HALVES), key=len, reverse=True))
_BEFORE = "|".join(sorted((re.escape(x) for x in HALVES if x not in AFTER_ALONE), key=len, reverse=True))
_HALVES = (
    re.compile(rf"(?<![\w.])(?P<half>{_BEFORE})\.?\s*{_CLOCK_12}(?![\d.:])", re.I),
    re.compile(rf"(?<![\d.]){_CLOCK_12}\s*(?P<half>{_AFTER})(?:\.|(?!\w))", re.I),
)
"""Other words for a half of the day than am and pm, before the clock and after it."""

_HOUR_ALONE = (
    re.compile(r"(?<![\d:.])(\d{1,2})(?=\s*[ap]\.?\s*m\b)", re.I),
    re.compile(r"(?<![\d:.])(\d{1,2})\s*(?:uhr|hrs?|h)\s*$", re.I),
)
_CLOCK_IN_SIGNS = re.compile(r"(\d{1,2})[時时点點시]\s*(?:(\d{1,2})[分분]?)?\s*(?:(\d{1,2})[秒초])?")
_ANOTHER_SCRIPT = re.compile(r"[^\W\d_\u0000-\u024f\u1e00-\u1eff]")
_OF_A_DAY = re.compile(rf"[年月日년월일]|{WEEKDAYS_OF_EAST_ASIA}")
_BASIC = re.compile(r"(\d{4})(\d{2})(\d{2})[tT ]?(\d{2})(\d{2})(\d{2})?(?:[.,]\d+)?[zZ]?")
_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})")
_EPOCH = re.compile(r"\d{9,19}(\.\d+)?")
_TAIL = re.compile(r"\s*(\[[^]]*\]|\([^)]*\))\s*$")
_HOUR = re.compile(r"\bhour (\d{1,2})$", re.I)
_HOUR_AFTER_DAY = re.compile(
    r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2}))[ T](\d{1,2})"
    r"(?=(?:\s?(?:Z|[+-]\d{2}:?\d{2}))?$)"
)
_DASHED = re.compile(r"(\d{4}-\d{2}-\d{2})[-_](\d{2})[-.:](\d{2})[-.:](\d{2})(?!\d)")
_MONTH_YEAR = re.compile(r"(\d{1,2})[-/.]((?:19|20)\d{2})")
_WEEK = re.compile(r"(\d{4})-?[Ww](\d{2})(?:-?([1-7]))?")
_JSON_DATE = re.compile(r"/Date\((\d+)(?:[+-]\d+)?\)/")
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})\s*([-/.\s年년])\s*(\d{1,2})\s*[-/.\s月월]\s*(\d{1,2})(?!\d)")
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
_DIGITS_OF_A_DAY = 8
_START = datetime(1970, 1, 1)


def any_time(text: str, day_first: bool | None = None) -> datetime | None:
    """A time in UTC, without a zone of its own, from a text in any form known here; None where it cannot be read.

    Dates with numbers, year first, or with names of months in eight languages; clocks of 12 and of 24 hours; offsets
    and abbreviations of zones; ISO's basic form; times since 1970 in a unit that their size tells.

    Args:
        day_first: whether 3/4/2024 is in April; None: such dates cannot be read.
    """
    text = re.sub(r"[\u00a0\u202f\u2009]", " ", text).replace("\u2212", "-").strip()
    text = _DASHED.sub(r"\1 \2:\3:\4", text)
    text = _HOUR_AFTER_DAY.sub(r"\1 \2:00", _HOUR.sub(r"\1:00", _TAIL.sub("", text)))
    text = _with_halves(text)
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


def _with_halves(text: str) -> str:
    """A text with am and pm in place of other words for the halves of the day, and a whole hour as a clock:
    `4:36 nachm.`, `4 PM`, `16 Uhr`, and the same in the signs of East Asia."""
    text = _CLOCK_IN_SIGNS.sub(lambda x: f"{x[1]}:{(x[2] or '0').zfill(2)}:{(x[3] or '0').zfill(2)}", text)
    for form in _HALVES:
        text = form.sub(lambda found: f" {found['clock']} {HALVES[found['half'].lower()]}", text)
    for form in _HOUR_ALONE:
        text = form.sub(r"\1:00", text)
    return text


def _written(text: str, day_first: bool | None) -> datetime | None:
    clock = _CLOCKS[0].search(f" {text}") or _CLOCKS[1].search(text)
    if clock is None:
        more = sum(x.isdigit() for x in text) > _DIGITS_OF_A_DAY
        return None if more else _date(text, day_first)
    padded = f" {text}" if clock.re is _CLOCKS[0] else text
    rest = f"{padded[: clock.start()]}  {padded[clock.end() :]}".strip()
    if _ANOTHER_SCRIPT.search(_OF_A_DAY.sub("", rest)):
        return None  # it may say which half of the day
    day = _date(rest, day_first)
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
    if found := _DAY.fullmatch(text.strip()):
        return datetime(int(found[1]), int(found[2]), int(found[3]))
    if found := _DAY_NAMED.search(text):
        return datetime(_year(found[3]), MONTHS[found[2].lower()], int(found[1]))
    if found := _NAMED_DAY.search(text):
        return datetime(int(found[3]), MONTHS[found[1].lower()], int(found[2]))
    if found := _YEAR_NAMED.search(text):
        return datetime(int(found[1]), MONTHS[found[2].lower()], int(found[3]))
    if (found := _NUMERIC.search(text)) and (day_first is not None or "." in found[0]):
        day, month = (found[2], found[1]) if day_first is False else (found[1], found[2])
        return datetime(_year(found[3]), int(month), int(day))
    if found := _MONTH_YEAR.fullmatch(text):
        return datetime(int(found[2]), int(found[1]), 1)
    if found := _WEEK.fullmatch(text):
        return datetime.fromisocalendar(int(found[1]), int(found[2]), int(found[3] or 1))
    if found := _YEAR_MONTH.fullmatch(text):
        return datetime(int(found[1]), int(found[2]), 1)
    if found := _NAMED_YEAR.fullmatch(text):
        return datetime(int(found[2]), MONTHS[found[1].lower()], 1)
    return None


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else int(text) + (2000 if int(text) < 70 else 1900)

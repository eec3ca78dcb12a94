"""Which of the numbers of a date is the day, and what form a date has, with its clock."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

DAY_MONTH = re.compile(r"(?:[^\W\d]+[.,]*\s+)?(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
LAST_DAY = 31


def day_comes_first(values: Sequence[str]) -> bool | None:
    """Whether the day comes first in dates such as 31/01/2024 among others; None where no value settles it."""
    matches = [match for v in values if (match := DAY_MONTH.match(v))]
    days, months = (any(int(m[n]) > 12 for m in matches) for n in (1, 3))
    return days if days != months else None


def year_comes_first(matches: Sequence[re.Match[str]]) -> bool:
    """Whether dates such as 24-01-31 begin with the year: its last number would be a year to come in some row, and its
    first one in none."""
    if any(len(m[4]) > 2 for m in matches):
        return False
    now = datetime.now(UTC).year % 100
    firsts, lasts = [int(m[1]) for m in matches], [int(m[4]) for m in matches]
    return now < max(lasts) <= LAST_DAY and max(firsts) <= now and min(lasts) > 0


def form_of(value: str, *, day_first: bool) -> str:
    """The strptime format of a value such as "3/4/2024 10:15"."""
    match = DAY_MONTH.match(value)
    if match is None:
        return "%d/%m/%Y" if day_first else "%m/%d/%Y"
    mark = match[2]
    year = "%Y" if len(match[4]) == 4 else "%y"
    date_form = f"%d{mark}%m{mark}{year}" if day_first else f"%m{mark}%d{mark}{year}"
    return date_form + clock_of(value[match.end() :])


def clock_of(rest: str) -> str:
    """The strptime format of a clock; a zone after it is left to the other forms."""
    rest = re.sub(r"\s*([+-]\d{2}:?\d{2}|[A-Za-z]{3,5}|Z)$", "", rest) if not re.search(r"[AaPp][Mm]$", rest) else rest
    if not rest:
        return ""
    half = rest.strip().upper().endswith(("AM", "PM"))
    hour, colons = ("%I" if half else "%H"), rest.count(":")
    lead = "T" if rest.startswith("T") else ", " if rest.startswith(",") else " "
    clock = f"{hour}:%M" + (":%S" if colons > 1 else "") + (".%f" if "." in rest else "")
    return f"{lead}{clock}" + (" %p" if half else "")

"""What the first values of a column look like, whatever its name: times, numbers, few repeated words, texts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from recsys.dataset.event_kinds import is_kind
from recsys.ingest.cells.any_time import any_time
from recsys.ingest.cells.calendar_words import MONTHS
from recsys.ingest.cells.numbers import is_number
from recsys.ingest.cells.vocabulary import availability, is_no_number, is_no_value, is_nobody, is_word_of_stock

LOOKED_AT = 200
"""Different values of a column that are looked at closely."""

HALF = 0.5
MOSTLY = 0.8
ALMOST_ALL = 0.95
MOST_KINDS = 50
FEW = 0.3
"""A column whose different values are at most this share of its values repeats words."""

_PLAIN_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?([eE][+-]?\d+)?")
_MAYBE_TIME = re.compile(r"\d{4}|\d[-/.]\d{1,2}[-/.]\d|\d[-\s.]*[A-Za-zéûà]{3,}")
_COMPACT_DAY = re.compile(r"(19|20)\d{2}(0[1-9]|1[0-2])[0-3]\d([0-2]\d[0-5]\d([0-5]\d)?)?")
_CLOCK = re.compile(
    r"(?:[^\W\d]{1,2}\s*)?\d{1,2}(?:[:h時时点시]\s*\d{2}[분分]?(?::\d{2}(?:[.,]\d+)?)?\s*(?:[^\W\d]\.?\s?[^\W\d]?\.?|Uhr|vorm\.?|"
    r"nachm\.?)?|\s*(?:[AaPp]\.?\s?[Mm]\.?|Uhr|h))"
)
_DOTTED_CLOCK = re.compile(r"([01]?\d|2[0-3])\.[0-5]\d(\.[0-5]\d)?")
_MIDNIGHT = re.compile(r".*\d[ T](?:00?:00(?::00(?:\.0+)?)?|12:00(?::00)? [Aa][Mm])(?:Z|[+-]00:?00)?")
_WITH_CLOCK = re.compile(r"\d{1,2}[:h]\d{2}|\d{1,2}\.\d{2}\.\d{2} ")
_WHOLE = re.compile(r"-?\d+(\.0+)?")
_WRAPPED = re.compile(r"""="[^"]*"|'[^']+'?|[“„][^“”]*[“”]|«[^«»]*»""")
_MONEY = re.compile(r"[€$£¥₹₽]|\b(EUR|USD|GBP|CHF|PLN)\b|\d[.,]\d{2}$")
_ADDRESS = re.compile(r"(https?:)?//\S+|\S+\.(jpe?g|png|webp|gif)(\?\S*)?", re.I)
_PICTURE = re.compile(r"\.(jpe?g|png|webp|gif|avif)([?#]\S*)?$", re.I)
_EARLIEST_EPOCH = 946_684_800.0
"""Seconds since 1970 of the year 2000: smaller numbers are taken for times by their name only."""


@dataclass(frozen=True)
class Content:
    """The first values of a column, as text; None where a row has none."""

    values: tuple[str | None, ...]

    @cached_property
    def filled(self) -> list[str]:
        """Values that mean something."""
        return [x for x in self.values if x is not None and not is_no_value(x)]

    @cached_property
    def different(self) -> list[str]:
        """The different values, in the order in which they come."""
        return list(dict.fromkeys(self.filled))

    @property
    def looked_at(self) -> list[str]:
        """The first of the different values: those that are judged by their form."""
        return self.different[:LOOKED_AT]

    @property
    def empty(self) -> bool:
        """Whether no value means anything."""
        return not self.filled

    @property
    def share_filled(self) -> float:
        """Share of the rows with a value that means something."""
        return len(self.filled) / max(len(self.values), 1)

    @cached_property
    def nobody(self) -> list[str]:
        """Values that stand for everybody without an account, such as `guest` and 0."""
        return [x for x in self.different if is_nobody(x)]

    @cached_property
    def share_of_somebody(self) -> float:
        """Share of the rows with a value that stands for one user."""
        return sum(x not in self.nobody for x in self.filled) / max(len(self.values), 1)

    def _share(self, fits: Sequence[bool]) -> float:
        return sum(fits) / max(len(fits), 1)

    @cached_property
    def numbers(self) -> float:
        """Share of the different values that are numbers, with whatever stands around them."""
        return self._share([is_number(x) for x in self.looked_at if not is_no_number(x)])

    @cached_property
    def rows_with_numbers(self) -> float:
        """Share of the values, each as often as it stands, that are numbers."""
        found = [x for x in self.filled if not is_no_number(x)]
        return self._share([is_number(x) for x in found[:LOOKED_AT]])

    @cached_property
    def plain_numbers(self) -> bool:
        """Whether almost all values are numbers with nothing around them."""
        return (
            bool(self.filled)
            and self._share([bool(_PLAIN_NUMBER.fullmatch(x.strip())) for x in self.looked_at]) > ALMOST_ALL
        )

    @cached_property
    def times(self) -> float:
        """Share of the different values that are dates, with or without a clock; numbers are none."""
        return self._share([_is_time(x) for x in self.looked_at])

    @cached_property
    def with_clock(self) -> bool:
        """Whether a value holds a time of the day."""
        return any(_WITH_CLOCK.search(x) for x in self.looked_at)

    @cached_property
    def clocks(self) -> bool:
        """Whether the values are times of the day alone."""
        return (
            bool(self.filled) and self._share([bool(_CLOCK.fullmatch(x.strip())) for x in self.looked_at]) > ALMOST_ALL
        )

    @cached_property
    def dotted_clocks(self) -> bool:
        """Whether the values are times of the day with points, which are numbers to look at: `16.36`."""
        found = [bool(_DOTTED_CLOCK.fullmatch(x.strip())) for x in self.looked_at]
        return bool(found) and self._share(found) > ALMOST_ALL

    @cached_property
    def midnights(self) -> bool:
        """Whether the values are days with a clock that stands at midnight in all of them."""
        return bool(self.filled) and all(_MIDNIGHT.fullmatch(x.strip()) for x in self.looked_at)

    @property
    def days(self) -> bool:
        """Whether the values are days without a time of the day."""
        dates = self.times > MOSTLY and (not self.with_clock or self.midnights)
        return dates or (self.compact_days and all(len(x) == 8 for x in self.looked_at))

    def counts(self, low: int, high: int) -> bool:
        """Whether the values are whole numbers within bounds."""
        found = [_WHOLE.fullmatch(x.strip()) for x in self.looked_at]
        return bool(found) and all(x is not None and low <= float(x[0]) <= high for x in found)

    @cached_property
    def months(self) -> bool:
        """Whether the values are names of months."""
        return bool(self.filled) and all(x.strip().rstrip(".").lower() in MONTHS for x in self.looked_at)

    @cached_property
    def clock_digits(self) -> bool:
        """Whether the values are times of the day as HHMM or HHMMSS, with or without the zeros in front."""
        if not self.counts(0, 235_959) or max(map(len, self.looked_at)) < 3 or any("." in x for x in self.looked_at):
            return False
        seconds = max(map(len, self.looked_at)) > 4
        parts = [x.strip().zfill(6) if seconds else f"{x.strip().zfill(4)}00" for x in self.looked_at]
        return all(x[:2] < "24" and x[2:4] < "60" and x[4:] < "60" for x in parts)

    @cached_property
    def epochs(self) -> bool:
        """Whether the values are numbers that could count from 1970 to a day between 2000 and now."""
        now = datetime.now(UTC).timestamp() + 86_400
        if not self.plain_numbers:
            return False
        found = [abs(float(x.replace(",", "."))) for x in self.looked_at]
        return self._share([_EARLIEST_EPOCH <= _seconds(x) <= now for x in found]) > ALMOST_ALL

    @cached_property
    def serials(self) -> bool:
        """Whether the values could be days as spreadsheets count them, of 1982 to 2064."""
        if not self.plain_numbers:
            return False
        return self._share([30_000 <= float(x.replace(",", ".")) <= 60_000 for x in self.looked_at]) > ALMOST_ALL

    @cached_property
    def compact_days(self) -> bool:
        """Whether the values are days written as YYYYMMDD."""
        return bool(self.filled) and self._share([bool(_COMPACT_DAY.fullmatch(x)) for x in self.looked_at]) > ALMOST_ALL

    @cached_property
    def whole(self) -> bool:
        """Whether all values are whole numbers, some with zeros behind a point, as programs write ids by mistake."""
        found = [_WHOLE.fullmatch(x.strip()) for x in self.filled]
        return bool(found) and all(found) and any(x is not None and x[1] for x in found)

    @cached_property
    def wrapped(self) -> bool:
        """Whether all values are texts as spreadsheets are told to keep them: `="00123"` or `'00123`."""
        return bool(self.filled) and all(_WRAPPED.fullmatch(x.strip()) for x in self.filled)

    @cached_property
    def padded(self) -> bool:
        """Whether the values have blanks around them as tables in text and columns of a fixed width do: in front of all
        of them, or behind some, up to the same length."""
        if len(self.different) < 2:
            return False
        same = len(set(map(len, self.filled))) == 1
        return all(x[:1] == " " for x in self.filled) or (same and any(x[-1] == " " for x in self.filled))

    @cached_property
    def integers(self) -> bool:
        """Whether the values are whole numbers."""
        return (
            bool(self.filled)
            and self._share([bool(re.fullmatch(r"[-+]?\d+(\.0+)?", x.strip())) for x in self.looked_at]) > ALMOST_ALL
        )

    @cached_property
    def kinds(self) -> float:
        """Share of the different values that are kinds of events known here."""
        return self._share([is_kind(x) for x in self.looked_at])

    @property
    def few(self) -> bool:
        """Whether there are few different values, each of them many times."""
        return 2 <= len(self.different) <= max(FEW * len(self.filled), 2) and len(self.filled) >= 5

    @property
    def unique(self) -> bool:
        """Whether almost all values are different."""
        return len(self.different) >= ALMOST_ALL * len(self.filled) and len(self.filled) > 1

    @cached_property
    def texts(self) -> bool:
        """Whether the values are words: no numbers, no times, no addresses."""
        if self.empty or self.numbers > FEW or self.times > FEW or self.addresses:
            return False
        return self._share([any(y.isalpha() for y in x) for x in self.looked_at]) > MOSTLY

    @cached_property
    def titles(self) -> bool:
        """Whether the values are texts, nearly each its own, many of several words."""
        several = self._share([len(x.split()) > 1 for x in self.looked_at])
        return self.texts and self.unique and several > FEW

    @cached_property
    def several_words(self) -> bool:
        """Whether many of the values are texts of several words, as titles are and ids are not."""
        return self.texts and self._share([" " in x.strip() for x in self.looked_at]) > HALF

    @cached_property
    def addresses(self) -> bool:
        """Whether the values are addresses of pages or pictures."""
        return bool(self.filled) and self._share([bool(_ADDRESS.match(x.strip())) for x in self.looked_at]) > MOSTLY

    @cached_property
    def money(self) -> bool:
        """Whether the values are amounts of money."""
        return self.numbers > MOSTLY and self._share([bool(_MONEY.search(x)) for x in self.looked_at]) > MOSTLY

    @cached_property
    def availability(self) -> float:
        """Share of the different values that say whether something can be sold."""
        return self._share([availability(x) is not None for x in self.looked_at])

    @cached_property
    def stock(self) -> bool:
        """Whether the values say what can be sold, in words that are used for nothing else."""
        return self.availability == 1 and any(map(is_word_of_stock, self.looked_at))

    @cached_property
    def pictures(self) -> bool:
        """Whether the values are addresses of image files."""
        return self.addresses and self._share([bool(_PICTURE.search(x.strip())) for x in self.looked_at]) > MOSTLY

    def describe(self) -> str:
        """What the column looks like, in words."""
        if self.empty:
            return "empty in the rows looked at"
        if self.times > MOSTLY or self.compact_days:
            return "looks like dates"
        if self.clocks:
            return "looks like times of the day"
        if self.epochs:
            return "looks like times since 1970"
        if self.addresses:
            return "looks like addresses"
        if self.numbers > MOSTLY:
            return "looks like money" if self.money else "looks like numbers"
        if self.few:
            return f"looks like few repeated words, such as {self.different[0]!r}"
        return "looks like texts, each its own" if self.unique else "looks like words"


def _is_time(text: str) -> bool:
    value = text.strip()
    if len(value) > 80 or _PLAIN_NUMBER.fullmatch(value) or not _MAYBE_TIME.search(value):
        return False
    return any_time(value, True) is not None or any_time(value, False) is not None


def _seconds(number: float) -> float:
    return number / next(
        by for most, by in ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (float("inf"), 1e9)) if number < most
    )

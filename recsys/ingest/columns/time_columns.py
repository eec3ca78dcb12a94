"""Which columns hold the time of an event: one, a day and a time of the day, or year, month and day apart."""

from recsys import columns as c
from recsys.ingest import column_names as names
from recsys.ingest.columns.column_content import MOSTLY, Content
from recsys.ingest.columns.file_columns import BY_CONTENT, BY_NAME, FileColumns
from recsys.ingest.header_words import plain_words

_STRONG_TIMES = 50
"""Names of times that rank before this place say for themselves that the column holds times."""

_OF_ANOTHER = 400
"""Names of times that rank from this place on are of something else than the event, such as its delivery."""

_OF_A_SHOP = frozenset(("opening", "open", "closing", "close", "working", "per"))
_HOURS = frozenset(("hour", "hr", "hod", "stunde", "heure", "hora", "ora", "uur", "godzina"))
_YEARS = frozenset(("year", "yr", "yyyy", "jahr", "annee", "ano", "anio", "anno", "jaar", "rok"))
_MONTHS = frozenset(("month", "mon", "mm", "monat", "mois", "mes", "mese", "maand", "miesiac"))
_DAYS = frozenset(("day", "dom", "dd", "tag", "jour", "dia", "giorno", "dag", "dzien"))
_NOT_OF_AN_EVENT = frozenset((
    "week", "weekday", "dow", "birth", "since", "wochen", "semaine", "semana", "release", "publication", "published",
    "model", "vintage", "made", "production", "warranty", "expiry", "card",
))  # fmt: skip


def find_time(file: FileColumns) -> None:
    """When the event was: by name and content together. A column of clock times or hours completes one of days; where
    no column holds days, those of a year, a month and a day do."""
    likely: list[tuple[int, str]] = []
    for x in file.left:
        content, place = file.contents[x], names.time_rank(x)
        if content.empty or place >= 900:
            continue
        timely = content.times > MOSTLY or (content.epochs and not file.is_like_id(x))
        if names.is_time_name(x):
            timely = timely or content.compact_days or content.epochs or content.serials
        strong = place < _STRONG_TIMES and not content.clocks
        if timely or (strong and (not content.plain_numbers or names.simple(x) not in ("time", "date"))):
            likely.append((place + (0 if timely else 100), x))
    place, best = min(likely, key=lambda entry: entry[0], default=(100, ""))
    parts = _year_month_day(file) if place >= 100 else []
    if parts:
        file.take(c.TIMESTAMP, parts, f"a part of the time: {', '.join(map(repr, parts))}")
    if parts or not likely:
        return
    because = BY_NAME if names.rank(best, c.TIMESTAMP) is not None else BY_CONTENT
    clock = _clock(file, best, place) if file.contents[best].days else None
    if clock:
        file.take(c.TIMESTAMP, (best, clock), because)
        file.why[clock] = (c.TIMESTAMP, f"the time of the day, beside the day in {best!r}")
    else:
        file.take(c.TIMESTAMP, (best,), because)
    for _, x in likely:
        if x not in file.why:
            file.hints[x] = f"times, but {best!r} is likelier when the event was"


def _clock(file: FileColumns, day: str, place: int) -> str | None:
    """The column of the time of the day that belongs to one of days: a clock, its digits, or the hour."""
    found: list[tuple[int, int, str]] = []
    for x in file.left:
        content, rank = file.contents[x], names.time_rank(x)
        if x == day or _YEARS.intersection(plain_words(x)) or (rank >= _OF_ANOTHER and place < _OF_ANOTHER):
            continue
        timely = names.is_time_name(x) and not file.has_id_name(x)
        if content.clocks:
            found.append((0, rank, x))
        elif (content.clock_digits and timely) or (content.dotted_clocks and (timely or _is_of_hours(x))):
            found.append((1, rank, x))
        elif is_hour(x, content):
            found.append((2, rank, x))
    return min(found, default=(0, 0, None))[2]


def _is_of_hours(name: str) -> bool:
    return bool(_HOURS.intersection(plain_words(name)))


def is_hour(name: str, content: Content) -> bool:
    """Whether a column holds the hour of the day as a number."""
    words = [x for x in plain_words(name) if x not in ("of", "the", "day")]
    named = bool(words) and words[-1] in _HOURS and not _OF_A_SHOP.intersection(words)
    return named and len(content.different) > 1 and content.counts(0, 24)


def _year_month_day(file: FileColumns) -> list[str]:
    """Columns of the year, the month and the day, and of the time of the day where there is one; none where the year or
    the month is lacking."""

    def named(words: frozenset[str], low: int, high: int) -> str | None:
        for x in file.left:
            said = set(plain_words(x))
            content = file.contents[x]
            if said & words and not said & _NOT_OF_AN_EVENT and not content.empty and is_part(content, low, high):
                return x
        return None

    year, month, day = named(_YEARS, 1970, 2100), named(_MONTHS, 1, 12), named(_DAYS, 1, 31)
    if year is None or month is None or len({year, month, day}) < 3:
        return []
    if day is None:
        return [year, month]
    clock = _clock(file, day, 0)
    return [year, month, day, *([clock] if clock else [])]


def is_part(content: Content, low: int, high: int) -> bool:
    """Whether the values are years, months (also by name) or days of the month."""
    return content.counts(low, high) or (high == 12 and content.months)

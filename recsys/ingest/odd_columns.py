"""What columns say that may change what the rows mean, and that is not used: said at the top of the report."""

import re

from recsys import columns as c
from recsys.dataset.event_kinds import NOTHING, weight_of
from recsys.ingest import column_names as names
from recsys.ingest.cells.vocabulary import availability, is_no_value, is_nobody, says_yes_or_no
from recsys.ingest.columns.column_content import MOSTLY
from recsys.ingest.columns.marked_rows import CANCELLED, cancelled_invoices
from recsys.ingest.columns.recognise import Recognised
from recsys.ingest.header_words import in_cents, plain_words
from recsys.ingest.ids.odd_ids import is_no_product
from recsys.ingest.read_data import ReadData

_LABELS = ("label", "target", "interaction", "converted", "response")
"""Names of columns that say whether something happened, beside the words for kinds of events."""

_NO_CUSTOMER = frozenset(
    ("test", "tests", "testorder", "bot", "robot", "internal", "employee", "staff", "fraud", "dummy")
)
_NOT_MARKED = frozenset(("0", "0.0", "0.00", "false", "f", "no", "n", "nein", "non", "nie", "nee", "não", "nao", "off"))
_OF_LINES = frozenset((
    "type", "typ", "kind", "art", "line", "item", "position", "row", "tipo", "soort", "rodzaj", "zeile", "ligne",
))  # fmt: skip
"""Words of a column that says what the lines of an order are."""

_CURRENCY = re.compile(r"[€$£¥₹₽₺₩₪]|zł|Kč|\b[A-Z]{3}\b")
_CURRENCY_NAMES = ("currency", "currencycode", "waehrung", "wahrung", "devise", "moneda", "valuta", "moeda", "waluta")


_ZONE_NAMES = ("timezone", "timezoneoffset", "utcoffset", "tzoffset", "tz", "offset", "zeitzone", "fuseauhoraire")


def notes(read: ReadData) -> list[str]:
    """In words, of all files."""
    found = []
    for entry in read.recognised.all:
        if entry.part == "events":
            found += [*_flags(entry), *_taken_back(entry), *_cancelled(entry), *_currencies(entry), *_zones(entry)]
            found += [*_no_purchases(entry), *_two_ids(entry)]
        found += _gone(entry) if entry.part == "items" else []
        found += [*_no_numbers(entry), *_read_twice(entry), *_hundredths(entry)]
    return found


def takes_back(name: str) -> bool:
    """Whether a column is named like one that marks rows which are no purchase: cancelled, returned, test orders."""
    words = set(plain_words(name))
    return bool(words & _NO_CUSTOMER) or weight_of(name) == (NOTHING, True)


def _flags(entry: Recognised) -> list[str]:
    """Columns that say whether something happened, and do not count."""
    return [
        f"{entry.source.shown}: {x.name!r} says yes or no and is not used: rows with a no count as well; as the rating "
        f"it leaves them out (--map events.{c.RATING}={x.name})"
        for x in entry.columns
        if x.taken_as is None and says_yes_or_no(entry.contents[x.name].different) and not takes_back(x.name)
        if weight_of(x.name)[1] or x.name.lower() in _LABELS
    ]


def _taken_back(entry: Recognised) -> list[str]:
    """Columns that mark some rows as cancelled, returned or of nobody, by a yes, a date or a number."""
    found = []
    for x in entry.columns:
        if x.taken_as is not None or not takes_back(x.name):
            continue
        content = entry.contents[x.name]
        marked = [y for y in content.filled if y.strip().lower() not in _NOT_MARKED]
        telling = content.times > MOSTLY or content.numbers > MOSTLY or content.epochs
        telling = telling or says_yes_or_no(content.different) or len(set(marked)) == 1
        if telling and 0 < len(marked) < len(content.values):
            found.append(
                f"{entry.source.shown}: {x.name!r} marks {len(marked):,} of the first {len(content.values):,} rows, "
                f"such as {marked[0]!r}; they count all the same: take them out where they are no purchases"
            )
    return found


def _no_purchases(entry: Recognised) -> list[str]:
    """Columns with few words of which one marks rows as a test, or as a line of an order that is no product."""
    found = []
    for x in entry.columns:
        content = entry.contents[x.name]
        if x.taken_as is not None or not content.few:
            continue
        of_lines = bool(_OF_LINES.intersection(plain_words(x.name)))
        words = [
            y for y in content.different if _NO_CUSTOMER.intersection(plain_words(y)) or (of_lines and is_no_product(y))
        ]
        n = sum(y in words for y in content.filled)
        if words and len(words) < len(content.different):
            shown = " and ".join(map(repr, words[:3]))
            found.append(
                f"{entry.source.shown}: {x.name!r} says {shown} in {n:,} of the first {len(content.values):,} rows, "
                "which count all the same: take them out where they are no purchases"
            )
    return found


def _gone(entry: Recognised) -> list[str]:
    """Columns of a catalogue that say yes of what is not sold any more."""
    return [
        f"{entry.source.shown}: {x.name!r} says yes or no and is not used: items with a yes can be recommended as "
        "well; take them out, or write it as a column 'available'"
        for x in entry.columns
        if x.taken_as is None and says_yes_or_no(entry.contents[x.name].different)
        if any(availability(word) is False for word in plain_words(x.name) if len(word) > 1)
    ]


def _two_ids(entry: Recognised) -> list[str]:
    """Users that are known by one id in some rows and by another one in others."""
    columns = entry.mapped.get(c.USER, ())
    if len(columns) < 2 or c.USER in entry.stated:
        return []
    rows = zip(*(entry.contents[x].values for x in columns[:2]), strict=True)
    n = sum(one is None or is_no_value(one) or is_nobody(one) for one, _ in rows)
    return [
        f"{entry.source.shown}: in {n:,} of the first {len(entry.contents[columns[0]].values):,} rows {columns[0]!r} "
        f"names nobody and {columns[1]!r} stands for the user: one shopper may count twice (--map events.user_id="
        f"{columns[0]} leaves these rows out)"
    ]


def _cancelled(entry: Recognised) -> list[str]:
    """Numbers of cancelled invoices, where no quantity tells how much came back."""
    left = [x.name for x in entry.columns if x.taken_as is None]
    column = "" if entry.marked.cancelled else cancelled_invoices(left, entry.contents)
    if not column:
        return []
    values = entry.contents[column].values
    n = sum(bool(CANCELLED.fullmatch((x or "").strip())) for x in values)
    return [
        f"{entry.source.shown}: {column!r} begins with C in {n:,} of the first {len(values):,} rows: cancelled "
        "invoices, which count all the same, as no quantity tells what came back; take them out"
    ]


def _currencies(entry: Recognised) -> list[str]:
    """Money in several currencies, which is added as it is written."""
    money = [x for name in (c.VALUE, c.PRICE) for x in entry.mapped.get(name, ())]
    seen = {
        " and ".join(sorted(signs)[:3])
        for x in money
        if len(signs := {y[0] for v in entry.contents[x].looked_at if (y := _CURRENCY.search(v))}) > 1
    }
    beside = [x for x in entry.source.columns if names.simple(x) in _CURRENCY_NAMES and money]
    seen |= {
        " and ".join(sorted(entry.contents[x].different)[:3]) for x in beside if len(entry.contents[x].different) > 1
    }
    return [
        f"{entry.source.shown}: money in several currencies ({x}) is added as it is written; bring it to one"
        for x in sorted(seen)
    ]


def _zones(entry: Recognised) -> list[str]:
    """Zones of times in a column of their own."""
    return [
        f"{entry.source.shown}: {x.name!r} tells the zone of each time, and is not used: times are kept as written; "
        "write each with its offset (2024-01-03 16:36+02:00)"
        for x in entry.columns
        if x.taken_as is None and names.simple(x.name) in _ZONE_NAMES and len(entry.contents[x.name].different) > 1
    ]


def _no_numbers(entry: Recognised) -> list[str]:
    """Columns named like numbers that hold none."""
    return [
        f"{entry.source.shown}: {x.name!r} is {x.because.removeprefix('not used: ')}, and is not used"
        for x in entry.columns
        if x.taken_as is None and x.because.startswith("not used: no numbers")
    ]


def _hundredths(entry: Recognised) -> list[str]:
    """Money in cents, as the name of its column says."""
    return [
        f"{entry.source.shown}: {x!r} is in hundredths, as its name says: divided by 100"
        for name in (c.VALUE, c.PRICE)
        for x in entry.mapped.get(name, ())
        if in_cents(x)
    ]


def _read_twice(entry: Recognised) -> list[str]:
    """Texts that were read in a wrong encoding before they came here: `GrÃ¶ÃŸe` is `Größe`."""
    for x in entry.columns:
        for text in entry.contents[x.name].looked_at if x.taken_as in (c.TITLE, c.CATEGORY, c.BRAND) else ():
            if (plain := _as_it_was(text)) != text:
                return [
                    f"{entry.source.shown}: {text[:60]!r} in {x.name!r} reads like {plain[:60]!r} in a wrong encoding; "
                    "the file holds it so: export it again as UTF-8"
                ]
    return []


def _as_it_was(text: str) -> str:
    if text.isascii():
        return text
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text

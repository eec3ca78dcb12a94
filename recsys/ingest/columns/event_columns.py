"""Which columns hold the time, the kind and the numbers of an event."""

import re

from recsys import columns as c
from recsys.ingest import column_names as names
from recsys.ingest.cells.numbers import any_number
from recsys.ingest.columns.column_content import HALF, LOOKED_AT, MOST_KINDS, MOSTLY
from recsys.ingest.columns.file_columns import BY_CONTENT, FileColumns
from recsys.ingest.header_words import of_order

_OTHER_MONEY = re.compile(
    r"(?i)sales|revenue|umsatz|cost|tax|vat|discount|ship|margin|weight|gewicht|poids|peso|waga|height|width|length|depth|"
    r"rating|score|rate|old|compare|profit|einkauf|kost"
)
"""Headers of amounts in a catalogue that are no price, nor money at all, though written like it."""


def find_event(file: FileColumns) -> None:
    """The kind of an event: a column named so whose values fit, or one whose values are known kinds."""
    for x in file.named(c.EVENT):
        content = file.contents[x]
        weak = names.simple(x) in ("type", "kind", "activity", "action", "event", "evento")
        if content.empty or content.times > MOSTLY:
            continue
        if (
            not weak
            or content.kinds >= 0.5
            or (names.simple(x) != "type" and len(content.different) > 1 and not content.plain_numbers)
        ):
            file.take(c.EVENT, (x,))
            return
    for x in file.left:
        content = file.contents[x]
        if (
            2 <= len(content.different) <= MOST_KINDS
            and content.kinds > 0.7
            and content.few
            and not content.plain_numbers
        ):
            file.take(c.EVENT, (x,), BY_CONTENT)
            return


def find_number(file: FileColumns, name: str) -> None:
    """A quantity, rating, price or value: the first column named so that holds numbers."""
    for x in file.named(name):
        content = file.contents[x]
        if content.rows_with_numbers <= HALF:
            if not content.empty:
                file.hints[x] = f"no numbers, such as {content.different[0]!r}"
            continue
        if name == c.QUANTITY and names.simple(x) in ("amount", "count") and content.money:
            continue
        if name == c.RATING and (content.money and len(content.different) > 50):
            continue
        file.take(name, (x,))
        return


def find_price(file: FileColumns) -> None:
    """The price: a column named so; in a catalogue also the only column of money."""
    find_number(file, c.PRICE)
    if c.PRICE in file.mapped and file.part == "items":
        _with_other_price(file, file.mapped[c.PRICE][0])
    if c.PRICE not in file.mapped and file.part == "items":
        money = [x for x in file.left if file.contents[x].money and not file.is_like_id(x)]
        found = [x for x in money if not _OTHER_MONEY.search(x)]
        if len(found) == 1:
            file.take(c.PRICE, found, BY_CONTENT)


def _with_other_price(file: FileColumns, first: str) -> None:
    """Where the likeliest price of a catalogue is often empty, as that of a sale, another one counts there."""
    if file.contents[first].share_filled > 0.9:
        return
    others = (
        x for x in file.named(c.PRICE) if file.contents[x].rows_with_numbers > HALF and not _OTHER_MONEY.search(x)
    )
    second = next((x for x in others if file.contents[x].share_filled > file.contents[first].share_filled), None)
    if second:
        file.take(c.PRICE, (first, second))
        file.why[second] = (c.PRICE, f"by its name, where {first!r} is empty")


def find_value(file: FileColumns) -> None:
    """What the row is worth: a column named so, unless it may be the total of a whole order."""
    before = set(file.why)
    find_number(file, c.VALUE)
    taken = next((x for x in file.mapped.get(c.VALUE, ()) if x not in before), None)
    if taken is None:
        return
    if file.said.get(c.PRICE):
        file.untake(c.VALUE, taken, f"money, but you named the price: {file.said[c.PRICE][0]!r}")
    elif c.PRICE in file.mapped and (
        names.simple(taken) in names.ORDER_TOTALS or of_order(taken) or not _fits_price(file, taken)
    ):
        file.untake(c.VALUE, taken, f"it may be of a whole order; {file.mapped[c.PRICE][0]!r} is of one line")


def _fits_price(file: FileColumns, value: str) -> bool:
    """Whether a row's money is about its price, or that times the quantity, in most rows: that of an order is not."""
    columns = [value, *file.mapped[c.PRICE][:1], *file.mapped.get(c.QUANTITY, ())[:1]]
    rows = zip(*(file.contents[x].values[:LOOKED_AT] for x in columns), strict=True)
    known = [[any_number(x) if x is not None else None for x in row] for row in rows]
    full = [(row[0], row[1], (row[2] if len(row) > 2 else 1) or 1) for row in known if row[0] and row[1]]
    fits = [any(0.5 <= paid / (price * times) <= 1.5 for times in (1, n)) for paid, price, n in full]
    return not full or sum(fits) > HALF * len(fits)

"""How a product looks in a list: picture or tile, a title on two lines that begins with what differs, facts, marks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

import pandas as pd

from recsys import columns as c
from recsys.recommend.recommender import Recommender
from recsys.utils import formatting as fmt
from recsys.utils import palette
from recsys.views.shopper_history import category_colours, chosen_level

DOT = " · "
"""Between the parts of a title."""


@dataclass(frozen=True)
class Mark:
    """A short word beside a product; `kind` is "good" for what stands out, else ""."""

    text: str
    help: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Meter:
    """A value from 0 to 100 as a small bar, with its name, its text and what it means."""

    name: str
    share: float
    text: str
    help: str = ""


@dataclass(frozen=True)
class ProductCard:
    """One product in a list.

    Attributes:
        id: of the item.
        place: its number in the list; None for no number.
        first, second: the title on two lines; the first one begins with what tells it from the others of the list.
        image: an http or https address; None where there is none: then the tile is shown.
        initial, colour, ink: the tile: a letter of the category, in the colour of the widest category.
        facts: category, price and the like.
        meter: a value to draw, or None.
        marks: short words at the right.
        note: a sentence below, or "".
        strong: whether the row stands out.
        actions: names of the buttons that it has.
    """

    id: str
    place: int | None
    first: str
    second: str
    image: str | None
    initial: str
    colour: str
    ink: str
    facts: tuple[str, ...] = ()
    meter: Meter | None = None
    marks: tuple[Mark, ...] = ()
    note: str = ""
    strong: bool = False
    actions: tuple[str, ...] = ()

    def changed(self, **values: object) -> "ProductCard":
        """The same card with other values of some attributes."""
        return replace(self, **values)  # type: ignore[arg-type]  # names and types are those of the attributes


def cards(
    live: Recommender, item_ids: Sequence[str], *, currency: str = "", numbered: bool = True
) -> tuple[ProductCard, ...]:
    """The products of a list, in its order.

    Raises:
        NotFound: an item that the model does not know.
    """
    if not len(item_ids):
        return ()
    items = live.items.iloc[live.model.item_rows(list(item_ids))]
    widest = next(iter(live.model.category_levels), None)
    level = chosen_level(live, None)
    colours = category_colours(live.items[widest]) if widest else {}
    names = items[level].astype(object).fillna("").astype(str).tolist() if level else [""] * len(items)
    tops = items[widest].astype(object).fillna(c.UNCATEGORISED).astype(str).tolist() if widest else names
    images = items[c.IMAGE_URL].tolist() if c.IMAGE_URL in items else [None] * len(items)
    prices = items[c.PRICE].tolist() if c.PRICE in items else [None] * len(items)
    lines = two_lines(items[c.TITLE].astype(str).tolist())
    found = []
    for place, item in enumerate(item_ids):
        colour = colours.get(tops[place], palette.NEUTRAL)
        price = prices[place]
        facts = (names[place], "" if price is None or pd.isna(price) else fmt.money(float(price), currency))
        found.append(
            ProductCard(
                id=str(item),
                place=place + 1 if numbered else None,
                first=lines[place][0],
                second=lines[place][1],
                image=picture(images[place]),
                initial=initial(names[place] or lines[place][0]),
                colour=colour,
                ink=palette.ink_on(colour),
                facts=tuple(fact for fact in facts if fact),
            )
        )
    return tuple(found)


def any_cards(live: Recommender, listed: Sequence[tuple[str, str]], *, currency: str = "") -> tuple[ProductCard, ...]:
    """The same for items with their titles, some of which the model may not know: those are drawn by title alone."""
    rows = live.model.rows_of_items
    known = {card.id: card for card in cards(live, [item for item, _ in listed if item in rows], currency=currency)}
    found = []
    for place, (item, title) in enumerate(listed, start=1):
        first, second = _halves(title)
        grey = ProductCard(item, place, first, second, None, initial(title), palette.NEUTRAL, "#000000")
        found.append(known.get(item, grey).changed(place=place))
    return tuple(found)


def two_lines(titles: Sequence[str]) -> list[tuple[str, str]]:
    """Titles on two lines each. What several begin with goes to the second line, so that the first ones differ:
    of "Bananas, 40 lb · no. 1" and "Bananas, 40 lb · no. 2" the first lines are "no. 1" and "no. 2"."""
    halves = [_halves(title) for title in titles]
    parts = [rest.split(DOT) for _, rest in halves]
    lines = []
    for place, (head, rest) in enumerate(halves):
        alike = [parts[other] for other, (name, _) in enumerate(halves) if name == head and other != place]
        if not alike or not rest:
            lines.append((head, rest))
            continue
        elsewhere = {part for other in alike for part in other}
        shared = list(takewhile(elsewhere.__contains__, parts[place][:-1]))
        first, size = DOT.join(parts[place][len(shared) :]), DOT.join(shared)
        lines.append((first, f"{head}, {size}" if size else head))
    return lines


def _halves(title: str) -> tuple[str, str]:
    """What it is, and the rest: cut at the first " · " or, before that, at the comma nearest to it."""
    head, dot, rest = title.partition(DOT)
    name, comma, size = head.rpartition(", ")
    if comma:
        return name, f"{size}{dot}{rest}"
    return head, rest


def initial(text: str) -> str:
    """The first letter or digit of a text, as a capital."""
    return next((letter.upper() for letter in text if letter.isalnum()), "·")


def picture(address: object) -> str | None:
    """The address of a picture when a browser may fetch it; None for anything else."""
    text = str(address or "").strip()
    return text if text.lower().startswith(("https://", "http://")) and len(text) <= 2000 else None

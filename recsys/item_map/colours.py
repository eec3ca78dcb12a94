"""By what the points of the map are coloured: groups with a legend, or numbers with a scale."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c
from recsys.errors import NotFound
from recsys.item_map.points import ItemMap
from recsys.services.map_job import EXPOSURE, EXPOSURE_K, TREND, TREND_WEEKS
from recsys.utils import formatting as fmt
from recsys.utils import palette

OTHER = "Other"
POPULARITY = "popularity"
SOLD = "sold"
SOLD_NAMES = ("Has been bought", "Never bought yet")


@dataclass(frozen=True)
class Groups:
    """Every item in one of a few groups.

    Attributes:
        title: what the groups are, for the legend.
        names: the groups, largest first; the last is `OTHER` when there are more than there are colours.
        colours: one "#rrggbb" for each.
        codes: int (n_items,), the place in `names`.
    """

    title: str
    names: tuple[str, ...]
    colours: tuple[str, ...]
    codes: NDArray[np.int64]


@dataclass(frozen=True)
class Numbers:
    """Every item with a number, on a logarithmic scale.

    Attributes:
        title: what it is, with its unit.
        values: float64 (n_items,); nan where nothing is known.
        absent: what nan means.
        middle: the value that is nothing special, where there is one: both sides of it get colours of their own.
    """

    title: str
    values: NDArray[np.float64]
    absent: str = "Not known"
    middle: float | None = None


Colouring = Groups | Numbers


def colourings(item_map: ItemMap) -> dict[str, str]:
    """What a map can be coloured by: key to title, the widest category level first."""
    items = item_map.live.items
    found = {level: fmt.label(level) for level in item_map.live.model.category_levels}
    if c.BRAND in items:
        found[c.BRAND] = "Brand"
    if c.PRICE in items and items[c.PRICE].notna().any():
        found[c.PRICE] = "Price"
    found[POPULARITY] = "Popularity"
    if item_map.exposure is not None:
        found[EXPOSURE] = "How often recommended"
    if item_map.trend is not None:
        found[TREND] = "Sales trend"
    return found | {SOLD: "Bought or never"}


def colouring(item_map: ItemMap, by: str) -> Colouring:
    """The groups or numbers behind one of `colourings`; NotFound for another key."""
    known = colourings(item_map)
    items, points = item_map.live.items, item_map.points
    if by not in known:
        raise NotFound(f"The map cannot be coloured by {by!r}; choose one of {', '.join(known)}.")
    if by == c.PRICE:
        return Numbers("Price", points.price)
    if by == POPULARITY:
        return Numbers("Shoppers who bought it", points.popularity.astype(np.float64))
    if by == EXPOSURE and item_map.exposure is not None:
        shown = np.where(item_map.exposure > 0, 100.0 * item_map.exposure, np.nan)
        return Numbers(f"% of shoppers it is recommended to (first {EXPOSURE_K})", shown, absent="To nobody")
    if by == TREND and item_map.trend is not None:
        weeks = f"Purchases of {TREND_WEEKS} weeks, times those of the {TREND_WEEKS} before"
        return Numbers(weeks, item_map.trend, middle=1.0)
    if by == SOLD:
        sold = points.popularity > 0
        return Groups("Bought or never", SOLD_NAMES, (palette.OURS, palette.AGAINST), np.where(sold, 0, 1))
    return groups_of(items[by], known[by])


def groups_of(values: pd.Series, title: str, most: int = len(palette.CATEGORIES)) -> Groups:
    """The `most` largest groups by number of items (ties by name), and everything else together.

    The colour goes by the rank among all items, so it stays the same whatever part of the catalogue is shown.
    """
    text = values.astype(object).where(values.notna(), c.UNCATEGORISED).astype(str)
    codes, names = pd.factorize(text, sort=True)
    sizes = np.bincount(codes, minlength=len(names))
    order = np.argsort(-sizes, kind="stable")
    place = np.empty(len(names), dtype=np.int64)
    place[order] = np.arange(len(names))
    kept = [str(names[i]) for i in order[:most]]
    colours = list(palette.CATEGORIES[: len(kept)])
    if len(names) > most:
        kept.append(OTHER)
        colours.append(palette.NEUTRAL)
    return Groups(title, tuple(kept), tuple(colours), np.minimum(place, most)[codes])

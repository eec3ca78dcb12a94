"""By what the points of the map are coloured: groups with a legend, or numbers with a scale."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c
from recsys import palette, words
from recsys.errors import NotFound
from recsys.recommender import Recommender

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
    """Every item with a number.

    Attributes:
        title: what it is, with its unit.
        values: float64 (n_items,); nan where nothing is known.
        log: whether the scale goes by the logarithm.
    """

    title: str
    values: NDArray[np.float64]
    log: bool = False


Colouring = Groups | Numbers


def colourings(live: Recommender) -> dict[str, str]:
    """What the map of this model can be coloured by: key to title, the widest category level first."""
    found = {level: words.label(level) for level in live.model.category_levels}
    if c.BRAND in live.items:
        found[c.BRAND] = "Brand"
    if c.PRICE in live.items and live.items[c.PRICE].notna().any():
        found[c.PRICE] = "Price"
    return found | {POPULARITY: "Popularity", SOLD: "Bought or never"}


def colouring(live: Recommender, by: str) -> Colouring:
    """The groups or numbers behind one of `colourings`; NotFound for another key."""
    known = colourings(live)
    if by not in known:
        raise NotFound(f"The map cannot be coloured by {by!r}; choose one of {', '.join(known)}.")
    if by == c.PRICE:
        return Numbers("Price", live.items[c.PRICE].to_numpy(dtype=np.float64), log=True)
    if by == POPULARITY:
        return Numbers("Shoppers who bought it", live.model.popularity.astype(np.float64), log=True)
    if by == SOLD:
        sold = live.model.popularity > 0
        return Groups("Bought or never", SOLD_NAMES, (palette.OURS, palette.AGAINST), np.where(sold, 0, 1))
    return groups_of(live.items[by], known[by])


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


def sizes_of(groups: Groups) -> Mapping[str, int]:
    """How many items each group has."""
    return dict(zip(groups.names, np.bincount(groups.codes, minlength=len(groups.names)).tolist(), strict=True))

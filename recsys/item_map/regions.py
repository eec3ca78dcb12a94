"""The density of the map at each place, its regions, and their names."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from recsys.utils import formatting as fmt

BINS = 160
EDGE = 1.08
LARGE, SMALL = 5.5, 2.2
"""How wide hills are at the two zoom levels, in bins of the grid."""

WIDTH_OF_MAP = 560.0
"""Pixels across, for telling whether two names would overlap."""

LETTER, LINE = 7.0, 20.0
SMALL_ZOOM = 3.0
NAME_LENGTH = 26
LEAST = 12
TERMS = 5
"""Of a region's best terms, how many are looked at for one that no larger region is called by."""


@dataclass(frozen=True)
class Name:
    """The name of a region: where its hill is highest, and how many items it holds."""

    text: str
    x: float
    y: float
    items: int


def density(places: NDArray[np.float32], hill: float, bins: int = BINS) -> NDArray[np.float64]:
    """(bins, bins) items per bin, smoothed with a Gaussian `hill` bins wide; row is y, column is x."""
    cells = _cells(places, bins)
    counts = np.bincount(cells[:, 1] * bins + cells[:, 0], minlength=bins * bins).reshape(bins, bins)
    return np.asarray(gaussian_filter(counts.astype(np.float64), hill, mode="constant"))


def grid_axis(bins: int = BINS) -> NDArray[np.float64]:
    """(bins,) where the middles of the bins lie, from -1.08 to 1.08."""
    return (np.arange(bins) + 0.5) / bins * 2 * EDGE - EDGE


def regions(places: NDArray[np.float32], hill: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The hill of the density that each item stands on: walk uphill from its bin to the top (mode seeking).

    Returns:
        int (n,) region of each item, and (regions, 2) the tops.
    """
    land = density(places, hill)
    bins = len(land)
    flat = land.ravel()
    padded = np.pad(land, 1, constant_values=-1.0)
    around = np.stack([padded[1 + dy : 1 + dy + bins, 1 + dx : 1 + dx + bins].ravel() for dy, dx in _STEPS])
    steps = np.array([dy * bins + dx for dy, dx in _STEPS])
    uphill = np.arange(bins * bins) + np.where(around.max(axis=0) > flat, steps[around.argmax(axis=0)], 0)
    while True:
        further = uphill[uphill]
        if (further == uphill).all():
            break
        uphill = further
    cells = _cells(places, bins)
    tops, found = np.unique(uphill[cells[:, 1] * bins + cells[:, 0]], return_inverse=True)
    axis = grid_axis(bins)
    return found, np.stack([axis[tops % bins], axis[tops // bins]], axis=1)


def names(places: NDArray[np.float32], terms: Sequence[pd.Series], *, zoomed: bool = False) -> tuple[Name, ...]:
    """Regions called by the term that says most about them and names no larger one, largest first, none over another.

    A term's weight in a region is c-TF-IDF (Grootendorst 2022): its share of the region's terms times
    log(1 + mean number of terms in a region / number of times it occurs anywhere).

    Args:
        terms: category columns (n,); an item's terms are its values in them.
        zoomed: the second level, for looking closely: smaller regions, names that fit when the map is three times
            as large.
    """
    if not len(terms) or not len(places):
        return ()
    region, tops = regions(places, SMALL if zoomed else LARGE)
    count = np.bincount(region, minlength=len(tops))
    text = pd.concat([pd.Series(column.astype(str).to_numpy()) for column in terms], ignore_index=True)
    codes, vocabulary = pd.factorize(text)
    table = pd.DataFrame({"region": np.tile(region, len(terms)), "term": codes})
    pairs = table.value_counts(sort=False).reset_index(name="times")
    share = pairs["times"] / (count[pairs["region"]] * len(terms))
    everywhere = np.bincount(codes, minlength=len(vocabulary))
    weight = share * np.log1p(len(codes) / len(tops) / everywhere[pairs["term"]])
    pairs["weight"] = weight
    best = pairs.sort_values(["weight", "term"], ascending=[False, True]).groupby("region")["term"]
    ranked = best.agg(lambda found: [str(vocabulary[term]) for term in found.head(TERMS)])
    candidates: list[Name] = []
    taken: set[str] = set()
    for r in np.argsort(-count, kind="stable"):
        if count[r] < LEAST and len(places) >= 20 * LEAST:
            continue
        term = next((term for term in ranked[r] if term not in taken), ranked[r][0])
        taken.add(term)
        text_shown = fmt.shortened(term, NAME_LENGTH)
        candidates.append(Name(text_shown, float(tops[r, 0]), float(tops[r, 1]), int(count[r])))
    return _apart(candidates, SMALL_ZOOM if zoomed else 1.0)


def _apart(candidates: Sequence[Name], zoom: float) -> tuple[Name, ...]:
    """Those that fit, larger regions first; a name is not said twice side by side."""
    unit = 2.0 / WIDTH_OF_MAP / zoom
    kept: list[Name] = []
    for name in candidates:
        clear = all(
            abs(name.x - other.x) > (len(name.text) + len(other.text)) / 2 * LETTER * unit
            or abs(name.y - other.y) > LINE * unit
            for other in kept
        )
        again = any(
            name.text == other.text and np.hypot(name.x - other.x, name.y - other.y) < 0.5 / zoom for other in kept
        )
        if clear and not again:
            kept.append(name)
    return tuple(kept)


def _cells(places: NDArray[np.float32], bins: int) -> NDArray[np.int64]:
    return np.clip(((places + EDGE) / (2 * EDGE) * bins).astype(np.int64), 0, bins - 1)


_STEPS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]

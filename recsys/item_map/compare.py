"""Two models' maps laid over each other: what moved, and what got other neighbours."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c
from recsys.errors import InvalidInput
from recsys.item_map.points import ItemMap
from recsys.models.model import identical
from recsys.projection.projection import aligned
from recsys.utils import formatting as fmt

MOST = 100
MOVED, KEPT = "moved", "kept"


@dataclass(frozen=True)
class Comparison:
    """Two maps of (mostly) the same items.

    Attributes:
        places: (n, 2) where the items of the first map lie on the second, turned onto the first; nan where absent.
        table: `item_id`, `title`, `category`, `moved` (percent of the map's width), `kept` (percent of the true
            neighbours that are the same in both models; nan when unknown), `popularity`: most moved first.
        summary: one line.
    """

    places: NDArray[np.float32]
    table: pd.DataFrame
    summary: str


def compare(first: ItemMap, second: ItemMap, most: int = MOST) -> Comparison:
    """Lay the second map over the first (Procrustes over the items of both) and rank items by how far they moved.

    Raises:
        InvalidInput: fewer than four items are in both.
    """
    ids = first.points.item_ids
    rows = pd.Index(second.points.item_ids).get_indexer(pd.Index(ids))
    both = rows >= 0
    if both.sum() < 4:
        raise InvalidInput(f"The two models have {int(both.sum())} products in common; four are needed to compare.")
    same = identical(first.live.trained, second.live.trained)
    places = np.full((len(ids), 2), np.nan, np.float32)
    if same:  # two drawings of one thing: what differs between them is the drawing
        places[both] = first.points.places[both]
    else:
        onto = np.full((len(second.points), 2), np.nan, np.float32)
        onto[rows[both]] = first.points.places[both]
        turned = aligned(second.points.places, onto, np.asarray(np.isfinite(onto[:, 0]), dtype=np.bool_))
        places[both] = turned[rows[both]]
    moved = np.linalg.norm(places - first.points.places, axis=1) / 2.0
    kept = _neighbours_kept(first, second, rows)
    order = np.argsort(-np.where(both, moved, -1.0), kind="stable")[: min(most, int(both.sum()))]
    table = pd.DataFrame(
        {
            c.ITEM: ids[order],
            c.TITLE: first.points.titles[order],
            c.CATEGORY: first.points.categories[order],
            MOVED: (100 * moved[order]).round(1),
            KEPT: (100 * kept[order]).round(0),
            "popularity": first.points.popularity[order],
        }
    )
    share = "" if np.isnan(kept).all() else (
        f" On average {fmt.share(float(np.nanmean(kept)), 0)} of an item's true neighbours are the same in both."
    )  # fmt: skip
    if same:
        return Comparison(
            places, table, "The two models are identical: they give the same answers, and no product has moved."
        )
    return Comparison(
        places,
        table,
        f"{fmt.number(both.sum())} products are in both. Half of them moved by less than "
        f"{fmt.share(float(np.median(moved[both])))} of the map's width.{share}",
    )


def _neighbours_kept(first: ItemMap, second: ItemMap, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) share of each item's nearest in the first model that are among its nearest in the second."""
    kept = np.full(len(rows), np.nan)
    if first.nearest is None or second.nearest is None or not first.nearest.shape[1] or not second.nearest.shape[1]:
        return kept
    both = np.flatnonzero(rows >= 0)
    here = rows[first.nearest[both]]
    there = second.nearest[rows[both]]
    kept[both] = (here[:, :, None] == there[:, None, :]).any(axis=2).mean(axis=1)
    return kept

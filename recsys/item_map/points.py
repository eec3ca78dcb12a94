"""A stored map, opened: every item as a point, and what was stored with it."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c
from recsys.dataset.categories import middle_level
from recsys.errors import NoModel
from recsys.item_map.thumbnails import images
from recsys.projection.documents import MapFacts
from recsys.recommend.recommender import Recommender
from recsys.services.map_job import EXPOSURE, TREND
from recsys.services.workspace import Workspace


@dataclass(frozen=True, eq=False)
class Points:
    """All items of a model on its map, in the order of its item table.

    Attributes:
        item_ids, titles, categories: text (n,); categories are those of the middle level.
        x, y: float32 (n,) from -1 to 1.
        price: float64 (n,), nan where unknown.
        popularity: int64 (n,), how many users have had each item.
        images: text (n,), addresses of pictures, "" for none; None where no item has one.
    """

    item_ids: NDArray[np.object_]
    titles: NDArray[np.object_]
    categories: NDArray[np.object_]
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    price: NDArray[np.float64]
    popularity: NDArray[np.int64]
    images: NDArray[np.object_] | None = None

    def __len__(self) -> int:
        return len(self.item_ids)

    @property
    def places(self) -> NDArray[np.float32]:
        """(n, 2)."""
        return np.stack([self.x, self.y], axis=1)


@dataclass(frozen=True, eq=False)
class ItemMap:
    """The map of one model.

    Attributes:
        live: the model it belongs to, without items announced since: the map was drawn of those of the training.
        facts: how it was drawn and how faithful it is, as `mapping.draw` stores them; empty for older maps.
        exposure: float (n,), share of shoppers in whose list an item stands; None when that was not counted.
        trend: float (n,), purchases lately over those before; None when that was not counted.
        nearest, likeness: (n, k) truly nearest items and cosines; None for older maps.
    """

    live: Recommender
    points: Points
    facts: MapFacts
    exposure: NDArray[np.float64] | None = None
    trend: NDArray[np.float64] | None = None
    nearest: NDArray[np.int32] | None = None
    likeness: NDArray[np.float32] | None = None


def open_map(workspace: Workspace, live: Recommender) -> ItemMap:
    """The map of a model as it is stored now; NoModel when it has not been drawn yet."""
    model_id = live.model.id
    if not workspace.store.has_map(model_id):
        raise NoModel(f"Model {model_id!r} has no map yet.")
    return _opened(workspace, model_id, str(workspace.store.map_manifest(model_id)["checksum"]))


@lru_cache(maxsize=3)
def _opened(workspace: Workspace, model_id: str, checksum: str) -> ItemMap:
    live, store = workspace.load(model_id).without_announced, workspace.store
    table = store.load_map(model_id)
    if table is None:
        raise NoModel(f"Model {model_id!r} has no map yet.")
    details, arrays = store.load_map_details(model_id)
    known = {} if details is None else {name: details[name].to_numpy(dtype=float) for name in (EXPOSURE, TREND)}
    trend = known.get(TREND)
    return ItemMap(
        live=live,
        points=points(live, table),
        facts=store.map_manifest(model_id)["facts"],
        exposure=known.get(EXPOSURE),
        trend=None if trend is None or not np.isfinite(trend).any() else trend,
        nearest=arrays.get("nearest"),
        likeness=arrays.get("likeness"),
    )


def points(live: Recommender, table: pd.DataFrame) -> Points:
    """The points of a map (`item_id, x, y`); items that it lacks lie in the middle."""
    items = live.items
    places = table.set_index(c.ITEM).reindex(items[c.ITEM]).fillna(0.0)
    level = middle_level(live.model.category_levels)
    lines = items[level].astype(str) if level else pd.Series("", index=items.index)
    price = items[c.PRICE].to_numpy(dtype=np.float64) if c.PRICE in items else np.full(len(items), np.nan)
    return Points(
        item_ids=items[c.ITEM].to_numpy(dtype=object),
        titles=items[c.TITLE].astype(str).to_numpy(dtype=object),
        categories=lines.to_numpy(dtype=object),
        x=places[c.X].to_numpy(dtype=np.float32),
        y=places[c.Y].to_numpy(dtype=np.float32),
        price=price,
        popularity=live.model.popularity,
        images=images(live),
    )

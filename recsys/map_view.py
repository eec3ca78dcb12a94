"""What the Map page shows: every item as a point, one item with its true neighbours, and how the drawing stands."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c
from recsys import words
from recsys.errors import InsiderError, NoModel
from recsys.recommender import Recommender
from recsys.runs import Run
from recsys.workspace import Workspace

LIKENESS = "likeness"
POPULARITY = "popularity"
NEIGHBOURS_SHOWN = 12


@dataclass(frozen=True)
class Points:
    """All items of a model on its map, in the order of its item table.

    Attributes:
        item_ids, titles, categories: text (n,); categories are those of the middle level.
        x, y: float32 (n,) from -1 to 1.
        price: float64 (n,), nan where unknown.
        popularity: int64 (n,), how many users have had each item.
    """

    item_ids: NDArray[np.object_]
    titles: NDArray[np.object_]
    categories: NDArray[np.object_]
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    price: NDArray[np.float64]
    popularity: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.item_ids)


@dataclass(frozen=True)
class Focus:
    """One item and those nearest to it in the model's own space.

    Attributes:
        row: its place in the item table; `rows` those of the neighbours, nearest first.
        facts: categories, price and popularity on one line.
        neighbours: `item_id`, `title`, `category`, `likeness` (100 times the cosine), `popularity`.
    """

    item_id: str
    title: str
    facts: str
    row: int
    rows: NDArray[np.int64]
    neighbours: pd.DataFrame


@dataclass(frozen=True)
class Found:
    """What was searched for: one item to look at, or several to choose from.

    Attributes:
        focus: the item, when the query is its number.
        products: otherwise, items whose titles and categories hold the words: `item_id`, `title`, `category`,
            `popularity`; None for an empty query.
        currency: sign before amounts of money, or "".
    """

    focus: Focus | None
    products: pd.DataFrame | None
    currency: str


def find(workspace: Workspace, query: str, limit: int = 30) -> Found:
    """Look for an item by its number or by words."""
    live = workspace.load()
    sign = currency(workspace, live)
    if not query:
        return Found(None, None, sign)
    if query in live.model.item_index:
        return Found(focus(live, query, sign), None, sign)
    products = workspace.find_items(query, limit)
    levels = live.model.category_levels
    return Found(None, products.assign(**{c.CATEGORY: products[levels[0]] if levels else ""}), sign)


def clicked(event: Any) -> str | None:
    """The id of the item that was clicked on the map, from Plotly's selection event; None when it was none."""
    marked = event["selection"]["points"]
    return str(_id_of(marked[0])) if len(marked) == 1 else None


def _id_of(point: Any) -> str:
    given = point["customdata"]
    return str(given[0] if isinstance(given, list) else given)


def points(live: Recommender) -> Points:
    """The map of a model as points; NoModel when it has not been drawn yet."""
    if live.map is None:
        raise NoModel(f"Model {live.model.id!r} has no map yet.")
    items = live.items
    places = live.map.set_index(c.ITEM).reindex(items[c.ITEM])
    levels = live.model.category_levels
    lines = items[levels[len(levels) // 2]].astype(str) if levels else pd.Series("", index=items.index)
    price = items[c.PRICE].to_numpy(dtype=np.float64) if c.PRICE in items else np.full(len(items), np.nan)
    return Points(
        item_ids=items[c.ITEM].to_numpy(dtype=object),
        titles=items[c.TITLE].astype(str).to_numpy(dtype=object),
        categories=lines.to_numpy(dtype=object),
        x=places[c.X].to_numpy(dtype=np.float32),
        y=places[c.Y].to_numpy(dtype=np.float32),
        price=price,
        popularity=live.model.popularity,
    )


def focus(live: Recommender, item_id: str, currency: str = "", k: int = NEIGHBOURS_SHOWN) -> Focus:
    """An item and its k nearest by cosine of the embeddings; NotFound for an unknown one."""
    from recsys.shopper import item_facts

    row = int(live.model.item_rows([item_id])[0])
    near = live.similar(item_id, min(k, max(len(live.items) - 1, 1)))
    rows = live.model.item_rows([item.item_id for item in near])
    levels = live.model.category_levels
    table = pd.DataFrame(
        {
            c.ITEM: [item.item_id for item in near],
            c.TITLE: [item.title for item in near],
            c.CATEGORY: live.items[levels[0]].to_numpy()[rows] if levels else "",
            LIKENESS: [100.0 * item.score for item in near],
            POPULARITY: live.model.popularity[rows],
        }
    )
    return Focus(item_id, str(live.items[c.TITLE].iat[row]), item_facts(live, row, currency), row, rows, table)


def currency(workspace: Workspace, live: Recommender) -> str:
    """The sign before amounts of money of the data behind a model, or ""."""
    try:
        notes = workspace.store.dataset_manifest(live.manifest["dataset"])["notes"]
    except InsiderError:
        return ""
    return str(notes.get("currency", ""))


def summary(live: Recommender) -> str:
    """One line on what the map shows."""
    widest = f" in {words.number(live.items[live.model.category_levels[0]].nunique())} {_plural(live)}" \
        if live.model.category_levels else ""  # fmt: skip
    return (
        f"{words.number(len(live.items))} products{widest}, each a point. Close together means: bought by the same "
        "kind of shopper, as the model sees it. The directions of the picture mean nothing."
    )


def last_run(workspace: Workspace, model_id: str) -> Run | None:
    """The newest run that drew, draws or failed to draw the map of a model."""
    return next((run for run in workspace.runs(200) if run.kind == "map" and run.model == model_id), None)


def _plural(live: Recommender) -> str:
    name = words.label(live.model.category_levels[0]).lower()
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"

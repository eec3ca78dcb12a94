"""What the Map page shows: every item as a point, one item with its true neighbours, and how the drawing stands."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c
from recsys.item_map.points import ItemMap
from recsys.item_map.shopper import ShopperOnMap
from recsys.recommend.recommender import Recommender
from recsys.services.search.item_search import find_items
from recsys.services.workspace import Workspace
from recsys.storage.jobs import Job
from recsys.utils import formatting as fmt
from recsys.views.explanation import item_facts
from recsys.views.shopper import currency_of

LIKENESS = "likeness"
POPULARITY = "popularity"
NEIGHBOURS_SHOWN = 12
MOST_FOUND = 5000
"""Hits of a search that are marked on the map; the bestsellers first."""


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
        note: why there is nothing to look at, or "".
        rows: places of all items that were found, more than are listed in `products`; None without a search by words.
    """

    focus: Focus | None
    products: pd.DataFrame | None
    currency: str
    note: str = ""
    rows: NDArray[np.int64] | None = None


def find(workspace: Workspace, query: str, limit: int = 30) -> Found:
    """Look for an item of the map by its number or by words."""
    newest = workspace.load()
    live = newest.without_announced
    sign = currency_of(workspace, live)
    if not query:
        return Found(None, None, sign)
    if query in live.model.item_index:
        return Found(focus(live, query, sign), None, sign)
    products = find_items(workspace, query, MOST_FOUND)
    products = products[products[c.ITEM].isin(live.model.rows_of_items.keys())].reset_index(drop=True)
    levels = live.model.category_levels
    note = f"No product of the map has {query!r} in its title, categories or number."
    if query in newest.model.rows_of_items:
        note = f"Product {query!r} was announced after this model was trained; the next training puts it on the map."
    rows = live.model.item_rows(products[c.ITEM].tolist()) if len(products) else None
    listed = products.head(limit)
    return Found(None, listed.assign(**{c.CATEGORY: listed[levels[0]] if levels else ""}), sign, note, rows)


def focus(live: Recommender, item_id: str, currency: str = "", k: int = NEIGHBOURS_SHOWN) -> Focus:
    """An item and its k nearest by cosine of the embeddings; NotFound for an unknown one."""
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


def summary(live: Recommender) -> str:
    """One line on what the map shows."""
    levels = live.model.category_levels
    widest = f" in {fmt.plural(live.items[levels[0]].nunique(), fmt.label(levels[0]).lower())}" if levels else ""
    return (
        f"{fmt.number(len(live.items))} products{widest}, each a point. Close together means: bought by the same "
        "kind of shopper, as the model sees it. The directions of the picture mean nothing."
    )


@dataclass(frozen=True)
class Badge:
    """A figure about the map and what it means; plain text."""

    text: str
    meaning: str
    good: bool = True


def badges(item_map: ItemMap) -> tuple[Badge, ...]:
    """How faithful the map is, and how far things moved since the one before."""
    facts = item_map.facts
    found = []
    worth, kept, purity, moved = (
        facts.get("trustworthiness"),
        facts.get("kept"),
        facts.get("purity"),
        facts.get("moved"),
    )
    if worth is not None:
        found.append(
            Badge(
                f"Trustworthy {fmt.share(worth)}",
                f"Trustworthiness over the {facts['k']} nearest: 100% when nothing looks near that is not. Measured on "
                f"{fmt.number(facts['sample'])} products.",
                worth >= 0.9,
            )
        )
    if kept is not None:
        found.append(
            Badge(
                f"{fmt.share(kept, 0)} of true neighbours kept",
                f"Share of a product's {facts['k']} truly nearest that are among its {facts['k']} nearest here. Two "
                "dimensions cannot keep more; click a product to see the true ones.",
            )
        )
    if purity is not None:
        level = fmt.label(facts["purity_level"] or "").lower()
        part = facts.get("settings", {}).get("part")
        caution = (
            "The model does not know it here." if part == "own" else "The model was told it, so this proves little."
        )
        found.append(
            Badge(
                f"{fmt.share(purity, 0)} of neighbours of one {level}",
                f"Share of the 10 nearest here that are of the product's own {level}. {caution}",
            )
        )
    if moved is not None:
        found.append(
            Badge(
                f"Moved {fmt.share(moved)}",
                f"Half of the products lie within so much of the map's width of where the map of model "
                f"{facts['since']} had them.",
            )
        )
    return tuple(found)


def last_run(workspace: Workspace, model_id: str) -> Job | None:
    """The newest run that drew, draws or failed to draw the map of a model."""
    return next(iter(workspace.job_store.newest(1, kinds=("map",), model=model_id)), None)


def suggestions(found: Found, shopper: ShopperOnMap, item_map: ItemMap) -> list[str]:
    """Ids to choose from for "what if": the item that is looked at, those that were found, those recommended."""
    given = [] if found.focus is None else [found.focus.item_id]
    listed = [] if found.products is None else [str(item) for item in found.products[c.ITEM]]
    shown = [str(item) for item in item_map.points.item_ids[shopper.recommended]]
    return list(dict.fromkeys([*given, *listed, *shown]))


def title_of(item_map: ItemMap, item_id: str) -> str:
    """The title of an item."""
    return str(item_map.points.titles[item_map.live.model.item_rows([item_id])[0]])


def today() -> str:
    """The day, in words."""
    return fmt.day(date.today())

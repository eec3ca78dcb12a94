"""A part of the map that somebody has drawn around: what is in it, what it earns, and who buys it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c
from recsys.errors import InvalidInput
from recsys.item_map.points import ItemMap, Points
from recsys.recommend.rules import Boost, Rules
from recsys.services.workbench.rule_sets import RuleSets
from recsys.services.workspace import Workspace
from recsys.utils import formatting as fmt

MIX_SHOWN = 8
MOST_IN_A_RULE = 500
MOST_CORNERS = 80
SHARE, OF_ALL, LIFT = "share", "of_all", "lift"
PURCHASES, SPENT, PRODUCTS = "purchases", "spent", "products"


@dataclass(frozen=True)
class Selection:
    """What lies in a part of the map.

    Attributes:
        summary: one line.
        mix: `category`, `share` (of the selection), `of_all` (of the catalogue): of the widest level, largest first.
        items: `item_id`, `title`, `category`, `price`, `popularity`, `spent`, most bought first.
        buyers: `value` (attribute and value), `share` (of the buyers who say), `of_all`, `lift`; largest lift first.
        audience: everybody who bought any of it: `user_id`, `products`, `purchases`, `spent`, most products first.
    """

    summary: str
    mix: pd.DataFrame
    items: pd.DataFrame
    buyers: pd.DataFrame
    audience: pd.DataFrame


def ids_of(event: Mapping[str, Any], points: Points, drawn: NDArray[np.int64] | None = None) -> list[str]:
    """Ids of the items in a box or lasso, from the ids that stand in the event's points.

    Args:
        drawn: rows that were drawn, when not all were: then those within the box or lasso that were not are added.
    """
    marked = event["selection"]
    found = dict.fromkeys(id_of(point) for point in marked["points"] if point.get("customdata") is not None)
    if drawn is not None and len(drawn) < len(points):
        inside = np.zeros(len(points), dtype=bool)
        for box in marked["box"]:
            (x0, x1), (y0, y1) = sorted(box["x"]), sorted(box["y"])
            inside |= (points.x >= x0) & (points.x <= x1) & (points.y >= y0) & (points.y <= y1)
        for lasso in marked["lasso"]:
            inside |= within(points.places, np.column_stack([lasso["x"], lasso["y"]]))
        inside[drawn] = False
        found |= dict.fromkeys(str(item) for item in points.item_ids[inside])
    return list(found)


def id_of(point: Mapping[str, Any]) -> str:
    """The item id that stands first in a point's `customdata`."""
    given = point["customdata"]
    return str(given if isinstance(given, str) else given[0])


def within(places: NDArray[Any], polygon: NDArray[Any]) -> NDArray[np.bool_]:
    """(n,) which points lie in a closed polygon (m, 2), by the even-odd rule."""
    inside = np.zeros(len(places), dtype=bool)
    x, y = places[:, 0].astype(float), places[:, 1].astype(float)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        crosses = (y0 > y) != (y1 > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            inside ^= crosses & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return inside


def why_no_rule(item_ids: Sequence[str]) -> str:
    """Why no rule can be made of these items, in a sentence; "" when one can."""
    if 0 < len(item_ids) <= MOST_IN_A_RULE:
        return ""
    return f"A rule takes from 1 to {MOST_IN_A_RULE} products, and {len(item_ids):,} are selected; select fewer."


def area_of(event: Mapping[str, Any]) -> str:
    """The boxes and lassos of an event as text for a link: "x,y x,y x,y; ...", at most `MOST_CORNERS` corners each."""
    marked = event["selection"]
    areas = []
    for box in marked["box"]:
        (x0, x1), (y0, y1) = sorted(box["x"]), sorted(box["y"])
        areas.append([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    for lasso in marked["lasso"]:
        corners = list(zip(lasso["x"], lasso["y"], strict=True))
        areas.append(corners[:: -(-len(corners) // MOST_CORNERS)])
    return "; ".join(" ".join(f"{x:.3f},{y:.3f}" for x, y in corners) for corners in areas)


def ids_in(area: str, points: Points) -> list[str]:
    """Ids of the items in an area as `area_of` writes it.

    Raises:
        InvalidInput: it cannot be read.
    """
    inside = np.zeros(len(points), dtype=bool)
    for part in area.split(";"):
        try:
            corners = np.array([[float(x) for x in corner.split(",")] for corner in part.split()])
        except ValueError:
            corners = np.zeros((0, 2))
        if corners.ndim != 2 or corners.shape[0] < 3 or corners.shape[1] != 2 or not np.isfinite(corners).all():
            raise InvalidInput(f"The area {part.strip()[:60]!r} of the link cannot be read: at least three pairs x,y.")
        inside |= within(points.places, corners)
    return [str(item) for item in points.item_ids[inside]]


def look_into(item_map: ItemMap, item_ids: Sequence[str], currency: str = "") -> Selection:
    """What the selected items are, what they earn, and who buys them; of what the model has learned from."""
    model = item_map.live.model
    rows = np.unique(model.item_rows(list(item_ids))) if len(item_ids) else np.zeros(0, np.int64)
    inside = np.zeros(len(model.items), dtype=bool)
    inside[rows] = True
    pairs = model.history
    users = np.repeat(np.arange(len(model.users)), np.diff(pairs.counts.indptr))
    hit = inside[pairs.counts.indices]
    spent_by_item = np.bincount(pairs.counts.indices, weights=pairs.value, minlength=len(inside)).astype(float)
    n_users = len(model.users)
    audience = pd.DataFrame(
        {
            c.USER: model.users[c.USER].to_numpy(),
            PRODUCTS: np.bincount(users[hit], minlength=n_users),
            PURCHASES: np.bincount(users[hit], weights=pairs.counts.data[hit], minlength=n_users).astype(int),
            SPENT: np.bincount(users[hit], weights=pairs.value[hit], minlength=n_users).round(2),
        }
    )
    bought = audience[PRODUCTS].to_numpy() > 0
    total, here = float(spent_by_item.sum()), float(spent_by_item[rows].sum())
    share = f" ({fmt.share(here / total)} of all)" if total else ""
    return Selection(
        summary=(
            f"{fmt.number(len(rows))} products, bought by {fmt.number(bought.sum())} of "
            f"{fmt.number(n_users)} shoppers for {fmt.money(here, currency)}{share}"
        ),
        mix=_mix(item_map, inside),
        items=_items(item_map, rows, spent_by_item),
        buyers=_buyers(item_map, bought),
        audience=audience[bought].sort_values(PRODUCTS, ascending=False, kind="stable", ignore_index=True),
    )


def save_rule(workspace: Workspace, name: str, item_ids: Sequence[str], strength: float) -> Rules:
    """Store a rule set that pushes the selected items up (or down, when `strength` is negative).

    Raises:
        InvalidInput: nothing is selected, more than `MOST_IN_A_RULE` items are, or the name cannot be used.
    """
    if reason := why_no_rule(item_ids):
        raise InvalidInput(reason)
    boosts = tuple(Boost("item", item, strength) for item in item_ids)
    return RuleSets(workspace.database).save(name, Rules(boosts=boosts))


def _mix(item_map: ItemMap, inside: NDArray[np.bool_]) -> pd.DataFrame:
    model = item_map.live.model
    if not model.category_levels or not inside.any():
        return pd.DataFrame({c.CATEGORY: [], SHARE: [], OF_ALL: []})
    column = model.items[model.category_levels[0]].astype(str)
    table = pd.DataFrame({SHARE: column[inside].value_counts(normalize=True)})
    table[OF_ALL] = column.value_counts(normalize=True)
    return table.head(MIX_SHOWN).rename_axis(c.CATEGORY).reset_index()


def _items(item_map: ItemMap, rows: NDArray[np.int64], spent: NDArray[np.float64]) -> pd.DataFrame:
    points = item_map.points
    order = rows[np.argsort(-points.popularity[rows], kind="stable")]
    return pd.DataFrame(
        {
            c.ITEM: points.item_ids[order],
            c.TITLE: points.titles[order],
            c.CATEGORY: points.categories[order],
            c.PRICE: points.price[order],
            "popularity": points.popularity[order],
            SPENT: spent[order].round(2),
        }
    )


def _buyers(item_map: ItemMap, bought: NDArray[np.bool_]) -> pd.DataFrame:
    model = item_map.live.model
    rows = []
    for attribute in model.user_attributes:
        column = model.users[attribute]
        everybody, buyers = column.value_counts(normalize=True), column[bought].value_counts(normalize=True)
        for value, of_all in everybody.items():
            share = float(buyers.get(value, 0.0))
            rows.append((f"{fmt.label(attribute)}: {value}", share, float(of_all), share / float(of_all)))
    table = pd.DataFrame(rows, columns=["value", SHARE, OF_ALL, LIFT])
    return table.sort_values(LIFT, ascending=False, kind="stable", ignore_index=True)

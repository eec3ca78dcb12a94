"""What came after a model was trained, beside what it knows: new items, new users, new lines of a history."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from recsys import columns as c
from recsys.dataset.item_columns import number_columns
from recsys.models.added_items import with_added_items
from recsys.models.model import Model
from recsys.recommend.activity import Activity, NewActivity
from recsys.recommend.recommender import Recommender

NEW_USERS_FOUND = 1000


@dataclass(frozen=True)
class Enlarged:
    """Answers over the items of a model and those announced since.

    Attributes:
        announced: the announcements that are in it, by id.
    """

    announced: Mapping[str, Mapping[str, Any]]
    recommender: Recommender


def item_rows(announced: Mapping[str, Mapping[str, Any]], levels: tuple[str, ...], table: pd.DataFrame) -> pd.DataFrame:
    """Announced items as rows of an item table.

    Args:
        announced: by id: `title`, `description`, `category` (widest level first), `brand`, `price`, and `numbers` by
            name of the column, each optional.
        levels: names of the category levels, widest first.
        table: the items there are, with the columns that the rows get.
    """
    numbers = dict.fromkeys(number_columns(table), np.float64)
    rows = []
    for item_id, content in announced.items():
        given = dict(zip(levels, content.get(c.CATEGORY) or (), strict=False))
        row = {name: given.get(name) or c.UNCATEGORISED for name in levels}
        row |= {c.ITEM: item_id, c.TITLE: content.get(c.TITLE) or item_id}
        row |= {name: content.get(name) for name in (c.DESCRIPTION, c.BRAND, c.PRICE)}
        row |= {name: value for name, value in content.get("numbers", {}).items() if name in numbers}
        rows.append({name: row.get(name) for name in table.columns})
    return pd.DataFrame(rows, columns=list(table.columns)).astype(numbers)


def with_new_items(
    base: Recommender, announced: Mapping[str, Mapping[str, Any]], known: Enlarged | None = None
) -> Enlarged:
    """The answers of a model over its items and those announced since; items it has already are left as they are.

    Args:
        base: the answers over the items of the training.
        announced: by id, as `Activity.new_items` gives them.
        known: what this gave for the announcements before, to which the new ones are added where they are new.
    """
    known_before = {} if known is None else known.announced
    fresh = {name: content for name, content in announced.items() if known_before.get(name) is not content}
    wider = base if known is None or any(name in known_before for name in fresh) else known.recommender
    wanted = announced if wider is base else fresh
    new = {name: content for name, content in wanted.items() if name not in base.model.rows_of_items}
    if new:
        model = wider.model
        table = item_rows(new, model.category_levels, model.items)
        wider = wider.with_items(with_added_items(model, table))
    return Enlarged(announced, wider)


def with_new_activity(history: pd.DataFrame, new_activity: NewActivity, model: Model) -> pd.DataFrame:
    """A history (as `user_history` gives it) with what the user did since, on the same item in the same line."""
    fresh = np.flatnonzero(~new_activity.in_data)
    if len(fresh) == 0:
        return history
    ids = np.array(new_activity.item_ids, dtype=object)[fresh]
    rows = model.item_index.get_indexer(pd.Index(ids, dtype=object))
    added = pd.DataFrame({c.ITEM: ids, c.TITLE: ids}).assign(**dict.fromkeys(model.category_levels, c.UNCATEGORISED))
    known = rows >= 0
    for name in (c.TITLE, *model.category_levels):
        added.loc[known, name] = model.items[name].to_numpy(dtype=object)[rows[known]]
    added[c.COUNT] = 1
    added[c.FIRST] = added[c.LAST] = new_activity.times[fresh]
    added[c.VALUE] = new_activity.values[fresh].astype(np.float32)
    added["after_cut"] = True
    rules = {name: "first" for name in history.columns if name != c.ITEM}
    rules |= {c.COUNT: "sum", c.FIRST: "min", c.LAST: "max", c.VALUE: "sum", "after_cut": "min"}
    together = pd.concat([history.astype({c.ITEM: object}), added], ignore_index=True) if len(history) else added
    return together.groupby(c.ITEM, sort=False).agg(rules).reset_index()[list(history.columns)]


def with_new_users(table: pd.DataFrame, activity: Activity, known: pd.Index, query: str = "") -> pd.DataFrame:
    """The table of users (as `user_search.find_users` gives it) with those that the log alone knows, at its end; the
    first `NEW_USERS_FOUND` of them whose id contains `query`."""
    rows = []
    strangers = [user_id for user_id in activity.new_users() if query in user_id and user_id not in known]
    for user_id in strangers[:NEW_USERS_FOUND]:
        new_activity = activity.new_activity(user_id)
        if new_activity is not None:
            row = {c.USER: user_id, **new_activity.attributes, "purchases": len(new_activity.item_ids)}
            last = pd.Timestamp(new_activity.times.max()) if len(new_activity.times) else pd.NaT
            rows.append(row | {"products": len(set(new_activity.item_ids)), "last": last})
    if not rows:
        return table
    return pd.concat([table, pd.DataFrame(rows).reindex(columns=table.columns)], ignore_index=True)


def known_by_events(activity: Activity | None, model: Model, query: str, limit: int = 20) -> list[str]:
    """Ids that hold `query`, of users whom the log knows and the model does not; those that begin with it first."""
    ids = [] if activity is None else [name for name in activity.new_users() if query in name]
    strangers = [name for name in ids if name not in model.rows_of_users]
    return sorted(strangers, key=lambda name: (not name.startswith(query), name))[:limit]

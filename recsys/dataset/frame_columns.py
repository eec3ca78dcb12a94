"""Which columns of somebody's DataFrames a dataset takes, where they do not say it themselves."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from recsys import columns as c
from recsys.dataset import raw_tables
from recsys.dataset.event_kinds import NOTHING, weight_of
from recsys.errors import InvalidInput

EVENT_COLUMNS = (c.USER, c.ITEM, c.TIMESTAMP, c.QUANTITY, c.VALUE)
ITEM_COLUMNS = (c.ITEM, c.TITLE, c.DESCRIPTION, c.BRAND, c.PRICE, c.IMAGE_URL, c.AVAILABLE)
MOST_ATTRIBUTE_VALUES = 100
"""A column of users with more values than this says who somebody is, not what kind of shopper."""


@dataclass(frozen=True)
class UsedColumns:
    """The category levels of the items, widest first, the attributes of the users, and the numbers of the items."""

    levels: tuple[str, ...]
    attributes: tuple[str, ...]
    numbers: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        items: pd.DataFrame | None,
        users: pd.DataFrame | None,
        category_levels: Sequence[str] | None,
        user_attributes: Sequence[str] | None,
        numbers: Sequence[str] = (),
    ) -> "UsedColumns":
        """Those that are named, or else all columns of text of the items, those with fewer names first, and all columns
        of the users with at most `MOST_ATTRIBUTE_VALUES` values."""
        levels, attributes = tuple(category_levels or ()), tuple(user_attributes or ())
        if items is not None and category_levels is None:
            texts = [x for x in items.columns if x not in (*ITEM_COLUMNS, *numbers) and _is_text(items[x])]
            levels = tuple(sorted(texts, key=dict(items[texts].nunique()).__getitem__))
        if users is not None and user_attributes is None:
            attributes = tuple(x for x in users.columns if x != c.USER and users[x].nunique() <= MOST_ATTRIBUTE_VALUES)
        return cls(levels, attributes, tuple(numbers))

    def of_items(self, items: pd.DataFrame | None) -> pd.DataFrame | None:
        """The columns of the items that are used."""
        used = (*ITEM_COLUMNS, *self.levels, *self.numbers)
        if self.numbers:
            raw_tables.check_columns(pd.DataFrame() if items is None else items, self.numbers, "items")
        if items is None:
            return None
        there = [name for name in (c.PRICE, *self.numbers) if name in items]
        numbers = {name: raw_tables.item_numbers(items, name) for name in there}
        return items[[x for x in items.columns if x in used]].assign(**numbers)

    def of_users(self, users: pd.DataFrame | None) -> pd.DataFrame | None:
        """The columns of the users that are used, attributes as text."""
        if users is None:
            return None
        return users.assign(**{x: _as_text(users[x]) for x in self.attributes})[[c.USER, *self.attributes]]

    def left_out(self, events: pd.DataFrame, items: pd.DataFrame | None, users: pd.DataFrame | None) -> list[str]:
        """Columns that are not used, as "items.colour"."""
        tables = {
            "events": (events, (*EVENT_COLUMNS, c.WEIGHT, c.EVENT)),
            "items": (items, (*ITEM_COLUMNS, *self.levels, *self.numbers)),
            "users": (users, (c.USER, *self.attributes)),
        }
        return [
            f"{part}.{column}"
            for part, (table, used) in tables.items()
            for column in (() if table is None else table.columns)
            if column not in used
        ]


def check_ids(events: pd.DataFrame, items: pd.DataFrame | None, users: pd.DataFrame | None) -> None:
    """InvalidInput, naming the column, unless every table has its ids."""
    for table, key in ((events, c.USER), (events, c.ITEM), (items, c.ITEM), (users, c.USER)):
        if table is not None and key not in table.columns:
            raise InvalidInput(
                f"The table has no column {key!r}; it has {', '.join(map(str, table.columns))}. "
                f"Rename the one that holds it: table.rename(columns={{...: {key!r}}})."
            )


def weighted(events: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Events with the weights of their kinds, unless they have weights, and how many of each kind are left out."""
    if c.EVENT not in events or c.WEIGHT in events:
        return events, {}
    kinds = events[c.EVENT].astype(object).where(events[c.EVENT].notna(), "").astype(str)
    weights = kinds.map({kind: weight_of(kind)[0] for kind in kinds.unique()})
    left_out = {str(kind): int(n) for kind, n in kinds[weights == NOTHING].value_counts().items()}
    kept = events[weights != NOTHING]
    weights = weights[weights != NOTHING]
    return (kept.assign(**{c.WEIGHT: weights}) if weights.nunique() > 1 else kept), left_out


def _is_text(column: pd.Series) -> bool:
    return bool(
        pd.api.types.is_object_dtype(column)
        or pd.api.types.is_string_dtype(column)
        or isinstance(column.dtype, pd.CategoricalDtype)
    )


def _as_text(column: pd.Series) -> pd.Series:
    """The values as text, missing ones as None."""
    return column.astype(object).map(lambda x: None if pd.isna(x) else str(x))

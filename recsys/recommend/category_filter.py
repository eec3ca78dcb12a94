"""Which items carry a category, on whatever level."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.errors import NotFound
from recsys.models.features import each_value


@dataclass(frozen=True)
class CategoryFilter:
    """The items of each category of one model.

    Attributes:
        rows: row numbers of the items, ascending, by name of the category on any level.
        n_items: how many items there are.
        model_id: named in refusals.
    """

    rows: dict[str, NDArray[np.int64]]
    n_items: int
    model_id: str

    @classmethod
    def of(cls, items: pd.DataFrame, category_levels: Sequence[str], model_id: str) -> Self:
        """`items` has a column for each category level."""
        found: dict[str, list[NDArray[np.int64]]] = {}
        for level in category_levels:
            rows, names = each_value(items[level])
            for name, places in names.groupby(names, sort=False).indices.items():
                found.setdefault(str(name), []).append(rows[places])
        return cls({name: np.unique(np.concatenate(parts)) for name, parts in found.items()}, len(items), model_id)

    def with_items(self, table: pd.DataFrame, category_levels: Sequence[str]) -> Self:
        """With more items at the end."""
        more = self.of(table, category_levels, self.model_id)
        grown = {
            name: np.concatenate([self.rows.get(name, rows[:0]), rows + self.n_items])
            for name, rows in more.rows.items()
        }
        return type(self)({**self.rows, **grown}, self.n_items + len(table), self.model_id)

    def mask(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """(n_items,): the items that carry one of the names.

        Raises:
            NotFound: no item carries a name; the nearest there are stand in the message.
        """
        found = np.zeros(self.n_items, dtype=bool)
        for name in names:
            rows = self.rows.get(name)
            if rows is None:
                near = get_close_matches(name, self.rows, n=3, cutoff=0.5)
                hint = f" Did you mean {' or '.join(repr(x) for x in near)}?" if near else ""
                raise NotFound(f"No category {name!r} in model {self.model_id!r}.{hint}")
            found[rows] = True
        return found

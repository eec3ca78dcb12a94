"""Products that are the same but for their size: a list shows at most a few of each kind, so that it is not ten of one.

Two products are near-duplicates when their titles differ only in sizes, pack counts or running numbers, and they stand
in the same category on every level.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c

FEWEST_KINDS = 0.02
"""Where titles name fewer kinds than this share of the products, they tell none from another: nothing is capped."""

POOL = 3
"""So many times k products are looked at first."""

_UNIT = (
    "oz|fl oz|ounces?|lbs?|pounds?|kgs?|grams?|gr?|mg|mls?|cl|dl|l|lit(?:er|re)s?|gal|gallons?|qts?|pts?|pints?|cts?|"
    "count|pks?|packs?|pcs?|pieces?|dz|doz|dozen|cm|mm|m|in|inch(?:es)?|ft|sq ft|yd|rolls?|sheets?|bags?|cans?|x"
)
_SIZE = re.compile(
    rf"\bno\.? ?\d+\b|[#№] ?\d+\b|\b\d+(?:[.,/]\d+)*[ -]?(?:{_UNIT})\b\.?"
    r"|\b(?:pack|set|box) of \d+\b|\b\d+ ?[x×] ?(?=\d)"
)
_BETWEEN = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class NearDuplicates:
    """The kinds of the products of one model.

    Attributes:
        kinds: int64 (n_items,), equal for near-duplicates.
        numbers: the number of each kind, by title without sizes and categories.
        idle: whether no two products are alike, or titles tell no product from another.
    """

    kinds: NDArray[np.int64]
    numbers: dict[tuple[str, ...], int]
    idle: bool

    @classmethod
    def of(cls, items: pd.DataFrame, category_levels: tuple[str, ...]) -> Self:
        """`items` has a title and a column for each category level."""
        numbers: dict[tuple[str, ...], int] = {}
        kinds = _numbered(_keys(items, category_levels), numbers)
        idle = len(numbers) == len(items) or len(numbers) < FEWEST_KINDS * len(items)
        return cls(kinds, numbers, idle)

    def with_items(self, table: pd.DataFrame, category_levels: tuple[str, ...]) -> Self:
        """With more products at the end."""
        numbers = dict(self.numbers)
        more = _numbered(_keys(table, category_levels), numbers)
        some_alike = len(numbers) < len(self.kinds) + len(table)
        idle = self.idle and (len(self.numbers) < len(self.kinds) or not some_alike)
        return type(self)(np.concatenate([self.kinds, more]), numbers, idle)

    def among_the_first(self, rows: NDArray[np.signedinteger[Any]], most: int) -> NDArray[np.bool_]:
        """(n_lists, m): which products of ranked lists are among the first `most` of their kind; -1 is none."""
        kinds = np.where(rows >= 0, self.kinds[rows], -1)
        order = np.argsort(kinds, axis=1, kind="stable")
        ordered = np.take_along_axis(kinds, order, axis=1)
        places = np.arange(rows.shape[1])
        begins = np.ones(rows.shape, bool)
        begins[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
        before = np.empty(rows.shape, np.int64)
        since = places - np.maximum.accumulate(np.where(begins, places, 0), axis=1)
        np.put_along_axis(before, order, since, axis=1)
        return np.asarray((before < most) & (rows >= 0))


def kind_of(title: str) -> str:
    """A title in lower case without sizes, pack counts, running numbers and punctuation; itself where that is all."""
    text = title.lower()
    return _BETWEEN.sub(" ", _SIZE.sub(" ", text)).strip() or text


def _keys(items: pd.DataFrame, category_levels: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    titles = [kind_of(title) for title in items[c.TITLE].astype(str)]
    return zip(titles, *(items[level].astype(str) for level in category_levels), strict=True)


def _numbered(keys: Iterable[tuple[str, ...]], numbers: dict[tuple[str, ...], int]) -> NDArray[np.int64]:
    """A number for each key; new ones are added to `numbers`."""
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)

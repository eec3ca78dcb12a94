"""Products that are the same but for their size: a list shows at most a few of each kind, so that it is not ten of one.

Two products are near-duplicates when their titles differ only in sizes, pack counts or running numbers, and they stand
in the same category on every level.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
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
_NUMBER = r"\d+(?:[.,/]\d+)*"
_SIZE = (
    r"\bno\.? ?\d+\b|[#№] ?\d+\b|\b(?:pack|set|box) of \d+\b"
    rf"|\b{_NUMBER}(?: ?[x×] ?{_NUMBER})*[ -]?(?:{_UNIT})\.?(?:[^\pL\pN_]|$)|\b{_NUMBER}(?: ?[x×] ?{_NUMBER})+\b"
)
"""In the words of RE2, whose \\b knows no letters beyond ASCII."""
_BETWEEN = r"[^\pL\pN\pM]+"


@dataclass(frozen=True)
class NearDuplicates:
    """The kinds of the products of one model.

    Attributes:
        kinds: int64 (n_items,), equal for near-duplicates.
        keys: title without sizes, and categories, of each kind, in the order of their numbers.
        idle: whether no two products are alike, or titles tell no product from another.
    """

    kinds: NDArray[np.int64]
    keys: pd.Index
    idle: bool

    @classmethod
    def of(cls, items: pd.DataFrame, category_levels: tuple[str, ...]) -> Self:
        """`items` has a title and a column for each category level."""
        kinds, keys = pd.factorize(pd.Index(_keys(items, category_levels)))
        idle = len(keys) == len(items) or len(keys) < FEWEST_KINDS * len(items)
        return cls(kinds.astype(np.int64), pd.Index(keys), idle)

    def with_items(self, table: pd.DataFrame, category_levels: tuple[str, ...]) -> Self:
        """With more products at the end."""
        added = pd.Index(_keys(table, category_levels))
        keys = self.keys.append(added[~added.isin(self.keys)].unique())
        some_alike = len(keys) < len(self.kinds) + len(table)
        idle = self.idle and (len(self.keys) < len(self.kinds) or not some_alike)
        return type(self)(np.concatenate([self.kinds, keys.get_indexer(added)]), keys, idle)

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
    return str(_kinds_of(pa.array([title]))[0])


def _kinds_of(titles: pa.Array) -> pa.Array:
    lower = pc.utf8_lower(titles)
    without = pc.replace_substring_regex(lower, _SIZE, " ")
    found = pc.utf8_trim_whitespace(pc.replace_substring_regex(without, _BETWEEN, " "))
    return pc.if_else(pc.equal(found, ""), lower, found)


def _keys(items: pd.DataFrame, category_levels: tuple[str, ...]) -> NDArray[np.object_]:
    """(n_items,) for each product its title without sizes and its categories, as one text."""
    texts = [
        pc.fill_null(pa.array(items[column].astype(str), pa.large_string()), "")
        for column in (c.TITLE, *category_levels)
    ]
    found = pc.binary_join_element_wise(_kinds_of(texts[0]), *texts[1:], pa.scalar("\0", pa.large_string()))
    return np.asarray(found.to_numpy(zero_copy_only=False))

"""Products that a model places side by side though nobody would guess it: other categories, few buyers of both."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.dataset.categories import middle_level
from recsys.models.model import Model
from recsys.models.rank.top_k import NOTHING, top_k_of_products
from recsys.utils import formatting as fmt
from recsys.utils.arrays import unit_rows
from recsys.utils.title_words import title_words

NEIGHBOURS = 10
"""Only so many nearest of a product are looked at: those that its page shows."""

MOST_PRODUCTS = 4000
MOST_COSINES = 200_000_000
"""Products that are looked at, drawn where there are more, and cosines that are worked out for them."""

FEWEST_BUYERS = 20
"""Of a product with fewer buyers a model knows its categories more than its buyers; its neighbours tell little."""

LEAST_LIKENESS = 0.5
MOST_COUNTED = 5000
"""Pairs whose buyers are counted, nearest first, before the search ends."""


@dataclass(frozen=True)
class ProductOfPair:
    """One product of a pair; `category` is that of the middle level, "" where there are none."""

    item_id: str
    title: str
    category: str
    buyers: int


@dataclass(frozen=True)
class SurprisingPair:
    """Two products near each other in the model.

    Attributes:
        place: which of the nearest of `one` the other is; 1 for the nearest.
        likeness: cosine of the two embeddings.
        both: shoppers who had both.
        by_chance: so many would have had both if who buys the one said nothing about the other.
    """

    one: ProductOfPair
    other: ProductOfPair
    place: int
    likeness: float
    both: int
    by_chance: float

    def words(self) -> str:
        """The pair in a sentence."""
        kinds = f" ({self.one.category} and {self.other.category})" if self.one.category else ""
        who = "nobody" if not self.both else fmt.plural(self.both, "shopper")
        return (
            f"{self.one.title} and {self.other.title}{kinds}: {fmt.share(self.likeness, 0)} alike, though {who} had "
            f"both. {fmt.plural(self.one.buyers, 'shopper')} had the one, {self.other.buyers:,} the other; chance "
            f"would give {fmt.decimal(self.by_chance, 2)} with both."
        )


@dataclass(frozen=True)
class SurprisingPairs:
    """What was found.

    Attributes:
        looked_at: products whose nearest were looked at; `of` so many with enough buyers.
    """

    pairs: tuple[SurprisingPair, ...]
    looked_at: int
    of: int

    def words(self) -> str:
        """Among how many products was looked, and for what."""
        drawn = f"{self.looked_at:,} drawn from {self.of:,}" if self.looked_at < self.of else f"{self.of:,}"
        told = "" if self.pairs else "None was found. "
        drawn = f"{self.looked_at:,} drawn from {self.of:,}" if self.looked_at < self.of else f"{self.of:,}"
        return (
            f"{told}Looked for among the {NEIGHBOURS} nearest of {drawn} products with {FEWEST_BUYERS} buyers or more: "
            f"at least {fmt.share(LEAST_LIKENESS, 0)} alike, no word and no category in common, and no more buyers of "
            "both than chance would give."
        )


def surprising_pairs(model: Model, most: int = 3, seed: int = 0) -> SurprisingPairs:
    """The nearest pairs that share neither a word of the title nor, where there are categories, that of the middle
    level, and of which no more shoppers have both than chance would give: nearest first. No product and no two
    categories stand in more than one pair."""
    known = np.flatnonzero(model.popularity >= FEWEST_BUYERS)
    room = min(MOST_PRODUCTS, max(MOST_COSINES // max(len(model.items), 1), 1))
    drawn = known
    if len(known) > room:
        drawn = np.sort(np.random.default_rng(seed).choice(known, room, replace=False))
    if not len(drawn):
        return SurprisingPairs((), 0, 0)
    one, other, place, likeness = _candidates(model, drawn)
    names = _categories(model)
    buyers = model.history.counts.tocsc()
    found: list[SurprisingPair] = []
    used: set[int] = set()
    kinds: set[frozenset[str]] = set()
    for number in np.lexsort((other, one, -likeness))[:MOST_COUNTED]:
        a, b = int(one[number]), int(other[number])
        kind = frozenset((names[a], names[b]))
        if len(found) == most:
            break
        if {a, b} & used or (names[a] and kind in kinds) or _alike(model.titles[a], model.titles[b]):
            continue
        both = _buyers_of_both(buyers, a, b)
        by_chance = float(model.popularity[a] * model.popularity[b] / len(model.users))
        if both <= by_chance:
            found.append(SurprisingPair(_product(model, names, a), _product(model, names, b), int(place[number]),
                                        float(likeness[number]), both, by_chance))  # fmt: skip
            used |= {a, b}
            kinds.add(kind)
    return SurprisingPairs(tuple(found), len(drawn), len(known))


def _candidates(
    model: Model, drawn: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Pairs of a drawn product and one of its nearest, of other categories: both rows, the place, and the cosine."""
    directions = unit_rows(model.item_embeddings)
    itself = sparse.csr_matrix(
        (np.ones(len(drawn), np.float32), (np.arange(len(drawn)), drawn)), shape=(len(drawn), len(directions))
    )
    k = min(NEIGHBOURS, len(directions))
    rows, cosines = top_k_of_products(directions[drawn], directions, np.zeros(len(directions), np.float32), k, itself)
    one, place = np.repeat(drawn, k), np.tile(np.arange(1, k + 1), len(drawn))
    other, likeness = rows.ravel().astype(np.int64), cosines.ravel()
    codes = np.unique(_categories(model), return_inverse=True)[1]
    kept = (other != NOTHING) & (likeness >= LEAST_LIKENESS) & (model.popularity[other] >= FEWEST_BUYERS)
    if model.category_levels:
        kept &= codes[one] != codes[other]
    return one[kept], other[kept], place[kept], likeness[kept]


def _categories(model: Model) -> NDArray[np.str_]:
    """(n_items,) the category of each item on the middle level; "" where there are no categories."""
    level = middle_level(model.category_levels)
    if level is None:
        return np.full(len(model.items), "", dtype=np.str_)
    return model.items[level].astype(str).to_numpy(dtype=np.str_)


def _alike(one: str, other: str) -> bool:
    """Whether two titles share a word, or have none to tell them apart by and are the same."""
    return bool(set(title_words(one)) & set(title_words(other))) or one == other


def _buyers_of_both(buyers: sparse.csc_matrix, one: int, other: int) -> int:
    first, second = (buyers.indices[slice(*buyers.indptr[item : item + 2])] for item in (one, other))
    return len(np.intersect1d(first, second))


def _product(model: Model, names: NDArray[np.str_], row: int) -> ProductOfPair:
    return ProductOfPair(model.item_ids[row], model.titles[row], str(names[row]), int(model.popularity[row]))

"""Shoppers that a model serves best and worst, and where it is ahead of bestsellers, on purchases it has not seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.dataset.splitting import MOST_JUDGED, Split, held_out, some_of
from recsys.evaluation import metrics
from recsys.evaluation.benchmark import K
from recsys.evaluation.evaluate import evaluate
from recsys.models.baselines import Popular
from recsys.models.model import Model
from recsys.recommend.recommender import Recommender
from recsys.services.model_card.page_links import Link, PageLinks
from recsys.utils import formatting as fmt

EXAMPLES = 3
MOST_SCORES = 200_000_000
"""Shoppers times products up to which everybody is looked at; beyond it fewer shoppers are drawn."""

TOLD = 4
"""So many of what a shopper bought and was not shown are named."""

LONGEST_TITLE = 80


@dataclass(frozen=True)
class Purchase:
    """A product that a shopper bought for the first time in the held-out period.

    Attributes:
        place: in the model's list for this shopper, 1 for the first; None where it is not in it.
        bestseller: its place among the bestsellers they did not have, likewise.
        buyers: shoppers who had it before.
    """

    item_id: str
    title: str
    place: int | None
    bestseller: int | None
    buyers: int


@dataclass(frozen=True)
class ShopperExample:
    """One shopper: what was shown and what they bought.

    Attributes:
        shown: id and title of each product of the model's list, best first.
        bought: what they bought for the first time in the held-out period; what was shown first.
        accuracy, bestsellers: NDCG@10 of the model's list and of bestsellers.
    """

    user_id: str
    shown: tuple[tuple[str, str], ...]
    bought: tuple[Purchase, ...]
    accuracy: float
    bestsellers: float
    links: tuple[Link, ...]

    @property
    def found(self) -> tuple[Purchase, ...]:
        """What was in the model's list."""
        return tuple(x for x in self.bought if x.place is not None)

    def words(self) -> str:
        """How it went, in a sentence."""
        bestsellers = sum(x.bestseller is not None for x in self.bought)
        return (
            f"Shopper {self.user_id} bought {fmt.plural(len(self.bought), 'product')} for the first time: "
            f"{len(self.found) or 'none'} of the {len(self.shown)} shown {'was' if len(self.found) <= 1 else 'were'} "
            f"among them, and {bestsellers or 'none'} of as many bestsellers."
        )

    def lines(self) -> tuple[tuple[str, str], ...]:
        """What was shown beside what was bought, by name, as pairs of a heading and titles; without empty ones."""
        here = {x.item_id for x in self.found}
        titles = [title for _, title in self.shown] + [x.title for x in self.bought if x.place is None][:TOLD]
        short = fmt.distinct(titles, LONGEST_TITLE)
        listed = list(zip((item_id for item_id, _ in self.shown), short, strict=False))
        missed, more = short[len(self.shown) :], len(self.bought) - len(self.found) - TOLD
        rest = [f"and {more:,} more"] if more > 0 else []
        found = (
            ("Shown and bought", [f"{title} (place {x})" for x, (i, title) in enumerate(listed, 1) if i in here]),
            ("Shown, not bought", [title for i, title in listed if i not in here]),
            ("Bought, not shown", missed + rest),
        )
        return tuple((heading, "; ".join(names)) for heading, names in found if names)


@dataclass(frozen=True)
class ShopperExamples:
    """How a model serves those who bought something for the first time in the held-out period, beside bestsellers.

    Attributes:
        evidence: for how many, and on what, in words.
        better, worse, equal: shoppers to whose purchases the model's list was nearer than
            bestsellers, further, and neither.
        best, worst: shoppers it serves best and worst.
        ahead: shoppers of whom it found a purchase that bestsellers did not, best first.
    """

    evidence: str
    better: int
    worse: int
    equal: int
    best: tuple[ShopperExample, ...]
    ahead: tuple[ShopperExample, ...]
    worst: tuple[ShopperExample, ...]

    def headline(self) -> str:
        """Whether it serves more shoppers better than bestsellers do, in a sentence."""
        better, worse = f"{self.better:,}", f"{self.worse:,}"
        if self.better == self.worse:
            return f"It serves as many shoppers better than bestsellers do as worse ({better})."
        if self.better > self.worse:
            return f"It serves more shoppers better than bestsellers do ({better}) than worse ({worse})."
        return f"Bestsellers serve more shoppers better than this model does ({worse}) than worse ({better})."


@dataclass(frozen=True)
class _Judged:
    """Lists of some shoppers beside what they then bought for the first time; rows of all arrays are the shoppers'.

    Attributes:
        users: (n,) row numbers; drawn from `of` shoppers.
        lists, popular: (n, k) the model's list and bestsellers, -1 where a list is shorter.
        relevant: CSR (n, n_items) of what they bought.
        hits, popular_hits: (n, k).
        accuracy, bestsellers: (n,) NDCG.
    """

    users: NDArray[np.int64]
    of: int
    lists: NDArray[np.int32]
    popular: NDArray[np.int32]
    relevant: sparse.csr_matrix
    hits: NDArray[np.bool_]
    popular_hits: NDArray[np.bool_]
    accuracy: NDArray[np.float64]
    bestsellers: NDArray[np.float64]


def shopper_examples(side: Recommender, split: Split, links: PageLinks) -> ShopperExamples | None:
    """Examples among those who have a history and bought something for the first time; None where nobody did.

    Lists are those of the lane "discover" as they were right after the training, without rule sets. Bestsellers are
    the products with the most buyers before the held-out period, without those the shopper had.
    """
    judged = _judge(side, split)
    if not len(judged.users):
        return None
    better = int((judged.accuracy > judged.bestsellers).sum())
    worse = int((judged.accuracy < judged.bestsellers).sum())
    equal = len(judged.users) - better - worse
    best, ahead, worst = (tuple(_example(side.model, judged, row, links) for row in rows) for rows in _chosen(judged))
    return ShopperExamples(
        _evidence(side.model, split, judged, (better, worse, equal)), better, worse, equal, best, ahead, worst
    )


def _evidence(model: Model, split: Split, judged: _Judged, counts: tuple[int, int, int]) -> str:
    better, worse, equal = counts
    n, k = len(judged.users), judged.lists.shape[1]
    period = held_out(split.describe())
    if split.kind == "time":
        period = f"{period}, from {fmt.day(split.test_start)} to {fmt.day(split.end)}"
    drawn = f", drawn from {judged.of:,}," if n < judged.of else ""
    alone = int((judged.hits.any(axis=1) & ~judged.popular_hits.any(axis=1)).sum())
    other = int((judged.popular_hits.any(axis=1) & ~judged.hits.any(axis=1)).sum())
    said = (
        f"{fmt.plural(n, 'shopper')}{drawn} bought something for the first time in {period}. For {better:,} the "
        f"model's list of {k} was nearer to it, for {worse:,} bestsellers were, and for {equal:,} neither. The model "
        f"alone found something for {alone:,}, bestsellers alone for {other:,}."
    )
    if len(model.items) <= k:
        said += " There are no more products than places in a list, so that only the order tells anything."
    return said


def _judge(side: Recommender, split: Split) -> _Judged:
    model = side.model
    had, test = split.training.counts, split.judged
    k = min(K, len(model.items))
    room = min(MOST_JUDGED, max(MOST_SCORES // max(len(model.items), 1), 1))
    new = (test.astype(bool) - test.astype(bool).multiply(had.astype(bool))).tocsr()
    new.eliminate_zeros()
    new.sort_indices()
    asked = some_of(new.astype(np.float32), room)
    popular = evaluate(Popular.fit(had.astype(bool).astype(np.float32)), had, asked, k=k, only=("ndcg",))
    relevant = new[popular.users]
    lists = side.top_k_of(popular.users, k)[0] if len(popular.users) else popular.lists
    hits, popular_hits = _hits(relevant, lists), _hits(relevant, popular.lists)
    n_relevant = np.diff(relevant.indptr).astype(np.int64)
    accuracy = metrics.ndcg(hits, n_relevant) if len(popular.users) else np.zeros(0)
    return _Judged(popular.users, int((np.diff(new.indptr) > 0).sum()), lists, popular.lists, relevant, hits,
                   popular_hits, accuracy, popular.values["ndcg"])  # fmt: skip


def _hits(relevant: sparse.csr_matrix, lists: NDArray[np.int32]) -> NDArray[np.bool_]:
    """(n, k): whether each item of a list is relevant to its shopper."""
    found = [np.isin(row, relevant.indices[slice(*relevant.indptr[n : n + 2])]) for n, row in enumerate(lists)]
    return np.array(found, dtype=bool).reshape(lists.shape)


def _chosen(judged: _Judged) -> tuple[list[int], list[int], list[int]]:
    """Rows of the shoppers served best (with the most found among equals), of those where the model is ahead of
    bestsellers (where these found nothing first, then by what it found), and served worst (with the most to find
    among equals). Nobody stands in two of them."""
    found, n_relevant = judged.hits.sum(axis=1), np.diff(judged.relevant.indptr)
    best = [int(row) for row in np.lexsort((-found, -judged.accuracy)) if found[row]][:EXAMPLES]
    alone = np.array(
        [(hit & ~np.isin(shown, popular)).sum()
         for hit, shown, popular in zip(judged.hits, judged.lists, judged.popular, strict=True)]
    )  # fmt: skip
    order = np.lexsort((-judged.accuracy, -alone, judged.popular_hits.sum(axis=1)))
    ahead = [int(row) for row in order if alone[row] and row not in best][:EXAMPLES]
    order = np.lexsort((-n_relevant, judged.accuracy))
    worst = [int(row) for row in order if row not in (*best, *ahead)][:EXAMPLES]
    return best, ahead, worst


def _example(model: Model, judged: _Judged, row: int, links: PageLinks) -> ShopperExample:
    shown, popular = judged.lists[row].tolist(), judged.popular[row].tolist()
    items = judged.relevant.indices[slice(*judged.relevant.indptr[row : row + 2])].tolist()
    bought = [
        Purchase(
            model.item_ids[item], model.titles[item], shown.index(item) + 1 if item in shown else None,
            popular.index(item) + 1 if item in popular else None, int(model.popularity[item]),
        )
        for item in items
    ]  # fmt: skip
    last = len(shown) + 1
    bought.sort(key=lambda x: (x.place or last, x.bestseller or last, -x.buyers))
    user_id = str(model.user_index[int(judged.users[row])])
    listed = tuple((model.item_ids[item], model.titles[item]) for item in shown if item >= 0)
    return ShopperExample(user_id, listed, tuple(bought), float(judged.accuracy[row]), float(judged.bestsellers[row]),
                          links.of_shopper(user_id))  # fmt: skip

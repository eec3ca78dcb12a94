"""Does it help to learn from what shoppers disliked?

    python -m benchmarks dislikes [movielens|movielens-latest|insteval ...] [--packages FOLDER]

In data with ratings from 1 to 5, ratings of 3 and more are what ALS learns from and is judged on; what a shopper rated
2 or less by then is never shown to them, on either side. Ours gives these pairs a weight in the learner: below zero a
dislike pushes away, above zero it counts as a weak like. "theirs" leaves them out, as imports do. A first line tells
what it brings not to show what was disliked.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from benchmarks._datasets import RATED, NotInstalled, without_packages
from recsys import columns as c
from recsys.dataset.dataset import Dataset
from recsys.models.hyperparameters import Hyperparameters

if TYPE_CHECKING:
    from recsys.models.purchases import Purchases
    from recsys.training.windows import Window

LIKED, DISLIKED = 3.0, 2.0
WEIGHTS = (-1.0, -0.5, -0.25, 0.25, 0.5, 1.0)
PASSES, WINDOWS = 3, 2
RECIPE = Hyperparameters(components=64, adapt=(), bands=(), threads=1)


@dataclass(frozen=True)
class Shop:
    """What was liked, and the pairs that were not: rows of users and items, and when; NaT without times."""

    liked: Dataset
    users: NDArray[np.int64]
    items: NDArray[np.int64]
    times: NDArray[np.datetime64]

    @classmethod
    def of(cls, rated: Dataset, ratings: NDArray[np.float64]) -> "Shop":
        """Cut a dataset of ratings, one for each event in its order, in two."""
        events = rated.events
        users, items = (
            table[key].to_numpy()[events[key]] for table, key in ((rated.users, c.USER), (rated.items, c.ITEM))
        )
        named = events.assign(**{c.USER: users, c.ITEM: items})
        liked = Dataset.from_raw(
            rated.name, named[ratings >= LIKED], items=rated.items, users=rated.users,
            category_levels=rated.category_levels, user_attributes=rated.user_attributes,
        )  # fmt: skip
        bad = named[(ratings <= DISLIKED) & named[c.USER].isin(liked.users[c.USER])]
        return cls(
            liked, liked.user_index.get_indexer(pd.Index(bad[c.USER])),
            liked.item_index.get_indexer(pd.Index(bad[c.ITEM])), bad[c.TIMESTAMP].to_numpy().astype("datetime64[s]"),
        )  # fmt: skip

    def disliked(self, now: pd.Timestamp) -> sparse.csr_matrix:
        """(n_users, n_items) of ones: the pairs before a moment; all of them without times."""
        known = np.ones(len(self.users), bool) if pd.isna(now) else self.times < now.to_datetime64()
        pairs = (self.users[known], self.items[known])
        found = sparse.csr_matrix((np.ones(known.sum(), np.float32), pairs), shape=self.shape)
        found.data[:] = 1
        return found

    @property
    def shape(self) -> tuple[int, int]:
        return self.liked.n_users, self.liked.n_items


def run(options: list[str]) -> list[dict[str, Any]]:
    """Results for the datasets named in `options`."""
    options = without_packages(options)
    unknown = [x for x in options if x not in RATED]
    if unknown:
        raise SystemExit(f"No dataset with ratings {unknown[0]!r}; there are {', '.join(RATED)}.")
    lines = []
    for name in options or list(RATED):
        try:
            shop = Shop.of(*RATED[name]())
        except NotInstalled as error:
            print(f"{name} is left out: {error}.", file=sys.stderr)
            continue
        lines += list(_compared(shop))
    return lines


def _compared(shop: Shop) -> Iterator[dict[str, Any]]:
    from recsys.dataset.splitting import make_split
    from recsys.training.windows import windows_of

    windows = windows_of(shop.liked, make_split(shop.liked), RECIPE, WINDOWS)
    left_out = np.concatenate([_judged(shop, window, 0.0) for window in windows])
    shown = np.concatenate([_judged(shop, window, 0.0, hidden=False) for window in windows])
    yield _line(f"{shop.liked.name}: disliked products not shown", left_out, shown)
    for weight in WEIGHTS:
        found = np.concatenate([_judged(shop, window, weight) for window in windows])
        yield _line(f"{shop.liked.name}: a dislike weighs {weight:+g}", found, left_out)


def _judged(shop: Shop, window: "Window", weight: float, *, hidden: bool = True) -> NDArray[np.float64]:
    """NDCG@10 of each shopper."""
    from recsys.evaluation.evaluate import evaluate
    from recsys.models.learners.als import AlternatingRidge
    from recsys.models.purchases import Purchases

    disliked = shop.disliked(window.now)
    purchases = Purchases.of(window.period, window.now, RECIPE.half_life_days, window.coefficients)
    learner = AlternatingRidge(_with(purchases, weight * disliked), window.items, RECIPE, window.now)
    for _ in range(PASSES):
        learner.step()
    seen = (window.period.counts + disliked).tocsr() if hidden else window.period.counts
    return evaluate(learner.learned(RECIPE), seen, window.later, k=10, only=("ndcg",)).values["ndcg"]


def _with(purchases: "Purchases", more: sparse.csr_matrix) -> "Purchases":
    """The same purchases with other pairs beside them; buyers and totals are counted without these."""
    found = replace(purchases, matrix=(purchases.matrix + more).tocsr().astype(np.float32))
    vars(found).update(buyers=purchases.buyers, totals=purchases.totals)
    return found


def _line(name: str, ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> dict[str, Any]:
    from recsys.evaluation.significance import paired

    verdict = paired(ours, theirs)
    interval = f"95% {verdict.low:+.4f} to {verdict.high:+.4f}"
    title = f"{name}, difference {verdict.difference:+.4f} ({interval}): {verdict.verdict}"
    ratio = float(ours.mean() / theirs.mean()) if theirs.mean() else float("inf")
    return {
        "name": title, "ours": float(ours.mean()), "theirs": float(theirs.mean()), "unit": "NDCG@10", "ratio": ratio,
        "target": 1.0, "met": ratio >= 1, "runs": 1, "note": f"{len(ours)} shoppers",
    }  # fmt: skip

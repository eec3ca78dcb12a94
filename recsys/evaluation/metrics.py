"""Metrics of ranked lists. Each gives one value per user, so that intervals and paired tests can be made of them.

Throughout, `hits` is bool (n_users, k): whether the item at each rank is relevant; `relevant` is int (n_users,): how
many relevant items the user has, at least 1 (users without any are left out before). A list shorter than k has no
hits in its empty places, and k stays the denominator where a denominator is k.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

DRAWN_TOGETHER = 100
"""Bootstrap samples that are in memory at once."""

COUNTED = 8
"""Ranks of so many scores are counted one by one; of more, all scores are sorted, which takes as long as ten counts."""

Hits = NDArray[np.bool_]
Counts = NDArray[np.int64]
Values = NDArray[np.float64]


def precision(hits: Hits) -> Values:
    """Hits divided by k."""
    return np.asarray(hits.mean(axis=1), dtype=np.float64)


def recall(hits: Hits, relevant: Counts) -> Values:
    """Hits divided by the number of relevant items (not by k, even where k is smaller)."""
    return np.asarray(hits.sum(axis=1) / relevant, dtype=np.float64)


def hit_rate(hits: Hits) -> Values:
    """1 when there is at least one hit, else 0."""
    return np.asarray(hits.any(axis=1), dtype=np.float64)


def mrr(hits: Hits) -> Values:
    """1 / rank of the first hit, 0 without a hit among the k."""
    return np.where(hits.any(axis=1), 1.0 / (hits.argmax(axis=1) + 1.0), 0.0)


def average_precision(hits: Hits, relevant: Counts) -> Values:
    """Mean of precision@rank over the hits, divided by min(k, relevant): 1 for a perfect list (MAP@k of its mean)."""
    ranks = np.arange(1, hits.shape[1] + 1)
    at_rank = np.cumsum(hits, axis=1) / ranks
    return np.asarray((at_rank * hits).sum(axis=1) / np.minimum(relevant, hits.shape[1]), dtype=np.float64)


def ndcg(hits: Hits, relevant: Counts) -> Values:
    """Binary NDCG@k (Järvelin & Kekäläinen 2002): sum of 1/log2(rank + 1) over the hits, divided by that of the ideal
    list, which has min(k, relevant) hits in front.
    """
    discounts = 1.0 / np.log2(np.arange(2, hits.shape[1] + 2))
    ideal = np.cumsum(discounts)[np.minimum(relevant, hits.shape[1]) - 1]
    return np.asarray((hits @ discounts) / ideal, dtype=np.float64)


def auc(scores: NDArray[np.float32], relevant: sparse.csr_matrix, candidates: NDArray[np.int64]) -> Values:
    """Chance that a relevant item scores higher than a candidate that is not relevant; ties count half.

    Mann-Whitney U from average ranks. 0.5 where every candidate is relevant.

    Args:
        scores: (n_users, n_items); items that are no candidates hold -inf.
        relevant: CSR (n_users, n_items), all of them candidates.
        candidates: (n_users,), how many candidates each user has.
    """
    values = np.full(len(scores), 0.5)
    for user, row in enumerate(scores):
        items = relevant.indices[relevant.indptr[user] : relevant.indptr[user + 1]]
        n_relevant, n_other = len(items), int(candidates[user]) - len(items)
        if n_relevant == 0 or n_other == 0:
            continue
        # Among themselves the relevant win half of n_relevant^2, and each wins over all that is no candidate.
        wins = _ranks(row, row[items]) - n_relevant * (len(row) - int(candidates[user])) - n_relevant**2 / 2
        values[user] = wins / (n_relevant * n_other)
    return values


def _ranks(row: NDArray[np.float32], ours: NDArray[np.float32]) -> float:
    """Over some scores, how many of a row are lower, and half of those that are equal, added up."""
    if len(ours) <= COUNTED:
        return sum(float(np.count_nonzero(row < score) + np.count_nonzero(row <= score)) for score in ours) / 2
    ordered, asked = np.sort(row), np.sort(ours)
    return float(ordered.searchsorted(asked, side="left").sum() + ordered.searchsorted(asked, side="right").sum()) / 2


def diversity(lists: NDArray[np.int32], categories: NDArray[np.int64]) -> Values:
    """Share of the pairs within a list that lie in different categories; 0 for lists of fewer than two items.

    Intra-list diversity (Ziegler et al. 2005) with distance 1 between categories and 0 within.

    Args:
        lists: (n_users, k) item numbers, -1 for an empty place.
        categories: (n_items,) category numbers.
    """
    of_list, filled = categories[lists], lists >= 0
    both = filled[:, :, None] & filled[:, None, :]
    differ = (of_list[:, :, None] != of_list[:, None, :]) & both
    pairs = both.sum(axis=(1, 2)) - filled.sum(axis=1)
    return np.divide(differ.sum(axis=(1, 2)), pairs, out=np.zeros(len(lists)), where=pairs > 0)


def novelty(lists: NDArray[np.int32], popularity: NDArray[Any], n_users: int) -> Values:
    """Mean self-information of the items shown, in bits: -log2 of the share of users who have had the item.

    Vargas & Castells 2011. An item that nobody has had counts as if one user in n + 1 had.

    Args:
        popularity: (n_items,) number of users who have had each item, out of `n_users`.
    """
    bits = -np.log2(np.maximum(popularity, n_users / (n_users + 1)) / n_users)
    filled = lists >= 0
    shown = np.where(filled, bits[lists], 0.0)
    return np.divide(shown.sum(axis=1), filled.sum(axis=1), out=np.zeros(len(lists)), where=filled.any(axis=1))


def exposure(lists: NDArray[np.int32], n_items: int) -> Counts:
    """(n_items,): in how many lists each item stands."""
    return np.bincount(lists[lists >= 0], minlength=n_items)


def coverage(shown: Counts) -> float:
    """Share of the catalogue that stands in at least one list."""
    return float((shown > 0).mean())


def gini(shown: Counts) -> float:
    """Gini coefficient of the exposure: 0 when all items are shown alike, near 1 when a few are shown to everybody.

    0 when nothing is shown.
    """
    total = shown.sum()
    if total == 0:
        return 0.0
    ordered = np.sort(shown)
    n = len(ordered)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total))


def bootstrap_interval(
    values: Values, *, seed: int = 0, level: float = 0.95, samples: int = 1000
) -> tuple[float, float]:
    """Percentile interval of the mean over users (Efron 1979): users are drawn anew, with replacement.

    For fewer than two users both ends are the mean itself.
    """
    low, high = bootstrap_intervals(values[:, None], seed=seed, level=level, samples=samples)[0]
    return float(low), float(high)


def bootstrap_intervals(
    values: Values, *, seed: int = 0, level: float = 0.95, samples: int = 1000
) -> NDArray[np.float64]:
    """(m, 2): `bootstrap_interval` of each column of (n_users, m), from the same users drawn for all of them."""
    n = len(values)
    if n < 2:
        ends = values[0] if n else np.full(values.shape[1], np.nan)
        return np.column_stack([ends, ends])
    rng = np.random.default_rng(seed)
    means = np.empty((samples, values.shape[1]))
    columns = np.ascontiguousarray(values.T)
    for start in range(0, samples, DRAWN_TOGETHER):
        end = min(start + DRAWN_TOGETHER, samples)
        times = np.array([np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(start, end)], np.float64)
        # one by one: what stands beside a column must not change its rounding
        for column, values_of_one in enumerate(columns):
            means[start:end, column] = times @ values_of_one / n
    tail = (1 - level) / 2
    return np.quantile(means, [tail, 1 - tail], axis=0).T

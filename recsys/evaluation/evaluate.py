"""Judging anything that scores items, on a held-out period, by one protocol."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import local
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.evaluation import metrics
from recsys.lanes import JudgedLane
from recsys.models.base import Scorer
from recsys.models.rank.top_k import top_k_block
from recsys.utils import threads

BLOCK = 128
"""Users that are judged together at most: many enough for the matrix product to be at its fastest. Every core judges
blocks of its own."""
BLOCK_SCORES = 4 * 1024 * 1024
"""Scores in memory at once on each core: where there are many items, fewer users are judged together, down to 16."""
PER_USER = ("precision", "recall", "ndcg", "map", "mrr", "hit_rate", "auc", "diversity", "novelty")


@dataclass(frozen=True)
class Evaluation:
    """What came out, per user, so that two evaluations of the same users can be paired.

    Attributes:
        lane: "discover" judges items not had before, "again" those had before.
        k: length of the lists.
        users: (n,) the users judged: those with at least one relevant item.
        values: for each of `PER_USER` that could be measured, (n,) float64 in the order of `users`.
        lists: (n, k) items shown, -1 where a list is shorter.
        shown: (n_items,) in how many lists each item stands.
    """

    lane: JudgedLane
    k: int
    users: NDArray[np.int64]
    values: dict[str, NDArray[np.float64]]
    lists: NDArray[np.int32]
    shown: NDArray[np.int64]

    def summary(self, *, seed: int = 0) -> dict[str, dict[str, float | None]]:
        """Means with bootstrap intervals, and the measures of all lists together, which have none.

        With no user to judge every value is None.
        """
        nothing = len(self.users) == 0
        found: dict[str, dict[str, float | None]] = {}
        if nothing:
            found = {name: {"value": None, "low": None, "high": None} for name in self.values}
        elif self.values:
            intervals = metrics.bootstrap_intervals(np.column_stack(list(self.values.values())), seed=seed)
            for (name, values), (low, high) in zip(self.values.items(), intervals, strict=True):
                found[name] = {"value": float(values.mean()), "low": float(low), "high": float(high)}
        found["coverage"] = {"value": None if nothing else metrics.coverage(self.shown)}
        found["gini"] = {"value": None if nothing else metrics.gini(self.shown)}
        return found


def evaluate(
    scorer: Scorer,
    train: sparse.csr_matrix,
    test: sparse.csr_matrix,
    *,
    k: int = 10,
    lane: JudgedLane = "discover",
    categories: NDArray[np.int64] | None = None,
    popularity: NDArray[Any] | None = None,
    only: Sequence[str] = PER_USER,
) -> Evaluation:
    """Rank the candidates of every user who has something to find, and measure.

    Lane "discover": candidates are the items the user has not had in `train`; relevant are those of them in `test`.
    Lane "again": candidates are the items they had in `train`; relevant are those of them in `test`.

    Args:
        train, test: CSR (n_users, n_items); what is stored counts as had.
        categories: (n_items,) numbers for diversity; without them it is left out.
        popularity: (n_items,) number of users who have had each item, for novelty; without it that is left out.
        only: the measures wanted; leaving out "auc" saves most of the time.
    """

    def fill(users: NDArray[np.int64], scores: NDArray[np.float32]) -> Iterator[None]:
        scores[...] = scorer.scores(users)
        yield

    return _evaluated(fill, 1, train, test, k, lane, categories, popularity, only)[0]


def evaluate_biases(
    taste: Scorer,
    biases: Sequence[NDArray[np.float32]],
    train: sparse.csr_matrix,
    test: sparse.csr_matrix,
    *,
    k: int = 10,
    popularity: NDArray[Any] | None = None,
    only: Sequence[str] = PER_USER,
) -> list[Evaluation]:
    """`evaluate` for the scores of `taste` plus each of these biases, (n_items,); the scores are worked out once."""

    def fill(users: NDArray[np.int64], scores: NDArray[np.float32]) -> Iterator[None]:
        own = taste.scores(users)
        for bias in biases:
            np.add(own, bias, out=scores)
            yield

    return _evaluated(fill, len(biases), train, test, k, "discover", None, popularity, only)


def _evaluated(
    fill: Callable[[NDArray[np.int64], NDArray[np.float32]], Iterator[None]],
    n_variants: int,
    train: sparse.csr_matrix,
    test: sparse.csr_matrix,
    k: int,
    lane: JudgedLane,
    categories: NDArray[np.int64] | None,
    popularity: NDArray[Any] | None,
    only: Sequence[str],
) -> list[Evaluation]:
    """One evaluation for each kind of scores that `fill` puts, in turn, into the array of a block of users."""
    users = np.flatnonzero(np.diff(test.indptr))
    had, later = train[users].astype(bool), test[users].astype(bool)
    relevant = (later.multiply(had) if lane == "again" else later - later.multiply(had)).tocsr()
    relevant.eliminate_zeros()
    relevant.sort_indices()
    had.sort_indices()
    there = np.flatnonzero(np.diff(relevant.indptr))
    users, had, relevant = users[there], had[there], relevant[there]
    kept, size = local(), min(max(BLOCK_SCORES // max(train.shape[1], 1), 16), BLOCK)

    def judge(start: int) -> list[tuple[NDArray[np.int32], NDArray[np.bool_], NDArray[np.float64]]]:
        block = users[start : start + size]
        if not hasattr(kept, "room"):
            kept.room = np.empty((min(size, len(users)), train.shape[1]), np.float32)
        scores: NDArray[np.float32] = kept.room[: len(block)]
        own, wanted = had[start : start + size], relevant[start : start + size]
        return [_judged(scores, own, wanted, lane, k, "auc" in only) for _ in fill(block, scores)]

    with threads.limited_blas_threads(), ThreadPoolExecutor(threads.cores()) as pool:
        parts = list(pool.map(judge, range(0, len(users), size)))
    n_relevant = np.diff(relevant.indptr).astype(np.int64)
    return [
        _measured([part[n] for part in parts], users, n_relevant, k, lane, train.shape, categories, popularity, only)
        for n in range(n_variants)
    ]


def _judged(
    scores: NDArray[np.float32],
    own: sparse.csr_matrix,
    wanted: sparse.csr_matrix,
    lane: JudgedLane,
    k: int,
    with_auc: bool,
) -> tuple[NDArray[np.int32], NDArray[np.bool_], NDArray[np.float64]]:
    """(n, k) the best candidates of a block of users, (n, k) whether they are wanted, and (n,) AUC, 0 if not asked for.

    In the lane "again" the few candidates of each user are ranked apart from all other items.
    """
    n_had = np.diff(own.indptr).astype(np.int64)
    n_candidates, out = (n_had, None) if lane == "again" else (scores.shape[1] - n_had, own)
    if lane == "again":
        scores, wanted = _own_alone(scores, own, wanted)
    lists = top_k_block(scores, k, out)[0]
    hits = _contains(wanted, lists)
    auc = metrics.auc(scores, wanted, n_candidates) if with_auc else np.zeros(len(scores))
    if lane == "again":
        places = np.minimum(own.indptr[:-1, None] + lists, max(own.nnz - 1, 0))
        lists = np.where(lists >= 0, own.indices[places], lists).astype(np.int32)
    return lists, hits, auc


def _own_alone(
    scores: NDArray[np.float32], own: sparse.csr_matrix, wanted: sparse.csr_matrix
) -> tuple[NDArray[np.float32], sparse.csr_matrix]:
    """Scores (n, width) and what is wanted, with a column for each of a user's own items, in their order; -inf where a
    user has fewer."""
    n_had = np.diff(own.indptr)
    rows = np.repeat(np.arange(len(n_had)), n_had)
    places = np.arange(own.nnz) - np.repeat(own.indptr[:-1], n_had)
    found = np.full((len(n_had), max(int(n_had.max(initial=0)), 1)), -np.inf, np.float32)
    found[rows, places] = scores[rows, own.indices]
    hit = np.isin(_keys(own), _keys(wanted), assume_unique=True)
    marks = np.ones(int(hit.sum()), bool)
    return found, sparse.csr_matrix((marks, (rows[hit], places[hit])), shape=found.shape)


def _measured(
    parts: Sequence[tuple[NDArray[np.int32], NDArray[np.bool_], NDArray[np.float64]]],
    users: NDArray[np.int64],
    n_relevant: NDArray[np.int64],
    k: int,
    lane: JudgedLane,
    shape: tuple[int, int],
    categories: NDArray[np.int64] | None,
    popularity: NDArray[Any] | None,
    only: Sequence[str],
) -> Evaluation:
    lists = np.concatenate([p[0] for p in parts]) if parts else np.zeros((0, k), np.int32)
    hits = np.concatenate([p[1] for p in parts]) if parts else np.zeros((0, k), bool)
    measures: dict[str, Callable[[], NDArray[np.float64]]] = {
        "precision": lambda: metrics.precision(hits),
        "recall": lambda: metrics.recall(hits, n_relevant),
        "ndcg": lambda: metrics.ndcg(hits, n_relevant),
        "map": lambda: metrics.average_precision(hits, n_relevant),
        "mrr": lambda: metrics.mrr(hits),
        "hit_rate": lambda: metrics.hit_rate(hits),
        "auc": lambda: np.concatenate([p[2] for p in parts]) if parts else np.zeros(0),
    }
    if categories is not None:
        measures["diversity"] = lambda: metrics.diversity(lists, categories)
    if popularity is not None:
        measures["novelty"] = lambda: metrics.novelty(lists, popularity, shape[0])
    values = {name: measures[name]() if len(users) else np.zeros(0) for name in only if name in measures}
    return Evaluation(lane, k, users, values, lists, metrics.exposure(lists, shape[1]))


def ndcg_at_k(scorer: Scorer, train: sparse.csr_matrix, test: sparse.csr_matrix, k: int = 10) -> float | None:
    """Mean NDCG@k for items not had before. None when no user has any to find."""
    return ndcg_and_coverage(scorer, train, test, k)[0]


def ndcg_and_coverage(
    scorer: Scorer, train: sparse.csr_matrix, test: sparse.csr_matrix, k: int = 10
) -> tuple[float | None, float]:
    """Mean NDCG@k for items not had before, and the share of items shown: what a training watches at every epoch."""
    found = evaluate(scorer, train, test, k=k, only=("ndcg",))
    values = found.values["ndcg"]
    return (float(values.mean()) if len(values) else None), metrics.coverage(found.shown)


def _contains(matrix: sparse.csr_matrix, lists: NDArray[np.int32]) -> NDArray[np.bool_]:
    """(n_users, k): whether each listed item is stored in the user's row of the matrix, whose indices are sorted."""
    keys = _keys(matrix)
    asked = np.arange(len(lists), dtype=np.int64)[:, None] * matrix.shape[1] + lists
    places = np.minimum(np.searchsorted(keys, asked), max(len(keys) - 1, 0))
    return np.asarray((keys[places] == asked) & (lists >= 0)) if len(keys) else np.zeros(lists.shape, bool)


def _keys(matrix: sparse.csr_matrix) -> NDArray[np.int64]:
    """(nnz,) the place of each stored value in the matrix, counted row by row."""
    starts = np.arange(matrix.shape[0], dtype=np.int64) * matrix.shape[1]
    return np.asarray(np.repeat(starts, np.diff(matrix.indptr)) + matrix.indices)

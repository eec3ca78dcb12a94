"""What else could order the lane "again": `python -m benchmarks repurchase [demo|planted] [--boosting]`

The lane's logistic regression, TIFU-kNN (Hu et al. 2020) and a form of UP-CF (Faggioli et al. 2020), restricted to what
a shopper had, on the validation period: the test period is not touched. What is learned or chosen comes from the period
before that. "theirs" is what the shopper bought most, so the ratio is the gain.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from benchmarks._datasets import DATASETS
from recsys.dataset.dataset import Dataset, Interactions
from recsys.dataset.splitting import Split, make_split, split_at
from recsys.evaluation.evaluate import Evaluation, evaluate
from recsys.evaluation.significance import compare
from recsys.models.base import Scorer
from recsys.models.baselines import OwnFrequency
from recsys.models.repurchase import AgainScorer, BuyAgain, pair_features

HALF_LIVES = (30.0, 90.0)
NEIGHBOURS = (50, 200)
SHARES = (0.7, 0.9)
TARGET = 1.1


def run(options: list[str]) -> list[dict[str, Any]]:
    """One line for each method."""
    name = next((x for x in options if x in DATASETS), "demo")
    dataset = DATASETS[name]()
    whole = make_split(dataset)
    length = whole.test_start - whole.validation_start
    early = split_at(dataset, whole.validation_start - length, whole.validation_start)
    judged = _Judge(early, whole.validation.counts)
    own = judged(OwnFrequency.fit(early.training.counts, np.zeros(early.training.counts.nnz, np.float32)))
    lines = []
    for title, scorer in _methods(dataset, early, boosting="--boosting" in options):
        found = judged(scorer)
        verdict = compare(found, own)
        ours, theirs = (float(x.values["ndcg"].mean()) for x in (found, own))
        lines.append({
            "name": f"{name}, buying again: {title}", "ours": ours, "theirs": theirs, "unit": "NDCG@10",
            "ratio": ours / theirs, "target": TARGET, "met": ours / theirs >= TARGET, "runs": 1,
            "note": f"{verdict.verdict}, {verdict.difference:+.4f} (95% {verdict.low:+.4f} to {verdict.high:+.4f})",
        })  # fmt: skip
    return lines


class _Judge:
    """NDCG@10 of the lane "again" for what was bought in one period."""

    def __init__(self, split: Split, later: sparse.csr_matrix) -> None:
        self.train, self.later = split.training.counts, later

    def __call__(self, scorer: Scorer, before: sparse.csr_matrix | None = None) -> Evaluation:
        train = self.train if before is None else before
        return evaluate(scorer, train, self.later, lane="again", only=("ndcg",))


def _methods(dataset: Dataset, split: Split, *, boosting: bool) -> Iterator[tuple[str, Scorer]]:
    period, now = split.training, split.test_start
    days = (split.test_start - split.validation_start) / pd.Timedelta(days=1)
    rule = BuyAgain.fit(dataset, split.fit, split.validation_start, split.validation, days)
    if rule is not None:
        yield "the lane's logistic regression", AgainScorer.of(period, rule.chances(dataset, period, now))
    for title, method in (("TIFU-kNN", _tifu), ("UP-CF", _upcf)):
        choices = [(life, k, share) for life in HALF_LIVES for k in NEIGHBOURS for share in SHARES]
        on_validation = _Judge(split, split.validation.counts)

        def worth(choice: tuple[float, int, float], method: Any = method, judged: _Judge = on_validation) -> float:
            strength = method(dataset, split.fit, split.validation_start, *choice)
            found = judged(AgainScorer.of(split.fit, strength), split.fit.counts)
            return float(found.values["ndcg"].mean())

        best = max(choices, key=worth)
        words = f"{title}, half-life {best[0]:g} days, {best[1]} neighbours, share of the shopper's own {best[2]:g}"
        yield words, AgainScorer.of(period, method(dataset, period, now, *best))
    if boosting and rule is not None:
        yield "gradient boosting on the same features", AgainScorer.of(period, _boosted(dataset, split))


def _tifu(
    dataset: Dataset, period: Interactions, now: pd.Timestamp, half_life: float, k: int, own: float
) -> NDArray[np.float32]:
    """own x (decayed frequency) + (1 - own) x (mean of the k nearest shoppers' decayed frequencies), for every pair."""
    vectors = _shares(_decayed(dataset, period, now, half_life))
    near = _nearest(vectors, k)
    return (own * vectors.data + (1 - own) * _at_pairs(near, vectors, period)).astype(np.float32) + np.float32(1e-9)


def _upcf(
    dataset: Dataset, period: Interactions, now: pd.Timestamp, half_life: float, k: int, own: float
) -> NDArray[np.float32]:
    """The shopper's recent popularity times what the k nearest shoppers add to it, (1 + ...)^(2 - 2 own)."""
    recent = _shares(_decayed(dataset, period, now, half_life))
    whole = period.counts.astype(np.float32)
    whole.data = np.log1p(whole.data)
    others = _at_pairs(_nearest(whole, k), recent, period)
    base = recent.data + 1e-9
    return (base * (1 + others / base.mean()) ** (2 - 2 * own)).astype(np.float32)


def _decayed(dataset: Dataset, period: Interactions, now: pd.Timestamp, half_life: float) -> sparse.csr_matrix:
    """CSR (n_users, n_items): events before `now`, each halved with every half-life that has passed since."""
    times = dataset.events["timestamp"].to_numpy().astype("datetime64[s]")
    before = times < now.to_datetime64()
    keys = dataset.events["user_id"].to_numpy()[before].astype(np.int64) * dataset.n_items
    keys += dataset.events["item_id"].to_numpy()[before]
    days = (now.to_datetime64() - times[before]) / np.timedelta64(1, "D")
    starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    pairs = period.counts
    summed = np.add.reduceat(0.5 ** (days / half_life), starts)
    return sparse.csr_matrix((summed, pairs.indices, pairs.indptr), shape=pairs.shape)


def _shares(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """The same with rows that sum to 1, in the same order."""
    found = matrix.copy()
    totals = np.asarray(matrix.sum(axis=1)).ravel()
    found.data = found.data / np.repeat(np.maximum(totals, 1e-12), np.diff(matrix.indptr))
    return found


def _nearest(vectors: sparse.csr_matrix, k: int) -> sparse.csr_matrix:
    """CSR (n_users, n_users): the k most alike by cosine, in shares of their likeness."""
    lengths = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
    unit = (sparse.diags(1 / np.maximum(lengths, 1e-12)) @ vectors).tocsr()
    alike = (unit @ unit.T).toarray()
    np.fill_diagonal(alike, 0.0)
    if k < len(alike):
        alike[alike < np.partition(alike, -k, axis=1)[:, -k, None]] = 0.0
    return _shares(sparse.csr_matrix(alike))


def _at_pairs(near: sparse.csr_matrix, vectors: sparse.csr_matrix, period: Interactions) -> NDArray[np.float64]:
    """(n_pairs,): near @ vectors at the stored pairs of the period."""
    indptr, indices = period.counts.indptr, period.counts.indices
    parts = []
    for start in range(0, near.shape[0], 256):
        stop = min(start + 256, near.shape[0])
        block = (near[start:stop] @ vectors).toarray()
        rows = np.repeat(np.arange(stop - start), np.diff(indptr[start : stop + 1]))
        parts.append(block[rows, indices[indptr[start] : indptr[stop]]])
    return np.concatenate(parts)


def _boosted(dataset: Dataset, split: Split) -> NDArray[np.float32]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    pairs, later = split.fit.counts, split.validation.counts
    rows = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    again = np.asarray(later.astype(bool)[rows, pairs.indices]).ravel()
    repeats = np.bincount(rows, weights=again, minlength=pairs.shape[0])[rows]
    used = np.flatnonzero(repeats > 0)
    model = HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.06, l2_regularization=5, min_samples_leaf=100, random_state=0
    ).fit(
        pair_features(dataset, split.fit, split.validation_start)[used], again[used],
        sample_weight=1 / np.sqrt(repeats[used]),
    )  # fmt: skip
    features = pair_features(dataset, split.training, split.test_start)
    return model.predict_proba(features)[:, 1].astype(np.float32)

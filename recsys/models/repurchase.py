"""Buying again: the chance that someone buys a product they had before once more within the horizon.

Personal frequency with time decay is the strong baseline of next-basket recommendation (TIFU-kNN, Hu et al. 2020;
Li et al. 2023). Here it is one group of features among a few, weighed by a logistic regression that is learned on the
shop's own past: what was known at the start of the validation period, and what was bought again in it.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit

from recsys import columns as c
from recsys.dataset.dataset import Dataset, Interactions

HALF_LIVES = (10, 30, 90, 240)
"""Days after which a purchase counts half, in the four decayed counts."""

FALLBACK_HALF_LIFE_DAYS = 60.0
WORTHWHILE_SHARE = 0.05
"""Below this share of purchases that repeat an earlier one, the lane "again" is not worth showing."""

FEWEST_EXAMPLES = 200
MOST_EXAMPLES = 200_000
STEPS = 12
SMOOTHING = 10.0
"""Pairs' worth of the shop's average that each item's own repeat rate is mixed with."""

FEATURES = (
    "log count", "bought twice or more", *(f"log count, half-life {days} days" for days in HALF_LIVES),
    "log days since last", "days since last", "log overdue", "overdue", "log days since last, against the item's cycle",
    "item: repeat rate", "item: purchases beyond the first", "item: buyers", "item: bought lately",
    "item: last 28 days against 120", "item: last 7 days against 28", "shopper: purchases", "shopper: items lately",
    "shopper: days since last visit", "log rate since first", "count squared", "days squared", "count by days",
    "short by long count",
)  # fmt: skip


def frequency(counts: NDArray[Any], days_since: NDArray[Any]) -> NDArray[np.float32]:
    """Purchases, halved for every `FALLBACK_HALF_LIFE_DAYS` since the last one: the rule where nothing was learned."""
    return np.asarray(counts * 0.5 ** (days_since / FALLBACK_HALF_LIFE_DAYS), dtype=np.float32)


@dataclass(frozen=True)
class BuyAgain:
    """A logistic regression over `FEATURES` of a pair of user and item.

    Attributes:
        mean, scale: (n_features,), by which features are standardised.
        weights: (1 + n_features,), the constant first.
        days: length of the period for which chances are given.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    days: float

    @classmethod
    def fit(
        cls, dataset: Dataset, before: Interactions, now: pd.Timestamp, after: Interactions, days: float
    ) -> Self | None:
        """Learn from what was known at `now` and which of those pairs were bought again in `after`.

        Users who bought nothing again have nothing to order and are left out; each of the others counts as the root
        of their number of repeats, between counting users alike and counting purchases alike. None when fewer than
        `FEWEST_EXAMPLES` pairs were bought again: then `frequency` has to do.
        """
        again = _found_in(before.counts, after.counts)
        rows = _rows(before.counts)
        repeats = np.bincount(rows, weights=again, minlength=before.counts.shape[0])
        if again.sum() < FEWEST_EXAMPLES:
            return None
        used = np.flatnonzero(repeats[rows] > 0)
        if len(used) > MOST_EXAMPLES:
            used = np.sort(np.random.default_rng(0).choice(used, MOST_EXAMPLES, replace=False))
        features = pair_features(dataset, before, now, used)
        importance = 1 / np.sqrt(repeats[rows[used]])
        mean, scale = features.mean(axis=0), features.std(axis=0)
        scale[scale < 1e-9] = 1.0
        weights = logistic_weights((features - mean) / scale, again[used], importance / importance.mean())
        return cls(mean, scale, weights, days)

    def chances(self, dataset: Dataset, period: Interactions, now: pd.Timestamp) -> NDArray[np.float32]:
        """float32 (n_pairs,), aligned with `period.counts.data`: chance of buying again within `days` from `now`.

        It holds for someone who buys anything again at all in that time.
        """
        slopes = self.weights[1:] / self.scale
        raw = pair_features(dataset, period, now) @ slopes.astype(np.float32)
        return np.asarray(expit(raw + (self.weights[0] - float(self.mean @ slopes))), dtype=np.float32)

    def to_dict(self) -> dict[str, Any]:
        """For manifests: the weight of every standardised feature."""
        named = dict(zip(("constant", *FEATURES), (round(float(w), 4) for w in self.weights), strict=True))
        return {"days": self.days, "weights": named}


@dataclass(frozen=True)
class AgainScorer:
    """Scores, for the evaluation of the lane "again", given one strength per pair; 0 for what the user never had."""

    strength: sparse.csr_matrix

    @classmethod
    def of(cls, period: Interactions, strength: NDArray[np.float32]) -> Self:
        """`strength` is (n_pairs,), positive, aligned with `period.counts.data`."""
        pairs = period.counts
        return cls(sparse.csr_matrix((strength, pairs.indices, pairs.indptr), shape=pairs.shape))

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        """(len(users), n_items), 0 for what a user has not had."""
        return np.asarray(self.strength[users].todense(), dtype=np.float32)


def repeat_share(before: Interactions, after: Interactions) -> float:
    """Share of the pairs in `after` that were there before: how much of shopping is buying again."""
    return float(_found_in(before.counts, after.counts).sum() / max(after.counts.nnz, 1))


def pair_features(
    dataset: Dataset, period: Interactions, now: pd.Timestamp, only: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    """float32 (n_pairs, len(FEATURES)) of what is known at `now`; `period` holds every event before it.

    Args:
        only: numbers of the pairs that are wanted; None for all.
    """
    pairs = period.counts
    n_users, n_items = pairs.shape
    rows, items = _rows(pairs), pairs.indices
    count = pairs.data.astype(np.float64)
    day = np.timedelta64(1, "D")
    moment = now.to_datetime64()
    since, known = (moment - period.last) / day, (moment - period.first) / day
    gap = np.where(count > 1, (period.last - period.first) / day / np.maximum(count - 1, 1), 60.0)
    decayed = [np.log(x + 1e-3) for x in _decayed_counts(dataset, now)]

    buyers = np.bincount(items, minlength=n_items)
    twice = np.bincount(items, weights=count > 1, minlength=n_items)
    beyond = np.bincount(items, weights=count - 1, minlength=n_items)
    lately = np.bincount(items, weights=since < 28, minlength=n_items)
    cycle = np.bincount(items, weights=np.where(count > 1, gap, 0.0), minlength=n_items)
    share = np.clip((count > 1).mean(), 1e-3, 1 - 1e-3)
    rate = (twice + SMOOTHING * share) / (buyers + SMOOTHING)
    typical = (cycle + SMOOTHING * 30) / (twice + SMOOTHING)
    volume = {days: _volume(dataset, now, days) for days in (7, 28, 120)}

    visit = np.full(n_users, np.inf)
    np.minimum.at(visit, rows, since)
    purchases = np.bincount(rows, weights=count, minlength=n_users)
    new_items = np.bincount(rows, weights=since < 28, minlength=n_users)

    log_since, overdue = np.log1p(since), since / np.maximum(gap, 3.0)
    found = (
        np.log(count), count > 1, *decayed,
        log_since, since / 100, np.log1p(overdue), np.minimum(overdue, 5), np.log1p(since / typical[items]),
        np.log(rate / (1 - rate))[items], np.log1p((beyond + SMOOTHING * share) / (buyers + SMOOTHING))[items],
        np.log(buyers[items]), np.log(lately[items] / buyers[items] + 0.01),
        np.log((volume[28] + 1) / (volume[120] + 4))[items], np.log((volume[7] + 1) / (volume[28] + 4))[items],
        np.log1p(purchases)[rows], np.log1p(new_items)[rows], visit[rows] / 30,
        np.log(count / np.maximum(known, 14.0)), decayed[2] ** 2, log_since**2, decayed[2] * log_since,
        decayed[0] * decayed[3],
    )  # fmt: skip
    features = np.empty((len(FEATURES), len(items) if only is None else len(only)), dtype=np.float32)
    for feature, values in zip(features, found, strict=True):
        feature[:] = values if only is None else values[only]
    return features.T


def _decayed_counts(dataset: Dataset, now: pd.Timestamp) -> list[NDArray[np.float64]]:
    """For each half-life, (n_pairs,): events before `now`, each halved with every half-life that has passed since."""
    times = dataset.events[c.TIMESTAMP].to_numpy().astype("datetime64[s]")
    before = times < now.to_datetime64()
    keys = dataset.events[c.USER].to_numpy()[before].astype(np.int64) * dataset.n_items
    keys += dataset.events[c.ITEM].to_numpy()[before]
    if len(keys) == 0:
        return [np.zeros(0) for _ in HALF_LIVES]
    starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    seconds = (now.to_datetime64() - times[before]).astype("timedelta64[s]").astype(np.float64)
    return [np.add.reduceat(0.5 ** (seconds / (86400 * half_life)), starts) for half_life in HALF_LIVES]


def _volume(dataset: Dataset, now: pd.Timestamp, days: int) -> NDArray[np.int64]:
    """(n_items,): events in the `days` before `now`."""
    times = dataset.events[c.TIMESTAMP].to_numpy().astype("datetime64[s]")
    moment = now.to_datetime64()
    within = (times < moment) & (times >= moment - np.timedelta64(days, "D"))
    return np.bincount(dataset.events[c.ITEM].to_numpy()[within], minlength=dataset.n_items)


def logistic_weights(
    features: NDArray[np.float64], labels: NDArray[np.float64], importance: NDArray[np.float64], ridge: float = 1.0
) -> NDArray[np.float64]:
    """Weights, the constant first, by iteratively reweighted least squares."""
    columns = np.column_stack([np.ones(len(features)), features])
    weights = np.zeros(columns.shape[1])
    for _ in range(STEPS):
        chance = expit(columns @ weights)
        slope = columns.T @ (importance * (labels - chance)) - ridge * weights
        curve = (columns * (importance * chance * (1 - chance))[:, None]).T @ columns
        step = np.linalg.solve(curve + ridge * np.eye(len(weights)), slope)
        weights += step
        if np.abs(step).max() < 1e-4:
            break
    return weights


def _rows(pairs: sparse.csr_matrix) -> NDArray[np.int64]:
    return np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))


def _found_in(pairs: sparse.csr_matrix, other: sparse.csr_matrix) -> NDArray[np.float64]:
    """(n_pairs,): 1 where the pair is stored in `other` as well."""
    n_items = pairs.shape[1]
    keys = _rows(pairs) * n_items + pairs.indices
    return np.isin(keys, _rows(other) * n_items + other.indices).astype(np.float64)

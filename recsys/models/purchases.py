"""What the linear learners learn from: how much each purchase weighs, and the matrix of all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from recsys.dataset.dataset import Interactions
from recsys.dataset.decay import OLD_WEIGHT, age_in_days
from recsys.errors import InvalidInput
from recsys.models.popularity import expected_popularity, people, timed

COUNT_SHARE = 0.15
"""A purchase repeated n times weighs 1 + 0.15 log n of one made once."""

SLOWER = 2.0
"""Beside the half-life of the recipe there is a second, so many times as long."""

DRIFT_HALF_LIFE_DAYS = 30.0


@dataclass(frozen=True)
class Weighting:
    """w(age, n) = (1 + 0.15 ln n) x the mean over half-lives h of (0.1 + 0.5^(age / h)) / m_h.

    Attributes:
        half_lives: in days; empty where all ages count alike.
        means: m_h, so that each term has mean 1 over what was learned from.
        strength: the mean weight of the kinds of events, which such weights are divided by.
    """

    half_lives: tuple[float, ...] = ()
    means: tuple[float, ...] = ()
    strength: float = 1.0

    @classmethod
    def of(cls, period: Interactions, now: pd.Timestamp, half_life_days: float) -> Self:
        """The weighting of a period; without times, or with a half-life of 0, all ages count alike.

        Raises:
            InvalidInput: every event weighs nothing.
        """
        strength = 1.0 if period.strength is None or not len(period.strength) else float(period.strength.mean())
        if strength <= 0:
            raise InvalidInput("Every event has the weight 0, so there is nothing to learn from; give weights.")
        if half_life_days <= 0 or not timed(period):
            return cls(strength=strength)
        days, half_lives = age_in_days(period, now), (half_life_days, SLOWER * half_life_days)
        return cls(half_lives, tuple(float(_fading(days, half_life).mean()) for half_life in half_lives), strength)

    def weights(self, days: NDArray[np.float64], counts: NDArray[Any]) -> NDArray[np.float64]:
        """(n,) for purchases of so many days ago, each made so often."""
        repeated = 1 + COUNT_SHARE * np.log(np.maximum(counts, 1.0))
        if not self.half_lives:
            return np.asarray(repeated, dtype=np.float64)
        fading = sum(_fading(days, h) / m for h, m in zip(self.half_lives, self.means, strict=True))
        return np.asarray(repeated * fading / len(self.half_lives), dtype=np.float64)

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {"half_lives": list(self.half_lives), "means": list(self.means), "strength": self.strength}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`, other names left out."""
        return cls(tuple(values["half_lives"]), tuple(values["means"]), float(values["strength"]))


@dataclass(frozen=True)
class Purchases:
    """Weighted purchases of a period.

    Attributes:
        matrix: CSR float32 (n_users, n_items), X: the weights of the pairs.
        weighting: what they come from.
        popularity: (n_items,) float32, how popular each item is expected to be soon: a logarithm with mean 0.
        drift: (n_items,) float64, how much of an item's purchases are new buyers of late, against the other items.
    """

    matrix: sparse.csr_matrix
    weighting: Weighting
    popularity: NDArray[np.float32]
    drift: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        period: Interactions,
        now: pd.Timestamp,
        half_life_days: float,
        forecast: tuple[float, ...] | None = None,
    ) -> Self:
        """What was bought in a period, as seen at its end.

        Args:
            forecast: coefficients of a `Forecast`; without them popularity is that of late.

        Raises:
            InvalidInput: every event weighs nothing.
        """
        counts = period.counts
        weighting = Weighting.of(period, now, half_life_days)
        data = weighting.weights(age_in_days(period, now), counts.data)
        if period.strength is not None:
            data = data * period.strength / weighting.strength
        matrix = sparse.csr_matrix((data.astype(np.float32), counts.indices, counts.indptr), shape=counts.shape)
        lately = people(period, now, DRIFT_HALF_LIFE_DAYS, "first") if timed(period) else None
        drift = np.ones(counts.shape[1])
        if lately is not None:
            drift = (lately + 1) / (np.asarray(matrix.sum(axis=0), dtype=np.float64).ravel() + 1)
            drift = drift / np.exp(np.log(drift).mean())
        return cls(matrix, weighting, expected_popularity(period, now, forecast), drift)

    @cached_property
    def buyers(self) -> NDArray[np.int64]:
        """(n_items,) how many users had each item."""
        return np.bincount(self.matrix.indices, minlength=self.matrix.shape[1])

    @cached_property
    def totals(self) -> NDArray[np.float64]:
        """(n_items,) sums of the columns, at least 1."""
        return np.maximum(np.asarray(self.matrix.sum(axis=0), dtype=np.float64).ravel(), 1.0)

    def damped(self, power: float) -> sparse.csr_matrix:
        """Y = X diag(totals^-power): at 0 bestsellers decide everything, at 1/2 all have the same say."""
        return (self.matrix @ sparse.diags(self.totals**-power)).tocsr().astype(np.float32)


def _fading(days: NDArray[np.float64], half_life: float) -> NDArray[np.float64]:
    return np.asarray(OLD_WEIGHT + 0.5 ** (np.maximum(days, 0.0) / half_life))

"""Fold-in by one matrix: where a history lies, read off the users whose histories and embeddings are both known.

An embedding that came out of a decomposition is a linear function of the history; that function is recovered here by
regression and then holds for anybody's history, in well under a millisecond. Where training moved far from its start
the function explains little, and `foldin.fold_in` takes its place.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from recsys.dataset.decay import OLD_WEIGHT

TRUSTED = 0.9
"""Share of the variance of the known users' embeddings that the function has to explain."""

RIDGE = 1e-3
ATTRIBUTES_WORTH = 3.0
"""What the attributes say counts as much as this many items of history."""


@dataclass(frozen=True)
class LinearFoldIn:
    """vector = (Σ w_i x_i) M, with x_i what item i adds and w_i its weight in the history.

    Attributes:
        items: (n_items, components) float32: embeddings, damped by how many users have had the item.
        matrix: (2 components, components): for the history weighted by recency, and for all its items alike.
        half_life_days: how fast recency fades; 0 for not at all.
        mean_weight: mean weight of the pairs that the model learned from.
        explained: share of the variance of the known users' embeddings that the function reproduces.
    """

    items: NDArray[np.float32]
    matrix: NDArray[np.float32]
    half_life_days: float
    mean_weight: float
    explained: float

    @classmethod
    def fit(
        cls,
        counts: sparse.csr_matrix,
        last: NDArray[np.datetime64],
        now: pd.Timestamp,
        item_embeddings: NDArray[np.float32],
        user_embeddings: NDArray[np.float32],
        *,
        power: float,
        half_life_days: float,
    ) -> Self:
        """Ridge regression of the embeddings of all users with a history on what their histories add up to.

        Args:
            counts: CSR (n_users, n_items), what each user has had.
            last: aligned with `counts.data`, when for the last time; NaT for no times.
            power: the damping of popular items in the decomposition, `start_power`.
        """
        buyers = np.maximum(np.bincount(counts.indices, minlength=counts.shape[1]), 1)
        items = (item_embeddings * (buyers**-power)[:, None]).astype(np.float32)
        days = np.nan_to_num((now.to_datetime64() - last) / np.timedelta64(1, "D"), nan=0.0)
        fading = half_life_days if not np.isnat(last).any() else 0.0
        weights = _fading(days, fading)
        mean = float(weights.mean()) if len(weights) else 1.0
        known = np.diff(counts.indptr) > 0
        columns = np.hstack([
            sparse.csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape)[known] @ items
            for data in ((weights / mean).astype(np.float32), np.ones(counts.nnz, np.float32))
        ])  # fmt: skip
        aim = user_embeddings[known].astype(np.float64)
        wide = columns.astype(np.float64)
        gram = wide.T @ wide
        gram[np.diag_indices_from(gram)] += RIDGE * max(float(np.diag(gram).mean()), 1e-12)
        matrix = np.linalg.solve(gram, wide.T @ aim)
        left = float(((aim - wide @ matrix) ** 2).sum())
        total = float((aim**2).sum())
        return cls(items, matrix.astype(np.float32), fading, mean, 1 - left / total if total else 0.0)

    def with_items(self, embeddings: NDArray[np.float32]) -> Self:
        """The same function over more items, whom nobody has had yet: what they add is not damped."""
        return replace(self, items=np.concatenate([self.items, embeddings]))

    @property
    def trusted(self) -> bool:
        """Whether it may stand in for fold-in by gradient steps."""
        return self.explained >= TRUSTED

    def vector(
        self,
        items: NDArray[np.int64],
        days: NDArray[np.float64] | None = None,
        *,
        start: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """float32 (components,) for a history.

        Args:
            items: row numbers, without repeats.
            days: how long ago each was had for the last time; None for just now.
            start: what the attributes say, which fades as the history grows.
        """
        weights = self._weights(len(items), days)
        rows = self.items[items]
        found = np.concatenate([weights.astype(np.float32) @ rows, rows.sum(axis=0)]) @ self.matrix
        if start is not None:
            found = found + start * np.float32(ATTRIBUTES_WORTH / (ATTRIBUTES_WORTH + len(items)))
        return np.asarray(found, dtype=np.float32)

    def falls(
        self,
        towards: NDArray[np.float32],
        items: NDArray[np.int64],
        days: NDArray[np.float64] | None = None,
        *,
        start: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float64]:
        """float64 (n,): how far `vector(...) @ towards` falls when each item of the history is left out, one at a time.

        `vector` is linear in the items, so that leaving one out takes away its own term,

            fall_i = (w_i x_i, x_i) M · t + [a / (a + n) - a / (a + n - 1)] s · t,

        and gives what attributes say, s, the larger share of the shorter history (a: `ATTRIBUTES_WORTH`). All of it
        together costs one product of a matrix with a vector, and is exact.
        """
        if len(items) == 0:
            return np.zeros(0)
        recent, alike = np.split(self.matrix.astype(np.float64) @ towards.astype(np.float64), 2)
        rows = self.items[items].astype(np.float64)
        found = np.asarray(self._weights(len(items), days) * (rows @ recent) + rows @ alike)
        if start is not None:
            worth = ATTRIBUTES_WORTH
            share = worth / (worth + len(items)) - worth / (worth + len(items) - 1)
            found += share * float(start.astype(np.float64) @ towards.astype(np.float64))
        return found

    def _weights(self, n: int, days: NDArray[np.float64] | None) -> NDArray[np.float64]:
        return _fading(np.zeros(n) if days is None else days, self.half_life_days) / self.mean_weight


def _fading(days: NDArray[np.float64], half_life_days: float) -> NDArray[np.float64]:
    if half_life_days <= 0:
        return np.ones(len(days))
    return np.asarray(OLD_WEIGHT + 0.5 ** (np.maximum(days, 0.0) / half_life_days))

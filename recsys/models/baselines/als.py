"""Implicit alternating least squares."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.models.baselines.neighbours import binary

MOST_VALUES = 4_000_000
"""Values in the largest array of one batch."""


@dataclass(frozen=True)
class ALS:
    """Implicit alternating least squares (Hu, Koren & Volinsky 2008): confidence 1 + alpha for what was had.

    Attributes:
        user_factors: (n_users, factors) float32.
        item_factors: (n_items, factors) float32.
    """

    user_factors: NDArray[np.float32]
    item_factors: NDArray[np.float32]

    @classmethod
    def fit(
        cls,
        interactions: sparse.csr_matrix,
        *,
        factors: int = 16,
        alpha: float = 1.0,
        regularisation: float = 1.0,
        iterations: int = 15,
        seed: int = 0,
    ) -> Self:
        had = binary(interactions)
        had_by_item = had.T.tocsr()
        rng = np.random.default_rng(seed)
        users = rng.normal(0, 0.01, (had.shape[0], factors)).astype(np.float32)
        items = rng.normal(0, 0.01, (had.shape[1], factors)).astype(np.float32)
        for _ in range(iterations):
            users = _least_squares(had, items, alpha, regularisation)
            items = _least_squares(had_by_item, users, alpha, regularisation)
        return cls(users, items)

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        """(len(users), n_items)."""
        return self.user_factors[users] @ self.item_factors.T


def work(interactions: sparse.csr_matrix, factors: int, iterations: int) -> float:
    """Multiplications that a fit takes, about."""
    n_users, n_items = interactions.shape
    return iterations * (2.0 * interactions.nnz * factors**2 + (n_users + n_items) * factors**2 * 8)


def _least_squares(
    had: sparse.csr_matrix, other: NDArray[np.float32], alpha: float, regularisation: float
) -> NDArray[np.float32]:
    """One half of an iteration: (OᵀO + λI + alpha Σ o oᵀ)⁻¹ (1 + alpha) Σ o, for every row of `had`.

    Rows of about equal length are solved together. With B = OᵀO + λI and the rows O_u of a short history, the same is
    (1 + alpha) B⁻¹ O_uᵀ (I + alpha O_u B⁻¹ O_uᵀ)⁻¹ 1, a system as small as the history.
    """
    factors = other.shape[1]
    base = other.T @ other + regularisation * np.eye(factors, dtype=np.float32)
    nothing = np.zeros((1, factors), np.float32)
    padded = np.concatenate([other, nothing])
    ready = np.concatenate([np.linalg.solve(base, other.T).T.astype(np.float32), nothing])
    lengths = np.diff(had.indptr)
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    solved = np.zeros((had.shape[0], factors), dtype=np.float32)
    stop = len(order)
    while stop > 0:
        longest = int(lengths[order[stop - 1]])
        start = max(stop - max(MOST_VALUES // (longest * factors + factors**2), 1), 0)
        rows, stop = order[start:stop], start
        places = had.indptr[rows][:, None] + np.arange(longest)
        inside = np.arange(longest) < lengths[rows][:, None]
        items = np.where(inside, had.indices[np.where(inside, places, 0)], len(other))
        own = padded[items]
        if longest <= factors:
            near = ready[items]
            system = alpha * (own @ near.transpose(0, 2, 1))
            system += np.eye(longest, dtype=np.float32)
            counts = np.linalg.solve(system, np.ones((len(rows), longest, 1), np.float32))
            solved[rows] = (1 + alpha) * (near.transpose(0, 2, 1) @ counts)[:, :, 0]
        else:
            system = base + alpha * (own.transpose(0, 2, 1) @ own)
            solved[rows] = (1 + alpha) * np.linalg.solve(system, own.sum(axis=1)[:, :, None])[:, :, 0]
    return solved

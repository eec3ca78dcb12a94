"""What a model must beat: well-known methods, fitted to the same interactions and judged by the same protocol."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from recsys.models.base import Scorer

EASE_MOST = 12_000
"""EASE inverts a square matrix of users or of items, whichever is fewer; above this it is left out."""


@dataclass(frozen=True)
class Popular:
    """Everybody gets the same list: the items with the most users, or the greatest sum of weights."""

    popularity: NDArray[np.float32]

    @classmethod
    def fit(cls, interactions: sparse.csr_matrix) -> Self:
        """Sum the columns of `interactions`, CSR (n_users, n_items): ones, or weights that fade with time."""
        return cls(np.asarray(interactions.sum(axis=0), dtype=np.float32).ravel())

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        return np.tile(self.popularity, (len(users), 1))


@dataclass(frozen=True)
class PopularInCategories:
    """Popularity times the share that the item's category has in what the user had."""

    popularity: NDArray[np.float32]
    categories: NDArray[np.int64]
    shares: NDArray[np.float32]

    @classmethod
    def fit(cls, interactions: sparse.csr_matrix, categories: NDArray[np.int64]) -> Self:
        """`categories` is (n_items,): the number of each item's category."""
        n_items = interactions.shape[1]
        one_hot = sparse.csr_matrix((np.ones(n_items, np.float32), (np.arange(n_items), categories)))
        totals = np.asarray((interactions @ one_hot).todense(), dtype=np.float32)
        shares = totals / np.maximum(totals.sum(axis=1, keepdims=True), 1.0)
        return cls(Popular.fit(interactions).popularity, categories, shares)

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        return self.shares[users][:, self.categories] * self.popularity


@dataclass(frozen=True)
class ItemKNN:
    """Items are recommended for their likeness to the user's items.

    Cosine with shrinkage, s_ij = c_ij / (sqrt(c_i c_j) + shrinkage), the strongest neighbours of each item kept
    (Sarwar et al. 2001; shrinkage as in Bell & Koren 2007).
    """

    interactions: sparse.csr_matrix
    similarity: sparse.csr_matrix

    @classmethod
    def fit(
        cls, interactions: sparse.csr_matrix, *, neighbours: int = 100, shrinkage: float = 10.0, block: int = 1024
    ) -> Self:
        had = interactions.astype(bool).astype(np.float32).tocsr()
        columns = had.T.tocsr()
        lengths = np.sqrt(np.asarray(had.sum(axis=0)).ravel())
        parts = []
        for start in range(0, had.shape[1], block):
            together = np.asarray((columns[start : start + block] @ had).todense())
            rows = np.arange(len(together))
            together /= lengths[start : start + block, None] * lengths + shrinkage
            together[rows, start + rows] = 0.0
            if neighbours < had.shape[1]:
                threshold = np.partition(together, -neighbours, axis=1)[:, -neighbours, None]
                together[together < threshold] = 0.0
            parts.append(sparse.csr_matrix(together))
        return cls(had, sparse.vstack(parts, format="csr").T.tocsr())

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        return np.asarray((self.interactions[users] @ self.similarity).todense(), dtype=np.float32)


@dataclass(frozen=True)
class ALS:
    """Implicit alternating least squares (Hu, Koren & Volinsky 2008): confidence 1 + alpha for what was had."""

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
        had = interactions.astype(bool).astype(np.float32).tocsr()
        had_by_item = had.T.tocsr()
        rng = np.random.default_rng(seed)
        users = rng.normal(0, 0.01, (had.shape[0], factors)).astype(np.float32)
        items = rng.normal(0, 0.01, (had.shape[1], factors)).astype(np.float32)
        for _ in range(iterations):
            users = _least_squares(had, items, alpha, regularisation)
            items = _least_squares(had_by_item, users, alpha, regularisation)
        return cls(users, items)

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        return self.user_factors[users] @ self.item_factors.T


@dataclass(frozen=True)
class EASE:
    """A linear model of each item from the user's other items, solved exactly (Steck 2019).

    With fewer users than items the inverse of (XᵀX + λI) comes from that of the users' system:
    P = (I - Xᵀ (XXᵀ + λI)⁻¹ X) / λ, and scores X B with B = I - P diag(1 / diag P) need no items x items matrix.
    """

    interactions: sparse.csr_matrix
    solved: NDArray[np.float32]
    diagonal: NDArray[np.float32]

    @classmethod
    def fit(cls, interactions: sparse.csr_matrix, *, regularisation: float = 1000.0) -> Self | None:
        """None when there are more than `EASE_MOST` users: the users' system would not fit."""
        had = interactions.astype(bool).astype(np.float32).tocsr()
        if had.shape[0] > EASE_MOST:
            return None
        system = np.asarray((had @ had.T).todense(), dtype=np.float64)
        system[np.diag_indices_from(system)] += regularisation
        solved = linalg.solve(system, np.asarray(had.todense(), dtype=np.float64), assume_a="pos").astype(np.float32)
        diagonal = 1.0 - np.asarray(had.multiply(solved).sum(axis=0)).ravel()
        return cls(had, solved, diagonal.astype(np.float32))

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        """X B for some users, but for a term that touches only items they had: X P = λ (XXᵀ + λI)⁻¹ X / λ."""
        rows = self.interactions[users]
        own = np.asarray(rows.todense(), dtype=np.float32)
        projected = own - (rows @ self.interactions.T) @ self.solved
        return own - projected / self.diagonal


@dataclass(frozen=True)
class OwnFrequency:
    """What this user had most often; the latest first among equals."""

    strength: sparse.csr_matrix

    @classmethod
    def fit(cls, counts: sparse.csr_matrix, recency: NDArray[np.float32]) -> Self:
        """`recency` is aligned with `counts.data`, from 0 (first day) to 1 (last day)."""
        return cls(sparse.csr_matrix((counts.data + recency / 2, counts.indices, counts.indptr), shape=counts.shape))

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        return np.asarray(self.strength[users].todense(), dtype=np.float32)


def fit_all(
    interactions: sparse.csr_matrix,
    *,
    faded: sparse.csr_matrix | None = None,
    categories: NDArray[np.int64] | None = None,
    own: OwnFrequency | None = None,
    seed: int = 0,
    on_step: Callable[[str], None] = lambda _: None,
) -> Mapping[str, Scorer]:
    """Every baseline the data allow, by name.

    Args:
        interactions: CSR (n_users, n_items) of ones.
        faded: the same with weights that fade with time; without it "popular_lately" is left out.
        categories: (n_items,) category numbers; without them "popular_in_categories" is left out.
        on_step: called with each name before it is fitted.
    """
    makers: dict[str, Callable[[], Scorer | None]] = {
        "popular": lambda: Popular.fit(interactions),
        "popular_lately": lambda: None if faded is None else Popular.fit(faded),
        "popular_in_categories": lambda: (
            None if categories is None else PopularInCategories.fit(interactions, categories)
        ),
        "item_knn": lambda: ItemKNN.fit(interactions),
        "als": lambda: ALS.fit(interactions, seed=seed),
        "ease": lambda: EASE.fit(interactions),
        "own_frequency": lambda: own,
    }
    fitted: dict[str, Scorer] = {}
    for name, make in makers.items():
        on_step(name)
        scorer = make()
        if scorer is not None:
            fitted[name] = scorer
    return fitted


def _least_squares(
    had: sparse.csr_matrix, other: NDArray[np.float32], alpha: float, regularisation: float, block: int = 2048
) -> NDArray[np.float32]:
    """One half of an iteration: (OᵀO + alpha Σ o oᵀ + λI)⁻¹ (1 + alpha) Σ o, for every row of `had`, in blocks."""
    factors = other.shape[1]
    base = other.T @ other + regularisation * np.eye(factors, dtype=np.float32)
    outer = np.einsum("ij,ik->ijk", other, other).reshape(len(other), factors * factors)
    solved = np.zeros((had.shape[0], factors), dtype=np.float32)
    for start in range(0, had.shape[0], block):
        rows = had[start : start + block]
        systems = base + alpha * (rows @ outer).reshape(-1, factors, factors)
        right = (1 + alpha) * (rows @ other)
        solved[start : start + block] = np.linalg.solve(systems, right[:, :, None])[:, :, 0]
    return solved

"""Lists that need no learning: what most have had, in the shop, in one's categories, or oneself."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse


@dataclass(frozen=True)
class Popular:
    """Everybody gets the same list: the items with the most users, or the greatest sum of weights."""

    popularity: NDArray[np.float32]

    @classmethod
    def fit(cls, interactions: sparse.csr_matrix) -> Self:
        """Sum the columns of `interactions`, CSR (n_users, n_items): ones, or weights that fade with time."""
        return cls(np.asarray(interactions.sum(axis=0), dtype=np.float32).ravel())

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        """(len(users), n_items), the same for everybody."""
        return np.tile(self.popularity, (len(users), 1))


@dataclass(frozen=True)
class PopularInCategories:
    """Popularity times the share that the item's category has in what the user had."""

    popularity: NDArray[np.float32]
    categories: NDArray[np.int64]
    shares: sparse.csr_matrix

    @classmethod
    def fit(cls, interactions: sparse.csr_matrix, categories: NDArray[np.int64]) -> Self:
        """`categories` is (n_items,): the number of each item's category."""
        n_items = interactions.shape[1]
        one_hot = sparse.csr_matrix((np.ones(n_items, np.float32), (np.arange(n_items), categories)))
        totals = (interactions @ one_hot).tocsr()
        all_of_them = np.asarray(totals.sum(axis=1), dtype=np.float32).ravel()
        shares = (sparse.diags(1 / np.maximum(all_of_them, 1.0)) @ totals).tocsr().astype(np.float32)
        return cls(Popular.fit(interactions).popularity, categories, shares)

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        """(len(users), n_items): popularity times the user's share of purchases in the item's category."""
        found: NDArray[np.float32] = self.shares[users].toarray()[:, self.categories]
        found *= self.popularity
        return found


@dataclass(frozen=True)
class OwnFrequency:
    """What this user had most often; the latest first among equals."""

    strength: sparse.csr_matrix

    @classmethod
    def fit(cls, counts: sparse.csr_matrix, recency: NDArray[np.float32]) -> Self:
        """`recency` is aligned with `counts.data`, from 0 (first day) to 1 (last day)."""
        return cls(sparse.csr_matrix((counts.data + recency / 2, counts.indices, counts.indptr), shape=counts.shape))

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        """(len(users), n_items), 0 for what a user has not had."""
        return np.asarray(self.strength[users].todense(), dtype=np.float32)

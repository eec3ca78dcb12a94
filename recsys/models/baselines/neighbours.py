"""Neighbourhood methods: items like those a user had, and what users like them had."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.models.baselines.limits import MOST_PAIRS_OF_ITEMS, cut_to
from recsys.utils import threads
from recsys.utils.numba_modules import numba_module

ROWS = 512
"""Rows that one thread works on at a time."""

MOST_NEIGHBOURS = 20_000
"""Users among whom neighbours are looked for; of more, so many are drawn."""


@dataclass(frozen=True)
class ItemToItem:
    """An item's score is the sum of what the user's items count for it.

    Attributes:
        interactions: CSR (n_users, n_items) of ones.
        weights: CSR (n_items, n_items); column j holds what other items count for item j.
        note: what was cut down to keep the work in bounds, in words; "" for nothing.
    """

    interactions: sparse.csr_matrix
    weights: sparse.csr_matrix
    note: str = ""

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        """(len(users), n_items)."""
        return (self.interactions[users] @ self.weights).toarray()


class ItemKNN(ItemToItem):
    """Items are recommended for their likeness to the user's items.

    Cosine with shrinkage, s_ij = c_ij / (sqrt(c_i c_j) + shrinkage), the strongest neighbours of each item kept
    (Sarwar et al. 2001; shrinkage as in Bell & Koren 2007).
    """

    @classmethod
    def fit(
        cls,
        interactions: sparse.csr_matrix,
        *,
        neighbours: int = 100,
        shrinkage: float = 10.0,
        most: int = MOST_PAIRS_OF_ITEMS,
    ) -> Self:
        """`most`: as `limits.cut_to` has it; what is scored by is never cut."""
        had = binary(interactions)
        counted, note = cut_to(had, most)
        near, values = nearest_by_cosine(counted, shrinkage, neighbours)
        return cls(had, as_matrix(near, values).T.tocsr(), note)


class RP3Beta(ItemToItem):
    """A walk of three steps, user - item - user - item, in which popular ends count less (Paudel et al. 2017).

    w_ij = sum over users u of (1/n_i)^alpha (1/n_u)^alpha, divided by n_j^beta, the strongest `neighbours` of each item
    kept; n_i, n_j are the items' numbers of users and n_u a user's number of items.
    """

    @classmethod
    def fit(
        cls,
        interactions: sparse.csr_matrix,
        *,
        alpha: float = 1.0,
        beta: float = 0.6,
        neighbours: int = 200,
        most: int = MOST_PAIRS_OF_ITEMS,
    ) -> Self:
        """`most`: as `limits.cut_to` has it; what is scored by is never cut."""
        had = binary(interactions)
        counted, note = cut_to(had, most)
        of_users = np.maximum(np.diff(counted.indptr), 1).astype(np.float32)
        of_items = np.maximum(np.bincount(counted.indices, minlength=had.shape[1]), 1).astype(np.float32)
        to_items = (sparse.diags(of_users**-alpha) @ counted).tocsr()
        to_users = (sparse.diags(of_items**-alpha) @ counted.T).tocsr()
        lengths = np.ones(had.shape[1], np.float32), of_items**beta
        near, values = strongest(to_users, to_items, lengths, 0.0, neighbours)
        return cls(had, as_matrix(near, values), note)


@dataclass(frozen=True)
class UserKNN:
    """What the most alike users had, each counted by the likeness: cosine with shrinkage (Resnick et al. 1994).

    The neighbours are looked for when scores are asked for.

    Attributes:
        interactions: CSR (n_users, n_items) of ones.
        candidates: (n,) users among whom neighbours are looked for.
        pool: CSR (n, n_items), their interactions.
        note: as in `ItemToItem`.
    """

    interactions: sparse.csr_matrix
    candidates: NDArray[np.int64]
    pool: sparse.csr_matrix
    neighbours: int
    shrinkage: float
    note: str = ""

    @classmethod
    def fit(
        cls, interactions: sparse.csr_matrix, *, neighbours: int = 200, shrinkage: float = 10.0, seed: int = 0
    ) -> Self:
        """`seed`: of the users among whom neighbours are looked for, where there are too many."""
        had = binary(interactions)
        candidates = np.flatnonzero(np.diff(had.indptr))
        note = ""
        if len(candidates) > MOST_NEIGHBOURS:
            note = f"neighbours among {MOST_NEIGHBOURS:,} of {len(candidates):,} shoppers, drawn"
            candidates = np.sort(np.random.default_rng(seed).choice(candidates, MOST_NEIGHBOURS, replace=False))
        return cls(had, candidates, had[candidates], neighbours, shrinkage, note)

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        """(len(users), n_items)."""
        rows = self.interactions[users]
        alike = (rows @ self.pool.T).toarray()
        lengths = np.sqrt(np.diff(rows.indptr))[:, None] * np.sqrt(np.diff(self.pool.indptr))
        alike /= np.maximum(lengths + self.shrinkage, 1.0)
        alike[users[:, None] == self.candidates] = 0.0
        if self.neighbours < alike.shape[1]:
            threshold = np.partition(alike, -self.neighbours, axis=1)[:, -self.neighbours, None]
            alike[alike < threshold] = 0.0
        return (sparse.csr_matrix(alike.astype(np.float32)) @ self.pool).toarray()


def binary(interactions: sparse.csr_matrix) -> sparse.csr_matrix:
    """The same pairs, float32 ones, indices sorted."""
    had = interactions.astype(bool).astype(np.float32).tocsr()
    had.sort_indices()
    return had


def nearest_by_cosine(
    interactions: sparse.csr_matrix, shrinkage: float, k: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """For every item the k others with the highest cosine to it, shrunk, and these; as `strongest` gives them."""
    lengths = np.sqrt(np.bincount(interactions.indices, minlength=interactions.shape[1])).astype(np.float32)
    return strongest(interactions.T.tocsr(), interactions, (lengths, lengths), shrinkage, k)


def strongest(
    left: sparse.csr_matrix,
    right: sparse.csr_matrix,
    lengths: tuple[NDArray[np.float32], NDArray[np.float32]],
    shrinkage: float,
    k: int,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """For every row i of the product C of two matrices, the k largest c_ij / (lengths_i lengths_j + shrinkage), j != i.

    Returns:
        (n_rows, k) columns, -1 where there are fewer, and their values, in no order.
    """
    kernels = numba_module("models.baselines.neighbour_kernels")
    found = np.empty((left.shape[0], min(k, right.shape[1])), np.int32)
    values = np.zeros(found.shape, np.float32)
    sides = [(x.indptr.astype(np.int32), x.indices.astype(np.int32), x.data) for x in (left, right)]
    in_blocks(
        left.shape[0],
        lambda start, stop: kernels.strongest(start, stop, *sides, lengths, float(shrinkage), found, values),
    )
    return found, values


def in_blocks(n_rows: int, work: Callable[[int, int], Any]) -> None:
    """Call `work(start, stop)` for blocks of rows, on every core; it must not hold the interpreter's lock."""
    with ThreadPoolExecutor(threads.cores()) as pool:
        list(pool.map(lambda start: work(start, min(start + ROWS, n_rows)), range(0, n_rows, ROWS)))


def as_matrix(near: NDArray[np.int32], values: NDArray[np.float32]) -> sparse.csr_matrix:
    """CSR (n, n) from what `strongest` gave."""
    there = near >= 0
    indptr = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    return sparse.csr_matrix((values[there], near[there], indptr), shape=(len(near), len(near)))

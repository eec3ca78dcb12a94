"""EASE: a linear model of each item from the user's other items, solved exactly."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

from recsys.models.baselines.limits import MOST_BYTES, sized
from recsys.models.baselines.neighbours import binary

BLOCK = 1024
"""Rows of a square matrix that are worked on together."""


@dataclass(frozen=True)
class EASE:
    """Scores X B with B = I - P diag(1 / diag P), P = (XᵀX + λI)⁻¹ (Steck 2019), in float32.

    With fewer users than items the users' system is solved instead: X P = (XXᵀ + λI)⁻¹ X and
    diag P = (1 - diag(Xᵀ (XXᵀ + λI)⁻¹ X)) / λ, so nothing of users x items or items x items is ever made. Users
    without items, and items without users, take no part.

    Attributes:
        interactions: CSR (n_users, n_items) of ones.
        users, items: the active ones, by row and by column.
        square: (n, n) of them: (XXᵀ + λI)⁻¹ where `by_users`, otherwise B.
        by_users: which system was solved.
        diagonal: of P for the active items, where `by_users`.
        columns: CSR (active items, active users), what was had, where `by_users`.
    """

    interactions: sparse.csr_matrix
    users: NDArray[np.int64]
    items: NDArray[np.int64]
    square: NDArray[np.float32]
    by_users: bool
    diagonal: NDArray[np.float32]
    columns: sparse.csr_matrix

    @classmethod
    def fit(cls, interactions: sparse.csr_matrix, *, regularisation: float = 1000.0) -> Self:
        """The caller asks `left_out` first whether it fits into the memory."""
        had = binary(interactions)
        users, items = _active(had)
        x = had[users][:, items].tocsr()
        by_users = len(users) <= len(items)
        inverse = _inverse(x if by_users else x.T.tocsr(), regularisation)
        diagonal = np.ones(len(items), np.float32)
        columns = x.T.tocsr()
        if by_users:
            for start in range(0, len(items), BLOCK):
                some = columns[start : start + BLOCK]
                within = np.asarray(some.multiply(some @ inverse).sum(axis=1)).ravel()
                diagonal[start : start + BLOCK] = (1.0 - within) / regularisation
        else:
            inverse /= -np.diag(inverse).copy()
            np.fill_diagonal(inverse, 0.0)
        return cls(had, users, items, inverse, by_users, np.maximum(diagonal, np.finfo(np.float32).tiny), columns)

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        """For items the user did not have; those they had score otherwise than in X B where `by_users`."""
        found = np.zeros((len(users), self.interactions.shape[1]), np.float32)
        if not len(self.items):
            return found
        if not self.by_users:
            found[:, self.items] = self.interactions[users][:, self.items] @ self.square
            return found
        place = np.minimum(np.searchsorted(self.users, users), len(self.users) - 1)
        there = np.flatnonzero(self.users[place] == users)
        modelled = (self.columns @ self.square[place[there]].T).T / self.diagonal
        found[np.ix_(there, self.items)] = -modelled
        return found + self.interactions[users].toarray()


def left_out(interactions: sparse.csr_matrix) -> str:
    """Why EASE cannot be fitted, with the figure; "" where it can. It takes two square matrices of the active users or
    of the active items, whichever are fewer."""
    users, items = (len(x) for x in _active(interactions.tocsr()))
    needed = 8 * min(users, items) ** 2
    if needed <= MOST_BYTES:
        return ""
    return (
        f"left out: for {users:,} shoppers and {items:,} products it would need {sized(needed)} of memory, "
        f"more than {sized(MOST_BYTES)}"
    )


def _active(had: sparse.csr_matrix) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.flatnonzero(np.diff(had.indptr)), np.flatnonzero(np.bincount(had.indices, minlength=had.shape[1]))


def _inverse(x: sparse.csr_matrix, regularisation: float) -> NDArray[np.float32]:
    """(XXᵀ + λI)⁻¹, by Cholesky, in place."""
    n = x.shape[0]
    system = np.empty((n, n), np.float32, order="F")
    for start in range(0, n, BLOCK):
        system[:, start : start + BLOCK] = (x @ x[start : start + BLOCK].T).toarray()
    system[np.diag_indices(n)] += np.float32(regularisation)
    if n == 0:
        return system
    factor, failed = lapack.spotrf(system, lower=1, overwrite_a=1)
    inverse, failed_too = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise FloatingPointError(f"The system of EASE cannot be solved with lambda {regularisation:g}.")
    for start in range(0, n, BLOCK):  # the upper triangle still holds what was there before
        stop = min(start + BLOCK, n)
        inverse[start:stop, stop:] = inverse[stop:, start:stop].T
        lower = np.tril(inverse[start:stop, start:stop])
        inverse[start:stop, start:stop] = lower + np.tril(lower, -1).T
    return np.asarray(inverse)

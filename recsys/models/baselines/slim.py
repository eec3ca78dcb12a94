"""Each item from its nearest items, by regression: for data on which EASE does not fit into the memory."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.models.baselines.limits import cut_to
from recsys.models.baselines.neighbours import as_matrix, binary, in_blocks, strongest
from recsys.utils import threads
from recsys.utils.numba_modules import numba_module

MOST_COUNTED = 60_000_000
"""Most pairs of items of one user, all users together, of which the Gram matrix is made."""


@dataclass(frozen=True)
class SLIM:
    """Sparse linear model with feature selection (Ning & Karypis 2011, fsSLIM): ridge regression of each item on the
    `neighbours` items with the highest cosine to it. Squared norms alone restrain it, as in EASE.

    Attributes:
        interactions, note: as in `ItemKNN`.
        weights: CSR (n_items, n_items); column j holds the regression of item j.
    """

    interactions: sparse.csr_matrix
    weights: sparse.csr_matrix
    note: str = ""

    @classmethod
    def fit(
        cls,
        interactions: sparse.csr_matrix,
        *,
        regularisation: float = 100.0,
        neighbours: int = 60,
        most: int = MOST_COUNTED,
    ) -> Self:
        """`most`: as `limits.cut_to` has it; what is scored by is never cut."""
        had = binary(interactions)
        counted, note = cut_to(had, most)
        lengths = np.sqrt(np.bincount(counted.indices, minlength=had.shape[1])).astype(np.float32)
        near, _ = strongest(counted.T.tocsr(), counted, (lengths, lengths), 10.0, neighbours)
        gram = (counted.T @ counted).tocsr()
        gram.sort_indices()
        sides = gram.indptr.astype(np.int32), gram.indices.astype(np.int32), gram.data.astype(np.float32)
        kernels = numba_module("models.baselines.neighbour_kernels")
        weights = np.zeros(near.shape, np.float32)
        with threads.limited_blas_threads():
            in_blocks(
                len(near),
                lambda start, stop: kernels.local_ridge(start, stop, near, sides, float(regularisation), weights),
            )
        return cls(had, as_matrix(near, weights).T.tocsr(), note)

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        return (self.interactions[users] @ self.weights).toarray()

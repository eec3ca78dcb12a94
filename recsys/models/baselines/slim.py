"""Each item from its nearest items, by regression: for data on which EASE does not fit into the memory."""

from typing import Self

import numpy as np
from scipy import sparse

from recsys.models.baselines.limits import cut_to
from recsys.models.baselines.neighbours import ItemToItem, as_matrix, binary, in_blocks, nearest_by_cosine
from recsys.utils import threads
from recsys.utils.numba_modules import numba_module

MOST_COUNTED = 60_000_000
"""Most pairs of items of one user, all users together, of which the Gram matrix is made."""


class SLIM(ItemToItem):
    """Sparse linear model with feature selection (Ning & Karypis 2011, fsSLIM): ridge regression of each item on the
    `neighbours` items with the highest cosine to it. Squared norms alone restrain it, as in EASE.
    """

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
        near, _ = nearest_by_cosine(counted, 10.0, neighbours)
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

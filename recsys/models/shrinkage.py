"""Shrinkage of item embeddings: the fewer buyers an item has, the closer it is drawn to its categories and brand."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg as sparse_linalg

from recsys.models.features import IDENTITY, Features, normalised

COLUMNS = 32
"""Components that are worked out at once in double precision: bounds the memory with many items."""


class HierarchicalPrior:
    """The posterior means of a mixed model (Robinson 1991): (n m + sharing p) / (n + sharing) for every item.

    m is the item's embedding divided by the square root of n, the number of its buyers, so that rare and popular items
    are of one size; p is what the ridge regression of all m on the shared features, each weighted by its n, says of it.
    The result has the size of the embeddings given. With `sharing` 0 it is those themselves, and so it is for items
    that share nothing. What does not depend on the embeddings is worked out once.

    Args:
        features: of the items; what they share is brought to sum 1, as in rows without an identity.
        buyers: (n_items,) how many users had each item.
        sharing: how many purchases the shared features are worth.
    """

    def __init__(self, features: Features, buyers: NDArray[np.int64], sharing: float) -> None:
        shared = np.flatnonzero(features.kinds != IDENTITY)
        self.idle = sharing == 0 or len(shared) == 0
        if self.idle:
            return
        design = normalised(features.matrix[:, shared].tocsr()).astype(np.float64)
        weight = float(design.data.mean()) if design.nnz else 1.0
        weighted = (sparse.diags(buyers.astype(np.float64)) @ design).tocsr()
        gram = (design.T @ weighted + sharing * weight**2 * sparse.identity(len(shared))).tocsc()
        self._design, self._weighted, self._solver = design, weighted.T, sparse_linalg.splu(gram)
        self._size = np.sqrt(np.maximum(buyers, 1))[:, None]
        self._own = np.where(np.diff(design.indptr) > 0, buyers / (buyers + sharing), 1.0)[:, None]

    def __call__(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n_items, components) float32: the posterior means for embeddings of that shape."""
        if self.idle:
            return embeddings
        found = np.empty_like(embeddings)
        for start in range(0, embeddings.shape[1], COLUMNS):
            means = embeddings[:, start : start + COLUMNS] / self._size
            prior = self._design @ self._solver.solve(self._weighted @ means)
            found[:, start : start + COLUMNS] = (self._own * means + (1 - self._own) * prior) * self._size
        return found

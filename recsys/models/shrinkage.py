"""Rare products borrow from what they share: the fewer purchases speak for an embedding, the more its categories do."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg as sparse_linalg

from recsys.models.features import IDENTITY, Features


def borrowed(
    embeddings: NDArray[np.float32], features: Features, buyers: NDArray[np.int64], sharing: float
) -> NDArray[np.float32]:
    """The posterior means of a mixed model (Robinson 1991): (n m + sharing p) / (n + sharing) for every item.

    m is the item's embedding divided by the square root of n, the number of its buyers, so that rare and popular items
    are of one size; p is what the ridge regression of all m on the shared features, each weighted by its n, says of it.
    The result has the size of the embeddings given. With `sharing` 0 it is those themselves, and so it is for items
    that share nothing.

    Args:
        embeddings: (n_items, components).
        buyers: (n_items,) how many users had each item.
        sharing: how many purchases the shared features are worth.
    """
    shared = np.flatnonzero(features.kinds != IDENTITY)
    if sharing == 0 or len(shared) == 0:
        return embeddings
    design = features.matrix[:, shared].tocsr().astype(np.float64)
    weight = float(design.data.mean()) if design.nnz else 1.0
    size = np.sqrt(np.maximum(buyers, 1))[:, None]
    means = embeddings / size
    weighted = sparse.diags(buyers.astype(np.float64)) @ design
    gram = (design.T @ weighted + sharing * weight**2 * sparse.identity(len(shared))).tocsc()
    prior = design @ sparse_linalg.splu(gram).solve(np.asarray(weighted.T @ means, np.float64))
    own = np.where(np.diff(design.indptr) > 0, buyers / (buyers + sharing), 1.0)[:, None]
    return np.asarray((own * means + (1 - own) * prior) * size, dtype=np.float32)

"""From embeddings of whole users and items to those of features, so that a LightFM gives them back."""

import numpy as np
from lightfm import LightFM
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg as sparse_linalg

from recsys.models import lightfm_wrapper
from recsys.models.base import Representations
from recsys.models.features import IDENTITY, Features, normalised

RIDGE = 5.0
"""Rows' worth of zeros that what is shared by many rows is mixed with."""

BLOCK = 65_536
"""Identities that are filled in at once."""


def put_into(lightfm: LightFM, found: Representations, users: Features, items: Features) -> None:
    """Put embeddings and biases of whole users and items into an untrained LightFM, as those of features.

    Afterwards feature matrix times feature embeddings gives the embeddings found for every row that has an identity,
    and `LightFM.predict` their scores; the others get what they share with those that have one.
    """
    of_users, none = by_feature(users, np.asarray(found.user_embeddings)), np.zeros(len(users.kinds), np.float32)
    lightfm_wrapper.give(lightfm, "user", of_users, none)
    biases = by_feature(items, found.item_biases[:, None])[:, 0].copy()
    lightfm_wrapper.give(lightfm, "item", by_feature(items, found.item_embeddings), biases)


def by_feature(features: Features, target: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n_features, m) whose combination by `features.matrix` is `target` (n_rows, m) in every row with an identity.

    What rows share (categories, brand, attributes) takes the ridge regression on it, with rows that sum to 1 as those
    without an identity do: so these get what the regression says of them. The identity takes what is left.
    """
    identity = features.kinds == IDENTITY
    found = np.zeros((len(features.kinds), target.shape[1]), dtype=np.float32)
    own = features.matrix[:, identity].tocoo()
    shared = np.flatnonzero(~identity)
    if len(shared):
        design = features.matrix[:, shared].tocsr()
        alone = normalised(design)
        known = alone
        if identity.any():
            with_identity = np.zeros(len(target), np.float32)
            with_identity[own.row] = 1
            known = (sparse.diags(with_identity) @ alone).tocsr()
            known.eliminate_zeros()
        weight = float(known.data.mean()) if known.nnz else 1.0
        gram = (known.T @ known + RIDGE * weight**2 * sparse.identity(len(shared))).tocsc()
        found[shared] = sparse_linalg.splu(gram.astype(np.float64)).solve(np.asarray(known.T @ target, np.float64))
    columns = np.flatnonzero(identity)[own.col]
    for start in range(0, own.nnz, BLOCK):
        rows, place = own.row[start : start + BLOCK], slice(start, start + BLOCK)
        left = target[rows] - design[rows] @ found[shared] if len(shared) else target[rows]
        found[columns[place]] = left / own.data[place, None]
    return found

"""What a training by our engine is given, checked and brought into the form that the kernels take."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.errors import InvalidInput

if TYPE_CHECKING:
    from lightfm import LightFM


class TrainingInput(NamedTuple):
    """Matrices with int32 indices and float32 values.

    Attributes:
        users: CSR (n_users, n) user features.
        items: CSR (n_items, n) item features.
        lookup: CSR (n_users, n_items), the interactions, with ascending indices.
        marks: float32 (nnz,), the values of the interactions: positive ones are positives.
        weights: float32 (nnz,).
    """

    users: sparse.csr_matrix
    items: sparse.csr_matrix
    lookup: sparse.csr_matrix
    marks: NDArray[np.float32]
    weights: NDArray[np.float32]


def checked_input(
    model: "LightFM",
    interactions: sparse.spmatrix,
    user_features: sparse.spmatrix | None,
    item_features: sparse.spmatrix | None,
    sample_weight: NDArray[np.floating[Any]] | sparse.spmatrix | None,
) -> TrainingInput:
    """The arguments of a training, as `trainer.epochs_of` takes them.

    Raises:
        InvalidInput: shapes that do not fit together, values that are not finite, weights below 0, nothing to train.
    """
    n_users, n_items = interactions.shape
    if n_items == 0 or n_users == 0:
        raise InvalidInput(f"The interactions are {n_users} users x {n_items} items: there is nothing to train.")
    matrices = []
    for name, n, given in (("user", n_users, user_features), ("item", n_items, item_features)):
        matrix = sparse.identity(n, dtype=np.float32, format="csr") if given is None else given.tocsr()
        if matrix.shape[0] < n:
            raise InvalidInput(f"The {name} features have {matrix.shape[0]} rows for {n} {name}s.")
        if not np.isfinite(matrix.data).all():
            raise InvalidInput(f"The {name} features hold values that are not finite numbers.")
        matrices.append(_plain(matrix))
    lookup = interactions.tocsr()
    weights = _weights(model, interactions, sample_weight, lookup)
    if not lookup.has_sorted_indices:
        places = sparse.csr_matrix((np.arange(lookup.nnz), lookup.indices, lookup.indptr), shape=lookup.shape)
        places.sort_indices()
        weights = weights[places.data]
        lookup = lookup.sorted_indices()
    if not np.isfinite(lookup.data).all():
        raise InvalidInput("The interactions hold values that are not finite numbers.")
    users, items = matrices
    return TrainingInput(users, items, _plain(lookup), np.asarray(lookup.data, np.float32), weights)


def _weights(
    model: "LightFM",
    interactions: sparse.spmatrix,
    given: NDArray[np.floating[Any]] | sparse.spmatrix | None,
    lookup: sparse.csr_matrix,
) -> NDArray[np.float32]:
    """One weight for each entry of `lookup`, in its order."""
    if given is None:
        return np.ones(lookup.nnz, np.float32)
    if model.loss == "warp-kos":
        raise InvalidInput("The loss warp-kos takes no sample weights; leave them out or choose warp.")
    if not isinstance(given, np.ndarray):
        if given.shape != interactions.shape or given.nnz != interactions.nnz:
            raise InvalidInput("The sample weights must have the shape and the entries of the interactions.")
        given = given.tocsr().data
    elif interactions.format != "csr":
        raise InvalidInput("Sample weights as an array need interactions in CSR format; give a matrix instead.")
    weights = np.asarray(given, np.float32)
    if weights.shape != (lookup.nnz,):
        raise InvalidInput(f"{weights.size} sample weights for {lookup.nnz} interactions.")
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        raise InvalidInput(f"Sample weight {weights[wrong][0]} is no finite number of 0 or more.")
    return weights


def _plain(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """The same CSR with int32 indices and float32 values."""
    plain = sparse.csr_matrix(matrix.shape, dtype=np.float32)
    plain.indptr, plain.indices = np.asarray(matrix.indptr, np.int32), np.asarray(matrix.indices, np.int32)
    plain.data = np.asarray(matrix.data, np.float32)
    return plain

"""The exact nearest rows of every row, by blocked matrix products. Compiles with numba: for jobs only."""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

BLOCK_BYTES = 256_000_000


def nearest(
    rows: NDArray[np.float32], k: int, others: NDArray[np.float32] | None = None, *, own: bool = True
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """For every row those with the largest inner products, best first; ties go to the lower number.

    With rows of length 1 the inner product is the cosine, and the order is that of euclidean distance.

    Args:
        rows: (n, components).
        k: less than the number of rows to choose from.
        others: (m, components), the rows to choose from; `rows` themselves by default.
        own: both are about the same items, so that none may find its own number.

    Returns:
        int32 (n, k) row numbers and float32 (n, k) inner products.
    """
    candidates = rows if others is None else others
    n = len(rows)
    block = max(1, min(n, BLOCK_BYTES // (4 * len(candidates))))
    found, values = np.empty((n, k), np.int32), np.empty((n, k), np.float32)
    for start in range(0, n, block):
        scores = rows[start : start + block] @ candidates.T
        _best(scores, start if own else -1, found[start : start + block], values[start : start + block])
    return found, values


@njit(parallel=True, cache=True, nogil=True)
def _best(
    scores: NDArray[np.float32], first: int, found: NDArray[np.int32], values: NDArray[np.float32]
) -> None:  # pragma: no cover
    """Keep the k best of each row in order by insertion; row i must not find itself, which is column first + i."""
    k = found.shape[1]
    for i in prange(scores.shape[0]):
        for place in range(k):
            values[i, place] = -np.inf
            found[i, place] = -1
        for j in range(scores.shape[1]):
            score = scores[i, j]
            if score > values[i, k - 1] and not (first >= 0 and j == first + i):
                place = k - 1
                while place > 0 and score > values[i, place - 1]:
                    values[i, place] = values[i, place - 1]
                    found[i, place] = found[i, place - 1]
                    place -= 1
                values[i, place] = score
                found[i, place] = j

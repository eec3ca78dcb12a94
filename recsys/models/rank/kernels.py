"""The compiled part of `recsys.models.rank.pruned_top_k`; imported where a catalogue is large, never by a page."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True, fastmath=True)
def bounds(
    codes: NDArray[np.int8],
    scales: NDArray[np.float32],
    rests: NDArray[np.float32],
    biases: NDArray[np.float32],
    user_vector: NDArray[np.float32],
    length: np.float32,
    found: NDArray[np.float32],
) -> None:
    """Puts scales x (codes @ user_vector) + biases + length x rests into `found`."""
    for item in range(codes.shape[0]):
        total = np.float32(0)
        for component in range(user_vector.shape[0]):
            total += user_vector[component] * np.float32(codes[item, component])
        found[item] = scales[item] * total + biases[item] + length * rests[item]

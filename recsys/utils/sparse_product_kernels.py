"""The compiled part of `recsys.utils.sparse_product`; imported where models are trained, never by a page."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def rows_of_product(
    first: int,
    last: int,
    indptr: NDArray[np.int32],
    indices: NDArray[np.int32],
    data: NDArray[np.float32],
    dense: NDArray[np.float32],
    found: NDArray[np.float32],
) -> None:
    """Puts the rows from `first` to `last` of a CSR matrix times `dense` into `found` (n_rows, components).

    Four stored values at a time, so that a row of `found` is read and written a quarter as often; they are added in
    their order, so that sums are the same to the bit as one by one.
    """
    components = dense.shape[1]
    for row in range(first, last):
        sums = found[row]
        for j in range(components):
            sums[j] = np.float32(0)
        place, end = indptr[row], indptr[row + 1]
        while place + 3 < end:
            a, b, c, d = data[place], data[place + 1], data[place + 2], data[place + 3]
            row_a, row_b = dense[indices[place]], dense[indices[place + 1]]
            row_c, row_d = dense[indices[place + 2]], dense[indices[place + 3]]
            for j in range(components):
                sums[j] = (((sums[j] + a * row_a[j]) + b * row_b[j]) + c * row_c[j]) + d * row_d[j]
            place += 4
        while place < end:
            weight, other = data[place], dense[indices[place]]
            for j in range(components):
                sums[j] += weight * other[j]
            place += 1

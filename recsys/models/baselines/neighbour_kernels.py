"""The compiled part of the neighbourhood methods; imported where they are fitted, never by a page."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def strongest(
    start: int,
    stop: int,
    left: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]],
    right: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]],
    lengths: tuple[NDArray[np.float32], NDArray[np.float32]],
    shrinkage: float,
    found: NDArray[np.int32],
    values: NDArray[np.float32],
) -> None:
    """For the rows from `start` to `stop` of the product of two CSR matrices, (indptr, indices, data) with positive
    data, the largest c_ij / (lengths_i lengths_j + shrinkage) but for j = i: columns into `found` (n_rows, k), -1 where
    there are fewer, and the values into `values`."""
    k = found.shape[1]
    total = np.zeros(lengths[1].shape[0], np.float32)
    touched = np.empty(lengths[1].shape[0], np.int32)
    for row in range(start, stop):
        count = 0
        for p in range(left[0][row], left[0][row + 1]):
            middle, weight = left[1][p], left[2][p]
            for q in range(right[0][middle], right[0][middle + 1]):
                column = right[1][q]
                if total[column] == 0:
                    touched[count] = column
                    count += 1
                total[column] += weight * right[2][q]
        worth = np.empty(count, np.float32)
        for n in range(count):
            column = touched[n]
            worth[n] = total[column] / (lengths[0][row] * lengths[1][column] + shrinkage)
            if column == row:
                worth[n] = -1
            total[column] = 0
        threshold = np.float32(0)
        if count > k:
            threshold = np.partition(worth, count - k)[count - k]
        place = 0
        for n in range(count):
            if worth[n] > threshold and place < k:
                found[row, place], values[row, place] = touched[n], worth[n]
                place += 1
        for n in range(count):
            if worth[n] == threshold and threshold > 0 and place < k:
                found[row, place], values[row, place] = touched[n], worth[n]
                place += 1
        found[row, place:] = -1


@njit(cache=True, nogil=True)
def local_ridge(
    start: int,
    stop: int,
    near: NDArray[np.int32],
    gram: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]],
    regularisation: float,
    weights: NDArray[np.float32],
) -> None:
    """For the items from `start` to `stop`, ridge regression of each on its neighbours `near` (n_items, k; -1 where
    there are fewer): (G_NN + regularisation I) w = G_Nj, with G in CSR and its indices sorted; w into `weights`."""
    indptr, indices, data = gram
    for item in range(start, stop):
        n = 0
        while n < near.shape[1] and near[item, n] >= 0:
            n += 1
        if n == 0:
            continue
        system = np.empty((n, n), np.float64)
        right = np.empty(n, np.float64)
        for a in range(n):
            row = near[item, a]
            begin, end = indptr[row], indptr[row + 1]
            inside = indices[begin:end]
            for b in range(a + 1):
                place = np.searchsorted(inside, near[item, b])
                hit = place < end - begin and inside[place] == near[item, b]
                system[a, b] = data[begin + place] if hit else 0.0
                system[b, a] = system[a, b]
            system[a, a] += regularisation
            place = np.searchsorted(inside, item)
            right[a] = data[begin + place] if place < end - begin and inside[place] == item else 0.0
        solved = np.linalg.solve(system, right)
        for a in range(n):
            weights[item, a] = solved[a]

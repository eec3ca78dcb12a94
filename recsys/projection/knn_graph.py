"""The nearest rows of every row: all pairs for few, only within near cells for many. Compiles with numba: for jobs."""

from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

EXACT_BELOW = 5000
"""Up to so many rows all pairs are compared."""

CELLS = 3.0
"""Cells per square root of the number of rows."""

PROBED = 20
"""Nearest cells that are searched for each row; on the demo data 98% of the true 15 nearest lie there."""

ROUNDS = 4
ROWS_PER_CELL = 20
"""Rows from which the middle of one cell is learned, and how often."""


@dataclass(frozen=True)
class Cells:
    """Rows gathered around the middles of a k-means.

    Attributes:
        middles: (cells, components).
        near: int32 (n, `PROBED` or more) the cells nearest to each row, nearest first; a row lies in the first.
        gaps: float32, squared distances to their middles.
    """

    middles: NDArray[np.float32]
    near: NDArray[np.int32]
    gaps: NDArray[np.float32]


def cells(rows: NDArray[np.float32], *, seed: int = 0) -> Cells | None:
    """The cells of many rows; None for up to `EXACT_BELOW`. The same seed finds the same, on any number of threads."""
    if len(rows) <= EXACT_BELOW:
        return None
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    middles = _middles(rows, int(CELLS * np.sqrt(len(rows))), np.random.default_rng(seed))
    return Cells(middles, *_nearest_cells(rows, middles, PROBED))


def nearest(
    rows: NDArray[np.float32], k: int, within: Cells | None = None
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The k nearest other rows of every row by euclidean distance, nearest first; of equals the lower number first.

    Exact without cells. With them a row is compared with what lies in the cells nearest to it (inverted lists: Jégou,
    Douze & Schmid 2011, without the compression); `fidelity.found_share` measures how much that finds.

    Args:
        rows: (n, components); of length 1 the order is that of the cosine, which is 1 - distance² / 2.
        k: less than n; 0 finds nothing.
        within: cells of the same rows.

    Returns:
        int32 (n, k) row numbers and float32 (n, k) distances.
    """
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    found, gaps = np.empty((len(rows), k), np.int32), np.empty((len(rows), k), np.float32)
    if k == 0:
        return found, gaps
    if within is None:
        _among(rows, rows, True, found, gaps)
        return found, np.sqrt(gaps)
    near, middles = within.near, within.middles
    sizes = np.bincount(near[:, 0], minlength=len(middles))
    while sizes[near].sum(axis=1).min() <= k:
        near, _ = _nearest_cells(rows, middles, 2 * near.shape[1])
    order = np.argsort(near[:, 0], kind="stable").astype(np.int32)
    ends = np.cumsum(sizes)
    _within(rows[order], near[order], ends - sizes, ends, found, gaps)
    back = np.empty_like(order)
    back[order] = np.arange(len(order), dtype=np.int32)
    return order[found[back]], np.sqrt(gaps[back])


def _nearest_cells(
    rows: NDArray[np.float32], middles: NDArray[np.float32], count: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    near = np.empty((len(rows), min(count, len(middles))), np.int32)
    gaps = np.empty(near.shape, np.float32)
    _among(rows, middles, False, near, gaps)
    return near, gaps


def _middles(rows: NDArray[np.float32], count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(count, components) middles of a k-means over a sample of the rows; one that nobody is near stays put."""
    sample = rows[rng.permutation(len(rows))[: count * ROWS_PER_CELL]]
    middles = sample[:count].copy()
    for _ in range(ROUNDS):
        near, _ = _nearest_cells(sample, middles, 1)
        order = np.argsort(near[:, 0], kind="stable")
        sizes = np.bincount(near[:, 0], minlength=count)
        some = np.flatnonzero(sizes)
        starts = (np.cumsum(sizes) - sizes)[some]
        middles[some] = np.add.reduceat(sample[order], starts, axis=0) / sizes[some, None]
    return middles


@njit(fastmath=True)
def _gap(x: NDArray[np.float32], y: NDArray[np.float32]) -> np.float32:  # pragma: no cover
    total = np.float32(0.0)
    for m in range(x.shape[0]):
        difference = x[m] - y[m]
        total += difference * difference
    return total


@njit
def _keep(gap: np.float32, row: int, found: NDArray[np.int32], gaps: NDArray[np.float32]) -> None:  # pragma: no cover
    """Put a row that is nearer than the last of those kept into its place."""
    place = found.shape[0] - 1
    while place > 0 and gap < gaps[place - 1]:
        gaps[place] = gaps[place - 1]
        found[place] = found[place - 1]
        place -= 1
    gaps[place] = gap
    found[place] = row


@njit(parallel=True, cache=True, nogil=True)
def _among(
    rows: NDArray[np.float32],
    others: NDArray[np.float32],
    own: bool,
    found: NDArray[np.int32],
    gaps: NDArray[np.float32],
) -> None:  # pragma: no cover
    """The nearest of the others, by squared distance; `own`: they are the same rows, and none finds itself."""
    last = found.shape[1] - 1
    for i in prange(rows.shape[0]):
        gaps[i] = np.inf
        for j in range(others.shape[0]):
            gap = _gap(rows[i], others[j])
            if gap < gaps[i, last] and not (own and i == j):
                _keep(gap, j, found[i], gaps[i])


@njit(parallel=True, cache=True, nogil=True)
def _within(
    rows: NDArray[np.float32],
    near: NDArray[np.int32],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    found: NDArray[np.int32],
    gaps: NDArray[np.float32],
) -> None:  # pragma: no cover
    """The nearest of the rows that lie in the cells near to each; rows are sorted by their cells."""
    last = found.shape[1] - 1
    for i in prange(rows.shape[0]):
        gaps[i] = np.inf
        for cell in near[i]:
            for j in range(starts[cell], ends[cell]):
                gap = _gap(rows[i], rows[j])
                if gap < gaps[i, last] and i != j:
                    _keep(gap, j, found[i], gaps[i])

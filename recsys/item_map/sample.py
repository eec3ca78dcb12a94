"""Which points to draw of a catalogue that is too large for a browser: rare categories whole, the rest by lot."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MOST_POINTS = 60_000


def rows_to_draw(
    categories: NDArray[np.object_], most: int = MOST_POINTS, *, always: NDArray[np.int64] | None = None, seed: int = 0
) -> NDArray[np.int64] | None:
    """Row numbers to draw, ascending; None when all can be.

    Every category keeps the same number of items, or all it has when it has fewer; the number is the largest with
    which no more than `most` are drawn in all.

    Args:
        always: rows that are drawn in any case.
    """
    n = len(categories)
    if n <= most:
        return None
    codes, _ = pd.factorize(categories)
    shuffled = np.random.default_rng(seed).permutation(n)
    place = np.empty(n, dtype=np.int64)
    place[shuffled] = pd.Series(codes[shuffled]).groupby(codes[shuffled]).cumcount().to_numpy()
    counts = np.sort(np.bincount(codes))
    low, high = 0, int(counts.max())
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if np.minimum(counts, middle).sum() <= most else (low, middle - 1)
    chosen = place < low
    if always is not None:
        chosen[always] = True
    return np.flatnonzero(chosen)

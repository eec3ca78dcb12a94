"""Numbers of items as bands: each band is a feature, so that products of one price range share what is learned."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

MOST_BANDS = 8
"""A column of numbers is cut into at most so many bands, with equally many items in each as far as that goes."""

DIGITS, MOST_DIGITS = 4, 16
"""Digits of the limits that are shown: more than the least only where two limits would read the same."""


def lowest_of_bands(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k,) the lowest number of each band, rising: -inf, then the quantiles of what is known. Where there are no more
    different numbers than bands, each is its own band; nothing where there is but one."""
    known = numbers[np.isfinite(numbers)]
    different = np.unique(known)
    if len(different) < 2:
        return np.zeros(0)
    if len(different) <= MOST_BANDS:
        limits = different[1:]
    else:
        limits = np.unique(np.quantile(known, np.arange(1, MOST_BANDS) / MOST_BANDS, method="higher"))
        limits = limits[limits > different[0]]
    return np.r_[-np.inf, limits]


def entries(numbers: NDArray[np.float64], lowest: NDArray[np.float64]) -> sparse.csr_matrix:
    """(n, k) float32: 1 for the band that each number lies in; empty rows where it is not known."""
    known = np.flatnonzero(np.isfinite(numbers))
    bands = np.searchsorted(lowest, numbers[known], side="right") - 1
    return sparse.csr_matrix((np.ones(len(known), np.float32), (known, bands)), shape=(len(numbers), len(lowest)))


def in_words(lowest: NDArray[np.float64], unit: str = "") -> list[str]:
    """The bands as people read them: "below 2", "2 to 5", "5 and more"; a number at the limit belongs above it."""
    limits = _told_apart(lowest[1:])
    between = [f"{low} to {high}" for low, high in pairwise(limits)]
    return [f"{band}{unit}" for band in (f"below {limits[0]}", *between, f"{limits[-1]} and more")]


def _told_apart(numbers: NDArray[np.float64]) -> list[str]:
    """Different numbers with as few digits as tell them apart, `DIGITS` at least."""
    for digits in range(DIGITS, MOST_DIGITS):
        found = [f"{x:.{digits}g}" if abs(x) < 10**digits else f"{x:.0f}" for x in numbers]
        if len(set(found)) == len(found):
            return found
    return [repr(float(x)) for x in numbers]

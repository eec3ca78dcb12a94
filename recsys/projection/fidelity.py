"""How faithful a map is to the space it was drawn from, and how far things moved since the map before."""

from typing import TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

K = 15
PURITY_K = 10
SAMPLE = 2000
BLOCK = 200


class Fidelity(TypedDict):
    """How faithful a map is: both figures, and over how many neighbours of how many items they are measured."""

    trustworthiness: float | None
    kept: float | None
    k: int
    sample: int


def fidelity(
    rows: NDArray[np.float32], places: NDArray[np.float32], *, k: int = K, sample: int = SAMPLE, seed: int = 0
) -> Fidelity:
    """Trustworthiness and the share of true neighbours kept, over a sample of the items.

    Trustworthiness (Venna & Kaski 2001): 1 - 2 / (n k (2n - 3k - 1)) times the sum, over every item and those of its
    k nearest on the map that are not among its k truly nearest, of (true rank - k). 1 when no stranger is near.

    Args:
        rows: (n, components), euclidean distances between them are the truth.
        places: (n, 2).
        sample: how many items are looked at, each against all others.

    Both are 0 to 1, and None when there are too few items for k.
    """
    n = len(rows)
    k = min(k, max((n - 1) // 3, 0))
    if k < 1:
        return {"trustworthiness": None, "kept": None, "k": k, "sample": 0}
    chosen = np.sort(np.random.default_rng(seed).permutation(n)[:sample])
    on_map = near_on_map(places, k, chosen)
    squares = (rows**2).sum(axis=1)
    penalty, kept = 0.0, 0
    for start in range(0, len(chosen), BLOCK):
        block = chosen[start : start + BLOCK]
        gaps = squares - 2.0 * (rows[block] @ rows.T)
        gaps[np.arange(len(block)), block] = np.inf
        for column in on_map[start : start + BLOCK].T:
            rank = (gaps < np.take_along_axis(gaps, column[:, None], axis=1)).sum(axis=1) + 1
            penalty += float(np.maximum(rank - k, 0).sum())
            kept += int((rank <= k).sum())
    worth = 1.0 - 2.0 * penalty / (len(chosen) * k * (2.0 * n - 3.0 * k - 1.0))
    return {"trustworthiness": worth, "kept": kept / (len(chosen) * k), "k": k, "sample": len(chosen)}


def found_share(
    rows: NDArray[np.float32], neighbours: NDArray[np.int32], *, sample: int = 500, seed: int = 0
) -> float | None:
    """Share of the true k nearest that a search found, over a sample of the rows; None where there is nobody near.

    Args:
        rows: (n, components), euclidean distances between them are the truth.
        neighbours: (n, k) what was found; one exactly as near as the true k-th counts as found.
    """
    k = neighbours.shape[1]
    if k < 1:
        return None
    chosen = np.sort(np.random.default_rng(seed).permutation(len(rows))[:sample])
    squares = (rows**2).sum(axis=1)
    hits = 0
    for start in range(0, len(chosen), BLOCK):
        block = chosen[start : start + BLOCK]
        gaps = squares - 2.0 * (rows[block] @ rows.T)
        gaps[np.arange(len(block)), block] = np.inf
        last = np.partition(gaps, k - 1, axis=1)[:, k - 1 : k]
        hits += int((np.take_along_axis(gaps, neighbours[block], axis=1) <= last + 1e-5).sum())
    return hits / (len(chosen) * k)


def purity(places: NDArray[np.float32], categories: pd.Series, k: int = PURITY_K) -> float | None:
    """Share of the k nearest on the map that are of the item's own category; None for too few items."""
    k = min(k, len(places) - 1)
    if k < 1:
        return None
    codes, _ = pd.factorize(categories)
    return float((codes[near_on_map(places, k)] == codes[:, None]).mean())


def movement(places: NDArray[np.float32], before: NDArray[np.float32]) -> float | None:
    """Median distance between where items are and were, in shares of the map's width; None when none was there."""
    known = np.asarray(np.isfinite(before).all(axis=1), dtype=np.bool_)
    if not known.any():
        return None
    return float(np.median(np.linalg.norm(places[known] - before[known], axis=1)) / 2.0)


def near_on_map(places: NDArray[np.float32], k: int, chosen: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """(len(chosen), k) the k nearest on the map of the chosen items (all by default), none its own neighbour."""
    rows = np.arange(len(places)) if chosen is None else chosen
    _, found = cKDTree(places).query(places[rows], k=k + 1, workers=1)
    others = found != rows[:, None]
    others[others.all(axis=1), -1] = False
    return found[others].reshape(len(rows), k).astype(np.int64)

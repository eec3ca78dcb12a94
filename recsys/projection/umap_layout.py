"""Our own UMAP: the graph of near neighbours, and its layout in two dimensions. Compiles with numba: for jobs.

The objective is that of McInnes, Healy & Melville (2018), and the graph is umap-learn's to float tolerance (a test).
The layout differs in how it is walked: every point moves by where the others were before the round, so that all cores
share a round and the outcome is the same for any number of them.
"""

from collections.abc import Callable

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray
from scipy import sparse

STRANGERS = 2
"""Random points that push, for each neighbour that pulls. In the library 5 push where a neighbour pulls twice."""

FARTHEST = np.float32(4.0)
"""Longest step in each direction, times the rate: the library's."""

_BITS = 17
"""Bits of a float32 that are left out where forces are looked up: steps of 1.6% in the squared distance."""


def graph(indices: NDArray[np.int32], distances: NDArray[np.float32]) -> sparse.csr_matrix:
    """The fuzzy neighbourhood graph (McInnes, Healy & Melville 2018, section 3.1), symmetric, values from 0 to 1.

    Args:
        indices: (n, k) nearest other rows, nearest first.
        distances: (n, k).

    Returns:
        (n, n): 1 - (1 - a)(1 - b), a how near j is to i, and b how near i is to j, each in its own scale.
    """
    n, k = indices.shape
    values = np.empty((n, k), np.float32)
    _strengths(distances.astype(np.float32), np.float32(np.log2(k + 1)), np.float32(distances.mean()), values)
    one = sparse.csr_matrix((values.ravel(), indices.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
    other = one.T.tocsr()
    both = one + other - one.multiply(other)
    both.eliminate_zeros()
    return both.tocsr()


def curve(min_dist: float, spread: float = 1.0) -> tuple[float, float]:
    """a and b of 1 / (1 + a d^2b), fitted to a likeness that is 1 up to `min_dist` and falls by e with each spread."""
    from scipy.optimize import curve_fit

    distance = np.linspace(0, 3 * spread, 300)
    wanted = np.where(distance < min_dist, 1.0, np.exp(-(distance - min_dist) / spread))
    (a, b), _ = curve_fit(lambda d, a, b: 1.0 / (1.0 + a * d ** (2 * b)), distance, wanted)
    return float(a), float(b)


def layout(
    near: sparse.csr_matrix,
    begin: NDArray[np.float32],
    rounds: int,
    rate: float,
    shape: tuple[float, float],
    *,
    seed: int = 0,
    on_round: Callable[[int], None] = lambda _: None,
) -> NDArray[np.float32]:
    """(n, 2) places: neighbours pull in proportion to how near they are, random strangers push.

    Args:
        near: (n, n) from `graph`.
        begin: (n, 2) where the points start.
        rate: length of the steps in the first round; it falls to nothing by the last.
        shape: a and b from `curve`.
        on_round: called before each round; what it raises ends the layout.
    """
    pull, push = forces(*shape)
    share = (near.data / near.data.max()).astype(np.float32)
    phase = np.random.default_rng(seed).random(len(share), dtype=np.float32)
    places = np.array(begin, dtype=np.float32, order="C")
    moved = np.empty_like(places)
    for number in range(rounds):
        on_round(number)
        step = np.float32(rate * (1.0 - number / rounds))
        _round(places, moved, near.indptr, near.indices, share, phase, number, step, pull, push, np.uint64(seed))
        places, moved = moved, places
    return places


def forces(a: float, b: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What a neighbour and a stranger do per unit of distance, by the leading bits of the squared distance (float32).

    The gradients of log(q) and log(1 - q), q = 1 / (1 + a d^2b), with the library's 0.001 against division by zero.
    """
    leading = np.arange(1 << (31 - _BITS), dtype=np.int32) << _BITS
    with np.errstate(over="ignore", invalid="ignore"):
        squared = (leading + (1 << (_BITS - 1))).view(np.float32).astype(np.float64)
        power = a * squared**b
        pull = -2.0 * b * power / (squared * (1.0 + power))
        push = 2.0 * b / ((0.001 + squared) * (1.0 + power))
    return _finite(pull), _finite(push)


def _finite(force: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.nan_to_num(force, posinf=0.0, neginf=0.0).astype(np.float32)


@njit(parallel=True, cache=True, nogil=True)
def _strengths(
    distances: NDArray[np.float32], wanted: np.float32, middle: np.float32, values: NDArray[np.float32]
) -> None:  # pragma: no cover
    """exp(-(d - nearest) / scale), the scale such that the strengths of a row add up to the one wanted."""
    k = distances.shape[1]
    for i in prange(distances.shape[0]):
        nearest, mean = 0.0, 0.0
        for d in distances[i]:
            mean += d / (k + 1)
            if nearest == 0.0:
                nearest = d
        low, high, scale = 0.0, np.inf, 1.0
        for _ in range(64):
            total = 0.0
            for d in distances[i]:
                total += np.exp(-(d - nearest) / scale) if d > nearest else 1.0
            if abs(total - wanted) < 1e-5:
                break
            if total > wanted:
                high = scale
                scale = (low + high) / 2.0
            else:
                low = scale
                scale = scale * 2.0 if high == np.inf else (low + high) / 2.0
        scale = max(scale, 1e-3 * (mean if nearest > 0.0 else middle * k / (k + 1)))
        for j in range(k):
            d = distances[i, j] - nearest
            values[i, j] = np.exp(-d / scale) if d > 0.0 and scale > 0.0 else 1.0


@njit(inline="always")
def _mixed(number: np.uint64) -> np.uint64:  # pragma: no cover
    """The finaliser of splitmix64 (Steele, Lea & Flood 2014)."""
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return number ^ (number >> np.uint64(31))


@njit(parallel=True, fastmath=True, cache=True, nogil=True)
def _round(
    places: NDArray[np.float32],
    moved: NDArray[np.float32],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    share: NDArray[np.float32],
    phase: NDArray[np.float32],
    number: int,
    step: np.float32,
    pull: NDArray[np.float32],
    push: NDArray[np.float32],
    seed: np.uint64,
) -> None:  # pragma: no cover
    """One round: an edge comes up in as many rounds as its share of the strongest; with it some strangers."""
    n = places.shape[0]
    for i in prange(n):
        x, y = places[i, 0], places[i, 1]
        random = _mixed(_mixed(seed + np.uint64(number)) + np.uint64(i)) | np.uint64(1)
        for edge in range(starts[i], starts[i + 1]):
            turn = phase[edge] + np.float32(number) * share[edge]
            if turn - np.floor(turn) + share[edge] < np.float32(1.0):
                continue
            other, force = ends[edge], pull
            for stranger in range(STRANGERS + 1):
                if stranger > 0:
                    random ^= random << np.uint64(13)
                    random ^= random >> np.uint64(7)
                    random ^= random << np.uint64(17)
                    other = np.int32(((random >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))
                    force = push
                dx, dy = x - places[other, 0], y - places[other, 1]
                strength = force[np.float32(dx * dx + dy * dy).view(np.int32) >> _BITS]
                x += step * min(max(strength * dx, -FARTHEST), FARTHEST)
                y += step * min(max(strength * dy, -FARTHEST), FARTHEST)
        moved[i, 0], moved[i, 1] = x, y

"""From embeddings to places in two dimensions: neighbours, a start, and the layout. Compiles with numba: for jobs only.

The only module that imports umap, and only when the library's own layout is asked for.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.projection.knn_graph import Cells, cells, nearest
from recsys.projection.settings import MapSettings
from recsys.projection.umap_layout import curve, graph, layout

WIDTH = 30.0
"""How wide a layout starts, in units of its own scale: about as wide as it ends, so that little has to grow."""

ROUNDS, RATE = 150, 0.5
"""From the places of the cells."""

ROUNDS_OF_FEW, RATE_OF_FEW = 300, 1.0
"""From the principal components: for few items, and for the cells themselves."""

ROUNDS_AGAIN, RATE_AGAIN = 100, 0.5
"""From where an earlier map had the items."""

CELL_NEIGHBOURS, BETWEEN = 10, 3
"""How many cells are to stay near to one, and between how many an item starts."""


@dataclass(frozen=True)
class Surroundings:
    """The rows of a map and what is near to each.

    Attributes:
        rows: (n, components).
        cells: around which the rows are gathered; None for few.
        indices: int32 (n, k) nearest other rows, nearest first.
        distances: float32 (n, k), euclidean.
    """

    rows: NDArray[np.float32]
    cells: Cells | None
    indices: NDArray[np.int32]
    distances: NDArray[np.float32]


def surroundings(rows: NDArray[np.float32], k: int, *, seed: int = 0) -> Surroundings:
    """The neighbourhood of every row; k is cut to what there is."""
    gathered = cells(rows, seed=seed)
    return Surroundings(rows, gathered, *nearest(rows, min(k, len(rows) - 1), gathered))


def arrange(
    around: Surroundings,
    settings: MapSettings,
    start: NDArray[np.float64] | None = None,
    *,
    seed: int = 0,
    on_share: Callable[[float], None] = lambda _: None,
) -> NDArray[np.float32]:
    """(n, 2) places, from where an earlier map had the items, or from an arrangement of the cells they lie in.

    The same seed gives the same places, on any number of threads.

    Args:
        around: with at least `settings.neighbours` - 1 neighbours, or all there are.
        start: (n, 2), nan for items that the earlier map did not have.
        on_share: told how far it is, 0 to 1; what it raises ends the layout.
    """
    k = min(settings.neighbours - 1, around.indices.shape[1])
    indices, distances = around.indices[:, :k], around.distances[:, :k]
    shape = curve(settings.min_dist)
    if start is not None:
        begin, rounds, rate = _filled(start, indices), ROUNDS_AGAIN, RATE_AGAIN
    elif around.cells is not None:
        begin, rounds, rate = _rounded(_among_cells(around.cells, shape, seed)), ROUNDS, RATE
    else:
        begin, rounds, rate = _rounded(_principal(around.rows)), ROUNDS_OF_FEW, RATE_OF_FEW
    sized = _sized(begin, seed)
    if settings.engine == "library":
        return _by_library(around.rows, indices, distances, sized, settings, rounds, rate, seed)
    return layout(graph(indices, distances), sized, rounds, rate, shape, seed=seed,
                  on_round=lambda number: on_share(number / rounds))  # fmt: skip


def _by_library(
    rows: NDArray[np.float32],
    indices: NDArray[np.int32],
    distances: NDArray[np.float32],
    begin: NDArray[np.float32],
    settings: MapSettings,
    rounds: int,
    rate: float,
    seed: int,
) -> NDArray[np.float32]:
    """umap-learn over the same neighbours from the same start, on one thread: the reference."""
    from umap import UMAP

    itself = np.arange(len(rows), dtype=np.int32)[:, None]
    known = np.hstack([itself, indices]), np.hstack([np.zeros_like(distances[:, :1]), distances])
    reducer = UMAP(n_neighbors=indices.shape[1] + 1, min_dist=settings.min_dist, init=begin, n_epochs=rounds,
                   learning_rate=rate, precomputed_knn=known, force_approximation_algorithm=True, random_state=seed,
                   n_jobs=1)  # fmt: skip
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="precomputed_knn")
        return np.asarray(reducer.fit_transform(rows), dtype=np.float32)


def _among_cells(gathered: Cells, shape: tuple[float, float], seed: int) -> NDArray[np.float64]:
    """(n, 2) between the places of the cells nearest to each row, once the cells' middles are arranged themselves."""
    middles = gathered.middles
    near = graph(*nearest(middles, min(CELL_NEIGHBOURS, len(middles) - 1)))
    places = layout(near, _sized(_principal(middles), seed), ROUNDS_OF_FEW, RATE_OF_FEW, shape, seed=seed)
    weights = 1.0 / (gathered.gaps[:, :BETWEEN] + 1e-3)
    weights /= weights.sum(axis=1, keepdims=True)
    return (places[gathered.near[:, :BETWEEN]] * weights[:, :, None]).sum(axis=1, dtype=np.float64)


def _sized(places: NDArray[np.float64], seed: int) -> NDArray[np.float32]:
    """The same picture `WIDTH` wide, with a little noise, so that no two points start in one place."""
    noise = np.random.default_rng(seed).normal(scale=1e-4 * WIDTH, size=places.shape)
    return (places * (WIDTH / max(float(np.ptp(places, axis=0).max()), 1e-12)) + noise).astype(np.float32)


def _rounded(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Outliers brought in, the order kept: a few far ones would leave all others a corner of the picture."""
    middle = np.median(places, axis=0)
    usual = np.maximum(np.quantile(np.abs(places - middle), 0.9, axis=0), 1e-12)
    return np.tanh((places - middle) / usual) * usual


def _principal(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n, 2) first two principal components."""
    centred = rows.astype(np.float64) - rows.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    found = centred @ vectors[:, ::-1][:, :2]
    return found if found.shape[1] == 2 else np.hstack([found, np.zeros_like(found)])


def _filled(start: NDArray[np.float64], neighbours: NDArray[np.int32]) -> NDArray[np.float64]:
    """Where an earlier map had the items; new ones in the middle of those of their neighbours that it had."""
    places = start.copy()
    for _ in range(3):
        unknown = np.flatnonzero(~np.isfinite(places).all(axis=1))
        around = places[neighbours[unknown]]
        some = np.isfinite(around).any(axis=(1, 2))
        places[unknown[some]] = np.nanmean(around[some], axis=1)
    places[~np.isfinite(places).all(axis=1)] = np.nanmean(places, axis=0)
    return places

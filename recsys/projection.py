"""The map: item embeddings drawn in two dimensions. The only module that imports umap, and only when called."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c
from recsys.map_settings import MapSettings

EPOCHS = 100
EPOCHS_FROM_START = 50
"""Enough when the points start where an earlier map had them."""

LEARNING_RATE_FROM_START = 0.3
SMALLEST = 0.8
"""A map that has shrunk below this while it was kept in place is brought to full size again."""

Reduce = Callable[[NDArray[np.float32], int], NDArray[np.float32]]
"""(n, components) rows and a seed, to (n, 2) coordinates."""


def item_map(
    item_ids: list[str],
    embeddings: NDArray[np.float32],
    *,
    seed: int = 0,
    settings: MapSettings | None = None,
    start: NDArray[np.float32] | None = None,
    reduce: Reduce | None = None,
) -> pd.DataFrame:
    """Coordinates of every item: DataFrame `item_id, x, y`, x and y float32 from -1 to 1.

    For the metric "cosine" embeddings are brought to length 1 first. Fewer than four items, or items that all lie in
    one place, are laid out on a circle: there is no neighbourhood to draw.

    Args:
        embeddings: (n_items, components).
        start: (n_items, 2) where an earlier map had them, nan for items it did not have.
        reduce: the slow part; UMAP (McInnes, Healy & Melville 2018) by default.
    """
    wanted = settings or MapSettings()
    rows = prepared(embeddings, wanted.metric)
    if len(rows) < 4 or np.allclose(rows, rows[:1], atol=1e-6):
        angles = np.linspace(0, 2 * np.pi, len(rows), endpoint=False)
        placed = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    else:
        points = (reduce or umap_reducer(wanted, start))(rows, seed)
        known = None if start is None else _finite(start)
        placed = _framed(points) if known is None or known.sum() < 4 else aligned(points, start, known)
    return pd.DataFrame({c.ITEM: item_ids, c.X: placed[:, 0].astype(np.float32), c.Y: placed[:, 1].astype(np.float32)})


def prepared(embeddings: NDArray[np.float32], metric: str) -> NDArray[np.float32]:
    """Rows whose euclidean distances go by the metric: of length 1 for "cosine", as they are for "euclidean"."""
    if metric != "cosine":
        return embeddings
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    return (embeddings / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float32)


def umap_reducer(settings: MapSettings, start: NDArray[np.float32] | None = None) -> Reduce:
    """UMAP over exact neighbours from an informed start: an earlier map, or the principal components.

    The same seed gives the same map: the layout runs on one thread.
    """

    def reduce(rows: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
        from umap import UMAP

        neighbours = min(settings.neighbours, len(rows) - 1)
        indices, distances = _neighbours(rows, neighbours)
        has_start = start is not None and _finite(start).sum() >= 4
        begin = _filled(start, indices) if has_start and start is not None else _principal(rows)
        rng = np.random.default_rng(seed)
        spread = np.ptp(begin, axis=0).max() or 1.0
        begin = begin / spread + rng.normal(scale=1e-4, size=begin.shape)
        reducer = UMAP(
            n_neighbors=neighbours,
            min_dist=settings.min_dist,
            init=begin.astype(np.float32),
            n_epochs=EPOCHS_FROM_START if has_start else EPOCHS if len(rows) > 5000 else 300,
            learning_rate=LEARNING_RATE_FROM_START if has_start else 1.0,
            precomputed_knn=(indices, distances),
            force_approximation_algorithm=True,
            random_state=seed,
            n_jobs=1,
        )
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="precomputed_knn")
            return np.asarray(reducer.fit_transform(rows), dtype=np.float32)

    return reduce


def aligned(
    points: NDArray[np.float32], onto: NDArray[np.float32] | None, known: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Points turned, mirrored, scaled and shifted to lie as near as possible to where they were (Procrustes).

    Args:
        onto: (n, 2) where they were; only rows marked in `known` count.
    """
    if onto is None:
        return _framed(points)
    here, there = points[known].astype(np.float64), onto[known].astype(np.float64)
    centre, target = here.mean(axis=0), there.mean(axis=0)
    left, values, right = np.linalg.svd((here - centre).T @ (there - target))
    scale = values.sum() / max(float(((here - centre) ** 2).sum()), 1e-12)
    found = (points - centre) @ (left @ right) * scale + target
    size = float(np.abs(found).max())
    return _framed(found) if size < SMALLEST else (found / max(size, 1.0)).astype(np.float32)


def _framed(points: NDArray[Any]) -> NDArray[np.float32]:
    """The same picture in the square from -1 to 1; left alone when it fills that already."""
    middle = (points.max(axis=0) + points.min(axis=0)) / 2
    centred = points - middle
    return (centred / max(float(np.abs(centred).max()), 1e-12)).astype(np.float32)


def _neighbours(rows: NDArray[np.float32], k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Each row itself and its k - 1 nearest by euclidean distance, in the form UMAP takes them."""
    from recsys.neighbours import nearest

    squares = (rows**2).sum(axis=1, keepdims=True)
    ones = np.ones((len(rows), 1), np.float32)
    # x·y - |y|²/2 is largest where |x - y| is smallest, and |x - y|² = |x|² - 2 (x·y - |y|²/2).
    found, products = nearest(np.hstack([rows, ones]), k - 1, np.hstack([rows, -0.5 * squares]))
    distances = np.sqrt(np.maximum(squares - 2.0 * products, 0.0))
    itself = np.arange(len(rows), dtype=np.int32)[:, None]
    return np.hstack([itself, found]), np.hstack([0.0 * ones, distances]).astype(np.float32)


def _principal(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n, 2) first two principal components."""
    centred = rows.astype(np.float64) - rows.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    found = centred @ vectors[:, ::-1][:, :2]
    return found if found.shape[1] == 2 else np.hstack([found, np.zeros_like(found)])


def _filled(start: NDArray[np.float32], neighbours: NDArray[np.int32]) -> NDArray[np.float64]:
    """Where an earlier map had the items; new ones in the middle of those of their neighbours that it had."""
    places = start.astype(np.float64)
    for _ in range(3):
        unknown = np.flatnonzero(~_finite(places))
        around = places[neighbours[unknown]]
        some = np.isfinite(around).any(axis=(1, 2))
        places[unknown[some]] = np.nanmean(around[some], axis=1)
    places[~_finite(places)] = np.nanmean(places, axis=0)
    return places


def _finite(places: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(places).all(axis=1), dtype=np.bool_)

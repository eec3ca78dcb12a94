"""The map: item embeddings drawn in two dimensions."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes

from recsys import columns as c
from recsys.projection.settings import MapSettings
from recsys.utils.arrays import unit_rows

if TYPE_CHECKING:
    from recsys.projection.arrange import Surroundings

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
    around: "Surroundings | None" = None,
    reduce: Reduce | None = None,
    on_share: Callable[[float], None] = lambda _: None,
) -> pd.DataFrame:
    """Coordinates of every item: DataFrame `item_id, x, y`, x and y float32 from -1 to 1.

    For the metric "cosine" embeddings are brought to length 1 first. Fewer than four items, or items that all lie in
    one place, are laid out on a circle: there is no neighbourhood to draw.

    Args:
        embeddings: (n_items, components).
        start: (n_items, 2) where an earlier map had them, nan for items it did not have.
        around: what is near to each row of `prepared` embeddings, where that is known already.
        reduce: the slow part; UMAP (McInnes, Healy & Melville 2018) by default.
        on_share: told how far it is, 0 to 1; what it raises ends the drawing.
    """
    wanted = settings or MapSettings()
    rows = prepared(embeddings, wanted.metric)
    if len(rows) < 4 or np.allclose(rows, rows[:1], atol=1e-6):
        angles = np.linspace(0, 2 * np.pi, len(rows), endpoint=False)
        placed = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    else:
        known = None if start is None else np.asarray(np.isfinite(start).all(axis=1), dtype=np.bool_)
        before = start if known is not None and known.sum() >= 4 else None
        points = reduce(rows, seed) if reduce else _arranged(rows, wanted, before, around, seed, on_share)
        placed = _framed(points) if before is None or known is None else aligned(points, before, known)
    return pd.DataFrame({c.ITEM: item_ids, c.X: placed[:, 0].astype(np.float32), c.Y: placed[:, 1].astype(np.float32)})


def prepared(embeddings: NDArray[np.float32], metric: str) -> NDArray[np.float32]:
    """Rows whose euclidean distances go by the metric: of length 1 for "cosine", as they are for "euclidean"."""
    if metric != "cosine":
        return embeddings
    return unit_rows(embeddings)


def aligned(points: NDArray[np.float32], onto: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Points turned, mirrored, scaled and shifted to lie as near as possible to where they were (Procrustes).

    Args:
        onto: (n, 2) where they were; only rows marked in `known` count.
    """
    here, there = points[known].astype(np.float64), onto[known].astype(np.float64)
    centre, target = here.mean(axis=0), there.mean(axis=0)
    turn, size_of_both = orthogonal_procrustes(here - centre, there - target)
    scale = size_of_both / max(float(((here - centre) ** 2).sum()), 1e-12)
    found = (points - centre) @ turn * scale + target
    size = float(np.abs(found).max())
    return _framed(found) if size < SMALLEST else (found / max(size, 1.0)).astype(np.float32)


def _framed(points: NDArray[Any]) -> NDArray[np.float32]:
    """The same picture in the square from -1 to 1; left alone when it fills that already."""
    middle = (points.max(axis=0) + points.min(axis=0)) / 2
    centred = points - middle
    return (centred / max(float(np.abs(centred).max()), 1e-12)).astype(np.float32)


def _arranged(
    rows: NDArray[np.float32],
    settings: MapSettings,
    start: NDArray[np.float32] | None,
    around: "Surroundings | None",
    seed: int,
    on_share: Callable[[float], None],
) -> NDArray[np.float32]:
    from recsys.projection.arrange import arrange, surroundings

    around = around or surroundings(rows, settings.neighbours - 1, seed=seed)
    begin = None if start is None else start.astype(np.float64)
    return arrange(around, settings, begin, seed=seed, on_share=on_share)

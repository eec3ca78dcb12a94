"""The map: item embeddings drawn in two dimensions. The only module that imports umap, and only when called."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c

NEIGHBOURS = 15
EPOCHS = 100

Reduce = Callable[[NDArray[np.float32], int], NDArray[np.float32]]
"""(n, components) rows of length 1 and a seed, to (n, 2) coordinates."""


def item_map(
    item_ids: list[str], embeddings: NDArray[np.float32], *, seed: int = 0, reduce: Reduce | None = None
) -> pd.DataFrame:
    """Coordinates of every item: DataFrame `item_id, x, y`, x and y float32 from -1 to 1.

    Embeddings are brought to length 1 first, so that distance on the map goes by cosine. Fewer than four items, or
    items that all lie in one place, are laid out on a circle: there is no neighbourhood to draw.

    Args:
        embeddings: (n_items, components).
        reduce: the slow part; UMAP (McInnes, Healy & Melville 2018) by default.
    """
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    rows = embeddings / np.maximum(lengths, np.finfo(np.float32).tiny)
    if len(rows) < 4 or np.allclose(rows, rows[:1], atol=1e-6):
        angles = np.linspace(0, 2 * np.pi, len(rows), endpoint=False)
        points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    else:
        points = (reduce or umap_reduce)(rows, seed)
        points = points - (points.max(axis=0) + points.min(axis=0)) / 2
        points = points / max(float(np.abs(points).max()), 1e-12)
    return pd.DataFrame({c.ITEM: item_ids, c.X: points[:, 0].astype(np.float32), c.Y: points[:, 1].astype(np.float32)})


def umap_reduce(rows: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """UMAP to two dimensions, starting from the principal components; the same seed gives the same map."""
    from umap import UMAP

    reducer = UMAP(
        n_neighbors=min(NEIGHBOURS, len(rows) - 1),
        init="pca" if len(rows) > NEIGHBOURS else "random",
        n_epochs=EPOCHS if len(rows) > 5000 else None,
        random_state=seed,
        n_jobs=1,
    )
    return np.asarray(reducer.fit_transform(rows), dtype=np.float32)

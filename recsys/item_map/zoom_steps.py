"""From the whole map to one product, step by step: its categories from wide to narrow, then the product itself."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.item_map.points import ItemMap, Points

WHOLE = 1.04
"""Half the width of the whole map; points lie from -1 to 1."""

CLOSE_UP = 0.22
CORE = 0.9
"""Share of the products of a category that its step must show; the others may lie far off."""

FEWEST = 3
"""Products that make a category worth a step."""

PRODUCT = "product"


@dataclass(frozen=True)
class Window:
    """The square of the map that is in view: its centre and half its width."""

    x: float = 0.0
    y: float = 0.0
    half: float = WHOLE


@dataclass(frozen=True)
class ZoomStep:
    """One step on the way to a product.

    Attributes:
        key: "whole", the name of a category level, or "product".
        title: what is in view, in words.
        rows: places of the products that the step is about; () for all, and for the product alone.
    """

    key: str
    title: str
    window: Window
    rows: NDArray[np.int64]


def zoom_steps(item_map: ItemMap, row: int) -> tuple[ZoomStep, ...]:
    """The steps to the product in a place of the item table, from the whole map on.

    A category takes part when it has at least `FEWEST` products, another name than the one before it, and is seen
    closer than that one.
    """
    none = np.zeros(0, dtype=np.int64)
    model, points = item_map.live.model, item_map.points
    steps = [ZoomStep("whole", "Whole map", Window(), none)]
    for level, name in zip(model.category_levels, model.categories[row], strict=False):
        rows = np.flatnonzero(item_map.live.items[level].to_numpy() == name)
        if len(rows) < FEWEST or name == steps[-1].title:
            continue
        window = _around(points, rows, row)
        if window.half < steps[-1].window.half:
            steps.append(ZoomStep(level, str(name), window, rows))
    if steps[-1].window.half > CLOSE_UP:
        close = Window(float(points.x[row]), float(points.y[row]), CLOSE_UP)
        steps.append(ZoomStep(PRODUCT, "Product", close, none))
    return tuple(steps)


def _around(points: Points, rows: NDArray[np.int64], row: int) -> Window:
    """The smallest square around the middle of a category that shows `CORE` of it and the product, with a margin."""
    places = points.places[rows].astype(float)
    x, y = np.median(places, axis=0)
    away = np.abs(places - (x, y)).max(axis=1)
    own = max(abs(float(points.x[row]) - x), abs(float(points.y[row]) - y))
    half = 1.1 * max(float(np.quantile(away, CORE, method="higher")), own, CLOSE_UP)
    return Window(float(x), float(y), half)

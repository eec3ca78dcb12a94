"""What is drawn on top of the map of items: some items in their own colour, lines between them, places of tastes."""

from dataclasses import dataclass
from html import escape

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from recsys.item_map.hover import Hover
from recsys.item_map.points import Points
from recsys.item_map.shopper import ShopperOnMap
from recsys.item_map.view import Focus
from recsys.item_map.zoom_steps import ZoomStep
from recsys.utils import formatting as fmt
from recsys.utils import palette

CLEAR_OF_NAMES = "clear of names"
"""`meta` of traces over which the page writes no names."""


FEW = 200
"""So many items that were found keep names off their places; more would leave no room for any."""


@dataclass(frozen=True)
class Layer:
    """Some items drawn on top of all others.

    Attributes:
        name: its line in the legend.
        rows: places in the points.
        colour, symbol, size: of the markers; size in pixels.
        rays_from: place of an item to draw a line from to each of the rows, or None.
        clear: no name of a region is written over it.
    """

    name: str
    rows: NDArray[np.int64]
    colour: str
    symbol: str = "circle"
    size: float = 9.0
    rays_from: int | None = None
    clear: bool = False


@dataclass(frozen=True)
class Mark:
    """A place on the map that is no item: a taste. `towards` draws an arrow from it to another place."""

    name: str
    x: float
    y: float
    colour: str
    towards: tuple[float, float] | None = None


def layers_of(
    focus: Focus | None,
    shopper: ShopperOnMap | None = None,
    marked: NDArray[np.int64] | None = None,
    found: NDArray[np.int64] | None = None,
    step: ZoomStep | None = None,
    shown: NDArray[np.int64] | None = None,
) -> tuple[Layer, ...]:
    """What is drawn over the points, from the lowest layer up.

    Args:
        focus: the item that is looked at, with lines to its true neighbours.
        marked: places of the items of a list.
        found: of those that a search found.
        step: a category on the way to the item.
        shown: places of all points that are drawn, where not all are.
    """
    layers = []
    if step is not None and len(step.rows):
        rows = step.rows if shown is None else np.intersect1d(step.rows, shown)
        layers.append(Layer(f"{step.title} ({fmt.number(len(step.rows))})", rows, palette.OF_CATEGORY, size=6))
    if found is not None and len(found):
        layers.append(Layer(f"Found ({fmt.number(len(found))})", found, palette.FOUND, size=9, clear=len(found) <= FEW))
    if marked is not None and len(marked):
        layers.append(Layer("On the list", marked, palette.FOUND, size=9))
    if shopper is not None:
        layers.append(Layer(f"Bought by {shopper.user_id}", shopper.history, palette.BOUGHT, size=8))
        layers.append(
            Layer("Recommended to them", shopper.recommended, palette.RECOMMENDED, symbol="star", size=15, clear=True)
        )
        if len(shopper.then):
            layers.append(
                Layer("Recommended then", shopper.then, palette.RECOMMENDED_THEN, symbol="star-diamond", size=14)
            )
    if focus is not None:
        nearest = Layer("Truly nearest", focus.rows, palette.FOUND, symbol="diamond", size=10, rays_from=focus.row)
        layers.append(nearest)
        layers.append(Layer("Looked at", np.array([focus.row]), palette.FOUND, symbol="star", size=18, clear=True))
    return tuple(layers)


def marks_of(shopper: ShopperOnMap | None) -> tuple[Mark, ...]:
    """Where a shopper's taste lies, and where it would lie."""
    if shopper is None or shopper.taste is None:
        return ()
    return (Mark("Their taste", *shopper.taste, palette.TASTE, shopper.moved),)


def add_layer(figure: go.Figure, points: Points, layer: Layer, hover: Hover) -> None:
    """Draw a layer, and below its items the lines to them, if there are any."""
    x, y = points.x[layer.rows], points.y[layer.rows]
    if layer.rays_from is not None:
        start_x, start_y = points.x[layer.rays_from], points.y[layer.rays_from]
        gap = np.full(len(x), np.nan, dtype=np.float32)
        figure.add_scattergl(
            x=np.stack([np.full_like(x, start_x), x, gap], axis=1).ravel(),
            y=np.stack([np.full_like(y, start_y), y, gap], axis=1).ravel(),
            mode="lines",
            line={"color": layer.colour, "width": 1.2},
            opacity=0.8,
            hoverinfo="skip",
            showlegend=False,
        )
    figure.add_scattergl(
        x=x,
        y=y,
        mode="markers",
        name=escape(layer.name),
        meta=CLEAR_OF_NAMES if layer.clear else None,
        customdata=hover.data[layer.rows],
        hovertemplate=hover.named(layer.name),
        marker={"symbol": layer.symbol, "size": layer.size, "color": layer.colour, "opacity": 1,
                "line": {"width": 1.5, "color": "#FFFFFF"}},
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )  # fmt: skip


def add_mark(figure: go.Figure, mark: Mark) -> None:
    """Draw a mark, and the arrow that leads from it, if there is one."""
    figure.add_scattergl(
        x=[mark.x],
        y=[mark.y],
        mode="markers",
        name=escape(mark.name),
        hovertemplate=f"{escape(mark.name)}<extra></extra>",
        marker={"symbol": "x", "size": 15, "color": mark.colour, "line": {"width": 1.5, "color": "#FFFFFF"}},
    )
    if mark.towards is not None:
        x, y = mark.towards
        figure.add_annotation(
            x=x, y=y, ax=mark.x, ay=mark.y, axref="x", ayref="y", text="", showarrow=True, arrowhead=2, arrowsize=1.2,
            arrowwidth=2.5, arrowcolor=mark.colour,
        )  # fmt: skip

"""The map of items as a Plotly figure: WebGL points, drawn by group or by number, with layers on top."""

from collections.abc import Iterator, Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from recsys.charts.base import CLEAR
from recsys.item_map.colours import Colouring, Groups, Numbers
from recsys.item_map.hover import Hover, hover_of
from recsys.item_map.layers import Layer, Mark, add_layer, add_mark
from recsys.item_map.points import Points
from recsys.item_map.regions import Name, grid_axis
from recsys.item_map.zoom_steps import Window
from recsys.utils import formatting as fmt
from recsys.utils import palette

HEIGHT = 640
OF_SCALE = (0.005, 0.995)
"""Quantiles at the ends of a scale of numbers, so that a few extremes do not take all colours for themselves."""

DIMMED = 0.72
"""So much of the ground is mixed into the colours of what is dimmed. Less opacity would not do: where many points lie
on each other they would add up to their full colour."""
CLOSE = 0.65
"""Half the width of what is in view, below which the names of small regions are shown."""

WHOLE_MAP = Window()
"""Half the width of the window around an item that was flown to; the whole map is 2 wide."""


def catalogue(
    points: Points,
    colouring: Colouring,
    *,
    layers: Sequence[Layer] = (),
    marks: Sequence[Mark] = (),
    names: Sequence[Name] = (),
    closer: Sequence[Name] = (),
    density: NDArray[np.float64] | None = None,
    selected: NDArray[np.int64] | None = None,
    shown: NDArray[np.int64] | None = None,
    window: Window = WHOLE_MAP,
    currency: str = "",
    height: int = HEIGHT,
    ink: str | None = None,
    dimmed_on: str | None = None,
) -> go.Figure:
    """Every item as a point. Ids stand first in `customdata`, so that a selection names items and not places.

    Args:
        layers, marks: drawn on top, in this order.
        names: of regions.
        closer: names that cannot be seen until the page brings them out.
        density: (bins, bins) over the square from -1.08 to 1.08, for contour lines.
        selected: places of the items that stand out; the others stay, but faint.
        shown: places of the items to draw, in order; all by default.
        window: what is in view.
        ink: colour of the names; the theme's own by default.
        dimmed_on: colour of the ground that everything but the layers is dimmed towards; None dims nothing.
    """
    figure = go.Figure(layout=_layout(height, window))
    drawn = np.zeros(len(points), dtype=bool)
    drawn[slice(None) if shown is None else shown] = True
    chosen = None
    if selected is not None and len(selected):
        chosen = np.zeros(len(points), dtype=bool)
        chosen[selected] = True
    hover = hover_of(points, currency)
    if isinstance(colouring, Groups):
        _add_groups(figure, points, colouring, drawn, hover, chosen)
    else:
        _add_numbers(figure, points, colouring, drawn, hover, chosen)
    if density is not None:
        _add_contours(figure, density)
    if dimmed_on is not None:
        _dim(figure, dimmed_on)
    for layer in layers:
        add_layer(figure, points, layer, hover)
    for mark in marks:
        add_mark(figure, mark)
    written = *_names_of(names, ink, close=window.half < CLOSE), *_names_of(closer, ink, close=True, opacity=0)
    # all at once: one by one Plotly checks all of them again each time
    figure.layout.annotations = (*figure.layout.annotations, *written)
    return figure


def _dim(figure: go.Figure, ground: str) -> None:
    for trace in figure.data:
        if trace.type != "scattergl":
            continue
        marker = trace.marker
        if isinstance(marker.color, str):
            marker.color = palette.towards(marker.color, ground, DIMMED)
        else:
            marker.colorscale = [[at, palette.towards(colour, ground, DIMMED)] for at, colour in marker.colorscale]


def _add_groups(
    figure: go.Figure, points: Points, colouring: Groups, drawn: NDArray[np.bool_], hover: Hover,
    chosen: NDArray[np.bool_] | None,
) -> None:  # fmt: skip
    """One trace, and one line in the legend, for each group."""
    sizes = _sizes(points.popularity)
    counts = np.bincount(colouring.codes, minlength=len(colouring.names))
    short = fmt.distinct(colouring.names, 24)
    for code, (name, colour) in enumerate(zip(colouring.names, colouring.colours, strict=True)):
        rows = np.flatnonzero((colouring.codes == code) & drawn)
        label = f"{short[code]} ({fmt.number(counts[code])})"
        _scatter(figure, points, rows, hover, name, escape(label), {"color": colour, "size": sizes[rows]}, chosen)
    figure.update_layout(legend={"title": {"text": escape(colouring.title)}})


def _add_numbers(
    figure: go.Figure, points: Points, colouring: Numbers, drawn: NDArray[np.bool_], hover: Hover,
    chosen: NDArray[np.bool_] | None,
) -> None:  # fmt: skip
    """One trace with a scale, and below it one for what has no number."""
    sizes = _sizes(points.popularity)
    known = np.isfinite(colouring.values)
    rows = np.flatnonzero(~known & drawn)
    if len(rows):
        _scatter(figure, points, rows, hover, "", escape(colouring.absent),
                 {"color": palette.NEUTRAL, "size": sizes[rows]}, chosen)  # fmt: skip
    figure.update_layout(legend={"y": 1, "yanchor": "top"})
    rows = np.flatnonzero(known & drawn)
    _scatter(figure, points, rows, hover, "", escape(colouring.title),
             {"size": sizes[rows], **_scale(colouring, rows)}, chosen, legend=False)  # fmt: skip


def _scatter(
    figure: go.Figure,
    points: Points,
    rows: NDArray[np.int64],
    hover: Hover,
    group: str,
    name: str,
    marker: dict[str, object],
    chosen: NDArray[np.bool_] | None = None,
    legend: bool = True,
) -> None:
    figure.add_scattergl(
        x=points.x[rows],
        y=points.y[rows],
        mode="markers",
        name=name,
        customdata=hover.data[rows],
        hovertemplate=hover.named(group),
        marker={"opacity": 0.72, "line": {"width": 0}, **marker},
        unselected={"marker": {"opacity": 0.12}},
        selected={"marker": {"opacity": 0.95}},
        selectedpoints=None if chosen is None else np.flatnonzero(chosen[rows]),
        showlegend=legend,
    )


def _add_contours(figure: go.Figure, density: NDArray[np.float64]) -> None:
    axis = grid_axis(len(density)).astype(np.float32)
    figure.add_contour(
        x=axis,
        y=axis,
        z=np.log1p(density).astype(np.float32),
        contours={"coloring": "none", "start": 0.25, "end": float(np.log1p(density.max(initial=1.0))), "size": 0.5},
        line={"width": 0.8, "color": palette.with_alpha(palette.NEUTRAL, 0.8), "smoothing": 1.0},
        hoverinfo="skip",
        showscale=False,
        showlegend=False,
    )


def _names_of(
    names: Sequence[Name], ink: str | None, *, close: bool, opacity: float | None = None
) -> Iterator[dict[str, object]]:
    most = max((name.items for name in names), default=1)
    for name in names:
        size = 12 if close else round(11 + 4 * (name.items / most) ** 0.5)
        yield {
            "x": name.x,
            "y": name.y,
            "text": f"<b>{escape(name.text)}</b>",
            "showarrow": False,
            "opacity": opacity,
            "font": {"size": size, "shadow": "auto", "color": ink},
        }


def _sizes(popularity: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Diameters in pixels, 3 for what nobody has bought up to 13: the area goes by the number of shoppers."""
    share = np.sqrt(popularity / max(int(popularity.max(initial=1)), 1))
    return np.round(3.0 + 10.0 * share).astype(np.uint8)


def _scale(numbers: Numbers, rows: NDArray[np.int64]) -> dict[str, object]:
    """A logarithmic scale in 256 steps, which is what a screen shows and a fourth of what floats would weigh."""
    values = numbers.values[rows]
    positive = values[values > 0]
    low, high = np.quantile(np.log10(positive), OF_SCALE) if len(positive) else (0.0, 1.0)
    colours = palette.SCALE
    if numbers.middle is not None:
        middle, colours = np.log10(numbers.middle), palette.DIVERGING
        reach = max(abs(high - middle), abs(middle - low), 0.1)
        low, high = middle - reach, middle + reach
    step = max(float(high - low), 1e-6) / 255
    shades = np.round((np.clip(np.log10(np.maximum(values, 10**low)), low, high) - low) / step)
    ticks = [t * 10.0**power for power in range(-3, 7) for t in (1, 3) if low <= np.log10(t * 10.0**power) <= high]
    return {
        "color": shades.astype(np.uint8),
        "cmin": 0,
        "cmax": 255,
        "colorscale": [[i / (len(colours) - 1), colour] for i, colour in enumerate(colours)],
        "showscale": True,
        "colorbar": {
            "title": {"text": escape(numbers.title), "side": "top"}, "orientation": "h", "thickness": 10, "len": 0.9,
            "lenmode": "fraction", "x": 0.02, "xanchor": "left", "y": 0, "yanchor": "top",
            "tickvals": [float((np.log10(t) - low) / step) for t in ticks], "ticktext": [f"{t:,g}" for t in ticks],
        },
    }  # fmt: skip


def _layout(height: int, window: Window) -> dict[str, object]:
    axis: dict[str, object] = {"visible": False, "showgrid": False, "zeroline": False}
    x_range, y_range = ([middle - window.half, middle + window.half] for middle in (window.x, window.y))
    return {
        "height": height,
        "margin": {"l": 0, "r": 0, "t": 8, "b": 0},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "hovermode": "closest",
        "transition": {"duration": 700, "easing": "cubic-in-out"},
        "dragmode": "pan",
        "modebar": {"bgcolor": CLEAR, "color": palette.NEUTRAL, "activecolor": palette.OURS},
        "xaxis": {**axis, "range": x_range},
        "yaxis": {**axis, "range": y_range, "scaleanchor": "x"},
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 0,
            "yanchor": "top",
            "itemsizing": "constant",
            "itemclick": "toggleothers",
            "itemdoubleclick": "toggle",
        },
    }

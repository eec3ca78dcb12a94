"""The figure of the Map page: points, colours, names, layers and selection together; and its files to download."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from recsys.item_map import figure as map_figure
from recsys.item_map import poster
from recsys.item_map.colours import Colouring, colouring
from recsys.item_map.compare import Comparison, compare
from recsys.item_map.layers import layers_of, marks_of
from recsys.item_map.oddities import odd
from recsys.item_map.points import ItemMap
from recsys.item_map.regions import SMALL, Name, density, names
from recsys.item_map.sample import rows_to_draw
from recsys.item_map.selection import Selection, look_into
from recsys.item_map.shopper import ShopperOnMap
from recsys.item_map.thumbnails import tiles
from recsys.item_map.view import Found
from recsys.item_map.zoom_steps import ZoomStep, zoom_steps
from recsys.progress import OnProgress, Progress
from recsys.utils import formatting as fmt

NAMES = {"zoom": "By zoom", "large": "Large regions", "small": "Small regions", "none": "None"}
CONTOUR_HILL = SMALL


@dataclass(frozen=True)
class Scene:
    """What is to be seen, and what is to be said about it.

    Attributes:
        drawn: rows of the points that are drawn, or None for all.
        note: says when not all products are drawn, else "".
    """

    figure: go.Figure
    drawn: NDArray[np.int64] | None
    note: str


def scene(
    item_map: ItemMap,
    by: str,
    found: Found,
    *,
    shopper: ShopperOnMap | None = None,
    regions: str = "zoom",
    contours: bool = False,
    selected: Sequence[str] = (),
    listed: Sequence[str] = (),
    step: ZoomStep | None = None,
    height: int = map_figure.HEIGHT,
    theme: str | None = "light",
) -> Scene:
    """The picture.

    Args:
        by: one of `map_colours.colourings`.
        found: the item that is looked at, if one is.
        regions: one of `NAMES`.
        contours: draw lines of equal density.
        selected: ids of items that stand out.
        listed: ids of items to mark.
        step: how near to look at the item; by default from the nearest step.
        theme: "light" or "dark", for the colour of the names and of what is dimmed.
    """
    model, points = item_map.live.model, item_map.points
    focus = found.focus
    if focus is not None and step is None:
        step = zoom_steps(item_map, focus.row)[-1]
    window = map_figure.WHOLE_MAP if step is None else step.window
    near = window.half < map_figure.CLOSE
    chosen = model.item_rows(list(selected)) if selected else None
    marked = model.item_rows(list(listed)) if len(listed) else None
    always = [rows for rows in (chosen, marked, found.rows, None if focus is None else focus.rows) if rows is not None]
    drawn = rows_to_draw(points.categories, always=np.concatenate(always) if always else None)
    ground, ink, _ = poster.SCALES["dark" if theme == "dark" else "light"]
    figure = map_figure.catalogue(
        points,
        colours(item_map, by),
        layers=layers_of(focus, shopper, marked, found.rows, step if shopper is None else None, drawn),
        marks=marks_of(shopper),
        names=region_names(item_map, regions, close=near),
        closer=_names(item_map, zoomed=True) if regions == "zoom" and not near else (),
        density=land(item_map) if contours else None,
        selected=chosen,
        shown=drawn,
        window=window,
        currency=found.currency,
        height=height,
        ink=ink,
        dimmed_on=ground if any(x is not None for x in (focus, shopper, marked, found.rows)) else None,
    )
    figure.update_layout(meta={"tiles": _tiles(item_map)})
    note = "" if drawn is None else (
        f"{fmt.number(len(drawn))} of {fmt.number(len(points))} products are drawn: rare categories whole, the "
        "others by lot. Names, contours, search and selections go by all of them."
    )  # fmt: skip
    return Scene(figure, drawn, note)


@lru_cache(maxsize=16)
def colours(item_map: ItemMap, by: str) -> Colouring:
    """`colours.colouring`, worked out once."""
    return colouring(item_map, by)


def region_names(item_map: ItemMap, regions: str, *, close: bool = False) -> tuple[Name, ...]:
    """Names of the large or small regions, or by how near one looks."""
    if regions == "none":
        return ()
    return _names(item_map, zoomed=regions == "small" or (regions == "zoom" and close))


@lru_cache(maxsize=3)
def _tiles(item_map: ItemMap) -> dict[str, tuple[str, str, str]]:
    return tiles(item_map.live)


@lru_cache(maxsize=4)
def land(item_map: ItemMap) -> NDArray[np.float64]:
    """The density to draw contours from."""
    return density(item_map.points.places, CONTOUR_HILL)


@lru_cache(maxsize=8)
def odd_ones(item_map: ItemMap, kind: str) -> pd.DataFrame:
    """`oddities.odd`, worked out once."""
    return odd(item_map, kind)


@lru_cache(maxsize=4)
def comparison(first: ItemMap, second: ItemMap) -> Comparison:
    """`compare.compare`, worked out once."""
    return compare(first, second)


@lru_cache(maxsize=8)
def selection(item_map: ItemMap, item_ids: tuple[str, ...], currency: str) -> Selection:
    """`selection.look_into`, worked out once."""
    return look_into(item_map, item_ids, currency)


def other_figure(
    first: ItemMap, second: ItemMap, by: str, currency: str, selected: Sequence[str] = (), height: int = 460
) -> tuple[go.Figure, go.Figure]:
    """Both maps in the first one's colours, the second turned onto the first, the same items standing out."""
    laid = comparison(first, second)
    there = np.isfinite(laid.places[:, 0])
    rows = first.live.model.item_rows(list(selected)) if selected else None
    moved = type(first.points)(
        **{**vars(first.points), "x": np.nan_to_num(laid.places[:, 0]), "y": np.nan_to_num(laid.places[:, 1])}
    )
    drawn = rows_to_draw(first.points.categories, 20_000, always=rows)
    both = np.flatnonzero(there) if drawn is None else drawn[there[drawn]]
    shade = colours(first, by)
    left, right = (
        map_figure.catalogue(points, shade, selected=rows, shown=both, currency=currency, height=height)
        for points in (first.points, moved)
    )
    left.update_layout(showlegend=False)
    right.update_layout(showlegend=False)
    return left, right


def take_along(
    item_map: ItemMap, by: str, form: str, *, title: str, theme: str, day: date, regions: str,
    model: str, on_progress: OnProgress = lambda _: None,
) -> bytes:  # fmt: skip
    """The map as "png", "svg" or "html", with title, legend, date and what the model is called."""
    on_progress(Progress("Placing the names", 0.1))
    labels = region_names(item_map, regions)
    if form == "html":
        points = replace(item_map.points, images=None)
        figure = map_figure.catalogue(points, colours(item_map, by), names=labels, density=land(item_map))
        subtitle = f"{fmt.number(len(item_map.points))} products · model {model} · {fmt.day(day)}"
        return poster.html(figure, title=title, subtitle=subtitle, theme=theme)
    on_progress(Progress("Drawing", 0.3))
    sheet = poster.poster(
        item_map.points, colours(item_map, by), title=title, model=model, day=day, names=labels,
        theme=theme,
    )  # fmt: skip
    return poster.svg(sheet) if form == "svg" else poster.png(sheet)


@lru_cache(maxsize=8)
def _names(item_map: ItemMap, *, zoomed: bool) -> tuple[Name, ...]:
    levels = item_map.live.model.category_levels
    terms = levels[1:] if zoomed else levels[:2]
    columns = [item_map.live.items[level] for level in (terms or levels)]
    return names(item_map.points.places, columns, zoomed=zoomed)

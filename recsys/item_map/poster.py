"""The map for a wall or a slide: PNG, SVG, or one HTML file that needs nothing else, each with title, legend, date."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from recsys.item_map.colours import Colouring, Groups
from recsys.item_map.points import Points
from recsys.item_map.regions import Name
from recsys.utils import formatting as fmt
from recsys.utils import palette

WIDTH, HEIGHT, MARGIN = 1600, 1200, 48
TOP = 116
LEGEND = 360
SCALES = {"light": ("#FFFFFF", "#16211D", "#66736D"), "dark": ("#0E1412", "#E4EBE8", "#93A19B")}
ALPHA = 0.7


@dataclass(frozen=True)
class Poster:
    """What stands on the sheet, in pixels of a sheet `WIDTH` by `HEIGHT`.

    Attributes:
        x, y, radius: float (n,); colours: "#rrggbb" (n,).
        legend: colour and text of each line; `legend_title` stands above.
        names: text, x, y, size.
        ground, ink, faint: colours of the sheet, the text and the small text.
    """

    title: str
    subtitle: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    radius: NDArray[np.float64]
    colours: NDArray[np.object_]
    legend_title: str
    legend: tuple[tuple[str, str], ...]
    names: tuple[tuple[str, float, float, int], ...]
    ground: str
    ink: str
    faint: str


def poster(
    points: Points,
    colouring: Colouring,
    *,
    title: str,
    model: str,
    day: date,
    names: Sequence[Name] = (),
    theme: str = "light",
) -> Poster:
    """Lay out the sheet. What many bought is drawn last, so that it is seen."""
    side = min(WIDTH - 2 * MARGIN - LEGEND, HEIGHT - TOP - MARGIN)
    scale, centre_x, centre_y = (
        side / 2.08,
        MARGIN + (WIDTH - 2 * MARGIN - LEGEND) / 2,
        TOP + (HEIGHT - TOP - MARGIN) / 2,
    )
    order = np.argsort(points.popularity, kind="stable")
    share = np.sqrt(points.popularity / max(int(points.popularity.max(initial=1)), 1))
    colours, legend = _colours(colouring)
    ground, ink, faint = SCALES[theme]
    return Poster(
        title=title,
        subtitle=f"{fmt.number(len(points))} products as model {model} sees them · {fmt.day(day)}",
        x=centre_x + scale * points.x[order].astype(float),
        y=centre_y - scale * points.y[order].astype(float),
        radius=(1.5 + 5.0 * share)[order],
        colours=colours[order],
        legend_title=colouring.title,
        legend=legend,
        names=tuple((n.text, centre_x + scale * n.x, centre_y - scale * n.y, 18) for n in names),
        ground=ground,
        ink=ink,
        faint=faint,
    )


def svg(sheet: Poster) -> bytes:
    """The sheet as SVG."""
    line = 'font-family="Helvetica, Arial, sans-serif"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">',
        f"<title>{escape(sheet.title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{sheet.ground}"/>',
        f'<g fill-opacity="{ALPHA}">',
        *(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" fill="{colour}"/>'
            for x, y, r, colour in zip(sheet.x, sheet.y, sheet.radius, sheet.colours, strict=True)
        ),
        "</g>",
        f'<g {line} fill="{sheet.ink}">',
        f'<text x="{MARGIN}" y="66" font-size="40" font-weight="700">{escape(sheet.title)}</text>',
        f'<text x="{MARGIN}" y="98" font-size="20" fill="{sheet.faint}">{escape(sheet.subtitle)}</text>',
        *(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="700" text-anchor="middle" '
            f'dominant-baseline="middle" stroke="{sheet.ground}" stroke-width="4" paint-order="stroke" '
            f'stroke-linejoin="round">{escape(text)}</text>'
            for text, x, y, size in sheet.names
        ),
        f'<text x="{WIDTH - LEGEND}" y="{TOP + 24}" font-size="20" font-weight="700">'
        f"{escape(sheet.legend_title)}</text>",
    ]
    for place, (colour, text) in enumerate(sheet.legend):
        y = TOP + 62 + 34 * place
        parts.append(f'<circle cx="{WIDTH - LEGEND + 10}" cy="{y}" r="9" fill="{colour}"/>')
        parts.append(f'<text x="{WIDTH - LEGEND + 30}" y="{y + 6}" font-size="18">{escape(text)}</text>')
    return "\n".join([*parts, "</g></svg>"]).encode()


def png(sheet: Poster, scale: int = 2) -> bytes:
    """The sheet as PNG, `scale` times as large, drawn twice as large again and brought down, for smooth edges."""
    from PIL import Image, ImageDraw, ImageFont

    fine = 2 * scale
    image = Image.new("RGB", (WIDTH * fine, HEIGHT * fine), sheet.ground)
    draw = ImageDraw.Draw(image, "RGBA")
    alpha = round(255 * ALPHA)
    shades = {str(c): (*(int(str(c)[i : i + 2], 16) for i in (1, 3, 5)), alpha) for c in np.unique(sheet.colours)}
    corners = np.stack(
        [sheet.x - sheet.radius, sheet.y - sheet.radius, sheet.x + sheet.radius, sheet.y + sheet.radius], axis=1
    )
    for corner, colour in zip((corners * fine).tolist(), sheet.colours, strict=True):
        draw.ellipse(corner, fill=shades[str(colour)])
    image = image.resize((WIDTH * scale, HEIGHT * scale), Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(image)

    def write(x: float, y: float, text: str, size: int, colour: str, anchor: str = "ls", halo: int = 0) -> None:
        draw.text(
            (x * scale, y * scale), text, fill=colour, font=ImageFont.load_default(size * scale), anchor=anchor,
            stroke_width=halo * scale, stroke_fill=sheet.ground,
        )  # fmt: skip

    write(MARGIN, 66, sheet.title, 40, sheet.ink)
    write(MARGIN, 98, sheet.subtitle, 20, sheet.faint)
    for text, x, y, size in sheet.names:
        write(x, y, text, size, sheet.ink, anchor="mm", halo=2)
    write(WIDTH - LEGEND, TOP + 24, sheet.legend_title, 20, sheet.ink)
    for place, (colour, text) in enumerate(sheet.legend):
        x, y = (WIDTH - LEGEND + 10) * scale, (TOP + 62 + 34 * place) * scale
        draw.ellipse([x - 9 * scale, y - 9 * scale, x + 9 * scale, y + 9 * scale], fill=colour)
        write(WIDTH - LEGEND + 30, TOP + 68 + 34 * place, text, 18, sheet.ink)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def html(figure: go.Figure, *, title: str, subtitle: str, theme: str = "light") -> bytes:
    """An interactive map in one file: Plotly is inside, no network is needed."""
    ground, ink, faint = SCALES[theme]
    sheet = go.Figure(figure)
    sheet.update_layout(
        title={"text": f"<b>{escape(title)}</b><br><sup>{escape(subtitle)}</sup>", "x": 0.02},
        paper_bgcolor=ground, plot_bgcolor=ground, font={"color": ink}, margin={"l": 10, "r": 10, "t": 80, "b": 10},
        height=None, autosize=True, dragmode="pan",
    )  # fmt: skip
    text = sheet.to_html(
        include_plotlyjs=True, full_html=True, default_height="98vh", config={"scrollZoom": True, "displaylogo": False}
    )
    head = f"<head><title>{escape(title)}</title><style>body{{margin:0;background:{ground};color:{faint}}}</style>"
    return text.replace("<head>", head, 1).encode()


def _colours(colouring: Colouring) -> tuple[NDArray[np.object_], tuple[tuple[str, str], ...]]:
    """One colour for every point, and the lines of the legend."""
    if isinstance(colouring, Groups):
        counts = np.bincount(colouring.codes, minlength=len(colouring.names))
        legend = tuple(
            (colour, f"{name} ({fmt.number(count)})")
            for name, colour, count in zip(fmt.distinct(colouring.names, 26), colouring.colours, counts, strict=True)
        )
        return np.array(colouring.colours, dtype=object)[colouring.codes], legend
    known = np.isfinite(colouring.values)
    positive = colouring.values[known & (colouring.values > 0)]
    values = np.log10(np.maximum(colouring.values, positive.min() if len(positive) else 1.0))
    low, high = (float(np.nanmin(values)), float(np.nanmax(values))) if known.any() else (0.0, 1.0)
    colours = palette.SCALE
    if colouring.middle is not None:
        middle, colours = float(np.log10(colouring.middle)), palette.DIVERGING
        reach = max(abs(high - middle), abs(middle - low), 0.1)
        low, high = middle - reach, middle + reach
    steps = len(colours)
    place = np.clip(np.nan_to_num((values - low) / max(high - low, 1e-12) * steps), 0, steps - 1).astype(int)
    shades = np.array(colours, dtype=object)[place]
    shades[~known] = palette.NEUTRAL
    edges = 10 ** (low + (high - low) * np.arange(steps + 1) / steps)
    legend = tuple((colour, f"{edges[i]:,.3g} to {edges[i + 1]:,.3g}") for i, colour in enumerate(colours))
    return shades, legend if known.all() else (*legend, (palette.NEUTRAL, colouring.absent))

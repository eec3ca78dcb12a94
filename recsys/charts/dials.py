"""The small curve beside a dial, as a picture; and the learning curve of a training with its lines."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from itertools import pairwise

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from recsys.charts.base import CLEAR, share_ticks, value_ticks
from recsys.utils import palette
from recsys.views.dials.learning import Learning, Level
from recsys.views.dials.small_curves import SmallCurve

WIDTH, HEIGHT, EDGE = 240, 44, 6


def small_picture(curve: SmallCurve, current: float) -> str:
    """A curve as an SVG in a data URI: NDCG@10 thin and green, catalogue coverage wide and orange, each from its least
    to its most; the upright line is where the dial stands. The values that were tried have equal distances."""
    values = [point.value for point in curve.points]
    lines = (
        f'<g opacity="0.55">{_line([point.coverage for point in curve.points], palette.OTHER, width=5)}</g>',
        _line([point.ndcg for point in curve.points], palette.OURS, width=2),
    )
    here = _place(values, current)
    mark = "" if here is None else (
        f'<line x1="{here:.1f}" x2="{here:.1f}" y1="0" y2="{HEIGHT}" stroke="{palette.NEUTRAL}" stroke-width="1.5"/>'
    )  # fmt: skip
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" preserveAspectRatio="none">'
        f"{mark}{''.join(lines)}</svg>"
    )
    return f"data:image/svg+xml;base64,{b64encode(text.encode()).decode()}"


def _x(place: float, number: int) -> float:
    return EDGE + place * (WIDTH - 2 * EDGE) / max(number - 1, 1)


def _place(values: Sequence[float], current: float) -> float | None:
    """Where a value lies between those that were tried; None beyond them."""
    for number, (low, high) in enumerate(pairwise(values)):
        if low <= current <= high:
            return _x(number + (current - low) / (high - low), len(values))
    return None


def _line(values: Sequence[float], colour: str, *, width: float) -> str:
    low, high = min(values), max(values)
    spots = [
        (_x(number, len(values)), HEIGHT - EDGE - (value - low) / (high - low or 1) * (HEIGHT - 2 * EDGE))
        for number, value in enumerate(values)
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{width / 2 + 1.5:g}" fill="{colour}"/>' for x, y in spots)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}"/>{dots}'


def learning_figure(found: Learning) -> go.Figure:
    """NDCG@10 and catalogue coverage on validation by pass; lines for the live model and the best simple method, and
    the band of what another seed does around the live model, or else around the pass that was kept."""
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.07, row_heights=[0.64, 0.36])
    epochs = [point["epoch"] for point in found.points]
    last = max([*epochs, 5])
    first = min([*epochs, 1])
    ends = [first - 0.3, last + 0.3]
    _noise_band(figure, found, ends)
    for level, colour, dash in (
        (found.baseline, palette.NEUTRAL, "dot"), (found.live, palette.OTHER, "dash"),
    ):  # fmt: skip
        if level is not None:
            _level(figure, level, ends, colour, dash)
    for row, name, digits in ((1, "ndcg", ".4f"), (2, "coverage", ".2%")):
        figure.add_scatter(
            x=epochs, y=[point[name] for point in found.points], name=escape(found.title), mode="lines+markers",
            line={"color": palette.OURS, "width": 2.5}, marker={"size": 7}, showlegend=row == 1, row=row, col=1,
            hovertemplate=f"pass %{{x}}<br>%{{y:{digits}}}<extra>{escape(found.title)}</extra>",
        )  # fmt: skip
        kept = [point[name] for point in found.points if point["epoch"] == found.kept]
        if kept:
            figure.add_scatter(
                x=[found.kept], y=kept, mode="markers", name="Kept", showlegend=row == 1, hoverinfo="skip",
                marker={"size": 15, "color": CLEAR, "line": {"color": palette.OURS, "width": 2}}, row=row, col=1,
            )  # fmt: skip
    shares = [point["coverage"] for point in found.points] or [0.0, 0.1]
    figure.update_xaxes(range=ends, dtick=1 if last <= 20 else None, automargin=True)
    figure.update_xaxes(title="Pass", row=2, col=1)
    reached = [y for trace in figure.data if trace.yaxis in (None, "y") for y in trace.y] or [0.0]
    figure.update_yaxes(
        title="NDCG@10", tickformat=value_ticks(min(reached), max(reached)), nticks=6, automargin=True, row=1, col=1
    )
    figure.update_yaxes(
        title="Coverage", tickformat=share_ticks(min(shares), max(shares)), nticks=4, automargin=True, row=2, col=1
    )
    figure.update_layout(
        height=430, margin={"l": 8, "r": 16, "t": 40, "b": 44}, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        hovermode="closest", dragmode=False,
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom", "title": {"text": ""}},
    )  # fmt: skip
    return figure


def _level(figure: go.Figure, level: Level, ends: Sequence[float], colour: str, dash: str) -> None:
    for row, value, digits in ((1, level.ndcg, ".4f"), (2, level.coverage, ".2%")):
        figure.add_scatter(
            x=list(ends), y=[value, value], name=escape(level.title), mode="lines", showlegend=row == 1, row=row, col=1,
            line={"color": colour, "width": 2, "dash": dash},
            hovertemplate=f"%{{y:{digits}}}<extra>{escape(level.title)}</extra>",
        )  # fmt: skip


def _noise_band(figure: go.Figure, found: Learning, ends: Sequence[float]) -> None:
    kept = next((point["ndcg"] for point in found.points if point["epoch"] == found.kept), None)
    middle = found.live.ndcg if found.live is not None else kept
    if not found.noise or middle is None:
        return
    low, high = middle - found.noise, middle + found.noise
    figure.add_scatter(
        x=[*ends, *reversed(ends)], y=[low, low, high, high], fill="toself", mode="lines", line={"width": 0},
        fillcolor=palette.with_alpha(palette.OTHER if found.live is not None else palette.OURS, 0.18),
        name="Noise", hoverinfo="skip", row=1, col=1,
    )  # fmt: skip

"""Plotly figures of the shopper workbench. Titles come from people's files: markup in them is escaped."""

from collections.abc import Mapping, Sequence
from html import escape

import pandas as pd
import plotly.graph_objects as go

from recsys import columns as c
from recsys.charts.base import ROW, _figure, rows, share_ticks
from recsys.utils import formatting as fmt
from recsys.utils import palette
from recsys.views.shopper_history import Timeline


def purchases_by_week(timeline: Timeline, currency: str = "") -> go.Figure:
    """Purchases by week and category, and from when on the model has not seen them."""
    figure = _figure(430)
    names = fmt.distinct(timeline.categories, 22)
    for name, label in zip(timeline.categories, names, strict=True):
        part = timeline.weeks[timeline.weeks[c.CATEGORY] == name]
        colour = timeline.colours.get(name, palette.NEUTRAL)
        figure.add_bar(
            x=part["week"],
            y=part["purchases"],
            name=escape(label),
            marker={"color": colour, "line": {"width": 0}},
            customdata=[escape(fmt.money(value, currency)) for value in part[c.VALUE]],
            hovertemplate="week of %{x|%-d %b %Y}<br>" + escape(name)
            + ": %{y} bought for %{customdata}<extra></extra>",
        )  # fmt: skip
    if not pd.isna(timeline.cut):
        figure.add_vrect(
            x0=timeline.cut, x1=timeline.weeks["week"].max() + pd.Timedelta(days=7),
            fillcolor=palette.with_alpha(palette.NEUTRAL, 0.16), line={"width": 0}, layer="below",
        )  # fmt: skip
        figure.add_annotation(
            x=timeline.weeks["week"].max(), y=1, yref="paper", yanchor="bottom", xanchor="right", showarrow=False,
            text="not seen by the model", font={"size": 11},
        )  # fmt: skip
    first, last = timeline.weeks["week"].min(), timeline.weeks["week"].max()
    figure.update_layout(barmode="stack", bargap=0.15, legend={"y": -0.14, "yanchor": "top"}, margin={"b": 60})
    figure.update_xaxes(range=[first - pd.Timedelta(days=4), last + pd.Timedelta(days=8)])
    figure.update_yaxes(title="Purchases in the week", rangemode="tozero")
    return figure


def effects(items: Sequence[tuple[str, str]], values: Sequence[float], title: str) -> go.Figure:
    """One bar for each item, for and against.

    Args:
        items: id and title of each; two items of one title are two bars.
        values: one for each item.
    """
    figure = _figure(ROW * len(items) + 64)
    y = rows(figure, [name for _, name in items], 34, [item for item, _ in items])
    most, least = max([0.0, *values]), min([0.0, *values])
    room = 0.22 * (most - least or 1.0)
    digits = 2 if max(most, -least) >= 0.1 else 3
    figure.add_bar(
        y=y, x=list(values), orientation="h",
        marker={"color": [palette.OURS if value > 0 else palette.AGAINST for value in values]},
        text=[fmt.signed(value, digits) for value in values], textposition="outside", cliponaxis=False,
        customdata=[escape(name) for _, name in items], hovertemplate="%{customdata}: %{text}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title=title, range=[least - room if least < 0 else 0.0, most + room], zeroline=True)
    figure.update_yaxes(showgrid=False)
    return figure


def cost_of_rules(
    points: Sequence[Mapping[str, float]], without: Mapping[str, float], ruled: Mapping[str, float]
) -> go.Figure:
    """Accuracy against catalogue coverage: without rules, with them, and what turns of the popularity dial alone give.

    Args:
        points: `popularity`, `ndcg`, `coverage` of each turn, in the order of the turns.
        without, ruled: `ndcg` and `coverage`; all measured on the same shoppers.
    """
    figure = _figure(280)
    figure.add_scatter(
        x=[point["coverage"] for point in points], y=[point["ndcg"] for point in points], mode="lines+markers",
        line={"color": palette.NEUTRAL, "width": 2}, marker={"size": 7}, name="The popularity dial alone",
        customdata=[point["popularity"] for point in points],
        hovertemplate="dial at %{customdata:.2f}<br>NDCG@10 %{y:.4f}<br>catalogue coverage %{x:.2%}<extra></extra>",
    )  # fmt: skip
    for name, at, colour in (("Without rules", without, palette.OTHER), ("These rules", ruled, palette.OURS)):
        figure.add_scatter(
            x=[at["coverage"]], y=[at["ndcg"]], mode="markers", name=name, marker={"size": 14, "color": colour},
            hovertemplate=f"{name.lower()}<br>NDCG@10 %{{y:.4f}}<br>catalogue coverage %{{x:.2%}}<extra></extra>",
        )  # fmt: skip
    reach = [at["coverage"] for at in (*points, without, ruled)]
    figure.update_xaxes(title="Catalogue coverage", tickformat=share_ticks(min(reach), max(reach)))
    figure.update_yaxes(title="NDCG@10", tickformat=".4f", nticks=6)
    return figure

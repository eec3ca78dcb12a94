"""Plotly figures of the shopper workbench. Titles come from people's files: markup in them is escaped."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from textwrap import wrap

import pandas as pd
import plotly.graph_objects as go

from recsys import columns as c
from recsys.charts.base import ROW, _figure
from recsys.utils import formatting as fmt
from recsys.utils import palette
from recsys.views.shopper_history import REST, Timeline

LETTERS = 38
"""Letters in a line of a title beside other lists; a title has two lines."""


def purchases_by_week(timeline: Timeline, currency: str = "") -> go.Figure:
    """Purchases by week and category, and from when on the model has not seen them."""
    figure = _figure(430)
    for number, name in enumerate(timeline.categories):
        part = timeline.weeks[timeline.weeks[c.CATEGORY] == name]
        colour = palette.NEUTRAL if name == REST else palette.CATEGORIES[number % len(palette.CATEGORIES)]
        figure.add_bar(
            x=part["week"],
            y=part["purchases"],
            name=escape(fmt.shortened(name, 22)),
            marker={"color": colour, "line": {"width": 0}},
            customdata=part[c.VALUE],
            hovertemplate="week of %{x|%-d %b %Y}<br>" + escape(name) + ": %{y} bought for " + escape(currency)
            + "%{customdata:.2f}<extra></extra>",
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


def lists_side_by_side(lists: Mapping[str, Sequence[tuple[str, str]]]) -> go.Figure:
    """Lists as columns, best first; the same item is joined by a line, what only one list has stands out.

    Args:
        lists: name of each list to its items (id, title).
    """
    names = list(lists)
    longest = max((len(items) for items in lists.values()), default=1)
    figure = _figure(max(longest, 3) * (ROW + 4) + 70)
    places = [{item: place for place, (item, _) in enumerate(lists[name], start=1)} for name in names]
    for left, (one, other) in enumerate(pairwise(places)):
        for item, place in one.items():
            if item in other:
                rises = other[item] < place
                same = other[item] == place
                colour = palette.NEUTRAL if same else palette.OURS if rises else palette.AGAINST
                figure.add_scatter(
                    x=[left + 0.44, left + 0.64], y=[place, other[item]], mode="lines", hoverinfo="skip",
                    line={"color": palette.with_alpha(colour, 0.75), "width": 2.5, "shape": "spline"}, showlegend=False,
                )  # fmt: skip
    for column, name in enumerate(names):
        elsewhere = [p for number, p in enumerate(places) if number != column]
        for place, (item, title) in enumerate(lists[name], start=1):
            only = not any(item in p for p in elsewhere)
            before = places[column - 1].get(item) if column else place
            move = "new" if before is None else f"{'▲' if before > place else '▼'}{abs(before - place)}"
            label = "<br>".join(map(escape, wrap(fmt.shortened(title, 2 * LETTERS - 4), LETTERS)[:2]))
            mark = "" if before == place else f" <b>{move}</b>"
            figure.add_scatter(
                x=[column - 0.34], y=[place], mode="markers+text", textposition="middle right", cliponaxis=False,
                text=[f"{place}. {label}{mark}"], customdata=[escape(title)], textfont={"size": 11},
                marker={"size": 9, "color": palette.OTHER if only else palette.NEUTRAL},
                hovertemplate="%{customdata}<extra>" + ("only here" if only else "shared") + "</extra>",
                showlegend=False,
            )  # fmt: skip
    figure.update_xaxes(
        range=[-0.42, len(names) - 0.5], tickvals=[column - 0.2 for column in range(len(names))], showgrid=False,
        zeroline=False,
        ticktext=[escape(fmt.shortened(name, 30)) for name in names], side="top",
    )  # fmt: skip
    figure.update_yaxes(range=[longest + 0.6, 0.4], visible=False)
    return figure


def effects(names: Sequence[str], values: Sequence[float], title: str) -> go.Figure:
    """One bar for each name, for and against."""
    figure = _figure(ROW * len(names) + 64)
    digits = 2 if max([abs(value) for value in values], default=1.0) >= 0.1 else 3
    figure.add_bar(
        y=[escape(fmt.shortened(name, 34)) for name in names], x=list(values), orientation="h",
        marker={"color": [palette.OURS if value > 0 else palette.AGAINST for value in values]},
        text=[f"{value:+.{digits}f}" for value in values], textposition="outside", cliponaxis=False,
        customdata=[escape(name) for name in names], hovertemplate="%{customdata}: %{x:+.3f}<extra></extra>",
    )  # fmt: skip
    most = max([abs(value) for value in values], default=1.0)
    low = min([0.0, *values])
    figure.update_xaxes(title=title, range=[low * 1.3, (max([0.0, *values]) or most) * 1.3], zeroline=True)
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category")
    return figure


def dial_frontier(points: Sequence[Mapping[str, float]], here: Mapping[str, float]) -> go.Figure:
    """Accuracy against range shown for turns of the popularity dial, and where it stands."""
    figure = _figure(260)
    figure.add_scatter(
        x=[point["coverage"] for point in points], y=[point["ndcg"] for point in points], mode="lines+markers",
        line={"color": palette.NEUTRAL, "width": 2}, marker={"size": 7}, showlegend=False,
        customdata=[point["popularity"] for point in points],
        hovertemplate="dial at %{customdata:.2f}<br>NDCG@10 %{y:.4f}<br>range shown %{x:.1%}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=[here["coverage"]], y=[here["ndcg"]], mode="markers+text", text=["these rules"], textposition="top center",
        marker={"size": 14, "color": palette.OURS}, showlegend=False, cliponaxis=False,
        hovertemplate="these rules<br>NDCG@10 %{y:.4f}<br>range shown %{x:.1%}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title="Share of all products shown to somebody", tickformat=".0%")
    figure.update_yaxes(title="NDCG@10, validation set", tickformat=".3f")
    return figure

"""Figures of a dataset: how demand is spread, and over which categories."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from recsys.charts.base import CLEAR
from recsys.utils import formatting as fmt
from recsys.utils import palette

HEIGHT = 300


def long_tail(tail: Mapping[str, Any]) -> go.Figure:
    """Share of the pairs of user and item that bestsellers make, by share of the items."""
    figure = _figure(HEIGHT)
    figure.add_scatter(
        x=[0.0, *tail["items"]],
        y=[0.0, *tail["pairs"]],
        mode="lines",
        fill="tozeroy",
        fillcolor=palette.with_alpha(palette.OURS, 0.15),
        line={"color": palette.OURS, "width": 2.5},
        hovertemplate="the first %{x:.1%} of the products<br>make %{y:.1%} of the pairs<extra></extra>",
        showlegend=False,
    )
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": palette.NEUTRAL, "width": 1.5, "dash": "dot"},
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    figure.update_xaxes(title="Products, bestsellers first", tickformat=".0%", range=[0, 1])
    figure.update_yaxes(title="Pairs of shopper and product", tickformat=".0%", range=[0, 1.02])
    return figure


def category_tree(tree: Sequence[Mapping[str, Any]]) -> go.Figure:
    """The categories of the two widest levels, sized by pairs of shopper and product."""
    top: dict[str, list[int]] = {}
    for entry in tree:
        sums = top.setdefault(entry["path"][0], [0, 0])
        sums[0] += entry["pairs"]
        sums[1] += entry["items"]
    nodes = [(name, name, "", pairs, items) for name, (pairs, items) in top.items()]
    nodes += [
        (" / ".join(entry["path"]), entry["path"][1], entry["path"][0], entry["pairs"], entry["items"])
        for entry in tree
        if len(entry["path"]) > 1
    ]
    colours = {name: palette.CATEGORIES[n % len(palette.CATEGORIES)] for n, name in enumerate(top)}
    of_nodes = [colours[parent or key] for key, _, parent, *_ in nodes]
    figure = _figure(HEIGHT)
    figure.add_treemap(
        ids=[escape(key) for key, *_ in nodes],
        labels=[escape(label) for label in fmt.distinct([label for _, label, *_ in nodes], 30)],
        parents=[escape(parent) for _, _, parent, *_ in nodes],
        values=[pairs for *_, pairs, _ in nodes],
        branchvalues="total",
        marker={"colors": of_nodes, "cornerradius": 3},
        textfont={"color": [palette.ink_on(colour) for colour in of_nodes]},
        customdata=[items for *_, items in nodes],
        hovertemplate="%{label}<br>%{value:,} pairs, %{customdata:,} products<extra></extra>",
        tiling={"pad": 2},
        pathbar={"visible": False},
    )
    figure.update_layout(margin={"l": 0, "r": 0, "t": 4, "b": 0})
    return figure


def _figure(height: int) -> go.Figure:
    return go.Figure(
        layout={
            "height": height, "margin": {"l": 8, "r": 16, "t": 12, "b": 44}, "paper_bgcolor": CLEAR,
            "plot_bgcolor": CLEAR, "dragmode": False, "xaxis": {"automargin": True}, "yaxis": {"automargin": True},
        }
    )  # fmt: skip

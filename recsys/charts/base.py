"""Plotly figures from plain values. Backgrounds are transparent and text has no colour, so any theme can hold them.

Names and titles come from people's files: everything that Plotly would read as markup is escaped here.
"""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import accumulate

import pandas as pd
import plotly.graph_objects as go

from recsys import columns as c
from recsys.utils import formatting as fmt
from recsys.utils import palette
from recsys.views.home.overview import Ratio

CLEAR = "rgba(0,0,0,0)"
ROW = 34
"""Height in pixels of one row of a chart with names at its left."""


def learning_curves(curves: Mapping[str, Sequence[Mapping[str, float]]], *, height: int = 260) -> go.Figure:
    """Validation NDCG@10 by pass: the first curve is the one to watch, the others are for comparison.

    Args:
        curves: name of a run or model, to its points (`epoch`, `ndcg`).
    """
    figure = _figure(height)
    for number, (name, points) in enumerate(curves.items()):
        first = number == 0
        epochs = [point["epoch"] for point in points]
        values = [point["ndcg"] for point in points]
        figure.add_scatter(
            x=epochs,
            y=values,
            name=escape(name),
            mode="lines+markers" if first else "lines",
            line={"color": palette.OURS if first else palette.OTHER, "width": 2.5 if first else 2,
                  "dash": "solid" if first else "dot", "shape": "spline", "smoothing": 0.4},
            marker={"size": 7},
            hovertemplate="pass %{x}<br>NDCG@10 %{y:.4f}<extra>" + escape(name) + "</extra>",
        )  # fmt: skip
        if first and values:
            best = max(range(len(values)), key=values.__getitem__)
            figure.add_scatter(
                x=[epochs[best]],
                y=[values[best]],
                mode="markers",
                marker={"size": 15, "color": CLEAR, "line": {"color": palette.OURS, "width": 2}},
                name="best so far",
                hoverinfo="skip",
                showlegend=False,
            )
    epochs = [point["epoch"] for points in curves.values() for point in points] or [1]
    least, most = min(epochs), max(epochs)
    figure.update_xaxes(title="Pass", dtick=1 if most <= 20 else None, range=[least - 0.3, max(most, 5) + 0.3])
    reached = [point["ndcg"] for points in curves.values() for point in points] or [0.0]
    figure.update_yaxes(
        title="NDCG@10 on the validation set", tickformat=value_ticks(min(reached), max(reached)), nticks=6
    )
    return figure


def against_popular(ratios: Sequence[Ratio]) -> go.Figure:
    """Metrics as multiples of those of bestsellers, with 95% intervals; the grey band is theirs."""
    figure = _figure(ROW * len(ratios) + 96)
    names = [escape(ratio.title) for ratio in ratios]
    figure.add_bar(
        y=names,
        x=[ratio.popular_high - ratio.popular_low for ratio in ratios],
        base=[ratio.popular_low for ratio in ratios],
        orientation="h",
        name="Bestsellers, 95% interval",
        marker={"color": palette.with_alpha(palette.NEUTRAL, 0.35), "line": {"width": 0}},
        width=0.62,
        hoverinfo="skip",
    )
    figure.add_scatter(
        y=names,
        x=[ratio.value for ratio in ratios],
        mode="markers",
        name="This model, 95% interval",
        marker={"size": 11, "color": palette.OURS},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [ratio.high - ratio.value for ratio in ratios],
            "arrayminus": [ratio.value - ratio.low for ratio in ratios],
            "color": palette.OURS,
            "thickness": 2.5,
            "width": 0,
        },
        customdata=[[escape(ratio.detail)] for ratio in ratios],
        hovertemplate="%{y}: %{x:.2f} times bestsellers<br>%{customdata[0]}<extra></extra>",
    )
    figure.add_vline(x=1, line={"color": palette.NEUTRAL, "width": 1.5})
    figure.update_xaxes(title="Times what bestsellers reach", tickformat=".1f", ticksuffix=" ×")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def category_mix(mix: pd.DataFrame) -> go.Figure:
    """Shares of categories in a shopper's history, in the recommendations and in the whole shop, one row each.

    Args:
        mix: `category` (text), `history`, `recommended`, `shop` (shares from 0 to 1), in the order to show.
    """
    figure = _figure(44 * len(mix) + 96)
    names = rows(figure, mix[c.CATEGORY].tolist(), 30)
    for name, before, after in zip(names, mix["history"], mix["recommended"], strict=True):
        figure.add_scatter(
            y=[name, name],
            x=[before, after],
            mode="lines",
            line={"color": palette.with_alpha(palette.NEUTRAL, 0.55), "width": 3},
            hoverinfo="skip",
            showlegend=False,
        )
    series = (
        ("shop", "Whole shop", {"symbol": "line-ns", "size": 15, "line": {"width": 2.5, "color": palette.NEUTRAL}}),
        ("history", "Bought so far", {"size": 12, "color": palette.OTHER}),
        ("recommended", "Recommended", {"size": 12, "color": palette.OURS}),
    )
    for column, title, marker in series:
        figure.add_scatter(
            y=names,
            x=mix[column],
            mode="markers",
            name=title,
            marker={"color": palette.NEUTRAL, **marker},
            customdata=[escape(name) for name in mix[c.CATEGORY]],
            hovertemplate="%{customdata}<br>" + title + ": %{x:.1%}<extra></extra>",
        )
    most = float(mix[["history", "recommended", "shop"]].to_numpy().max(initial=0.1))
    figure.update_xaxes(title="Share of products", range=[-0.03 * most, 1.05 * most], zeroline=False)
    figure.update_xaxes(tickformat=share_ticks(0, most))
    return figure


def score_parts(parts: Sequence[tuple[str, float]]) -> go.Figure:
    """The parts of a score as a waterfall, from nothing to their sum.

    Args:
        parts: name and value of each part, in the order to show.
    """
    figure = _figure(ROW * (len(parts) + 1) + 70)
    titles = [*(name for name, _ in parts), "Together"]
    figure.add_waterfall(
        orientation="h",
        y=rows(figure, titles, 30),
        x=[*(value for _, value in parts), 0.0],
        measure=[*("relative" for _ in parts), "total"],
        text=[*(fmt.signed(value) for _, value in parts), f"{sum(value for _, value in parts):.2f}"],
        customdata=[escape(title) for title in titles],
        textposition="outside",
        cliponaxis=False,
        connector={"line": {"color": palette.with_alpha(palette.NEUTRAL, 0.5), "width": 1}},
        increasing={"marker": {"color": palette.OURS}},
        decreasing={"marker": {"color": palette.AGAINST}},
        totals={"marker": {"color": palette.NEUTRAL}},
        hovertemplate="%{customdata}: %{text}<extra></extra>",
        showlegend=False,
    )
    ends = [0.0, *accumulate(value for _, value in parts)]
    room = 0.2 * (max(ends) - min(ends) or 1.0)
    figure.update_xaxes(
        title="Score", zeroline=True, range=[min(ends) - (room if min(ends) < 0 else 0), max(ends) + room]
    )
    figure.update_yaxes(showgrid=False)
    return figure


def rows(figure: go.Figure, titles: Sequence[str], length: int, keys: Sequence[str] = ()) -> list[str]:
    """What a chart with names at its left uses as y: one key for each row, so that no two rows become one, whatever
    they are called. Their names, cut so that they stay different, stand at the axis; the first row at the top.

    Args:
        keys: what each row is about, an item id; its place by default.
    """
    y = [escape(key) for key in keys] if keys else [str(place) for place in range(len(titles))]
    labels = fmt.distinct(titles, length, keys)
    figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=y, tickmode="array", tickvals=y,
        ticktext=[escape(label) for label in labels], range=[len(y) - 0.5, -0.5],
    )  # fmt: skip
    return y


def share_ticks(low: float, high: float) -> str:
    """The format of an axis of shares, with so many digits that no two of about six ticks read the same."""
    step = abs(high - low) / 6
    return ".0%" if step >= 0.01 else ".1%" if step >= 0.001 else ".2%"


def value_ticks(low: float, high: float) -> str:
    """The same for an axis of figures such as NDCG@10."""
    step = abs(high - low) / 6
    return ".3f" if step >= 0.001 or step == 0 else ".4f" if step >= 0.0001 else ".5f"


def _figure(height: int) -> go.Figure:
    return go.Figure(
        layout={
            "height": height,
            "margin": {"l": 8, "r": 16, "t": 36, "b": 44},
            "paper_bgcolor": CLEAR,
            "plot_bgcolor": CLEAR,
            "legend": {
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "y": 1.0,
                "yanchor": "bottom",
                "title": {"text": ""},
            },
            "hovermode": "closest",
            "dragmode": False,
            "barmode": "overlay",
            "xaxis": {"automargin": True},
            "yaxis": {"automargin": True},
        }
    )


def blank(height: int) -> go.Figure:
    """An empty figure in the style of all others."""
    return _figure(height)

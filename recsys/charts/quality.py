"""Figures of the Quality page."""

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from recsys.charts import base
from recsys.utils import palette
from recsys.views.quality import Bar, SegmentRow

ROW = 34
MEASURES = {"ndcg": "NDCG@10", "recall": "Share of what was bought that stood among the 10 shown"}


def methods(bars: Sequence[Bar], axis: str = "NDCG@10") -> go.Figure:
    """Methods with 95% intervals, best first."""
    figure = base.blank(ROW * len(bars) + 96)
    for ours, title, colour in ((True, "This model", palette.OURS), (False, "Other methods", palette.NEUTRAL)):
        part = [bar for bar in bars if bar.ours == ours]
        figure.add_scatter(
            y=[escape(bar.name) for bar in part],
            x=[bar.value for bar in part],
            mode="markers",
            name=f"{title}, 95% interval",
            marker={"size": 12 if ours else 10, "color": colour},
            error_x=_interval(part, colour),
            customdata=[[escape(bar.detail)] for bar in part],
            hovertemplate="%{y}: %{x:.4f}<br>%{customdata[0]}<extra></extra>",
        )
    figure.update_xaxes(title=axis, rangemode="tozero", tickformat=".3f")
    figure.update_yaxes(
        autorange="reversed", showgrid=False, categoryorder="array", categoryarray=[escape(bar.name) for bar in bars]
    )
    return figure


def segments(rows: Sequence[SegmentRow], measure: str) -> go.Figure:
    """Segments beside bestsellers, those that gain least first."""
    figure = base.blank(ROW * len(rows) + 96)
    names = base.rows(figure, [row.title for row in rows], 34)
    figure.add_scatter(
        y=names, x=[row.popular for row in rows], mode="markers", name="Bestsellers",
        marker={"size": 10, "symbol": "line-ns", "line": {"width": 3, "color": palette.NEUTRAL}},
        customdata=[escape(row.title) for row in rows],
        hovertemplate="%{customdata}: %{x:.4f}<extra>bestsellers</extra>",
    )  # fmt: skip
    figure.add_scatter(
        y=names, x=[row.value for row in rows], mode="markers", name="This model, 95% interval",
        marker={"size": 11, "color": palette.OURS}, error_x=_interval(rows, palette.OURS),
        customdata=[[escape(row.title), f"{row.users:,} shoppers, {row.verdict}"] for row in rows],
        hovertemplate="%{customdata[0]}: %{x:.4f}<br>%{customdata[1]}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title=MEASURES.get(measure, measure), rangemode="tozero")
    figure.update_yaxes(showgrid=False)
    return figure


def frontier(points: Sequence[dict[str, float]], popularity: float) -> go.Figure:
    """Accuracy against catalogue coverage, for turns of the popularity dial."""
    figure = base.blank(300)
    figure.add_scatter(
        x=[point["coverage"] for point in points],
        y=[point["ndcg"] for point in points],
        mode="lines+markers+text",
        text=[f"{point['popularity']:g}" for point in points],
        textposition="top center",
        cliponaxis=False,
        line={"color": palette.with_alpha(palette.OURS, 0.6), "width": 2},
        marker={"size": [15 if point["popularity"] == popularity else 9 for point in points], "color": palette.OURS},
        customdata=[[point["novelty"], point["mean_popularity"]] for point in points],
        hovertemplate="dial %{text}<br>NDCG@10 %{y:.4f}<br>catalogue coverage %{x:.1%}<br>"
        "novelty %{customdata[0]:.2f} bits<br>"
        "a product shown was bought by %{customdata[1]:,.0f} shoppers on average<extra></extra>",
        showlegend=False,
    )
    reach = [point["coverage"] for point in points]
    figure.update_xaxes(title="Catalogue coverage", tickformat=base.share_ticks(min(reach), max(reach)))
    figure.update_yaxes(title="NDCG@10, validation set", tickformat=".4f")
    return figure


def cold_users(points: Sequence[tuple[str, float, float, float]], references: Sequence[tuple[str, float]]) -> go.Figure:
    """NDCG@10 of shoppers kept out of training, by how much of them is known."""
    figure = base.blank(300)
    names = [name for name, *_ in points]
    figure.add_scatter(
        x=names, y=[value for _, value, _, _ in points], mode="lines+markers", name="This model, 95% interval",
        line={"color": palette.OURS, "width": 2.5}, marker={"size": 9},
        error_y={"type": "data", "symmetric": False, "array": [high - value for _, value, _, high in points],
                 "arrayminus": [value - low for _, value, low, _ in points], "color": palette.OURS, "width": 0},
        hovertemplate="%{x}: %{y:.4f}<extra></extra>",
    )  # fmt: skip
    for (name, value), dash in zip(references, ("dot", "dash"), strict=False):
        figure.add_scatter(
            x=names, y=[value] * len(names), mode="lines", name=escape(name),
            line={"color": palette.NEUTRAL, "width": 2, "dash": dash}, hovertemplate="%{y:.4f}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title="What is known of the shopper", type="category")
    figure.update_yaxes(title="NDCG@10", rangemode="tozero", tickformat=".3f")
    return figure


def _interval(rows: Sequence[Bar] | Sequence[SegmentRow], colour: str) -> dict[str, object]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [row.high - row.value for row in rows],
        "arrayminus": [row.value - row.low for row in rows],
        "color": colour,
        "thickness": 2.5,
        "width": 0,
    }

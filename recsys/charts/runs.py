"""Figures over many trainings: Optuna's own, in the colours of the other charts, and curves side by side."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Literal

import optuna
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from recsys.storage.trials.training_run import TrainingRun, comparable_study
from recsys.utils import palette

Figure = Literal["parallel", "importances", "history", "contour"]
FIGURES: Mapping[str, str] = {
    "parallel": "All at once",
    "importances": "What matters",
    "history": "Over time",
    "contour": "Two at a time",
}
MEANINGS: Mapping[str, str] = {
    "parallel": "One line for each training, from its parameters to its NDCG@10 on the validation set: follow the "
    "greenest ones.",
    "importances": "How much each parameter decides about being among the better trainings. From few trainings it is "
    "a hint, no more.",
    "history": "Every training in order, and the best so far.",
    "contour": "How two parameters play together: each point is a training, colour is NDCG@10.",
}
FEWEST = 3
"""Trainings with a result that a figure needs."""

FEW_PASSES = 12
MOST_AXES = 7
"""Parameters beside each other that a reader can still tell apart."""

SCALE = ((0.0, "rgb(138,150,145)"), (0.5, "rgb(112,185,160)"), (1.0, "rgb(27,153,116)"))
COLOURS = (palette.OURS, palette.OTHER, *palette.CATEGORIES[2:])
CLEAR = "rgba(0,0,0,0)"


def trainings_figure(kind: Figure, trainings: Sequence[TrainingRun], params: Sequence[str] = ()) -> go.Figure | None:
    """One of `FIGURES`; None while there are too few trainings with a result, or nothing differs between them.

    Args:
        params: the parameters to show; by default those that differ (for "parallel" the `MOST_AXES` that matter most,
            for "contour" the first two).
    """
    study = comparable_study(trainings)
    done = [t for t in study.trials if t.state == optuna.trial.TrialState.COMPLETE]
    differing = [name for name in params or varied(trainings) if name in varied(trainings)]
    if len(done) < FEWEST or (not differing and kind != "history") or (kind == "contour" and len(differing) < 2):
        return None
    draw = optuna.visualization
    if kind == "parallel":
        differing = differing if params else _weightiest(study, differing)
        figure = draw.plot_parallel_coordinate(study, params=differing, target_name="NDCG@10")
        _recolour(figure)
        height, margin = 460, {"l": 60, "r": 30, "t": 30, "b": 30}
    elif kind == "importances":
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        figure = draw.plot_param_importances(study, evaluator=evaluator, params=differing, target_name="NDCG@10")
        figure.update_traces(marker={"color": palette.OURS})
        height, margin = 120 + 34 * len(differing), {"l": 10, "r": 30, "t": 20, "b": 44}
    elif kind == "history":
        figure = draw.plot_optimization_history(study, target_name="NDCG@10")
        figure.update_traces(marker={"color": palette.NEUTRAL, "size": 8}, selector={"mode": "markers"})
        figure.update_traces(line={"color": palette.OURS, "width": 2.5}, selector={"mode": "lines"})
        height, margin = 360, {"l": 10, "r": 20, "t": 30, "b": 44}
    else:
        figure = draw.plot_contour(study, params=differing[:2], target_name="NDCG@10")
        figure.update_traces(colorscale=SCALE, reversescale=False, selector={"type": "contour"})
        figure.update_traces(marker={"color": palette.OTHER, "line": {"width": 0}}, selector={"type": "scatter"})
        height, margin = 460, {"l": 10, "r": 20, "t": 20, "b": 44}
    return _themed(figure, height, margin)


def varied(trainings: Sequence[TrainingRun]) -> list[str]:
    """Names of the parameters that are not the same in all trainings with a result."""
    done = [t for t in comparable_study(trainings).trials if t.state == optuna.trial.TrialState.COMPLETE]
    return [name for name in (done[0].params if done else {}) if len({t.params[name] for t in done}) > 1]


def _weightiest(study: optuna.Study, names: Sequence[str]) -> list[str]:
    """The `MOST_AXES` of the parameters that decide most about being among the better trainings, in their order."""
    if len(names) <= MOST_AXES:
        return list(names)
    found = optuna.importance.get_param_importances(
        study, evaluator=optuna.importance.PedAnovaImportanceEvaluator(), params=list(names)
    )
    kept = set(list(found)[:MOST_AXES])
    return [name for name in names if name in kept]


def trade_off(trainings: Sequence[TrainingRun], front: Sequence[TrainingRun]) -> go.Figure:
    """Accuracy against catalogue coverage; the line joins those that no other beats in both."""
    done = [t for t in trainings if t.state == "done" and t.value is not None and t.coverage is not None]
    figure = go.Figure()
    for name, group, colour, mode in (
        ("Trainings", done, palette.NEUTRAL, "markers"), ("Best trade-offs", front, palette.OURS, "lines+markers"),
    ):  # fmt: skip
        figure.add_scatter(
            x=[t.coverage for t in group], y=[t.value for t in group], name=name, mode=mode,
            marker={"color": colour, "size": 8 if group is done else 11}, line={"color": colour, "shape": "vh"},
            customdata=[[t.id] for t in group],
            hovertemplate="training %{customdata[0]}<br>catalogue coverage %{x:.1%}<br>NDCG@10 %{y:.4f}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title="Catalogue coverage on the validation set", tickformat=".1%")
    figure.update_yaxes(title="NDCG@10 on the validation set", tickformat=".4f", nticks=6)
    return _themed(figure, 380, {"l": 8, "r": 16, "t": 36, "b": 44})


def curves(
    named: Mapping[str, Sequence[Mapping[str, float]]], what: Literal["ndcg", "coverage", "loss"], *, height: int = 260
) -> go.Figure:
    """One value of the learning curves by pass: the first curve is drawn strongest."""
    titles = {
        "ndcg": ("NDCG@10, validation", ".3f"),
        "coverage": ("Catalogue coverage, validation", ".1%"),
        "loss": ("Training loss (pairwise)", ".3f"),
    }
    figure = go.Figure()
    for number, (name, points) in enumerate(named.items()):
        there = [point for point in points if what in point]
        first = number == 0
        figure.add_scatter(
            x=[point["epoch"] for point in there], y=[point[what] for point in there], name=escape(name),
            mode="lines+markers" if first or len(there) == 1 else "lines",
            line={"color": COLOURS[number % len(COLOURS)], "width": 2.5 if first else 2},
            hovertemplate=f"pass %{{x}}<br>%{{y:{titles[what][1]}}}<extra>{escape(name)}</extra>",
        )  # fmt: skip
    last = max((point["epoch"] for points in named.values() for point in points), default=0)
    figure.update_xaxes(title="Pass", tickformat="d", dtick=1 if last <= FEW_PASSES else None)
    figure.update_layout(showlegend=len(named) > 1)
    figure.update_yaxes(title=titles[what][0], tickformat=titles[what][1], nticks=6)
    return _themed(figure, height, {"l": 8, "r": 16, "t": 36, "b": 44})


def _recolour(figure: go.Figure) -> None:
    """Lines of Optuna's parallel coordinates by their first value, from 0 to 1, in our scale; labels that any
    background can hold."""
    for trace in figure.data:
        if trace.mode == "lines":
            place = float(trace.y[0]) if trace.y and trace.y[0] is not None else 0.0
            colour = sample_colorscale([list(step) for step in SCALE], [place])[0]
            trace.line = {"color": colour, "width": 1 + 1.5 * place}
            trace.opacity = 0.4 + 0.6 * place
        else:
            trace.marker.colorscale = SCALE
            trace.marker.showscale = False  # the first axis has the same values
    figure.update_annotations(font={"color": palette.NEUTRAL})
    figure.update_shapes(line={"color": palette.with_alpha(palette.NEUTRAL, 0.6)})


def _themed(figure: go.Figure, height: int, margin: dict[str, int]) -> go.Figure:
    """Clear background, no title, no colour of text: the page's theme shows through."""
    figure.update_layout(
        template=None, title=None, height=height, margin=margin, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        hovermode="closest", dragmode=False,
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom", "title": {"text": ""}},
    )  # fmt: skip
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True)
    return figure

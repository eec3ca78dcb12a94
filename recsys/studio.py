"""What the Train page shows: the dials of a recipe, what a training will take, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

import pandas as pd

from recsys import words
from recsys.errors import InsiderError, InvalidInput
from recsys.hyperparameters import ALL, LOSSES, PRESETS, RANGES, Hyperparameters
from recsys.quality_view import Bar, bars_of
from recsys.runs import Run
from recsys.search import Plan
from recsys.split import held_out
from recsys.trials import Training
from recsys.workspace import Workspace

COMPARED = ("ndcg", "hit_rate", "precision", "recall", "coverage", "diversity", "novelty")
KINDS = ("train", "search")
POINTS = 30
BYTES_PER_NUMBER = 4
SEARCHED = ("loss", "start", "components", "learning_rate", "max_sampled", "half_life_days")
LIBRARY_COST = 3.5
"""How much longer the library's own engine takes for the same pairs, roughly."""

EPOCH_SECONDS_PER_MILLION = 3.0
"""Seconds of one epoch over a million pairs with the default recipe, before anything was trained on this machine."""

LOSS_MEANINGS: Mapping[str, str] = {
    "warp": "WARP: ranks bought products above others, and tries hardest at the top of the list. The usual choice.",
    "bpr": "BPR: ranks bought products above others, anywhere in the list. Faster, usually less exact at the top.",
    "logistic": "Logistic: predicts bought or not, each pair by itself. Seldom best for lists.",
    "warp-kos": "k-OS WARP: like WARP, from a shopper's k-th best purchase. Learns from each shopper once a pass.",
}

Scale = Literal["whole", "steps"]


@dataclass(frozen=True)
class Dial:
    """One slider: `steps` are the values to choose from where the scale is not even."""

    name: str
    title: str
    meaning: str
    scale: Scale
    low: int = 0
    high: int = 0
    step: int = 1
    steps: tuple[float, ...] = ()
    unit: str = ""


def _dial(name: str, title: str, unit: str = "", **where: Any) -> Dial:
    scale: Scale = "steps" if "steps" in where else "whole"
    return Dial(name, title, RANGES[name].meaning, scale, unit=unit, **where)


_ALPHAS = (0.0, 1e-7, 3e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1)
DIALS: tuple[Dial, ...] = (
    _dial("components", "Components", low=2, high=256, step=2),
    _dial("epochs", "Epochs at most", low=1, high=200),
    _dial(
        "learning_rate",
        "Learning rate",
        steps=(0.0001, 0.0003, 0.001, 0.003, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0),
    ),
    _dial("max_sampled", "Products tried per purchase", steps=(1, 3, 5, 10, 20, 30, 50, 100, 150, 200, 300, 500, 1000)),
    _dial("item_alpha", "Restraint on products", steps=_ALPHAS),
    _dial("user_alpha", "Restraint on shoppers", steps=_ALPHAS),
    _dial(
        "half_life_days",
        "Purchases count half after",
        "days",
        steps=(0, 7, 14, 21, 30, 45, 60, 90, 120, 180, 270, 365, 730, 1095, 3650),
    ),
    _dial("patience", "Patience", "epochs", low=1, high=50),
    _dial("variety", "Accuracy given for variety", steps=(0.0, 0.01, 0.02, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.5)),
)


def steps_of(dial: Dial, current: float) -> list[float]:
    """The values of an uneven dial, with the current one among them."""
    return sorted({*dial.steps, current})


def step_label(dial: Dial, value: float) -> str:
    """A value of a dial as people read it."""
    if value == 0:
        return "all alike" if dial.name == "half_life_days" else "none"
    if dial.name == "variety":
        return f"{value:.0%}"
    return f"{value:g} {dial.unit}".strip()


@dataclass(frozen=True)
class Columns:
    """What of a dataset a model may learn from."""

    category_levels: tuple[str, ...]
    user_attributes: tuple[str, ...]
    pairs: int
    users: int
    items: int


def columns_of(workspace: Workspace, dataset: str) -> Columns:
    """The feature columns and sizes of a stored dataset, without reading it."""
    manifest = workspace.store.dataset_manifest(dataset)
    summary = manifest["summary"]
    return Columns(
        tuple(manifest["category_levels"]),
        tuple(manifest["user_attributes"]),
        int(summary["pairs"]),
        int(summary["users"]),
        int(summary["items"]),
    )


def starting_points(workspace: Workspace) -> dict[str, str]:
    """Where the dials may start from: key to title. Presets first, then the live model, then the newest trainings."""
    points = {f"preset:{name}": f"Preset “{name}”" for name in PRESETS}
    if (live := _live_manifest(workspace)) is not None:
        points["live"] = f"The live model, {live['id']}"
    for training in workspace.trials.all()[:POINTS]:
        if (recipe := training.hyperparameters) is None:
            continue
        value = "" if training.value is None else f" · {words.measured(training.value, is_share=False)}"
        points[f"training:{training.id}"] = f"Training {training.id}{value} · {recipe_words(recipe)}"
    return points


def recipe_at(workspace: Workspace, point: str) -> Hyperparameters:
    """The recipe of a starting point."""
    kind, _, name = point.partition(":")
    if kind == "training" and name.isdecimal():
        return Hyperparameters.from_dict(workspace.trials.get(int(name)).recipe)
    if kind == "live":
        return Hyperparameters.from_dict((_live_manifest(workspace) or {"recipe": {}})["recipe"])
    if name not in PRESETS:
        raise InvalidInput(f"No starting point {point!r}.")
    return PRESETS[name]


def chosen(names: tuple[str, ...], available: tuple[str, ...]) -> list[str]:
    """Which of the available columns a recipe uses: `("all",)` written out."""
    return list(available) if ALL in names else [name for name in available if name in names]


def recipe_of(start: Hyperparameters, dials: Mapping[str, Any], columns: Columns) -> Hyperparameters:
    """The recipe that the dials show; what has no dial stays as it was.

    Raises:
        InvalidInput: a value that cannot be, or no item feature left.
    """
    settings = dict(dials)
    for name, available in (("category_levels", columns.category_levels), ("user_attributes", columns.user_attributes)):
        picked = tuple(settings[name])
        settings[name] = (ALL,) if picked and picked == available else picked
    return replace(start, **settings)


def recipe_words(recipe: Hyperparameters) -> str:
    """A recipe in a line: "warp · 32 components · at most 20 epochs"."""
    passes = "1 epoch" if recipe.epochs == 1 else f"{recipe.epochs} epochs"
    return f"{recipe.loss} · {recipe.components} components · at most {passes}"


@dataclass(frozen=True)
class Estimate:
    """What a training will take: usual seconds and the most, bytes of memory, and all of it in words."""

    usual: float
    seconds: float
    bytes: float
    words: str


def estimate(workspace: Workspace, dataset: str, recipe: Hyperparameters) -> Estimate:
    """How long a training will take and how much memory it needs.

    Goes by the newest model on the same data: what it took beside its epochs, scaled by the size of the start, and its
    epochs, scaled by pairs times work per pair; `usual` has as many as it needed, `seconds` all: the most.
    Without such a model all epochs of a common machine, twice: once to find the best number, once on all purchases.
    """
    columns = columns_of(workspace, dataset)
    work = columns.pairs * _work_per_pair(recipe)
    known = next((model for model in workspace.models() if model["dataset"] == dataset and model["curve"]), None)
    if known is None:
        per_epoch = EPOCH_SECONDS_PER_MILLION * work / 1e6 / _work_per_pair(PRESETS["default"])
        seconds = usual = 2 * per_epoch * recipe.epochs
        takes = f"At most about {words.duration(max(seconds, 1))}; no training on this data to go by yet"
    else:
        before = Hyperparameters.from_dict(known["recipe"])
        first, last = known["curve"][0], known["curve"][-1]
        total = known["seconds"] or last["seconds"]
        then = (last["seconds"] - first["seconds"]) / max(last["epoch"] - first["epoch"], 1)
        if first is last:
            then = last["seconds"] / max(last["epoch"], 1)
        then = min(then, total / max(last["epoch"], 1))
        per_epoch = then * work / (columns.pairs * _work_per_pair(before))
        beside = (total - then * last["epoch"]) * _work_beside(recipe) / _work_beside(before)
        usual = beside + per_epoch * min(last["epoch"], recipe.epochs)
        seconds = max(beside + 2 * per_epoch * recipe.epochs, usual)
        takes = (
            f"About {words.duration(max(usual, 1))}, at most {words.duration(max(seconds, 1))} if every epoch is "
            f"needed, going by model {known['id']}"
        )
    numbers = (columns.users + 2 * columns.items) * (recipe.components + 1) * 3 + 12 * columns.pairs
    size = float(BYTES_PER_NUMBER * numbers)
    return Estimate(
        usual,
        seconds,
        size,
        f"{takes}. {max(size / 1e6, 1):,.0f} MB of memory beside the program itself.",
    )


def search_words(workspace: Workspace, dataset: str, recipe: Hyperparameters, trials: int) -> str:
    """What a search will take, in a sentence."""
    seconds = estimate(workspace, dataset, recipe).seconds / 2 * trials
    return f"{trials} trainings take up to about {words.duration(max(seconds, 1))}; bad ones are stopped early."


def plan(
    dataset: str, recipe: Hyperparameters, name: str, trials: int, minutes: float, objective: str, seed: int
) -> Plan:
    """A search as the page's widgets say; one without a name gets the time as its name."""
    return Plan(
        dataset, name.strip() or f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}", trials, recipe, minutes or None,
        objective, seed,  # type: ignore[arg-type]  # Plan checks the objective
    )  # fmt: skip


def trainings(workspace: Workspace, limit: int = 20) -> list[Run]:
    """The newest runs that somebody started to train, newest first; the demo's own job is none of them."""
    return [run for run in workspace.runs(200) if run.kind in KINDS][:limit]


def run_to_show(workspace: Workspace, wanted: int | None) -> Run | None:
    """The run asked for, or else the one under way, or else the newest training; None when there is none."""
    found = trainings(workspace, 200)
    by_id = {run.id: run for run in found}
    if wanted in by_id:
        return by_id[wanted]
    under_way = [run for run in found if run.active]
    return under_way[-1] if under_way else (found[0] if found else None)


def waiting_for(workspace: Workspace, run: Run) -> str:
    """Why a queued run does not move, in a sentence; empty when it does."""
    if run.state != "queued":
        return ""
    ahead = [other for other in workspace.runs(200) if other.active and other.id < run.id and other.kind != "map"]
    if not ahead:
        return "It starts in a moment."
    names = words.joined([f"run {other.id} ({_kind_words(other)})" for other in reversed(ahead)])
    return f"Waiting for {names} to end; it starts by itself."


def _kind_words(run: Run) -> str:
    return {"demo": "the first model", "train": "a training", "search": "a search"}.get(run.kind, run.kind)


@dataclass(frozen=True)
class Line:
    """One metric of a finished training beside the live model; plain text, intervals in brackets."""

    title: str
    meaning: str
    ours: str
    live: str
    popular: str


@dataclass(frozen=True)
class Outcome:
    """What came of a training.

    Attributes:
        verdict: one sentence against the live model, and whether the difference is more than chance can do.
        standing: "live", "candidate" (could be promoted) or "gone" (was deleted).
        note: why it cannot be held against the live model; empty when it can.
        bars: it beside the simple methods that it was judged with.
        worries: what the health checks found that deserves a look.
    """

    model_id: str
    standing: Literal["live", "candidate", "gone"]
    verdict: str
    note: str
    lines: tuple[Line, ...]
    curves: Mapping[str, list[dict[str, float]]]
    bars: tuple[Bar, ...] = ()
    worries: tuple[str, ...] = ()


def outcome(workspace: Workspace, run: Run) -> Outcome | None:
    """What came of a run, beside the live model; None while there is nothing."""
    if run.model is None:
        return None
    live = _live_manifest(workspace)
    try:
        manifest = workspace.store.model_manifest(run.model)
    except InsiderError as error:
        return Outcome(run.model, "gone", "Its model is no longer there", str(error), (), curves(workspace, run))
    is_live = live is not None and live["id"] == run.model
    note = "" if live is None or is_live else _why_not_comparable(manifest, live)
    other = None if live is None or is_live or note else live
    return Outcome(
        model_id=run.model,
        standing="live" if is_live else "candidate",
        verdict=_verdict(manifest, other, is_live),
        note=note or ("" if manifest["split"]["kind"] == "time" else f"Judged on {held_out(manifest['split'])}."),
        lines=_lines(manifest, other),
        curves=curves(workspace, run),
        bars=bars_of(manifest["metrics"], "discover"),
        worries=worries(manifest),
    )


def worries(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """What the health checks of a training found that is not good, worst first."""
    checks = manifest.get("health", {}).get("checks", ())
    return tuple(f"{check['name']}: {check['sentence']}" for check in checks if check["state"] != "good")


def curves(workspace: Workspace, run: Run) -> dict[str, list[dict[str, float]]]:
    """The learning curve of a run, and that of the live model where it learned from the same data."""
    found = {run_title(run): run.curve}
    live = _live_manifest(workspace)
    if live is not None and live["id"] != run.model and live["dataset"] == run.dataset and live.get("curve"):
        found["Live model"] = live["curve"]
    return found


def board(workspace: Workspace, run: Run) -> tuple[pd.DataFrame, list[Training], list[Training]]:
    """A search so far, best first: as a table, and its trainings and best trade-offs for the charts."""
    from recsys.search import PREFIX, pareto

    name = PREFIX + run.recipe["name"]
    found = [training for training in workspace.trials.all(run.dataset) if training.study == name]
    found.sort(key=lambda t: (t.state != "done", t.state != "pruned", -(t.value or 0.0), t.id))
    rows = [
        {
            "training": t.id, "state": t.state, "ndcg": t.value, "coverage": t.coverage,
            **{key: t.recipe.get(key) for key in SEARCHED},
            "seconds": t.seconds, "note": t.reason,
        }
        for t in found
    ]  # fmt: skip
    return pd.DataFrame(rows), found, pareto(found) if run.recipe["objective"] == "variety" else []


def earlier_model(workspace: Workspace) -> str | None:
    """The version that a rollback would bring back, or None."""
    there = set(workspace.store.models())
    return next((model for model in workspace.store.live()[1] if model in there), None)


def live_words(workspace: Workspace) -> str:
    """The live model in a line."""
    live = _live_manifest(workspace)
    if live is None:
        return "No model is live yet."
    return f"Model {live['id']}, trained {words.ago(datetime.fromisoformat(live['created']))} on “{live['dataset']}”"


def run_title(run: Run) -> str:
    """ "Run 12", or "Search 13"."""
    return f"{'Search' if run.kind == 'search' else 'Run'} {run.id}"


def run_noun(run: Run) -> str:
    """ "training" or "search"."""
    return "search" if run.kind == "search" else "training"


def run_words(run: Run) -> str:
    """Recipe, seed, data and duration of a run in a line."""
    if run.kind == "search":
        budget = [f"{run.recipe['trials']} trainings"]
        if run.recipe["minutes"] is not None:
            budget.append(f"at most {run.recipe['minutes']:g} minutes")
        parts = [f"“{run.recipe['name']}”", *budget, run.recipe["objective"], f"data “{run.dataset}”"]
    else:
        parts = [recipe_words(Hyperparameters.from_dict(run.recipe)), f"seed {run.seed}", f"data “{run.dataset}”"]
    if run.ended and run.started:
        parts.append(f"took {words.duration((run.ended - run.started).total_seconds())}")
    return " · ".join(parts)


def _work_per_pair(recipe: Hyperparameters) -> float:
    """Relative cost of one pair: a fixed part, and one that grows with the components and the products tried."""
    engine = LIBRARY_COST if recipe.engine == "library" else 1.0
    return engine * (8.0 + recipe.components) * (1.0 + recipe.max_sampled / 100.0)


def _work_beside(recipe: Hyperparameters) -> float:
    """Relative cost of everything but epochs: a fixed part, and the components of all views of a decomposed start."""
    return 200.0 + (0 if recipe.start == "random" else recipe.components * recipe.start_views)


def _live_manifest(workspace: Workspace) -> dict[str, Any] | None:
    live = workspace.live_id()
    try:
        return None if live is None else workspace.store.model_manifest(live)
    except InsiderError:
        return None


def _why_not_comparable(manifest: Mapping[str, Any], live: Mapping[str, Any]) -> str:
    if manifest["dataset"] != live["dataset"]:
        return (
            f"The live model learned from “{live['dataset']}”, this one from “{manifest['dataset']}”: "
            "their figures say nothing about each other."
        )
    if manifest["fingerprint"] != live["fingerprint"] or manifest["split"] != live["split"]:
        return (
            f"Dataset “{live['dataset']}” has changed since the live model was trained: the two were judged on "
            "different purchases. Train the live model's recipe again to compare."
        )
    return ""


def _verdict(manifest: Mapping[str, Any], live: Mapping[str, Any] | None, is_live: bool) -> str:
    ours, popular = (_discover(manifest, method).get("ndcg", {}) for method in ("model", "popular"))
    if is_live or live is None:
        gain = words.change(ours.get("value"), popular.get("value"))
        return f"{'This is the live model: ' if is_live else ''}NDCG@10 {gain} than most popular"
    theirs = _discover(live, "model").get("ndcg", {})
    gain = words.change(ours.get("value"), theirs.get("value"))
    if None in (ours.get("low"), theirs.get("low")):
        return f"NDCG@10 {gain} than the live model"
    apart = ours["low"] > theirs["high"] or theirs["low"] > ours["high"]
    sure = "more than chance explains" if apart else "the intervals overlap, so it may be chance"
    return f"NDCG@10 {gain} than the live model; {sure}" if gain != "the same" else "NDCG@10 the same as the live model"


def _lines(manifest: Mapping[str, Any], live: Mapping[str, Any] | None) -> tuple[Line, ...]:
    measures = words.measures(manifest["metrics"]["k"])
    found = []
    for name in COMPARED:
        measure = measures[name]
        cells = [
            words.interval(side.get(name, {}), is_share=measure.share)
            for side in (_discover(manifest, "model"), _discover(live, "model"), _discover(manifest, "popular"))
        ]
        found.append(Line(measure.title, measure.meaning, *cells))
    return tuple(found)


def _discover(manifest: Mapping[str, Any] | None, method: str) -> dict[str, Any]:
    return {} if manifest is None else manifest["metrics"]["lanes"]["discover"].get(method, {})


__all__ = ["DIALS", "LOSSES", "LOSS_MEANINGS", "Dial", "Outcome", "estimate", "outcome", "trainings"]

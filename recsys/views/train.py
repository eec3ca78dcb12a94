"""What the Train page shows of trainings: where to start from, how far they are, and what came of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import pandas as pd

from recsys.dataset.splitting import protocol_note
from recsys.errors import InsiderError, InvalidInput
from recsys.models.hyperparameters import PRESETS, Hyperparameters, acting
from recsys.models.manifest import ModelManifest
from recsys.services.workspace import Workspace
from recsys.storage.jobs import Job, Kind
from recsys.storage.model_names import ModelNames
from recsys.storage.trials.finished_runs import trainings_of_jobs
from recsys.storage.trials.training_run import TrainingRun
from recsys.training.search import SearchPlan
from recsys.utils import formatting as fmt
from recsys.views.dials.account import account
from recsys.views.dials.learning import Learning, learning
from recsys.views.dials.recipe_form import learner_title, recipe_words
from recsys.views.quality import Bar, bars_of

COMPARED = ("ndcg", "hit_rate", "precision", "recall", "coverage", "diversity", "novelty")
KINDS: tuple[Kind, ...] = ("train", "search")
POINTS = 30
SEARCHED = ("learner", "components", "regularisation", "sharing", "popularity_lift", "half_life_days", "learning_rate")


def starting_points(workspace: Workspace) -> dict[str, str]:
    """Where the dials may start from: key to title. Presets first, then the live model, then the newest trainings."""
    points = {f"preset:{name}": f"Preset “{name}”" for name in PRESETS}
    if (live := workspace.live_manifest()) is not None:
        points["live"] = f"The live model, {ModelNames(workspace.database).of(live.id)}"
    for training in workspace.training_runs.all()[:POINTS]:
        if (recipe := training.hyperparameters) is None:
            continue
        value = "" if training.value is None else f" · {fmt.measured(training.value, is_share=False)}"
        points[f"training:{training.id}"] = f"Training {training.id}{value} · {recipe_words(recipe)}"
    return points


def recipe_at(workspace: Workspace, point: str) -> Hyperparameters:
    """The recipe of a starting point."""
    kind, _, name = point.partition(":")
    if kind == "training" and name.isdecimal():
        return Hyperparameters.from_dict(workspace.training_runs.get(int(name)).recipe)
    if kind == "live":
        return live.recipe if (live := workspace.live_manifest()) is not None else Hyperparameters.from_dict({})
    if name not in PRESETS:
        raise InvalidInput(f"No starting point {point!r}.")
    return PRESETS[name]


def plan(
    dataset: str, recipe: Hyperparameters, name: str, trials: int, minutes: float, objective: str, seed: int
) -> SearchPlan:
    """A search as the page's widgets say; one without a name gets the time as its name."""
    return SearchPlan(
        dataset, name.strip() or f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}", trials, recipe, minutes or None,
        objective, seed,  # type: ignore[arg-type]  # Plan checks the objective
    )  # fmt: skip


def trainings(workspace: Workspace, limit: int = 20) -> list[Job]:
    """The newest runs that somebody started to train, newest first; the demo's own job is none of them."""
    return workspace.job_store.newest(limit, kinds=KINDS)


def run_to_show(workspace: Workspace, wanted: int | None) -> Job | None:
    """The run asked for, or else the one under way, or else the newest training; None when there is none."""
    found = trainings(workspace, 200)
    by_id = {run.id: run for run in found}
    if wanted in by_id:
        return by_id[wanted]
    under_way = [run for run in found if run.active]
    return under_way[-1] if under_way else (found[0] if found else None)


def waiting_for(workspace: Workspace, run: Job) -> str:
    """Why a queued run does not move, in a sentence; empty when it does."""
    if run.state != "queued":
        return ""
    ahead = [
        other
        for other in workspace.job_store.newest(200, active=True)
        if other.id < run.id and other.kind not in ("map", "rough")
    ]
    if not ahead:
        return "It starts in a moment."
    numbers = training_numbers(workspace)
    names = fmt.joined([_in_sentence(other, numbers) for other in reversed(ahead)])
    return f"Waiting for {names} to end; it starts by itself."


def _in_sentence(run: Job, numbers: Mapping[int, int]) -> str:
    other = {"demo": "the first model", "import": f"the import of “{run.dataset}”", "quality": "an assessment"}
    title = run_title(run, numbers)
    return other.get(run.kind) or title[:1].lower() + title[1:]


def training_numbers(workspace: Workspace) -> dict[int, int]:
    """The number of the training of each job that trains once, by the job's own number."""
    return {job: training for job, (training, _) in trainings_of_jobs(workspace.training_runs).items()}


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
        verdict: one sentence against bestsellers. What would change against the live model is a promotion's preview.
        standing: "live", "candidate" (could be promoted) or "gone" (was deleted).
        note: why it cannot be held against the live model; empty when it can.
        bars: it beside the simple methods that it was judged with.
        worries: what the health checks found that deserves a look.
        told: how the training went, in sentences.
    """

    model_id: str
    standing: Literal["live", "candidate", "gone"]
    verdict: str
    note: str
    lines: tuple[Line, ...]
    curve: Learning
    bars: tuple[Bar, ...] = ()
    worries: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


def outcome(workspace: Workspace, run: Job) -> Outcome | None:
    """What came of a run, beside the live model; None while there is nothing."""
    if run.model is None:
        return None
    live = workspace.live_manifest()
    try:
        manifest = workspace.store.model_manifest(run.model)
    except InsiderError as error:
        return Outcome(run.model, "gone", "Its model is no longer there.", str(error), (), curve(workspace, run))
    is_live = live is not None and live.id == run.model
    note = "" if live is None or is_live else _why_not_comparable(manifest, live)
    other = None if live is None or is_live or note else live
    return Outcome(
        model_id=run.model,
        standing="live" if is_live else "candidate",
        verdict=_verdict(manifest, is_live),
        note=note or protocol_note(manifest.split),
        lines=_lines(manifest, other),
        curve=curve(workspace, run),
        bars=bars_of(manifest.metrics, "discover"),
        worries=worries(manifest),
        told=account(manifest, ModelNames(workspace.database).of).told,
    )


def worries(manifest: ModelManifest) -> tuple[str, ...]:
    """What the health checks of a training found that is not good, worst first."""
    checks = manifest.health.get("checks", ())
    return tuple(f"{check['name']}: {check['sentence']}" for check in checks if check["state"] != "good")


def curve(workspace: Workspace, run: Job) -> Learning:
    """The learning curve of a run on validation, with what it is to be held against."""
    return learning(workspace, run, run_title(run, training_numbers(workspace)))


def board(workspace: Workspace, run: Job) -> tuple[pd.DataFrame, list[TrainingRun], list[TrainingRun]]:
    """A search so far, best first: as a table, and its trainings and best trade-offs for the charts."""
    from recsys.training.search import PREFIX, pareto

    name = PREFIX + run.recipe["name"]
    found = [training for training in workspace.training_runs.all(run.dataset) if training.study == name]
    found.sort(key=lambda t: (t.state != "done", t.state != "pruned", -(t.value or 0.0), t.id))
    rows = [
        {
            "training": t.id, "state": t.state, "ndcg": t.value, "coverage": t.coverage,
            **{key: acting(t.recipe, key) for key in SEARCHED},
            "learner": learner_title(t.recipe.get("learner")),
            "seconds": fmt.duration(t.seconds), "note": t.reason,
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
    live = workspace.live_manifest()
    if live is None:
        return "No model is live yet."
    name = ModelNames(workspace.database).of(live.id)
    return f"Model {name}, trained {fmt.ago(datetime.fromisoformat(live.created))} on “{live.dataset}”"


def run_title(run: Job, numbers: Mapping[int, int]) -> str:
    """ "Training 12", as it is called on every page, or "Search “spring”"; without a number before it has begun."""
    if run.kind == "search":
        return f"Search “{run.recipe['name']}”"
    number = numbers.get(run.id)
    return "Training" if number is None else f"Training {number}"


def run_noun(run: Job) -> str:
    """ "training" or "search"."""
    return "search" if run.kind == "search" else "training"


def run_words(run: Job) -> str:
    """Recipe, seed, data and duration of a run in a line."""
    if run.kind == "search":
        budget = [f"{run.recipe['trials']} trainings"]
        if run.recipe["minutes"] is not None:
            budget.append(f"at most {run.recipe['minutes']:g} minutes")
        parts = [f"“{run.recipe['name']}”", *budget, run.recipe["objective"], f"data “{run.dataset}”"]
    else:
        parts = [recipe_words(Hyperparameters.from_dict(run.recipe)), f"seed {run.seed}", f"data “{run.dataset}”"]
    if run.ended and run.started:
        parts.append(f"took {fmt.duration((run.ended - run.started).total_seconds())}")
    return " · ".join(parts)


def _why_not_comparable(manifest: ModelManifest, live: ModelManifest) -> str:
    if manifest.dataset != live.dataset:
        return (
            f"The live model learned from “{live.dataset}”, this one from “{manifest.dataset}”: "
            "their figures say nothing about each other."
        )
    if manifest.fingerprint != live.fingerprint or manifest.split != live.split:
        return (
            f"Dataset “{live.dataset}” has changed since the live model was trained: its own figures are of other "
            "purchases, so that the table leaves them out."
        )
    return ""


def _verdict(manifest: ModelManifest, is_live: bool) -> str:
    ours, popular = (_discover(manifest, method).get("ndcg", {}) for method in ("model", "popular"))
    gain = fmt.change(ours.get("value"), popular.get("value"))
    said = f"NDCG@10 {gain} {'as' if gain == 'the same' else 'than'} bestsellers."
    return f"This is the live model: {said}" if is_live else said


def _lines(manifest: ModelManifest, live: ModelManifest | None) -> tuple[Line, ...]:
    measures = fmt.measures(manifest.metrics["k"])
    found = []
    for name in COMPARED:
        measure = measures[name]
        cells = [
            fmt.interval(side.get(name, {}), is_share=measure.share)
            for side in (_discover(manifest, "model"), _discover(live, "model"), _discover(manifest, "popular"))
        ]
        found.append(Line(measure.title, measure.meaning, *cells))
    return tuple(found)


def _discover(manifest: ModelManifest | None, method: str) -> Mapping[str, Any]:
    return {} if manifest is None else manifest.measured("discover", method)

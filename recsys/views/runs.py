"""What the Runs page shows: the trainings as a table, several of them side by side, and the noise floor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import pandas as pd

from recsys.errors import InsiderError
from recsys.models.hyperparameters import acting
from recsys.progress import OnProgress
from recsys.services.promotion_figures import Row
from recsys.services.promotion_preview import preview
from recsys.services.workspace import Workspace
from recsys.storage import audit
from recsys.storage.model_names import SUBJECT
from recsys.storage.trials.finished_runs import finished_runs, seed_gaps
from recsys.storage.trials.training_run import TrainingRun
from recsys.utils import formatting as fmt
from recsys.views.dials.recipe_form import learner_title

MOST_COMPARED = 6
TESTED = ("ndcg", "hit_rate", "precision", "recall", "coverage", "diversity", "novelty")


def filtered(
    trainings: Sequence[TrainingRun],
    notes: Mapping[str, audit.Note],
    *,
    dataset: str | None = None,
    states: Sequence[str] = (),
    text: str = "",
) -> list[TrainingRun]:
    """Those of a dataset, in one of the states, with all words of the text in source, model, notes or tags."""
    found = []
    for training in trainings:
        note = notes.get(f"training {training.id}", audit.Note())
        hay = " ".join(
            (
                str(training.id),
                training.source,
                training.model or "",
                _model(training, notes) or "",
                note.text,
                *note.tags,
                training.reason,
            )
        )
        if (
            (dataset is None or training.dataset == dataset)
            and (not states or training.state in states)
            and all(word in hay.lower() for word in text.lower().split())
        ):
            found.append(training)
    return found


def table(trainings: Sequence[TrainingRun], notes: Mapping[str, audit.Note]) -> pd.DataFrame:
    """One row per training, newest first: number, state, figures, main parameters, note."""
    rows = []
    for training in trainings:
        note = notes.get(f"training {training.id}", audit.Note())
        recipe = training.recipe
        row: dict[str, object] = {
            "training": training.id, "state": training.state, "ndcg": training.value,
            "coverage": training.coverage, "test": _test(training, "ndcg"), "source": training.source,
            "started": training.started, "seconds": fmt.duration(training.seconds), "epochs": len(training.curve),
            "learner": learner_title(recipe.get("learner")),
        }  # fmt: skip
        for name in ("components", "regularisation", "sharing", "popularity_lift", "learning_rate",
                     "max_sampled", "item_alpha", "user_alpha", "half_life_days"):  # fmt: skip
            value = acting(recipe, name)
            row[name] = fmt.decimal(value) if name.endswith("_alpha") and value is not None else value
        row |= {
            "seed": training.seed, "model": _model(training, notes), "dataset": training.dataset,
            "note": note.text or training.reason, "tags": list(note.tags),
        }  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows)


def _model(training: TrainingRun, notes: Mapping[str, audit.Note]) -> str | None:
    """The name of the model that it gave, or its id."""
    return notes.get(f"{SUBJECT}{training.model}", audit.Note()).text or training.model


def name_of(training: TrainingRun) -> str:
    """What a training is called on every page."""
    return f"Training {training.id}"


def without_curve(training: TrainingRun) -> str:
    """Why a training has no learning curve."""
    return {
        "running": "It is running; its first pass is not measured yet.",
        "waiting": "It waits for its turn.",
    }.get(training.state, "It ended before its first pass was measured.")


@dataclass(frozen=True)
class SideBySide:
    """Several trainings on one dataset.

    Attributes:
        curves: by name, the first one first.
        parameters: `parameter` and one column per training; only what differs.
        metrics: `metric` and one column per training; test set, 95% intervals in brackets.
        paired: the second against the first over the same shoppers; empty unless two with models were chosen.
        note: what to know, or why there is no comparison.
    """

    curves: dict[str, list[dict[str, float]]]
    parameters: pd.DataFrame
    metrics: pd.DataFrame
    paired: tuple[Row, ...]
    note: str


def side_by_side(
    workspace: Workspace, chosen: Sequence[TrainingRun], *, on_progress: OnProgress = lambda _: None
) -> SideBySide:
    """Compare trainings; never across different data."""
    nothing = pd.DataFrame()
    if len({training.fingerprint for training in chosen}) > 1:
        return SideBySide({}, nothing, nothing, (), "These were trained on different data: their figures say nothing "
                          "about each other. Choose trainings of one dataset, as it was at one time.")  # fmt: skip
    names = {training.id: name_of(training) for training in chosen}
    keys = [key for key in chosen[0].recipe if len({_text(training.recipe.get(key)) for training in chosen}) > 1]
    differing = [{"parameter": key, **{names[t.id]: _text(t.recipe.get(key)) for t in chosen}} for key in keys]
    if len({t.seed for t in chosen}) > 1:
        differing.append({"parameter": "seed", **{names[t.id]: str(t.seed) for t in chosen}})
    measures = fmt.measures()
    metrics = []
    for name in TESTED if any(t.metrics for t in chosen) else ():
        cells = {names[t.id]: fmt.interval(_tested(t, name), is_share=measures[name].share) for t in chosen}
        metrics.append({"metric": measures[name].title, **cells})
    paired: tuple[Row, ...] = ()
    note = ""
    if len(chosen) == 2 and all(training.model for training in chosen):
        try:
            found = preview(
                workspace, str(chosen[1].model), live_id=str(chosen[0].model), by_segment=False, on_progress=on_progress
            )  # fmt: skip
            paired, note = found.measures, found.headline if found.identical else found.note
        except InsiderError as error:
            note = str(error)
    return SideBySide(
        {names[t.id]: t.curve for t in chosen}, pd.DataFrame(differing), pd.DataFrame(metrics), paired, note
    )


def noise_floor(workspace: Workspace, training: TrainingRun) -> str:
    """How far two seeds of one recipe lie apart on the data of a training, in words: smaller differences mean
    nothing."""
    gaps = seed_gaps(finished_runs(workspace.training_runs, training.dataset), training.fingerprint)
    if not gaps:
        return "Train one recipe with another seed to see how much of a difference is mere chance."
    return (
        f"Noise floor: the same recipe with another seed differs by {fmean(gaps):.4f} in validation NDCG@10 on average "
        f"({len(gaps)} {'pair' if len(gaps) == 1 else 'pairs'}, at most {max(gaps):.4f}). Smaller differences mean "
        "nothing."
    )


def _tested(training: TrainingRun, name: str) -> dict[str, float | None]:
    lanes = (training.metrics or {}).get("lanes", {})
    found: dict[str, float | None] = lanes.get("discover", {}).get("model", {}).get(name, {})
    return found


def _test(training: TrainingRun, name: str) -> float | None:
    return _tested(training, name).get("value")


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return fmt.decimal(value) if isinstance(value, float) else str(value)

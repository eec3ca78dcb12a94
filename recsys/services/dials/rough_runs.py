"""Rough runs: about a dozen quick trainings around a recipe, each with one dial turned, so that every dial of the Train
page can show what it does on these data. They are judged on the validation period alone and give no model."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import Split, split_again
from recsys.errors import Diverged, InvalidInput
from recsys.models.hyperparameters import RANGES, WHOLE, Hyperparameters, dials_of
from recsys.models.manifest import validated
from recsys.progress import OnProgress, Progress
from recsys.services.dials.validation_levels import measure_levels
from recsys.services.workspace import Workspace
from recsys.storage.trials.finished_runs import finished_runs
from recsys.utils.threads import limited_blas_threads

SOURCE = "rough run"
MOST_COMPONENTS = 64
PASSES = 3
MOST_SECONDS = 900.0
"""On large data the runs that were not begun by then are left out."""

FACTORS = {
    "components": 2.0, "regularisation": 3.0, "sharing": 3.0, "half_life_days": 2.0, "learning_rate": 3.0,
    "max_sampled": 3.0,
}  # fmt: skip
"""A dial is turned down and up by these. What passes and the lift of popularity do stands in every single training."""

STEPS = {"damping": 0.1, "popularity_penalty": 0.1, "drift": 0.15, "dropout": 0.2}
"""A dial is turned down and up by so much."""

FROM_NOTHING = {"item_alpha": 1e-5, "user_alpha": 1e-5, "half_life_days": 30.0, "sharing": 30.0}
"""Where a dial that stands at 0 is turned to."""


def wanted(workspace: Workspace, dataset: str, fingerprint: str) -> bool:
    """Whether rough runs are to be made after a training: the setting says so, and there are none on these data."""
    if not workspace.settings.rough_runs:
        return False
    runs = finished_runs(workspace.training_runs, dataset)
    return not any(run.rough and run.fingerprint == fingerprint for run in runs)


def measure(
    workspace: Workspace, model_id: str, *, number: int, on_progress: OnProgress, wait: Callable[[], None], job: int
) -> int:
    """Make the rough runs around the recipe of a version, on the data and the periods it was chosen on.

    Args:
        number: how many at most.
        wait: called before each; returns when nothing else is under way.
        job: the job that does it.

    Returns:
        How many were made.
    """
    manifest = workspace.store.model_manifest(model_id)
    data = workspace.dataset_of(model_id)
    split = split_again(data, manifest.split)
    recipes = list(variations(manifest.recipe, manifest.seed))[:number]
    until = time.monotonic() + MOST_SECONDS
    made = 0
    with limited_blas_threads():
        for place, (recipe, seed) in enumerate(recipes):
            wait()
            if time.monotonic() > until:
                break
            on_progress(Progress(f"Rough run {place + 1} of {len(recipes)}", place / (len(recipes) + 1)))
            made += _run(workspace, data, split, recipe, seed, job)
        wait()
        on_progress(Progress("Judging the simple methods on the validation set", made / (made + 1)))
        measure_levels(workspace.store, data, split, manifest.plan.windows)
    return made


def variations(recipe: Hyperparameters, seed: int) -> Iterator[tuple[Hyperparameters, int]]:
    """A quick form of a recipe; the same with another seed; then with each dial turned one way, and the other way."""
    base = replace(
        recipe, components=min(recipe.components, MOST_COMPONENTS), epochs=PASSES, patience=PASSES, windows=1,
        variety=0.0, adapt=(), threads=1,
    )  # fmt: skip
    yield base, seed
    yield base, seed + 1
    for up in (False, True):
        for name in dials_of(recipe.learner):
            value = turned(name, getattr(base, name), up=up)
            if value is not None:
                changed: dict[str, Any] = {name: value}
                yield replace(base, **changed), seed


def turned(name: str, value: float, *, up: bool) -> float | None:
    """Another value of a dial; None for one that is not turned, or stands at its end."""
    limits = RANGES.get(name)
    if limits is None or name not in (*FACTORS, *STEPS, *FROM_NOTHING):
        return None
    if name in STEPS:
        found = value + STEPS[name] * (1 if up else -1)
    elif value == 0:
        found = FROM_NOTHING.get(name, value) if up else value
    else:
        factor = FACTORS.get(name, 10.0)
        found = value * factor if up else value / factor
    found = min(max(round(found) if name in WHOLE else float(f"{found:.3g}"), limits.low), limits.high)
    return None if found == value else int(found) if name in WHOLE else found


def _run(workspace: Workspace, data: Dataset, split: Split, recipe: Hyperparameters, seed: int, job: int) -> int:
    """One of them; 1, or 0 where this recipe cannot be trained on these data."""
    from recsys.training.train import validate

    about = {"source": SOURCE, "run": job, "rough": True}
    try:
        with workspace.training_runs.recording(data.name, data.fingerprint, recipe, seed=seed, **about) as record:
            plan = validate(data, recipe, seed=seed, split=split, on_progress=record.follow)
            record.measured(
                validated(plan.curve, plan.epochs, plan.frontier),
                curve=[dict(point) for point in plan.curve],
                frontier=[dict(turn) for turn in plan.frontier],
                windows=plan.windows,
                split=split.describe().to_dict(),
            )
    except (Diverged, InvalidInput):
        return 0
    return 1

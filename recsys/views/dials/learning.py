"""The learning curve of a training on validation, with what it is to be held against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recsys.models.hyperparameters import Hyperparameters
from recsys.models.manifest import ModelManifest
from recsys.services.dials.validation_levels import levels
from recsys.services.workspace import Workspace
from recsys.storage.jobs import Job
from recsys.storage.trials.finished_runs import finished_runs, seed_gaps, trainings_of_jobs
from recsys.utils import formatting as fmt


@dataclass(frozen=True)
class Level:
    """What something reaches on the validation periods: a line over all passes. `what` is its name where the title does
    not say it."""

    title: str
    ndcg: float
    coverage: float
    what: str = ""


@dataclass(frozen=True)
class Learning:
    """A learning curve and its lines.

    Attributes:
        title: of the training.
        points: of the curve, by pass.
        kept: the pass that was kept; None while that is open.
        live: the live model; None where it was judged on other purchases, or is this one.
        baseline: the best simple method; None where nobody judged them on these periods.
        noise: how far NDCG@10 lies apart between two seeds of one recipe; None where nobody tried.
        notes: what is missing and why, and how to read the band, in sentences.
    """

    title: str
    points: Sequence[Mapping[str, float]]
    kept: int | None = None
    live: Level | None = None
    baseline: Level | None = None
    noise: float | None = None
    notes: tuple[str, ...] = ()


def learning(workspace: Workspace, run: Job, title: str) -> Learning:
    """The learning curve of a job, as far as it is, with the levels that it can be held against.

    It is drawn on all validation periods; where the live model was chosen on another number of them, on the last one
    alone, which both have in common.
    """
    live = workspace.live_manifest()
    manifest = _manifest(workspace, run.model)
    kept = None if manifest is None else manifest.epochs
    known = trainings_of_jobs(workspace.training_runs).get(run.id)
    fingerprint = manifest.fingerprint if manifest is not None else known[1] if known else None
    like = manifest or (live if live is not None and live.fingerprint == fingerprint else None)
    if fingerprint is None or like is None:
        return Learning(title, run.curve, kept)
    windows = manifest.plan.windows if manifest is not None else _windows(run, like)
    other = None if live is None or live.id == run.model else live
    same = other is not None and (other.fingerprint, other.split) == (fingerprint, like.split)
    recent = other is not None and same and other.plan.windows != windows
    ndcg, coverage = ("recent_ndcg", "recent_coverage") if recent else ("ndcg", "coverage")
    beside = None
    if other is not None and same and ndcg in other.validated:
        beside = Level("Live model", other.validated[ndcg], other.validated[coverage])
    baseline = None
    if found := levels(workspace.store, fingerprint, like.split, windows):
        best = max(found, key=lambda one: found[one][ndcg])
        baseline = Level("Best simple method", found[best][ndcg], found[best][coverage], fmt.method(best))
    noise = _noise(workspace, run.dataset, fingerprint, live)
    points = [
        {"epoch": point["epoch"], "ndcg": point[ndcg], "coverage": point[coverage]}
        for point in run.curve
        if ndcg in point and coverage in point
    ]
    left_out = other is not None and beside is None
    return Learning(title, points, kept, beside, baseline, noise, _notes(noise, baseline, left_out, recent))


def _notes(noise: float | None, baseline: Level | None, left_out: bool, recent: bool) -> tuple[str, ...]:
    found = []
    if noise is not None:
        found.append(
            f"Noise: two trainings of one recipe that differ in the seed lie {noise:.4f} apart. What ends within the "
            "band cannot be told from its middle."
        )
    if left_out:
        found.append("The live model was judged on other purchases, so it has no line here.")
    elif recent:
        found.append("Drawn on the last validation period, the one that both were chosen on.")
    if baseline is None:
        found.append("The simple methods have no line: they were not judged on validation yet.")
    else:
        found.append(f"The best simple method is {baseline.what}.")
    return tuple(found)


def _noise(workspace: Workspace, dataset: str, fingerprint: str, live: ModelManifest | None) -> float | None:
    """The noise floor: that of the live model's quality report, or else from trainings that differ in the seed."""
    report = workspace.store.load_quality(live.id) if live is not None and live.fingerprint == fingerprint else None
    if report is not None and "noise" in report:
        return float(report["noise"]["spread"])
    return max(seed_gaps(finished_runs(workspace.training_runs, dataset), fingerprint), default=None)


def _windows(run: Job, like: ModelManifest) -> int:
    """On how many validation periods a training under way is chosen: what it asks for, as far as the data allow."""
    recipe = Hyperparameters.from_dict(run.recipe)
    if not recipe.linear:
        return 1
    short = like.recipe.linear and like.plan.windows < like.recipe.windows
    return min(recipe.windows, like.plan.windows) if short else recipe.windows


def _manifest(workspace: Workspace, model_id: str | None) -> ModelManifest | None:
    if model_id is None or model_id not in workspace.store.models():
        return None
    return workspace.store.model_manifest(model_id)

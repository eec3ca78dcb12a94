"""The small curve beside each dial: what it did to accuracy and catalogue coverage in trainings on these data."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from recsys.models.hyperparameters import Hyperparameters, dials_of
from recsys.services.dials.effects import BESIDE
from recsys.services.workspace import Workspace
from recsys.storage.jobs import Job
from recsys.storage.trials.finished_runs import FinishedRun, finished_runs, seed_gaps
from recsys.utils import formatting as fmt
from recsys.views.dials.recipe_form import DIALS, Dial, step_label

EMPTY = "No training differs in this dial alone yet."


@dataclass(frozen=True)
class DialPoint:
    """One value of a dial, and the NDCG@10 and catalogue coverage on validation that it gave."""

    value: float
    ndcg: float
    coverage: float


@dataclass(frozen=True)
class SmallCurve:
    """What a dial did where nothing else was changed.

    Attributes:
        points: at least two, by value; none where nothing is known.
        low, high: the values at both ends, as people read them.
        told: what stands below it, short.
        described: the same at length, for those who do not see it.
    """

    points: tuple[DialPoint, ...] = ()
    low: str = ""
    high: str = ""
    told: str = ""
    described: str = EMPTY


def small_curves(workspace: Workspace, dataset: str, recipe: Hyperparameters) -> dict[str, SmallCurve]:
    """By name of the dial, what it did in the finished trainings on the newest state of a dataset.

    A curve is drawn from trainings that differ in this dial alone: those with the other dials of the
    recipe where there are such, otherwise the largest group. What passes and popularity lift did stands in a single
    training as well: its learning curve, and its turns of the popularity.
    """
    runs = finished_runs(workspace.training_runs, dataset)
    newest = [run for run in runs if run.fingerprint == runs[0].fingerprint and run.recipe.learner == recipe.learner]
    noise = max(seed_gaps(newest, runs[0].fingerprint), default=None) if runs else None
    acting = dials_of(recipe.learner)
    return {dial.name: _curve(dial, newest, recipe, noise) for dial in DIALS if dial.name in acting}


def legend(curves: Mapping[str, SmallCurve]) -> str:
    """How to read the small curves, in words."""
    if not any(curve.points for curve in curves.values()):
        return (
            "The dials have no small curves yet: these come from trainings on these data that differ in one dial alone."
        )
    return (
        "Below a dial: what it did in trainings on these data that differ in nothing else. Green and thin is "
        "NDCG@10, orange and wide is catalogue coverage, both on the validation set; the upright line is where the "
        "dial stands. They are rough: most values were tried in one short training."
    )


def seeding(workspace: Workspace, dataset: str) -> Job | None:
    """The rough runs on a dataset that are under way, or None."""
    jobs = workspace.job_store.newest(5, kinds=("rough",), active=True)
    return next((job for job in jobs if job.dataset == dataset), None)


def _curve(dial: Dial, runs: Sequence[FinishedRun], recipe: Hyperparameters, noise: float | None) -> SmallCurve:
    alike = _other_dials(dial.name, recipe)
    groups: dict[tuple[tuple[Any, ...], str, int, int], list[FinishedRun]] = defaultdict(list)
    for run in runs:
        groups[_other_dials(dial.name, run.recipe), str(run.split), run.windows, run.seed].append(run)
    found = [(key[0] == alike, _points(dial.name, group)) for key, group in groups.items()]
    found += [(_other_dials(dial.name, run.recipe) == alike, _within(dial.name, run)) for run in runs]
    several = [(same, points) for same, points in found if len(points) > 1]
    if not several:
        return SmallCurve()
    points = max(several, key=lambda one: (one[0], len(one[1])))[1]
    best = max(points, key=lambda point: point.ndcg)
    ends = [step_label(dial, point.value).removesuffix(f" {dial.unit}") for point in (points[0], points[-1])]
    worst = min(point.ndcg for point in points)
    by = f", by {fmt.share(best.ndcg / worst - 1, 0)}" if worst else ""
    clear = best.ndcg - worst > (noise or 0.0)
    told = f"best at {step_label(dial, best.value)}{by}" if clear else "no clear effect"
    sides = "; ".join(
        f"{step_label(dial, x.value)}: NDCG@10 {fmt.measured(x.ndcg, is_share=False)}, coverage "
        f"{fmt.measured(x.coverage, is_share=True)}"
        for x in points
    )
    return SmallCurve(points, ends[0], ends[1], told, f"{dial.title}, {told}. {sides}.")


def _points(name: str, runs: Sequence[FinishedRun]) -> tuple[DialPoint, ...]:
    by_value: dict[float, list[Mapping[str, float]]] = defaultdict(list)
    for run in runs:
        by_value[float(getattr(run.settled, name))].append(run.reached)
    return tuple(
        DialPoint(value, fmean(x["ndcg"] for x in reached), fmean(x["coverage"] for x in reached))
        for value, reached in sorted(by_value.items())
    )


def _within(name: str, run: FinishedRun) -> tuple[DialPoint, ...]:
    """What a single training shows of a dial."""
    if name == "epochs":
        whole = [point for point in run.curve if point["epoch"] >= 1 and "coverage" in point]
        return tuple(DialPoint(point["epoch"], point["ndcg"], point["coverage"]) for point in whole)
    if name == "popularity_lift" and run.settled.popularity_lift > 0:
        lift = run.settled.popularity_lift
        turns = sorted(run.frontier, key=lambda turn: turn["popularity"])
        return tuple(DialPoint(lift * x["popularity"], x["ndcg"], x["coverage"]) for x in turns)
    return ()


def _other_dials(name: str, recipe: Hyperparameters) -> tuple[Any, ...]:
    """The other dials that act, and which of them validation may move."""
    others = [x for x in dials_of(recipe.learner) if x not in (*BESIDE, name)]
    return tuple((x, getattr(recipe, x), recipe.adapts(x)) for x in others)

"""What each changed dial did to a new version: against the live model, or a training with the other dials alike."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from recsys.models.hyperparameters import Hyperparameters, dials_of
from recsys.models.manifest import Changes, DialEffect, ModelManifest
from recsys.storage.trials.finished_runs import FinishedRun, finished_runs, seed_gaps
from recsys.storage.trials.training_runs import TrainingRuns

BESIDE = ("threads", "engine")
"""They decide how fast a recipe is learned, and are no dials."""


def changes(trials: TrainingRuns, manifest: ModelManifest, live: ModelManifest | None) -> Changes | None:
    """How a new version differs from the live one, dial by dial.

    What one dial did is told by a training that differs in this dial alone: the live model's own, or else the newest
    one, first among those with the dial where the live model has it.

    Returns:
        None without a live model, or where it was judged on other purchases.
    """
    if live is None or (figures := with_live(manifest, live)) is None:
        return None
    runs = finished_runs(trials, manifest.dataset)
    return Changes(
        against=live.id,
        dials=tuple(_effect(name, manifest, live, runs) for name in changed(manifest, live)),
        ndcg=figures[0],
        coverage=figures[1],
        noise=max(seed_gaps(runs, manifest.fingerprint), default=None),
    )


def in_common(
    ours: Mapping[str, float], theirs: Mapping[str, float], *, same_periods: bool
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """NDCG@10 and catalogue coverage of two trainings on the same validation periods, ours second.

    Those are all periods where both were chosen on equally many, otherwise the last one alone.

    Args:
        ours, theirs: as `recsys.models.manifest.validated` gives them.

    Returns:
        (NDCG@10 of theirs and ours, coverage of theirs and ours); None where one of them was not measured.
    """
    ndcg, coverage = ("ndcg", "coverage") if same_periods else ("recent_ndcg", "recent_coverage")
    if ndcg not in ours or ndcg not in theirs:
        return None
    return (theirs[ndcg], ours[ndcg]), (theirs[coverage], ours[coverage])


def with_live(manifest: ModelManifest, live: ModelManifest) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """`in_common` of a version and the live one; None where they were judged on other purchases."""
    facts = [(one.fingerprint, one.split, one.recipe.popularity) for one in (manifest, live)]
    if facts[0] != facts[1]:
        return None
    same = manifest.plan.windows == live.plan.windows
    return in_common(manifest.validated, live.validated, same_periods=same)


def changed(manifest: ModelManifest, live: ModelManifest) -> list[str]:
    """The names of the dials in which a version was asked for otherwise than the live one, those that act for it."""
    ours, theirs = manifest.recipe, live.recipe
    names = ["learner"] if ours.learner != theirs.learner else _differing(ours, theirs)
    return names + (["seed"] if manifest.seed != live.seed else [])


def differs_in(name: str, one: FinishedRun, recipe: Hyperparameters, seed: int) -> bool:
    """Whether a training differs from a recipe and a seed in this dial and in nothing else."""
    if name == "seed":
        return one.seed != seed and one.recipe == recipe
    if one.seed != seed or getattr(one.recipe, name) == getattr(recipe, name):
        return False
    if name == "learner":
        return all(getattr(one.recipe, x) == getattr(recipe, x) for x in _common(one.recipe, recipe))
    return one.recipe.learner == recipe.learner and _differing(one.recipe, recipe) == [name]


def _effect(name: str, manifest: ModelManifest, live: ModelManifest, runs: Sequence[FinishedRun]) -> DialEffect:
    before, after = _value(name, live), _value(name, manifest)
    alike = [
        run
        for run in runs
        if (run.fingerprint, run.split) == (manifest.fingerprint, manifest.split.to_dict())
        and run.model not in (None, manifest.id)
        and differs_in(name, run, manifest.recipe, manifest.seed)
    ]
    as_live = [run for run in alike if _of_run(name, run) == before]
    found = next((run for run in as_live if run.model == live.id), next(iter([*as_live, *alike]), None))
    figures = None
    if found is not None:
        same = found.windows == manifest.plan.windows
        figures = in_common(manifest.validated, found.reached, same_periods=same)
    if found is None or figures is None:
        return DialEffect(name=name, before=before, after=after)
    return DialEffect(
        name=name, before=_of_run(name, found), after=after, against=found.id, model=found.model, ndcg=figures[0],
        coverage=figures[1],
    )  # fmt: skip


def _differing(one: Hyperparameters, other: Hyperparameters) -> list[str]:
    """Dials of one learner in which two recipes differ; what validation may move in one of them alone among these."""
    return [
        name
        for name in dials_of(one.learner)
        if name not in BESIDE and (getattr(one, name) != getattr(other, name) or one.adapts(name) != other.adapts(name))
    ]


def _common(one: Hyperparameters, other: Hyperparameters) -> Iterator[str]:
    """What acts for both learners."""
    return (x for x in dials_of(one.learner) if x in dials_of(other.learner) and x not in BESIDE)


def _value(name: str, manifest: ModelManifest) -> Any:
    return manifest.seed if name == "seed" else _plain(getattr(manifest.recipe, name))


def _of_run(name: str, run: FinishedRun) -> Any:
    return run.seed if name == "seed" else _plain(getattr(run.recipe, name))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value

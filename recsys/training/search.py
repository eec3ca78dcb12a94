"""Automatic search for a better recipe: Optuna proposes, validation decides, the test period is not looked at."""

import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import optuna
from optuna.samplers import TPESampler
from optuna.study import MaxTrialsCallback
from optuna.trial import FrozenTrial, TrialState

from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import make_split
from recsys.errors import Cancelled, Diverged, InvalidInput, NotFound
from recsys.models.hyperparameters import PRESETS, Hyperparameters
from recsys.progress import OnProgress, Progress
from recsys.storage.trials.recorder import translated
from recsys.storage.trials.training_run import TrainingRun
from recsys.storage.trials.training_runs import TrainingRuns, attributes
from recsys.storage.trials.trial_parameters import Parameter
from recsys.training.search_space import Space
from recsys.training.train import validate
from recsys.utils import formatting as fmt

PREFIX = "search "
Objective = Literal["accuracy", "variety"]
OBJECTIVES: Mapping[str, str] = {
    "accuracy": "Accuracy: the products shoppers will buy, as near the top as can be",
    "variety": "Accuracy and variety: also a high catalogue coverage; gives the best trade-offs to choose from",
}
TRIALS_RANGE = (1, 10_000)
ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@dataclass(frozen=True)
class SearchPlan:
    """A search to be made.

    Attributes:
        name: of the search; a second one of the same name and data goes on where the first stopped, or helps it.
        trials: how many trainings in all, those of earlier and other processes counted.
        minutes: the most time of this process, or None.
        base: the recipe to start from; what is not searched stays as it is there.
    """

    dataset: str
    name: str
    trials: int
    base: Hyperparameters
    minutes: float | None = None
    objective: Objective = "accuracy"
    seed: int = 0

    def __post_init__(self) -> None:
        low, high = TRIALS_RANGE
        if not low <= self.trials <= high:
            raise InvalidInput(f"{self.trials} trials: choose between {low} and {high:,}.")
        if self.minutes is not None and not self.minutes > 0:
            raise InvalidInput(f"{self.minutes:g} minutes are no budget; give more than 0, or leave it out.")
        if self.objective not in OBJECTIVES:
            raise InvalidInput(f"No objective {self.objective!r}; choose one of {', '.join(OBJECTIVES)}.")
        if not self.name.strip() or len(self.name) > 60:
            raise InvalidInput("A search needs a name of 1 to 60 characters.")

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return asdict(self) | {"base": self.base.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(**{**values, "base": Hyperparameters.from_dict(values["base"])})


def search(
    trials: TrainingRuns, dataset: Dataset, plan: SearchPlan, on_progress: OnProgress = lambda _: None
) -> list[TrainingRun]:
    """Look for a better recipe until the budget is used up; gives all trainings of the search, best first.

    Every training is a trial of the study `search NAME`. Any number of processes, on one machine or many, may work
    on one search through the shared database: each trial is given out once. The first ones are the base recipe and
    the presets; the next at random; then a tree-structured Parzen estimator proposes from what was seen
    (Bergstra et al. 2011), with a penalty on what others are trying right now.
    A training is pruned when its validation NDCG@10 is below the median of the earlier ones at the same pass; with
    two objectives there is no pruning. Only the validation period is looked at.

    Raises:
        InvalidInput: the search of that name was for other data or another objective.
        Cancelled: from `on_progress`; what was found until then stays.
    """
    deadline = None if plan.minutes is None else time.monotonic() + 60 * plan.minutes
    split = make_split(dataset)
    with translated(trials.url):
        space = Space.of(plan.base, dataset)
        trials.settle()
        study = _study(trials, dataset, plan, space)

        def objective(trial: optuna.Trial) -> float | tuple[float, float]:
            recipe = space.propose(trial)
            noted = attributes(dataset.name, dataset.fingerprint, recipe, plan.seed, source=PREFIX + plan.name)
            trials.storage.set_trial_user_attrs(trial._trial_id, noted)
            follow = _Follow(trial, plan, lambda progress: on_progress(_overall(study, plan, progress)), deadline)
            try:
                found = validate(dataset, recipe, seed=plan.seed, split=split, on_progress=follow)
            except Exception as error:
                if isinstance(error, Cancelled):
                    trial.set_user_attr("ended", "cancelled")
                else:
                    trial.set_user_attr("reason", str(error) or type(error).__name__)
                raise
            finally:
                trial.set_user_attr("curve", follow.curve)
            best = found.kept
            return (best["ndcg"], best["coverage"]) if plan.objective == "variety" else best["ndcg"]

        done = len(study.get_trials(deepcopy=False, states=ENDED))
        if done < plan.trials:
            budget = MaxTrialsCallback(plan.trials, states=ENDED)
            left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
            study.optimize(objective, timeout=left, callbacks=[budget], catch=(Diverged, MemoryError))
    return leaderboard(trials, plan.name)


def leaderboard(trials: TrainingRuns, name: str) -> list[TrainingRun]:
    """All trainings of a search, best first, those without a result last; NotFound for a name that is none."""
    found = [training for training in trials.all() if training.study == PREFIX + name]
    if not found and name not in searches(trials):
        raise NotFound(f"No search {name!r}; there are: {', '.join(searches(trials)) or 'none'}.")
    return sorted(found, key=lambda t: (t.state != "done", t.state != "pruned", -(t.value or 0.0), t.id))


def searches(trials: TrainingRuns) -> list[str]:
    """Names of the searches, newest first."""
    names = [name for name in trials.studies() if name.startswith(PREFIX)]
    return [name.removeprefix(PREFIX) for name in names]


def pareto(found: list[TrainingRun]) -> list[TrainingRun]:
    """Those that no other one beats in both accuracy and coverage, most accurate first."""
    done = [t for t in found if t.state == "done" and t.value is not None and t.coverage is not None]
    front, widest = [], -1.0
    for training in sorted(done, key=lambda t: (-(t.value or 0.0), -(t.coverage or 0.0))):
        if (training.coverage or 0.0) > widest:
            front.append(training)
            widest = training.coverage or 0.0
    return front


def _study(trials: TrainingRuns, dataset: Dataset, plan: SearchPlan, space: Space) -> optuna.Study:
    name, goals = PREFIX + plan.name, 2 if plan.objective == "variety" else 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        startup = max(4, min(10, plan.trials // 4))
        sampler = TPESampler(n_startup_trials=startup, multivariate=True, group=True, constant_liar=True)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=2)
    first: list[dict[str, Parameter]] = []
    for recipe in (plan.base, *PRESETS.values()):
        start = space.nearest(recipe)
        if start not in first:
            first.append(start)
    noted = {"fingerprint": dataset.fingerprint, "objective": plan.objective}
    with suppress(optuna.exceptions.DuplicatedStudyError):
        trials.storage.create_search(name, goals, noted, first)
    study = optuna.load_study(study_name=name, storage=trials.storage, sampler=sampler, pruner=pruner)
    _refuse_other(study, dataset, plan, space)
    return study


def _refuse_other(study: optuna.Study, dataset: Dataset, plan: SearchPlan, space: Space) -> None:
    if study.user_attrs.get("fingerprint", dataset.fingerprint) != dataset.fingerprint:
        raise InvalidInput(
            f"The search {plan.name!r} was made on other data; figures on different data say nothing about each "
            "other. Choose another name."
        )
    if study.user_attrs.get("objective", plan.objective) != plan.objective:
        raise InvalidInput(
            f"The search {plan.name!r} looks for {study.user_attrs['objective']!r}, not {plan.objective!r}; "
            "choose another name."
        )
    if clashes := space.clashes(study):
        raise InvalidInput(
            f"The search {plan.name!r} was begun by another version of this program, which looked for "
            f"{fmt.joined(clashes)} in another way, so it cannot go on. Choose another name, and start from its best "
            "training: all that it found stays in the list of trainings."
        )


def _overall(study: optuna.Study, plan: SearchPlan, progress: Progress) -> Progress:
    """The progress of one training as that of the whole search."""
    done = [t for t in study.get_trials(deepcopy=False) if t.state in ENDED]
    fraction = min((len(done) + progress.fraction) / plan.trials, 1.0)
    left = _seconds_left(done, plan.trials - len(done) - progress.fraction)
    step = f"Training {min(len(done) + 1, plan.trials)} of {plan.trials}: {progress.step[0].lower()}{progress.step[1:]}"
    return Progress(step, fraction, progress.epoch, progress.epochs, left, progress.curve)


def _seconds_left(done: list[FrozenTrial], trials: float) -> float | None:
    took = [t.duration.total_seconds() for t in done if t.duration is not None]
    return max(trials, 0.0) * sum(took) / len(took) if took else None


class _Follow:
    """Reports the passes of one trial to Optuna, and stops it when it lags behind or time is up."""

    def __init__(
        self, trial: optuna.Trial, plan: SearchPlan, on_progress: Callable[[Progress], None], deadline: float | None
    ) -> None:
        self.curve: list[dict[str, float]] = []
        self._trial, self._on_progress, self._deadline = trial, on_progress, deadline
        self._prunes = plan.objective == "accuracy"

    def __call__(self, progress: Progress) -> None:
        new = progress.curve[len(self.curve) :]
        self.curve.extend(dict(point) for point in new)
        for point in new if self._prunes else ():
            self._trial.report(point["ndcg"], int(point["epoch"]))
        self._on_progress(progress)
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise optuna.TrialPruned("Stopped because the time was up.")
        if self._prunes and new and self._trial.should_prune():
            raise optuna.TrialPruned("Stopped early: below the median of the earlier trainings at this pass.")


__all__ = ["OBJECTIVES", "SearchPlan", "leaderboard", "pareto", "search", "searches"]

"""Every training as an Optuna trial in the shared database: by slider, by command or by search."""

import hashlib
import json
import os
import socket
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import optuna
import sqlalchemy as sa
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from optuna.storages import RDBStorage
from optuna.storages._rdb.models import (
    StudyDirectionModel,
    StudyModel,
    StudyUserAttributeModel,
    TrialModel,
    TrialUserAttributeModel,
)
from optuna.storages._rdb.storage import _create_scoped_session
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from recsys.errors import Cancelled, InvalidInput, NotFound, StorageProblem
from recsys.models.hyperparameters import ALL, LEARNERS, RANGES, STARTS, Hyperparameters, renamed
from recsys.models.manifest import ModelManifest
from recsys.progress import Progress
from recsys.storage.database import engine_options, file_identity, gone, storage_problem
from recsys.storage.jobs import LOST, process_alive, process_identity
from recsys.utils.retry import retry_while_away

optuna.logging.set_verbosity(optuna.logging.ERROR)

Ending = Literal["running", "waiting", "done", "pruned", "failed", "cancelled"]
BEAT_SECONDS, GRACE_SECONDS = 30, 120
COLUMNS_USED = ("all", "some", "none")
"""How `category_levels` and `user_attributes` stand among a trial's parameters; the recipe holds the names."""

LOGARITHMIC = ("components", "learning_rate", "max_sampled")


def _distribution(name: str) -> BaseDistribution:
    limits, value = RANGES[name], getattr(Hyperparameters(), name)
    if isinstance(value, int):
        return IntDistribution(int(limits.low), int(limits.high), log=name in LOGARITHMIC)
    return FloatDistribution(limits.low, limits.high, log=name in LOGARITHMIC)


DISTRIBUTIONS: Mapping[str, BaseDistribution] = {
    "learner": CategoricalDistribution(LEARNERS),
    "start": CategoricalDistribution(STARTS),
    **{
        name: _distribution(name)
        for name in ("components", "epochs", "learning_rate", "max_sampled", "item_alpha", "user_alpha",
                     "half_life_days", "regularisation", "sharing", "damping", "popularity_penalty", "popularity_lift",
                     "drift", "dropout")
    },
    "identity": CategoricalDistribution((True, False)),
    "brand": CategoricalDistribution((True, False)),
    "category_levels": CategoricalDistribution(COLUMNS_USED),
    "user_attributes": CategoricalDistribution(COLUMNS_USED),
}  # fmt: skip
"""What a trial shows as its parameters, the same for every training, so that any of them can be compared."""

KNOWN = frozenset(x.name for x in fields(Hyperparameters))
"""Hyperparameters of this version; what an older or newer one wrote beside them is left out."""


@dataclass(frozen=True)
class TrainingRun:
    """One training as it stands now. Times are in UTC.

    Attributes:
        id: number in the database, unique among all trainings.
        value: best NDCG@10 on the validation period; None while there is none.
        metrics: those on the test period, where a model was stored.
        source: who asked for it, in words: "page", "command line", "search NAME".
        run: the job it belongs to, if any.
        parent: id of the model it started from, if any.
        reason: why it ended without a result.
    """

    id: int
    study: str
    state: Ending
    dataset: str
    fingerprint: str
    recipe: dict[str, Any]
    params: dict[str, Any]
    seed: int
    source: str
    run: int | None
    parent: str | None
    model: str | None
    started: datetime | None
    ended: datetime | None
    value: float | None
    coverage: float | None
    curve: list[dict[str, float]]
    metrics: dict[str, Any] | None
    reason: str
    code_version: str
    attributes: dict[str, Any] = field(repr=False)

    @property
    def hyperparameters(self) -> Hyperparameters | None:
        """The recipe; None for one of another version of this program that this one cannot train."""
        try:
            return Hyperparameters.from_dict(self.recipe)
        except InvalidInput:
            return None

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return (self.ended - self.started).total_seconds() if self.started and self.ended else None

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        values = {name: value for name, value in vars(self).items() if name != "attributes"} | {"seconds": self.seconds}
        for name in ("started", "ended"):
            values[name] = values[name].isoformat() if values[name] else None
        return values


class Recorder:
    """Writes down one training while it goes on. A database that is away for a while stops no training: what it did
    not take is written later, and how the training ended waits for it (`recsys.utils.retry`)."""

    def __init__(self, trials: "TrainingRuns", trial_id: int) -> None:
        self.id = trial_id
        self._trials = trials
        self._reported = 0
        self._curve: Sequence[Mapping[str, float]] = ()

    def follow(self, progress: Progress) -> None:
        """Keep the validation values that are new."""
        self._curve = progress.curve
        with suppress(StorageProblem), translated(self._trials.url):
            for point in progress.curve[self._reported :]:
                epoch, value = int(point["epoch"]), float(point["ndcg"])
                self._trials.storage.set_trial_intermediate_value(self.id, epoch, value)
                self._reported += 1

    def done(self, manifest: ModelManifest, model_id: str) -> None:
        """It gave a model."""
        curve = [dict(point) for point in manifest.curve]
        kept = [point["ndcg"] for point in curve if point["epoch"] == manifest.epochs]
        best = kept[0] if kept else max((point["ndcg"] for point in curve), default=0.0)
        noted: dict[str, Any] = {"model": model_id, "metrics": dict(manifest.metrics), "curve": curve}
        noted |= {"validated": dict(manifest.validated), "frontier": [dict(turn) for turn in manifest.frontier]}
        noted |= {"windows": manifest.plan.windows, "split": manifest.split.to_dict()}
        if manifest.plan.settled is not None:
            noted["settled"] = manifest.plan.settled.to_dict()
        self._end(TrialState.COMPLETE, [best], **noted, code_version=manifest.code_version)

    def measured(self, validated: Mapping[str, float], **noted: Any) -> None:
        """It gave figures on the validation periods and was to give no model.

        Args:
            validated: its "ndcg" and "coverage".
            noted: further attributes: curve, frontier.
        """
        self._end(TrialState.COMPLETE, [validated["ndcg"]], validated=dict(validated), **noted)

    def ended(self, how: Ending, reason: str) -> None:
        """It gave none."""
        curve = [dict(point) for point in self._curve]
        self._end(TrialState.FAIL, None, ended=how, reason=reason, curve=curve)

    def _end(self, state: TrialState, values: list[float] | None, **noted: Any) -> None:
        def write() -> None:
            with translated(self._trials.url):
                self._trials.storage.set_trial_user_attrs(self.id, noted)
                self._trials.storage.set_trial_state_values(self.id, state, values)

        retry_while_away(write)


class Storage(RDBStorage):
    """Optuna's tables, where several processes may work on one search on every database.

    Waiting trials are given out once. Optuna relies on `SELECT ... FOR UPDATE` for that, which SQLite does not know:
    two processes that ask in the same instant were given the same trial. What belongs together is written in one
    transaction; Optuna writes attribute by attribute, and another process would read what stands between.
    """

    def set_trial_user_attrs(self, trial_id: int, noted: Mapping[str, Any]) -> None:
        """Write several attributes of a trial at once."""
        with _create_scoped_session(self.scoped_session, True) as session:
            for key, value in noted.items():
                self._set_trial_attr_without_commit(session, TrialUserAttributeModel, trial_id, key, value)

    def create_search(
        self, name: str, goals: int, noted: Mapping[str, Any], first: Sequence[Mapping[str, Any]]
    ) -> None:
        """Make a study with its attributes and the points it is to begin with: it is there with all of them or not.

        Args:
            goals: how many values a trial has; all are better when larger.
            first: parameters of the trials to wait in the queue.

        Raises:
            DuplicatedStudyError: another process was faster.
        """
        try:
            with _create_scoped_session(self.scoped_session) as session:
                directions = [
                    StudyDirectionModel(objective=goal, direction=StudyDirection.MAXIMIZE) for goal in range(goals)
                ]
                study = StudyModel(study_name=name, directions=directions)
                session.add(study)
                session.flush()
                study_id = int(study.study_id)
                for key, value in noted.items():
                    session.add(StudyUserAttributeModel(study_id=study_id, key=key, value_json=json.dumps(value)))
                for point in first:
                    waiting = optuna.trial.create_trial(
                        state=TrialState.WAITING, system_attrs={"fixed_params": dict(point)}
                    )
                    self._get_prepared_new_trial(study_id, waiting, session)
        except IntegrityError as error:
            raise optuna.exceptions.DuplicatedStudyError(name) from error

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """As Optuna's; a trial is started by one statement that finds it waiting or does not."""
        if state != TrialState.RUNNING:
            return super().set_trial_state_values(trial_id, state, values)
        trials = TrialModel.__table__
        with self.engine.begin() as connection:
            claimed = connection.execute(
                sa.update(trials)
                .where(trials.c.trial_id == trial_id, trials.c.state == TrialState.WAITING)
                .values(state=TrialState.RUNNING, datetime_start=datetime.now())
            )
        return claimed.rowcount == 1


class TrainingRuns:
    """The trainings of one database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._url = sa.make_url(url)
        self._storage: Storage | None = None
        self._file: tuple[int, int] | None = None

    def exists(self) -> bool:
        """Whether there is anything to read yet; never creates a file."""
        return self._file is not None or not self.url.startswith("sqlite") or _has_file(self.url)

    @property
    def storage(self) -> Storage:
        """Optuna's own tables, beside ours."""
        if self._file is not None and self._file != file_identity(self._url):
            raise gone(self._url)
        if self._storage is None:
            self._storage = self._open()
            self._file = file_identity(self._url)
        return self._storage

    def _open(self) -> Storage:
        """A process that stopped beating is found by the next one."""
        for attempt in range(5):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                    return Storage(
                        self.url, engine_kwargs=engine_options(self._url), heartbeat_interval=BEAT_SECONDS,
                        grace_period=GRACE_SECONDS,
                    )  # fmt: skip
            except SQLAlchemyError as error:
                # Two processes that make the tables at once: the second one finds them there at its next try.
                made = any(word in str(error).lower() for word in ("exists", "duplicate", "unique"))
                if attempt == 4 or not made:
                    raise storage_problem(self._url, error) from error
                time.sleep(0.2 * (attempt + 1))
        raise AssertionError("unreachable")

    def study(self, name: str, directions: int = 1) -> optuna.Study:
        """A study by name, made when it is not there. All values are better when larger."""
        return optuna.create_study(
            storage=self.storage, study_name=name, directions=["maximize"] * directions, load_if_exists=True
        )

    @contextmanager
    def recording(
        self, dataset: str, fingerprint: str, recipe: Hyperparameters, *, seed: int, **about: Any
    ) -> Iterator[Recorder]:
        """Write down a training as a trial of its data's study; every way out ends the trial.

        Args:
            about: further attributes: source, run, parent.
        """
        with translated(self.url):
            template = optuna.trial.create_trial(
                state=TrialState.RUNNING,
                params=params_of(recipe),
                distributions=dict(DISTRIBUTIONS),
                user_attrs=attributes(dataset, fingerprint, recipe, seed, **about),
            )
            recorder = Recorder(self, self._add(f"{dataset} {fingerprint[:12]}", template))
        try:
            yield recorder
        except BaseException as error:
            cancelled = _comes_from_cancelling(error)
            reason = "" if cancelled else str(error) or type(error).__name__
            recorder.ended("cancelled" if cancelled else "failed", reason)
            raise

    def _add(self, name: str, template: FrozenTrial) -> int:
        """Add a trial to a study; gives its number in the database.

        A study whose trials came from a version of this program with other distributions takes none of this one
        (Optuna refuses to mix them): those go into a study beside it, named after the distributions too.
        """
        try:
            return self.storage.create_new_trial(self.study(name)._study_id, template_trial=template)
        except ValueError:
            beside = self.study(f"{name} {_digest(template.distributions)}")
            return self.storage.create_new_trial(beside._study_id, template_trial=template)

    def studies(self) -> list[str]:
        """Names of all studies, newest first, those without a training too."""
        if not self.exists():
            return []
        with translated(self.url):
            studies = sorted(self.storage.get_all_studies(), key=lambda study: study._study_id, reverse=True)
        return [study.study_name for study in studies]

    def all(self, dataset: str | None = None, *, rough: bool = False) -> list[TrainingRun]:
        """Every training, newest first. One whose process is gone has failed.

        Args:
            dataset: only those on it.
            rough: the rough runs as well, which give no model.
        """
        if not self.exists():
            return []
        with translated(self.url):
            found = [
                _training(study.study_name, trial)
                for study in self.storage.get_all_studies()
                for trial in self.storage.get_all_trials(study._study_id, deepcopy=False)
                if "recipe" in trial.user_attrs and (rough or not trial.user_attrs.get("rough"))
            ]
        kept = [training for training in found if dataset is None or training.dataset == dataset]
        return sorted(kept, key=lambda training: training.id, reverse=True)

    def get(self, training_id: int) -> TrainingRun:
        """One training; NotFound when there is none of that number."""
        for training in self.all(rough=True):
            if training.id == training_id:
                return training
        raise NotFound(f"No training {training_id}. The list: python -m recsys runs")

    def settle(self) -> None:
        """End as failed every trial whose process on this machine is gone. Readers see that of themselves.

        Those of other machines are ended by Optuna, once they have not beaten for `GRACE_SECONDS`.
        """
        for study in self.storage.get_all_studies():
            for trial in self.storage.get_all_trials(study._study_id, deepcopy=False, states=(TrialState.RUNNING,)):
                if not _is_lost(trial):
                    continue
                try:
                    self.storage.set_trial_user_attr(trial._trial_id, "reason", LOST)
                    self.storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
                except optuna.exceptions.UpdateFinishedTrialError:
                    continue


def attributes(dataset: str, fingerprint: str, recipe: Hyperparameters, seed: int, **about: Any) -> dict[str, Any]:
    """What is noted of every trial, whoever started it."""
    process = f"{socket.gethostname()}/{process_identity(os.getpid())}"
    noted = {"dataset": dataset, "fingerprint": fingerprint, "recipe": recipe.to_dict(), "seed": seed}
    return noted | {"process": process} | {name: value for name, value in about.items() if value is not None}


def params_of(recipe: Hyperparameters) -> dict[str, Any]:
    """A recipe as the parameters of a trial."""
    values = {name: getattr(recipe, name) for name in DISTRIBUTIONS}
    for name in ("category_levels", "user_attributes"):
        values[name] = "all" if ALL in values[name] else "some" if values[name] else "none"
    return {name: float(x) if isinstance(DISTRIBUTIONS[name], FloatDistribution) else x for name, x in values.items()}


def _digest(distributions: Mapping[str, BaseDistribution]) -> str:
    """The same for the same distributions, in every process."""
    texts = sorted(f"{name} {distribution_to_json(x)}" for name, x in distributions.items())
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:6]


def comparable_study(trainings: Sequence[TrainingRun]) -> optuna.Study:
    """Trainings as one study in memory, whatever searches they came from: what Optuna's figures are drawn from."""
    study = optuna.create_study(direction="maximize")
    states = {"done": TrialState.COMPLETE, "pruned": TrialState.PRUNED}
    for training in reversed(trainings):
        recipe = training.hyperparameters
        if training.state not in states or training.value is None or recipe is None:
            continue
        points = {int(point["epoch"]): float(point["ndcg"]) for point in training.curve}
        study.add_trial(
            optuna.trial.create_trial(
                state=states[training.state],
                value=training.value if training.state == "done" else None,
                params=params_of(recipe),
                distributions=dict(DISTRIBUTIONS),
                intermediate_values=points,
            )
        )
    return study


def _comes_from_cancelling(error: BaseException | None) -> bool:
    """Whether it is a cancellation, or what became of one in the middle of somebody else's code."""
    while error is not None:
        if isinstance(error, Cancelled):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Errors of the database in words."""
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise storage_problem(sa.make_url(url), error) from error


def _has_file(url: str) -> bool:
    path = sa.make_url(url).database
    return path is None or Path(path).exists()


def _training(study: str, trial: FrozenTrial) -> TrainingRun:
    noted = trial.user_attrs
    states: dict[TrialState, Ending] = {
        TrialState.RUNNING: "running", TrialState.WAITING: "waiting", TrialState.COMPLETE: "done",
        TrialState.PRUNED: "pruned",
    }  # fmt: skip
    ending: Ending = "failed" if _is_lost(trial) else states.get(trial.state, noted.get("ended", "failed"))
    points = [{"epoch": float(epoch), "ndcg": value} for epoch, value in sorted(trial.intermediate_values.items())]
    curve = noted.get("curve") or points
    best = max(curve, key=lambda point: point["ndcg"], default=None)
    lost = LOST if ending == "failed" else ""
    return TrainingRun(
        id=trial._trial_id,
        study=study,
        state=ending,
        dataset=noted["dataset"],
        fingerprint=noted["fingerprint"],
        recipe={name: value for name, value in renamed(noted["recipe"]).items() if name in KNOWN},
        params=dict(trial.params),
        seed=noted["seed"],
        source=noted.get("source", ""),
        run=noted.get("run"),
        parent=noted.get("parent"),
        model=noted.get("model"),
        started=_utc(trial.datetime_start),
        ended=_utc(trial.datetime_complete),
        value=None if best is None else best["ndcg"],
        coverage=None if best is None else best.get("coverage"),
        curve=curve,
        metrics=noted.get("metrics"),
        reason=noted.get("reason", lost),
        code_version=noted.get("code_version", ""),
        attributes=dict(noted),
    )


def _is_lost(trial: FrozenTrial) -> bool:
    """Whether a trial counts as running and its process, on this machine, is gone."""
    host, _, process = str(trial.user_attrs.get("process", "")).rpartition("/")
    return trial.state == TrialState.RUNNING and host == socket.gethostname() and not process_alive(process)


def _utc(moment: datetime | None) -> datetime | None:
    """Optuna notes local times without a zone."""
    return None if moment is None else moment.astimezone(UTC)

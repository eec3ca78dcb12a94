"""Every training as an Optuna trial in the shared database: by slider, by command or by search."""

import os
import socket
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import optuna
import sqlalchemy as sa
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_incrementing

from recsys.errors import Cancelled, InvalidInput, NotFound, StorageProblem
from recsys.models.hyperparameters import Hyperparameters, renamed
from recsys.models.manifest import ModelManifest
from recsys.progress import Progress
from recsys.storage.database import engine_options, file_identity, gone, storage_problem
from recsys.storage.jobs import LOST, process_alive, process_identity
from recsys.storage.trials.optuna_storage import Storage, made_meanwhile
from recsys.storage.trials.trial_parameters import DISTRIBUTIONS, digest_of, params_of
from recsys.utils.json_values import jsonable
from recsys.utils.retry import retry_while_away
from recsys.utils.sqlite_address import engine_url

optuna.logging.set_verbosity(optuna.logging.ERROR)

Ending = Literal["running", "waiting", "done", "pruned", "failed", "cancelled"]
BEAT_SECONDS, GRACE_SECONDS = 30, 120
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
    recipe: Mapping[str, Any]
    params: Mapping[str, Any]
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
    metrics: Mapping[str, Any] | None
    reason: str
    code_version: str
    attributes: Mapping[str, Any] = field(repr=False)

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

    def to_dict(self) -> Mapping[str, object]:
        """All of it but the attributes that Optuna keeps, ready for JSON."""
        return {name: x for name, x in jsonable(self).items() if name != "attributes"} | {"seconds": self.seconds}


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
        trying = Retrying(
            retry=retry_if_exception(made_meanwhile), stop=stop_after_attempt(5),
            wait=wait_incrementing(start=0.2, increment=0.2), reraise=True,
        )  # fmt: skip
        address = engine_url(self._url).render_as_string(hide_password=False)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                return trying(
                    Storage, address, engine_kwargs=engine_options(self._url), heartbeat_interval=BEAT_SECONDS,
                    grace_period=GRACE_SECONDS,
                )  # fmt: skip
        except SQLAlchemyError as error:
            raise storage_problem(self._url, error) from error

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
            beside = self.study(f"{name} {digest_of(template.distributions)}")
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


def attributes(
    dataset: str, fingerprint: str, recipe: Hyperparameters, seed: int, **about: object
) -> dict[str, object]:
    """What is noted of every trial, whoever started it."""
    process = f"{socket.gethostname()}/{process_identity(os.getpid())}"
    noted = {"dataset": dataset, "fingerprint": fingerprint, "recipe": recipe.to_dict(), "seed": seed}
    return noted | {"process": process} | {name: value for name, value in about.items() if value is not None}


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

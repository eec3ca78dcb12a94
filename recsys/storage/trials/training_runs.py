"""Every training as an Optuna trial in the shared database: by slider, by command or by search."""

import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy as sa
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_incrementing

from recsys.errors import Cancelled, NotFound
from recsys.models.hyperparameters import Hyperparameters
from recsys.storage.database import engine_options, file_identity, gone, storage_problem
from recsys.storage.jobs import LOST
from recsys.storage.trials.optuna_storage import Storage, made_meanwhile
from recsys.storage.trials.recorder import Recorder, translated
from recsys.storage.trials.training_run import TrainingRun, is_lost, run_of_trial
from recsys.storage.trials.trial_parameters import DISTRIBUTIONS, digest_of, params_of
from recsys.utils.processes import process_identity
from recsys.utils.sqlite_address import engine_url

BEAT_SECONDS, GRACE_SECONDS = 30, 120


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
            recorder = Recorder(lambda: self.storage, self.url, self._add(f"{dataset} {fingerprint[:12]}", template))
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
                run_of_trial(study.study_name, trial)
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
                if not is_lost(trial):
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


def _comes_from_cancelling(error: BaseException | None) -> bool:
    """Whether it is a cancellation, or what became of one in the middle of somebody else's code."""
    while error is not None:
        if isinstance(error, Cancelled):
            return True
        error = error.__cause__ or error.__context__
    return False


def _has_file(url: str) -> bool:
    path = sa.make_url(url).database
    return path is None or Path(path).exists()

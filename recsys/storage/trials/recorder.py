"""Writing down one training while it goes on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import optuna
import sqlalchemy as sa
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from recsys.errors import StorageProblem
from recsys.models.manifest import ModelManifest
from recsys.progress import Progress
from recsys.storage.database import storage_problem
from recsys.storage.trials.optuna_storage import Storage
from recsys.storage.trials.training_run import Ending
from recsys.utils.retry import retry_while_away


class Recorder:
    """Writes down one training while it goes on. A database that is away for a while stops no training: what it did
    not take is written later, and how the training ended waits for it (`recsys.utils.retry`)."""

    def __init__(self, storage: Callable[[], Storage], url: str, trial_id: int) -> None:
        self.id = trial_id
        self._storage, self._url = storage, url
        self._reported = 0
        self._curve: Sequence[Mapping[str, float]] = ()

    def follow(self, progress: Progress) -> None:
        """Keep the validation values that are new."""
        self._curve = progress.curve
        with suppress(StorageProblem), translated(self._url):
            for point in progress.curve[self._reported :]:
                epoch, value = int(point["epoch"]), float(point["ndcg"])
                self._storage().set_trial_intermediate_value(self.id, epoch, value)
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
            with translated(self._url):
                self._storage().set_trial_user_attrs(self.id, noted)
                self._storage().set_trial_state_values(self.id, state, values)

        retry_while_away(write)


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Errors of the database in words."""
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise storage_problem(sa.make_url(url), error) from error

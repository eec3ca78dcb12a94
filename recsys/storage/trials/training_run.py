"""One training as an Optuna trial holds it: read as a plain value, and many of them as one study."""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Literal

import optuna
from optuna.trial import FrozenTrial, TrialState

from recsys.errors import InvalidInput
from recsys.models.hyperparameters import Hyperparameters, renamed
from recsys.storage.jobs import LOST
from recsys.storage.trials.trial_parameters import DISTRIBUTIONS, params_of
from recsys.utils.json_values import jsonable
from recsys.utils.processes import process_alive

optuna.logging.set_verbosity(optuna.logging.ERROR)

Ending = Literal["running", "waiting", "done", "pruned", "failed", "cancelled"]
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


def run_of_trial(study: str, trial: FrozenTrial) -> TrainingRun:
    """A trial of the study of that name. One that counts as running and whose process is gone has failed."""
    noted = trial.user_attrs
    states: dict[TrialState, Ending] = {
        TrialState.RUNNING: "running", TrialState.WAITING: "waiting", TrialState.COMPLETE: "done",
        TrialState.PRUNED: "pruned",
    }  # fmt: skip
    ending: Ending = "failed" if is_lost(trial) else states.get(trial.state, noted.get("ended", "failed"))
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


def is_lost(trial: FrozenTrial) -> bool:
    """Whether a trial counts as running and its process, on this machine, is gone."""
    host, _, process = str(trial.user_attrs.get("process", "")).rpartition("/")
    return trial.state == TrialState.RUNNING and host == socket.gethostname() and not process_alive(process)


def _utc(moment: datetime | None) -> datetime | None:
    """Optuna notes local times without a zone."""
    return None if moment is None else moment.astimezone(UTC)

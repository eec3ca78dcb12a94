"""What the finished trainings on a dataset reached on the validation periods, read by one query."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from optuna.storages._rdb.models import TrialModel, TrialUserAttributeModel, TrialValueModel
from optuna.trial import TrialState

from recsys.errors import InvalidInput
from recsys.models.hyperparameters import Hyperparameters, renamed
from recsys.storage.trials.recorder import translated
from recsys.storage.trials.training_run import KNOWN
from recsys.storage.trials.training_runs import TrainingRuns

MOST = 500
"""The newest trainings that are read."""

_NOTED = ("recipe", "settled", "fingerprint", "seed", "curve", "validated", "frontier", "model", "rough",
          "windows", "split")  # fmt: skip


@dataclass(frozen=True)
class FinishedRun:
    """One training that ended with a result, rough runs and those of a search among them.

    Attributes:
        recipe: as it was asked for.
        settled: with the values that validation took for what it left open.
        reached: "ndcg" and "coverage" on the validation periods, as `recsys.models.manifest.validated` gives them.
        windows: on how many validation periods it was chosen.
        split: what was held out, as `SplitDescription.to_dict` gives it; None where it was not noted.
        curve: points of the learning curve.
        frontier: the same figures for other settings of the popularity dial.
        model: the version it gave; None without one.
        rough: whether it was a rough run (`recsys.services.dials.rough_runs`).
    """

    id: int
    fingerprint: str
    recipe: Hyperparameters
    settled: Hyperparameters
    seed: int
    reached: Mapping[str, float]
    windows: int = 1
    split: Mapping[str, Any] | None = None
    curve: Sequence[Mapping[str, float]] = ()
    frontier: Sequence[Mapping[str, float]] = ()
    model: str | None = None
    rough: bool = False


def finished_runs(trials: TrainingRuns, dataset: str, most: int = MOST) -> list[FinishedRun]:
    """The newest finished trainings on a dataset, newest first; those of another version that cannot be read are left
    out."""
    if not trials.exists():
        return []
    trial, noted, value = TrialModel.__table__, TrialUserAttributeModel.__table__, TrialValueModel.__table__
    owner = noted.alias("owner")
    newest = (
        sa.select(trial.c.trial_id)
        .join(owner, owner.c.trial_id == trial.c.trial_id)
        .where(owner.c.key == "dataset", owner.c.value_json == json.dumps(dataset))
        .where(trial.c.state == TrialState.COMPLETE)
        .order_by(trial.c.trial_id.desc())
        .limit(most)
        .subquery()
    )
    wanted = (
        sa.select(noted.c.trial_id, noted.c.key, noted.c.value_json, value.c.value)
        .join(newest, newest.c.trial_id == noted.c.trial_id)
        .outerjoin(value, sa.and_(value.c.trial_id == noted.c.trial_id, value.c.objective == 0))
        .where(noted.c.key.in_(_NOTED))
        .order_by(noted.c.trial_id.desc())
    )
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    with translated(trials.url), trials.storage.engine.connect() as connection:
        for trial_id, key, text, reached in connection.execute(wanted):
            found[trial_id] |= {key: json.loads(text), "value": reached}
    read = [_read(trial_id, facts) for trial_id, facts in found.items()]
    return [run for run in read if run is not None]


def seed_gaps(runs: Sequence[FinishedRun], fingerprint: str) -> list[float]:
    """How far validation NDCG@10 lies apart between trainings of one recipe on the same data that differ in nothing but
    the seed: one figure for each pair that follows one another."""
    groups: dict[str, dict[int, float]] = defaultdict(dict)
    for run in runs:
        if run.fingerprint == fingerprint:
            groups[str(sorted(run.recipe.to_dict().items()))][run.seed] = run.reached["ndcg"]
    return [abs(a - b) for values in groups.values() for a, b in pairwise(values.values())]


def _read(trial_id: int, facts: Mapping[str, Any]) -> FinishedRun | None:
    recipe = _recipe(facts.get("recipe"))
    reached = facts.get("validated") or _kept(facts.get("curve") or (), facts.get("value"))
    if recipe is None or reached is None or "fingerprint" not in facts:
        return None
    return FinishedRun(
        id=trial_id,
        fingerprint=facts["fingerprint"],
        recipe=recipe,
        settled=_recipe(facts.get("settled")) or recipe,
        seed=facts.get("seed", 0),
        reached=reached,
        windows=facts.get("windows", 1),
        split=facts.get("split"),
        curve=facts.get("curve") or (),
        frontier=facts.get("frontier") or (),
        model=facts.get("model"),
        rough=bool(facts.get("rough")),
    )


def _kept(curve: Sequence[Mapping[str, float]], value: float | None) -> Mapping[str, float] | None:
    """The point of the curve whose NDCG@10 is the value of the training."""
    whole = [point for point in curve if "coverage" in point]
    if value is None or not whole:
        return None
    return min(whole, key=lambda point: abs(point["ndcg"] - value))


def _recipe(noted: Mapping[str, Any] | None) -> Hyperparameters | None:
    if noted is None:
        return None
    try:
        return Hyperparameters.from_dict({name: x for name, x in renamed(noted).items() if name in KNOWN})
    except InvalidInput:
        return None


def trainings_of_jobs(trials: TrainingRuns) -> dict[int, tuple[int, str]]:
    """By the number of a job, the number of the training that it made, the newest where it made several, and the
    fingerprint of the data; rough runs are left out."""
    if not trials.exists():
        return {}
    job = TrialUserAttributeModel.__table__
    data, rough = job.alias("data"), job.alias("rough")
    wanted = (
        sa.select(job.c.value_json, job.c.trial_id, data.c.value_json)
        .join(data, sa.and_(data.c.trial_id == job.c.trial_id, data.c.key == "fingerprint"))
        .outerjoin(rough, sa.and_(rough.c.trial_id == job.c.trial_id, rough.c.key == "rough"))
        .where(job.c.key == "run", rough.c.trial_id.is_(None))
        .order_by(job.c.trial_id)
    )
    with translated(trials.url), trials.storage.engine.connect() as connection:
        rows = connection.execute(wanted).all()
    return {json.loads(number): (training, json.loads(fingerprint)) for number, training, fingerprint in rows}

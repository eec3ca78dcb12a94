"""Optuna's tables, where several processes may work on one search on every database.

The only module that reaches into what Optuna keeps to itself; `tests/storage/test_training_runs.py` says what breaks.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import optuna
import sqlalchemy as sa
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
from optuna.trial import TrialState
from sqlalchemy.exc import IntegrityError, SQLAlchemyError


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


def made_meanwhile(error: BaseException) -> bool:
    """Whether two processes make the tables at once: the second one finds them there at its next try."""
    words = ("exists", "duplicate", "unique")
    return isinstance(error, SQLAlchemyError) and any(word in str(error).lower() for word in words)

"""Where somebody stands in a model: as trained, moved by what they did since, or folded in from a description."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import cast

import numpy as np
import pandas as pd
from cachetools import FIFOCache
from numpy.typing import NDArray

from recsys.models.added_items import carry_over
from recsys.models.fold_in import fold_in
from recsys.models.linear_fold_in import LinearFoldIn
from recsys.models.model import Model
from recsys.models.repurchase import frequency
from recsys.models.segment_popularity import Segments
from recsys.recommend.activity import Activity, NewActivity
from recsys.recommend.explain import UserVector, vector_of_user, vector_of_weights
from recsys.recommend.leave_one_out import Influence, leave_one_out
from recsys.recommend.results import Path

DESCRIBED_IN_MEMORY = 64
"""Persons described by items and attributes whose vector is kept: a page asks for the same one again and again."""
STANDINGS_IN_MEMORY = 20_000
FOLDED_IN_MEMORY = 20_000
"""Users with recent events whose folded-in vector is kept until the next event."""


DescriptionKey = tuple[tuple[str, ...], tuple[tuple[str, str], ...]]
"""Somebody described: ids of their items, and their attributes, sorted."""


@dataclass(frozen=True)
class UserState:
    """Where one user stands in the model.

    Attributes:
        user_vector: their embedding, in parts.
        items: int64 row numbers of what they had, ascending.
        counts, last: float32 and datetime64[s], aligned with `items`: how often, and when for the last time.
        again: float32, aligned with `items`: what the lane "again" ranks by.
        path: how the vector came about.
        unwanted: int64 row numbers of what they disliked or gave back: in no lane.
    """

    user_vector: UserVector
    items: NDArray[np.int64]
    counts: NDArray[np.float32]
    last: NDArray[np.datetime64]
    again: NDArray[np.float32]
    path: Path
    unwanted: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


class UserStates:
    """Where every user of one model stands. Safe to share between threads; the last ones asked for are kept.

    Args:
        activity: what users did since the training, if there is a log.
    """

    def __init__(self, model: Model, activity: Activity | None = None) -> None:
        self._model = model
        self._activity = activity
        self._trained_ones: dict[int, UserState] = {}
        self._folded: FIFOCache[str, tuple[tuple[int, int], UserState]] = FIFOCache(FOLDED_IN_MEMORY)
        self._described: FIFOCache[DescriptionKey, UserState] = FIFOCache(DESCRIBED_IN_MEMORY)
        self._folding = threading.Lock()
        self._segments = Segments(model)

    def with_items(self, model: Model) -> "UserStates":
        """The same over this model with more items at the end of its table. Who had one of them stands elsewhere now,
        so states are worked out anew."""
        found = UserStates(model, self._activity)
        carry_over(self, found, {"_last_event": lambda old: old})
        return found

    def is_quick(self, user_id: str) -> bool:
        """Whether an answer needs no fold-in first: nothing happened since the training, or that was worked out."""
        if self._activity is None:
            return True
        version = self._activity.version_of(user_id)
        return version == (0, 0) or self._folded.get(user_id, ((0, 0), None))[0] == version

    def of(self, user_id: str) -> UserState:
        """Where a user stands by now: as trained, or moved by fold-in over a history that recent events have enlarged.

        Raises:
            NotFound: neither the model nor the log knows them.
        """
        new_activity = self._activity.new_activity(user_id) if self._activity is not None else None
        row = self._model.rows_of_users.get(user_id, -1)
        if new_activity is None:
            return self.trained(self._model.user_row(user_id) if row < 0 else row)
        with self._folding:
            known = self._folded.get(user_id)
        if known is None or known[0] != new_activity.version:
            unwanted = self._rows_of(new_activity.unwanted)
            known = (new_activity.version, replace(self._moved(row, new_activity), unwanted=unwanted[unwanted >= 0]))
            with self._folding:
                self._folded[user_id] = known
        return known[1]

    def is_lost(self, users: NDArray[np.int_]) -> NDArray[np.bool_]:
        """Which of these users, by row number, the model knows nothing of: no history, and no feature."""
        of_history, of_features = self._model.history.counts.indptr, self._model.user_features.matrix.indptr
        return np.asarray((of_history[users] == of_history[users + 1]) & (of_features[users] == of_features[users + 1]))

    def trained(self, user: int) -> UserState:
        """Where a user, by row number, stood after the training."""
        found = self._trained_ones.get(user)
        if found is None:
            found = self._work_out(user)
            if len(self._trained_ones) < STANDINGS_IN_MEMORY:
                self._trained_ones[user] = found
        return found

    def _work_out(self, user: int) -> UserState:
        span = self._model.history.of_user(user)
        items = self._model.history.counts.indices[span].astype(np.int64)
        counts, last = self._model.history.counts.data[span], self._model.history.last[span]
        known = self._model.user_features.matrix.indptr[user] < self._model.user_features.matrix.indptr[user + 1]
        again = _faded(counts, last, self._last_event) if self._model.again is None else self._model.again[span]
        if not len(items) and not known:
            row = self._model.users.iloc[user]
            own = {name: str(row[name]) for name in self._model.user_attributes if not pd.isna(row[name])}
            return UserState(self._last_resort(own), items, counts, last, again, "popular")
        path: Path = "known" if len(items) and known else "cold"
        return UserState(vector_of_user(self._model, user), items, counts, last, again, path)

    def _last_resort(self, attributes: Mapping[str, str]) -> UserVector:
        """For somebody of whom the model can use nothing: what is popular among those with the same attributes."""
        zeros = np.zeros(self._model.item_embeddings.shape[1], np.float32)
        return UserVector(zeros, 0.0, popular=self._segments.of(attributes))

    def _moved(self, user: int, new_activity: NewActivity) -> UserState:
        """A user with recent events; `user` is -1 for one the model has never seen."""
        rows = self._rows_of(new_activity.item_ids)
        known = rows >= 0
        rows, times = rows[known], new_activity.times[known]
        old: NDArray[np.int64] = np.zeros(0, np.int64)
        counts, last = np.zeros(0, np.float32), np.zeros(0, "datetime64[s]")
        if user >= 0:
            span = self._model.history.of_user(user)
            old = self._model.history.counts.indices[span].astype(np.int64)
            counts, last = self._model.history.counts.data[span], self._model.history.last[span]
        items, place = np.unique(np.concatenate([old, rows]), return_inverse=True)
        total, newest = np.zeros(len(items), np.float32), np.full(len(items), np.datetime64(0, "s"))
        np.add.at(total, place, np.concatenate([counts, np.ones(len(rows), np.float32)]))
        np.fmax.at(newest, place, np.concatenate([last.astype("datetime64[s]"), times]))
        if user >= 0 and len(rows) == 0:
            return self.trained(user)
        if user >= 0:
            start = self._model.user_embeddings[user], float(self._model.user_biases[user])
            own = dict(zip(*self._model.user_features.row(user), strict=True))
            user_vector = self._user_vector(items, own, *start, counts=total, last=newest)
        else:
            features = self._model.user_features
            usable = {name: value for name, value in new_activity.attributes.items() if features.knows(name, value)}
            if not len(items) and not usable:
                nothing = np.zeros(0, np.float32)
                return UserState(self._last_resort(new_activity.attributes), items, nothing, newest, nothing, "popular")
            user_vector = self.user_vector(items, usable)
        again = _faded(
            total, newest, np.fmax(self._last_event, np.fmax.reduce(newest)) if len(items) else self._last_event
        )
        return UserState(user_vector, items, total, newest, again, "folded" if len(items) else "cold")

    def _rows_of(self, item_ids: Sequence[str]) -> NDArray[np.int64]:
        """Row numbers of items by their ids, -1 for those that the model does not know."""
        return np.asarray(self._model.item_index.get_indexer(pd.Index(item_ids, dtype=object)), dtype=np.int64)

    def described(self, history: Sequence[str] = (), user: Mapping[str, str] | None = None) -> UserState:
        """Where somebody never seen would stand; raises as `recommend_for` does. The last ones asked for are kept."""
        key = tuple(map(str, history)), tuple(sorted((user or {}).items()))
        with self._folding:
            if key in self._described:
                return self._described[key]
        user_state = self._stand(key[0], user or {})
        with self._folding:
            self._described[key] = user_state
        return user_state

    def _stand(self, history: Sequence[str], user: Mapping[str, str]) -> UserState:
        rows, times = np.unique(self._model.item_rows([str(item) for item in history]), return_counts=True)
        counts = times.astype(np.float32)
        never = np.full(len(rows), np.datetime64("NaT"), dtype="datetime64[s]")
        learned = {name: value for name, value in user.items() if not self._unlearned(name, value)}
        if not len(rows) and not learned:
            return UserState(self._last_resort(user), rows, counts, never, counts, "popular")
        user_vector = self.user_vector(rows, learned)
        return UserState(user_vector, rows, counts, never, counts, "folded" if len(rows) else "cold")

    def usable(self, name: str, value: str) -> bool:
        """Whether an attribute says something: to the model, or else to the last resort."""
        return self._model.user_features.knows(name, value) or self._unlearned(name, value)

    def _unlearned(self, name: str, value: str) -> bool:
        """Whether shoppers have this attribute and the model was trained without it."""
        return name not in self._model.user_features.shared and self._segments.knows(name, str(value))

    def user_vector(self, history: NDArray[np.int64], attributes: Mapping[str, str]) -> UserVector:
        """Where someone never seen lies in the model: attributes give the start, fold-in over the history the rest."""
        numbers, weights = self._model.user_features.row_for(attributes)
        start, bias = self._start(numbers, weights)
        return self._user_vector(history, dict(zip(numbers.tolist(), weights.tolist(), strict=True)), start, bias)

    def _start(self, numbers: NDArray[np.int64], weights: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
        """Embedding and bias that user features give by themselves."""
        lightfm = self._model.lightfm
        return weights @ lightfm.user_embeddings[numbers], float(weights @ lightfm.user_biases[numbers])

    def without_each(
        self, item: int, user_state: UserState, attributes: Mapping[str, str], user_id: str | None = None
    ) -> Influence:
        """How much the score of `item` falls when one item of a history is left out of the fold-in.

        Where the fold-in is linear, that is exact and said for every item of the history; else it is measured, for
        the most alike (`influence.leave_one_out`).

        Args:
            attributes: what is known of them.
            user_id: whose history it is; None for somebody described, whose items have no times.
        """
        learned = {name: value for name, value in attributes.items() if self._model.user_features.knows(name, value)}
        start, _ = self._start(*self._model.user_features.row_for(learned))
        trained = user_id is not None and user_id in self._model.rows_of_users
        if self.linear is None:
            others = user_state.items[user_state.items != item]
            return leave_one_out(item, others, self._model.item_embeddings, self._model.item_biases, start=start)
        days, counts = (self.linear.days(user_state.last), user_state.counts) if trained else (None, None)
        falls = self.linear.falls(
            self._model.item_embeddings[item], user_state.items, days, counts, start=None if trained else start
        )
        order = np.argsort(-falls, kind="stable")
        order = order[user_state.items[order] != item]
        return Influence(user_state.items[order], falls[order], np.zeros(len(order)))

    def _user_vector(
        self,
        items: NDArray[np.int64],
        weights: dict[int, float],
        start: NDArray[np.float32],
        bias: float,
        *,
        counts: NDArray[np.float32] | None = None,
        last: NDArray[np.datetime64] | None = None,
    ) -> UserVector:
        """Fold-in over a history from a starting embedding; `weights` are those of the user features in it.

        `counts` and `last` are how often and when last each item was had, for users the model was trained on: their
        whole history then takes the place of the starting embedding.
        """
        linear = self.linear
        if linear is None or not len(items):
            vector = fold_in(items, self._model.item_embeddings, self._model.item_biases, start=start)
        elif last is None:
            vector = linear.vector(items, start=start)
        else:
            vector = linear.vector(items, linear.days(last), counts)
        return vector_of_weights(self._model, weights, vector, bias)

    @property
    def linear(self) -> LinearFoldIn | None:
        """The learner's own formula; None where gradient steps have to fold in."""
        return self._model.fold_in

    @cached_property
    def _last_event(self) -> np.datetime64:
        last = self._model.history.last
        return cast(np.datetime64, np.fmax.reduce(last)) if len(last) else np.datetime64("NaT")


def _faded(counts: NDArray[np.float32], last: NDArray[np.datetime64], now: np.datetime64) -> NDArray[np.float32]:
    """How strongly each item of a history is due again, where the model holds no chances for it."""
    return frequency(counts, np.nan_to_num((now - last) / np.timedelta64(1, "D"), nan=0.0))

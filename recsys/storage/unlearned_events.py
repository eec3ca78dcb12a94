"""What the log holds beyond what one model has learned from: per user, read when it is asked for."""

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from cachetools import LRUCache

from recsys.dataset.event_kinds import is_unwanted, weight_of
from recsys.dataset.splitting import timestamp
from recsys.errors import StorageProblem
from recsys.models.manifest import ModelManifest
from recsys.models.model import Model
from recsys.recommend.activity import NewActivity
from recsys.storage import event_log
from recsys.storage.event_log import EventLog, Mark
from recsys.utils.waiting import check_may_wait

USERS_IN_MEMORY = 20_000


def learned_until(manifest: ModelManifest) -> datetime | None:
    """The time before which a model has learned from the events of its dataset; None when no time decided."""
    cut = timestamp(manifest.split.test_start)
    return None if pd.isna(cut) else cut.to_pydatetime()


def mark_of(manifest: ModelManifest) -> Mark:
    """Up to where the log was part of the dataset that a model was trained on."""
    return Mark(*manifest.log)


class UnlearnedEvents:
    """The log beside one model: everything it holds that the model has not learned. Safe between threads.

    That is what came after the model's mark in the log, and what lies in the period held out for its evaluation; but
    not what takes something back, as a refund does. What the log says a shopper does not want, by a dislike or a
    return, is told whenever it came: no training learns it. While the log cannot be read, what was read before goes on
    counting; StorageProblem where nothing was.

    Args:
        weights: kind of event to weight, on top of `event_kinds.DEFAULT_WEIGHTS`, as the import of the dataset had it.
    """

    def __init__(self, log: EventLog, model: Model, weights: Mapping[str, float] | None = None) -> None:
        self._log = log
        self._weights = weights or {}
        self._dataset = str(model.manifest.dataset)
        self._mark = mark_of(model.manifest)
        self._cut = learned_until(model.manifest)
        self._learned_users = model.rows_of_users
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._version: int | None = None
        self._waiting: tuple[int, datetime | None] = (0, None)
        self._seen = Mark()
        self._forgotten = 0
        self._last: dict[str, int] = {}
        self._users: dict[str, tuple[int, Mapping[str, str]]] = {}
        self._items: dict[str, Mapping[str, Any]] = {}
        self._items_version = 0
        self._cache: LRUCache[str, NewActivity] = LRUCache(USERS_IN_MEMORY)

    def new_activity(self, user_id: str) -> NewActivity | None:
        """What the log adds for a user; None when nothing does."""
        self._refresh()
        with self._lock:
            last = self._last.get(user_id, 0)
            announced, attributes = self._users.get(user_id, (0, {}))
            if not last and not announced:
                return None
            known = self._cache.get(user_id)
            if known is not None and known.version == (last, announced):
                return known
        try:
            logged = self._log.of_user(self._dataset, user_id)
        except StorageProblem:
            if known is None and user_id not in self._learned_users:
                raise
            return known
        rows = [
            row
            for row in logged
            if row[0] <= last
            and (row[0] > self._mark.events or (self._cut is not None and row[2] >= self._cut))
            and weight_of(row[4], self._weights)[0] > 0
        ]
        new_activity = NewActivity(
            tuple(row[1] for row in rows),
            np.array([row[2] for row in rows], dtype="datetime64[s]"),
            np.array([row[3] for row in rows], dtype=np.float64),
            np.array([row[0] <= self._mark.events for row in rows], dtype=bool),
            attributes,
            (last, announced),
            self._unwanted([(row[1], row[4]) for row in logged if row[0] <= last]),
        )
        with self._lock:
            self._cache[user_id] = new_activity
        return new_activity

    def _unwanted(self, events: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        """The items, of items and kinds of events in the order they came, that somebody does not want in the end."""
        found: dict[str, None] = {}
        for item, kind in events:
            if is_unwanted(kind, self._weights):
                found[item] = None
            elif weight_of(kind, self._weights)[0] > 0:
                found.pop(item, None)
        return tuple(found)

    def version_of(self, user_id: str) -> tuple[int, int]:
        """A value that changes whenever `new_activity` of this user does; (0, 0) without any."""
        self._refresh()
        with self._lock:
            return self._last.get(user_id, 0), self._users.get(user_id, (0, {}))[0]

    def versions(self, user_id: str | None) -> tuple[int, int, int]:
        """Those of the announced items and, if one is named, of a user: for telling whether an answer still holds."""
        self._refresh()
        with self._lock:
            if user_id is None:
                return self._items_version, 0, 0
            return self._items_version, self._last.get(user_id, 0), self._users.get(user_id, (0, {}))[0]

    def new_users(self) -> list[str]:
        """Ids of everybody the log has something new about."""
        self._refresh()
        with self._lock:
            return list(dict.fromkeys([*self._last, *self._users]))

    def new_items(self) -> tuple[int, Mapping[str, Mapping[str, Any]]]:
        """Items announced since the training, by id, and a number that changes when they do."""
        self._refresh()
        with self._lock:
            return self._items_version, self._items

    def waiting(self) -> tuple[int, datetime | None]:
        """How many events came after the model's training data, and when the oldest was received (UTC). Counted as
        they come, so that asking costs the same however many there are."""
        self._refresh()
        with self._lock:
            return self._waiting

    def _refresh(self) -> None:
        try:
            version = self._log.version()
            if version == self._version:
                return
            check_may_wait()
            with self._reading:  # not the lock that every answer takes: a database may keep this waiting
                if version != self._version:
                    self._read()
                    self._version = version
        except StorageProblem:
            if self._version is None:
                raise

    def _read(self) -> None:
        """Read what came into the log since it was last read."""
        head = self._log.head(self._dataset)
        forgotten = self._log.forgotten(self._dataset)
        anew = forgotten != self._forgotten
        seen = Mark() if anew else self._seen
        newest: dict[str, int] = {}
        count, oldest = 0, None
        if head.events > seen.events:
            first = not seen.events
            newest, count, oldest = self._log.newest_by_user(
                self._dataset,
                self._mark.events if first else seen.events,
                self._cut if first and self._mark.events else None,
            )
            if first and self._mark.events:
                disliking = self._log.newest_of_kinds(self._dataset, lambda kind: is_unwanted(kind, self._weights))
                newest = {**disliking, **newest}
        items: Mapping[str, Mapping[str, Any]] = {}
        users: Mapping[str, Mapping[str, str]] = {}
        if head.announcements > seen.announcements:
            after = max(self._mark.announcements, seen.announcements)
            items = self._log.announced(self._dataset, event_log.ITEM, after, head.announcements)
            users = self._log.announced(self._dataset, event_log.USER, seen.announcements, head.announcements)
        with self._lock:
            if anew:
                self._forgotten = forgotten
                self._last, self._users, self._waiting = {}, {}, (0, None)
                self._cache.clear()
            self._last |= newest
            self._waiting = self._waiting[0] + count, self._waiting[1] or oldest
            if items:
                self._items = {**self._items, **items}
                self._items_version = head.announcements
            self._users |= {name: (head.announcements, content) for name, content in users.items()}
            self._seen = Mark(max(head.events, seen.events), max(head.announcements, seen.announcements))

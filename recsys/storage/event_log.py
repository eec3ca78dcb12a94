"""The log: what shops send while a model is live. Durable before it answers, and never the same event twice."""

import hashlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import pandas as pd
import sqlalchemy as sa

from recsys import columns as c
from recsys.errors import InvalidInput, StorageProblem
from recsys.storage.database import Database, storage_problem, utc_now
from recsys.storage.tables import announcements, events
from recsys.utils.sqlite_address import sqlite_address

ITEM, USER, FORGOTTEN = "item", "user", "forgotten"
logger = logging.getLogger(__name__)

POLL_SECONDS = 0.2
"""How long another process's events may stay unseen on a database that cannot tell cheaply that it has changed."""


class Mark(NamedTuple):
    """A place in the log: the ids of the last event and of the last announcement before it."""

    events: int = 0
    announcements: int = 0


class Conflict(InvalidInput):
    """The key of an event was used before for another one (HTTP 409)."""


@dataclass(frozen=True)
class Event:
    """One thing somebody did. `timestamp` is in UTC without a zone; `key` names it for ever."""

    key: str
    user_id: str
    item_id: str
    timestamp: datetime
    event: str = "purchase"
    quantity: float = 1.0
    value: float = 0.0

    @property
    def digest(self) -> str:
        """Changes with the content, whatever the key."""
        parts = (self.user_id, self.item_id, self.event, self.quantity, self.value)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Receipt:
    """What became of a batch: how many events are new in the log, how many were there already."""

    accepted: int
    duplicates: int


class LogSize(TypedDict):
    """How much the log of a dataset holds, and when the last event came (UTC)."""

    events: int
    users: int
    items: int
    last_received: datetime | None


@dataclass(frozen=True)
class EventLog:
    """Events and announcements of all datasets of one database. Safe between threads and between processes."""

    database: Database
    _watch: "_Watch" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_watch", _Watch(self.database))

    def append(
        self,
        dataset: str,
        batch: Sequence[Event],
        items: Mapping[str, Mapping[str, Any]] | None = None,
        users: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Receipt:
        """Store a batch, all of it or nothing; when this returns, it is on the disk.

        Args:
            items, users: what is known of new ones, by id. The last word on each counts.

        Raises:
            Conflict: a key stands in the log with another content.
            StorageProblem: the database cannot be written; nothing was stored.
        """
        now = utc_now()
        by_key: dict[str, Event] = {}
        for event in batch:
            _same_or_conflict(event, by_key.setdefault(event.key, event).digest)
        with self.database.begin() as connection:
            stored = self._digests(connection, dataset, list(by_key))
            for key, digest in stored.items():
                _same_or_conflict(by_key[key], digest)
            fresh = [
                {
                    "dataset": dataset, "key": key, "digest": event.digest, "user_id": event.user_id,
                    "item_id": event.item_id, "timestamp": event.timestamp.replace(microsecond=0),
                    "event": event.event, "quantity": event.quantity, "value": event.value, "received": now,
                }
                for key, event in by_key.items() if key not in stored
            ]  # fmt: skip
            if fresh:
                connection.execute(events.insert(), fresh)
            new_rows = [
                {"dataset": dataset, "kind": kind, "name": name, "content": dict(content), "received": now}
                for kind, named in ((ITEM, items or {}), (USER, users or {}))
                for name, content in named.items()
            ]
            if new_rows:
                connection.execute(announcements.insert(), new_rows)
        self._watch.wrote()
        return Receipt(len(fresh), len(batch) - len(fresh))

    def close(self) -> None:
        """Give up the connection by which changes are noticed, until it is needed again."""
        self._watch.close()

    def version(self) -> int:
        """A number that is another one after every change of the log, by whichever process; cheap to ask."""
        return self._watch.version()

    def head(self, dataset: str) -> Mark:
        """The end of the log of one dataset."""
        if not self.database.exists():
            return Mark()
        with self.database.read() as connection:
            ids = [
                connection.scalar(sa.select(sa.func.max(t.c.id)).where(t.c.dataset == dataset)) or 0
                for t in (events, announcements)
            ]
        return Mark(*ids)

    def newest_by_user(
        self, dataset: str, after: int, or_from: datetime | None = None
    ) -> tuple[dict[str, int], int, datetime | None]:
        """For every user with events after an id (or, whatever their id, from a time on): the id of their last one.
        And of all events after that id: how many, and when the oldest was received (UTC)."""
        if not self.database.exists():
            return {}, 0, None
        e, later = events.c, events.c.id > after
        wanted = later if or_from is None else sa.or_(later, e.timestamp >= or_from)
        query = (
            sa.select(
                e.user_id,
                sa.func.max(e.id),
                sa.func.count().filter(later),
                sa.func.min(e.received).filter(later),
            )
            .where(e.dataset == dataset, wanted)
            .group_by(e.user_id)
        )
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        oldest = min((row[3] for row in rows if row[3] is not None), default=None)
        return {row[0]: row[1] for row in rows}, sum(row[2] for row in rows), oldest

    def newest_of_kinds(self, dataset: str, wanted: Callable[[str], bool]) -> dict[str, int]:
        """For every user with events of a wanted kind: the id of the last of these."""
        if not self.database.exists():
            return {}
        e = events.c
        kinds = sa.select(e.event).where(e.dataset == dataset).distinct()
        with self.database.read() as connection:
            found = [kind for (kind,) in connection.execute(kinds) if wanted(kind)]
            if not found:
                return {}
            query = sa.select(e.user_id, sa.func.max(e.id)).where(e.dataset == dataset, e.event.in_(found))
            return {row[0]: row[1] for row in connection.execute(query.group_by(e.user_id))}

    def of_user(self, dataset: str, user_id: str) -> list[tuple[int, str, datetime, float, str]]:
        """All logged events of one user: id, item, time, value, kind; in the order they came."""
        if not self.database.exists():
            return []
        query = (
            sa.select(events.c.id, events.c.item_id, events.c.timestamp, events.c.value, events.c.event)
            .where(events.c.dataset == dataset, events.c.user_id == user_id)
            .order_by(events.c.id)
        )
        with self.database.read() as connection:
            return [(number, item, at, value, kind) for number, item, at, value, kind in connection.execute(query)]

    def announced(self, dataset: str, kind: str, after: int = 0, through: int | None = None) -> dict[str, dict]:
        """The last announcement of each item or user between two ids."""
        if not self.database.exists():
            return {}
        t = announcements
        query = sa.select(t.c.name, t.c.content).where(t.c.dataset == dataset, t.c.kind == kind, t.c.id > after)
        if through is not None:
            query = query.where(t.c.id <= through)
        with self.database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query.order_by(t.c.id))}

    def table(self, dataset: str, through: Mark) -> pd.DataFrame:
        """The events of a dataset up to a mark, with outside ids, as `Dataset.from_raw` takes them, and their kind."""
        columns = (c.USER, c.ITEM, c.TIMESTAMP, c.QUANTITY, c.VALUE, c.EVENT)
        query = (
            sa.select(*(events.c[name] for name in columns))
            .where(events.c.dataset == dataset, events.c.id <= through.events)
            .order_by(events.c.id)
        )
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        table = pd.DataFrame([tuple(row) for row in rows], columns=list(columns))
        table[c.TIMESTAMP] = pd.to_datetime(table[c.TIMESTAMP]).astype("datetime64[s]")
        return table

    def size(self, dataset: str) -> LogSize:
        """How many events, users and items the log of a dataset has, and when the last one came (UTC)."""
        if not self.database.exists():
            return LogSize(events=0, users=0, items=0, last_received=None)
        count, distinct, e = sa.func.count, sa.func.distinct, events.c
        query = sa.select(count(), count(distinct(e.user_id)), count(distinct(e.item_id)), sa.func.max(e.received))
        with self.database.read() as connection:
            row = connection.execute(query.where(e.dataset == dataset)).one()
        return LogSize(events=row[0], users=row[1], items=row[2], last_received=row[3])

    def waiting(self, dataset: str, after: int) -> tuple[int, datetime | None]:
        """How many events came after an id, and when the oldest of them was received (UTC)."""
        if not self.database.exists():
            return 0, None
        query = sa.select(sa.func.count(), sa.func.min(events.c.received))
        with self.database.read() as connection:
            count, oldest = connection.execute(query.where(events.c.dataset == dataset, events.c.id > after)).one()
        return count, oldest

    def forget(self, dataset: str, user_id: str) -> int:
        """Delete everything the log holds of one user; gives the number of events that were deleted.

        In SQLite they are overwritten, in the file and in its write-ahead log (`Database.checkpoint`), where a process
        that reads just now does not need that log; then the next checkpoint does it.
        """
        with self.database.begin() as connection:
            gone = connection.execute(
                events.delete().where(events.c.dataset == dataset, events.c.user_id == user_id)
            ).rowcount
            t = announcements
            connection.execute(t.delete().where(t.c.dataset == dataset, t.c.kind == USER, t.c.name == user_id))
            # tells other processes that what they have read may be too much; names nobody
            note = {"dataset": dataset, "kind": FORGOTTEN, "name": "", "content": {}, "received": utc_now()}
            connection.execute(t.insert().values(**note))
        self._watch.wrote()
        if not self.database.checkpoint():
            logger.warning("Other processes are reading: what was deleted leaves the write-ahead log with the next "
                           "checkpoint, at the latest when the server ends.")  # fmt: skip
        return int(gone)

    def forgotten(self, dataset: str) -> int:
        """A number that grows with every `forget`."""
        if not self.database.exists():
            return 0
        t = announcements
        query = sa.select(sa.func.max(t.c.id)).where(t.c.dataset == dataset, t.c.kind == FORGOTTEN)
        with self.database.read() as connection:
            return connection.scalar(query) or 0

    def _digests(self, connection: sa.Connection, dataset: str, keys: list[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for start in range(0, len(keys), 500):
            part = keys[start : start + 500]
            query = sa.select(events.c.key, events.c.digest).where(events.c.dataset == dataset, events.c.key.in_(part))
            found |= {row[0]: row[1] for row in connection.execute(query)}
        return found


def _same_or_conflict(event: Event, digest: str) -> None:
    if event.digest != digest:
        raise Conflict(
            f"The event key {event.key!r} was used before for another event; give every event a key of its own."
        )


class _Watch:
    """Tells whether the database may have changed: SQLite counts commits; another one is asked again now and then."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._file = database.sqlite_file()
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._connected = 0
        self._writes = 0

    def wrote(self) -> None:
        with self._lock:
            self._writes += 1

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def version(self) -> int:
        with self._lock:
            if self._file is None:
                return self._writes * 1_000_000_000 + int(time.monotonic() / POLL_SECONDS)
            try:
                if self._connection is None:
                    if not Path(self._file).exists():
                        return -1
                    # autocommit: the connection never holds a transaction open, so it always sees the latest commit
                    # no timeout: this is asked on the event loop
                    self._connection = sqlite3.connect(
                        sqlite_address(self._file), uri=True, timeout=0, check_same_thread=False, isolation_level=None
                    )
                    self._connected += 1  # every connection counts from the same number
                version = int(self._connection.execute("PRAGMA data_version").fetchone()[0])
            except sqlite3.Error as error:
                problem: StorageProblem = storage_problem(self._database.url, error)
                self._database.cannot_be_read(problem)
                raise problem from error
            return self._connected * 1_000_000_000 + version

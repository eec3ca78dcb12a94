"""What is counted while sorted events are written: the figures of the report."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.dataset.documents import LongTail

BOT_FACTOR = 50.0
"""A user with more than this many times the events of the middle user, and more than 1,000, may be a program."""

BOT_EVENTS = 1000
TAIL_POINTS = 60


_PAIRS, _REPEATED, _DUPLICATES, _FIRST, _LAST = range(5)


@dataclass
class ImportStatistics:
    """Counts of events, filled by `event_sort_kernels.unpack_rows`.

    Attributes:
        users_of_item, items_of_user, events_of_user: int64 counts by row number.
        counted: int64 (5,): pairs of user and item, those with more than one event, events equal to the one before them
            in everything, first and last time in seconds since 1970.
    """

    n_users: int
    n_items: int
    users_of_item: NDArray[np.int64] = field(init=False)
    items_of_user: NDArray[np.int64] = field(init=False)
    events_of_user: NDArray[np.int64] = field(init=False)
    counted: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.users_of_item = np.zeros(self.n_items, dtype=np.int64)
        self.items_of_user = np.zeros(self.n_users, dtype=np.int64)
        self.events_of_user = np.zeros(self.n_users, dtype=np.int64)
        whole = np.iinfo(np.int64)
        self.counted = np.array([0, 0, 0, whole.max, whole.min], dtype=np.int64)

    @property
    def events(self) -> int:
        """How many events."""
        return int(self.events_of_user.sum())

    @property
    def pairs(self) -> int:
        """How many pairs of user and item."""
        return int(self.counted[_PAIRS])

    @property
    def repeated(self) -> int:
        """How many of the pairs have more than one event."""
        return int(self.counted[_REPEATED])

    @property
    def duplicates(self) -> int:
        """How many events are equal to the one before them in everything."""
        return int(self.counted[_DUPLICATES])

    @property
    def first(self) -> pd.Timestamp | None:
        """Time of the first event; None where there are no times."""
        return self._time(_FIRST)

    @property
    def last(self) -> pd.Timestamp | None:
        """Time of the last event; None where there are no times."""
        return self._time(_LAST)

    def _time(self, which: int) -> pd.Timestamp | None:
        if self.counted[_FIRST] > self.counted[_LAST]:
            return None
        return pd.Timestamp(int(self.counted[which]), unit="s")

    def long_tail(self) -> LongTail:
        """How concentrated demand is: shares of the items, bestsellers first, against shares of the pairs."""
        counts = np.sort(self.users_of_item)[::-1]
        total = max(int(counts.sum()), 1)
        gathered = np.cumsum(counts) / total
        places = np.unique(np.geomspace(1, len(counts), TAIL_POINTS).astype(int)) if len(counts) else np.zeros(0, int)
        half = int(np.searchsorted(gathered, 0.5)) + 1
        return {
            "items": [float(p / len(counts)) for p in places],
            "pairs": [float(gathered[p - 1]) for p in places],
            "half_of_pairs_on_items": half,
            "top_1_percent": float(gathered[max(int(np.ceil(len(counts) / 100)), 1) - 1]) if len(counts) else 0.0,
            "items_with_one_user": int((self.users_of_item == 1).sum()),
        }

    def suspects(self) -> NDArray[np.int64]:
        """Row numbers of the users with so many events that they may be programs, most first; at most 20."""
        middle = float(np.median(self.events_of_user)) if self.n_users else 0.0
        limit = max(BOT_FACTOR * middle, BOT_EVENTS)
        found = np.flatnonzero(self.events_of_user > limit)
        return found[np.argsort(-self.events_of_user[found], kind="stable")][:20]

"""One pass over stored events, piece by piece: what the report tells, and the hashes of the fingerprint."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c

BOT_FACTOR = 50.0
"""A user with more than this many times the events of the middle user, and more than 1,000, may be a program."""

BOT_EVENTS = 1000
TAIL_POINTS = 60


@dataclass
class Survey:
    """What is counted while the events go by, sorted by user, item and time.

    Attributes:
        pairs, repeated, duplicates: pairs of user and item; those with more than one event; events equal to the one
            before them in everything.
        users_of_item, items_of_user, events_of_user: counts by row number.
    """

    n_users: int
    n_items: int
    events: int = 0
    pairs: int = 0
    repeated: int = 0
    duplicates: int = 0
    first: pd.Timestamp | None = None
    last: pd.Timestamp | None = None
    users_of_item: NDArray[np.int64] = field(init=False)
    items_of_user: NDArray[np.int64] = field(init=False)
    events_of_user: NDArray[np.int64] = field(init=False)
    _before: pd.DataFrame | None = None
    _open_pair_repeated: bool = False

    def __post_init__(self) -> None:
        self.users_of_item = np.zeros(self.n_items, dtype=np.int64)
        self.items_of_user = np.zeros(self.n_users, dtype=np.int64)
        self.events_of_user = np.zeros(self.n_users, dtype=np.int64)

    def add(self, piece: pd.DataFrame) -> None:
        """Count the next events, in order."""
        if len(piece) == 0:
            return
        users, items = piece[c.USER].to_numpy(), piece[c.ITEM].to_numpy()
        same_pair = np.r_[False, (users[1:] == users[:-1]) & (items[1:] == items[:-1])]
        again = np.flatnonzero(same_pair)
        for name in piece.columns.difference([c.USER, c.ITEM]):
            values = piece[name].to_numpy()
            here, before = values[again], values[again - 1]
            again = again[(here == before) | (pd.isna(here) & pd.isna(before))]
        duplicates = len(again)
        if self._before is not None:
            row, last = piece.iloc[0], self._before.iloc[0]
            same_pair[0] = row[c.USER] == last[c.USER] and row[c.ITEM] == last[c.ITEM]
            duplicates += bool((row.eq(last) | (row.isna() & last.isna())).all())
        starts = np.flatnonzero(~same_pair)
        first_again = bool(same_pair[0]) and not self._open_pair_repeated
        self.repeated += int((np.diff(np.r_[starts, len(piece)]) > 1).sum()) + first_again
        tail = len(piece) - (starts[-1] if len(starts) else 0)
        self._open_pair_repeated = bool(tail > 1) or (len(starts) == 0)
        self.pairs += len(starts)
        self.events += len(piece)
        self.duplicates += duplicates
        self.users_of_item += np.bincount(items[starts], minlength=self.n_items)
        self.items_of_user += np.bincount(users[starts], minlength=self.n_users)
        self.events_of_user += np.bincount(users, minlength=self.n_users)
        times = piece[c.TIMESTAMP].to_numpy().astype("datetime64[s]", copy=False)
        if not np.isnat(times[0]):
            low, high = (pd.Timestamp(x, unit="s") for x in (times.view("i8").min(), times.view("i8").max()))
            self.first = low if self.first is None else min(self.first, low)
            self.last = high if self.last is None else max(self.last, high)
        self._before = piece.tail(1).reset_index(drop=True)

    def long_tail(self) -> dict[str, Any]:
        """How concentrated demand is: shares of the items, most popular first, against shares of the pairs."""
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

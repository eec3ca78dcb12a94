"""Stored datasets in memory, each with the events that were logged since, up to a place in the log."""

import threading
from functools import cached_property

import numpy as np
import pandas as pd
from cachetools import LRUCache

from recsys.dataset.dataset import Dataset, Interactions
from recsys.storage.event_log import EventLog, Mark
from recsys.storage.event_merge import merge_log
from recsys.storage.store import Store

DATASETS_IN_MEMORY = 2


class OpenDataset:
    """A dataset and what is worked out from it once."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    @cached_property
    def interactions(self) -> Interactions:
        """The purchases of all users, counted by pair."""
        return self.dataset.interactions()

    @cached_property
    def user_table(self) -> pd.DataFrame:
        """The users with `purchases` (events), `products` (different items) and `last` (time of the last event)."""
        pairs = self.interactions
        per_user = pd.DataFrame({"user": np.repeat(np.arange(self.dataset.n_users), np.diff(pairs.counts.indptr)),
                                 "count": pairs.counts.data, "last": pairs.last}).groupby("user")  # fmt: skip
        table = self.dataset.users.copy()
        table["purchases"] = per_user["count"].sum().reindex(range(len(table)), fill_value=0).astype(int)
        table["products"] = np.diff(pairs.counts.indptr)
        table["last"] = per_user["last"].max().reindex(range(len(table)))
        return table


class DatasetLoader:
    """The datasets of one store with its log. Safe between threads."""

    def __init__(self, store: Store, event_log: EventLog) -> None:
        self._store = store
        self._event_log = event_log
        self._lock = threading.RLock()
        self._datasets: LRUCache[tuple[str, str, Mark], OpenDataset] = LRUCache(DATASETS_IN_MEMORY)

    def open(self, name: str, mark: Mark) -> OpenDataset:
        """A dataset with its log up to a mark; NotFound or Corrupted when it cannot be read."""
        key = (name, self._store.dataset_manifest(name)["checksum"], mark)
        with self._lock:
            if key not in self._datasets:
                stored = self._store.load_dataset(name)
                self._datasets[key] = OpenDataset(merge_log(stored, self._event_log, mark))
            return self._datasets[key]

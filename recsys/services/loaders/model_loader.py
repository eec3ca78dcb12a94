"""Stored versions in memory, ready to answer: loaded once, followed when another one goes live, kept while in use."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

import pandas as pd

from recsys.dataset.dataset import Dataset
from recsys.dataset.event_kinds import KIND_WEIGHTS
from recsys.errors import Corrupted, InsiderError, NoModel, NotFound
from recsys.recommend.recommender import Recommender
from recsys.settings import MOST_ALIKE
from recsys.storage.event_log import EventLog
from recsys.storage.new_entries import Enlarged, with_new_items
from recsys.storage.store import Store
from recsys.storage.unlearned_events import UnlearnedEvents
from recsys.utils.waiting import check_may_wait

logger = logging.getLogger(__name__)

MODELS_IN_MEMORY = 3
SECONDS_TO_TRY_AGAIN = 10.0

Key = tuple[str, bool]
"""Id of a version, and whether its map was there when it was loaded."""


class ModelLoader:
    """The versions of one store. Safe between threads.

    Args:
        dataset_of: gives the dataset that a version was trained on.
        most_alike: as `Recommender` has it.
    """

    def __init__(
        self,
        store: Store,
        event_log: EventLog,
        dataset_of: Callable[[str], Dataset],
        *,
        most_alike: int = MOST_ALIKE,
    ) -> None:
        self._most_alike = most_alike
        self._store = store
        self._event_log = event_log
        self._dataset_of = dataset_of
        self._lock = threading.RLock()
        self._loading = threading.Lock()
        self._enlarging = threading.Lock()
        self._damaged: dict[str, tuple[str, str]] = {}
        self._served: Key | None = None
        self._next: Key | None = None
        self._models: OrderedDict[Key, Recommender] = OrderedDict()
        self._enlarged: dict[Key, tuple[int, Enlarged]] = {}

    def load(self, model_id: str = "live") -> Recommender:
        """Answers from one version; "live" follows the live pointer.

        When a file of the live version was changed, or its folder is gone, the one that was live before it answers, and
        a warning names the damage; `damaged_live` says so to whoever asks.

        Raises:
            NoModel: nothing is live yet.
            NotFound: no such version.
            Corrupted: a file of it was changed; "live" raises either only where no earlier version is whole.
        """
        if model_id != "live":
            return self._load(model_id)
        wanted, earlier = self._store.live()
        if wanted is None:
            raise NoModel("No model is live yet. Train one, or store the demo: python -m recsys train --promote")
        if wanted in self._damaged:
            return self._load(self._damaged[wanted][0])
        try:
            return self._load(wanted)
        except (Corrupted, NotFound) as error:
            for version in earlier:
                try:
                    found = self._load(version)
                except (Corrupted, NotFound):
                    continue
                logger.warning("%s Model %r answers instead.", error, version)
                self._damaged[wanted] = version, str(error)
                return found
            raise

    def damaged_live(self) -> str:
        """What is wrong with the live version and which one answers instead; empty when all is well."""
        live = self._store.live()[0]
        if live is None or live not in self._damaged:
            return ""
        instead, reason = self._damaged[live]
        return f"{reason} Model {instead!r}, which was live before, answers instead: go back to it, or train again."

    def serving(self) -> Recommender | None:
        """Answers that take no loading: from the live version or, while that is being loaded, from the one before it.

        None when there is nothing loaded to answer from.
        """
        live = self._store.live()[0]
        if live is None:
            return None
        if live in self._damaged:
            live = self._damaged[live][0]
        key = (live, self._store.has_map(live))
        with self._lock:
            if key in self._models:
                self._served = key
            elif self._served is None or self._served not in self._models:
                return None
            elif self._next != key:
                self._next = key
                threading.Thread(target=self._load_next, daemon=True, name=f"load {live}").start()
            key = self._served
            base = self._opened(key)
        return self._with_new_items(key, base)

    def _load(self, wanted: str) -> Recommender:
        key = (wanted, self._store.has_map(wanted))
        with self._lock:
            base = self._opened(key) if key in self._models else None
        return self._with_new_items(key, self._read(key) if base is None else base)

    def _read(self, key: Key) -> Recommender:
        """A version from its files, unless another thread has read it meanwhile."""
        wanted = key[0]
        with self._loading:
            if key not in self._models:
                model = self._store.load_model(wanted)
                recommender = Recommender(
                    model,
                    self._map_unless_damaged(wanted),
                    UnlearnedEvents(self._event_log, model, self._kind_weights(model.manifest.dataset)),
                    dataset_source=lambda: self._dataset_of(wanted),
                    most_alike=self._most_alike,
                )
                with self._lock:
                    self._models[key] = recommender
                    self._models.pop((wanted, not key[1]), None)
            with self._lock:
                return self._opened(key)

    def _load_next(self) -> None:
        try:
            self.load().warm()
        except InsiderError as error:
            logger.error("The new live model cannot be used, the one before it goes on answering: %s", error)
            time.sleep(SECONDS_TO_TRY_AGAIN)
        finally:
            self._next = None

    def _opened(self, key: Key) -> Recommender:
        self._models.move_to_end(key)
        found = self._models[key]
        while len(self._models) > MODELS_IN_MEMORY:
            self._enlarged.pop(self._models.popitem(last=False)[0], None)
        return found

    def _with_new_items(self, key: Key, base: Recommender) -> Recommender:
        """The answers from a loaded model, over its items and those announced since. Asks the log, so no lock of this
        loader is held that an answer without waiting takes."""
        version, announced = base.activity.new_items() if base.activity is not None else (0, {})
        if not announced:
            return base
        known = self._enlarged.get(key)
        if known is None or known[0] < version:
            check_may_wait()
            with self._enlarging:
                known = self._enlarged.get(key)
                if known is None or known[0] < version:
                    known = version, with_new_items(base, announced, None if known is None else known[1])
                    self._enlarged[key] = known
        return known[1].recommender

    def _kind_weights(self, dataset: str) -> Mapping[str, float]:
        """What the import of a dataset said of kinds of events; nothing where it is not stored here."""
        try:
            found: Mapping[str, float] = self._store.dataset_manifest(dataset)["notes"].get(KIND_WEIGHTS, {})
        except InsiderError:
            return {}
        return found

    def _map_unless_damaged(self, model_id: str) -> pd.DataFrame | None:
        """The map of a version; a damaged one must not keep the model from answering."""
        try:
            return self._store.load_map(model_id)
        except Corrupted:
            return None

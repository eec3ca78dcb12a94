"""How old the live model is, and how good it still is on what was bought since it was trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd
from scipy import sparse

from recsys import columns as c
from recsys.dataset.dataset import Dataset
from recsys.errors import InsiderError, NoModel
from recsys.evaluation.evaluate import evaluate
from recsys.evaluation.metrics import bootstrap_interval
from recsys.models.model import Model
from recsys.services.workspace import Workspace
from recsys.storage.event_log import Mark
from recsys.storage.unlearned_events import mark_of
from recsys.utils import formatting as fmt
from recsys.utils.json_values import jsonable

NEW_SHARE = 0.05
"""Retrain when the events since the training are this share of those it learned from."""

MIN_USERS = 100
"""Shoppers with something new, below which a figure on the newest data says too little."""


def not_learned(workspace: Workspace, name: str) -> int:
    """How many logged events of a dataset came after the training data of the live model."""
    live = workspace.answering_id()
    manifest = workspace.store.model_manifest(live) if live is not None else None
    mark = mark_of(manifest) if manifest is not None and manifest.dataset == name else Mark()
    return workspace.event_log.waiting(name, mark.events)[0]


def logged_dataset(workspace: Workspace) -> str:
    """Name of the dataset whose log receives events: that of the live model."""
    live = workspace.answering_id()
    manifest = workspace.load().manifest if live is None else workspace.store.model_manifest(live)
    return manifest.dataset


@dataclass(frozen=True)
class Freshness:
    """The live model against the newest data.

    Attributes:
        model: its id, or None when nothing is live.
        age_days: since it was trained.
        new_events, new_share: events of its dataset after the last one it could know of; and as a share of all before.
        now: NDCG@10 on those events, `{"value", "low", "high"}`, or None where there are too few.
        then: NDCG@10 on the test period of its training.
        users: shoppers that `now` is measured on.
        reasons: why it is stale, in words; empty when it is not.
    """

    model: str | None
    dataset: str
    age_days: float
    new_events: int
    new_share: float
    now: dict[str, float] | None
    then: dict[str, float] | None
    users: int
    reasons: tuple[str, ...]

    @property
    def stale(self) -> bool:
        """Whether there is a reason to train anew."""
        return bool(self.reasons)

    def to_dict(self) -> Mapping[str, object]:
        """All of it, ready for JSON."""
        return jsonable(self) | {"stale": self.stale}

    def words(self) -> str:
        """A sentence for the Home page."""
        if self.model is None:
            return "No model is live."
        age = "today" if self.age_days < 1 else fmt.ago(datetime.now(UTC) - pd.Timedelta(days=self.age_days))
        said = f"Trained {age}"
        if not self.new_events:
            return f"{said}; its data has no purchases newer than those it was judged on."
        said += f"; {fmt.number(self.new_events)} purchases have come since ({fmt.share(self.new_share)} more)"
        if self.now is not None and self.then is not None:
            now, then = (fmt.interval(dict(x), is_share=False) for x in (self.now, self.then))
            said += f". NDCG@10 on them is {now}, when it was trained {then}"
        return f"{said}." + (f" Train again: {' '.join(self.reasons)}" if self.reasons else "")


def freshness(workspace: Workspace, dataset: str | None = None, *, new_share: float = NEW_SHARE) -> Freshness:
    """Hold the live model against its dataset as it is stored now.

    Stale is: nothing is live, the live model is of another dataset, at least `new_share` more events have come, or
    NDCG@10 on them lies below the interval of the training with its whole own interval.
    """
    try:
        model = workspace.load().trained
    except NoModel:
        return Freshness(None, dataset or "", 0.0, 0, 0.0, None, None, 0, ("No model is live.",))
    manifest = model.manifest
    age = (datetime.now(UTC) - manifest.created_at).total_seconds() / 86400
    then = manifest.measured()["ndcg"]
    if dataset is not None and dataset != manifest.dataset:
        reason = f"The live model learned from “{manifest.dataset}”."
        return Freshness(model.id, dataset, age, 0, 0.0, None, then, 0, (reason,))
    name = manifest.dataset
    end = manifest.split.end
    try:
        period = workspace.store.dataset_manifest(name)["summary"].get("period")
    except InsiderError as error:
        return Freshness(model.id, name, age, 0, 0.0, None, then, 0, (str(error),))
    newer = end and period and pd.Timestamp(period[1]) > pd.Timestamp(end)
    if not newer and not not_learned(workspace, name):
        return Freshness(model.id, name, age, 0, 0.0, None, then, 0, ())
    data = workspace.dataset(name)
    if not end or not data.timed:
        return Freshness(model.id, name, age, 0, 0.0, None, then, 0, ())
    later = data.events[c.TIMESTAMP].to_numpy() > np.datetime64(pd.Timestamp(end))
    count, share = int(later.sum()), float(later.sum() / max((~later).sum(), 1))
    now, users = _ndcg_since(model, data, later)
    reasons = []
    if share >= new_share:
        reasons.append(f"{fmt.share(share)} more purchases have come.")
    if now is not None and None not in (then.get("low"), now["high"]) and now["high"] < then["low"]:
        reasons.append("The model foresees the newest purchases less well than those held out of its training.")
    return Freshness(model.id, name, age, count, share, now, then, users, tuple(reasons))


def _ndcg_since(model: Model, data: Dataset, later: np.ndarray) -> tuple[dict[str, float] | None, int]:
    """NDCG@10 of the model for first purchases among the `later` events, by the shoppers and products it knows."""
    users = model.user_index.get_indexer(pd.Index(data.users[c.USER]))[data.events[c.USER]]
    items = model.item_index.get_indexer(pd.Index(data.items[c.ITEM]))[data.events[c.ITEM]]
    known = (users >= 0) & (items >= 0)
    shape = model.history.counts.shape

    def pairs(which: np.ndarray) -> sparse.csr_matrix:
        ones = np.ones(int(which.sum()), dtype=np.float32)
        return sparse.csr_matrix((ones, (users[which], items[which])), shape=shape)

    found = evaluate(model, pairs(known & ~later), pairs(known & later), only=("ndcg",))
    if len(found.users) < MIN_USERS:
        return None, len(found.users)
    values = found.values["ndcg"]
    low, high = bootstrap_interval(values)
    return {"value": float(values.mean()), "low": low, "high": high}, len(values)

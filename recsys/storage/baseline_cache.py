"""Baselines are fitted and judged once for each dataset and split, and kept: every training is held against them."""

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import Split
from recsys.errors import Corrupted
from recsys.evaluation.benchmark import Baselines, K, judge_baselines
from recsys.evaluation.evaluate import Evaluation, Lane

if TYPE_CHECKING:
    from recsys.storage.store import Store

MOST_EVENTS = 5_000_000
"""Above so many events the baselines are left to `evaluate --baselines` and the quality report."""

_ARRAYS = ("users", "lists", "shown")


def baselines_of(store: "Store", dataset: Dataset, split: Split, *, k: int = K) -> Baselines:
    """The judged baselines of a dataset on a split: those that are kept, or else fitted now, and kept."""
    key = _key(dataset, split, k)
    try:
        kept = store.load_baselines(key)
    except Corrupted:
        kept = None
    if kept is not None:
        return _from_stored(*kept)
    found = judge_baselines(split, dataset.items, dataset.category_levels, k=k)
    store.save_baselines(dataset.name, dataset.fingerprint, key, *_to_stored(found))
    return found


def _key(dataset: Dataset, split: Split, k: int) -> str:
    described = json.dumps([dataset.fingerprint, split.describe().to_dict(), k], sort_keys=True, default=str)
    return hashlib.sha256(described.encode()).hexdigest()[:24]


def _to_stored(found: Baselines) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    facts: dict[str, Any] = {"k": found.k, "chosen": dict(found.chosen), "lanes": {}}
    arrays: dict[str, NDArray[Any]] = {}
    for lane, methods in found.lanes.items():
        facts["lanes"][lane] = {name: list(evaluation.values) for name, evaluation in methods.items()}
        for name, evaluation in methods.items():
            arrays |= {f"{lane}-{name}-{part}": getattr(evaluation, part) for part in _ARRAYS}
            arrays |= {f"{lane}-{name}-{measure}": values for measure, values in evaluation.values.items()}
    return facts, arrays


def _from_stored(facts: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Baselines:
    lanes: dict[Lane, dict[str, Evaluation]] = {
        lane: {
            name: Evaluation(
                lane=lane,
                k=facts["k"],
                users=arrays[f"{lane}-{name}-users"],
                values={measure: np.asarray(arrays[f"{lane}-{name}-{measure}"]) for measure in measures},
                lists=arrays[f"{lane}-{name}-lists"],
                shown=arrays[f"{lane}-{name}-shown"],
            )
            for name, measures in methods.items()
        }
        for lane, methods in facts["lanes"].items()
    }
    return Baselines(facts["k"], lanes, facts["chosen"])

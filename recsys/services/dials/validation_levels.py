"""What the simple methods reach on the validation periods: levels to hold a learning curve against."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import Split, SplitDescription
from recsys.errors import InsiderError
from recsys.evaluation.baseline_selection import fitted_with
from recsys.models.hyperparameters import Hyperparameters
from recsys.storage.baseline_cache import kept_baselines
from recsys.storage.store import Store

VERSION = 1


def measure_levels(store: Store, dataset: Dataset, split: Split, windows: int) -> None:
    """Judge on the validation periods every simple method that was fitted and judged on the test period before, with
    the settings that were chosen for it then, and keep what they reach; nothing where none was, or where it is kept."""
    from recsys.training.windows import measured, windows_of

    key = _key(dataset.fingerprint, split.describe(), windows)
    kept = kept_baselines(store, dataset, split)
    if kept is None or store.load_baselines(key) is not None:
        return
    periods = windows_of(dataset, split, Hyperparameters(), windows)
    found = {}
    for name in kept.lanes["discover"]:
        scorers = [fitted_with(name, x.period, x.now, dataset.items, kept.chosen.get(name, {})) for x in periods]
        found[name] = measured(periods, scorers).figures()
    facts = {"methods": found, "windows": len(periods)}
    store.save_baselines(dataset.name, dataset.fingerprint, key, facts, {"none": np.zeros(0)})


def levels(store: Store, fingerprint: str, split: SplitDescription, windows: int) -> Mapping[str, Mapping[str, float]]:
    """By name of the method what it reaches on so many validation periods, as `Measured.figures` has it; {} where none
    was judged."""
    try:
        kept = store.load_baselines(_key(fingerprint, split, windows))
    except InsiderError:
        return {}
    methods: Mapping[str, Any] = {} if kept is None else kept[0]["methods"]
    return methods


def _key(fingerprint: str, split: SplitDescription, windows: int) -> str:
    described = json.dumps(["validation", VERSION, fingerprint, split.to_dict(), windows], sort_keys=True, default=str)
    return hashlib.sha256(described.encode()).hexdigest()[:24]

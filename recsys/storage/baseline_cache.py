"""Baselines are fitted and judged once for each dataset and split, and kept: every training is held against them."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict, cast

import numpy as np
from numpy.typing import NDArray

from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import Split
from recsys.errors import Corrupted
from recsys.evaluation.baseline_selection import Which
from recsys.evaluation.benchmark import Baselines, K, judge_baselines
from recsys.evaluation.evaluate import Evaluation

if TYPE_CHECKING:
    from recsys.storage.store import Store

SMALL = 200_000
"""A training fits every baseline itself where there are no more events than this; otherwise it takes those that are
kept, or the popularity ones alone: `evaluate --baselines` and the quality report fit the others."""

VERSION = 3
"""Goes up when other baselines are fitted, or otherwise judged: what was kept before is then not taken."""

_ARRAYS = ("users", "lists", "shown")
APART = "without_history"
"""Stands for a lane where evaluations are kept, for shoppers without a history."""


class BaselineFacts(TypedDict):
    """Baselines as they were judged: by lane and method, the measures whose values are stored as arrays.

    Keys:
        k: length of the lists.
        chosen: settings by method. `left_out`: methods that were not fitted, and why.
    """

    k: int
    chosen: Mapping[str, Mapping[str, float | str]]
    left_out: Mapping[str, str]
    lanes: dict[str, dict[str, list[str]]]


def baselines_of(
    store: "Store",
    dataset: Dataset,
    split: Split,
    *,
    k: int = K,
    which: Which = "all",
    on_step: Callable[[str], None] = lambda _: None,
) -> Baselines:
    """The judged baselines of a dataset on a split: those that are kept, or else fitted now, and kept.

    Args:
        which: as in `judge_baselines`; where all are kept, "popular" gives all.
        on_step: called with the name of each before it is fitted.
    """
    for known in dict.fromkeys(("all", which)):
        kept = _kept(store, _key(dataset, split, k, known)) if which != "none" else None
        if kept is not None:
            return kept
    found = judge_baselines(split, dataset.items, dataset.category_levels, k=k, which=which, on_step=on_step)
    if which != "none":
        key = _key(dataset, split, k, which)
        store.save_baselines(dataset.name, dataset.fingerprint, key, *_to_stored(found))
    return found


def kept_baselines(store: "Store", dataset: Dataset, split: Split, *, k: int = K) -> Baselines | None:
    """Those of a dataset on a split that are kept, all of them or else the popularity ones; None where none are."""
    found = (_kept(store, _key(dataset, split, k, which)) for which in ("all", "popular"))
    return next((one for one in found if one is not None), None)


def for_training(
    store: "Store", dataset: Dataset, split: Split, *, on_step: Callable[[str], None] = lambda _: None
) -> Baselines:
    """What a training is held against where nobody asked for more: every baseline where that is quick or was done
    before, otherwise those that count popularity."""
    which: Which = "all" if len(dataset.events) <= SMALL else "popular"
    return baselines_of(store, dataset, split, which=which, on_step=on_step)


def _kept(store: "Store", key: str) -> Baselines | None:
    try:
        kept = store.load_baselines(key)
    except Corrupted:
        return None
    return None if kept is None else _from_stored(cast(BaselineFacts, kept[0]), kept[1])


def _key(dataset: Dataset, split: Split, k: int, which: str) -> str:
    described = json.dumps(
        [VERSION, which, dataset.fingerprint, split.describe().to_dict(), k], sort_keys=True, default=str
    )  # fmt: skip
    return hashlib.sha256(described.encode()).hexdigest()[:24]


def _to_stored(found: Baselines) -> tuple[BaselineFacts, dict[str, NDArray[Any]]]:
    facts: BaselineFacts = {"k": found.k, "chosen": dict(found.chosen), "left_out": dict(found.left_out), "lanes": {}}
    arrays: dict[str, NDArray[Any]] = {}
    apart = {} if found.fallback is None else {APART: {"fallback": found.fallback}}
    for lane, methods in (*found.lanes.items(), *apart.items()):
        facts["lanes"][lane] = {name: list(evaluation.values) for name, evaluation in methods.items()}
        for name, evaluation in methods.items():
            arrays |= {f"{lane}-{name}-{part}": getattr(evaluation, part) for part in _ARRAYS}
            arrays |= {f"{lane}-{name}-{measure}": values for measure, values in evaluation.values.items()}
    return facts, arrays


def _from_stored(facts: BaselineFacts, arrays: dict[str, NDArray[Any]]) -> Baselines:
    lanes: dict[Any, dict[str, Evaluation]] = {
        lane: {
            name: Evaluation(
                lane="again" if lane == "again" else "discover",
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
    fallback = lanes.pop(APART, {}).get("fallback")
    return Baselines(facts["k"], lanes, facts["chosen"], fallback, facts["left_out"])

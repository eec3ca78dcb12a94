"""A trained model beside the baselines, on the period that none of them has seen."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from recsys import baselines
from recsys.dataset import Dataset, Interactions
from recsys.evaluation import Lane, Scorer, evaluate
from recsys.model import Model
from recsys.recency import age_in_days, recency_weights
from recsys.split import Split, split_again

K = 10
POPULAR_LATELY_DAYS = 60.0
"""Half-life of a purchase in "popular lately"."""


def judge(model: Model, dataset: Dataset, *, k: int = K, with_baselines: bool = False) -> dict[str, Any]:
    """The document of `evaluate --json`: metrics on the model's own test period, with 95% intervals.

    Args:
        dataset: the one the model was trained on.
        with_baselines: fit and judge every baseline as well; otherwise only "most popular".
    """
    split = split_again(dataset, model.manifest["split"])
    return {
        "model": model.id,
        "dataset": dataset.name,
        "split": split.describe(),
        **measure(model, split, k=k, with_baselines=with_baselines),
    }


def measure(model: Model, split: Split, *, k: int = K, with_baselines: bool = False) -> dict[str, Any]:
    """Metrics of the model and the baselines by lane: "discover" always, "again" with the baselines.

    Returns:
        `{"k", "users", "lanes": {lane: {method: {metric: {"value", "low", "high"}}}}}`; `users` are those who bought
        something new in the test period.
    """
    categories = category_codes(model.items, model.category_levels)
    methods: dict[str, Scorer] = {"model": model}
    if with_baselines:
        methods |= _fitted(model, split, categories)
    else:
        methods["popular"] = baselines.Popular.fit(_ones(split.training))
    own = methods.pop("own_frequency", None)
    discover = _judged(methods, split, "discover", k, categories, model.popularity)
    lanes = {"discover": discover}
    if own is not None:
        again: Mapping[str, Scorer] = {"model": model, "own_frequency": own}
        lanes["again"] = _judged(again, split, "again", k, categories, model.popularity)
    return {"k": k, "users": _users_with_new(split), "lanes": lanes}


def category_codes(items: pd.DataFrame, levels: tuple[str, ...]) -> NDArray[np.int64] | None:
    """(n_items,) codes of the middle category level, the one lists should vary in; None without categories."""
    if not levels:
        return None
    return pd.factorize(items[levels[len(levels) // 2]].astype(object), sort=True)[0].astype(np.int64)


def _judged(
    methods: Mapping[str, Scorer],
    split: Split,
    lane: Lane,
    k: int,
    categories: NDArray[np.int64] | None,
    popularity: NDArray[np.int64],
) -> dict[str, Any]:
    train, test = split.training.counts, split.test.counts
    return {
        name: evaluate(scorer, train, test, k=k, lane=lane, categories=categories, popularity=popularity).summary()
        for name, scorer in methods.items()
    }


def _fitted(model: Model, split: Split, categories: NDArray[np.int64] | None) -> dict[str, Scorer]:
    period = split.training
    weights = recency_weights(period, split.test_start, POPULAR_LATELY_DAYS)
    days = age_in_days(period, split.test_start)
    recency = (1 - days / max(float(days.max(initial=0.0)), 1.0)).astype(np.float32)
    fitted = baselines.fit_all(
        _ones(period),
        faded=None if weights is None else _with_data(period, weights),
        categories=categories,
        own=baselines.OwnFrequency.fit(period.counts, recency),
        seed=model.seed,
    )
    return dict(fitted)


def _users_with_new(split: Split) -> int:
    later = split.test.counts.astype(bool)
    new = later - later.multiply(split.training.counts.astype(bool))
    new.eliminate_zeros()
    return int((np.diff(new.tocsr().indptr) > 0).sum())


def _ones(period: Interactions) -> sparse.csr_matrix:
    return _with_data(period, np.ones_like(period.counts.data))


def _with_data(period: Interactions, data: NDArray[np.float32]) -> sparse.csr_matrix:
    return sparse.csr_matrix((data, period.counts.indices, period.counts.indptr), shape=period.counts.shape)

"""Baselines as strong as they can fairly be: what each leaves open is chosen on validation, as for models."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.dataset.decay import age_in_days, faded, ones
from recsys.dataset.splitting import Split
from recsys.evaluation.evaluate import ndcg_at_k
from recsys.models import baselines
from recsys.models.base import Scorer

HALF_LIVES = (14.0, 30.0, 60.0, 120.0)
SINCE = ("first", "last")
"""Popular lately may count when people first had an item, or when they last did."""


def fitted_baselines(
    split: Split, items: pd.DataFrame, category_levels: tuple[str, ...], *, seed: int = 0
) -> tuple[dict[str, Scorer], dict[str, Any]]:
    """Every baseline that the data allow, fitted to the training period.

    Returns:
        The baselines by name, and what was chosen for them on the validation period: the half-life of "popular_lately"
        and the category level of "popular_in_categories".
    """
    lately = choose_popular_lately(split)
    level = choose_category_level(split, items, category_levels)
    period = split.training
    days = age_in_days(period, split.test_start)
    recency = (1 - days / max(float(days.max(initial=0.0)), 1.0)).astype(np.float32)
    fitted = baselines.fit_all(
        ones(period),
        faded=None if lately is None else faded(period, split.test_start, *lately),
        categories=None if level is None else codes_of(items, level),
        own=baselines.OwnFrequency.fit(period.counts, recency),
        seed=seed,
    )
    chosen: dict[str, Any] = {}
    if lately is not None:
        chosen["popular_lately"] = {"half_life_days": lately[0], "since": lately[1]}
    if level is not None:
        chosen["popular_in_categories"] = {"level": level}
    return dict(fitted), chosen


def choose_popular_lately(split: Split) -> tuple[float, str] | None:
    """Half-life in days and since which event ("first" or "last"), by validation NDCG@10; None without times."""
    if split.kind != "time":
        return None
    options = {
        (half_life, since): baselines.Popular.fit(faded(split.fit, split.validation_start, half_life, since))
        for half_life in HALF_LIVES
        for since in SINCE
    }
    return _best(options, split)


def choose_category_level(split: Split, items: pd.DataFrame, levels: tuple[str, ...]) -> str | None:
    """The category level in which popularity foretells most, by validation NDCG@10; None without categories."""
    pairs = ones(split.fit)
    return _best({x: baselines.PopularInCategories.fit(pairs, codes_of(items, x)) for x in levels}, split)


def codes_of(items: pd.DataFrame, level: str) -> NDArray[np.int64]:
    """(n_items,) a number for each name on a category level; every missing name counts as one more category."""
    codes, names = pd.factorize(items[level].astype(object), sort=True)
    return np.where(codes < 0, len(names), codes).astype(np.int64)


def _best(options: Mapping[Any, Scorer], split: Split) -> Any:
    """The name of the option with the best validation NDCG@10, the first among equals; None without options."""
    if not options:
        return None
    found = {
        name: ndcg_at_k(scorer, split.fit.counts, split.validation.counts) or 0.0 for name, scorer in options.items()
    }
    return max(found, key=found.__getitem__)

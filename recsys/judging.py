"""A trained model beside the baselines, on the period that none of them has seen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import baselines
from recsys.again import WORTHWHILE_SHARE, AgainScorer, frequency, repeat_share
from recsys.baseline_choice import fitted_baselines, ones
from recsys.dataset import Dataset, Interactions
from recsys.evaluation import Evaluation, Lane, Scorer, evaluate
from recsys.model import Model
from recsys.recency import age_in_days
from recsys.significance import Comparison, compare
from recsys.split import Split, split_again

K = 10


@dataclass(frozen=True)
class Judgement:
    """Evaluations of a model and of what it is held against, all on one period.

    Attributes:
        k: length of the lists.
        lanes: evaluations by lane and method; "model" is the model itself. In the lane "again", "model" is what that
            lane serves and "lightfm" the LightFM scores of the same items.
        chosen: what was chosen for the baselines on the validation period.
    """

    k: int
    lanes: Mapping[Lane, Mapping[str, Evaluation]]
    chosen: Mapping[str, Any] = field(default_factory=dict)

    def comparisons(self, metric: str = "ndcg") -> dict[str, dict[str, Comparison]]:
        """By lane and method: the model against it, user by user."""
        return {
            lane: {name: compare(found["model"], other, metric) for name, other in found.items() if name != "model"}
            for lane, found in self.lanes.items()
        }

    def document(self) -> dict[str, Any]:
        """`{"k", "users", "lanes": {lane: {method: {metric: {"value", "low", "high"}}}}, "comparisons", "chosen"}`;
        `users` are those who had something new in the period."""
        return {
            "k": self.k,
            "users": len(self.lanes["discover"]["model"].users),
            "lanes": {
                lane: {name: evaluation.summary() for name, evaluation in found.items()}
                for lane, found in self.lanes.items()
            },
            "comparisons": {
                lane: {name: comparison.to_dict() for name, comparison in found.items()}
                for lane, found in self.comparisons().items()
            },
            "chosen": dict(self.chosen),
        }


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
    """`Judgement.document` of a model."""
    return judgement(model, split, k=k, with_baselines=with_baselines).document()


def judgement(model: Model, split: Split, *, k: int = K, with_baselines: bool = False) -> Judgement:
    """Judge the model, and the baselines or only "most popular", on the test period of a split.

    The lane "discover" is always judged; "again" where at least `WORTHWHILE_SHARE` of what was bought in the validation
    period had been bought before.
    """
    others: dict[str, Scorer] = {"popular": baselines.Popular.fit(ones(split.training))}
    chosen: dict[str, Any] = {}
    if with_baselines:
        others, chosen = fitted_baselines(split, model.items, model.category_levels, seed=model.seed)
    own = others.pop("own_frequency", None)
    categories = category_codes(model.items, model.category_levels)

    def judged(methods: Mapping[str, Scorer], lane: Lane) -> dict[str, Evaluation]:
        train, test, popularity = split.training.counts, split.test.counts, model.popularity
        return {
            name: evaluate(x, train, test, k=k, lane=lane, categories=categories, popularity=popularity)
            for name, x in methods.items()
        }

    lanes: dict[Lane, Mapping[str, Evaluation]] = {"discover": judged({"model": model} | others, "discover")}
    if repeat_share(split.fit, split.validation) >= WORTHWHILE_SHARE:
        against: dict[str, Scorer] = {"model": again_scorer(model, split)}
        lanes["again"] = judged(against | ({"own_frequency": own, "lightfm": model} if own else {}), "again")
    return Judgement(k, lanes, chosen)


def again_scorer(model: Model, split: Split) -> AgainScorer:
    """What the lane "again" ranks by, for every user."""
    period: Interactions = split.training
    strength = model.again
    if strength is None:
        strength = frequency(period.counts.data, age_in_days(period, split.test_start))
    return AgainScorer.of(period, strength)


def category_codes(items: pd.DataFrame, levels: tuple[str, ...]) -> NDArray[np.int64] | None:
    """(n_items,) codes of the middle category level, the one lists should vary in; None without categories."""
    if not levels:
        return None
    return pd.factorize(items[levels[len(levels) // 2]].astype(object), sort=True)[0].astype(np.int64)

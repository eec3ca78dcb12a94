"""A trained model beside the baselines, on the period that none of them has seen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.dataset.dataset import Dataset, Interactions
from recsys.dataset.decay import age_in_days, ones
from recsys.dataset.splitting import Split, split_again
from recsys.evaluation.baseline_selection import fitted_baselines
from recsys.evaluation.evaluate import Evaluation, Lane, evaluate
from recsys.evaluation.significance import Comparison, compare
from recsys.models.base import Scorer
from recsys.models.baselines import Popular
from recsys.models.model import Model
from recsys.models.repurchase import WORTHWHILE_SHARE, AgainScorer, frequency, repeat_share

K = 10


@dataclass(frozen=True)
class Benchmark:
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


@dataclass(frozen=True)
class Baselines:
    """What models are held against, fitted to the training period of a split and judged on its test period.

    Attributes:
        k: length of the lists.
        lanes: evaluations by lane and method, without any model.
        chosen: what was chosen for them on the validation period.
    """

    k: int
    lanes: Mapping[Lane, Mapping[str, Evaluation]]
    chosen: Mapping[str, Any] = field(default_factory=dict)


def judge(model: Model, dataset: Dataset, *, k: int = K, baselines: Baselines | None = None) -> dict[str, Any]:
    """The document of `evaluate --json`: metrics on the model's own test period, with 95% intervals.

    Args:
        dataset: the one the model was trained on.
        baselines: those of the same split and k; otherwise only "most popular".
    """
    split = split_again(dataset, model.manifest.split)
    return {
        "model": model.id,
        "dataset": dataset.name,
        "split": split.describe().to_dict(),
        **measure(model, split, k=k, baselines=baselines),
    }


def measure(model: Model, split: Split, *, k: int = K, baselines: Baselines | None = None) -> dict[str, Any]:
    """`Judgement.document` of a model."""
    return benchmark_of(model, split, k=k, baselines=baselines).document()


def benchmark_of(model: Model, split: Split, *, k: int = K, baselines: Baselines | None = None) -> Benchmark:
    """Judge the model on the test period of a split, beside its baselines, or only "most popular" without them.

    The lane "discover" is always judged; "again" where at least `WORTHWHILE_SHARE` of what was bought in the validation
    period had been bought before.
    """
    judged = _Judge.of(split, model.items, model.category_levels, k)
    if baselines is None:
        popular = {"popular": Popular.fit(ones(split.training))}
        baselines = Baselines(k, {"discover": judged(popular, "discover")})
    ours: dict[Lane, dict[str, Evaluation]] = {"discover": judged({"model": model}, "discover")}
    if _repeats(split):
        methods: dict[str, Scorer] = {"model": again_scorer(model, split)}
        kept = baselines.lanes.get("again", {})
        ours["again"] = judged(methods | ({"lightfm": model} if kept else {}), "again")
    lanes: dict[Lane, Mapping[str, Evaluation]] = {
        lane: {"model": found["model"], **baselines.lanes.get(lane, {}), **found} for lane, found in ours.items()
    }
    return Benchmark(k, lanes, baselines.chosen)


def judge_baselines(split: Split, items: pd.DataFrame, category_levels: tuple[str, ...], *, k: int = K) -> Baselines:
    """Fit every baseline that the data allow to the training period, and judge it on the test period."""
    others, chosen = fitted_baselines(split, items, category_levels)
    own = others.pop("own_frequency", None)
    judged = _Judge.of(split, items, category_levels, k)
    lanes: dict[Lane, Mapping[str, Evaluation]] = {"discover": judged(others, "discover")}
    if own is not None and _repeats(split):
        lanes["again"] = judged({"own_frequency": own}, "again")
    return Baselines(k, lanes, chosen)


@dataclass(frozen=True)
class _Judge:
    """Evaluates methods on the test period of a split, all in the same way."""

    split: Split
    categories: NDArray[np.int64] | None
    popularity: NDArray[np.int64]
    k: int

    @classmethod
    def of(cls, split: Split, items: pd.DataFrame, category_levels: tuple[str, ...], k: int) -> "_Judge":
        counts = split.training.counts
        popularity = np.bincount(counts.indices, minlength=counts.shape[1])
        return cls(split, category_codes(items, category_levels), popularity, k)

    def __call__(self, methods: Mapping[str, Scorer], lane: Lane) -> dict[str, Evaluation]:
        train, test = self.split.training.counts, self.split.test.counts
        return {
            name: evaluate(x, train, test, k=self.k, lane=lane, categories=self.categories, popularity=self.popularity)
            for name, x in methods.items()
        }


def _repeats(split: Split) -> bool:
    return repeat_share(split.fit, split.validation) >= WORTHWHILE_SHARE


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

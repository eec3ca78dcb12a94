"""A trained model beside the baselines, on the period that none of them has seen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from recsys.dataset.categories import middle_level
from recsys.dataset.dataset import Dataset, Interactions
from recsys.dataset.decay import age_in_days, faded, ones
from recsys.dataset.splitting import Split, split_again
from recsys.evaluation.baseline_selection import Which, fitted_baselines
from recsys.evaluation.documents import BenchmarkDocument, EvaluationDocument, WithoutHistory
from recsys.evaluation.evaluate import Evaluation, evaluate
from recsys.evaluation.significance import Comparison, compare, compare_with_each
from recsys.lanes import JudgedLane
from recsys.models.base import Scorer
from recsys.models.baselines import Popular, ease
from recsys.models.model import Model
from recsys.models.repurchase import WORTHWHILE_SHARE, AgainScorer, frequency, repeat_share
from recsys.models.segment_popularity import Segments
from recsys.utils.json_values import jsonable

K = 10


@dataclass(frozen=True)
class Benchmark:
    """Evaluations of a model and of what it is held against, all on one period.

    Attributes:
        k: length of the lists.
        lanes: evaluations by lane and method; "model" is the model itself. In the lane "again", "model" is what that
            lane serves and "lightfm" the LightFM scores of the same items.
        chosen: what was chosen for the baselines on the validation period.
        without_history: "model" and "fallback" on shoppers of whom nothing was known: the fallback is what every
            method would show there, the list of popular lately. Empty where there are none.
        left_out: baselines that were not fitted, and why.
    """

    k: int
    lanes: Mapping[JudgedLane, Mapping[str, Evaluation]]
    chosen: Mapping[str, Mapping[str, float | str]] = field(default_factory=dict)
    without_history: Mapping[str, Evaluation] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    def strongest(self, lane: JudgedLane = "discover", metric: str = "ndcg") -> str:
        """The baseline with the highest mean in a lane."""
        others = {name: x for name, x in self.lanes[lane].items() if name not in ("model", "lightfm")}
        return max(others, key=lambda name: float(others[name].values[metric].sum()))

    def comparisons(self, metric: str = "ndcg") -> dict[str, dict[str, Comparison]]:
        """By lane and method: the model against it, user by user."""
        return {
            lane: compare_with_each(found["model"], {x: other for x, other in found.items() if x != "model"}, metric)
            for lane, found in self.lanes.items()
        }

    def document(self) -> BenchmarkDocument:
        """All of it as means with their intervals, ready for JSON."""
        return {
            "k": self.k,
            "users": len(self.lanes["discover"]["model"].users),
            "lanes": {
                lane: {name: evaluation.summary() for name, evaluation in found.items()}
                for lane, found in self.lanes.items()
            },
            "comparisons": jsonable(self.comparisons()),
            "chosen": dict(self.chosen),
            "left_out": dict(self.left_out),
            "without_history": self._apart(),
            "near_duplicates": "not capped",
        }

    def _apart(self) -> WithoutHistory | None:
        if not self.without_history:
            return None
        model, fallback = (self.without_history[name] for name in ("model", "fallback"))
        return {
            "users": len(model.users),
            "methods": {"model": model.summary(), "fallback": fallback.summary()},
            "comparison": jsonable(compare(model, fallback)),
        }


@dataclass(frozen=True)
class Baselines:
    """What models are held against, fitted to the training period of a split and judged on its test period.

    Attributes:
        k: length of the lists.
        lanes: evaluations by lane and method, without any model.
        chosen: what was chosen for them on the validation period.
        fallback: what every one of them shows to shoppers without a history, judged on those; None without any.
        left_out: those that were not fitted, and why.
    """

    k: int
    lanes: Mapping[JudgedLane, Mapping[str, Evaluation]]
    chosen: Mapping[str, Mapping[str, float | str]] = field(default_factory=dict)
    fallback: Evaluation | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)


def judge(model: Model, dataset: Dataset, *, k: int = K, baselines: Baselines | None = None) -> EvaluationDocument:
    """The document of `evaluate --json`: metrics on the model's own test period, with 95% intervals.

    Args:
        dataset: the one the model was trained on.
        baselines: those of the same split and k; otherwise only bestsellers.
    """
    split = split_again(dataset, model.manifest.split)
    return {
        "model": model.id,
        "dataset": dataset.name,
        "split": split.describe().to_dict(),
        **benchmark_of(model, split, k=k, baselines=baselines).document(),
    }


def benchmark_of(model: Model, split: Split, *, k: int = K, baselines: Baselines | None = None) -> Benchmark:
    """Judge the model on the test period of a split, beside its baselines, or only bestsellers without them.

    The lane "discover" is always judged, on shoppers with a history; "again" where at least `WORTHWHILE_SHARE` of what
    was bought in the validation period had been bought before.
    """
    judge_of = _Judge.of(split, model.items, model.category_levels, k)
    if baselines is None:
        baselines = judge_baselines(split, model.items, model.category_levels, k=k, which="none")
    ours: dict[JudgedLane, dict[str, Evaluation]] = {"discover": {"model": judge_of(model, "discover")}}
    if _repeats(split):
        ours["again"] = {"model": judge_of(again_scorer(model, split), "again")}
        if baselines.lanes.get("again"):
            ours["again"]["lightfm"] = judge_of(model, "again")
    lanes: dict[JudgedLane, Mapping[str, Evaluation]] = {
        lane: {"model": found["model"], **baselines.lanes.get(lane, {}), **found} for lane, found in ours.items()
    }
    apart = {}
    if baselines.fallback is not None:
        apart = {"model": judge_of.without_history(WithLastResort.of(model)), "fallback": baselines.fallback}
    return Benchmark(k, lanes, baselines.chosen, apart, baselines.left_out)


def judge_baselines(
    split: Split,
    items: pd.DataFrame,
    category_levels: tuple[str, ...],
    *,
    k: int = K,
    which: Which = "all",
    on_step: Callable[[str], None] = lambda _: None,
) -> Baselines:
    """Fit the baselines that the data allow to the training period, one after the other, and judge them on the test
    period.

    Args:
        which: "none" for bestsellers alone, "popular" for those that count popularity, or "all".
        on_step: called with the name of each before it is fitted.
    """
    judge_of = _Judge.of(split, items, category_levels, k)
    lanes: dict[JudgedLane, dict[str, Evaluation]] = {"discover": {}}
    chosen: dict[str, Mapping[str, float | str]] = {}
    for name, scorer, settings in fitted_baselines(split, items, category_levels, which=which, on_step=on_step):
        if settings:
            chosen[name] = dict(settings)
        if name != "own_frequency":
            lanes["discover"][name] = judge_of(scorer, "discover")
        elif _repeats(split):
            lanes["again"] = {name: judge_of(scorer, "again")}
    lately = chosen.get("popular_lately", {})
    half_life, since = float(lately.get("half_life_days", 30.0)), str(lately.get("since", "first"))
    timed = split.kind == "time"
    pairs = faded(split.training, split.test_start, half_life, since) if timed else ones(split.training)
    fallback = judge_of.without_history(Popular.fit(pairs)) if split.without_history.nnz else None
    why = ease.left_out(split.training.counts) if which == "all" else ""
    return Baselines(k, lanes, chosen, fallback, {"ease": why} if why else {})


@dataclass(frozen=True)
class WithLastResort:
    """A model's scores, and for users of whom it can use nothing the last resort: what is popular in their segment, as
    it is served to them."""

    model: Model
    segments: Segments

    @classmethod
    def of(cls, model: Model) -> "WithLastResort":
        """The scores of a model as it answers."""
        return cls(model, Segments(model))

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        """(len(users), n_items); for users of whom the model can use nothing, popularity in their segment."""
        found = self.model.scores(users)
        nothing = np.diff(self.model.user_features.matrix.indptr)[users] == 0
        nothing &= np.diff(self.model.history.counts.indptr)[users] == 0
        for place in np.flatnonzero(nothing):
            row = self.model.users.iloc[int(users[place])]
            own = {name: str(row[name]) for name in self.model.user_attributes if not pd.isna(row[name])}
            found[place] = self.segments.of(own).scores
        return found


@dataclass(frozen=True)
class _Judge:
    """Evaluates a method on the test period of a split, every one in the same way."""

    split: Split
    categories: NDArray[np.int64] | None
    popularity: NDArray[np.int64]
    k: int

    @classmethod
    def of(cls, split: Split, items: pd.DataFrame, category_levels: tuple[str, ...], k: int) -> "_Judge":
        counts = split.training.counts
        popularity = np.bincount(counts.indices, minlength=counts.shape[1])
        return cls(split, category_codes(items, category_levels), popularity, k)

    def __call__(self, scorer: Scorer, lane: JudgedLane) -> Evaluation:
        return self._on(self.split.judged, scorer, lane)

    def without_history(self, scorer: Scorer) -> Evaluation:
        return self._on(self.split.without_history, scorer, "discover")

    def _on(self, test: sparse.csr_matrix, scorer: Scorer, lane: JudgedLane) -> Evaluation:
        return evaluate(
            scorer, self.split.training.counts, test, k=self.k, lane=lane, categories=self.categories,
            popularity=self.popularity,
        )  # fmt: skip


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
    level = middle_level(levels)
    return None if level is None else pd.factorize(items[level].astype(object), sort=True)[0].astype(np.int64)

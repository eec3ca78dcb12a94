"""Health checks of a training, in words: what would make its figures or its lists worthless without an error."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from recsys.evaluation.benchmark import Benchmark
from recsys.evaluation.documents import HealthDocument
from recsys.evaluation.evaluate import Evaluation
from recsys.evaluation.significance import Comparison, compare
from recsys.models import lightfm_wrapper
from recsys.models.features import IDENTITY, Features
from recsys.models.hyperparameters import PRESETS
from recsys.models.model import Model
from recsys.utils import formatting as fmt
from recsys.utils.json_values import jsonable

State = Literal["good", "look", "bad"]
SAME_LISTS = 0.8
"""Mean share of a list that two users have in common, above which everybody is shown the same."""

LARGEST = 1e4
"""Values of gradient learners beyond this are on their way to overflow: their steps have grown instead of shrinking."""

LARGEST_LINEAR = 1e15
"""Those of ALS and softmax may be larger, since embeddings of shoppers are scaled by how far scores lie apart; beyond
this a product of two overflows float32."""

PAIRS_OF_USERS = 2000


@dataclass(frozen=True)
class Check:
    """One finding: "good" needs nothing, "look" deserves a look, "bad" means the model should not be used."""

    name: str
    state: State
    sentence: str


def health(model: Model, judged: Benchmark, *, seed: int = 0) -> list[Check]:
    """All checks of a model and of how it was judged on its test period, worst first."""
    ours = judged.lanes["discover"]["model"]
    checks = [
        _strongest(model, judged),
        *_without_history(judged),
        _sameness(ours, seed),
        _curve(model.manifest.curve, model.manifest.epochs, model.manifest.plan.stopped),
        _sizes(model),
        *_features("product", "products", model.item_features, model.popularity > 0),
        *_features("shopper", "shoppers", model.user_features, np.diff(model.history.counts.indptr) > 0),
    ]
    return worst_first(checks)


def worst_first(checks: Sequence[Check]) -> list[Check]:
    """The same, in the order of their states."""
    return sorted(checks, key=lambda check: ("bad", "look", "good").index(check.state))


def _strongest(model: Model, judged: Benchmark) -> Check:
    name = "Against the strongest simple method"
    strongest = judged.strongest()
    found = compare(judged.lanes["discover"]["model"], judged.lanes["discover"][strongest])
    title = fmt.method(strongest)
    of = len(judged.lanes["discover"]) - 1
    only = set(judged.lanes["discover"]) - {"model"} <= {"popular", "popular_lately", "popular_in_categories"}
    rest = " Only lists by popularity were judged so far; the quality report judges the other methods." if only else ""
    size = (
        f"by {abs(found.difference):.4f} NDCG@{judged.k} (95% interval {found.low:+.4f} to {found.high:+.4f}, "
        f"{found.users:,} shoppers)"
    )
    if found.verdict == "better":
        return Check(name, "good", f"Better than {title}, the strongest of {of}, {size}.{rest}")
    if found.verdict == "worse":
        return Check(name, "bad", f"Worse than {title}, the strongest of {of}, {size}. {_advice(model)}{rest}")
    return Check(
        name, "look", f"It cannot be told from {title}, the strongest of {of}, on {found.users:,} shoppers "
        f"({found.difference:+z.4f} NDCG@{judged.k}, 95% interval {found.low:+.4f} to {found.high:+.4f}).{rest}",
    )  # fmt: skip


def _advice(model: Model) -> str:
    """What to try with a model that is behind; never the recipe that it was trained with."""
    untried = [name for name in ("default", "best") if PRESETS[name] != model.recipe]
    if len(untried) == 2:
        return "Do not promote it; train with the preset default."
    return f"Do not promote it without a reason; try the preset {untried[0]}, or search for a recipe on these data."


def _without_history(judged: Benchmark) -> Iterator[Check]:
    if not judged.without_history:
        return
    found = compare(judged.without_history["model"], judged.without_history["fallback"])
    size = f"{found.difference:+z.4f} NDCG@{judged.k} on {found.users:,} shoppers"
    if found.verdict == "worse":
        yield Check(
            "Shoppers without a history", "look", f"Worse than showing them what is popular lately ({size})."
        )  # fmt: skip
    else:
        yield Check("Shoppers without a history", "good", f"Not worse than what is popular lately ({size}).")


def _sameness(ours: Evaluation, seed: int) -> Check:
    n = len(ours.users)
    name = "Lists differ between shoppers"
    if n < 2:
        return Check(name, "look", f"{n} shopper bought something new in the test set: too few to compare lists.")
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, n, PAIRS_OF_USERS), rng.integers(0, n - 1, PAIRS_OF_USERS)
    second += second >= first
    a, b = ours.lists[first], ours.lists[second]
    filled = np.maximum((a >= 0).sum(axis=1), 1)
    common = (((a[:, :, None] == b[:, None, :]) & (a >= 0)[:, :, None]).any(axis=2).sum(axis=1) / filled).mean()
    if common > SAME_LISTS:
        return Check(
            name, "bad", f"Two shoppers share {common:.0%} of their lists: everybody is shown nearly the same. "
            "The model learned what is popular and nothing else; lower the popularity dial or train longer.",
        )  # fmt: skip
    return Check(name, "good", f"Two shoppers share {common:.0%} of their lists.")


def _curve(curve: Sequence[Mapping[str, float]], kept: int, stopped: str) -> Check:
    name = "Validation"
    if not curve:
        return Check(name, "look", "There is no learning curve, so it cannot be said whether training helped.")
    values = [point["ndcg"] for point in curve]
    best = int(np.argmax(values))
    if max(values) <= 0:
        return Check(
            name, "bad", "Validation NDCG@10 never left 0: nothing of what was held out was foreseen. "
            "Check that the validation set has purchases of known shoppers and products.",
        )  # fmt: skip
    if len(values) > 1 and kept == curve[-1]["epoch"]:
        return Check(name, "look", "It was still getting better when it stopped: allow more passes or more patience.")
    if kept == 0 and len(values) > 1:
        return Check(name, "good", "The start was best; further passes were not better by more than chance.")
    return Check(name, "good", stopped or f"Best after pass {int(curve[best]['epoch'])}; then it stopped.")


def _sizes(model: Model) -> Check:
    name = "Size of the numbers"
    state = lightfm_wrapper.state(model.lightfm)  # with the optimiser's sums of squares, which may well be large
    used = [part for key, part in state.items() if key.endswith(("embeddings", "biases"))]
    largest = max(float(np.abs(part).max(initial=0.0)) for part in used)
    mend = "Raise the regularisation" if model.recipe.learner == "als" else "Lower the learning rate"
    if not np.isfinite(largest):
        return Check(name, "bad", f"Some embeddings are not finite numbers. {mend} and train again.")
    if largest > (LARGEST_LINEAR if model.recipe.linear else LARGEST):
        return Check(name, "bad", f"The largest value is {largest:,.3g}, on its way to overflow. {mend}.")
    return Check(name, "good", f"The largest value is {largest:,.3g}: far from overflow.")


def _features(side: str, plural: str, features: Features, learned: np.ndarray) -> Iterator[Check]:
    sums = np.asarray(features.matrix.sum(axis=1)).ravel()
    filled = sums[np.diff(features.matrix.indptr) > 0]
    title = side.capitalize()
    if len(filled) and np.abs(filled - 1).max() > 1e-3:
        yield Check(
            f"{title} feature rows", "bad",
            f"Rows sum to {filled.min():.3g} to {filled.max():.3g} instead of 1: {plural} with many features "
            "drown the others.",
        )  # fmt: skip
    own = features.matrix[:, features.kinds == IDENTITY]
    without = int((learned & (np.diff(own.tocsr().indptr) == 0)).sum())
    if without:
        yield Check(
            f"Each {title.lower()} by itself", "look",
            f"{without:,} of {int(learned.sum()):,} {plural} with purchases have no identity feature: those that "
            "share all features are ranked alike. Train with “Each product by itself” (identity).",
        )  # fmt: skip
    else:
        yield Check(
            f"Each {title.lower()} by itself",
            "good",
            f"All {int(learned.sum()):,} {plural} with purchases have their own.",
        )


def ablation(with_features: float, without: float, comparison: Comparison) -> Check:
    """Validation NDCG@10 with all features against identities alone: do categories, brand and attributes help?"""
    figures = f"validation NDCG@10 {with_features:.4f} with, {without:.4f} without"
    if comparison.verdict == "worse":
        return Check("Features", "look", f"Categories, brand and attributes make it worse ({figures}).")
    if comparison.verdict == "better":
        return Check("Features", "good", f"Categories, brand and attributes help ({figures}).")
    return Check(
        "Features", "good",
        f"For known shoppers and products the features make no difference that could be told ({figures}); new ones "
        "depend on them.",
    )  # fmt: skip


def summary(checks: Sequence[Check]) -> HealthDocument:
    """For manifests and JSON."""
    return {"worst": checks[0].state if checks else "good", "checks": jsonable(checks)}

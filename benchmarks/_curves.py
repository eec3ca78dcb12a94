"""How good a model is after how many seconds of training, for `python -m benchmarks speed`."""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from scipy import stats

from benchmarks._measuring import seconds
from benchmarks._shop import (
    COMPONENTS,
    THREADS,
    Factors,
    K,
    Results,
    by_library,
    ndcg,
    new_model,
    result,
    setting,
    shop,
)
from recsys.evaluation.evaluate import ndcg_at_k
from recsys.models.base import Scorer
from recsys.models.engine import trainer
from recsys.training.choose import choose
from recsys.training.fit import LinearLearner, linear_learner
from recsys.training.passes import Reporter
from recsys.training.windows import Window

AS_GOOD = 0.99
"""Share of a validation NDCG@10 that counts as reaching it: less than chance moves it."""


def quality() -> Results:
    """NDCG@10 on the validation period, and the seconds until then; means over seeds.

    The library and our engine from the same random start, after every epoch; and the preset "fast" with the features of
    the others, as `train` runs it: its first pass, and the whole choice of its passes. Judging is counted in the last
    alone, which is for choosing.
    """
    data = shop()
    trainer.fit_partial(new_model(10), data.train[:20], data.users, data.items)
    curves: dict[str, list[list[tuple[float, float]]]] = {"ours": [], "library": [], "fast": []}
    for seed in range(setting.size.seeds):
        ours, theirs = (new_model(100, seed) for _ in range(2))
        steps = trainer.epochs_of(ours, data.fit, data.users, data.items, epochs=setting.size.epochs, threads=THREADS)
        curves["ours"].append(_curve(partial(next, steps), partial(ndcg, ours)))
        curves["library"].append(_curve(partial(by_library, theirs, data.fit), partial(ndcg, theirs)))
        curves["fast"].append(_fast(seed))
    best = {name: np.array([max(p[1] for p in c) for c in curve]) for name, curve in curves.items()}
    difference = best["ours"] - best["library"]
    half = stats.t.ppf(0.975, len(difference) - 1) * difference.std(ddof=1) / np.sqrt(len(difference))
    mean = {name: np.array(curve).mean(axis=0) for name, curve in curves.items()}
    spent = {name: np.median(np.array(curve)[:, :, 0], axis=0) for name, curve in curves.items()}
    top = int(mean["library"][:, 1].argmax())
    aim, until = float(mean["library"][top, 1]), float(spent["library"][top])
    sides = (float(best[name].mean()) for name in ("ours", "library"))
    lines = [
        result(f"best validation NDCG@10, mean of {setting.size.seeds} seeds", *sides,
               unit="NDCG", note=f"ours - library {difference.mean():+.4f}, 95% {difference.mean() - half:+.4f} to "
               f"{difference.mean() + half:+.4f}; after each epoch ours {_said(mean['ours'])}, "
               f"library {_said(mean['library'])}"),
    ]  # fmt: skip
    title = "time to the library's best validation NDCG@10"
    for number, words in enumerate(("its first pass", "all its passes, judged and chosen from")):
        reached = mean["fast"][number, 1]
        line = result(f"{title}, preset fast: {words}", float(spent["fast"][number]), until, target=8,
                      note=f"library {aim:.4f} after {top + 1} epochs; ours {reached:.4f}")  # fmt: skip
        lines.append(line if reached >= aim else line | {"met": False})
    close = np.flatnonzero(mean["ours"][:, 1] >= AS_GOOD * aim)
    at = int(close[0] if len(close) else mean["ours"][:, 1].argmax())
    share = mean["ours"][at, 1] / aim
    lines.append(
        result(f"{title}, from the same random start, to 99% of it or our best", float(spent["ours"][at]), until,
               note=f"{share:.1%} of it after {at + 1} epochs")
    )  # fmt: skip
    return lines + _implicit_quality(curves["ours"])


def _fast(seed: int) -> list[tuple[float, float]]:
    """Seconds and NDCG@10 of the preset's first pass, and of those it chooses, judging of all of them counted."""
    data = shop()
    recipe = replace(data.recipe, learner="als")

    def learner() -> LinearLearner:
        return linear_learner(data.split.fit, data.split.validation_start, data.of_items, recipe, None, seed)

    before = time.perf_counter()
    first = learner()
    first.step()
    curve = [(time.perf_counter() - before, _ndcg(first.learned(recipe)))]
    before = time.perf_counter()
    window = Window(
        data.split.fit, data.split.validation_start, data.split.validation.counts, data.of_users, data.of_items, None
    )
    plan = choose([window], recipe, seed, Reporter(lambda _: None, units=float(recipe.epochs)))
    spent = time.perf_counter() - before
    whole = learner()
    for _ in range(plan.epochs):
        whole.step()
    return [*curve, (spent, _ndcg(whole.learned(plan.settled)))]


def _ndcg(found: Scorer) -> float:
    return ndcg_at_k(found, shop().fit, shop().validation, K) or 0.0


def _said(curve: np.ndarray) -> str:
    return " ".join(f"{value:.4f}" for value in curve[:, 1])


def _implicit_quality(ours: list[list[tuple[float, float]]]) -> Results:
    """ALS and BPR of implicit on the same periods: their NDCG@10 and how long they train, beside our best epoch."""
    from implicit.als import AlternatingLeastSquares
    from implicit.bpr import BayesianPersonalizedRanking

    data, lines = shop(), []
    found = statistics.median(max(curve, key=lambda p: p[1])[1] for curve in ours)
    took = statistics.median(max(curve, key=lambda p: p[1])[0] for curve in ours)
    makers: dict[str, Callable[[], Any]] = {
        "implicit ALS (16 factors)": lambda: AlternatingLeastSquares(
            16, regularization=1.0, alpha=1.0, num_threads=THREADS, random_state=0
        ),
        "implicit BPR (64 factors, 50 passes)": lambda: BayesianPersonalizedRanking(
            COMPONENTS, iterations=setting.size.passes, num_threads=THREADS, random_state=0
        ),
    }
    for name, make in makers.items():
        times = []
        for _ in range(setting.size.runs):
            model = make()
            times.append(seconds(lambda model=model: model.fit(data.fit, show_progress=False)))
        value = ndcg_at_k(Factors(model.user_factors, model.item_factors), data.fit, data.validation, K) or 0.0
        lines.append(
            result(f"training to our best epoch, beside {name}", took, statistics.median(times),
                   note=f"validation NDCG@10: ours {found:.4f}, theirs {value:.4f}")
        )  # fmt: skip
    return lines


def _curve(train: Callable[[], object], judge: Callable[[], float]) -> list[tuple[float, float]]:
    """Seconds of training so far and NDCG@10, after every epoch; judging is not counted."""
    spent, curve = 0.0, []
    for _ in range(setting.size.epochs):
        spent += seconds(train)
        curve.append((spent, judge()))
    return curve

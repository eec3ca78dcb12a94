"""What do features of products bring: bands of numbers, words of titles, weights of the groups?

    python -m benchmarks features [DATASET ...] [als|softmax|... ...] [--packages FOLDER]

Every recipe learns in so many passes and is judged on the validation period and the one before it (where the data have
times), shopper by shopper against the plain one (identity, categories, brand); the test period is not looked at. A
second figure is of new products: a tenth of those that sold is kept out of the training, and the lists are of them
alone. "theirs" is the plain recipe, so a ratio above 1 is a gain; the title has the paired difference with its 95%
interval and verdict.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._datasets import DATASETS, NotInstalled, without_packages
from recsys import columns as c
from recsys.dataset.dataset import Dataset, Interactions
from recsys.models.hyperparameters import LEARNERS, Hyperparameters

if TYPE_CHECKING:
    from recsys.models.base import Factors
    from recsys.training.windows import Window

PASSES, WINDOWS = 3, 2
WORDS = 1000
SHARE_NEW, FEWEST_BUYERS = 0.1, 5
NAMES = ("demo", "movielens", "movielens-latest")
"""Datasets whose products have numbers or titles."""


@dataclass(frozen=True)
class Judged:
    """NDCG@10 of every shopper, (n,), on the validation periods: of all products, and of new ones alone."""

    every: NDArray[np.float64]
    new: NDArray[np.float64]


def run(options: list[str]) -> list[dict[str, Any]]:
    """Results for the datasets and learners named in `options`."""
    options = without_packages(options)
    unknown = [x for x in options if x not in DATASETS and x not in LEARNERS]
    if unknown:
        raise SystemExit(f"No dataset or learner {unknown[0]!r}; there are {', '.join((*DATASETS, *LEARNERS))}.")
    lines = []
    for name in [x for x in options if x in DATASETS] or NAMES:
        try:
            dataset = DATASETS[name]()
        except NotInstalled as error:
            print(f"{name} is left out: {error}.", file=sys.stderr)
            continue
        plain = Hyperparameters(components=64, adapt=(), bands=(), threads=1)
        for learner in [x for x in options if x in LEARNERS] or ["als"]:
            lines += list(_compared(dataset, replace(plain, learner=learner)))
    return lines


def recipes(dataset: Dataset, plain: Hyperparameters) -> Mapping[str, Hyperparameters]:
    """What is held against the plain recipe, by name."""
    from recsys.models.features import bands_of

    found = {f"bands of {name}": replace(plain, bands=(name,)) for name in bands_of(dataset)}
    found["words of titles"] = replace(plain, words=WORDS)
    for times in (1 / 3, 3.0):
        if dataset.category_levels:
            found[f"categories x {times:.2g}"] = replace(plain, category_weight=times)
        if c.BRAND in dataset.items:
            found[f"brand x {times:.2g}"] = replace(plain, brand_weight=times)
        found[f"words of titles x {times:.2g}"] = replace(plain, words=WORDS, words_weight=times)
    return found


def _compared(dataset: Dataset, plain: Hyperparameters) -> Iterator[dict[str, Any]]:
    from recsys.evaluation.significance import paired

    base = _judged(dataset, plain)
    for name, recipe in recipes(dataset, plain).items():
        found = _judged(dataset, recipe)
        for what, ours, theirs in (("all", found.every, base.every), ("new", found.new, base.new)):
            verdict = paired(ours, theirs)
            title = (
                f"{dataset.name}, {plain.learner}, {name}: NDCG@10 of {what} products, difference "
                f"{verdict.difference:+.4f} (95% {verdict.low:+.4f} to {verdict.high:+.4f}): {verdict.verdict}"
            )
            ours_mean, theirs_mean = float(ours.mean()), float(theirs.mean())
            ratio = ours_mean / theirs_mean if theirs_mean else float("inf")
            yield {
                "name": title, "ours": ours_mean, "theirs": theirs_mean, "unit": "NDCG@10", "ratio": ratio,
                "target": 1.0, "met": ratio >= 1, "runs": 1, "note": f"{len(ours)} shoppers",
            }  # fmt: skip


def _judged(dataset: Dataset, recipe: Hyperparameters) -> Judged:
    from recsys.dataset.splitting import make_split
    from recsys.training.windows import windows_of

    windows = windows_of(dataset, make_split(dataset), recipe, WINDOWS)
    every = [window.judged(_learned(dataset, recipe, window.period, window)).values["ndcg"] for window in windows]
    return Judged(np.concatenate(every), np.concatenate([_new_products(dataset, recipe, x) for x in windows]))


def _new_products(dataset: Dataset, recipe: Hyperparameters, window: "Window") -> NDArray[np.float64]:
    """NDCG@10 of lists of products that the training did not know, for each who then had one of them."""
    from recsys.evaluation.evaluate import evaluate
    from recsys.training.cold_start import without

    sold = np.flatnonzero(window.buyers >= FEWEST_BUYERS)
    number = max(int(SHARE_NEW * len(sold)), 1)
    new = np.sort(np.random.default_rng(0).choice(sold, number, replace=False))
    cold = _learned(dataset, recipe, without(window.period, np.zeros(0, np.int64), new), window)
    cold = replace(cold, item_embeddings=cold.item_embeddings[new], item_biases=cold.item_biases[new])
    before, later = window.period.counts[:, new].tocsr(), window.later[:, new].tocsr()
    return evaluate(cold, before, later, k=min(10, number), only=("ndcg",)).values["ndcg"]


def _learned(dataset: Dataset, recipe: Hyperparameters, period: Interactions, window: "Window") -> "Factors":
    from recsys.models import lightfm_wrapper
    from recsys.models.base import Factors
    from recsys.training.fit import fit
    from recsys.training.windows import features_for

    users, items = features_for(dataset, recipe, period)
    lightfm, _ = fit(period, window.now, users, items, recipe, PASSES, forecast=window.coefficients)
    embeddings, biases, of_users, _ = lightfm_wrapper.representations(lightfm, items, users)
    return Factors(of_users, embeddings, biases)

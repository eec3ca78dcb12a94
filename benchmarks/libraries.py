"""Our own code beside a library that does the same: what `docs/adr/0009-libraries.md` decides by."""

from collections import OrderedDict
from typing import Any

import numpy as np
from cachetools import LRUCache
from scipy import stats

from benchmarks._measuring import in_turn, result
from recsys.evaluation.metrics import bootstrap_interval
from recsys.evaluation.significance import SAMPLES, paired
from recsys.models.repurchase import logistic_weights

USERS = 2459
"""As many as the built-in data have in their test period."""

EXAMPLES = 200_000
CACHED = 4000


def run(options: list[str]) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    first, second = rng.beta(0.2, 4, USERS), rng.beta(0.2, 4, USERS)
    return [_bootstrap(first), _permutation(first, second), _logistic(rng), _cache()]


def _bootstrap(values: np.ndarray) -> dict[str, Any]:
    def library() -> None:
        stats.bootstrap((values,), np.mean, n_resamples=1000, method="percentile", batch=100, rng=0)

    return result("95% interval of a mean: bootstrap_interval, scipy bootstrap", *in_turn(
        lambda: bootstrap_interval(values), library
    ))  # fmt: skip


def _permutation(first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    def difference(a: np.ndarray, b: np.ndarray, axis: int) -> np.ndarray:
        return np.asarray((a - b).mean(axis=axis))

    def library() -> None:
        stats.permutation_test(
            (first, second), difference, permutation_type="samples", n_resamples=SAMPLES, batch=100, rng=0
        )
        stats.bootstrap((first - second,), np.mean, n_resamples=SAMPLES, method="percentile", batch=100, rng=0)

    return result("paired test with interval: paired, scipy permutation_test and bootstrap", *in_turn(
        lambda: paired(first, second), library
    ))  # fmt: skip


def _logistic(rng: np.random.Generator) -> dict[str, Any]:
    features = rng.normal(size=(EXAMPLES, 12))
    labels = (rng.random(EXAMPLES) < 1 / (1 + np.exp(1 - features[:, 0]))).astype(float)
    importance = rng.uniform(0.5, 1.5, EXAMPLES)
    found: dict[str, np.ndarray] = {}

    def ours() -> None:
        found["ours"] = logistic_weights(features, labels, importance)

    def library() -> None:
        from sklearn.linear_model import LogisticRegression

        columns = np.column_stack([np.ones(len(features)), features])
        model = LogisticRegression(C=1.0, fit_intercept=False, solver="newton-cholesky", tol=1e-6)
        found["library"] = model.fit(columns, labels, sample_weight=importance).coef_[0]

    times = in_turn(ours, library)
    apart = float(np.abs(found["ours"] - found["library"]).max())
    return result(
        "weights of buying again: logistic_weights, scikit-learn", *times, note=f"largest difference {apart:.1e}"
    )


def _cache() -> dict[str, Any]:
    keys = [(f"/v1/users/{n}/recommendations", b"k=10") for n in range(CACHED)]
    ours: OrderedDict[tuple[str, bytes], int] = OrderedDict((key, n) for n, key in enumerate(keys))
    theirs: LRUCache[tuple[str, bytes], int] = LRUCache(CACHED)
    theirs.update(ours)

    def look_up() -> None:
        for key in keys:
            if ours.get(key) is not None:
                ours.move_to_end(key)

    def library() -> None:
        for key in keys:
            theirs.get(key)

    return result(f"{CACHED} answers found again: OrderedDict, cachetools", *in_turn(look_up, library))

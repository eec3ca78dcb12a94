"""Whether one method is better than another by more than chance: two evaluations of the same users, in pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from recsys.errors import InvalidInput
from recsys.evaluation.evaluate import Evaluation
from recsys.evaluation.metrics import DRAWN_TOGETHER, Values

Verdict = Literal["better", "worse", "cannot tell"]
SAMPLES = 2000
LEVEL = 0.05
"""How often two equally good methods may be called different."""


@dataclass(frozen=True)
class Comparison:
    """The first method against the second.

    Attributes:
        difference: mean over users of first minus second.
        low, high: bootstrap interval of it, 95% wide unless another level was asked for.
        p_value: how often chance alone gives a difference as large, if both were equally good.
        verdict: "better" or "worse" when that is below the level (`LEVEL`), otherwise "cannot tell".
        users: how many users were compared.
    """

    metric: str
    difference: float
    low: float
    high: float
    p_value: float
    verdict: Verdict
    users: int


def compare(first: Evaluation, second: Evaluation, metric: str = "ndcg", *, seed: int = 0) -> Comparison:
    """Pair two evaluations of the same users in the same lane.

    Raises:
        InvalidInput: they judge different users, lanes or list lengths, or lack the metric.
    """
    return compare_with_each(first, {"second": second}, metric, seed=seed)["second"]


def compare_with_each(
    first: Evaluation, others: Mapping[str, Evaluation], metric: str = "ndcg", *, seed: int = 0
) -> dict[str, Comparison]:
    """`compare` of one evaluation with each of several, by the names of those."""
    for second in others.values():
        _comparable(first, second, metric)
    found = paired_with_each(
        first.values[metric], [second.values[metric] for second in others.values()], metric=metric, seed=seed
    )
    return dict(zip(others, found, strict=True))


def _comparable(first: Evaluation, second: Evaluation, metric: str) -> None:
    if (first.lane, first.k) != (second.lane, second.k):
        raise InvalidInput(
            f"Lane {first.lane!r} with k={first.k} cannot be compared with lane {second.lane!r} with k={second.k}."
        )
    if not np.array_equal(first.users, second.users):
        raise InvalidInput(
            f"The two were judged on different users ({len(first.users):,} and {len(second.users):,}); "
            "judge both on one dataset and one period."
        )
    for evaluation in (first, second):
        if metric not in evaluation.values:
            raise InvalidInput(f"No metric {metric!r}; there are {', '.join(evaluation.values)}.")


def paired(
    first: Values,
    second: Values,
    *,
    metric: str = "ndcg",
    seed: int = 0,
    samples: int = SAMPLES,
    level: float = LEVEL,
) -> Comparison:
    """Compare two values per user, (n,) each, in the same order of users.

    Args:
        level: how often two equally good methods may be called different; smaller where many things are compared.

    The p-value is that of the paired randomisation test, in which every user's two values change places with
    chance 1/2 (Smucker, Allan & Carterette 2007); the smallest it can be is 1 / (samples + 1). The interval comes from
    drawing users anew (Efron 1979). With fewer than two users nothing can be told.
    """
    return paired_with_each(first, [second], metric=metric, seed=seed, samples=samples, level=level)[0]


def paired_with_each(
    first: Values,
    others: Sequence[Values],
    *,
    metric: str = "ndcg",
    seed: int = 0,
    samples: int = SAMPLES,
    level: float = LEVEL,
) -> list[Comparison]:
    """`paired` of one method with each of several: the same users are swapped and drawn for all of them."""
    differences = [np.asarray(first, np.float64) - np.asarray(second, np.float64) for second in others]
    n = len(first)
    if n < 2:
        means = [float(column.mean()) if n else 0.0 for column in differences]
        return [Comparison(metric, mean, mean, mean, 1.0, "cannot tell", n) for mean in means]
    rng = np.random.default_rng(seed)
    swapped, drawn = np.empty((len(others), samples)), np.empty((len(others), samples))
    for start in range(0, samples, DRAWN_TOGETHER):
        end = min(start + DRAWN_TOGETHER, samples)
        signs, times = np.empty((end - start, n)), np.empty((end - start, n))
        for i in range(end - start):
            signs[i] = 1 - 2 * rng.integers(0, 2, n)
            times[i] = np.bincount(rng.integers(0, n, n), minlength=n)
        # one by one: what stands beside a column must not change its rounding
        for place, column in enumerate(differences):
            swapped[place, start:end] = signs @ column / n
            drawn[place, start:end] = times @ column / n
    return [_told(metric, *each, level) for each in zip(differences, swapped, drawn, strict=True)]


def _told(metric: str, differences: Values, swapped: Values, drawn: Values, level: float) -> Comparison:
    """A comparison from the means after each swap, and of each draw of users."""
    mean = float(differences.mean())
    tolerance = 1e-12 * max(float(np.abs(differences).max()), 1e-300)
    p_value = float((1 + (np.abs(swapped) >= abs(mean) - tolerance).sum()) / (len(swapped) + 1))
    low, high = np.quantile(drawn, [level / 2, 1 - level / 2])
    verdict: Verdict = "cannot tell"
    if p_value < level and mean != 0:
        verdict = "better" if mean > 0 else "worse"
    return Comparison(metric, mean, float(low), float(high), p_value, verdict, len(differences))

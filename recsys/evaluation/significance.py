"""Whether one method is better than another by more than chance: two evaluations of the same users, in pairs."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recsys.errors import InvalidInput
from recsys.evaluation.evaluate import Evaluation

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
    return paired(first.values[metric], second.values[metric], metric=metric, seed=seed)


def paired(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
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
    differences = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    n = len(differences)
    if n < 2:
        mean = float(differences.mean()) if n else 0.0
        return Comparison(metric, mean, mean, mean, 1.0, "cannot tell", n)
    rng = np.random.default_rng(seed)
    mean = float(differences.mean())
    swapped, drawn = np.empty(samples), np.empty(samples)
    for i in range(samples):
        swapped[i] = differences @ (1 - 2 * rng.integers(0, 2, n)) / n
        drawn[i] = differences[rng.integers(0, n, n)].mean()
    tolerance = 1e-12 * max(float(np.abs(differences).max()), 1e-300)
    p_value = float((1 + (np.abs(swapped) >= abs(mean) - tolerance).sum()) / (samples + 1))
    low, high = np.quantile(drawn, [level / 2, 1 - level / 2])
    verdict: Verdict = "cannot tell"
    if p_value < level and mean != 0:
        verdict = "better" if mean > 0 else "worse"
    return Comparison(metric, mean, float(low), float(high), p_value, verdict, n)

"""Fair timing on a machine that others use too: both sides in turn, and medians."""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

RUNS = 5


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    start = clock()
    work()
    return clock() - start


def in_turn(
    ours: Callable[[], object],
    theirs: Callable[[], object],
    runs: int = RUNS,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, float]:
    """Median seconds of both, run alternately, so that a busy moment falls on both."""
    pairs = [(seconds(ours, clock), seconds(theirs, clock)) for _ in range(runs)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def result(
    name: str,
    ours: float,
    theirs: float | None = None,
    *,
    target: float | None = None,
    unit: str = "s",
    runs: int = RUNS,
    at_most: bool = False,
    note: str = "",
) -> dict[str, Any]:
    """One line in the form of the contract. `at_most`: the target is a limit on ours, not a ratio to reach."""
    ratio = None if theirs is None else theirs / ours
    reached = ours if at_most else ratio
    met = None if target is None or reached is None else (reached <= target if at_most else reached >= target)
    line = {"name": name, "ours": ours, "theirs": theirs, "unit": unit, "ratio": ratio, "target": target, "met": met,
            "runs": runs}  # fmt: skip
    return line | ({"note": note} if note else {})


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)

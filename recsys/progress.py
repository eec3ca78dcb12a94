"""How far a training is: what jobs report and pages show."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Progress:
    """How far a training is.

    Attributes:
        step: what is being done, in words.
        fraction: 0 to 1 over the whole training.
        epoch, epochs: within the step; 0 of 0 when it has none.
        seconds_left: estimate for the rest of the training, or None.
        curve: one entry per validated pass: epoch, seconds since the start, ndcg and coverage on the validation
            period, loss on a sample of what is learned.
    """

    step: str
    fraction: float
    epoch: int = 0
    epochs: int = 0
    seconds_left: float | None = None
    curve: tuple[Mapping[str, float], ...] = ()


OnProgress = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """Tell nobody."""


def part_of(on_progress: OnProgress, start: float, end: float) -> OnProgress:
    """For one of several steps: its 0 to 1 told as `start` to `end` of the whole."""
    return lambda told: on_progress(replace(told, fraction=start + (end - start) * told.fraction))

"""Which of several category levels counts where nobody chooses one."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def middle_level(levels: Sequence[T]) -> T | None:
    """The middle one of what goes from wide to narrow, the narrower of two; None without any.

    Given the names of category levels, that is the level that lists should vary in and that pages show; given the
    categories of an item, its name on that level.
    """
    return levels[len(levels) // 2] if levels else None

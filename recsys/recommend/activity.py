"""What users did since a model was trained, told by whoever stores it: a recommender reads no file and no database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class NewActivity:
    """What one user did since a model was trained.

    Attributes:
        item_ids: what they had, in the order it came; repeats count.
        times, values: datetime64[s] and money, aligned with `item_ids`.
        in_data: bool, aligned: whether it is in the dataset of the model, in the part held out for its evaluation.
        attributes: what was announced of them.
        version: changes whenever any of it does.
        unwanted: ids of what they disliked or gave back, and have not had since; whether before the training or after.
    """

    item_ids: tuple[str, ...]
    times: NDArray[np.datetime64]
    values: NDArray[np.float64]
    in_data: NDArray[np.bool_]
    attributes: Mapping[str, str] = field(default_factory=dict)
    version: tuple[int, int] = (0, 0)
    unwanted: tuple[str, ...] = ()


class Activity(Protocol):
    """Everything that happened and that one model has not learned from. Safe between threads."""

    def new_activity(self, user_id: str) -> NewActivity | None:
        """What a user did; None when nothing."""
        ...

    def version_of(self, user_id: str) -> tuple[int, int]:
        """A value that changes whenever `new_activity` of this user does; (0, 0) without any."""
        ...

    def versions(self, user_id: str | None) -> tuple[int, int, int]:
        """Those of the announced items and, if one is named, of a user: for telling whether an answer still holds."""
        ...

    def new_users(self) -> list[str]:
        """Ids of everybody who did something, or of whom something was announced."""
        ...

    def waiting(self) -> tuple[int, datetime | None]:
        """How many events that is, those of held-out periods not counted, and when the oldest was received (UTC)."""
        ...

    def new_items(self) -> tuple[int, Mapping[str, Mapping[str, Any]]]:
        """Items announced since the training, by id, and a number that changes when they do."""
        ...

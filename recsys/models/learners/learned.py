"""What the linear learners give: embeddings of whole users and items, and the formula that places anybody."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.models.linear_fold_in import LinearFoldIn


@dataclass(frozen=True)
class Learned:
    """Embeddings and biases of whole users and items.

    Attributes:
        users, items: (n_users, components), (n_items, components) float32; with ALS what gives the rows of users for
            their numbers, and becomes an array.
        biases: (n_items,) float32.
        place: makes `fold_in`, which takes as much memory as the embeddings of items.
    """

    users: NDArray[np.float32]
    items: NDArray[np.float32]
    biases: NDArray[np.float32]
    place: Callable[[], LinearFoldIn]

    @property
    def fold_in(self) -> LinearFoldIn:
        """Gives the embedding of anybody from their history; of the known users those in `users`."""
        return self.place()

    @property
    def user_embeddings(self) -> NDArray[np.float32]:
        return self.users

    @property
    def item_embeddings(self) -> NDArray[np.float32]:
        return self.items

    @property
    def item_biases(self) -> NDArray[np.float32]:
        return self.biases

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        """(len(users), n_items) float32."""
        block = self.users[users] @ self.items.T
        block += self.biases
        return block


def spread(total: NDArray[np.float64], gram: NDArray[Any], n_users: int, items: NDArray[np.float32]) -> float:
    """Standard deviation of users @ items.T, from the sum of the users' rows and their gram matrix."""
    n = max(n_users * len(items), 1)
    mean = float(total @ items.sum(axis=0, dtype=np.float64)) / n
    square = float((gram.astype(np.float64) * (items.T @ items)).sum()) / n
    return float(np.sqrt(max(square - mean**2, 0.0)))

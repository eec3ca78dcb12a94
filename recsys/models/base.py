"""What every method has in common: it scores items for users; most do so with one vector for each of them."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Scorer(Protocol):
    """Anything that scores every item for some users: a trained model, a baseline."""

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        """(len(users), n_items); the caller may overwrite it, and asks from several threads at once."""
        ...


class Representations(Protocol):
    """Embeddings and biases of all users and items."""

    @property
    def item_embeddings(self) -> NDArray[np.float32]: ...

    @property
    def item_biases(self) -> NDArray[np.float32]: ...

    @property
    def user_embeddings(self) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class Factors:
    """A scorer made of vectors: user embedding · item embedding + popularity x item bias.

    User biases are left out: they do not change the order of a user's items.

    Attributes:
        user_embeddings: (n_users, components) float32.
        item_embeddings: (n_items, components) float32.
        item_biases: (n_items,) float32.
        popularity: what the item biases are multiplied with.
    """

    user_embeddings: NDArray[np.float32]
    item_embeddings: NDArray[np.float32]
    item_biases: NDArray[np.float32]
    popularity: float = 1.0

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        """(len(users), n_items) float32."""
        block = self.user_embeddings[users] @ self.item_embeddings.T
        block += np.float32(self.popularity) * self.item_biases
        return block

"""What a model must beat: simple rules, fitted to the same interactions."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse


@dataclass(frozen=True)
class Popular:
    """Everybody gets the same list: the items that most users have had."""

    popularity: NDArray[np.float32]

    @classmethod
    def fit(cls, interactions: sparse.csr_matrix) -> Self:
        """Count users per item; `interactions` is CSR (n_users, n_items), what is stored counts once."""
        return cls(np.bincount(interactions.indices, minlength=interactions.shape[1]).astype(np.float32))

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        return np.tile(self.popularity, (len(users), 1))

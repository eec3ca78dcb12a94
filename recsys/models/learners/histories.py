"""What ALS asks of everybody's purchases: a few products of matrices, in this process or where the users lie."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.utils.sparse_product import product


class Histories(Protocol):
    """Y (n_users, n_items), the damped purchases, and what is worked out from them for every user.

    S = Y R and Q = S (R'R + lambda I)^-1 have a row for each user. They stay where the purchases are: whoever asks for
    them gets a handle, to be given back with the next question.
    """

    def sums(self, items: NDArray[np.float32]) -> Any:
        """S for the products R (n_items, components)."""
        ...

    def solved(self, sums: Any, inverse: NDArray[np.float32]) -> Any:
        """Q; `inverse` is (components, components)."""
        ...

    def total(self, solved: Any) -> NDArray[np.float64]:
        """(components,), the sum of the rows of Q."""
        ...

    def gram(self, solved: Any) -> NDArray[np.float32]:
        """Q'Q (components, components)."""
        ...

    def products(self, solved: Any, mixed: NDArray[np.float32]) -> NDArray[np.float32]:
        """Y'Q times `mixed` (components, components): (n_items, components)."""
        ...

    def embeddings(self, solved: Any, scale: np.float32) -> NDArray[np.float32]:
        """Q times `scale`, (n_users, components); or what gives its rows for their numbers, and becomes an array."""
        ...


class LocalHistories:
    """Purchases in this process; handles are the arrays themselves.

    Args:
        matrix: CSR float32 (n_users, n_items).
        threads: for products; None for as many as there are cores.
    """

    def __init__(self, matrix: sparse.csr_matrix, threads: int | None = None) -> None:
        self._matrix, self._transposed, self._threads = matrix, matrix.T.tocsr(), threads

    def sums(self, items: NDArray[np.float32]) -> NDArray[np.float32]:
        return product(self._matrix, items, self._threads)

    def solved(self, sums: NDArray[np.float32], inverse: NDArray[np.float32]) -> NDArray[np.float32]:
        return sums @ inverse

    def total(self, solved: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray(solved.sum(axis=0, dtype=np.float64))

    def gram(self, solved: NDArray[np.float32]) -> NDArray[np.float32]:
        return solved.T @ solved

    def products(self, solved: NDArray[np.float32], mixed: NDArray[np.float32]) -> NDArray[np.float32]:
        return product(self._transposed, solved @ mixed, self._threads)

    def embeddings(self, solved: NDArray[np.float32], scale: np.float32) -> NDArray[np.float32]:
        return solved * scale


HistoriesOf = Callable[[sparse.csr_matrix], Histories]
"""Puts damped purchases where passes are to work on them."""

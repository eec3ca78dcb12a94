"""What ALS asks of everybody's purchases: a few products of matrices, in this process or where the users lie."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.utils.sparse_product import product

BLOCK = 65_536
"""Users whose rows of S are there at once."""


@dataclass(frozen=True)
class WorkedOut:
    """What a pass takes from S = Y R, Y (n_users, n_items) being the damped purchases and R the products.

    Attributes:
        total: (components,), the sum of the rows of S.
        gram: S'S (components, components).
        products: Y'S (n_items, components).
    """

    total: NDArray[np.float64]
    gram: NDArray[np.float64]
    products: NDArray[np.float32]

    def __add__(self, other: "WorkedOut") -> "WorkedOut":
        """What both users' purchases give together."""
        return WorkedOut(self.total + other.total, self.gram + other.gram, self.products + other.products)


class Histories(Protocol):
    """Y, wherever it lies. S has a row for each user, so it stays there and is not kept."""

    def worked_out(self, items: NDArray[np.float32]) -> WorkedOut:
        """Sums over all users for the products R (n_items, components)."""
        ...

    def embeddings(self, placing: NDArray[np.float32]) -> Any:
        """Y times `placing` (n_items, components): gives rows (n, components) for numbers of users, and becomes an
        array of all."""
        ...


class LocalHistories:
    """Purchases in this process.

    Args:
        matrix: CSR float32 (n_users, n_items).
        threads: for products; None for as many as there are cores.
    """

    def __init__(self, matrix: sparse.csr_matrix, threads: int | None = None) -> None:
        self._matrix, self._threads = matrix, threads
        self._blocks = [slice(start, start + BLOCK) for start in range(0, matrix.shape[0], BLOCK)]
        self._transposed = [matrix[block].T.tocsr() for block in self._blocks]

    @property
    def size(self) -> int:
        """Bytes of the purchases, there twice."""
        return 16 * int(self._matrix.nnz)

    def worked_out(self, items: NDArray[np.float32]) -> WorkedOut:
        (n_users, n_items), d = self._matrix.shape, items.shape[1]
        found = WorkedOut(np.zeros(d), np.zeros((d, d)), np.zeros((n_items, d), np.float32))
        # memory taken anew for every block costs as much as the work on it
        room, share = np.empty((min(BLOCK, n_users), d), np.float32), np.empty((n_items, d), np.float32)
        exact = np.empty(room.shape)
        for block, transposed in zip(self._blocks, self._transposed, strict=True):
            matrix = self._matrix[block]
            sums = product(matrix, items, self._threads, room[: matrix.shape[0]])
            np.add(found.products, product(transposed, sums, self._threads, share), out=found.products)
            rows = exact[: len(sums)]
            rows[:] = sums
            np.add(found.total, rows.sum(axis=0), out=found.total)
            np.add(found.gram, rows.T @ rows, out=found.gram)
        return found

    def embeddings(self, placing: NDArray[np.float32]) -> "UserRows":
        return UserRows(self, placing)

    def rows(self, users: Any, items: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, components), the rows of Y times `items` of these users; (components,) for one."""
        found = product(self._matrix[users], items, self._threads)
        return found[0] if np.ndim(users) == 0 and not isinstance(users, slice) else found


class UserRows:
    """Y times a matrix (n_items, components), worked out for the users that are asked for: all of them are many."""

    def __init__(self, histories: LocalHistories, placing: NDArray[np.float32]) -> None:
        self._histories, self._placing = histories, placing

    def __len__(self) -> int:
        return int(self._histories._matrix.shape[0])

    def __getitem__(self, users: Any) -> NDArray[np.float32]:
        return self._histories.rows(users, self._placing)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        found = self[:]
        return found if dtype is None else found.astype(dtype, copy=False)


HistoriesOf = Callable[[sparse.csr_matrix], Histories]
"""Puts damped purchases where passes are to work on them."""

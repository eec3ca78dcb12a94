"""Everybody's purchases in shards on the workers of a cluster, for passes of ALS.

Every worker keeps the rows of its users. For a pass it reads the products R from the folder that all share, and sends
back two things: Q'Q of its users, (components, components), and their share of Y'Q, (n_items, components). The sums of
these are what one process works out, up to the rounding of sums in another order.
"""

import shutil
import uuid
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from scipy import sparse

from recsys.cluster.executor import Workers, connected, pieces
from recsys.errors import InvalidInput
from recsys.models.learners.histories import HistoriesOf, LocalHistories
from recsys.utils.threads import limited_blas_threads

HELD_BYTES = 1 << 30
"""So much a worker keeps of what it has worked out for the last question; what does not fit is worked out anew."""


class ShardedHistories:
    """Y in shards; made by `histories_on`."""

    def __init__(self, workers: Workers, folder: Path, matrix: sparse.csr_matrix) -> None:
        self._workers = workers
        self._folder = folder / uuid.uuid4().hex
        self._folder.mkdir()
        self._shape = matrix.shape
        size = max(-(-matrix.shape[0] // workers.threads), 1)
        self._shards = [(str(self._folder / f"shard-{start}.npz"), start, end)
                        for start, end in pieces(matrix.shape[0], size)]  # fmt: skip
        for path, start, end in self._shards:
            sparse.save_npz(path, matrix[start:end], compressed=False)
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def sums(self, items: NDArray[np.float32]) -> "_Items":
        path = self._folder / f"items-{uuid.uuid4().hex}.npy"
        np.save(path, items)
        return _Items(path)

    def solved(self, sums: "_Items", inverse: NDArray[np.float32]) -> "_Solved":
        return _Solved(sums, inverse)

    def total(self, solved: "_Solved") -> NDArray[np.float64]:
        return self._moments(solved)[0]

    def gram(self, solved: "_Solved") -> NDArray[np.float32]:
        return self._moments(solved)[1]

    def products(self, solved: "_Solved", mixed: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._workers.summed(_products, self._questions(solved, mixed))

    def embeddings(self, solved: "_Solved", scale: np.float32) -> Any:
        return ShardedRows(self, solved, scale)

    def rows(self, solved: "_Solved", users: NDArray[np.int_] | None = None) -> NDArray[np.float32]:
        """The rows of Q of some users, or of all."""
        if users is None:
            return np.concatenate([*self._workers.in_order(_rows, self._questions(solved))])
        found = np.empty((len(users), len(solved.inverse)), np.float32)
        shard_of = np.searchsorted([end for _, _, end in self._shards], users, side="right")
        wanted = [np.flatnonzero(shard_of == number) for number in range(len(self._shards))]
        asked = [number for number, places in enumerate(wanted) if len(places)]
        tasks = [solved.question(self._shards[n][0], rows=users[wanted[n]] - self._shards[n][1]) for n in asked]
        for number, part in zip(asked, self._workers.in_order(_rows, tasks), strict=True):
            found[wanted[number]] = part
        return found

    def _moments(self, solved: "_Solved") -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        if solved.moments is None:
            parts = list(self._workers.in_order(_moments, self._questions(solved)))
            total, gram = (np.sum(of_shards, axis=0) for of_shards in zip(*parts, strict=True))
            solved.moments = total, gram
        return solved.moments

    def _questions(self, solved: "_Solved", mixed: NDArray[np.float32] | None = None) -> "list[_Question]":
        return [solved.question(path, mixed=mixed) for path, _, _ in self._shards]


class ShardedRows:
    """User embeddings on the workers, (n_users, components): rows are fetched where they are asked for."""

    def __init__(self, histories: ShardedHistories, solved: "_Solved", scale: np.float32) -> None:
        self._histories, self._solved, self._scale = histories, solved, scale

    def __len__(self) -> int:
        return int(self._histories._shape[0])

    def __getitem__(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        return self._histories.rows(self._solved, np.asarray(users)) * self._scale

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        found = self._histories.rows(self._solved) * self._scale
        return found if dtype is None else found.astype(dtype)


@contextmanager
def histories_on(scheduler: str, folder: Path) -> Iterator[HistoriesOf]:
    """Has passes of ALS work on the workers of a scheduler.

    Args:
        folder: empty, and reached by all workers under the same path.

    Raises:
        InvalidInput: the scheduler cannot be used, or a worker does not see the folder.
    """
    with connected(scheduler) as workers:
        _check_reached(workers, folder)
        yield lambda matrix: ShardedHistories(workers, folder, matrix)


def _check_reached(workers: Workers, folder: Path) -> None:
    probe = folder / f"probe-{uuid.uuid4().hex}"
    probe.touch()
    for worker, there in workers.everywhere(Path.exists, probe).items():
        if not there:
            raise InvalidInput(
                f"Worker {worker} does not see {folder}. INSIDER_HOME must be a folder that this machine and all "
                "workers reach under the same path."
            )


class _Items:
    """The handle of S: the products it is made of, in a file that goes with the handle."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        weakref.finalize(self, path.unlink, missing_ok=True)


@dataclass
class _Solved:
    """The handle of Q, and the sum and gram matrix of its rows once they were asked for."""

    items: _Items
    inverse: NDArray[np.float32]
    moments: tuple[NDArray[np.float64], NDArray[np.float32]] | None = None

    def question(
        self, shard: str, mixed: NDArray[np.float32] | None = None, rows: NDArray[np.int_] | None = None
    ) -> "_Question":
        return _Question(shard, self.items.path, self.inverse, mixed, rows)


@dataclass(frozen=True)
class _Question:
    """What is sent to a worker: where its rows and the products lie, and small matrices."""

    shard: str
    items: str
    inverse: NDArray[np.float32]
    mixed: NDArray[np.float32] | None = None
    rows: NDArray[np.int_] | None = None


@dataclass
class _Held:
    """What a worker keeps of a shard between two questions."""

    histories: LocalHistories
    size: int
    items: str = ""
    sums: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    solved: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    inverse: bytes = b""
    lock: Lock = field(default_factory=Lock)


_held: "LRUCache[str, _Held]" = LRUCache(HELD_BYTES, getsizeof=lambda held: held.size)
"""The shards of this worker, those used last."""

_lock = Lock()


def _users(question: _Question) -> tuple[LocalHistories, NDArray[np.float32]]:
    """The histories of a shard, and Q of its users."""
    held = _shard(question)
    with held.lock, limited_blas_threads():
        if held.items != question.items:
            held.sums = held.histories.sums(np.load(question.items))
            held.items, held.inverse = question.items, b""
        inverse = question.inverse.tobytes()
        if held.inverse != inverse:
            held.solved, held.inverse = held.histories.solved(held.sums, question.inverse), inverse
        return held.histories, held.solved


def _shard(question: _Question) -> _Held:
    with _lock:
        if question.shard in _held:
            return _held[question.shard]
    matrix = sparse.load_npz(question.shard)
    held = _Held(LocalHistories(matrix, threads=1), 16 * matrix.nnz + 8 * matrix.shape[0] * len(question.inverse))
    with _lock:
        if held.size <= _held.maxsize:
            _held[question.shard] = held
    return held


def _moments(question: _Question) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    histories, solved = _users(question)
    with limited_blas_threads():
        return histories.total(solved), histories.gram(solved)


def _products(question: _Question) -> NDArray[np.float32]:
    assert question.mixed is not None
    histories, solved = _users(question)
    with limited_blas_threads():
        return histories.products(solved, question.mixed)


def _rows(question: _Question) -> NDArray[np.float32]:
    _, solved = _users(question)
    return solved if question.rows is None else solved[question.rows]

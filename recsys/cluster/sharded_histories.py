"""Everybody's purchases in shards on the workers of a cluster, for passes of ALS.

Every worker keeps the rows of its users. For a pass it reads the products R from the folder that all share, and sends
back what its users add to the sums of `WorkedOut`. All together they are what one process works out, up to the rounding
of sums in another order.
"""

import shutil
import uuid
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from scipy import sparse

from recsys.cluster.executor import Workers, connected, pieces
from recsys.errors import InvalidInput
from recsys.models.learners.histories import HistoriesOf, LocalHistories, WorkedOut
from recsys.utils.threads import limited_blas_threads

HELD_BYTES = 1 << 30
"""So much of its shards a worker keeps between two questions; what does not fit is read anew."""


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

    def worked_out(self, items: NDArray[np.float32]) -> WorkedOut:
        stored = self._stored(items)
        return self._workers.summed(_worked_out, [_Question(path, stored.path) for path, _, _ in self._shards])

    def embeddings(self, placing: NDArray[np.float32]) -> "ShardedRows":
        return ShardedRows(self, self._stored(placing))

    def rows(self, stored: "_Stored", users: NDArray[np.int_]) -> NDArray[np.float32]:
        """The rows of some users of Y times what is stored."""
        found = np.empty((len(users), stored.components), np.float32)
        shard_of = np.searchsorted([end for _, _, end in self._shards], users, side="right")
        wanted = [np.flatnonzero(shard_of == number) for number in range(len(self._shards))]
        asked = [number for number, places in enumerate(wanted) if len(places)]
        tasks = [_Question(self._shards[n][0], stored.path, users[wanted[n]] - self._shards[n][1]) for n in asked]
        for number, part in zip(asked, self._workers.in_order(_rows, tasks), strict=True):
            found[wanted[number]] = part
        return found

    def _stored(self, items: NDArray[np.float32]) -> "_Stored":
        path = self._folder / f"items-{uuid.uuid4().hex}.npy"
        np.save(path, items)
        return _Stored(path, items.shape[1])


class ShardedRows:
    """User embeddings on the workers, (n_users, components): rows are fetched where they are asked for."""

    def __init__(self, histories: ShardedHistories, stored: "_Stored") -> None:
        self._histories, self._stored = histories, stored

    def __len__(self) -> int:
        return int(self._histories._shape[0])

    def __getitem__(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        return self._histories.rows(self._stored, np.asarray(users))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        found = self[np.arange(len(self))]
        return found if dtype is None else found.astype(dtype, copy=False)


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


class _Stored:
    """A matrix (n_items, components) in a file that all reach; it goes with the handle."""

    def __init__(self, path: Path, components: int) -> None:
        self.path, self.components = str(path), components
        weakref.finalize(self, path.unlink, missing_ok=True)


@dataclass(frozen=True)
class _Question:
    """What is sent to a worker: where its rows and the matrix lie, and which users' rows are asked for."""

    shard: str
    items: str
    rows: NDArray[np.int_] | None = None


_held: "LRUCache[str, LocalHistories]" = LRUCache(HELD_BYTES, getsizeof=lambda histories: histories.size)
"""The shards of this worker, those used last."""

_lock = Lock()


def _shard(question: _Question) -> LocalHistories:
    with _lock:
        if question.shard in _held:
            return _held[question.shard]
    histories = LocalHistories(sparse.load_npz(question.shard), threads=1)
    with _lock:
        if histories.size <= _held.maxsize:
            _held[question.shard] = histories
    return histories


def _worked_out(question: _Question) -> WorkedOut:
    with limited_blas_threads():
        return _shard(question).worked_out(np.load(question.items))


def _rows(question: _Question) -> NDArray[np.float32]:
    return _shard(question).rows(question.rows, np.load(question.items))

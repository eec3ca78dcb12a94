"""The rows that are kept, gathered by user, as bits that are quick to sort and to count.

Memory holds the rows of some users at a time, however many there are in all; the table is read once for the rows of
each user to be counted, and once for as many users as memory holds.
"""

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from recsys.ingest.duckdb_session import DuckSession, OnFraction
from recsys.ingest.events.filtering import Filtered
from recsys.utils.numba_modules import numba_module

if TYPE_CHECKING:
    import pyarrow as pa

KERNELS = "ingest.events.event_sort_kernels"
HELD = 400 << 20
"""Bytes of rows that memory holds at once; the rows of one user alone may be more, and lie on disk then."""

PIECE = 1_000_000
_REAL = ("q", "v")
_COUNTING = 0.35
"""Share of counting in the time that counting and gathering take."""


@dataclass(frozen=True)
class UserBlock:
    """Rows of some users that follow one another, each user's in one place.

    Attributes:
        words: uint64 (n, m), as in `ordering_kernels`.
        first_user: number of the first of the users.
        starts: int64 (users + 1,): where the rows of each start.
    """

    words: NDArray[np.uint64]
    first_user: int
    starts: NDArray[np.int64]


@dataclass(frozen=True)
class RowBuffers:
    """Memory for rows, got while others work: to get it takes a while.

    Attributes:
        words: uint64 (n, m): for all rows that are kept, or for as many as `HELD` bytes take.
        file: where rows lie if those of one user alone are more.
    """

    words: NDArray[np.uint64]
    file: Path

    @classmethod
    def of(cls, kept: Filtered, work: Path) -> Self:
        """Memory for the rows of an import, or for as many of them as `HELD` bytes take."""
        width = (len(kept.columns) + 2) // 2
        words = np.empty((min(kept.events, HELD // (8 * width)), width), dtype=np.uint64)
        words[:] = 0
        return cls(words, work / "rows")

    def rows(self, n: int) -> NDArray[np.uint64]:
        """Room for n rows."""
        if n <= len(self.words):
            return self.words[:n]
        return np.memmap(self.file, dtype=np.uint64, mode="w+", shape=(n, self.words.shape[1]))


@dataclass
class KeptRows:
    """The rows that are kept.

    Args:
        kept: which rows, and what of them is known.
        user_places, item_places: int32: number of an id in the table `staged`, to its row among the users or items of
            the dataset, -1 where it is left out.
        n_users: how many users the dataset has.
        buffers: for some of the rows.
    """

    db: DuckSession
    kept: Filtered
    user_places: NDArray[np.int32]
    item_places: NDArray[np.int32]
    n_users: int
    buffers: "Future[RowBuffers]"
    _kernels: Any = field(init=False)

    def __post_init__(self) -> None:
        self._kernels = numba_module(KERNELS)

    @property
    def real(self) -> NDArray[np.int8]:
        """Of each field, whether it is a float: int8 (fields,)."""
        return np.array([name in _REAL for name in self.kept.columns], dtype=np.int8)

    def blocks(self, on_fraction: OnFraction) -> Iterator[UserBlock]:
        """All rows, gathered by user and not yet sorted."""
        counts = np.zeros(self.n_users, dtype=np.int64)
        columns = self.kept.columns
        staged = f"FROM staged WHERE {self.kept.condition}"
        done = 0
        share = 0.0

        def waiting(_: float) -> None:
            on_fraction(share)

        for batch in self._batches(f"SELECT u, i {staged}", waiting):
            users, items = (batch.column(name).to_numpy() for name in ("u", "i"))
            self._kernels.count_rows(users, items, self.user_places, self.item_places, counts)
            done += len(batch)
            share = _COUNTING * done / self.kept.events
        ends = np.cumsum(counts)
        buffers = self.buffers.result()
        most, width = buffers.words.shape
        fields = "".join(f", {sql} AS {name}" for name, sql in columns.items())
        places, packed = np.empty(0, dtype=np.int64), np.empty((0, width), dtype=np.uint64)
        low = 0
        while low < self.n_users:
            before = int(ends[low - 1]) if low else 0
            high = max(int(np.searchsorted(ends, before + most, side="right")), low + 1)
            starts = np.concatenate([[0], ends[low:high] - before])
            words = buffers.rows(int(starts[-1]))
            here = (self.user_places >= low) & (self.user_places < high)
            free = np.where(here, starts[np.where(here, self.user_places - low, 0)], -1)
            done = 0
            for batch in self._batches(f"SELECT u, i{fields} {staged}", waiting):
                users, items = (batch.column(name).to_numpy() for name in ("u", "i"))
                if len(batch) > len(places):
                    places, packed = np.empty(len(batch), np.int64), np.empty((len(batch), width), np.uint64)
                self._kernels.place_rows(
                    users, items, self._bits(batch), self.real, free, self.item_places, words, places, packed
                )  # fmt: skip
                done += len(batch)
                placed = (before + (ends[high - 1] - before) * done / self.kept.events) / max(int(ends[-1]), 1)
                share = _COUNTING + (1 - _COUNTING) * float(placed)
                on_fraction(share)
            yield UserBlock(words, low, starts)
            low = high

    def _batches(self, sql: str, on_wait: OnFraction) -> Iterator["pa.RecordBatch"]:
        for piece in self.db.stream(sql, PIECE, on_wait):
            yield from piece.to_batches()

    def _bits(self, batch: "pa.RecordBatch") -> NDArray[np.uint32]:
        """What is known of some rows, as bits: uint32 (fields, n)."""
        bits = np.empty((len(self.kept.columns), len(batch)), dtype=np.uint32)
        for row, name in zip(bits, self.kept.columns, strict=True):
            values = batch.column(name).to_numpy()
            row[:] = values.view(np.uint32) if name in _REAL else values
        return bits

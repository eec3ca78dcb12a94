"""Numbers for texts: a row then holds four bytes for an id instead of its letters."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recsys.utils.numba_modules import numba_module

if TYPE_CHECKING:
    import pyarrow as pa

KERNELS = "ingest.ids.text_encoder_kernels"
_FIRST_SLOTS, _FIRST_BYTES = 1 << 12, 1 << 14


class TextEncoder:
    """Every text once, to the letter, with a number from 0 on in the order in which the texts came."""

    def __init__(self) -> None:
        self._kernels: Any = numba_module(KERNELS)
        self._slots = np.zeros((_FIRST_SLOTS, 4), dtype=np.uint64)
        self._starts = np.zeros(_FIRST_SLOTS // 2 + 1, dtype=np.int64)
        self._pool = np.zeros(_FIRST_BYTES, dtype=np.uint8)
        self._state = np.zeros(1, dtype=np.int64)

    def __len__(self) -> int:
        return int(self._state[0])

    def numbers(self, texts: "pa.StringArray") -> NDArray[np.int32]:
        """The number of each text, -1 where there is none."""
        n = len(texts)
        numbers = np.empty(n, dtype=np.int32)
        if texts.null_count == n:
            numbers.fill(-1)
            return numbers
        bits, places, letters = texts.buffers()
        offsets = np.frombuffer(places, dtype=np.int32)[texts.offset : texts.offset + n + 1]
        valid = np.frombuffer(bits if bits and texts.null_count else b"", dtype=np.uint8)
        address, size = (letters.address, letters.size) if letters else (0, 0)
        done = 0
        while True:
            done = self._kernels.number_texts(
                address, address + size, offsets, valid, texts.offset, done, self._slots, self._starts, self._pool,
                numbers, self._state,
            )  # fmt: skip
            if done == n:
                return numbers
            self._grow(int(offsets[done + 1] - offsets[done]))

    def texts(self, first: int = 0) -> "pa.LargeStringArray":
        """The texts from number `first` on."""
        import pyarrow as pa

        n = len(self)
        starts = self._starts[first : n + 1]
        return pa.LargeStringArray.from_buffers(n - first, pa.py_buffer(starts), pa.py_buffer(self._pool))

    def _grow(self, letters: int) -> None:
        """Make room for more texts, the next of which has so many bytes."""
        n = len(self)
        if n == len(self._slots) // 2:
            old = self._slots
            self._slots = np.zeros((2 * len(old), 4), dtype=np.uint64)
            self._starts = np.concatenate([self._starts, np.zeros(len(old) - len(self._starts) + 1, np.int64)])
            self._kernels.refill(old, self._slots, self._starts, self._pool)
        if self._starts[n] + letters > len(self._pool):
            wanted = max(2 * len(self._pool), int(self._starts[n]) + 2 * letters)
            self._pool = np.concatenate([self._pool, np.zeros(wanted - len(self._pool), np.uint8)])

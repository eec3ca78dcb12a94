"""Compiled loops over the texts of a batch of rows: each text gets its number."""

# Numba finds the types of these functions when it compiles them.
# mypy: ignore-errors

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from recsys.models.engine.simd import prefetch

WORD, SLOT = 8, 32
"""Bytes."""

AHEAD = 32
"""Texts whose slots are asked for at once."""

_LOW = np.uint64(0xFFFFFFFF)


@intrinsic
def _word_at(_, address):
    """The eight bytes at an address, wherever it lies."""

    def code(__, builder, ___, args):
        return builder.load(builder.inttoptr(args[0], ir.IntType(64).as_pointer()), align=1)

    return types.uint64(types.int64), code


@intrinsic
def _byte_at(_, address):
    """The byte at an address, as 64 bits."""

    def code(__, builder, ___, args):
        return builder.zext(builder.load(builder.inttoptr(args[0], ir.IntType(8).as_pointer())), ir.IntType(64))

    return types.uint64(types.int64), code


@njit(inline="always")
def _mixed(x):
    """The last step of MurmurHash3: every bit of x changes half of the result's."""
    x ^= x >> np.uint64(33)
    x *= np.uint64(0xFF51AFD7ED558CCD)
    x ^= x >> np.uint64(33)
    x *= np.uint64(0xC4CEB9FE1A85EC53)
    return x ^ (x >> np.uint64(33))


@njit(inline="always")
def _first_word(start, length, end):
    """The first eight bytes of a text, zeros behind a shorter one; nothing is read at or behind `end`."""
    if start + WORD <= end:
        word = _word_at(start)
        if length >= WORD:
            return word
        return word & ((np.uint64(1) << np.uint64(8 * length)) - np.uint64(1))
    word = np.uint64(0)
    for n in range(min(length, WORD)):
        word |= _byte_at(start + n) << np.uint64(8 * n)
    return word


@njit(inline="always")
def _last_word(start, length):
    """The last eight bytes of a text that has more than eight, else 0."""
    return _word_at(start + length - WORD) if length > WORD else np.uint64(0)


@njit(inline="always")
def _hash(first, last, start, length):
    """64 bits of a text whose first and last words are known."""
    h = _mixed(first ^ (np.uint64(length) * np.uint64(0x9E3779B97F4A7C15)))
    for place in range(start + WORD, start + length - WORD, WORD):
        h = _mixed(h ^ _word_at(place))
    return _mixed(h ^ last) if length > WORD else h


@njit(inline="always")
def _same_middle(one, other, length):
    """Whether two texts of the same length agree between their first and last words."""
    same = True
    for n in range(WORD, length - WORD, WORD):
        same = same and _word_at(one + n) == _word_at(other + n)
    return same


@njit(cache=True, nogil=True)
def number_texts(data, end, offsets, valid, shift, begin, slots, starts, pool, numbers, state):
    """Numbers of texts, -1 where there is none; texts that are new get the next ones.

    Args:
        data, end: address of the texts' bytes, and of the end of these.
        offsets: int32 (n + 1,): where in `data` each text starts and the last one ends.
        valid: bits, 1 where there is a text, the first of them at place `shift`; empty when there are texts everywhere.
        begin: the first row to look at.
        slots: uint64 (a power of two, 4): first and last word of a text; its length in the upper half, its number + 1
            in the lower one; unused. Open addressing; 0 is free.
        starts: int64: where in `pool` the text of a number starts; with one entry behind the last.
        pool: uint8: all texts, one after the other.
        numbers: int32 (n,): the result.
        state: int64 (1,): how many texts have a number.

    Returns:
        n, or the row at which `slots`, `starts` or `pool` became too small.
    """
    mask = np.uint64(len(slots) - 1)
    table = slots.ctypes.data
    most = min(len(slots) // 2, len(starts) - 1)
    known = state[0]
    texts = pool.ctypes.data
    firsts, lasts, places = (np.empty(AHEAD, np.uint64), np.empty(AHEAD, np.uint64), np.empty(AHEAD, np.uint64))
    for block in range(begin, len(numbers), AHEAD):
        size = min(AHEAD, len(numbers) - block)
        for n in range(size):  # what memory must bring is asked for ahead
            row = block + n
            start, length = data + offsets[row], np.int64(offsets[row + 1] - offsets[row])
            firsts[n], lasts[n] = _first_word(start, length, end), _last_word(start, length)
            places[n] = _hash(firsts[n], lasts[n], start, length) & mask
            prefetch(table + np.int64(places[n]) * SLOT)
        for n in range(size):
            row = block + n
            bit = shift + row
            if len(valid) and not (valid[bit >> 3] >> (bit & 7)) & 1:
                numbers[row] = -1
                continue
            start, length = data + offsets[row], np.int64(offsets[row + 1] - offsets[row])
            place = places[n]
            while True:
                entry = slots[place, 2]
                if entry == 0:
                    if known == most or starts[known] + length > len(pool):
                        state[0] = known
                        return row
                    slots[place, 0] = firsts[n]
                    slots[place, 1] = lasts[n]
                    slots[place, 2] = (np.uint64(length) << np.uint64(32)) | np.uint64(known + 1)
                    for letter in range(length):
                        pool[starts[known] + letter] = np.uint8(_byte_at(start + letter))
                    starts[known + 1] = starts[known] + length
                    numbers[row] = known
                    known += 1
                    break
                if (
                    slots[place, 0] == firsts[n]
                    and slots[place, 1] == lasts[n]
                    and np.int64(entry >> np.uint64(32)) == length
                ):
                    number = np.int64(entry & _LOW) - 1
                    if length <= 2 * WORD or _same_middle(start, texts + starts[number], length):
                        numbers[row] = number
                        break
                place = (place + np.uint64(1)) & mask
    state[0] = known
    return len(numbers)


@njit(cache=True, nogil=True)
def refill(old, slots, starts, pool):
    """Put the entries of `old` into the empty `slots`."""
    mask = np.uint64(len(slots) - 1)
    texts = pool.ctypes.data
    for n in range(len(old)):
        entry = old[n, 2]
        if entry:
            length, number = np.int64(entry >> np.uint64(32)), np.int64(entry & _LOW) - 1
            place = _hash(old[n, 0], old[n, 1], texts + starts[number], length) & mask
            while slots[place, 2]:
                place = (place + np.uint64(1)) & mask
            for part in range(3):
                slots[place, part] = old[n, part]

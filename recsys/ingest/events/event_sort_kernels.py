"""Compiled loops over rows of events: put in their places, sorted and counted.

A row in order is a few 64-bit words, compared from the first on: its item in the upper half of the first word, then
the fields of the event, 32 bits each, so that comparing words compares fields. Floats are turned for that (`_rank`).
"""

# Numba finds the types of these functions when it compiles them.
# mypy: ignore-errors

import numpy as np
from numba import njit

from recsys.models.engine.simd import prefetch

AHEAD = 64
"""Rows whose places are asked for ahead."""

RUN = 24
"""Rows that are sorted by insertion, before sorted runs are merged."""

_LOW = np.uint64(0xFFFFFFFF)


@njit(cache=True, nogil=True)
def count_rows(users, items, user_places, item_places, counts):
    """Add to the counts of events by place of the user."""
    for row in range(len(users)):
        user = user_places[users[row]]
        if user >= 0 and item_places[items[row]] >= 0:
            counts[user] += 1


@njit(inline="always")
def _rank(bits, real):
    """The bits of a float32, turned so that they compare like the float, -0 as 0; others as they are."""
    if real:
        if bits == np.uint32(0x80000000):
            return bits
        return bits ^ (np.uint32(0xFFFFFFFF) if bits >> np.uint32(31) else np.uint32(0x80000000))
    return bits


@njit(inline="always")
def _unrank(bits, real):
    if real:
        return bits ^ (np.uint32(0x80000000) if bits >> np.uint32(31) else np.uint32(0xFFFFFFFF))
    return bits


@njit(cache=True, nogil=True)
def place_rows(users, items, fields, real, free, item_places, words, places, packed):
    """Write rows where the next row of their user goes.

    Args:
        fields: uint32 (k, n): the bits of what is known of the rows; real: int8 (k,), whether they are floats'.
        free: int64: where that is, by number of the user, -1 for users whose rows are not wanted; moves on.
        words: uint64 (rows, (k + 2) // 2): the result.
        places, packed: int64 (n or more,), uint64 (n or more, as many as words): buffers to work in.
    """
    k, n, row_bytes, there = len(fields), len(users), 8 * words.shape[1], words.ctypes.data
    for row in range(n):
        user = users[row]
        place = free[user]
        if place >= 0 and item_places[items[row]] >= 0:
            free[user] = place + 1
            places[row] = place
        else:
            places[row] = -1
    for row in range(n):
        packed[row, 0] = np.uint64(item_places[items[row]]) << np.uint64(32)
    for field in range(k):
        word, shift = (field + 1) >> 1, np.uint64(0 if not field & 1 else 32)
        for row in range(n):
            bits = np.uint64(_rank(fields[field, row], real[field])) << shift
            packed[row, word] = bits if shift else packed[row, word] | bits
    for row in range(n):
        if row + AHEAD < n:
            prefetch(there + places[row + AHEAD] * row_bytes)
        if places[row] >= 0:
            for word in range(words.shape[1]):
                words[places[row], word] = packed[row, word]


@njit(inline="always")
def _less(a, i, b, j):
    for n in range(a.shape[1]):
        if a[i, n] != b[j, n]:
            return a[i, n] < b[j, n]
    return False


@njit(inline="always")
def _copy(a, i, b, j):
    for n in range(a.shape[1]):
        b[j, n] = a[i, n]


@njit(inline="always")
def _insert(words, begin, end, spare):
    """Sort a few rows."""
    for row in range(begin + 1, end):
        if _less(words, row, words, row - 1):
            _copy(words, row, spare, 0)
            hole = row
            while hole > begin and _less(spare, 0, words, hole - 1):
                _copy(words, hole - 1, words, hole)
                hole -= 1
            _copy(spare, 0, words, hole)


@njit(inline="always")
def _insert_pairs(words, begin, end):
    """Sort a few rows of two words, the usual ones."""
    for row in range(begin + 1, end):
        first, second = words[row, 0], words[row, 1]
        hole = row
        while hole > begin:
            before = words[hole - 1, 0]
            if before < first or (before == first and words[hole - 1, 1] <= second):
                break
            words[hole, 0], words[hole, 1] = before, words[hole - 1, 1]
            hole -= 1
        words[hole, 0], words[hole, 1] = first, second


@njit(cache=True, nogil=True)
def sort_rows(words, starts, first, last, spare):
    """Sort the rows of each user from `first` to `last`, in place.

    Args:
        starts: int64: where the rows of a user start; with one entry behind the last.
        spare: uint64, as many rows as one user has at most, and one.
    """
    for user in range(first, last):
        low, high = starts[user], starts[user + 1]
        for run in range(low, high, RUN):
            if words.shape[1] == 2:
                _insert_pairs(words, run, min(run + RUN, high))
            else:
                _insert(words, run, min(run + RUN, high), spare)
        size = RUN
        while size < high - low:
            for run in range(low, high - size, 2 * size):
                middle, end = run + size, min(run + 2 * size, high)
                if not _less(words, middle, words, middle - 1):
                    continue
                for row in range(run, middle):
                    _copy(words, row, spare, row - run)
                left, right, to = 0, middle, run
                while left < size and right < end:
                    if _less(words, right, spare, left):
                        _copy(words, right, words, to)
                        right += 1
                    else:
                        _copy(spare, left, words, to)
                        left += 1
                    to += 1
                while left < size:
                    _copy(spare, left, words, to)
                    left += 1
                    to += 1
            size *= 2


@njit(inline="always")
def _hashed(x):
    """What pandas makes of 64 bits (`pandas.util.hash_array`, the last step of SplitMix64)."""
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit(cache=True, nogil=True)
def unpack_rows(
    words, starts, first_user, begin, end, real, places, lowest, once, out, times, floats, hashes,
    users_of_item, items_of_user, events_of_user, counted,
):  # fmt: skip
    """Take sorted rows apart, hash them as pandas does, and count them.

    Args:
        starts: where the rows of a user start; the first of these users has the number `first_user`.
        begin, end: which rows.
        real: int8 (k,): which of the fields are floats.
        places: int64 (4,): which field is the time, the quantity, the value and the place of the weight, or -1.
        lowest: float32: weights, the lightest first; empty when events have none.
        once: leave out rows that equal the one before.
        out: int32 (2, n): users and items. times: int64 (n,) milliseconds. floats: float32 (2 or 3, n): quantity,
            value, weight. hashes: uint64 (n,).
        counted: int64 (5,): pairs, those with several events, rows that equal the one before, first and last time.

    Returns:
        how many rows came out.
    """
    n_floats, weighted = len(floats), len(lowest) > 0
    n_columns = 3 + n_floats
    bits = floats.view(np.uint32)
    none = np.int64(-9223372036854775808)
    user = np.searchsorted(starts, begin, side="right") - 1
    n = 0
    for row in range(begin, end):
        while row >= starts[user + 1]:
            user += 1
        item = words[row, 0] >> np.uint64(32)
        same_pair = row > starts[user] and words[row - 1, 0] >> np.uint64(32) == item
        if same_pair:
            equal = True
            for w in range(words.shape[1]):
                equal = equal and words[row, w] == words[row - 1, w]
            if equal and once:
                continue
            counted[2] += equal
            again = row - 1 > starts[user] and words[row - 2, 0] >> np.uint64(32) == item
            if again and once:
                back = row - 1  # the pair was counted already unless all rows before are equal
                again = False
                while back > starts[user] and words[back - 1, 0] >> np.uint64(32) == item and not again:
                    for w in range(words.shape[1]):
                        again = again or words[back, w] != words[back - 1, w]
                    back -= 1
            counted[1] += not again
        else:
            counted[0] += 1
            users_of_item[item] += 1
            items_of_user[first_user + user] += 1
        events_of_user[first_user + user] += 1
        out[0, n] = first_user + user
        out[1, n] = np.int32(item)
        seconds = none
        for kind in range(4):
            field = places[kind]
            if field < 0:
                continue
            word = words[row, (field + 1) >> 1]
            half = np.uint32(word & _LOW) if not field & 1 else np.uint32(word >> np.uint64(32))
            half = _unrank(half, real[field])
            if kind == 0:
                seconds = np.int64(half)
            elif kind < 3:
                bits[kind - 1, n] = half
            elif weighted:
                floats[2, n] = lowest[half]
        if places[0] >= 0:
            times[n] = seconds * 1000
            counted[3] = min(counted[3], seconds)
            counted[4] = max(counted[4], seconds)
        mult, h = np.uint64(1000003), np.uint64(0x345678)
        for column in range(n_columns):
            if column < 2:
                x = np.uint64(out[column, n])
            elif column == 2:
                x = np.uint64(seconds)
            else:
                x = np.uint64(bits[column - 3, n])
            h = (h ^ _hashed(x)) * mult
            mult += np.uint64(82520 + 2 * (n_columns - column))
        hashes[n] = h + np.uint64(97531)
        n += 1
    return n

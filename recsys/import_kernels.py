"""Compiled loops over rows of events: texts become numbers, rows find their place, are put in order and counted.

A row in order is a few 64-bit words, compared from the first on: its item in the upper half of the first word, then
the fields of the event, 32 bits each, so that comparing words compares fields. Floats are turned for that (`_rank`).
"""

# Numba finds the types of these functions when it compiles them.
# mypy: ignore-errors

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from recsys.engine_vectors import prefetch

WORD, SLOT = 8, 32
"""Bytes."""

AHEAD = 32
"""Texts whose slots are asked for at once."""

RUN = 24
"""Rows that are sorted by insertion, before sorted runs are merged."""

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
        places, packed: int64 (n or more,), uint64 (n or more, as many as words): room to work in.
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
        if row + 2 * AHEAD < n:
            prefetch(there + places[row + 2 * AHEAD] * row_bytes)
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
def tell_rows(
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

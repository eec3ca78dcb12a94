"""The compiled heart of the training engine: one pass over some of the examples, for every loss and both schedules.

A row of `Side.state` holds what one feature has learned, `width` floats each (the components, and zeros up to a
multiple of 16): values, sums of squared gradients, and for Adadelta the momentum. The biases lie apart, in the same
order: one more component would cost sixteen.

`table` and `leans` hold the embedding and the bias of every item, ready for the negatives that are drawn. An item's are
brought up to date whenever the item is trained, and the others in turn while training goes on, since items share
features.

Memory, not arithmetic, is what training waits for. So a negative is chosen `depth` examples before it is learned from:
its features are asked for, and when they have come the choice is checked again with what has been learned meanwhile,
and the search goes on where it no longer holds. Random numbers are drawn a little ahead and what they point at is asked
for at once, likewise the rows of the examples to come.
"""

# Numba finds the types of these functions when it compiles them, and only it knows what the vector operations take.
# mypy: ignore-errors

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from recsys.models.engine.simd import (
    BYTES,
    LANES,
    load,
    over_root,
    prefetch,
    put,
    real,
    root,
    splat,
    store,
    total,
    whole,
)

WARP, BPR, LOGISTIC, KOS = range(4)
MAX_LOSS = 10.0
MAX_SCALE = 1e6
AHEAD = 4
FAR = 24
RING = 8
LAST = RING - 1
WAITING = 8
EXCHANGE = 512
"""Examples after which a thread's own rows and the shared ones are brought together."""

FOUR = 4 * BYTES
"""Vectors are taken four at a time: to find a feature costs more than to add it."""


class Side(NamedTuple):
    """Users or items: the state of all features, and the features of every row.

    Attributes:
        state: float32 (n_features, 2 or 3 widths), aligned to 64 bytes.
        biases: float32 (n_features, 2 or 3).
        starts: int32 (n_rows + 1,): where the features of a row start in `features`.
        features: int32 (n, 2): number of the feature, and the bits of its float32 weight.
    """

    state: NDArray[np.float32]
    biases: NDArray[np.float32]
    starts: NDArray[np.int32]
    features: NDArray[np.int32]


class Reach(NamedTuple):
    """Where the arrays of a side lie, and how many bytes their rows have."""

    state: int
    row: int
    biases: int
    bias: int
    starts: int
    features: int


class Positives(NamedTuple):
    """Who has had what: CSR, and for each user a hash table of open addressing.

    Attributes:
        starts: int64 (n_users + 1,): where the users' tables start in `slots`.
        slots: int32: item numbers, or -1 where a slot is free.
    """

    indptr: NDArray[np.int32]
    indices: NDArray[np.int32]
    starts: NDArray[np.int64]
    slots: NDArray[np.int32]


class Own(NamedTuple):
    """Rows that one thread has for itself, of features that nearly every example changes: cores that write to the same
    row wait for each other every time.

    Attributes:
        rows: int32 (n, 2): number of the shared row, and of the thread's own.
        base: float32 (n, row and bias), aligned to 64 bytes: both as they were when they were last the same.
    """

    rows: NDArray[np.int32]
    base: NDArray[np.float32]


class Rules(NamedTuple):
    """How is learned; the names are those of `lightfm.LightFM`.

    After every `pause` examples, `refresh` items are brought up to date. A negative is chosen `depth` examples (fewer
    than `WAITING`) before it is learned from.
    """

    loss: int
    adadelta: bool
    components: int
    learning_rate: float
    rho: float
    epsilon: float
    item_alpha: float
    user_alpha: float
    max_sampled: int
    k: int
    n: int
    refresh: int
    pause: int
    depth: int


@njit(forceinline=True)
def nothing():
    return splat(np.float32(0))


@njit(forceinline=True)
def reach(side):
    return Reach(
        np.int64(side.state.ctypes.data), np.int64(4 * side.state.shape[1]),
        np.int64(side.biases.ctypes.data), np.int64(4 * side.biases.shape[1]),
        np.int64(side.starts.ctypes.data), np.int64(side.features.ctypes.data),
    )  # fmt: skip


@njit(forceinline=True)
def features_of(side, row):
    """Where the features of a row begin and end."""
    return side.features + 8 * whole(side.starts + 4 * row), side.features + 8 * whole(side.starts + 4 * row + 4)


@njit(forceinline=True)
def represent(side, size, row, scale, out):
    """Writes scale x the weighted sum of the embeddings of a row's features to `out`; gives that of their biases."""
    first, last = features_of(side, row)
    j = 0
    while j + FOUR <= size:
        a, b, c, d = nothing(), nothing(), nothing(), nothing()
        for f in range(first, last, 8):
            weight, at = splat(real(f + 4) * scale), side.state + whole(f) * side.row + j
            a, b = a + weight * load(at), b + weight * load(at + BYTES)
            c, d = c + weight * load(at + 2 * BYTES), d + weight * load(at + 3 * BYTES)
        store(out + j, a)
        store(out + j + BYTES, b)
        store(out + j + 2 * BYTES, c)
        store(out + j + 3 * BYTES, d)
        j += FOUR
    while j < size:
        a = nothing()
        for f in range(first, last, 8):
            a = a + splat(real(f + 4) * scale) * load(side.state + whole(f) * side.row + j)
        store(out + j, a)
        j += BYTES
    bias = np.float32(0)
    for f in range(first, last, 8):
        bias += real(f + 4) * scale * real(side.biases + whole(f) * side.bias)
    return bias


@njit(forceinline=True)
def renew(side, size, item, rows, leans):
    """Brings what lies ready of an item up to date."""
    put(leans + 4 * item, represent(side, size, item, np.float32(1), rows + item * size))


@njit(forceinline=True)
def dot(a, b, size):
    found = nothing()
    for j in range(0, size, BYTES):
        found = found + load(a + j) * load(b + j)
    return total(found)


@njit(forceinline=True)
def score(shopper, size, item, rows, leans):
    return dot(shopper, rows + item * size, size) + real(leans + 4 * item)


@njit(forceinline=True)
def ask(address, size):
    for j in range(0, size, BYTES):
        prefetch(address + j)


@njit
def ask_features(side, size, row):
    first, last = features_of(side, row)
    for f in range(first, last, 8):
        ask(side.state + whole(f) * side.row, 2 * size)
        prefetch(side.biases + whole(f) * side.bias)


@njit(forceinline=True)
def random(seed):
    """The library's generator: a linear congruence, tempered. `seed` holds one uint32."""
    x = np.uint32(seed[0] * np.uint32(1103515245) + np.uint32(12345))
    seed[0] = x
    x ^= x >> np.uint32(11)
    x ^= (x << np.uint32(7)) & np.uint32(0x9D2C5680)
    x ^= (x << np.uint32(15)) & np.uint32(0xEFC60000)
    x ^= x >> np.uint32(18)
    return np.int32(x >> np.uint32(1))


@njit(forceinline=True)
def remainder(x, n):
    return np.int64(np.uint32(x) % np.uint32(n))


@njit(forceinline=True)
def slot_of(user, item, starts):
    """Where the search for an item begins: a place in the user's part of the slots, whose size is a power of 2."""
    mixed = np.uint64(item) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64((mixed >> np.uint64(32)) & np.uint64(starts[user + 1] - starts[user] - 1))


@njit(forceinline=True)
def has(positives, user, item):
    """Whether the user has had the item."""
    first, last = positives.starts[user], positives.starts[user + 1] - positives.starts[user] - 1
    at = slot_of(user, item, positives.starts)
    found = positives.slots[first + at]
    while found >= 0 and found != item:
        at = (at + 1) & last
        found = positives.slots[first + at]
    return found == item


@njit(cache=True, nogil=True)
def fill_slots(indptr, indices, starts, slots):
    """Puts every pair of the CSR matrix into its user's part of the slots; at least one stays free in each."""
    for user in range(len(indptr) - 1):
        last = starts[user + 1] - starts[user] - 1
        for place in range(indptr[user], indptr[user + 1]):
            at = slot_of(user, indices[place], starts)
            while slots[starts[user] + at] >= 0 and slots[starts[user] + at] != indices[place]:
                at = (at + 1) & last
            slots[starts[user] + at] = indices[place]


@njit(forceinline=True)
def move(at, size, slope, rate, adadelta, rho, epsilon, pull, mask):
    """Moves sixteen values against their gradient; gives them and their local learning rates."""
    squares, value = load(at + size), load(at)
    if adadelta:
        momentum, rest = load(at + 2 * size), splat(np.float32(1) - rho)
        squares = splat(rho) * squares + rest * slope * slope
        local = root(momentum + splat(epsilon)) / root(squares + splat(epsilon))
        change = local * slope
        store(at + 2 * size, splat(rho) * momentum + rest * change * change)
    else:
        local = splat(rate) / root(squares)
        change = local * slope
        squares = squares + slope * slope
    store(at + size, squares)
    value = value - change
    if mask:
        value = value * (splat(np.float32(1)) + splat(pull) * local)
    store(at, value)
    return value, local


@njit
def step(side, size, row, gradient, factor, rate, adadelta, rho, epsilon, pull, mask, out, out_bias):
    """One gradient step on all features of a row; gives the sum of their local learning rates, if there is a mask.

    Args:
        gradient: address of the gradient by the embedding, to be multiplied by `factor`, which is that by the bias.
        pull: strength of the L2 regularisation.
        mask: address of ones for the components and zeros for what fills the row up; 0 where nothing is regularised.
        out, out_bias: addresses for the new embedding and bias, or 0.
    """
    first, last = features_of(side, row)
    rates = nothing()
    slopes = splat(factor)
    j = 0
    while j + FOUR <= size:
        u, v = slopes * load(gradient + j), slopes * load(gradient + j + BYTES)
        w, x = slopes * load(gradient + j + 2 * BYTES), slopes * load(gradient + j + 3 * BYTES)
        a, b, c, d = nothing(), nothing(), nothing(), nothing()
        for f in range(first, last, 8):
            weight, at = splat(real(f + 4)), side.state + whole(f) * side.row + j
            value, local = move(at, size, u * weight, rate, adadelta, rho, epsilon, pull, mask)
            a = a + weight * value
            if mask:
                rates = rates + local * load(mask + j)
            value, local = move(at + BYTES, size, v * weight, rate, adadelta, rho, epsilon, pull, mask)
            b = b + weight * value
            if mask:
                rates = rates + local * load(mask + j + BYTES)
            value, local = move(at + 2 * BYTES, size, w * weight, rate, adadelta, rho, epsilon, pull, mask)
            c = c + weight * value
            if mask:
                rates = rates + local * load(mask + j + 2 * BYTES)
            value, local = move(at + 3 * BYTES, size, x * weight, rate, adadelta, rho, epsilon, pull, mask)
            d = d + weight * value
            if mask:
                rates = rates + local * load(mask + j + 3 * BYTES)
        if out:
            store(out + j, a)
            store(out + j + BYTES, b)
            store(out + j + 2 * BYTES, c)
            store(out + j + 3 * BYTES, d)
        j += FOUR
    while j < size:
        u, a = slopes * load(gradient + j), nothing()
        for f in range(first, last, 8):
            weight, at = splat(real(f + 4)), side.state + whole(f) * side.row + j
            value, local = move(at, size, u * weight, rate, adadelta, rho, epsilon, pull, mask)
            a = a + weight * value
            if mask:
                rates = rates + local * load(mask + j)
        if out:
            store(out + j, a)
        j += BYTES
    one, bias, bias_rates = np.float32(1), np.float32(0), np.float32(0)
    for f in range(first, last, 8):
        weight = real(f + 4)
        at = side.biases + whole(f) * side.bias
        by_feature = factor * weight
        squares = real(at + 4)
        value = real(at)
        if adadelta:
            momentum = real(at + 8)
            squares = rho * squares + (one - rho) * by_feature * by_feature
            local = over_root(math.sqrt(momentum + epsilon), squares + epsilon)
            change = local * by_feature
            put(at + 8, rho * momentum + (one - rho) * change * change)
        else:
            local = over_root(rate, squares)
            change = local * by_feature
            squares += by_feature * by_feature
        put(at + 4, squares)
        value -= change
        if mask:
            value *= one + pull * local
            bias_rates += local
        put(at, value)
        bias += weight * value
    if out:
        put(out_bias, bias)
    return total(rates) + bias_rates


@njit(cache=True, nogil=True)
def refresh_rows(items, table, leans, start, stop):
    """Brings the items `start` to `stop` up to date."""
    side, size = reach(items), np.int64(4 * table.shape[1])
    for item in range(start, stop):
        renew(side, size, item, np.int64(table.ctypes.data), np.int64(leans.ctypes.data))


@njit(forceinline=True)
def search(shopper, margin, size, rows, leans, n_items, sampled, most, seed, ring, drawn, head):
    """The next item drawn whose score lies above the margin, or -1; how many were drawn; the ring's head."""
    while sampled < most:
        sampled += 1
        candidate = drawn[head]
        ring[head] = random(seed)
        later = remainder(ring[head], n_items)
        drawn[head] = later
        head = (head + 1) & LAST
        ask(rows + later * size, size)
        prefetch(leans + 4 * later)
        if score(shopper, size, candidate, rows, leans) > margin:
            return candidate, sampled, head
    return np.int64(-1), sampled, head


@njit
def exchange(side, size, own, fresh):
    """Adds what a thread has learned of features that it has rows of its own for to the shared rows, and copies these.

    Args:
        own: see `Own`.
        fresh: only copy.
    """
    row = np.int64(own.base.ctypes.data)
    for n in range(len(own.rows)):
        shared, private = np.int64(own.rows[n, 0]), np.int64(own.rows[n, 1])
        there, here = side.state + shared * side.row, side.state + private * side.row
        for j in range(0, side.row, BYTES):
            now = load(there + j)
            if not fresh:
                now = now + (load(here + j) - load(row + j))
                store(there + j, now)
            store(here + j, now)
            store(row + j, now)
        row += side.row
        there, here = side.biases + shared * side.bias, side.biases + private * side.bias
        for j in range(0, side.bias, 4):
            bias = real(there + j)
            if not fresh:
                bias += real(here + j) - real(row + j)
                put(there + j, bias)
            put(here + j, bias)
            put(row + j, bias)
        row += BYTES


@njit(cache=True, nogil=True)
def train(rules, examples, order, start, stop, mix, positives, seed, users, items, table, leans, scales, own):
    """Learns from some examples; the arrays of `users` and `items`, `table`, `leans` and `scales` change.

    Args:
        examples: int32 (n, 4): user, item, and the bits of two float32, mark and weight. Where the mark is positive,
            the user has had the item. In the order of `positives`.
        order: int32 (n,): numbers of the examples; those from `start` to `stop` are learned from.
        mix: whether to shuffle this part of `order` first.
        seed: uint32 (1,), the state of the random numbers.
        scales: float64 (2,), the L2 regularisation of items and users that is still to be divided out.
        own: rows of `items` that this thread alone uses; `items.features` names them.

    Returns:
        `stop`, or the place where it stopped because a scale must be divided out first.
    """
    width, n_items, n_examples = table.shape[1], np.int64(table.shape[0]), len(examples)
    size = np.int64(4 * width)
    buffers = np.zeros(3 * width + LANES, np.float32)
    offset = (-(np.int64(buffers.ctypes.data) // 4)) % LANES
    buffers[offset + 2 * width : offset + 2 * width + rules.components] = 1
    shopper = np.int64(buffers.ctypes.data) + 4 * offset
    difference = shopper + size
    regularised = rules.item_alpha > 0 or rules.user_alpha > 0
    mask = difference + size if regularised else np.int64(0)

    of_users, of_items, slots = reach(users), reach(items), np.int64(positives.slots.ctypes.data)
    rows, leaning = np.int64(table.ctypes.data), np.int64(leans.ctypes.data)

    rate, rho, epsilon = np.float32(rules.learning_rate), np.float32(rules.rho), np.float32(rules.epsilon)
    u_pull, i_pull = np.float32(rules.user_alpha), np.float32(rules.item_alpha)
    one, none = np.float32(1), np.int64(0)
    adadelta, most, depth = rules.adadelta, np.int64(rules.max_sampled), np.int64(rules.depth)
    ranked = rules.loss == WARP or rules.loss == KOS
    penalties = np.zeros(rules.max_sampled + 1, np.float32)
    for sampled in range(1, rules.max_sampled + 1):
        penalties[sampled] = math.log(max(1.0, (n_items - 1) // sampled))
    best, best_scores = np.zeros(rules.n, np.int64), np.zeros(rules.n, np.float32)
    ring, drawn = np.zeros(RING, np.int64), np.zeros(RING, np.int64)
    waiting = np.full((WAITING, 4), -1, np.int64)
    if mix:
        for place in range(stop - 1, start, -1):
            other = start + remainder(random(seed), place + 1 - start)
            order[place], order[other] = order[other], order[place]
    for head in range(RING):
        ring[head] = random(seed)
        drawn[head] = remainder(ring[head], n_items)
    head = np.int64(0)
    data, sequence = np.int64(examples.ctypes.data), np.int64(order.ctypes.data)
    turn = (n_items * np.int64(start)) // max(n_examples, 1)

    exchange(of_items, size, own, True)
    place, last = start, stop
    while place < last + depth:
        # An example is looked at: what it takes to learn from it is asked for.
        if place < last:
            example = data + 16 * whole(sequence + 4 * place)
            user, item, mark, weight = whole(example), whole(example + 4), real(example + 8), real(example + 12)
            if place + FAR < stop:
                prefetch(data + 16 * whole(sequence + 4 * (place + FAR)))
                later = whole(data + 16 * whole(sequence + 4 * (place + 2 * AHEAD)) + 4)
                prefetch(of_items.features + 8 * whole(of_items.starts + 4 * later))
                later = data + 16 * whole(sequence + 4 * (place + AHEAD))
                ask(rows + whole(later + 4) * size, size)
                prefetch(leaning + 4 * whole(later + 4))
                ask_features(of_users, size, whole(later))
                ask_features(of_items, size, whole(later + 4))
            slot = place & (WAITING - 1)
            other, sampled = np.int64(-1), np.int64(0)
            useful = mark > 0 or rules.loss == LOGISTIC or rules.loss == KOS
            if useful and ranked:
                represent(of_users, size, user, np.float32(scales[1]), shopper)
                if rules.loss == KOS:
                    first, n_had = positives.indptr[user], np.int64(positives.indptr[user + 1] - positives.indptr[user])
                    n_tried = min(rules.n, n_had)
                    useful = n_tried > 0
                    for a in range(n_tried):
                        candidate = np.int64(positives.indices[first + remainder(ring[head], n_had)])
                        ring[head] = random(seed)
                        drawn[head] = remainder(ring[head], n_items)
                        head = (head + 1) & LAST
                        renew(of_items, size, candidate, rows, leaning)
                        its_score = score(shopper, size, candidate, rows, leaning)
                        b = a
                        while b > 0 and best_scores[b - 1] < its_score:
                            best_scores[b], best[b] = best_scores[b - 1], best[b - 1]
                            b -= 1
                        best_scores[b], best[b] = its_score, candidate
                    if useful:
                        item = best[min(rules.k, n_tried) - 1]
            if useful and ranked:
                renew(of_items, size, item, rows, leaning)
                margin = score(shopper, size, item, rows, leaning) - one / np.float32(scales[0])
                other, sampled, head = search(
                    shopper, margin, size, rows, leaning, n_items, sampled, most, seed, ring, drawn, head
                )
                if other >= 0:
                    prefetch(slots + 4 * (positives.starts[user] + slot_of(user, other, positives.starts)))
                    ask_features(of_items, size, other)
                useful = other >= 0
            elif useful and rules.loss == BPR:
                for _ in range(n_examples):
                    other = whole(data + 16 * remainder(ring[head], n_examples) + 4)
                    ring[head] = random(seed)
                    head = (head + 1) & LAST
                    if not has(positives, user, other):
                        break
                ask_features(of_items, size, other)
            waiting[slot, 0] = whole(sequence + 4 * place) if useful else -1
            waiting[slot, 1], waiting[slot, 2], waiting[slot, 3] = item, other, sampled

        # It is learned from, `depth` examples later.
        place += 1
        slot = (place - 1 - depth) & (WAITING - 1)
        if place - 1 - depth < start:
            continue
        if waiting[slot, 0] < 0:
            continue
        example = data + 16 * waiting[slot, 0]
        user, item, mark, weight = whole(example), waiting[slot, 1], real(example + 8), real(example + 12)
        other, sampled = waiting[slot, 2], waiting[slot, 3]
        item_scale = np.float32(scales[0])
        user_bias = represent(of_users, size, user, np.float32(scales[1]), shopper)
        positive = rows + item * size
        if not ranked:
            renew(of_items, size, item, rows, leaning)
        positive_score = score(shopper, size, item, rows, leaning)
        loss = one
        if ranked:
            margin = positive_score - one / item_scale
            while other >= 0:
                if not has(positives, user, other):
                    renew(of_items, size, other, rows, leaning)
                    if score(shopper, size, other, rows, leaning) > margin:
                        break
                other, sampled, head = search(
                    shopper, margin, size, rows, leaning, n_items, sampled, most, seed, ring, drawn, head
                )
            if other < 0:
                continue
            loss = np.float32(min((one if rules.loss == KOS else weight) * penalties[sampled], MAX_LOSS))
        elif rules.loss == BPR:
            renew(of_items, size, other, rows, leaning)
            gap = item_scale * (positive_score - score(shopper, size, other, rows, leaning))
            loss = np.float32(weight * (1.0 - 1.0 / (1.0 + math.exp(-gap))))
        else:
            wanted = 1.0 if mark > 0 else 0.0
            loss = np.float32(weight * (1.0 / (1.0 + math.exp(-(item_scale * positive_score + user_bias))) - wanted))

        scale = splat(item_scale)
        upwards = loss if other < 0 else -loss
        if other < 0:
            for j in range(0, size, BYTES):
                store(difference + j, scale * load(positive + j))
        else:
            row = rows + other * size
            for j in range(0, size, BYTES):
                store(difference + j, scale * (load(row + j) - load(positive + j)))
        rates = step(
            of_items, size, item, shopper, upwards, rate, adadelta, rho, epsilon, i_pull, mask,
            positive, leaning + 4 * item,
        )  # fmt: skip
        if other >= 0:
            rates += step(
                of_items, size, other, shopper, loss, rate, adadelta, rho, epsilon, i_pull, mask,
                rows + other * size, leaning + 4 * other,
            )  # fmt: skip
        rates += step(of_users, size, user, difference, loss, rate, adadelta, rho, epsilon, u_pull, mask, none, none)

        for _ in range(rules.refresh if place % rules.pause == 0 else 0):
            renew(of_items, size, turn, rows, leaning)
            turn = turn + 1 if turn + 1 < n_items else none
            ask_features(of_items, size, turn)
        if place % EXCHANGE == 0:
            exchange(of_items, size, own, False)
        if regularised:
            n_features = items.starts[item + 1] - items.starts[item] + users.starts[user + 1] - users.starts[user]
            if other >= 0:
                n_features += items.starts[other + 1] - items.starts[other]
            mean_rate = rates / (max(n_features, 1) * (rules.components + 1))
            scales[0] *= 1.0 + rules.item_alpha * mean_rate
            scales[1] *= 1.0 + rules.user_alpha * mean_rate
            if scales[0] > MAX_SCALE or scales[1] > MAX_SCALE:
                last = min(last, place)
    exchange(of_items, size, own, False)
    buffers[0] = 0  # numba lets go of an array after its last use, and only its addresses are used above
    return last

"""The k best of many scores, for one user or a block of them. Ties go to the lower item number, always."""

from concurrent.futures import ThreadPoolExecutor
from threading import local

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.utils import threads

NOTHING = -1
"""Item number in the places of a list that has fewer than k items."""
GROUP = 32
"""Places that are judged together by their best one."""
BLOCK = 64
"""Users whose scores are in memory together: few enough for the cache."""
ON_ONE_THREAD = 8192
"""Numbers in a matrix that a linear algebra library multiplies with a vector without waking its threads."""


def scores_of_one(
    rows: NDArray[np.float32], vector: NDArray[np.float32], products: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """(n,): the products of (n, components) rows with one vector, on the calling thread; in `products` if given.

    So small a product is done before the threads of a linear algebra library wake up, which takes it 14 ms instead of
    0.3 on a busy machine: it is given the rows in pieces too small for them.
    """
    n, components = rows.shape
    piece = max(ON_ONE_THREAD // max(components, 1), 1)
    cut = n // piece * piece
    products = np.empty(n, np.float32) if products is None else products
    np.matmul(rows[:cut].reshape(-1, piece, components), vector, out=products[:cut].reshape(-1, piece))
    np.matmul(rows[cut:], vector, out=products[cut:])
    return products


def top_k_of_products(
    users: NDArray[np.float32],
    items: NDArray[np.float32],
    biases: NDArray[np.float32],
    k: int,
    exclude: sparse.csr_matrix | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """`top_k_block` of users @ items.T + biases, which is never in memory as a whole.

    Every core multiplies blocks of its own and chooses from them while they are in its cache.

    Args:
        users, items: (n_users, components), (n_items, components).
        biases: (n_items,).
        exclude: CSR (n_users, n_items) of the items that must not appear.
    """
    n_users, n_items = len(users), len(items)
    found = np.full((n_users, k), NOTHING, np.int32), np.full((n_users, k), -np.inf, np.float32)
    asking = np.hstack([users, np.ones((n_users, 1))]).astype(np.float32)
    answering = np.hstack([items, biases[:, None]]).astype(np.float32).T
    kept = local()

    def rank(start: int) -> None:
        if not hasattr(kept, "block"):
            kept.block = np.empty((min(BLOCK, n_users), n_items), np.float32)
        part = slice(start, min(start + BLOCK, n_users))
        scores = np.matmul(asking[part], answering, out=kept.block[: part.stop - start])
        found[0][part], found[1][part] = top_k_block(scores, k, None if exclude is None else exclude[part])

    with threads.limited_blas_threads(), ThreadPoolExecutor(threads.cores()) as pool:
        list(pool.map(rank, range(0, n_users, BLOCK)))
    return found


def top_k(
    scores: NDArray[np.float32],
    k: int,
    *,
    exclude: NDArray[np.int_] | None = None,
    allowed: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Item numbers and scores of the best items of one user, best first.

    Args:
        scores: (n_items,), not changed.
        exclude: item numbers that must not appear.
        allowed: (n_items,) mask of those that may.

    Returns:
        Two arrays of length k, or less where fewer items are left.
    """
    left = np.array(scores, dtype=np.float32)[None, :]
    if exclude is not None and len(exclude):
        left[0, exclude] = -np.inf
    if allowed is None and (found_one := _best_of_one(left[0], k)) is not None:
        return found_one
    items, values = top_k_block(left, k, None, allowed)
    found = items[0] != NOTHING
    return items[0][found], values[0][found]


def top_k_block(
    scores: NDArray[np.float32],
    k: int,
    exclude: sparse.csr_matrix | None = None,
    allowed: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The same for many users at once.

    Args:
        scores: (n_users, n_items) float32; overwritten where items are left out.
        exclude: CSR (n_users, n_items) of the items that must not appear.
        allowed: mask (n_items,) or (1, n_items) of the items that may.

    Returns:
        Item numbers int32 (n_users, k) and scores float32 (n_users, k), best first; places that cannot be filled
        hold -1 and -inf.
    """
    n_users, n_items = scores.shape
    if exclude is not None:
        rows = np.repeat(np.arange(n_users), np.diff(exclude.indptr))
        scores[rows, exclude.indices] = -np.inf
    if allowed is not None:
        np.copyto(scores, -np.inf, where=~allowed.ravel())
    kept = min(k, n_items)
    places, values = _best(scores, kept)
    items = places.astype(np.int32)
    items[np.isneginf(values)] = NOTHING
    if kept < k:
        items = np.pad(items, ((0, 0), (0, k - kept)), constant_values=NOTHING)
        values = np.pad(values, ((0, 0), (0, k - kept)), constant_values=-np.inf)
    return items, values


def _best_of_one(scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]] | None:
    """`_best` of a single row in fewer steps; None where it takes more care: few items, or equals at the end."""
    n_groups = len(scores) // GROUP
    if n_groups < 4 * k:
        return None
    cut = n_groups * GROUP
    tops = np.maximum.reduce(scores[:cut].reshape(GROUP, n_groups), axis=0)
    order = np.argpartition(-tops, (k - 1, k))
    members = np.sort(order[:k]) + np.arange(0, cut, n_groups)[:, None]
    places = np.concatenate([members.ravel(), np.arange(cut, len(scores))])
    candidates = scores[places]
    last = np.partition(candidates, len(candidates) - k)[len(candidates) - k]
    found = np.flatnonzero(candidates >= last)
    if len(found) > k or last <= tops[order[k]]:
        return None
    best = found[np.argsort(-candidates[found], kind="stable")]
    return places[best].astype(np.int32), candidates[best]


def _best(scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Places (n, k) of the k best of every row, best first and of equals the lowest first, and their scores.

    Every row is cut into groups of `GROUP` places. k groups have a best at least as good as the k-th best of them,
    which is therefore a bound: whoever lies below it is not among the k best. So a row is read once, as fast as memory
    gives it, and after that only the groups whose best reaches the bound. Rows in which that are many, since they hold
    equals, are partitioned as a whole.
    """
    n_rows, n_items = scores.shape
    n_groups = n_items // GROUP
    if n_groups < 4 * k:
        return _best_of_all(scores, k)
    cut = n_groups * GROUP
    tops = np.maximum.reduce(scores[:, :cut].reshape(n_rows, GROUP, n_groups), axis=1)
    bound = np.partition(tops, n_groups - k, axis=1)[:, n_groups - k]
    reaching = tops >= bound[:, None]
    equals = reaching.sum(axis=1) > 2 * k
    reaching[equals] = False
    rows, groups = np.nonzero(reaching)
    members = groups[:, None] + np.arange(0, cut, n_groups)
    values = scores[rows[:, None], members]
    good = values >= bound[rows][:, None]
    tail_rows, tail = np.nonzero((scores[:, cut:] >= bound[:, None]) & ~equals[:, None])
    rows = np.concatenate([rows[np.nonzero(good)[0]], tail_rows])
    places = np.concatenate([members[good], tail + cut])
    found = np.concatenate([values[good], scores[tail_rows, tail + cut]])
    order = np.lexsort((places, -found, rows))
    firsts = np.searchsorted(rows[order], np.flatnonzero(~equals))
    chosen = order[firsts[:, None] + np.arange(k)]
    best, best_values = np.empty((n_rows, k), np.int64), np.empty((n_rows, k), np.float32)
    best[~equals], best_values[~equals] = places[chosen], found[chosen]
    if equals.any():
        best[equals], best_values[equals] = _best_of_all(scores[equals], k)
    return best, best_values


def _best_of_all(scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The same, by partition of whole rows."""
    if k < scores.shape[1]:
        threshold = -np.partition(-scores, k - 1, axis=1)[:, k - 1 : k]
        candidates = _lowest_ties(scores, threshold, k)
    else:
        candidates = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    values = np.take_along_axis(scores, candidates, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(candidates, order, axis=1), np.take_along_axis(values, order, axis=1)


def _lowest_ties(scores: NDArray[np.float32], threshold: NDArray[np.float32], kept: int) -> NDArray[np.int64]:
    """Item numbers (n_users, kept), ascending: all above the threshold, then the lowest numbers that equal it."""
    rows, items = np.nonzero(scores >= threshold)
    counts = np.bincount(rows, minlength=len(scores))
    if (counts == kept).all():
        return items.reshape(len(scores), kept)
    above = scores[rows, items] > threshold[rows, 0]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    wanted_ties = kept - np.bincount(rows[above], minlength=len(scores))
    tie_number = np.cumsum(~above) - np.concatenate([[0], np.cumsum(~above)])[starts][rows]
    keep = above | (tie_number <= wanted_ties[rows])
    return items[keep].reshape(len(scores), kept)

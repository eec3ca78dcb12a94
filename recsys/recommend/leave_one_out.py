"""Which of a shopper's own items speak for a recommendation: the score after leaving each out of the fold-in."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.models.fold_in import LEARNING_RATE, PASSES, TRIES

TURNS = (0, 4, 12, TRIES)
"""Draws are looked at in turns: most find a negative in the first."""

MOST_LEFT_OUT = 40
DRAWS = 4


def fold_in_without(
    items: NDArray[np.int64],
    left_out: NDArray[np.int64],
    item_embeddings: NDArray[np.float32],
    item_biases: NDArray[np.float32],
    *,
    start: NDArray[np.float32] | None = None,
    seed: int = 0,
) -> NDArray[np.float32]:
    """The embeddings `models.fold_in.fold_in` would learn, of the whole history and with single items left out of it.

    The same WARP passes, for all variants at once and with the same draws, so that a difference between two of them
    is the item's doing and not that of the dice. An item that is left out gives no step; it is no negative either.

    Args:
        items: row numbers of the history, without repeats.
        left_out: places in `items`, one for each variant.

    Returns:
        float32 (1 + len(left_out), components); the first row leaves out nothing.
    """
    n_items, components = item_embeddings.shape
    variants = 1 + len(left_out)
    begin = np.zeros(components, np.float32) if start is None else start.astype(np.float32)
    vectors = np.repeat(begin[:, None], variants, axis=1)
    if len(items) == 0 or len(items) >= n_items:
        return vectors.T
    rng = np.random.default_rng(seed)
    squares = np.ones_like(vectors)
    had = np.zeros(n_items, dtype=bool)
    had[items] = True
    counts = np.ones((len(items), variants), dtype=np.float32)
    counts[left_out, np.arange(1, variants)] = 0
    sizes = np.maximum(counts.sum(axis=0), 1)
    positive = item_embeddings[items]
    ends = np.arange(0, variants * len(items) + 1, len(items))
    for _ in range(PASSES):
        drawn = rng.integers(0, n_items, size=(len(items), TRIES))
        tries = _first_violations(drawn, had, items, vectors, item_embeddings, item_biases)
        found = tries >= 0
        if not found.any():
            break
        weight = np.where(found, np.log(np.maximum(1.0, (n_items - 1) // (np.maximum(tries, 0) + 1))), 0.0)
        weight = weight.astype(np.float32) * counts
        gradient = -(positive.T @ weight)
        negatives = np.take_along_axis(drawn, np.maximum(tries, 0), axis=1)
        steps = sparse.csr_matrix((weight.T.ravel(), negatives.T.ravel(), ends), shape=(variants, n_items))
        gradient += (steps @ item_embeddings).T
        gradient /= sizes
        squares += gradient**2
        vectors -= LEARNING_RATE * np.sqrt(sizes) * gradient / np.sqrt(squares)
    return vectors.T


def _first_violations(
    drawn: NDArray[np.int64],
    had: NDArray[np.bool_],
    items: NDArray[np.int64],
    vectors: NDArray[np.float32],
    item_embeddings: NDArray[np.float32],
    item_biases: NDArray[np.float32],
) -> NDArray[np.int64]:
    """Which draw is the first within a margin of 1 of the item it was drawn for.

    Args:
        drawn: (len(items), TRIES) row numbers of the items drawn for each item of the history.
        had: (n_items,) whether an item is in the history, which makes it no negative.
        vectors: (components, variants).

    Returns:
        (len(items), variants) columns of `drawn`; -1 where no draw is.
    """
    own = item_embeddings[items] @ vectors + item_biases[items][:, None]
    variants = vectors.shape[1]
    tries = np.full((len(items), variants), -1, dtype=np.int64)
    for first, last in pairwise(TURNS):
        rows = np.flatnonzero((tries < 0).any(axis=1))
        candidates = drawn[rows, first:last]
        scores = item_embeddings[candidates.ravel()] @ vectors + item_biases[candidates.ravel()][:, None]
        hit = scores.reshape(*candidates.shape, variants) > (own[rows] - 1.0)[:, None, :]
        hit &= ~had[candidates][:, :, None]
        now = hit.any(axis=1) & (tries[rows] < 0)
        tries[rows] = np.where(now, first + hit.argmax(axis=1), tries[rows])
    return tries


@dataclass(frozen=True)
class Influence:
    """What leaving out did.

    Attributes:
        items: row numbers of the items that were left out, strongest support first.
        falls: how much the score falls without each; negative where it speaks against.
        errors: standard errors of `falls` over the draws of negatives; all 0 where the fold-in draws none.
    """

    items: NDArray[np.int64]
    falls: NDArray[np.float64]
    errors: NDArray[np.float64]

    @property
    def exact(self) -> bool:
        """Whether nothing was drawn."""
        return not self.errors.any()

    @property
    def clear(self) -> NDArray[np.bool_]:
        """Which falls are larger than twice their error: the others may be the dice."""
        return np.abs(self.falls) > 2 * self.errors


def leave_one_out(
    item: int,
    items: NDArray[np.int64],
    item_embeddings: NDArray[np.float32],
    item_biases: NDArray[np.float32],
    *,
    start: NDArray[np.float32] | None = None,
    most: int = MOST_LEFT_OUT,
    draws: int = DRAWS,
) -> Influence:
    """How much the score of `item` falls when one item of the history is left out of the fold-in.

    WARP draws its negatives at random, so that one fold-in says little about one item of many: the mean over `draws`
    fold-ins is given, each with the same negatives with and without the item.

    Of a history longer than `most`, those are left out whose embeddings (less their mean) lie nearest to that of
    `item`: their steps move its score most.
    """
    if len(items) == 0:
        return Influence(items, np.zeros(0), np.zeros(0))
    centred = item_embeddings[items] - item_embeddings.mean(axis=0)
    nearness = centred @ item_embeddings[item] / np.maximum(np.linalg.norm(centred, axis=1), 1e-9)
    places = np.sort(np.argsort(-nearness, kind="stable")[:most])
    falls = np.zeros((draws, len(places)))
    for seed in range(draws):
        vectors = fold_in_without(items, places, item_embeddings, item_biases, start=start, seed=seed)
        scores = vectors @ item_embeddings[item]
        falls[seed] = scores[0] - scores[1:]
    mean, error = falls.mean(axis=0), falls.std(axis=0, ddof=1) / np.sqrt(draws)
    order = np.argsort(-mean, kind="stable")
    return Influence(items[places[order]], mean[order], error[order])

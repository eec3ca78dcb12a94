"""The k best of many items for one user vector, exactly, without reading most of the embeddings.

Every score has a bound that costs far less than the score. The exact scores of some promising items give a score that k
items reach; only items whose bound reaches it too are multiplied in full.
"""

from copy import copy
from threading import local
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.models.rank.top_k import GROUP, NOTHING, scores_of_one, top_k_of_products
from recsys.utils.numba_modules import numba_module

HEAD = 14
"""Directions looked at first; with the bias and the length of the rest they fill one cache line for each item."""
WORTHWHILE = 4
"""How many times as long as such a line the embeddings are at least; shorter ones are multiplied as they are."""
SHARE = 1 / 3
"""Of the squares of all embeddings, what the heads hold at least; where they hold less, their bounds say too little."""
LARGE = 64 * 2**20
"""Bytes of embeddings that no cache holds: from here on one byte a number is read first, where heads say too little."""
MOST = 8
"""Where more than one item in so many would be on the short list, all are multiplied first."""
FEW = 8
"""So many times k items are multiplied as they are; of more, the most promising tell which can be spared."""
GROUPS = 4096
"""Groups of items at most, of which the best are looked at first."""
CHUNK = 65536
SPARE = 16
"""Items that are multiplied once more beside the k that are wanted, where many lists are made at once."""
MANY = 4096
"""Lists that are made at once."""
LOWEST = float(np.finfo(np.float32).min)

Found = tuple[NDArray[np.int32], NDArray[np.float32]]


class Bounds(Protocol):
    """What is known of all items at little cost.

    Attributes:
        rests: (n_items,) length of the part of each embedding that is not looked at.
    """

    rests: NDArray[np.float32]

    def put(self, user_vector: NDArray[np.float32], found: NDArray[np.float32]) -> np.float32:
        """Put bounds of all scores into (n_items,); returns the length m of the vector: m x rests is part of them."""
        ...


class LeadingDirections:
    """Embeddings turned so that their first few directions, the heads, hold as much of them as can be.

    For a user vector u and an item x with heads u', x' and rests u", x", the inequality of Cauchy and Schwarz says
    u x <= u' x' + |u"| |x"|, a product of `HEAD` + 2 numbers. The directions are those of the largest eigenvalues of
    items.T @ items.
    """

    def __init__(
        self, items: NDArray[np.float32], biases: NDArray[np.float32], directions: NDArray[np.float32]
    ) -> None:
        self._directions = directions
        self._lines = np.empty((len(items), HEAD + 2), np.float32)
        self._lines[:, HEAD] = biases
        self.rests = self._lines[:, HEAD + 1]
        for start in range(0, len(items), CHUNK):
            part, lines = items[start : start + CHUNK], self._lines[start : start + CHUNK]
            lines[:, :HEAD] = part @ directions
            lines[:, HEAD + 1] = np.linalg.norm(part - lines[:, :HEAD] @ directions.T, axis=1)

    def put(self, user_vector: NDArray[np.float32], found: NDArray[np.float32]) -> np.float32:
        head = user_vector @ self._directions
        rest = np.float32(np.linalg.norm(user_vector - self._directions @ head))
        scores_of_one(self._lines, np.append(head, (np.float32(1), rest)), found)
        return rest


class RoundedEmbeddings:
    """Embeddings rounded to one byte a number: x = scale q + x", and u x <= scale u q + |u| |x"|."""

    def __init__(self, items: NDArray[np.float32], biases: NDArray[np.float32]) -> None:
        self._kernels = numba_module("models.rank.kernels")
        self._biases = biases
        self._codes = np.empty(items.shape, np.int8)
        self._scales, self.rests = np.empty(len(items), np.float32), np.empty(len(items), np.float32)
        for start in range(0, len(items), CHUNK):
            some = slice(start, start + CHUNK)
            scales = np.maximum(np.abs(items[some]).max(axis=1), np.finfo(np.float32).tiny) / np.float32(127)
            codes = np.rint(items[some] / scales[:, None])
            self._codes[some], self._scales[some] = codes, scales
            self.rests[some] = np.linalg.norm(items[some] - codes * scales[:, None], axis=1)
        self.put(np.zeros(items.shape[1], np.float32), np.empty(len(items), np.float32))  # compiles

    def put(self, user_vector: NDArray[np.float32], found: NDArray[np.float32]) -> np.float32:
        length = np.float32(np.linalg.norm(user_vector))
        self._kernels.bounds(self._codes, self._scales, self.rests, self._biases, user_vector, length, found)
        return length


class BoundsWithAddedItems:
    """Bounds of most items, and of some that came later the scores themselves, which are the best bounds there are."""

    def __init__(self, inner: Bounds, items: NDArray[np.float32], biases: NDArray[np.float32]) -> None:
        """
        Args:
            items, biases: those of all items, the ones that `inner` covers first.
        """
        self.inner = inner
        self._first = len(inner.rests)
        self._items, self._biases = items[self._first :], biases[self._first :]
        self.rests = np.concatenate([inner.rests, np.zeros(len(self._items), np.float32)])

    def put(self, user_vector: NDArray[np.float32], found: NDArray[np.float32]) -> np.float32:
        length = self.inner.put(user_vector, found[: self._first])
        found[self._first :] = scores_of_one(self._items, user_vector) + self._biases
        return length


class PrunedTopK:
    """All items of a catalogue, to be asked for the best of them. An item has the same score, to the bit, in every
    list.
    """

    def __init__(self, items: NDArray[np.float32], biases: NDArray[np.float32]) -> None:
        """
        Args:
            items: (n_items, components), kept and not copied. Beside it come at most 64 bytes an item, or one byte a
                number.
            biases: (n_items,).
        """
        self._items, self._biases = np.ascontiguousarray(items, np.float32), np.asarray(biases, np.float32)
        self._rounding = 4 * (self._items.shape[1] + HEAD) * float(np.finfo(np.float32).eps)
        self._longest = _longest(self._items)
        self._most_bias = float(np.abs(self._biases).max(initial=0))
        self._bounds = _bounds(self._items, self._biases)
        self._kept = local()

    def with_more(self, items: NDArray[np.float32], biases: NDArray[np.float32]) -> "PrunedTopK":
        """The same items and some more behind them; costs little as long as these are few.

        Args:
            items, biases: those of all items, as `__init__` takes them; the first ones are those of this object.
        """
        inner = self._bounds.inner if isinstance(self._bounds, BoundsWithAddedItems) else self._bounds
        if inner is None or len(items) - len(inner.rests) > len(items) // MOST:
            return PrunedTopK(items, biases)
        found = copy(self)
        added, more = items[len(self._items) :], biases[len(self._biases) :]
        found._items, found._biases = np.ascontiguousarray(items, np.float32), np.asarray(biases, np.float32)
        found._longest = max(self._longest, _longest(added))
        found._most_bias = max(self._most_bias, float(np.abs(more).max(initial=0)))
        found._bounds = BoundsWithAddedItems(inner, found._items, found._biases)
        found._kept = local()
        return found

    def best(
        self,
        user_vector: NDArray[np.float32],
        k: int,
        *,
        bias: float = 0.0,
        exclude: NDArray[np.int_] | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Found:
        """Item numbers and scores of the best items, best first and of equals the lowest first, as `ranking.top_k`.

        Args:
            user_vector: (components,).
            bias: added to all scores.
            exclude: item numbers that must not appear.
            allowed: (n_items,) mask of those that may.

        Returns:
            Two arrays of length k, or less where fewer items are left.
        """
        n_items = len(self._items)
        slack = self._rounding * (float(np.linalg.norm(user_vector)) * self._longest + self._most_bias + abs(bias))

        def open_only(bounds: NDArray[np.float32]) -> None:
            if exclude is not None:
                bounds[exclude] = -np.inf
            if allowed is not None:
                bounds[~allowed] = -np.inf

        def reached_by(places: NDArray[np.int64]) -> float:
            """A score that k of these reach, less what rounding may add; the lowest of all where they are fewer."""
            scores = self._scores(places, user_vector)
            return float(np.partition(scores, len(scores) - k)[len(scores) - k]) - slack if len(scores) >= k else LOWEST

        places, most = None, n_items // MOST
        if self._bounds is not None and 4 * k * GROUP <= n_items:
            bounds = self._room()
            length = self._bounds.put(user_vector, bounds)
            open_only(bounds)
            places = np.flatnonzero(bounds >= reached_by(_leading(bounds, k)))
            if FEW * k < len(places) <= 4 * most:
                near = bounds[places] - length * self._bounds.rests[places]
                promising = np.argpartition(near, len(near) - FEW * k)[len(near) - FEW * k :]
                places = places[bounds[places] >= reached_by(places[promising])]
        if places is None or len(places) > most:
            bounds = scores_of_one(self._items, user_vector, self._room())
            bounds += self._biases
            open_only(bounds)
            places = np.flatnonzero(bounds >= reached_by(_leading(bounds, k)))
        scores = self._scores(places, user_vector) + np.float32(bias)
        if len(scores) > k:
            kept = np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k])
            places, scores = places[kept], scores[kept]
        order = np.argsort(-scores, kind="stable")[:k]
        return places[order].astype(np.int32), scores[order]

    def best_of_many(
        self,
        tastes: NDArray[np.float32],
        biases: NDArray[np.float32],
        k: int,
        exclude: sparse.csr_matrix | None = None,
    ) -> Found:
        """What `best` gives for each of many tastes, to the bit; matrix products do most of the work.

        A product of matrices rounds otherwise than one of vectors. So `SPARE` more items than are wanted are multiplied
        once more, and where even then one left out might belong into the list, `best` is asked.

        Args:
            tastes: (n, components).
            biases: (n,), each added to all scores of one user vector.
            exclude: CSR (n, n_items) of the items that must not appear.

        Returns:
            (n, k) item numbers, `NOTHING` where fewer are left, and scores, -inf there.
        """
        found = np.empty((len(tastes), k), np.int32), np.empty((len(tastes), k), np.float32)
        lengths = np.linalg.norm(tastes, axis=1)
        for start in range(0, len(tastes), MANY):
            some = slice(start, start + MANY)
            out = None if exclude is None else exclude[some]
            places, near = top_k_of_products(tastes[some], self._items, self._biases, k + SPARE, out)
            places.sort(axis=1)
            scores = np.vecdot(self._items[places], tastes[some, None, :]) + self._biases[places]
            scores += biases[some, None].astype(np.float32)
            scores[places == NOTHING] = -np.inf
            order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
            found[0][some], found[1][some] = np.take_along_axis(places, order, 1), np.take_along_axis(scores, order, 1)
            slack = self._rounding * (lengths[some] * self._longest + self._most_bias + np.abs(biases[some]))
            reached = near[:, -1] + biases[some] + 2 * slack >= found[1][some][:, -1]
            for row in np.flatnonzero(reached & np.isfinite(near[:, -1])):
                had = None if out is None else out.indices[out.indptr[row] : out.indptr[row + 1]]
                items, values = self.best(tastes[start + row], k, bias=float(biases[start + row]), exclude=had)
                found[0][start + row, : len(items)], found[1][start + row, : len(items)] = items, values
        return found

    def _room(self) -> NDArray[np.float32]:
        """(n_items,) numbers, for each thread its own, since asking the system for new ones takes as long as a list."""
        if not hasattr(self._kept, "numbers"):
            self._kept.numbers = np.empty(len(self._items), np.float32)
        room: NDArray[np.float32] = self._kept.numbers
        return room

    def _scores(self, places: NDArray[np.int64], user_vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """One dot product each, so that it does not matter which items are multiplied together."""
        found: NDArray[np.float32] = np.vecdot(self._items[places], user_vector) + self._biases[places]
        return found


def _longest(items: NDArray[np.float32]) -> float:
    """Length of the longest embedding."""
    return float(np.sqrt(np.einsum("ij,ij->i", items, items).max(initial=0)))


def _bounds(items: NDArray[np.float32], biases: NDArray[np.float32]) -> Bounds | None:
    """Those that suit the embeddings; None for short ones and few."""
    if items.shape[1] >= WORTHWHILE * (HEAD + 2):
        squares, vectors = np.linalg.eigh((items.T @ items).astype(np.float64))
        if squares[-HEAD:].sum() > SHARE * squares.sum():
            return LeadingDirections(items, biases, np.ascontiguousarray(vectors[:, -HEAD:], np.float32))
    return RoundedEmbeddings(items, biases) if items.nbytes >= LARGE else None


def _leading(bounds: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Numbers of some k items or a few more with high bounds; of none where there are too few items for that."""
    size = max(GROUP, len(bounds) // GROUPS)
    n_groups = len(bounds) // size
    if n_groups < 4 * k:
        return np.zeros(0, np.int64)
    cut = n_groups * size
    tops = np.maximum.reduce(bounds[:cut].reshape(size, n_groups), axis=0)
    groups = np.argpartition(tops, n_groups - k)[n_groups - k :]
    members = (groups + np.arange(0, cut, n_groups)[:, None]).ravel()
    return members[bounds[members] >= max(float(tops[groups].min()), LOWEST)]

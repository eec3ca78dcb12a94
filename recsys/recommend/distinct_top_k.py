"""The k best items of one user or of many, of which at most a few differ in nothing but their size."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.models.rank.pruned_top_k import PrunedTopK
from recsys.models.rank.top_k import NOTHING, top_k
from recsys.recommend.near_duplicates import POOL, NearDuplicates

MOST_LOOKED_AT = 2000
"""Products that are looked at to find some of other kinds."""

Best = tuple[NDArray[np.int32], NDArray[np.float32]]
"""Row numbers of items, best first, and their scores."""


@dataclass(frozen=True)
class DistinctTopK:
    """The best of all items of one model; near-duplicates beyond `most_alike` only where nothing else is left.

    Attributes:
        search: the best items for a user vector, near-duplicates or not.
        most_alike: how many items of one kind stand in a list; 0 for any number.
    """

    search: PrunedTopK
    near_duplicates: NearDuplicates
    most_alike: int

    @property
    def limits(self) -> bool:
        """Whether any list may differ from the best items as they are."""
        return bool(self.most_alike) and not self.near_duplicates.idle

    def for_vector(
        self,
        vector: NDArray[np.float32],
        bias: float,
        k: int,
        exclude: NDArray[np.int_] | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Best:
        """The k best for one user.

        Args:
            vector: (components,).
            bias: added to all scores.
            exclude: row numbers of items that must not appear.
            allowed: (n_items,) mask of those that may.
        """
        return self._first(k, partial(self.search.best, vector, bias=bias, exclude=exclude, allowed=allowed))

    def for_scores(
        self,
        scores: NDArray[np.float32],
        k: int,
        exclude: NDArray[np.int_] | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Best:
        """The k best by scores (n_items,) that are there already."""
        return self._first(k, partial(top_k, scores, exclude=exclude, allowed=allowed))

    def for_vectors(
        self, vectors: NDArray[np.float32], biases: NDArray[np.float32], k: int, exclude: sparse.csr_matrix
    ) -> Best:
        """What `for_vector` gives for each of many users, to the bit.

        Args:
            vectors: (n, components).
            biases: (n,).
            exclude: CSR (n, n_items) of the items that must not appear.

        Returns:
            Two arrays (n, k), rows padded with -1 and -inf.
        """
        found, values = self.search.best_of_many(vectors, biases, POOL * k if self.limits else k, exclude)
        if not self.limits:
            return found, values
        wanted = self.near_duplicates.among_the_first(found, self.most_alike)
        order = np.argsort(~wanted, axis=1, kind="stable")[:, :k]
        items, scores = np.take_along_axis(found, order, axis=1), np.take_along_axis(values, order, axis=1)
        for user in np.flatnonzero((wanted.sum(axis=1) < k) & (found[:, -1] != NOTHING)):
            rows, some = self.for_vector(vectors[user], float(biases[user]), k, exclude[user].indices)
            items[user, : len(rows)], scores[user, : len(rows)] = rows, some
        return items, scores

    def _first(self, k: int, best: Callable[[int], Best]) -> Best:
        """The k first of a ranking, of which `best` gives the first n, or fewer where there are no more."""
        if not self.limits:
            return best(k)
        size = POOL * k
        while True:
            rows, scores = best(size)
            wanted = self.near_duplicates.among_the_first(rows[None], self.most_alike)[0]
            if wanted.sum() >= k or len(rows) < size or size >= MOST_LOOKED_AT:
                order = np.concatenate([np.flatnonzero(wanted), np.flatnonzero(~wanted)])[:k]
                return rows[order], scores[order]
            size = min(4 * size, max(MOST_LOOKED_AT, 2 * k))

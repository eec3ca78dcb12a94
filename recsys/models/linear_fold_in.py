"""Fold-in by the learner's own formula: the embedding of anybody is a weighted sum over their history.

ALS and softmax place a shopper by y F, y the weights of what they had and F a matrix that the training leaves behind.
The same holds for somebody who comes later, in well under a millisecond. Models trained by gradient steps on every
shopper have no such formula; there `fold_in.fold_in` takes its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recsys.models.purchases import Weighting

ATTRIBUTES_WORTH = 3.0
"""What the attributes say counts as much as this many items of history."""


@dataclass(frozen=True)
class LinearFoldIn:
    """vector = (Σ w_i F_i) / (Σ (w_i s_i)²)^(power / 2), w_i the weight of item i in the history.

    Attributes:
        items: F, (n_items, components) float32: what each item adds.
        scales: s, (n_items,) float32: how the norm of a history counts its items; read only where `power` is not 0.
        matrix: (components, components) float32: from the embedding of an item that nobody has had to what it adds.
        power: 0 for the plain sum, 1 where histories are brought to length 1.
        weighting: gives the weights from ages and counts.
        now: the moment that ages are counted from; NaT without times.
    """

    items: NDArray[np.float32]
    scales: NDArray[np.float32]
    matrix: NDArray[np.float32]
    power: float = 0.0
    weighting: Weighting = field(default_factory=Weighting)
    now: np.datetime64 = field(default_factory=lambda: np.datetime64("NaT", "s"))

    def to_dict(self) -> dict[str, Any]:
        """What is not an array, for manifests."""
        now = None if np.isnat(self.now) else str(self.now.astype("datetime64[s]"))
        return {"power": self.power, "now": now, **self.weighting.to_dict()}

    @classmethod
    def from_parts(
        cls,
        values: Mapping[str, Any],
        items: NDArray[np.float32],
        scales: NDArray[np.float32],
        matrix: NDArray[np.float32],
    ) -> Self:
        """The inverse of `to_dict`, with the arrays."""
        now = np.datetime64(values["now"] or "NaT", "s")
        return cls(items, scales, matrix, float(values["power"]), Weighting.from_dict(values), now)

    def with_items(self, embeddings: NDArray[np.float32]) -> Self:
        """The same function over more items, (n, components), whom nobody has had yet: they are not damped."""
        return replace(
            self,
            items=np.concatenate([self.items, (embeddings @ self.matrix).astype(np.float32)]),
            scales=np.concatenate([self.scales, np.ones(len(embeddings), np.float32)]),
        )

    def days(self, last: NDArray[np.datetime64]) -> NDArray[np.float64]:
        """(n,) days from the last event with each item to the moment of the training, or to the newest of them where
        that is later; 0 without times."""
        if len(last) == 0 or np.isnat(self.now):
            return np.zeros(len(last))
        newest = np.fmax(self.now, np.fmax.reduce(last))
        return np.nan_to_num((newest - last) / np.timedelta64(1, "D"), nan=0.0)

    def vector(
        self,
        items: NDArray[np.int64],
        days: NDArray[np.float64] | None = None,
        counts: NDArray[Any] | None = None,
        *,
        strength: NDArray[Any] | None = None,
        start: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """float32 (components,) for a history.

        Args:
            items: row numbers, without repeats.
            days: how long ago each was had for the last time; None for just now.
            counts: how often each was had; None for once.
            strength: the weight of the kind of event with each; None where all kinds weigh the same.
            start: what the attributes say, which fades as the history grows.
        """
        weights = self._weights(len(items), days, counts, strength)
        found = (weights.astype(np.float32) @ self.items[items]) / np.float32(self._norm(weights, items))
        if start is not None:
            found = found + start * np.float32(ATTRIBUTES_WORTH / (ATTRIBUTES_WORTH + len(items)))
        return np.asarray(found, dtype=np.float32)

    def falls(
        self,
        towards: NDArray[np.float32],
        items: NDArray[np.int64],
        days: NDArray[np.float64] | None = None,
        counts: NDArray[Any] | None = None,
        *,
        strength: NDArray[Any] | None = None,
        start: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float64]:
        """float64 (n,): how far `vector(...) @ towards` falls when each item of the history is left out, one at a time.

        Leaving one out takes away its own term of the sum and of the norm, and gives what attributes say, s, the larger
        share of the shorter history (a: `ATTRIBUTES_WORTH`):

            fall_i = S / N - (S - w_i F_i · t) / N_without_i + [a / (a + n) - a / (a + n - 1)] s · t.

        All of it together costs one product of a matrix with a vector, and is exact.
        """
        if len(items) == 0:
            return np.zeros(0)
        weights = self._weights(len(items), days, counts, strength)
        terms = weights * (self.items[items].astype(np.float64) @ towards.astype(np.float64))
        squares = (weights * self.scales[items]) ** 2
        left = np.maximum(squares.sum() - squares, 1e-12) ** (self.power / 2)
        rest = (terms.sum() - terms) if len(items) > 1 else np.zeros(1)
        found = np.asarray(terms.sum() / self._norm(weights, items) - rest / left)
        if start is not None:
            worth = ATTRIBUTES_WORTH
            share = worth / (worth + len(items)) - worth / (worth + len(items) - 1)
            found += share * float(start.astype(np.float64) @ towards.astype(np.float64))
        return found

    def _weights(
        self, n: int, days: NDArray[np.float64] | None, counts: NDArray[Any] | None, strength: NDArray[Any] | None
    ) -> NDArray[np.float64]:
        found = self.weighting.weights(np.zeros(n) if days is None else days, np.ones(n) if counts is None else counts)
        return found if strength is None else found * strength / self.weighting.strength

    def _norm(self, weights: NDArray[np.float64], items: NDArray[np.int64]) -> float:
        if self.power == 0 or len(items) == 0:
            return 1.0
        return float(max(((weights * self.scales[items]) ** 2).sum(), 1e-12) ** (self.power / 2))

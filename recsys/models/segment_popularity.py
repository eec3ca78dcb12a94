"""The last resort: what shoppers of the same segment had most, for somebody of whom the model can use nothing."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.models.model import Model

PRIOR = 30.0
"""Shoppers of the whole shop that are counted into a segment, so that a small one does not speak by chance."""

SEGMENTS_IN_MEMORY = 64


@dataclass(frozen=True)
class Popular:
    """How many of a segment's shoppers had each item.

    Attributes:
        segment: its attributes in words, e.g. "age: 45-54"; empty for everybody.
        shoppers: how many there are with a history.
        own, all: float32 (n_items,), the parts of the score that come from the segment and from the whole shop. With
            n_s of the n shoppers of the segment and m_s of the m of the shop, and `PRIOR` p:
            own = n_s / (n + p), all = p (m_s / m) / (n + p); for everybody own = 0, all = m_s / m.
    """

    segment: str
    shoppers: int
    own: NDArray[np.float32]
    all: NDArray[np.float32]

    @property
    def scores(self) -> NDArray[np.float32]:
        """(n_items,): the share of the segment's shoppers who had each item, drawn towards that of the shop."""
        return self.own + self.all


class Segments:
    """The popularity of every segment that somebody was in; safe between threads."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._found: dict[tuple[tuple[str, str], ...], Popular] = {}

    def knows(self, name: str, value: str) -> bool:
        """Whether there are shoppers with this value of an attribute."""
        users = self._model.users
        return name in self._model.user_attributes and bool((users[name].astype(object) == value).any())

    def of(self, attributes: Mapping[str, str]) -> Popular:
        """What the shoppers with all of these attributes had; what everybody had, where that is nobody.

        Attributes that no shopper has are left out.
        """
        key = tuple(sorted(item for item in attributes.items() if self.knows(*item)))
        with self._lock:
            if key in self._found:
                return self._found[key]
        found = self._count(dict(key))
        with self._lock:
            if key and len(self._found) >= SEGMENTS_IN_MEMORY:
                return self._found.setdefault((), self._count({}))  # their number must not fill the memory
            return self._found.setdefault(key, found)

    def _count(self, attributes: Mapping[str, str]) -> Popular:
        pairs = self._model.history.counts
        active = np.diff(pairs.indptr) > 0
        shop = np.bincount(pairs.indices, minlength=pairs.shape[1]) / max(int(active.sum()), 1)
        inside = active.copy()
        for name, value in attributes.items():
            inside &= (self._model.users[name].astype(object) == value).to_numpy(dtype=bool)
        n = int(inside.sum())
        if not attributes or n == 0:
            nothing = np.zeros(len(shop), np.float32)
            return Popular("", int(active.sum()), nothing, shop.astype(np.float32))
        own = np.bincount(pairs[np.flatnonzero(inside)].indices, minlength=len(shop)) / (n + PRIOR)
        words = ", ".join(f"{name}: {value}" for name, value in attributes.items())
        return Popular(words, n, own.astype(np.float32), (PRIOR * shop / (n + PRIOR)).astype(np.float32))

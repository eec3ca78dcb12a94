"""Where training starts: embeddings read off the purchases by truncated singular value decompositions.

Gradient steps from a random start have to find the broad lines of taste first, and on sparse data they learn single
purchases by heart before they have found them. A decomposition gives the broad lines at once; training goes on from
there for as long as the validation period says that it helps. Several decompositions are averaged, each forgetting at
another pace (a view of the past) and cut at several lengths: what they agree on is taste, what they do not is chance.
Rare products borrow from their categories, and a shopper lies where the products lie that they bought.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd
from lightfm import LightFM
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.sparse import linalg as sparse_linalg

from recsys.dataset.dataset import Interactions
from recsys.dataset.decay import faded, recency_weights
from recsys.models import lightfm_wrapper
from recsys.models.features import IDENTITY, Features
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.shrinkage import borrowed

PASSES = 3
EXTRA = 10
"""Power iterations and extra dimensions of the randomised decomposition (Halko, Martinsson & Tropp 2011)."""

PACES = (1.0, 2.0, 0.5, 4.0, 100.0, 0.25)
"""Half-lives of the views, in multiples of the recipe's; without times there is one view, in which all counts alike."""

COUNT_SHARE = 0.15
"""A purchase repeated n times weighs 1 + 0.15 log n of one made once."""

TRIES = 4
"""How many sets of lengths are tried, each half as long as the one before."""

LATELY_HALF_LIFE_DAYS = 30.0
SPREAD = 1.0
"""Standard deviation of the scores at the start: of the size of WARP's margin."""

RIDGE = 5.0
"""Rows' worth of zeros that what is shared by many rows is mixed with."""

Factors = tuple[NDArray[np.float32], NDArray[np.float32]]
View = tuple[sparse.csr_matrix, NDArray[np.float32]]


@dataclass(frozen=True)
class Start:
    """Embeddings and biases of whole users and items.

    Attributes:
        users, items: (n_users, components), (n_items, components) float32; users @ items.T foretells the purchases, and
            has a standard deviation of `SPREAD`.
        biases: (n_items,) float32.
    """

    users: NDArray[np.float32]
    items: NDArray[np.float32]
    biases: NDArray[np.float32]

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        block = self.users[users] @ self.items.T
        block += self.biases
        return block


@dataclass(frozen=True)
class Shape:
    """What is left open of a start, for the validation period to choose.

    Attributes:
        lengths: at which the views are cut.
        sharing: how many purchases the categories and brand of a product are worth.
        damping: products are made smaller by (number of buyers)^-damping, against the weight of the popular ones.
        lift: what `start_popularity` is multiplied by.
    """

    lengths: tuple[int, ...]
    sharing: float = 0.0
    damping: float = 0.0
    lift: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"lengths": list(self.lengths)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self | None:
        """The inverse of `to_dict`, other names left out; None where no lengths are named, for a random start."""
        if not values.get("lengths"):
            return None
        known = {name: values[name] for name in ("sharing", "damping", "lift") if name in values}
        return cls(tuple(values["lengths"]), **known)


@dataclass(frozen=True)
class Stack:
    """Factors of several views: users' side by side are user_basis @ user_mix, items' are item_basis @ item_mix."""

    views: Sequence[Factors]
    user_basis: NDArray[np.float32]
    user_mix: NDArray[np.float32]
    item_basis: NDArray[np.float32]
    item_mix: NDArray[np.float32]


class Source:
    """The views of one period, from which starts of any shape are made."""

    def __init__(
        self, period: Interactions, now: pd.Timestamp, recipe: Hyperparameters, items: Features, *, seed: int = 0
    ) -> None:
        self._period, self._now, self._recipe, self._items, self._seed = period, now, recipe, items, seed
        self._stacks: dict[float, Stack] = {}
        self._averages: dict[tuple[tuple[int, ...], float], Start] = {}

    def start(self, shape: Shape) -> Start:
        """Embeddings and biases of that shape."""
        key = shape.lengths, shape.sharing
        if key not in self._averages:
            stack = self._with_sharing(shape.sharing)
            self._averages[key] = averaged(stack, shape.lengths, self.biases, self._recipe.components)
        start = self._averages[key]
        if shape.damping:
            items = start.items * (np.maximum(self._buyers, 1) ** -shape.damping).astype(np.float32)[:, None]
            scale = np.float32(np.sqrt(SPREAD / max(_spread(start.users, items), 1e-12)))
            start = replace(start, users=start.users * scale, items=items * scale)
        return replace(start, biases=np.float32(shape.lift) * start.biases)

    @cached_property
    def biases(self) -> NDArray[np.float32]:
        """(n_items,) those of lift 1."""
        return np.asarray(self._recipe.start_popularity * lately_popular(self._period, self._now), dtype=np.float32)

    @cached_property
    def _buyers(self) -> NDArray[np.int64]:
        counts = self._period.counts
        return np.bincount(counts.indices, minlength=counts.shape[1])

    @cached_property
    def _views(self) -> list[View]:
        return views(self._period, self._now, self._recipe, self._recipe.components, seed=self._seed)

    def _with_sharing(self, sharing: float) -> Stack:
        if sharing not in self._stacks:
            self._stacks[sharing] = stacked(
                [
                    (np.asarray(matrix @ items, dtype=np.float32), items)
                    for matrix, right in self._views
                    for items in [borrowed(right, self._items, self._buyers, sharing)]
                ]
            )
        return self._stacks[sharing]


def views(
    period: Interactions, now: pd.Timestamp, recipe: Hyperparameters, length: int, *, seed: int = 0
) -> list[View]:
    """One decomposition for each view: the matrix W D^-p (n_users, n_items) and its right vectors (n_items, length).

    W are the weighted purchases, D how much each item was bought in all, p is `recipe.start_power`: at 0 the most
    popular items decide everything, at 1/2 every item has the same say. Matrix times right vectors gives the users'
    factors.
    """
    counts = period.counts
    length = max(min(length, min(counts.shape) - 1), 1)
    paces = PACES[: recipe.start_views] if recipe.half_life_days > 0 and not np.isnat(period.last).any() else (0.0,)
    found = []
    for number, pace in enumerate(paces):
        weights = recency_weights(period, now, recipe.half_life_days * pace)
        data = (1 + COUNT_SHARE * np.log(np.maximum(counts.data, 1.0))).astype(np.float32)
        data = data if weights is None else data * weights
        matrix = sparse.csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape)
        totals = np.maximum(np.asarray(matrix.sum(axis=0)).ravel(), 1.0)
        damped = (matrix @ sparse.diags(totals**-recipe.start_power)).tocsr().astype(np.float32)
        found.append((damped, randomised_svd(damped, length, seed=seed + number)[2]))
    return found


def stacked(found: Sequence[Factors]) -> Stack:
    """The factors of all views side by side, as orthonormal bases and what the factors are in them."""
    user_basis, user_mix = linalg.qr(np.hstack([left for left, _ in found]), mode="economic")
    item_basis, item_mix = linalg.qr(np.hstack([right for _, right in found]), mode="economic")
    return Stack(found, user_basis, user_mix, item_basis, item_mix)


def averaged(stack: Stack, lengths: Sequence[int], biases: NDArray[np.float32], components: int) -> Start:
    """The mean of all views, each cut at all lengths and scaled to the same spread, in at most `components`.

    The factors of a sum lie side by side; a decomposition of their product keeps its largest `components`, and zeros
    fill up what is short of them.
    """
    weights = np.concatenate([_weights(left, right, lengths) for left, right in stack.views])
    left, strength, right = linalg.svd(stack.user_mix * weights @ stack.item_mix.T)
    kept = min(components, len(strength))
    balance = np.sqrt(strength[:kept])
    users = stack.user_basis @ (left[:, :kept] * balance)
    items = stack.item_basis @ (right[:kept].T * balance)
    scale = np.sqrt(SPREAD / max(_spread(users, items), 1e-12))
    pad = ((0, 0), (0, components - kept))
    return Start(
        np.pad(users * scale, pad).astype(np.float32), np.pad(items * scale, pad).astype(np.float32), biases
    )  # fmt: skip


def lately_popular(period: Interactions, now: pd.Timestamp) -> NDArray[np.float32]:
    """(n_items,): log(1 + people), people who first had the item, each halved every 30 days since; mean 0.

    Without times everybody counts alike.
    """
    if len(period.first) == 0 or np.isnat(period.first).any():
        people = np.bincount(period.counts.indices, minlength=period.counts.shape[1]).astype(np.float64)
    else:
        people = np.asarray(faded(period, now, LATELY_HALF_LIFE_DAYS, "first").sum(axis=0)).ravel()
    logs = np.log1p(people)
    return np.asarray(logs - logs.mean(), dtype=np.float32)


def lengths_to_try(components: int) -> Iterator[tuple[int, ...]]:
    """Sets of lengths at which a view is cut: around the whole length, its half, its quarter and so on."""
    length = components
    for _ in range(TRIES):
        if length >= 2:
            yield (length, max(length * 2 // 3, 1))
        length //= 2


def randomised_svd(
    matrix: sparse.csr_matrix, components: int, *, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Left vectors (n, k), singular values (k,) and right vectors (m, k) of a sparse matrix, largest first."""
    rng = np.random.default_rng(seed)
    width = min(components + EXTRA, *matrix.shape)
    transposed = matrix.T.tocsr()
    basis = rng.normal(size=(matrix.shape[1], width)).astype(np.float32)
    for _ in range(PASSES):
        basis, _ = linalg.qr(matrix @ basis, mode="economic")
        basis, _ = linalg.qr(transposed @ basis, mode="economic")
    left, strength, right = linalg.svd(matrix @ basis, full_matrices=False)
    return left[:, :components], strength[:components], (basis @ right.T)[:, :components]


def begin(lightfm: LightFM, start: Start, users: Features, items: Features) -> None:
    """Put a start into an untrained LightFM, as embeddings and biases of features.

    Afterwards feature matrix times feature embeddings gives the embeddings of `start` for every row that has an
    identity; the others get what they share with those that have one.
    """
    lightfm_wrapper.prepare(lightfm, users, items)
    for side, features, rows, values in (
        ("user", users, start.users, np.zeros(len(start.users), np.float32)),
        ("item", items, start.items, start.biases),
    ):
        both = by_feature(features, np.column_stack([rows, values]))
        getattr(lightfm, f"{side}_embeddings")[...] = both[:, :-1]
        getattr(lightfm, f"{side}_biases")[...] = both[:, -1]


def by_feature(features: Features, target: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n_features, m) whose combination by `features.matrix` is `target` (n_rows, m) in every row with an identity.

    What rows share (categories, brand, attributes) takes the ridge regression on it; the identity takes what is left.
    """
    identity = features.kinds == IDENTITY
    found = np.zeros((len(features.kinds), target.shape[1]), dtype=np.float32)
    own = features.matrix[:, identity].tocoo()
    shared = np.flatnonzero(~identity)
    if len(shared):
        design = features.matrix[:, shared].tocsr()
        rows = np.unique(own.row) if identity.any() else np.arange(len(target))
        known = design[rows]
        weight = float(known.data.mean()) if known.nnz else 1.0
        gram = (known.T @ known + RIDGE * weight**2 * sparse.identity(len(shared))).tocsc()
        found[shared] = sparse_linalg.splu(gram.astype(np.float64)).solve(
            np.asarray(known.T @ target[rows], np.float64)
        )
        target = target - design @ found[shared]
    if own.nnz:
        found[np.flatnonzero(identity)[own.col]] = target[own.row] / own.data[:, None]
    return found


def _weights(left: NDArray[np.float32], right: NDArray[np.float32], lengths: Sequence[int]) -> NDArray[np.float32]:
    """(length,): the sum over all cuts that keep a component, each scaled to the same spread."""
    weights = np.zeros(left.shape[1], dtype=np.float32)
    for n in lengths:
        weights[:n] += 1 / max(_spread(left[:, :n], right[:, :n]), 1e-12)
    return weights


def _spread(users: NDArray[np.float32], items: NDArray[np.float32]) -> float:
    """Standard deviation of users @ items.T, without making it."""
    n = len(users) * len(items)
    mean = float(users.sum(axis=0, dtype=np.float64) @ items.sum(axis=0, dtype=np.float64)) / n
    square = float(((users.T @ users).astype(np.float64) * (items.T @ items)).sum()) / n
    return float(np.sqrt(max(square - mean**2, 0.0)))

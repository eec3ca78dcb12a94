"""Where training starts: embeddings read off the purchases by a truncated singular value decomposition.

Gradient steps from a random start have to find the broad lines of taste first, and on sparse data they learn single
purchases by heart before they have found them. The decomposition gives the broad lines at once; training goes on from
there for as long as the validation period says that it helps.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from lightfm import LightFM
from numpy.typing import NDArray
from scipy import linalg, sparse

from recsys import lightfm_model
from recsys.baseline_choice import faded
from recsys.dataset import Interactions
from recsys.features import IDENTITY, Features
from recsys.hyperparameters import Hyperparameters
from recsys.recency import recency_weights

PASSES = 3
EXTRA = 10
"""Power iterations and extra dimensions of the randomised decomposition (Halko, Martinsson & Tropp 2011)."""

LATELY_HALF_LIFE_DAYS = 30.0
SPREAD = 1.0
"""Standard deviation of the scores at the start: of the size of WARP's margin."""

RIDGE = 5.0
"""Rows' worth of zeros that what is shared by many rows is mixed with."""


@dataclass(frozen=True)
class Start:
    """Embeddings and biases of whole users and items, largest component first.

    Attributes:
        users, items: (n_users, components), (n_items, components) float32; users @ items.T foretells the purchases.
        lately: (n_items,) float32, logarithm of how many people first had the item lately; mean 0.
    """

    users: NDArray[np.float32]
    items: NDArray[np.float32]
    lately: NDArray[np.float32]

    def cut(self, components: int, popularity: float) -> tuple[NDArray[np.float32], ...]:
        """User embeddings, item embeddings and item biases of the first `components`, scores scaled to `SPREAD`."""
        users, items = self.users[:, :components], self.items[:, :components]
        scale = SPREAD / max(_spread(users, items), 1e-12)
        return (
            users * np.float32(np.sqrt(scale)),
            items * np.float32(np.sqrt(scale)),
            self.lately * np.float32(popularity),
        )


def decompose(period: Interactions, now: pd.Timestamp, recipe: Hyperparameters, *, seed: int = 0) -> Start:
    """Factors U S, V of W D^-p, with W the weighted purchases and D how much each item was bought in all.

    `recipe.start_power` is p: at 0 the most popular items decide everything, at 1/2 every item has the same say.
    """
    weights = recency_weights(period, now, recipe.half_life_days)
    data = np.ones(period.counts.nnz, np.float32) if weights is None else weights
    matrix = sparse.csr_matrix((data, period.counts.indices, period.counts.indptr), shape=period.counts.shape)
    totals = np.maximum(np.asarray(matrix.sum(axis=0)).ravel(), 1.0)
    damped = (matrix @ sparse.diags(totals**-recipe.start_power)).tocsr().astype(np.float32)
    components = min(recipe.components, min(damped.shape) - 1)
    left, strength, right = randomised_svd(damped, max(components, 1), seed=seed)
    pad = ((0, 0), (0, recipe.components - len(strength)))
    balance = np.sqrt(strength)
    return Start(np.pad(left * balance, pad), np.pad(right * balance, pad), lately_popular(period, now))


def lately_popular(period: Interactions, now: pd.Timestamp) -> NDArray[np.float32]:
    """(n_items,): log(1 + people who first had the item, each halved every 30 days); mean 0. Without times, all count."""
    if np.isnat(period.first).any() or len(period.first) == 0:
        people = np.bincount(period.counts.indices, minlength=period.counts.shape[1]).astype(np.float64)
    else:
        people = np.asarray(faded(period, now, LATELY_HALF_LIFE_DAYS, "first").sum(axis=0)).ravel()
    logs = np.log1p(people)
    return np.asarray(logs - logs.mean(), dtype=np.float32)


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


def begin(lightfm: LightFM, start: Start, components: int, popularity: float, users: Features, items: Features) -> None:
    """Put a start into an untrained LightFM, as embeddings and biases of features.

    Afterwards feature matrix times feature embeddings gives the embeddings of `start.cut` exactly for every row that
    has an identity; the others get what they share with those that have one.
    """
    user_rows, item_rows, biases = start.cut(components, popularity)
    lightfm_model.prepare(lightfm, users, items)
    for side, features, rows, values in (
        ("user", users, user_rows, np.zeros(len(user_rows), np.float32)),
        ("item", items, item_rows, biases),
    ):
        both = by_feature(features, np.column_stack([rows, values]))
        wide = getattr(lightfm, f"{side}_embeddings")
        wide[...] = both[:, :-1]
        getattr(lightfm, f"{side}_biases")[...] = both[:, -1]


def by_feature(features: Features, target: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n_features, m) whose combination by `features.matrix` is `target` (n_rows, m) in every row with an identity.

    What rows share (categories, brand, attributes) takes the ridge regression on it; the identity takes what is left.
    """
    identity = features.kinds == IDENTITY
    found = np.zeros((len(features.kinds), target.shape[1]), dtype=np.float32)
    has_identity = np.asarray(features.matrix[:, identity].sum(axis=1)).ravel() > 0
    shared = np.flatnonzero(~identity)
    if len(shared):
        design = features.matrix[:, shared].tocsr()
        known = design[has_identity] if identity.any() else design
        aim = target[has_identity] if identity.any() else target
        weight = float(known.data.mean()) if known.nnz else 1.0
        gram = np.asarray((known.T @ known).todense(), dtype=np.float64)
        gram[np.diag_indices_from(gram)] += RIDGE * weight**2
        found[shared] = linalg.solve(gram, known.T @ aim, assume_a="pos")
        target = target - design @ found[shared]
    own = features.matrix[:, identity].tocoo()
    if own.nnz:
        found[np.flatnonzero(identity)[own.col]] = target[own.row] / own.data[:, None]
    return found


def _spread(users: NDArray[np.float32], items: NDArray[np.float32]) -> float:
    """Standard deviation of users @ items.T, without making it."""
    n = len(users) * len(items)
    mean = float(users.sum(axis=0, dtype=np.float64) @ items.sum(axis=0, dtype=np.float64)) / n
    square = float(((users.T @ users).astype(np.float64) * (items.T @ items)).sum()) / n
    return float(np.sqrt(max(square - mean**2, 0.0)))

"""Softmax: a linear autoencoder of shoppers, trained by gradient steps on the embeddings of features.

A product is its row of the feature matrix times W; a shopper is the sum of the products they had, each by its weight;
what is learned is to tell from a part of a shopper's purchases which they all are, by a softmax over the whole range.
Shallow autoencoders for implicit feedback: EASE (Steck 2019), ELSA (Vančura et al. 2022); the multinomial likelihood
and the dropout of the input are those of Mult-VAE (Liang et al. 2018); the steps are Adam's (Kingma & Ba 2015).
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from recsys.errors import Diverged
from recsys.models.features import IDENTITY, Features
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.learners.learned import Learned, spread
from recsys.models.linear_fold_in import LinearFoldIn
from recsys.models.purchases import Purchases
from recsys.utils.sparse_product import product

BATCH = 256
"""Shoppers in a step."""

IDENTITY_RATE = 0.3
IDENTITY_START = 0.1
"""Identity embeddings start smaller and learn more slowly than what items share."""

DECAY, DECAY_OF_SQUARES, TINY = 0.9, 0.999, 1e-8


class LinearAutoencoder:
    """One training, pass by pass. The learning rate falls to 0 along half a cosine over `recipe.epochs`."""

    def __init__(
        self, purchases: Purchases, features: Features, recipe: Hyperparameters, now: pd.Timestamp, *, seed: int = 0
    ) -> None:
        self._purchases, self._recipe, self._now = purchases, recipe, now
        self._features = features.matrix.astype(np.float32).tocsr()
        self._by_feature = self._features.T.tocsr()
        damped = purchases.damped(recipe.damping)
        norms = np.sqrt(np.asarray(damped.multiply(damped).sum(axis=1), dtype=np.float64).ravel())
        self._rows = (sparse.diags(1 / np.maximum(norms, 1e-12)) @ damped).tocsr().astype(np.float32)
        self._rng = np.random.default_rng(seed)
        self._active = np.flatnonzero(np.diff(self._rows.indptr) > 0)
        own = (features.kinds == IDENTITY)[:, None]
        width = (features.matrix.shape[1], recipe.components)
        start = self._rng.standard_normal(width, dtype=np.float32) / np.float32(np.sqrt(recipe.components))
        self._shared = start * np.where(own, IDENTITY_START, 1.0).astype(np.float32)
        self._rates = np.where(own, IDENTITY_RATE, 1.0).astype(np.float32)
        self._biases = np.log(purchases.totals / purchases.totals.sum()).astype(np.float32)
        self._biases -= self._biases.mean()
        self._adam = _Adam(self._shared.shape), _Adam(self._biases.shape)
        self._steps, self._passes = 0, 0

    def step(self) -> None:
        """One pass over all shoppers.

        Raises:
            Diverged: embeddings are no longer finite numbers.
        """
        order = self._rng.permutation(self._active)
        per_pass = max(-(-len(order) // BATCH), 1)
        for start in range(0, len(order), BATCH):
            share = min(self._steps / (per_pass * max(self._recipe.epochs, 1)), 1.0)
            rate = self._recipe.learning_rate * 0.5 * (1 + np.cos(np.pi * share))
            with np.errstate(over="ignore", invalid="ignore"):  # said below, in words
                self._batch(self._rows[order[start : start + BATCH]], np.float32(rate))
            self._steps += 1
        self._passes += 1
        if not (np.isfinite(self._shared).all() and np.isfinite(self._biases).all()):
            raise Diverged(
                f"Training diverged: with learning rate {self._recipe.learning_rate:g} the embeddings are no longer "
                f"finite numbers after pass {self._passes}. Lower the learning rate."
            )

    def learned(self, recipe: Hyperparameters) -> Learned:
        """Embeddings after the passes so far, with the popularity part as `recipe` says (as `AlternatingRidge`)."""
        own = product(self._features, self._shared)
        users = product(self._rows, own)
        buyers = np.maximum(self._purchases.buyers, 1).astype(np.float64)
        factor = buyers**-recipe.popularity_penalty * self._purchases.drift**recipe.drift
        items = (own * factor[:, None]).astype(np.float32)
        total = users.sum(axis=0, dtype=np.float64)
        scale = np.float32(1 / max(spread(total, users.T @ users, len(users), items), 1e-12))
        damping = (self._purchases.totals**-self._recipe.damping).astype(np.float32)
        fold_in = LinearFoldIn(
            own * (damping * scale)[:, None],
            damping,
            np.eye(self._recipe.components, dtype=np.float32) * scale,
            power=1.0,
            weighting=self._purchases.weighting,
            now=self._now.to_datetime64().astype("datetime64[s]"),
        )
        biases = np.float32(recipe.popularity_lift) * self._purchases.popularity
        return Learned(users * scale, items, biases, lambda: fold_in)

    def _batch(self, whole: sparse.csr_matrix, rate: np.float32) -> None:
        """One step: the loss is -Σ target · log softmax(shopper · items + bias), target the whole row, summing to 1."""
        kept = whole.copy()
        hidden = self._rng.random(len(kept.data)) < self._recipe.dropout
        kept.data = np.where(hidden, 0, kept.data / np.float32(1 - self._recipe.dropout)).astype(np.float32)
        items = product(self._features, self._shared)
        shoppers = kept @ items
        scores = shoppers @ items.T
        scores += self._biases
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        sums = np.maximum(np.asarray(whole.sum(axis=1), dtype=np.float32).ravel(), 1e-12)
        rows = np.repeat(np.arange(whole.shape[0]), np.diff(whole.indptr))
        scores[rows, whole.indices] -= whole.data / sums[rows]
        scores /= whole.shape[0]
        gradient = scores.T @ shoppers + kept.T @ (scores @ items)
        self._biases -= rate * self._adam[1].direction(scores.sum(axis=0))
        self._shared -= rate * self._rates * self._adam[0].direction(product(self._by_feature, gradient))


@dataclass
class _Adam:
    """Running means of the gradient and of its square, without their bias towards 0."""

    shape: tuple[int, ...]
    steps: int = 0
    mean: NDArray[np.float32] = field(init=False)
    square: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        self.mean, self.square = np.zeros(self.shape, np.float32), np.zeros(self.shape, np.float32)

    def direction(self, gradient: NDArray[np.float32]) -> NDArray[np.float32]:
        self.steps += 1
        self.mean += (1 - DECAY) * (gradient - self.mean)
        self.square += (1 - DECAY_OF_SQUARES) * (gradient**2 - self.square)
        mean = self.mean / np.float32(1 - DECAY**self.steps)
        square = self.square / np.float32(1 - DECAY_OF_SQUARES**self.steps)
        return np.asarray(mean / (np.sqrt(square) + TINY), dtype=np.float32)

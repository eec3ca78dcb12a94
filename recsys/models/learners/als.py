"""ALS: alternating ridge regression on the parametrisation of LightFM, with a hierarchical prior inside every pass.

Shoppers are read off products and products off shoppers in turn (alternating least squares; Hu, Koren & Volinsky 2008
for implicit feedback), here on the damped matrix of purchases alone: a pass is two sparse products and two small
systems. Every pass ends with products borrowing from their categories and brand (`HierarchicalPrior`), which is what
LightFM's sum over features says of them.
"""

from copy import copy
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import linalg

from recsys.errors import Diverged
from recsys.models.features import Features
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.learners.histories import HistoriesOf, LocalHistories
from recsys.models.learners.learned import Learned, spread
from recsys.models.linear_fold_in import LinearFoldIn
from recsys.models.purchases import Purchases
from recsys.models.shrinkage import HierarchicalPrior

TINY = 1e-9
SUMS_KEPT = 20_000_000
"""What passes so far have worked out for shoppers is kept beside a learner to go on from, up to so many numbers; more
are worked out anew."""

NOTHING = 1e-6
"""Directions with less than this share of the strongest's strength hold rounding alone: with fewer shoppers or items
than components there are such, and they are left empty."""


class AlternatingRidge:
    """One training, pass by pass.

    With Y = X diag(totals^-damping), X the weighted purchases, and R the products (n_items, components):

        Q = Y R (R'R + lambda I)^-1,   lambda = regularisation x trace(R'R) / components
        R = prior(Y' Q V S^-1/2),   Q'Q = V S V'

    It starts from a random R, of the size that the number of buyers gives.
    """

    def __init__(
        self,
        purchases: Purchases,
        features: Features,
        recipe: Hyperparameters,
        now: pd.Timestamp,
        *,
        seed: int = 0,
        histories: HistoriesOf = LocalHistories,
    ) -> None:
        self._purchases, self.recipe, self._now = purchases, recipe, now
        self._histories_of, self._histories = histories, histories(purchases.damped(recipe.damping))
        self._prior = HierarchicalPrior(features, purchases.buyers, recipe.sharing)
        n_items, d = purchases.matrix.shape[1], recipe.components
        size = np.sqrt(purchases.buyers / max(float(purchases.buyers.mean()), TINY)) / np.sqrt(d)
        rows = np.random.default_rng(seed).standard_normal((n_items, d), dtype=np.float32)
        self._features = features
        self._items = rows * size[:, None].astype(np.float32)
        self._sums: Any = None

    def going_on(self, recipe: Hyperparameters, purchases: Purchases | None = None) -> Self:
        """The same after as many passes, to go on from by itself with another recipe.

        Args:
            purchases: those that the recipe weighs otherwise; None for the same.
        """
        found = copy(self)
        found.recipe, found._purchases = recipe, purchases or self._purchases
        if recipe.components * self._purchases.matrix.shape[0] > SUMS_KEPT:
            found._sums = None
        if purchases is not None or recipe.damping != self.recipe.damping:
            found._histories, found._sums = self._histories_of(found._purchases.damped(recipe.damping)), None
        if recipe.sharing != self.recipe.sharing:
            found._prior = HierarchicalPrior(self._features, self._purchases.buyers, recipe.sharing)
        return found

    def step(self) -> None:
        """One pass over all purchases.

        Raises:
            Diverged: embeddings are no longer finite numbers.
        """
        users = self._solved(self.recipe.regularisation)[0]
        strength, directions = linalg.eigh(self._histories.gram(users).astype(np.float64))
        there = strength > NOTHING * max(float(strength[-1]), TINY)
        white = directions * np.where(there, 1 / np.sqrt(np.where(there, strength, 1.0)), 0.0)
        self._items = self._prior(self._histories.products(users, white.astype(np.float32)))
        self._sums = None
        if not np.isfinite(self._items).all():
            raise Diverged(
                f"Training diverged: with regularisation {self.recipe.regularisation:g} the embeddings are no longer "
                "finite numbers. Raise the regularisation."
            )

    def learned(self, recipe: Hyperparameters) -> Learned:
        """Embeddings after the passes so far, with the regularisation and the popularity part that `recipe` says.

        The regularisation acts here alone: it changes Q, but not which directions Q spans, and so not what a pass makes
        of them.

        Products are made smaller by buyers^-popularity_penalty and larger by drift^recipe.drift; shoppers are scaled so
        that their scores have standard deviation 1; the biases are popularity_lift times the expected popularity.
        """
        users, inverse = self._solved(recipe.regularisation)
        buyers = np.maximum(self._purchases.buyers, 1).astype(np.float64)
        factor = buyers**-recipe.popularity_penalty * self._purchases.drift**recipe.drift
        items = (self._items * factor[:, None]).astype(np.float32)
        total, gram = self._histories.total(users), self._histories.gram(users)
        scale = np.float32(1 / max(spread(total, gram, self._purchases.matrix.shape[0], items), 1e-12))
        damping = (self._purchases.totals**-self.recipe.damping).astype(np.float32)
        fold_in = LinearFoldIn(
            (self._items @ (inverse * scale)) * damping[:, None],
            damping,
            inverse * scale,
            weighting=self._purchases.weighting,
            now=self._now.to_datetime64().astype("datetime64[s]"),
        )
        biases = np.float32(recipe.popularity_lift) * self._purchases.popularity
        return Learned(self._histories.embeddings(users, scale), items, biases, fold_in)

    def _solved(self, regularisation: float) -> tuple[Any, NDArray[np.float32]]:
        """The handle of Q (n_users, components), and (R'R + lambda I)^-1."""
        gram = (self._items.T @ self._items).astype(np.float64)
        ridge = regularisation * max(float(np.trace(gram)), TINY) / len(gram)
        gram[np.diag_indices_from(gram)] += ridge
        inverse = linalg.inv(gram).astype(np.float32)
        if self._sums is None:
            self._sums = self._histories.sums(self._items)
        return self._histories.solved(self._sums, inverse), inverse

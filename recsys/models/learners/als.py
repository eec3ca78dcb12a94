"""ALS: alternating ridge regression on the parametrisation of LightFM, with a hierarchical prior inside every pass.

Shoppers are read off products and products off shoppers in turn (alternating least squares; Hu, Koren & Volinsky 2008
for implicit feedback), here on the damped matrix of purchases alone: a pass is two sparse products and two small
systems. Every pass ends with products borrowing from their categories and brand (`HierarchicalPrior`), which is what
LightFM's sum over features says of them.
"""

from copy import copy
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import linalg

from recsys.errors import Diverged
from recsys.models.features import Features
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.learners.histories import HistoriesOf, LocalHistories, WorkedOut
from recsys.models.learners.learned import Learned, spread
from recsys.models.linear_fold_in import LinearFoldIn
from recsys.models.purchases import Purchases
from recsys.models.shrinkage import HierarchicalPrior

TINY = 1e-9
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
        self._found: WorkedOut | None = None

    def going_on(self, recipe: Hyperparameters, purchases: Purchases | None = None) -> Self:
        """The same after as many passes, to go on from by itself with another recipe.

        Args:
            purchases: those that the recipe weighs otherwise; None for the same.
        """
        found = copy(self)
        found.recipe, found._purchases = recipe, purchases or self._purchases
        if purchases is not None or recipe.damping != self.recipe.damping:
            found._histories, found._found = self._histories_of(found._purchases.damped(recipe.damping)), None
        if recipe.sharing != self.recipe.sharing:
            found._prior = HierarchicalPrior(self._features, self._purchases.buyers, recipe.sharing)
        return found

    def step(self) -> None:
        """One pass over all purchases.

        Raises:
            Diverged: embeddings are no longer finite numbers.
        """
        inverse = self._inverse(self.recipe.regularisation)
        found = self._worked_out()
        strength, directions = linalg.eigh(inverse @ found.gram @ inverse)
        there = strength > NOTHING * max(float(strength[-1]), TINY)
        white = directions * np.where(there, 1 / np.sqrt(np.where(there, strength, 1.0)), 0.0)
        self._items = self._prior(found.products @ (inverse @ white).astype(np.float32))
        self._found = None
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
        inverse = self._inverse(recipe.regularisation)
        found = self._worked_out()
        buyers = np.maximum(self._purchases.buyers, 1).astype(np.float64)
        factor = buyers**-recipe.popularity_penalty * self._purchases.drift**recipe.drift
        items = self._items * factor[:, None].astype(np.float32)
        n_users = self._purchases.matrix.shape[0]
        scale = 1 / max(spread(found.total @ inverse, inverse @ found.gram @ inverse, n_users, items), 1e-12)
        mixed = (inverse * scale).astype(np.float32)
        placing = self._items @ mixed
        damping = (self._purchases.totals**-self.recipe.damping).astype(np.float32)
        weighting, now = self._purchases.weighting, self._now.to_datetime64().astype("datetime64[s]")

        def place() -> LinearFoldIn:
            return LinearFoldIn(placing * damping[:, None], damping, mixed, weighting=weighting, now=now)

        biases = np.float32(recipe.popularity_lift) * self._purchases.popularity
        return Learned(self._histories.embeddings(placing), items, biases, place)

    def _inverse(self, regularisation: float) -> NDArray[np.float64]:
        """(R'R + lambda I)^-1, (components, components)."""
        gram = (self._items.T @ self._items).astype(np.float64)
        ridge = regularisation * max(float(np.trace(gram)), TINY) / len(gram)
        gram[np.diag_indices_from(gram)] += ridge
        return np.asarray(linalg.inv(gram))

    def _worked_out(self) -> WorkedOut:
        """What S = Y R gives for the products as they are; Q = S (R'R + lambda I)^-1."""
        if self._found is None:
            self._found = self._histories.worked_out(self._items)
        return self._found

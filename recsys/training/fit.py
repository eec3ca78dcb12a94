"""One training on one period, by whichever learner the recipe names; nothing is chosen here."""

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import pandas as pd
from lightfm import LightFM
from scipy import sparse

from recsys.dataset.dataset import Interactions
from recsys.dataset.decay import recency_weights
from recsys.models import lightfm_wrapper
from recsys.models.feature_split import put_into
from recsys.models.features import Features
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.learners.als import AlternatingRidge
from recsys.models.learners.histories import HistoriesOf, LocalHistories
from recsys.models.learners.learned import Learned
from recsys.models.learners.softmax import LinearAutoencoder
from recsys.models.linear_fold_in import LinearFoldIn
from recsys.models.purchases import Purchases
from recsys.utils.threads import limited_blas_threads


class LinearLearner(Protocol):
    """A learner that places shoppers by a formula over their history."""

    def step(self) -> None:
        """One pass."""
        ...

    def learned(self, recipe: Hyperparameters) -> Learned:
        """Embeddings after the passes so far, with the popularity part as the recipe says."""
        ...


def linear_learner(
    period: Interactions,
    now: pd.Timestamp,
    items: Features,
    recipe: Hyperparameters,
    forecast: tuple[float, ...] | None,
    seed: int,
    histories: HistoriesOf = LocalHistories,
) -> LinearLearner:
    """The learner "als", on the histories wherever they lie, or "softmax", before its first pass."""
    purchases = Purchases.of(period, now, recipe.half_life_days, forecast)
    if recipe.learner == "als":
        return AlternatingRidge(purchases, items, recipe, now, seed=seed, histories=histories)
    return LinearAutoencoder(purchases, items, recipe, now, seed=seed)


@limited_blas_threads()
def fit(
    period: Interactions,
    now: pd.Timestamp,
    users: Features,
    items: Features,
    recipe: Hyperparameters,
    epochs: int,
    *,
    start_epochs: int = 0,
    forecast: tuple[float, ...] | None = None,
    seed: int = 0,
    on_pass: Callable[[int], None] = lambda _: None,
    histories: HistoriesOf = LocalHistories,
) -> tuple[LightFM, LinearFoldIn | None]:
    """Learn from a period with a settled recipe.

    Args:
        now: the end of the period; NaT without times.
        epochs: passes.
        start_epochs: passes of ALS before them, for a gradient learner that starts from it.
        forecast: coefficients of the expected popularity; without them popularity is that of late.
        on_pass: called with the number of each pass.
        histories: where passes of ALS work on everybody's purchases.

    Returns:
        A working LightFM, and the formula that places anybody; None for LightFM's own learners.

    Raises:
        Diverged: the embeddings stopped being finite numbers.
    """
    lightfm = lightfm_wrapper.new(recipe, seed)
    fold_in = None
    if recipe.linear:
        learner = linear_learner(period, now, items, recipe, forecast, seed, histories)
        for number in range(1, epochs + 1):
            learner.step()
            on_pass(number)
        found = learner.learned(recipe)
        put_into(lightfm, found, users, items)
        fold_in = found.fold_in
    else:
        if recipe.start == "als":
            started(lightfm, period, now, users, items, recipe, start_epochs, forecast, seed, histories)
        for number in gradient_passes(lightfm, period, now, users, items, recipe, epochs):
            on_pass(number)
    lightfm.item_biases *= np.float32(recipe.popularity)
    return lightfm, fold_in


def started(
    lightfm: LightFM,
    period: Interactions,
    now: pd.Timestamp,
    users: Features,
    items: Features,
    recipe: Hyperparameters,
    epochs: int,
    forecast: tuple[float, ...] | None,
    seed: int,
    histories: HistoriesOf = LocalHistories,
) -> None:
    """Put what ALS gives after so many passes into an untrained LightFM."""
    purchases = Purchases.of(period, now, recipe.half_life_days, forecast)
    learner = AlternatingRidge(purchases, items, recipe, now, seed=seed, histories=histories)
    for _ in range(epochs):
        learner.step()
    put_into(lightfm, learner.learned(recipe), users, items)


def gradient_passes(
    lightfm: LightFM,
    period: Interactions,
    now: pd.Timestamp,
    users: Features,
    items: Features,
    recipe: Hyperparameters,
    epochs: int,
) -> Iterator[int]:
    """Passes of LightFM's own learners, in place; gives the number of each when it is done."""
    positives = sparse.csr_matrix(
        (np.ones_like(period.counts.data), period.counts.indices, period.counts.indptr), shape=period.counts.shape
    )
    weights = recency_weights(period, now, recipe.half_life_days)
    yield from lightfm_wrapper.train_epochs(lightfm, positives, weights, users, items, recipe, epochs)

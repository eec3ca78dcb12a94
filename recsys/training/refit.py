"""Training anew as a stored model was trained, on other data or from another seed, without choosing anything again."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.dataset.dataset import Dataset, Interactions
from recsys.models import lightfm_wrapper
from recsys.models.base import Factors
from recsys.models.features import Features
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.linear_fold_in import LinearFoldIn
from recsys.models.model import Model
from recsys.training.fit import fit
from recsys.training.windows import features_for


@dataclass(frozen=True, kw_only=True)
class Refit(Factors):
    """Representations of all users and items, and what they were made of."""

    user_biases: NDArray[np.float32]
    item_features: Features
    user_features: Features
    user_feature_embeddings: NDArray[np.float32]
    fold_in: LinearFoldIn | None


def refit(
    model: Model,
    dataset: Dataset,
    period: Interactions,
    now: pd.Timestamp,
    *,
    seed: int | None = None,
    recipe: Hyperparameters | None = None,
) -> Refit:
    """Learn from `period` as a stored model did: what the validation periods settled then, and as many passes.

    Args:
        recipe: another recipe, of which what was settled is kept for whatever it leaves as the model's recipe has it.

    One thread, so that only the seed makes a difference.
    """
    plan = model.manifest.plan
    settled = replace(model.settled if recipe is None else _with(model, recipe), threads=1)
    users, items = features_for(dataset, settled, period)
    lightfm, fold_in = fit(
        period, now, users, items, settled, model.manifest.epochs,
        start_epochs=plan.start_epochs, forecast=plan.forecast, seed=model.seed if seed is None else seed,
    )  # fmt: skip
    item_embeddings, item_biases, user_embeddings, user_biases = lightfm_wrapper.representations(lightfm, items, users)
    return Refit(
        user_embeddings,
        item_embeddings,
        item_biases,
        user_biases=user_biases,
        item_features=items,
        user_features=users,
        user_feature_embeddings=lightfm.user_embeddings,
        fold_in=fold_in,
    )


def _with(model: Model, recipe: Hyperparameters) -> Hyperparameters:
    """The settled recipe of a model with what another recipe says differently from the model's own."""
    changed = {name: value for name, value in vars(recipe).items() if value != getattr(model.recipe, name)}
    return replace(model.settled, **changed)

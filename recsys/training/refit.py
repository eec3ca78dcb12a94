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
from recsys.models.model import Model
from recsys.models.svd_init import Shape
from recsys.training.train import TrainingPlan, features_for, learning, turn_dial


@dataclass(frozen=True, kw_only=True)
class Refit(Factors):
    """Representations of all users and items, and what they were made of."""

    user_biases: NDArray[np.float32]
    item_features: Features
    user_features: Features
    user_feature_embeddings: NDArray[np.float32]


def refit(
    model: Model,
    dataset: Dataset,
    period: Interactions,
    now: pd.Timestamp,
    *,
    seed: int | None = None,
    recipe: Hyperparameters | None = None,
) -> Refit:
    """Learn from `period` with the recipe, the shape of the start and the number of epochs of a stored model.

    One thread, so that only the seed makes a difference.
    """
    recipe = replace(recipe or model.recipe, threads=1)
    seed = model.seed if seed is None else seed
    shape = Shape.from_dict(model.manifest.start) if recipe.start == "svd" else None
    plan = TrainingPlan(shape, model.manifest.epochs)
    users, items = features_for(dataset, recipe, period)
    lightfm = lightfm_wrapper.new(recipe, seed)
    for _ in learning(lightfm, period, now, users, items, recipe, plan, seed):
        pass
    turn_dial(lightfm, recipe.popularity)
    item_embeddings, item_biases, user_embeddings, user_biases = lightfm_wrapper.representations(lightfm, items, users)
    return Refit(
        user_embeddings,
        item_embeddings,
        item_biases,
        user_biases=user_biases,
        item_features=items,
        user_features=users,
        user_feature_embeddings=lightfm.user_embeddings,
    )

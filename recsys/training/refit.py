"""Training anew as a stored model was trained, on other data or from another seed, without choosing anything again."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.dataset.dataset import Dataset, Interactions
from recsys.models import lightfm_wrapper
from recsys.models.features import Features
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.model import Model
from recsys.models.svd_init import Shape
from recsys.training.train import Plan, features_for, learning, turn_dial


@dataclass(frozen=True)
class Refit:
    """Representations of all users and items, and what they were made of."""

    item_embeddings: NDArray[np.float32]
    item_biases: NDArray[np.float32]
    user_embeddings: NDArray[np.float32]
    user_biases: NDArray[np.float32]
    item_features: Features
    user_features: Features
    user_feature_embeddings: NDArray[np.float32]

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        block = self.user_embeddings[users] @ self.item_embeddings.T
        block += self.item_biases
        return block


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
    shape = Shape.from_dict(model.manifest.get("start", {})) if recipe.start == "svd" else None
    plan = Plan(shape, int(model.manifest["epochs"]))
    users, items = features_for(dataset, recipe, period)
    lightfm = lightfm_wrapper.new(recipe, seed)
    for _ in learning(lightfm, period, now, users, items, recipe, plan, seed):
        pass
    turn_dial(lightfm, recipe.popularity)
    found = lightfm_wrapper.representations(lightfm, items, users)
    return Refit(*found, items, users, lightfm.user_embeddings)

"""The only module that imports lightfm: making, training, saving and reading `lightfm.LightFM` objects."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
from lightfm import LightFM
from numpy.typing import NDArray
from scipy import sparse

from recsys.errors import Corrupted, Diverged
from recsys.models.engine import trainer
from recsys.models.features import Features
from recsys.models.hyperparameters import Hyperparameters

STATE = tuple(
    f"{side}_{part}"
    for side in ("item", "user")
    for part in (
        "embeddings",
        "embedding_gradients",
        "embedding_momentum",
        "biases",
        "bias_gradients",
        "bias_momentum",
    )
)
"""The arrays that make up a trained LightFM, by feature: enough to predict with it and to train it further."""


def new(recipe: Hyperparameters, seed: int) -> LightFM:
    """An untrained LightFM with the recipe's settings."""
    return LightFM(
        no_components=recipe.components,
        learning_schedule=recipe.learning_schedule,
        loss=recipe.loss,
        learning_rate=recipe.learning_rate,
        item_alpha=recipe.item_alpha,
        user_alpha=recipe.user_alpha,
        max_sampled=recipe.max_sampled,
        random_state=seed,
    )


def give(
    model: LightFM, side: Literal["item", "user"], embeddings: NDArray[np.float32], biases: NDArray[np.float32]
) -> None:
    """Give an untrained model the embeddings (n_features, components) and biases (n_features,) of one side.

    What the learning schedule keeps beside them is as LightFM begins with: squares of 1 for Adagrad, 0 otherwise.
    """
    squares = np.float32(1 if model.learning_schedule == "adagrad" else 0)
    for name, array in (("embedding", embeddings), ("bias", biases)):
        setattr(model, f"{side}_embeddings" if name == "embedding" else f"{side}_biases", array)
        setattr(model, f"{side}_{name}_gradients", np.full_like(array, squares))
        setattr(model, f"{side}_{name}_momentum", np.zeros_like(array))


def train_epochs(
    model: LightFM,
    interactions: sparse.csr_matrix,
    weights: NDArray[np.float32] | None,
    users: Features,
    items: Features,
    recipe: Hyperparameters,
    epochs: int,
) -> Iterator[int]:
    """Passes over the interactions, in place, by the recipe's engine; gives each epoch's number when it is done.

    Args:
        interactions: CSR (n_users, n_items) of ones.
        weights: one per stored interaction, in the order of `interactions.data`, or None for ones;
            `warp-kos` takes none.

    Raises:
        Diverged: when an embedding is no longer finite.
    """
    weights = None if recipe.loss == "warp-kos" else weights
    if recipe.engine == "fast":
        yield from trainer.epochs_of(
            model, interactions, users.matrix, items.matrix, weights, epochs=epochs, threads=recipe.threads
        )
        return
    for epoch in range(1, epochs + 1):
        _library_epoch(model, interactions, weights, users, items, recipe, epoch)
        yield epoch


def _library_epoch(
    model: LightFM,
    interactions: sparse.csr_matrix,
    weights: NDArray[np.float32] | None,
    users: Features,
    items: Features,
    recipe: Hyperparameters,
    epoch: int,
) -> None:
    positives = interactions.tocoo()
    sample_weight = None
    if weights is not None:
        sample_weight = sparse.coo_matrix((weights, (positives.row, positives.col)), shape=positives.shape)
    try:
        model.fit_partial(
            positives,
            user_features=users.matrix,
            item_features=items.matrix,
            sample_weight=sample_weight,
            epochs=1,
            num_threads=recipe.threads,
        )
    except ValueError as error:
        if "finite" not in str(error).lower() and "nan" not in str(error).lower():
            raise
        raise Diverged(_diverged_text(recipe, epoch)) from error
    if not all(np.isfinite(getattr(model, name)).all() for name in STATE):
        raise Diverged(_diverged_text(recipe, epoch))


def representations(
    model: LightFM, items: Features, users: Features
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Embeddings (n, components) and biases (n,) of items, then of users: feature matrix times feature embeddings."""
    item_biases, item_embeddings = model.get_item_representations(items.matrix)
    user_biases, user_embeddings = model.get_user_representations(users.matrix)
    return tuple(
        np.ascontiguousarray(array, dtype=np.float32)
        for array in (item_embeddings, item_biases, user_embeddings, user_biases)
    )  # type: ignore[return-value]  # mypy does not count a generator's items


def state(model: LightFM) -> dict[str, NDArray[np.float32]]:
    """The arrays of `STATE`, by name."""
    return {name: getattr(model, name) for name in STATE}


def restore(recipe: Hyperparameters, seed: int, arrays: Mapping[str, NDArray[np.float32]]) -> LightFM:
    """A working LightFM from what `state` gave; it can predict and go on training."""
    model = new(recipe, seed)
    for name in STATE:
        array = arrays[name]
        if name.endswith("embeddings") and array.shape[1] != recipe.components:
            raise Corrupted(f"{name} has {array.shape[1]} components, the manifest says {recipe.components}.")
        setattr(model, name, array)
    return model


def _diverged_text(recipe: Hyperparameters, epoch: int) -> str:
    return (
        f"Training diverged: with learning rate {recipe.learning_rate:g} the embeddings are no longer finite numbers "
        f"after pass {epoch}. Lower the learning rate."
    )

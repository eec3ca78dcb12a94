"""An embedding for someone the model was not trained on: WARP passes on that one vector, everything else frozen."""

import numpy as np
from numpy.typing import NDArray

PASSES = 30
LEARNING_RATE = 0.05
TRIES = 32
FEW = 4
"""Items drawn are looked up alone when there are so many times fewer of them than items."""


def fold_in(
    items: NDArray[np.int64],
    item_embeddings: NDArray[np.float32],
    item_biases: NDArray[np.float32],
    *,
    start: NDArray[np.float32] | None = None,
    passes: int = PASSES,
    learning_rate: float = LEARNING_RATE,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Learn one user embedding from the items they had.

    The loss is LightFM's WARP (Weston, Bengio & Usunier 2011): for each item of the history, negatives are drawn until
    one scores within a margin of 1 of it; the step is weighted by log(rank estimated from the number of draws) and
    scaled by Adagrad. Here all items of the history take their step at once, so that a pass is one matrix product: over
    the whole catalogue, or over the items drawn alone where these are far fewer.

    Args:
        items: row numbers of the history, without repeats.
        item_embeddings: (n_items, components).
        item_biases: (n_items,).
        start: (components,), for instance what the attributes say; zeros by default.

    Returns:
        float32 (components,).
    """
    vector = np.zeros(item_embeddings.shape[1], np.float32) if start is None else start.astype(np.float32, copy=True)
    n_items = len(item_biases)
    negatives_exist = len(items) < n_items
    if len(items) == 0 or not negatives_exist:
        return vector
    rng = np.random.default_rng(seed)
    squares = np.ones_like(vector)
    had = np.zeros(n_items, dtype=bool)
    had[items] = True
    positive = item_embeddings[items]
    for _ in range(passes):
        drawn = rng.integers(0, n_items, size=(len(items), TRIES))
        if drawn.size * FEW < n_items:
            scores = (item_embeddings[drawn.ravel()] @ vector + item_biases[drawn.ravel()]).reshape(drawn.shape)
            own = positive @ vector + item_biases[items]
        else:
            everything = item_embeddings @ vector + item_biases
            scores, own = everything[drawn], everything[items]
        violates = (scores > own[:, None] - 1.0) & ~had[drawn]
        found = violates.any(axis=1)
        if not found.any():
            break
        tries = violates.argmax(axis=1) + 1
        weight = np.where(found, np.log(np.maximum(1.0, (n_items - 1) // tries)), 0.0).astype(np.float32)
        negative = drawn[np.arange(len(items)), tries - 1]
        gradient = (weight @ (item_embeddings[negative] - positive)) / len(items)
        squares += gradient**2
        vector -= learning_rate * len(items) ** 0.5 * gradient / np.sqrt(squares)
    return vector

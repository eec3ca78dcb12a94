"""The training engine against the library: the same model, step by step and epoch by epoch."""

import numpy as np
import pytest
from lightfm import LightFM
from scipy import sparse

from recsys import engine

LOSSES = ("warp", "bpr", "logistic", "warp-kos")
STATE = ("embeddings", "embedding_gradients", "embedding_momentum", "biases", "bias_gradients", "bias_momentum")


def shop(
    *, n_users: int = 30, n_items: int = 40, density: float = 0.15, seed: int = 0
) -> tuple[sparse.csr_matrix, sparse.csr_matrix, sparse.csr_matrix, np.ndarray]:
    """Interactions, user features, item features (identity and two levels, rows sum to 1), weights."""
    rng = np.random.default_rng(seed)
    interactions = sparse.csr_matrix((rng.random((n_users, n_items)) < density).astype(np.float32))
    weights = rng.uniform(0.1, 2.0, interactions.nnz).astype(np.float32)
    return interactions, features(n_users, (3,), rng), features(n_items, (4, 9), rng), weights


def features(n: int, levels: tuple[int, ...], rng: np.random.Generator) -> sparse.csr_matrix:
    blocks = [sparse.identity(n, dtype=np.float32)]
    blocks += [
        sparse.csr_matrix((np.ones(n, np.float32), (np.arange(n), rng.integers(0, k, n))), shape=(n, k)) for k in levels
    ]
    matrix = (sparse.hstack(blocks) / len(blocks)).tocsr().astype(np.float32)
    matrix.sort_indices()
    return matrix


def both(
    interactions: sparse.csr_matrix,
    users: sparse.csr_matrix | None,
    items: sparse.csr_matrix | None,
    weights: np.ndarray | None,
    *,
    epochs: int = 1,
    **settings: object,
) -> tuple[LightFM, LightFM]:
    """The same training by the library and by the engine, one thread each."""
    library, ours = (LightFM(**{"no_components": 10, "random_state": 3, **settings}) for _ in range(2))
    pairs = interactions.tocoo()
    given = None if weights is None else sparse.coo_matrix((weights, (pairs.row, pairs.col)), shape=pairs.shape)
    library.fit_partial(pairs, users, items, sample_weight=given, epochs=epochs)
    assert list(engine.epochs_of(ours, interactions, users, items, weights, epochs=epochs, exact=True))
    return library, ours


def assert_same(library: LightFM, ours: LightFM, tolerance: float) -> None:
    for side in ("user", "item"):
        for part in STATE:
            name = f"{side}_{part}"
            np.testing.assert_allclose(
                getattr(ours, name), getattr(library, name), rtol=tolerance, atol=tolerance, err_msg=name
            )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("schedule", ["adagrad", "adadelta"])
@pytest.mark.parametrize("alpha", [0.0, 0.01])
@pytest.mark.parametrize("featured", [True, False])
def test_steps_are_the_librarys(loss: str, schedule: str, alpha: float, featured: bool) -> None:
    _, users, items, _ = shop()
    two = sparse.csr_matrix(([1.0, 1.0], ([7, 8], [11, 12])), shape=(30, 40), dtype=np.float32)
    weights = None if loss == "warp-kos" else np.array([0.7, 1.3], np.float32)
    library, ours = both(
        two,
        users if featured else None,
        items if featured else None,
        weights,
        loss=loss,
        learning_schedule=schedule,
        item_alpha=alpha,
        user_alpha=2 * alpha,
    )
    start = LightFM(no_components=10, random_state=3)
    start._initialize(10, library.item_embeddings.shape[0], library.user_embeddings.shape[0])
    assert np.abs(library.item_embeddings - start.item_embeddings).max() > 1e-4
    assert_same(library, ours, 2e-6)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("schedule", ["adagrad", "adadelta"])
@pytest.mark.parametrize("alpha", [0.0, 0.001])
def test_whole_epochs_with_the_same_random_numbers_are_the_librarys(loss: str, schedule: str, alpha: float) -> None:
    interactions, users, items, weights = shop()
    library, ours = both(
        interactions,
        users,
        items,
        None if loss == "warp-kos" else weights,
        epochs=3,
        loss=loss,
        learning_schedule=schedule,
        item_alpha=alpha,
        user_alpha=alpha,
    )
    assert_same(library, ours, 1e-3)

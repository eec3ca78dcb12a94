"""The training engine against the library: the same model, step by step and epoch by epoch."""

import subprocess
import sys

import numpy as np
import pytest
from lightfm import LightFM
from scipy import sparse

from recsys.errors import Diverged, InvalidInput
from recsys.evaluation.metrics import auc
from recsys.models.engine import trainer
from recsys.settings import PROJECT_ROOT

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
    assert list(trainer.epochs_of(ours, interactions, users, items, weights, epochs=epochs, exact=True))
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


def test_regularisation_that_must_be_divided_out_within_an_epoch_is_the_librarys() -> None:
    interactions, users, items, weights = shop(density=0.5)
    settings = {"loss": "logistic", "item_alpha": 0.3, "user_alpha": 0.2, "learning_rate": 0.5}
    library, ours = both(interactions, users, items, weights, epochs=2, **settings)
    assert_same(library, ours, 1e-3)


@pytest.mark.parametrize("loss", ["bpr", "logistic"])
@pytest.mark.parametrize("alpha", [0.0, 0.05])
def test_ordinary_use_is_the_librarys_where_negatives_do_not_depend_on_scores(loss: str, alpha: float) -> None:
    """One thread, no `exact`: negatives are chosen a few examples early, and it makes no difference."""
    interactions, users, items, weights = shop(density=0.5)
    settings = {"no_components": 10, "loss": loss, "item_alpha": alpha, "user_alpha": alpha, "learning_rate": 0.3}
    library, ours = (LightFM(random_state=3, **settings) for _ in range(2))
    pairs = interactions.tocoo()
    given = sparse.coo_matrix((weights, (pairs.row, pairs.col)), shape=pairs.shape)
    library.fit_partial(pairs, users, items, sample_weight=given, epochs=2)
    trainer.fit_partial(ours, interactions, users, items, weights, epochs=2)
    assert_same(library, ours, 1e-3)


def test_one_thread_and_one_seed_repeat_to_the_bit() -> None:
    interactions, users, items, weights = shop()
    first, second = (LightFM(no_components=10, loss="warp", random_state=5) for _ in range(2))
    for model in (first, second):
        trainer.fit_partial(model, interactions, users, items, weights, epochs=3)
    assert (first.item_embeddings == second.item_embeddings).all()
    assert (first.user_embedding_gradients == second.user_embedding_gradients).all()


def test_more_threads_than_cores_train_too_and_the_library_goes_on_from_there() -> None:
    interactions, users, items, _ = shop()
    model = LightFM(no_components=10, loss="warp", learning_rate=0.5, random_state=5)
    trainer.fit_partial(model, interactions, users, items, epochs=20, threads=64)
    had, new = (model.predict(*np.nonzero(part), items, users).mean() for part in both_kinds(interactions))
    assert had > new + 0.3
    before = model.item_embeddings.copy()
    model.fit_partial(interactions.tocoo(), users, items)
    trainer.fit_partial(model, interactions, users, items)
    assert np.isfinite(model.get_item_representations(items)[1]).all()
    assert not (model.item_embeddings == before).all()


def both_kinds(interactions: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    dense = interactions.toarray() > 0
    return dense, ~dense


def test_entries_in_any_order_and_form_are_the_same_training() -> None:
    interactions, users, items, weights = shop()
    pairs = interactions.tocoo()
    weight_matrix = sparse.coo_matrix((weights, (pairs.row, pairs.col)), shape=pairs.shape)
    expected, as_coo, unsorted = (LightFM(no_components=10, loss="warp", random_state=5) for _ in range(3))
    trainer.fit_partial(expected, interactions, users, items, weights)
    trainer.fit_partial(as_coo, pairs, users, items, weight_matrix)
    backwards = np.concatenate([np.arange(b - 1, a - 1, -1) for a, b in zip(*ends_of(interactions), strict=True)])
    mixed = sparse.csr_matrix(
        (interactions.data, interactions.indices[backwards], interactions.indptr), shape=interactions.shape
    )
    trainer.fit_partial(unsorted, mixed, users, items, weights[backwards])
    assert (as_coo.item_embeddings == expected.item_embeddings).all()
    assert (unsorted.item_embeddings == expected.item_embeddings).all()


def ends_of(matrix: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    return matrix.indptr[:-1], matrix.indptr[1:]


@pytest.mark.parametrize("threads", [1, 2])
def test_it_learns_as_well_as_the_library(threads: int) -> None:
    """Generated tastes, 20 seeds: the paired difference of the AUC on withheld pairs holds 0 or is in our favour."""
    rng = np.random.default_rng(1)
    tastes, appeal = rng.normal(size=(150, 3)), rng.normal(size=(120, 3))
    chance = 1 / (1 + np.exp(5 - 3 * tastes @ appeal.T))
    had = rng.random(chance.shape) < chance
    withheld = had & (rng.random(had.shape) < 0.3)
    interactions = sparse.csr_matrix((had & ~withheld).astype(np.float32))
    users, items = features(150, (3,), rng), features(120, (4, 9), rng)
    differences = []
    for seed in range(20):
        library, ours = (LightFM(no_components=10, loss="warp", learning_rate=0.3, random_state=seed) for _ in range(2))
        library.fit_partial(interactions.tocoo(), users, items, epochs=20)
        trainer.fit_partial(ours, interactions, users, items, epochs=20, threads=threads)
        values = []
        for model in (ours, library):
            scores = model.predict(*np.nonzero(np.ones(had.shape)), items, users).reshape(had.shape)
            scores[had & ~withheld] = -np.inf
            candidates = had.shape[1] - (had & ~withheld).sum(axis=1)
            values.append(auc(scores.astype(np.float32), sparse.csr_matrix(withheld), candidates).mean())
        assert values[0] > 0.75
        differences.append(values[0] - values[1])
    spread = np.std(differences, ddof=1) / np.sqrt(len(differences))
    assert np.mean(differences) + 2.1 * spread >= 0 or abs(np.mean(differences)) < 0.002


def test_rows_without_features_and_shoppers_with_everything_do_no_harm() -> None:
    interactions, users, items, _ = shop()
    interactions = interactions.tolil()
    interactions[3] = 1.0
    users, items = users.tolil(), items.tolil()
    users[4], items[5] = 0, 0
    for loss in LOSSES:
        model = LightFM(no_components=10, loss=loss, random_state=5, item_alpha=0.01)
        trainer.fit_partial(model, interactions.tocsr(), users.tocsr(), items.tocsr(), epochs=2)
        assert np.isfinite(model.item_embeddings).all()


def test_nothing_to_learn_from_only_starts_the_model() -> None:
    model = LightFM(no_components=10, loss="warp", random_state=5)
    trainer.fit_partial(model, sparse.csr_matrix((3, 4), dtype=np.float32), epochs=2, threads=2)
    assert model.item_embeddings.shape == (4, 10)
    with pytest.raises(InvalidInput, match="0 items"):
        trainer.fit_partial(model, sparse.csr_matrix((3, 0), dtype=np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_weights_that_are_no_weights_are_named(value: float) -> None:
    interactions, users, items, weights = shop()
    weights[7] = value
    with pytest.raises(InvalidInput, match=f"Sample weight {value}"):
        trainer.fit_partial(LightFM(loss="warp"), interactions, users, items, weights)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_and_interactions_that_are_no_numbers_are_named(value: float) -> None:
    interactions, users, items, _ = shop()
    items.data[5] = value
    with pytest.raises(InvalidInput, match="item features hold values that are not finite"):
        trainer.fit_partial(LightFM(loss="warp"), interactions, users, items)
    interactions.data[5] = value
    with pytest.raises(InvalidInput, match="interactions hold values that are not finite"):
        trainer.fit_partial(LightFM(loss="warp"), interactions, users)


def test_what_does_not_fit_together_is_named() -> None:
    interactions, users, items, weights = shop()
    model = LightFM(loss="warp")
    with pytest.raises(InvalidInput, match="sample weights for"):
        trainer.fit_partial(model, interactions, users, items, weights[1:])
    with pytest.raises(InvalidInput, match="item features have 39 rows for 40"):
        trainer.fit_partial(model, interactions, users, items[:39])
    with pytest.raises(InvalidInput, match="threads is 0"):
        trainer.fit_partial(model, interactions, users, items, threads=0)
    with pytest.raises(InvalidInput, match="warp-kos takes no sample weights"):
        trainer.fit_partial(LightFM(loss="warp-kos"), interactions, users, items, weights)
    trainer.fit_partial(model, interactions, users, items)
    with pytest.raises(InvalidInput, match="user features have 30 columns; the model was trained with 33"):
        trainer.fit_partial(model, interactions, None, items)


def test_training_that_diverges_says_so_and_keeps_the_last_good_epoch() -> None:
    interactions, users, items, _ = shop()
    model = LightFM(no_components=10, loss="warp", learning_rate=1e30, random_state=5)
    trainer.fit_partial(model, interactions, users, items, epochs=0)
    before = model.item_embeddings.copy()
    with pytest.raises(Diverged, match=r"learning rate 1e\+30 .* after pass 1\."):
        trainer.fit_partial(model, interactions, users, items, epochs=3)
    assert (model.item_embeddings == before).all()


def test_who_stops_after_an_epoch_has_that_epoch() -> None:
    interactions, users, items, _ = shop()
    stopped, whole = (LightFM(no_components=10, loss="warp", random_state=5) for _ in range(2))
    steps = trainer.epochs_of(stopped, interactions, users, items, epochs=50)
    assert next(steps) == 1
    steps.close()
    trainer.fit_partial(whole, interactions, users, items, epochs=1)
    assert (stopped.item_embeddings == whole.item_embeddings).all()


def test_nothing_that_compiles_is_imported_before_training() -> None:
    code = "import recsys, recsys.training.train, sys; print('numba' in sys.modules or 'umap' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_machine_that_lets_nothing_be_kept_compiles_into_a_temporary_folder() -> None:
    code = """
from numba.core import caching, config
config.CACHE_DIR = ""
for locator in (caching.InTreeCacheLocator, caching.UserWideCacheLocator):
    locator.from_function = classmethod(lambda *_: None)
from recsys.utils.numba_modules import numba_module
print(numba_module("models.engine.kernels").train, config.CACHE_DIR)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert "insider-" in done.stdout


class OneByOne:
    """An executor that does one thing after the other."""

    def __init__(self, _: int) -> None: ...

    def __enter__(self) -> "OneByOne":
        return self

    def __exit__(self, *_: object) -> None: ...

    map = staticmethod(map)


@pytest.mark.parametrize("loss", ["warp", "bpr", "logistic"])
@pytest.mark.parametrize("alpha", [0.0, 0.001])
def test_rows_of_a_threads_own_lose_nothing(loss: str, alpha: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that work one after the other learn the same with rows of their own as without."""
    monkeypatch.setattr(trainer, "ThreadPoolExecutor", OneByOne)
    monkeypatch.setattr(trainer.arithmetic, "cores", lambda: 3)
    rng = np.random.default_rng(5)
    interactions = sparse.csr_matrix((rng.random((80, 60)) < 0.4).astype(np.float32))
    levels = sparse.csr_matrix((np.ones(60, np.float32), (np.arange(60), rng.integers(0, 3, 60))))
    items = sparse.hstack([sparse.identity(60, dtype=np.float32), levels]).tocsr()
    found = []
    for most in (0, 64):
        monkeypatch.setattr(trainer, "MOST_HOT", most)
        model = LightFM(
            no_components=20, loss=loss, item_alpha=alpha, user_alpha=alpha, random_state=3, learning_rate=0.02
        )
        trainer.fit_partial(model, interactions, None, items, epochs=2, threads=3)
        found.append(model)
    hot = trainer._hot(items, interactions)
    assert {60, 61, 62} <= set(hot.tolist())
    assert_same(*found, 2e-3)


def test_hot_features_are_those_that_many_examples_change() -> None:
    lookup = sparse.csr_matrix(np.ones((200, 1), np.float32) * np.eye(1, 300, 7, dtype=np.float32))
    levels = sparse.csr_matrix((np.ones(300, np.float32), (np.arange(300), np.arange(300) % 150)))
    items = sparse.hstack([sparse.identity(300, dtype=np.float32), levels]).tocsr()
    assert trainer._hot(items, lookup).tolist() == [7, 307], "an item that everybody has, and its category"

"""Fold-in: one vector is learned, everything else stays, and it ranks the history above the rest."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recsys.evaluation.evaluate import evaluate
from recsys.models.fold_in import fold_in
from recsys.recommend.recommender import Recommender
from tests.strategies import PROPERTY


@PROPERTY
@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.integers(1, 8), st.booleans())
def test_the_vector_is_finite_repeatable_and_nothing_else_changes(
    seed: int, n_items: int, components: int, with_start: bool
) -> None:
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(size=(n_items, components)).astype(np.float32)
    biases = rng.normal(size=n_items).astype(np.float32)
    items = np.flatnonzero(rng.random(n_items) < 0.4)
    start = rng.normal(size=components).astype(np.float32) if with_start else None
    copies = embeddings.copy(), biases.copy(), None if start is None else start.copy()
    vector = fold_in(items, embeddings, biases, start=start, seed=3)
    assert vector.shape == (components,)
    assert vector.dtype == np.float32
    assert np.isfinite(vector).all()
    assert np.array_equal(vector, fold_in(items, embeddings, biases, start=start, seed=3))
    assert np.array_equal(embeddings, copies[0])
    assert np.array_equal(biases, copies[1])
    assert start is None or np.array_equal(start, copies[2])


def test_without_a_history_the_start_comes_back() -> None:
    embeddings, biases = np.ones((5, 3), np.float32), np.zeros(5, np.float32)
    start = np.array([1, 2, 3], np.float32)
    none = np.zeros(0, np.int64)
    assert fold_in(none, embeddings, biases).tolist() == [0, 0, 0]
    assert fold_in(none, embeddings, biases, start=start).tolist() == [1, 2, 3]
    assert fold_in(np.arange(5), embeddings, biases, start=start).tolist() == [1, 2, 3]


def test_the_history_comes_to_rank_above_the_rest() -> None:
    """Two camps of items; whoever had some of one camp must prefer the rest of it."""
    rng = np.random.default_rng(0)
    camp = np.arange(200) % 2
    embeddings = (np.where(camp[:, None], [1.0, 0.2], [-1.0, 0.2]) + rng.normal(0, 0.2, (200, 2))).astype(np.float32)
    history = np.flatnonzero(camp)[:10]
    scores = embeddings @ fold_in(history, embeddings, np.zeros(200, np.float32))
    unseen = np.setdiff1d(np.arange(200), history)
    best = unseen[np.argsort(-scores[unseen])[:50]]
    assert camp[best].all()


def test_folded_vectors_find_what_was_bought_next_nearly_as_well_as_trained_ones(live: Recommender) -> None:
    model = live.model
    pairs = model.history.counts
    folded = np.stack(
        [
            fold_in(
                pairs.indices[model.history.of_user(user)].astype(np.int64), model.item_embeddings, model.item_biases
            )
            for user in range(len(live.users))
        ]
    )
    rng = np.random.default_rng(0)
    shuffled = folded[rng.permutation(len(folded))]

    class Fixed:
        def __init__(self, vectors: np.ndarray) -> None:
            self.vectors = vectors

        def scores(self, users: np.ndarray) -> np.ndarray:
            return self.vectors[users] @ model.item_embeddings.T + model.item_biases

    nothing = pairs.copy()
    nothing.data[:] = 0
    nothing.eliminate_zeros()
    auc = {
        name: float(evaluate(Fixed(vectors), nothing, pairs, only=("auc",)).values["auc"].mean())
        for name, vectors in (("trained", model.user_embeddings), ("folded", folded), ("another's", shuffled))
    }
    assert auc["folded"] > auc["another's"] + 0.02
    assert auc["folded"] > auc["trained"] - 0.05

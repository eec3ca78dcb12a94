"""Baselines against independent second implementations: dense algebra, and the library `implicit`."""

import numpy as np
import pytest
from scipy import sparse

from recsys.models import baselines
from recsys.models.baselines import ALS, EASE, ItemKNN, OwnFrequency, Popular, PopularInCategories, fit_all
from tests.strategies import bool_matrix


@pytest.fixture(scope="module")
def had() -> sparse.csr_matrix:
    """60 users x 40 items with two camps, so that there is something to learn; one user and one item have nothing."""
    rng = np.random.default_rng(0)
    camps = (np.arange(60)[:, None] + np.arange(40)) % 2
    dense = (rng.random((60, 40)) < np.where(camps, 0.4, 0.05)).astype(np.float32)
    dense[7], dense[:, 11] = 0, 0
    return sparse.csr_matrix(dense)


EVERYBODY = np.arange(60)


def test_popular_counts_users(had: sparse.csr_matrix) -> None:
    scores = Popular.fit(had).scores(np.array([3, 3, 9]))
    assert scores.shape == (3, 40)
    assert (scores == had.toarray().sum(axis=0)).all()


def test_popular_in_categories_is_popularity_times_own_share(had: sparse.csr_matrix) -> None:
    categories = np.arange(40, dtype=np.int64) // 10
    scores = PopularInCategories.fit(had, categories).scores(EVERYBODY)
    dense = had.toarray()
    for user in (0, 7, 33):
        own = max(dense[user].sum(), 1)
        for item in (0, 11, 39):
            share = dense[user, categories == categories[item]].sum() / own
            assert scores[user, item] == pytest.approx(share * dense[:, item].sum())


@pytest.mark.parametrize("neighbours", [5, 39, 100])
@pytest.mark.parametrize("block", [7, 1024])
def test_item_knn_is_shrunk_cosine(had: sparse.csr_matrix, neighbours: int, block: int) -> None:
    dense = had.toarray().astype(np.float64)
    together = dense.T @ dense
    lengths = np.sqrt(np.diag(together))
    likeness = together / (np.outer(lengths, lengths) + 10.0)
    np.fill_diagonal(likeness, 0.0)
    if neighbours < 40:
        for row in likeness:
            row[row < np.sort(row)[-neighbours]] = 0.0
    expected = dense @ likeness.T
    found = ItemKNN.fit(had, neighbours=neighbours, block=block).scores(EVERYBODY)
    assert found == pytest.approx(expected, abs=1e-5)


def test_ease_is_the_closed_form_of_the_paper(had: sparse.csr_matrix) -> None:
    x = had.toarray().astype(np.float64)
    inverse = np.linalg.inv(x.T @ x + 30.0 * np.eye(40))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    scorer = EASE.fit(had, regularisation=30.0)
    assert scorer is not None
    assert scorer.scores(EVERYBODY) == pytest.approx(x @ weights, abs=1e-4)
    assert scorer.scores(np.array([5, 2])) == pytest.approx((x @ weights)[[5, 2]], abs=1e-4)


def test_ease_is_left_out_where_it_would_not_fit(had: sparse.csr_matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "EASE_MOST", 10)
    assert EASE.fit(had) is None
    assert "ease" not in fit_all(had)


def als_loss(
    had: sparse.csr_matrix, users: np.ndarray, items: np.ndarray, alpha: float, regularisation: float
) -> float:
    dense = had.toarray()
    confidence = 1 + alpha * dense
    error = confidence * (dense - users @ items.T) ** 2
    return float(error.sum() + regularisation * ((users**2).sum() + (items**2).sum()))


def test_als_reaches_as_low_a_loss_as_the_library_implicit(had: sparse.csr_matrix) -> None:
    implicit_als = pytest.importorskip("implicit.cpu.als")
    ours = ALS.fit(had, factors=6, alpha=3.0, regularisation=0.5, iterations=40)
    theirs = implicit_als.AlternatingLeastSquares(
        factors=6, alpha=1.0, regularization=0.5, iterations=40, use_cg=False, num_threads=1, random_state=1
    )
    theirs.fit((1 + 3.0) * had, show_progress=False)
    our_loss = als_loss(had, ours.user_factors, ours.item_factors, 3.0, 0.5)
    their_loss = als_loss(had, theirs.user_factors, theirs.item_factors, 3.0, 0.5)
    assert our_loss == pytest.approx(their_loss, rel=0.05)
    assert ours.scores(np.array([2])) == pytest.approx(ours.user_factors[[2]] @ ours.item_factors.T)


def test_als_stands_still_when_solved(had: sparse.csr_matrix) -> None:
    """The user factors solve the normal equations of their last half-step."""
    model = ALS.fit(had, factors=4, alpha=2.0, regularisation=1.0, iterations=60)
    dense, items = had.toarray().astype(np.float64), model.item_factors.astype(np.float64)
    for user in (0, 7, 20):
        confidence = 1 + 2.0 * dense[user]
        system = items.T @ (confidence[:, None] * items) + np.eye(4)
        expected = np.linalg.solve(system, items.T @ (confidence * dense[user]))
        assert model.user_factors[user] == pytest.approx(expected, abs=0.02)


def test_own_frequency_is_counts_then_recency() -> None:
    counts = sparse.csr_matrix(np.array([[3, 1, 1, 0], [0, 2, 0, 2]], dtype=np.float32))
    recency = np.array([0.0, 0.2, 0.9, 0.5, 0.1], dtype=np.float32)
    scores = OwnFrequency.fit(counts, recency).scores(np.array([0, 1]))
    assert np.argsort(-scores[0])[:3].tolist() == [0, 2, 1]
    assert np.argsort(-scores[1])[:2].tolist() == [1, 3]


def test_every_baseline_the_data_allow_is_fitted(had: sparse.csr_matrix) -> None:
    steps: list[str] = []
    fitted = fit_all(had, on_step=steps.append)
    assert set(fitted) == {"popular", "item_knn", "als", "ease"}
    assert set(fitted) <= set(steps)
    categories = np.arange(40, dtype=np.int64) % 4
    own = OwnFrequency.fit(had, np.zeros(had.nnz, np.float32))
    more = fit_all(had, faded=had, categories=categories, own=own)
    assert set(more) == set(fitted) | {"popular_lately", "popular_in_categories", "own_frequency"}
    for name, scorer in more.items():
        scores = scorer.scores(np.array([0, 7]))
        assert scores.shape == (2, 40), name
        assert np.isfinite(scores).all(), name


def test_learned_baselines_beat_popularity_where_there_are_camps(had: sparse.csr_matrix) -> None:
    dense = had.toarray() > 0
    camps = (np.arange(60)[:, None] + np.arange(40)) % 2 == 1
    for name, scorer in fit_all(had).items():
        scores = np.where(dense, -np.inf, scorer.scores(EVERYBODY))
        best = np.argsort(-scores, axis=1)[:, :5]
        share = np.take_along_axis(camps, best, axis=1)[np.arange(60) != 7].mean()
        assert (share > 0.6) == (name != "popular"), (name, share)


def test_a_matrix_with_nothing_in_it_breaks_none() -> None:
    rng = np.random.default_rng(0)
    nothing = bool_matrix(rng, 5, 6, 0.0)
    for name, scorer in fit_all(nothing).items():
        assert np.isfinite(scorer.scores(np.arange(5))).all(), name

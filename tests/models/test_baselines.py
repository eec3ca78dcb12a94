"""Baselines against independent second implementations: dense algebra, and the library `implicit`."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import sparse

from recsys.dataset.dataset import Dataset
from recsys.dataset.decay import ones
from recsys.dataset.splitting import time_split
from recsys.evaluation import baseline_selection
from recsys.evaluation.baseline_selection import choose_settings, climbed, fitted_baselines, methods_for
from recsys.evaluation.evaluate import ndcg_at_k
from recsys.models.base import Scorer
from recsys.models.baselines import (
    ALS,
    EASE,
    SLIM,
    ItemKNN,
    OwnFrequency,
    Popular,
    PopularInCategories,
    RP3Beta,
    UserKNN,
    ease,
    limits,
)
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


def cosine(one: np.ndarray, shrinkage: float, neighbours: int) -> np.ndarray:
    """Shrunk cosine of the rows of `one`, the strongest of each row kept, one at a time."""
    together = one @ one.T
    lengths = np.sqrt(np.diag(together))
    likeness = together / np.maximum(np.outer(lengths, lengths) + shrinkage, 1e-9)
    np.fill_diagonal(likeness, 0.0)
    if neighbours < len(one):
        for row in likeness:
            row[row < np.sort(row)[-neighbours]] = 0.0
    return likeness


@pytest.mark.parametrize("neighbours", [39, 100])
@pytest.mark.parametrize("shrinkage", [10.0, 3.3])
def test_item_knn_and_user_knn_are_shrunk_cosine(had: sparse.csr_matrix, neighbours: int, shrinkage: float) -> None:
    dense = had.toarray().astype(np.float64)
    found = ItemKNN.fit(had, neighbours=neighbours, shrinkage=shrinkage).scores(EVERYBODY)
    assert found == pytest.approx(dense @ cosine(dense.T, shrinkage, neighbours).T, abs=1e-5)
    found = UserKNN.fit(had, neighbours=neighbours, shrinkage=shrinkage).scores(EVERYBODY)
    assert found == pytest.approx(cosine(dense, shrinkage, neighbours) @ dense, abs=1e-5)


def test_item_knn_keeps_the_strongest(had: sparse.csr_matrix) -> None:
    whole = ItemKNN.fit(had, neighbours=40).weights.toarray()
    few = ItemKNN.fit(had, neighbours=5).weights.toarray()
    for item in range(40):
        kept = few[:, item][few[:, item] > 0]
        assert sorted(kept) == pytest.approx(sorted(whole[:, item])[40 - len(kept) :])
        assert len(kept) == min(5, (whole[:, item] > 0).sum())


def test_rp3beta_is_the_walk_of_the_paper(had: sparse.csr_matrix) -> None:
    dense = had.toarray().astype(np.float64)
    of_users, of_items = np.maximum(dense.sum(axis=1), 1), np.maximum(dense.sum(axis=0), 1)
    walk = (dense.T / of_items[:, None] ** 0.8) @ (dense / of_users[:, None] ** 0.8) / of_items**0.4
    np.fill_diagonal(walk, 0.0)
    found = RP3Beta.fit(had, alpha=0.8, beta=0.4, neighbours=40).scores(EVERYBODY)
    assert found == pytest.approx(dense @ walk, rel=1e-4, abs=1e-7)


def closed_form(dense: np.ndarray, regularisation: float) -> np.ndarray:
    """Weights of EASE, by the paper."""
    inverse = np.linalg.inv(dense.T @ dense + regularisation * np.eye(dense.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return weights


@pytest.mark.parametrize("turned", [False, True])
def test_ease_is_the_closed_form_of_the_paper(had: sparse.csr_matrix, turned: bool) -> None:
    """With more users than items and with fewer; the items and users without anything take no part."""
    one = had.T.tocsr() if turned else had
    dense = one.toarray().astype(np.float64)
    expected = np.where(dense > 0, 0, dense @ closed_form(dense, 30.0))
    scorer = EASE.fit(one, regularisation=30.0)
    assert scorer.by_users == turned
    for users in (np.arange(len(dense)), np.array([5, 2])):
        assert np.where(dense[users] > 0, 0, scorer.scores(users)) == pytest.approx(expected[users], abs=1e-4)


def test_ease_is_left_out_where_it_would_not_fit_and_the_figure_is_said(
    had: sparse.csr_matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ease.left_out(had) == ""
    monkeypatch.setattr(ease, "MOST_BYTES", 10_000)
    told = ease.left_out(had)
    assert told == "left out: for 59 shoppers and 39 products it would need 12.2 kB of memory, more than 10.0 kB"
    assert methods_for(had)[-1] == "slim"


def test_slim_over_all_items_is_the_ridge_regression_of_each_item(had: sparse.csr_matrix) -> None:
    dense = had.toarray().astype(np.float64)
    gram = dense.T @ dense
    found = SLIM.fit(had, regularisation=5.0, neighbours=40).weights.toarray()
    for item in (0, 3, 38):
        near = np.flatnonzero((gram[item] > 0) & (np.arange(40) != item))
        expected = np.linalg.solve(gram[np.ix_(near, near)] + 5.0 * np.eye(len(near)), gram[near, item])
        assert found[near, item] == pytest.approx(expected, abs=1e-5)


def test_long_histories_are_cut_until_the_work_is_bounded_and_it_is_said(had: sparse.csr_matrix) -> None:
    assert limits.cut_to(had, 10**9) == (had, "")
    wide = sparse.csr_matrix(np.ones((20, 100), np.float32))
    cut, told = limits.cut_to(wide, 20 * 50**2)
    assert np.diff(cut.indptr).tolist() == [50] * 20
    assert told == "histories cut to 50 random products"
    fewer, told = limits.cut_to(wide, 9000)
    assert 0 < (np.diff(fewer.indptr) > 0).sum() < 20
    assert "of 20 shoppers drawn" in told
    scorer = ItemKNN.fit(wide, most=9000)
    assert scorer.note == told
    assert scorer.interactions.nnz == wide.nnz


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


LEARNED: tuple[Callable[[sparse.csr_matrix], Scorer], ...] = (
    ItemKNN.fit, UserKNN.fit, RP3Beta.fit, ALS.fit, EASE.fit, SLIM.fit,
)  # fmt: skip


def test_learned_baselines_beat_popularity_where_there_are_camps(had: sparse.csr_matrix) -> None:
    dense = had.toarray() > 0
    camps = (np.arange(60)[:, None] + np.arange(40)) % 2 == 1
    for fit in (Popular.fit, *LEARNED):
        scores = np.where(dense, -np.inf, fit(had).scores(EVERYBODY))
        best = np.argsort(-scores, axis=1)[:, :5]
        share = np.take_along_axis(camps, best, axis=1)[np.arange(60) != 7].mean()
        assert (share > 0.6) == (fit != Popular.fit), (fit, share)


def test_a_matrix_with_nothing_in_it_breaks_none() -> None:
    nothing = bool_matrix(np.random.default_rng(0), 5, 6, 0.0)
    for fit in LEARNED:
        assert np.isfinite(fit(nothing).scores(np.arange(5))).all(), fit


def test_a_value_is_climbed_to_as_long_as_it_helps_and_no_further() -> None:
    asked: list[float] = []

    def worth(value: float) -> float:
        asked.append(value)
        return -abs(value - 30.0)

    assert climbed((1.0, 10.0, 20.0, 30.0, 40.0, 50.0), 10.0, worth) == 30.0
    assert asked == [10.0, 20.0, 30.0, 40.0]
    assert climbed((30.0, 40.0, 50.0), 50.0, worth) == 30.0


def test_settings_are_those_that_do_best_on_validation(small_dataset: Dataset) -> None:
    split = time_split(small_dataset)
    chosen, note = choose_settings("ease", split)
    assert note == ""

    def value(regularisation: float) -> float:
        scorer = EASE.fit(ones(split.fit), regularisation=regularisation)
        return ndcg_at_k(scorer, split.fit.counts, split.validation.counts) or 0.0

    best = chosen["regularisation"]
    assert value(best) >= max(value(1000.0), value(best * 10), value(best / 10))
    names = [name for name, _, _ in fitted_baselines(split, small_dataset.items, small_dataset.category_levels)]
    assert names == [
        "popular", "popular_lately", "popular_in_categories", "own_frequency", "item_knn", "user_knn", "rp3beta",
        "als", "ease",
    ]  # fmt: skip


def test_what_takes_too_long_to_choose_is_said(small_dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline_selection, "MOST_WORK", 1.0)
    chosen, note = choose_settings("als", time_split(small_dataset))
    assert chosen["factors"] == 16
    assert note.startswith("not tried, as it takes too long on these data: factors 16, regularisation")

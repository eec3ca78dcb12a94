"""Each metric against an independent second implementation: scikit-learn's, or the definition written out in loops."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.metrics import average_precision_score, ndcg_score, roc_auc_score

from recsys.evaluation import metrics
from tests.strategies import PROPERTY


@st.composite
def rankings(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """Scores without ties (n_users, n_items), relevance of the same shape with at least one each, and k."""
    n_users, n_items = draw(st.integers(1, 5)), draw(st.integers(2, 12))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    scores = rng.permuted(np.tile(np.arange(n_items, dtype=np.float64), (n_users, 1)), axis=1)
    relevant = rng.random((n_users, n_items)) < draw(st.sampled_from((0.1, 0.5, 0.9)))
    relevant[np.arange(n_users), rng.integers(0, n_items, n_users)] = True
    return scores, relevant, draw(st.integers(1, n_items))


def hits_of(scores: np.ndarray, relevant: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(-scores, axis=1)[:, :k]
    return np.take_along_axis(relevant, order, axis=1), relevant.sum(axis=1)


@PROPERTY
@given(rankings())
def test_ndcg_is_scikit_learns(case: tuple[np.ndarray, np.ndarray, int]) -> None:
    scores, relevant, k = case
    theirs = [ndcg_score(r[None, :].astype(int), s[None, :], k=k) for r, s in zip(relevant, scores, strict=True)]
    assert metrics.ndcg(*hits_of(*case)) == pytest.approx(theirs)


@PROPERTY
@given(rankings())
def test_average_precision_of_the_whole_ranking_is_scikit_learns(case: tuple[np.ndarray, np.ndarray, int]) -> None:
    scores, relevant, _ = case
    theirs = [average_precision_score(r, s) for r, s in zip(relevant, scores, strict=True)]
    assert metrics.average_precision(*hits_of(scores, relevant, scores.shape[1])) == pytest.approx(theirs)


@PROPERTY
@given(rankings())
def test_metrics_of_lists_are_their_definitions(case: tuple[np.ndarray, np.ndarray, int]) -> None:
    hits, relevant = hits_of(*case)
    k = hits.shape[1]
    for user, row in enumerate(hits):
        ranks = [rank for rank, hit in enumerate(row, start=1) if hit]
        assert metrics.precision(hits)[user] == pytest.approx(len(ranks) / k)
        assert metrics.recall(hits, relevant)[user] == pytest.approx(len(ranks) / relevant[user])
        assert metrics.hit_rate(hits)[user] == (1.0 if ranks else 0.0)
        assert metrics.mrr(hits)[user] == pytest.approx(1 / ranks[0] if ranks else 0.0)
        precisions = [sum(r <= rank for r in ranks) / rank for rank in ranks]
        expected = sum(precisions) / min(k, relevant[user])
        assert metrics.average_precision(hits, relevant)[user] == pytest.approx(expected)


@PROPERTY
@given(rankings())
def test_a_perfect_list_gets_one_and_an_empty_one_nothing(case: tuple[np.ndarray, np.ndarray, int]) -> None:
    _, relevant, k = case
    hits, counts = hits_of(relevant.astype(float), relevant, k)
    for values in (metrics.ndcg(hits, counts), metrics.average_precision(hits, counts), metrics.mrr(hits)):
        assert values == pytest.approx(1.0)
    nothing = np.zeros_like(hits)
    for values in (metrics.ndcg(nothing, counts), metrics.average_precision(nothing, counts), metrics.mrr(nothing)):
        assert values == pytest.approx(0.0)


@PROPERTY
@given(
    st.integers(0, 2**32 - 1), st.integers(2, 30), st.integers(1, 4), st.sampled_from((0.1, 0.5, 0.9)), st.booleans()
)
def test_auc_is_scikit_learns_also_with_ties(
    seed: int, n_items: int, n_levels: int, chance: float, with_excluded: bool
) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, n_levels, (3, n_items)).astype(np.float32)
    candidate = rng.random((3, n_items)) < (0.7 if with_excluded else 1.1)
    relevant = (rng.random((3, n_items)) < chance) & candidate
    masked = np.where(candidate, scores, -np.inf).astype(np.float32)
    ours = metrics.auc(masked, sparse.csr_matrix(relevant), candidate.sum(axis=1))
    for user in range(3):
        truth, given_scores = relevant[user][candidate[user]], scores[user][candidate[user]]
        mixed = truth.any() and not truth.all()
        assert ours[user] == pytest.approx(roc_auc_score(truth, given_scores) if mixed else 0.5)


@st.composite
def shown_lists(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    """Lists (n_users, k) of distinct item numbers, the empty places (-1) at their ends, and the number of items."""
    n_items, k = draw(st.integers(1, 9)), draw(st.integers(1, 6))
    rows = draw(
        st.lists(st.lists(st.integers(0, n_items - 1), unique=True, max_size=min(k, n_items)), min_size=1, max_size=6)
    )
    return np.array([row + [-1] * (k - len(row)) for row in rows], dtype=np.int32), n_items


@PROPERTY
@given(shown_lists(), st.integers(1, 4))
def test_diversity_is_the_share_of_unlike_pairs(case: tuple[np.ndarray, int], n_categories: int) -> None:
    lists, n_items = case
    categories = np.arange(n_items) % n_categories
    for row, found in zip(lists, metrics.diversity(lists, categories), strict=True):
        pairs = list(combinations([categories[i] for i in row if i >= 0], 2))
        assert found == pytest.approx(sum(a != b for a, b in pairs) / len(pairs) if pairs else 0.0)


@PROPERTY
@given(shown_lists(), st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_novelty_is_mean_self_information_in_bits(case: tuple[np.ndarray, int], n_users: int, seed: int) -> None:
    lists, n_items = case
    popularity = np.random.default_rng(seed).integers(0, n_users + 1, n_items)
    for row, found in zip(lists, metrics.novelty(lists, popularity, n_users), strict=True):
        shares = [popularity[i] / n_users if popularity[i] else 1 / (n_users + 1) for i in row if i >= 0]
        assert found == pytest.approx(-sum(map(math.log2, shares)) / len(shares) if shares else 0.0)


def test_novelty_of_known_shares() -> None:
    lists = np.array([[0, 1], [2, -1]], dtype=np.int32)
    assert metrics.novelty(lists, np.array([8, 4, 2]), 16).tolist() == [1.5, 3.0]


@PROPERTY
@given(shown_lists())
def test_exposure_coverage_and_gini(case: tuple[np.ndarray, int]) -> None:
    lists, n_items = case
    shown = metrics.exposure(lists, n_items)
    assert shown.tolist() == [int((lists == item).sum()) for item in range(n_items)]
    assert metrics.coverage(shown) == pytest.approx(len({i for i in lists.ravel() if i >= 0}) / n_items)
    differences = np.abs(shown[:, None] - shown[None, :]).sum()
    total = shown.sum()
    assert metrics.gini(shown) == pytest.approx(differences / (2 * n_items * total) if total else 0.0)


def test_gini_of_equal_and_of_single_exposure() -> None:
    assert metrics.gini(np.full(50, 3)) == pytest.approx(0.0)
    assert metrics.gini(np.array([0] * 99 + [7])) == pytest.approx(0.99)


def test_intervals_repeat_with_the_seed_and_hold_the_mean() -> None:
    values = np.random.default_rng(3).random(400)
    low, high = metrics.bootstrap_interval(values, seed=1)
    assert (low, high) == metrics.bootstrap_interval(values, seed=1)
    assert (low, high) != metrics.bootstrap_interval(values, seed=2)
    assert low < values.mean() < high


def test_intervals_are_quantiles_of_the_means_of_users_drawn_anew() -> None:
    values = np.random.default_rng(3).normal(size=(7, 2))
    rng = np.random.default_rng(0)
    means = [values[rng.integers(0, 7, 7)].mean(axis=0) for _ in range(1000)]
    expected = np.quantile(means, [0.025, 0.975], axis=0).T
    found = metrics.bootstrap_intervals(values)
    assert found.shape == (2, 2)
    assert found == pytest.approx(expected)
    assert metrics.bootstrap_interval(values[:, 1]) == pytest.approx(tuple(expected[1]))
    two = sorted(mean[0] for mean in means[:2])
    assert metrics.bootstrap_interval(values[:, 0], samples=2, level=1.0) == pytest.approx(tuple(two))
    assert metrics.bootstrap_interval(np.array([0.0, 1.0])) == (0.0, 1.0), "two users are drawn from as well"


def test_intervals_are_as_wide_as_theory_says() -> None:
    values = np.random.default_rng(4).normal(5.0, 2.0, 900)
    low, high = metrics.bootstrap_interval(values, samples=4000)
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / 30, rel=0.08)
    inner_low, inner_high = metrics.bootstrap_interval(values, level=0.5)
    assert low < inner_low < inner_high < high


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(5)
    held = [
        low <= 0.3 <= high
        for low, high in (
            metrics.bootstrap_interval((rng.random(200) < 0.3).astype(float), samples=300) for _ in range(200)
        )
    ]
    assert 0.89 <= np.mean(held) <= 0.99


def test_interval_of_one_user_and_of_none() -> None:
    assert metrics.bootstrap_interval(np.array([0.25])) == (0.25, 0.25)
    assert all(math.isnan(end) for end in metrics.bootstrap_interval(np.zeros(0)))

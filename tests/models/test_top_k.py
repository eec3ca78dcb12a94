"""The k best against sorting everything, with ties, exclusions and filters; ties go to the lower item number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from recsys.models.rank.top_k import BLOCK, GROUP, NOTHING, scores_of_one, top_k, top_k_block, top_k_of_products
from tests.strategies import PROPERTY


def by_sorting(scores: np.ndarray, k: int, left_out: set[int], allowed: np.ndarray | None) -> list[int]:
    candidates = [i for i in range(len(scores)) if i not in left_out and (allowed is None or allowed[i])]
    return sorted(candidates, key=lambda i: (-scores[i], i))[:k]


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, int, np.ndarray, np.ndarray | None]:
    """Scores (n_users, n_items) with many ties, k, what is excluded, and which items are allowed."""
    n_users, n_items = draw(st.integers(1, 5)), draw(st.integers(1, 14))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = draw(st.sampled_from((1, 3, 1000)))
    scores = (rng.integers(-levels, levels + 1, (n_users, n_items)) / 7).astype(np.float32)
    excluded = rng.random((n_users, n_items)) < draw(st.sampled_from((0.0, 0.3, 0.9)))
    allowed = rng.random(n_items) < 0.6 if draw(st.booleans()) else None
    return scores, draw(st.integers(1, n_items + 3)), excluded, allowed


@PROPERTY
@given(cases())
def test_a_block_is_what_sorting_gives(case: tuple[np.ndarray, int, np.ndarray, np.ndarray | None]) -> None:
    scores, k, excluded, allowed = case
    items, values = top_k_block(scores.copy(), k, sparse.csr_matrix(excluded), allowed)
    assert items.shape == values.shape == (len(scores), k)
    for user in range(len(scores)):
        expected = by_sorting(scores[user], k, set(np.flatnonzero(excluded[user])), allowed)
        filled = len(expected)
        assert items[user, :filled].tolist() == expected
        assert values[user, :filled].tolist() == scores[user, expected].tolist()
        assert (items[user, filled:] == NOTHING).all()
        assert np.isneginf(values[user, filled:]).all()


@PROPERTY
@given(cases())
def test_one_user_is_a_block_of_one_and_scores_stay(
    case: tuple[np.ndarray, int, np.ndarray, np.ndarray | None],
) -> None:
    scores, k, excluded, allowed = case
    before = scores.copy()
    items, values = top_k(scores[0], k, exclude=np.flatnonzero(excluded[0]), allowed=allowed)
    assert items.tolist() == by_sorting(scores[0], k, set(np.flatnonzero(excluded[0])), allowed)
    assert len(values) == len(items)
    assert (scores == before).all()


def test_all_equal_scores_give_the_lowest_numbers() -> None:
    items, _ = top_k(np.full(1000, 0.5, np.float32), 10, exclude=np.array([0, 3]))
    assert items.tolist() == [1, 2, 4, 5, 6, 7, 8, 9, 10, 11]


@pytest.mark.parametrize("everything", [np.arange(6), None])
def test_nothing_left_is_an_empty_list(everything: np.ndarray | None) -> None:
    allowed = None if everything is not None else np.zeros(6, dtype=bool)
    items, values = top_k(np.arange(6, dtype=np.float32), 3, exclude=everything, allowed=allowed)
    assert len(items) == len(values) == 0


@PROPERTY
@given(st.integers(0, 2**32 - 1), st.sampled_from((1, 4, 50, 10**6)), st.sampled_from((1, 3, 10)))
def test_many_items_are_ranked_as_sorting_does_whatever_the_ties(seed: int, levels: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    n_items = int(rng.integers(GROUP * 4 * k, GROUP * 4 * k + 3 * GROUP))
    scores = (rng.integers(-levels, levels + 1, (4, n_items)) / 7).astype(np.float32)
    allowed = rng.random(n_items) < rng.choice((0.001, 0.5)) if seed % 2 else None
    items, values = top_k_block(scores.copy(), k, allowed=allowed)
    for user in range(4):
        expected = by_sorting(scores[user], k, set(), allowed)
        assert items[user, : len(expected)].tolist() == expected
        assert values[user, : len(expected)].tolist() == scores[user, expected].tolist()
        assert (items[user, len(expected) :] == NOTHING).all()


@PROPERTY
@given(st.integers(0, 2**32 - 1), st.sampled_from((1, 4, 50, 10**6)), st.sampled_from((1, 3, 10)))
def test_one_of_many_items_is_ranked_as_sorting_does(seed: int, levels: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    n_items = int(rng.integers(GROUP * 4 * k, GROUP * 4 * k + 3 * GROUP))
    scores = (rng.integers(-levels, levels + 1, n_items) / 7).astype(np.float32)
    left_out = np.flatnonzero(rng.random(n_items) < rng.choice((0.0, 0.3, 0.999)))
    items, values = top_k(scores, k, exclude=left_out)
    expected = by_sorting(scores, k, set(left_out), None)
    assert items.tolist() == expected
    assert values.tolist() == scores[expected].tolist()


@pytest.mark.parametrize("components", [1, 7, 64, 9000])
@pytest.mark.parametrize("n", [0, 1, 127, 1000])
def test_scores_in_pieces_are_the_products(n: int, components: int) -> None:
    rng = np.random.default_rng(n + components)
    rows = rng.normal(size=(n, components)).astype(np.float32)
    vector = rng.normal(size=components).astype(np.float32)
    np.testing.assert_allclose(scores_of_one(rows, vector), rows.astype(float) @ vector, rtol=1e-3, atol=1e-3)


def test_products_in_blocks_are_ranked_as_the_whole_matrix_is() -> None:
    """Whole numbers, so that no rounding decides; more users than a block holds; some have had everything."""
    rng = np.random.default_rng(0)
    users, items = (rng.integers(-2, 3, (n, 5)).astype(np.float32) for n in (BLOCK + 40, 3000))
    biases = rng.integers(-3, 4, 3000).astype(np.float32)
    dense = rng.random((len(users), 3000)) < 0.05
    dense[[3, BLOCK + 1]] = True
    had = sparse.csr_matrix(dense)
    found = top_k_of_products(users, items, biases, 10, had)
    whole = top_k_block(users @ items.T + biases, 10, had)
    assert (found[0] == whole[0]).all()
    assert (found[1] == whole[1]).all()
    assert (found[0][3] == NOTHING).all()
    assert found[0][0].tolist() == by_sorting((users @ items.T + biases)[0], 10, set(had[0].indices), None)

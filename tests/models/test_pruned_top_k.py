"""The short list gives what sorting all scores gives, whatever the embeddings, ties, exclusions and filters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from recsys.models.rank import pruned_top_k
from recsys.models.rank.pruned_top_k import PrunedTopK, RoundedEmbeddings
from recsys.models.rank.top_k import GROUP
from tests.strategies import PROPERTY

COMPONENTS = 64
KINDS = ("whole", "fading", "even", "equal", "nothing")


def embeddings(kind: str, n_items: int, rng: np.random.Generator) -> np.ndarray:
    """(n_items, COMPONENTS) float32; `whole` numbers tie often and are multiplied without rounding."""
    if kind == "whole":
        items = np.zeros((n_items, COMPONENTS))
        items[:, :5] = rng.integers(-2, 3, (n_items, 5)) * (rng.random((n_items, 1)) < 0.5)
        items[:, 20:] = rng.integers(0, 2, (n_items, COMPONENTS - 20)) * (rng.random((n_items, 1)) < 0.01)
    elif kind == "equal":
        items = np.ones((n_items, COMPONENTS))
    elif kind == "nothing":
        items = np.zeros((n_items, COMPONENTS))
    else:
        items = rng.normal(size=(n_items, COMPONENTS))
        if kind == "fading":
            items *= 0.8 ** rng.permutation(COMPONENTS)
            items *= rng.pareto(1.5, (n_items, 1))
    return items.astype(np.float32)


def by_sorting(scores: np.ndarray, open_to: np.ndarray, k: int) -> list[int]:
    places = np.flatnonzero(open_to)
    return places[np.argsort(-scores[places], kind="stable")][:k].tolist()


@pytest.mark.parametrize("large", [False, True])
@PROPERTY
@given(st.integers(0, 2**32 - 1), st.sampled_from(KINDS), st.sampled_from((1, 3, 10)), st.booleans())
def test_the_list_is_what_sorting_gives(large: bool, seed: int, kind: str, k: int, many: bool) -> None:
    """Whatever the catalogue, as one that is `large` as well."""
    rng = np.random.default_rng(seed)
    n_items = int(rng.integers(4 * k * GROUP, 6 * k * GROUP)) if many else int(rng.integers(1, 200))
    items = embeddings(kind, n_items, rng)
    biases = rng.integers(-3, 4, n_items).astype(np.float32) * np.float32(rng.choice((0, 1)))
    user_vector = (rng.integers(-3, 4, COMPONENTS) if kind == "whole" else rng.normal(size=COMPONENTS)).astype(
        np.float32
    )
    left_out = np.flatnonzero(rng.random(n_items) < rng.choice((0.0, 0.3, 0.999, 1.0)))
    allowed = rng.random(n_items) < rng.choice((0.001, 0.5)) if rng.random() < 0.5 else None
    open_to = np.ones(n_items, bool) if allowed is None else allowed.copy()
    open_to[left_out] = False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pruned_top_k, "LARGE", 0 if large else pruned_top_k.LARGE)
        patch.setattr(pruned_top_k, "SHARE", 2.0 if large else pruned_top_k.SHARE)
        short = PrunedTopK(items, biases)
    assert isinstance(short._bounds, RoundedEmbeddings) == large
    found, values = short.best(user_vector, k, bias=0.5, exclude=left_out, allowed=allowed)
    scores = np.vecdot(items, user_vector) + biases + np.float32(0.5)
    expected = by_sorting(scores, open_to, k)
    assert found.tolist() == expected
    assert values.tolist() == scores[expected].tolist()

    first = max(n_items - 7, 1)
    grown = PrunedTopK(items[:first], biases[:first])
    for end in (min(first + 2, n_items), n_items):
        grown = grown.with_more(items[:end], biases[:end])
    after = grown.best(user_vector, k, bias=0.5, exclude=left_out, allowed=allowed)
    assert [x.tolist() for x in after] == [found.tolist(), values.tolist()], "items that came later are ranked as well"

    if allowed is None:
        had = sparse.csr_matrix(~open_to[None, :].repeat(3, axis=0))
        items_of, scores_of = short.best_of_many(np.stack([user_vector] * 3), np.full(3, 0.5, np.float32), k, had)
        for row in range(3):
            assert items_of[row][items_of[row] >= 0].tolist() == expected, "many at once, to the bit"
            assert scores_of[row][items_of[row] >= 0].tolist() == values.tolist()


def test_most_items_are_passed_over_and_shorter_lists_are_beginnings_of_longer_ones(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    n_items = 20_000
    items = embeddings("fading", n_items, rng)
    short = PrunedTopK(items, np.zeros(n_items, np.float32))
    multiplied = []
    once = PrunedTopK._scores
    monkeypatch.setattr(
        PrunedTopK,
        "_scores",
        lambda self, places, user_vector: multiplied.append(len(places)) or once(self, places, user_vector),
    )
    user_vector = rng.normal(size=COMPONENTS).astype(np.float32)
    longest = short.best(user_vector, 100)
    assert 100 <= sum(multiplied) < n_items / 10
    for k in (1, 10, 50):
        assert [x.tolist() for x in short.best(user_vector, k)] == [x[:k].tolist() for x in longest]


@pytest.mark.parametrize("components", [1, 5, 63, 64, 160])
def test_short_embeddings_are_multiplied_as_they_are(components: int) -> None:
    rng = np.random.default_rng(components)
    items = (rng.normal(size=(6000, components)) * 0.9 ** np.arange(components)).astype(np.float32)
    short = PrunedTopK(items, np.zeros(6000, np.float32))
    assert (short._bounds is not None) == (components >= pruned_top_k.WORTHWHILE * (pruned_top_k.HEAD + 2))
    user_vector = rng.normal(size=components).astype(np.float32)
    expected = by_sorting(np.vecdot(items, user_vector), np.ones(6000, bool), 10)
    assert short.best(user_vector, 10)[0].tolist() == expected


def test_rounded_embeddings_are_at_most_half_a_step_away() -> None:
    items = embeddings("fading", 500, np.random.default_rng(5))
    rounded = RoundedEmbeddings(items, np.zeros(500, np.float32))
    steps = np.abs(items).max(axis=1) / 127
    assert (np.abs(rounded._codes * rounded._scales[:, None] - items).max(axis=1) <= 0.501 * steps).all()


def test_without_a_bias_scores_are_products_alone() -> None:
    items = np.eye(3, COMPONENTS, dtype=np.float32)
    _, values = PrunedTopK(items, np.zeros(3, np.float32)).best(np.ones(COMPONENTS, np.float32), 2)
    assert values.tolist() == [1.0, 1.0]


def test_many_short_lists_are_filled_up_with_nothing() -> None:
    items = np.eye(5, COMPONENTS, dtype=np.float32) * np.arange(1, 6, dtype=np.float32)[:, None]
    had = sparse.csr_matrix(np.array([[0, 0, 0, 0, 1], [1, 1, 1, 1, 1]], bool))
    users = np.ones((2, COMPONENTS), np.float32)
    found, values = PrunedTopK(items, np.zeros(5, np.float32)).best_of_many(users, np.zeros(2, np.float32), 7, had)
    assert found.tolist() == [[3, 2, 1, 0, -1, -1, -1], [-1] * 7]
    assert values.tolist() == [[4.0, 3.0, 2.0, 1.0, *[-np.inf] * 3], [-np.inf] * 7]


def test_lists_with_ties_at_their_end_are_each_made_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """More items tie than are multiplied once more, for every user in another way, and in more than one batch."""
    monkeypatch.setattr(pruned_top_k, "MANY", 2)
    rng = np.random.default_rng(7)
    short = PrunedTopK(np.ones((60, COMPONENTS), np.float32), np.zeros(60, np.float32))
    users, biases = rng.normal(size=(5, COMPONENTS)).astype(np.float32), np.arange(5, dtype=np.float32)
    had = sparse.csr_matrix(rng.random((5, 60)) < 0.3)
    found, values = short.best_of_many(users, biases, 4, had)
    for user in range(5):
        items, scores = short.best(users[user], 4, bias=float(biases[user]), exclude=had[user].indices)
        assert items.tolist() == np.flatnonzero(had[user].toarray().ravel() == 0)[:4].tolist()
        assert found[user].tolist() == items.tolist()
        assert values[user].tolist() == scores.tolist()

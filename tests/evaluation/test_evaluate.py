"""Judging by one protocol: candidates and relevance as the lanes say, the same as working it out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.metrics import ndcg_score, roc_auc_score

from recsys.evaluation.evaluate import BLOCK, PER_USER, evaluate, ndcg_at_k
from tests.strategies import PROPERTY, bool_matrix


class Given:
    """A scorer with the scores it is given."""

    def __init__(self, scores: np.ndarray) -> None:
        self.table = scores.astype(np.float32)

    def scores(self, users: np.ndarray) -> np.ndarray:
        return self.table[users]


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, sparse.csr_matrix, sparse.csr_matrix, int]:
    n_users, n_items = draw(st.integers(1, 6)), draw(st.integers(2, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scores = rng.permuted(np.tile(np.arange(n_items, dtype=np.float64), (n_users, 1)), axis=1)
    density = draw(st.sampled_from((0.1, 0.4, 0.8)))
    train = bool_matrix(rng, n_users, n_items, density)
    test = bool_matrix(rng, n_users, n_items, 0.4)
    return scores, train, test, draw(st.integers(1, n_items + 2))


@PROPERTY
@given(cases(), st.sampled_from(("discover", "again")))
def test_it_is_what_working_it_out_by_hand_gives(
    case: tuple[np.ndarray, sparse.csr_matrix, sparse.csr_matrix, int], lane: str
) -> None:
    scores, train, test, k = case
    found = evaluate(Given(scores), train, test, k=k, lane=lane)
    had, later = train.toarray() > 0, test.toarray() > 0
    candidate = had if lane == "again" else ~had
    relevant = later & candidate
    assert found.users.tolist() == np.flatnonzero(relevant.any(axis=1)).tolist()
    for place, user in enumerate(found.users):
        order = [i for i in np.argsort(-scores[user]) if candidate[user, i]][:k]
        hits = [bool(relevant[user, i]) for i in order]
        assert found.lists[place, : len(order)].tolist() == order
        assert (found.lists[place, len(order) :] == -1).all()
        assert found.values["precision"][place] == pytest.approx(sum(hits) / k)
        assert found.values["recall"][place] == pytest.approx(sum(hits) / relevant[user].sum())
        truth, given_scores = relevant[user][candidate[user]], scores[user][candidate[user]]
        if len(truth) > 1:
            expected = ndcg_score(truth[None].astype(int), given_scores[None], k=k)
            assert found.values["ndcg"][place] == pytest.approx(expected)
        if not truth.all():
            assert found.values["auc"][place] == pytest.approx(roc_auc_score(truth, given_scores))
    assert found.shown.sum() == (found.lists >= 0).sum()


def test_many_users_are_judged_in_blocks_as_one() -> None:
    rng = np.random.default_rng(0)
    n_users = 2 * BLOCK + 17
    scores = rng.random((n_users, 40))
    train, test = bool_matrix(rng, n_users, 40, 0.1), bool_matrix(rng, n_users, 40, 0.1)
    together = evaluate(Given(scores), train, test, k=5)
    for user in (0, BLOCK - 1, BLOCK, n_users - 1):
        place = np.flatnonzero(together.users == user)
        alone = evaluate(Given(scores[[user]]), train[[user]], test[[user]], k=5)
        assert len(place) == len(alone.users)
        for name in ("precision", "ndcg", "auc", "map"):
            assert together.values[name][place] == pytest.approx(alone.values[name])


def test_an_oracle_gets_one_and_its_opposite_next_to_nothing() -> None:
    rng = np.random.default_rng(1)
    train, test = bool_matrix(rng, 50, 60, 0.2), bool_matrix(rng, 50, 60, 0.2)
    truth = test.toarray() + rng.random((50, 60)) / 10
    best, worst = (evaluate(Given(s), train, test).summary() for s in (truth, -truth))
    for name in ("ndcg", "map", "mrr", "hit_rate", "auc"):
        assert best[name]["value"] == pytest.approx(1.0)
        assert worst[name]["value"] < 0.05
    assert best["ndcg"]["low"] <= best["ndcg"]["value"] <= best["ndcg"]["high"]


def test_scores_given_by_the_scorer_may_be_shared() -> None:
    """The protocol may overwrite what it is handed; a scorer that hands out its own table must not be harmed."""
    scores = np.random.default_rng(2).random((4, 9)).astype(np.float32)
    scorer = Given(scores)
    scorer.scores = lambda users: scorer.table  # type: ignore[method-assign]
    before = scorer.table.copy()
    ones = sparse.csr_matrix(np.eye(4, 9))
    evaluate(scorer, ones, sparse.csr_matrix(np.ones((4, 9))))
    assert np.array_equal(before, scorer.table)


def test_only_what_is_asked_is_measured() -> None:
    ones = sparse.csr_matrix(np.eye(4, 9))
    later = sparse.csr_matrix(np.ones((4, 9)))
    found = evaluate(Given(np.ones((4, 9))), ones, later, only=("ndcg",))
    assert set(found.values) == {"ndcg"}
    everything = evaluate(
        Given(np.ones((4, 9))), ones, later, categories=np.arange(9) % 2, popularity=np.arange(9)
    )  # fmt: skip
    assert set(everything.values) == set(PER_USER)


def test_nobody_to_judge_gives_none() -> None:
    ones = sparse.csr_matrix(np.ones((3, 4)))
    found = evaluate(Given(np.ones((3, 4))), ones, ones)
    assert len(found.users) == 0
    assert all(part is None for metric in found.summary().values() for part in metric.values())
    assert ndcg_at_k(Given(np.ones((3, 4))), ones, ones) is None


def test_the_fast_path_is_the_same_number() -> None:
    rng = np.random.default_rng(3)
    scores = rng.random((30, 25))
    train, test = bool_matrix(rng, 30, 25, 0.2), bool_matrix(rng, 30, 25, 0.2)
    expected = evaluate(Given(scores), train, test, k=10).values["ndcg"].mean()
    assert ndcg_at_k(Given(scores), train, test) == pytest.approx(expected)

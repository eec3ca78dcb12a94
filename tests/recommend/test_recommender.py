"""Answers: the order is LightFM's own, exclusions and filters hold, and single, batch and stored models agree."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.errors import InvalidInput, NotFound
from recsys.models.hyperparameters import Hyperparameters, Learner
from recsys.models.rank.top_k import NOTHING
from recsys.recommend.recommender import LANES, MAX_K, Recommender
from recsys.recommend.results import mixed_lanes
from recsys.services.batch import Lists, recommend_all
from recsys.services.workspace import Workspace
from recsys.training.train import train
from tests.conftest import SMALL_RECIPE
from tests.shops import checkerboard
from tests.strategies import PROPERTY

SOME_USERS = ("u000", "u001", "u017", "u060", "u119")


def had(live: Recommender, user_id: str) -> set[str]:
    pairs = live.model.history
    rows = pairs.counts.indices[pairs.of_user(live.model.user_row(user_id))]
    return set(live.items["item_id"].to_numpy()[rows])


@pytest.mark.parametrize("learner", ["als", "softmax", "warp", "bpr", "logistic"])
def test_the_withheld_diagonal_of_a_checkerboard_ranks_first(learner: Learner) -> None:
    recipe = Hyperparameters(
        learner=learner, popularity_lift=0.0, adapt=(), components=4, epochs=60, patience=50, max_sampled=50,
        learning_rate=0.1, half_life_days=0, threads=1, variety=0.0,
    )  # fmt: skip
    board = Recommender(train(checkerboard(40), recipe, seed=0))
    for user_id in board.users["user_id"]:
        answer = board.recommend(user_id, k=21)
        assert answer.items[0].item_id == user_id
        assert all((int(item.item_id) - int(user_id)) % 2 for item in answer.items[1:])
    assert board.manifest["metrics"]["lanes"]["discover"]["model"]["ndcg"]["value"] == 1.0


def test_the_order_is_that_of_lightfm_predict(live: Recommender) -> None:
    """For every user and the whole catalogue. Single precision may swap only what `predict` itself holds equal."""
    model = live.model
    n_items = len(live.items)
    for user, user_id in enumerate(live.users["user_id"]):
        theirs = live.lightfm.predict(
            user, np.arange(n_items), item_features=model.item_features.matrix, user_features=model.user_features.matrix
        )
        answer = live.recommend(user_id, k=n_items)
        rows = model.item_rows([item.item_id for item in answer.items])
        excluded = set(model.history.counts.indices[model.history.of_user(user)])
        order = [row for row in np.argsort(-theirs, kind="stable") if row not in excluded]
        assert sorted(rows) == sorted(order)
        assert theirs[rows] == pytest.approx(theirs[order], abs=1e-6)
        apart = np.diff(theirs[order]) < -1e-5
        for place in np.flatnonzero(apart[1:] & apart[:-1]) + 1:
            assert rows[place] == order[place]
        assert [item.score for item in answer.items] == pytest.approx(theirs[rows], abs=1e-4)


def test_batch_equals_single(live: Recommender) -> None:
    items, scores = live.top_k_for_all(7)
    for user, user_id in enumerate(live.users["user_id"]):
        single = live.recommend(user_id, 7).items
        assert live.items["item_id"].to_numpy()[items[user]].tolist() == [item.item_id for item in single]
        assert scores[user].tolist() == [item.score for item in single], "to the bit"


def test_the_table_of_everybody_is_the_single_answers(live: Recommender) -> None:
    table = recommend_all(live, Lists(3))
    assert len(table) == 3 * len(live.users)
    for user_id in SOME_USERS:
        rows = table[table["user_id"] == user_id]
        single = live.recommend(user_id, 3).items
        assert rows["item_id"].tolist() == [item.item_id for item in single]
        assert rows["title"].tolist() == [item.title for item in single]
        assert rows["rank"].tolist() == [1, 2, 3]


def test_a_batch_pads_who_has_nearly_everything(live: Recommender) -> None:
    items, scores = live.top_k_for_all(len(live.items))
    filled = (items != NOTHING).sum(axis=1)
    assert (filled == len(live.items) - np.diff(live.model.history.counts.indptr)).all()
    assert np.isneginf(scores[items == NOTHING]).all()


@pytest.mark.parametrize("user_id", SOME_USERS)
def test_lanes_hold_what_they_say(live: Recommender, user_id: str) -> None:
    before = had(live, user_id)
    discover, again, both = (live.recommend(user_id, 20, lane) for lane in LANES)
    assert not {item.item_id for item in discover.items} & before
    assert {item.item_id for item in again.items} <= before
    assert len(again.items) == min(20, len(before))
    for lane, answer in (("discover", discover), ("again", again)):
        assert all(item.lane == lane for item in answer.items)
        scores = [item.score for item in answer.items]
        assert scores == sorted(scores, reverse=True)
        chosen = [item.item_id for item in both.items if item.lane == lane]
        assert chosen == [item.item_id for item in answer.items][: len(chosen)]
    assert len({item.item_id for item in both.items}) == 20
    assert [item.rank for item in both.items] == list(range(1, 21))


@PROPERTY
@given(st.integers(0, 12), st.integers(0, 12), st.floats(0, 1))
def test_mixing_keeps_orders_and_proportion(n_discover: int, n_again: int, share: float) -> None:
    discover = [(i, -float(i), "discover") for i in range(n_discover)]
    again = [(100 + i, -float(i), "again") for i in range(n_again)]
    mixed = mixed_lanes(discover, again, share)
    assert sorted(mixed) == sorted(discover + again)
    assert [line for line in mixed if line[2] == "discover"] == discover
    assert [line for line in mixed if line[2] == "again"] == again
    for place in range(1, len(mixed) + 1):
        taken = sum(line[2] == "again" for line in mixed[:place])
        if taken < n_again and place - taken < n_discover:
            assert abs(taken - share * place) <= 1


@pytest.mark.parametrize("category", ["Bakery", "Dairy shelf 3", ["Garden", "Drinks shelf 0"]])
@pytest.mark.parametrize("lane", LANES)
def test_filters_keep_only_their_categories_and_change_no_order(
    live: Recommender, category: str | list[str], lane: str
) -> None:
    names = {category} if isinstance(category, str) else set(category)
    everything = live.recommend("u042", MAX_K, lane).items
    found = live.recommend("u042", MAX_K, lane, category).items
    assert found
    assert all(names & set(item.category) for item in found)
    if lane != "all":
        expected = [item.item_id for item in everything if names & set(item.category)]
        assert [item.item_id for item in found] == expected


def test_an_unknown_category_is_named_with_what_is_near(live: Recommender) -> None:
    with pytest.raises(NotFound, match=r"No category 'Bakry' in model '.*'\. Did you mean 'Bakery'"):
        live.recommend("u001", category="Bakry")
    with pytest.raises(NotFound, match="No category 'qqqq'"):
        live.recommend("u001", category=["Bakery", "qqqq"])


def test_unknown_users_and_items_are_named(live: Recommender) -> None:
    with pytest.raises(NotFound, match="No user 'nobody' in model"):
        live.recommend("nobody")
    with pytest.raises(NotFound, match="No item 'nothing' in model"):
        live.similar("nothing")
    with pytest.raises(NotFound, match="No item 'nothing' in model"):
        live.recommend_for(history=["00001", "nothing"])
    with pytest.raises(InvalidInput, match="no attribute 'income'"):
        live.recommend_for(user={"income": "1"})


@pytest.mark.parametrize("k", [0, -1, MAX_K + 1, 10_001, "ten", "10", 2.5, None, True])
def test_a_bad_k_is_named(live: Recommender, k: object) -> None:
    for ask in (
        lambda: live.recommend("u001", k),
        lambda: live.similar("00001", k),
        lambda: live.recommend_for(k=k),
        lambda: live.top_k_for_all(k),
    ):
        with pytest.raises(InvalidInput, match=f"k is {k!r}; it must be a whole number from 1 to {MAX_K}"):
            ask()


def test_the_largest_k_gives_all_there_is(live: Recommender) -> None:
    assert len(live.recommend("u001", MAX_K).items) == len(live.items) - len(had(live, "u001"))


@pytest.mark.parametrize("item_id", ["00000", "00031", "00159"])
def test_similar_items_are_the_nearest_by_cosine(live: Recommender, item_id: str) -> None:
    row = int(live.model.item_rows([item_id])[0])
    vectors = live.item_embeddings.astype(np.float64)
    cosine = vectors @ vectors[row] / (np.linalg.norm(vectors, axis=1) * np.linalg.norm(vectors[row]))
    found = live.similar(item_id, 12)
    assert item_id not in [item.item_id for item in found]
    assert [item.score for item in found] == pytest.approx(np.sort(np.delete(cosine, row))[::-1][:12], abs=1e-5)
    rows = live.model.item_rows([item.item_id for item in found])
    assert [item.score for item in found] == pytest.approx(cosine[rows], abs=1e-5)


def test_items_that_never_sold_lie_near_their_category(live: Recommender) -> None:
    for item_id in ("00156", "00157", "00158", "00159"):
        own = live.items.set_index("item_id").at[item_id, "department"]
        near = [item.category[0] for item in live.similar(item_id, 5)]
        assert near.count(own) >= 3


def test_somebody_new_is_placed_by_what_they_had(live: Recommender) -> None:
    """Fold-in of a known user's own history recommends much of what training made of it, from the same shelves."""
    same = []
    for user_id in live.users["user_id"][:40]:
        history = sorted(had(live, user_id))
        folded = live.recommend_for(history, k=10)
        assert folded.path == "folded"
        assert not {item.item_id for item in folded.items} & set(history)
        trained = live.recommend(user_id, 10)
        same.append(len({i.item_id for i in folded.items} & {i.item_id for i in trained.items}) / 10)
    assert np.mean(same) > 0.5


def test_attributes_move_the_answer(live: Recommender) -> None:
    """Ages have planted tastes; a newcomer of an age gets more of its department than another does."""
    taste = {"19-24": "Bakery", "25-44": "Dairy", "45+": "Drinks"}
    for age, department in taste.items():
        own = live.recommend_for(user={"age": age}, k=40)
        assert own.path == "cold"
        share = np.mean([item.category[0] == department for item in own.items])
        plain = np.mean([item.category[0] == department for item in live.recommend_for(k=40).items])
        assert share >= plain
    answers = {tuple(i.item_id for i in live.recommend_for(user={"age": age}).items) for age in taste}
    assert len(answers) == 3


def test_nobody_at_all_gets_what_everybody_likes(live: Recommender) -> None:
    answer = live.recommend_for(k=5)
    rows = live.model.item_rows([item.item_id for item in answer.items])
    assert rows.tolist() == np.argsort(-live.model.popularity, kind="stable")[:5].tolist()


def test_a_repeated_history_counts_in_the_lane_again(live: Recommender) -> None:
    answer = live.recommend_for(["00003", "00001", "00003"], lane="again")
    assert [(item.item_id, item.score) for item in answer.items] == [("00003", 2.0), ("00001", 1.0)]


def test_whoever_bought_nothing_before_the_cut_is_cold(live: Recommender) -> None:
    model = live.model
    counts = model.history.counts.copy()
    counts.data[:] = 0
    counts.eliminate_zeros()
    nothing = replace(
        model.history, counts=counts, first=model.history.first[:0], last=model.history.last[:0],
        value=model.history.value[:0],
    )  # fmt: skip
    newcomer = Recommender(replace(model, history=nothing))
    answer = newcomer.recommend("u001", 5)
    assert (answer.path, len(answer.items)) == ("cold", 5)
    assert newcomer.recommend("u001", lane="again").items == ()


def test_a_stored_model_answers_as_the_trained_one(workspace: Workspace) -> None:
    trained = Recommender(train(workspace.dataset("small"), SMALL_RECIPE, seed=1))
    stored = workspace.load()
    for user_id in SOME_USERS:
        one, other = trained.recommend(user_id, 10, "all").items, stored.recommend(user_id, 10, "all").items
        assert one == other


def test_popularity_rank_is_a_ranking(live: Recommender) -> None:
    ranks = live.model.popularity_rank
    assert sorted(ranks) == list(range(1, len(ranks) + 1))
    assert (np.diff(live.model.popularity[np.argsort(ranks)]) <= 0).all()

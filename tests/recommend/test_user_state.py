"""Where somebody stands, and what each item of a history does to a score: exact where the fold-in is linear."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.dataset.dataset import Dataset
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.linear_fold_in import LinearFoldIn
from recsys.models.purchases import Weighting
from recsys.recommend.recommender import Recommender
from recsys.services.workbench.target_user import Person, described, known
from recsys.training.train import train
from recsys.views.explanation import item_influences


@pytest.fixture(scope="module")
def linear(small_dataset: Dataset) -> Recommender:
    """Answers from a model whose learner places shoppers by a formula."""
    found = Recommender(train(small_dataset, Hyperparameters(components=12, epochs=2, windows=1, adapt=()), seed=1))
    assert found.user_states.linear is not None
    return found


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31), n=st.integers(1, 30), half_lives=st.sampled_from([(), (30.0, 60.0)]),
    times=st.booleans(), attributes=st.booleans(), power=st.sampled_from([0.0, 0.3, 1.0]),
)  # fmt: skip
def test_falls_are_the_scores_with_less_the_scores_without(
    seed: int, n: int, half_lives: tuple[float, ...], times: bool, attributes: bool, power: float
) -> None:
    rng = np.random.default_rng(seed)
    items, scales = rng.normal(size=(40, 6)).astype(np.float32), (rng.random(40) + 0.1).astype(np.float32)
    fold = LinearFoldIn(
        items, scales, np.eye(6, dtype=np.float32), power, Weighting(half_lives, tuple(0.7 for _ in half_lives))
    )
    history = rng.choice(40, n, replace=False)
    days = rng.random(n) * 100 if times else None
    start = rng.normal(size=6).astype(np.float32) if attributes else None
    towards = rng.normal(size=6).astype(np.float32)
    falls = fold.falls(towards, history, days, start=start)
    whole = fold.vector(history, days, start=start)
    for place in range(n):
        kept = np.arange(n) != place
        without = fold.vector(history[kept], None if days is None else days[kept], start=start)
        assert falls[place] == pytest.approx(float((whole - without) @ towards), abs=2e-3)


@pytest.mark.parametrize("attributes", [{}, {"age": "45+"}])
def test_what_is_said_of_a_persona_is_what_taking_it_away_does(linear: Recommender, attributes: dict[str, str]) -> None:
    person = Person(tuple(known(linear, "u007").person.history), attributes)
    item = linear.recommend_for(person.history, attributes).items[3]
    found = linear.user_states.without_each(
        int(linear.model.item_rows([item.item_id])[0]), described(linear, person).user_state, attributes
    )
    assert found.exact
    assert sorted(linear.model.items["item_id"].iloc[found.items]) == sorted(person.history)
    for row, fall in zip(found.items, found.falls, strict=True):
        less = person.changed(without=[linear.model.items["item_id"].iat[row]])
        scores = linear.scores_for(linear.user_state_for(less.history, attributes).user_vector)
        now = scores[linear.model.item_rows([item.item_id])[0]]
        assert item.score - now == pytest.approx(fall, abs=1e-4)


def test_falls_of_a_known_shopper_add_up_to_their_folded_taste(linear: Recommender) -> None:
    subject = known(linear, "u011")
    item = linear.recommend("u011").items[0]
    row = int(linear.model.item_rows([item.item_id])[0])
    found = linear.user_states.without_each(row, subject.user_state, subject.person.attributes, "u011")
    user_vector = float(linear.item_embeddings[row] @ subject.user_state.user_vector.vector)
    assert found.falls.sum() == pytest.approx(user_vector, rel=1e-3, abs=1e-3)
    told = item_influences(linear, subject, item.item_id)
    assert told.tried == len(subject.user_state.items)
    assert told.how.startswith("Exact")
    assert told.table["fall"].iloc[0] == pytest.approx(found.falls[0])


def test_an_item_does_not_speak_for_itself(linear: Recommender) -> None:
    subject = known(linear, "u003")
    own = subject.person.history[0]
    row = int(linear.model.item_rows([own])[0])
    assert row not in linear.user_states.without_each(row, subject.user_state, {}, "u003").items


def test_drawn_fold_ins_are_told_as_measured(live: Recommender) -> None:
    assert live.user_states.linear is None
    subject = known(live, "u001")
    told = item_influences(live, subject, live.recommend("u001").items[0].item_id)
    assert told.how.startswith("Measured")


def test_the_last_described_are_kept_and_let_go(live: Recommender) -> None:
    fresh = replace(live)
    first = fresh.user_state_for(["00001"])
    assert fresh.user_state_for(["00001"]) is first
    for number in range(70):
        fresh.user_state_for([f"{number % 150 + 2:05d}"])
    assert fresh.user_state_for(["00001"]) is not first

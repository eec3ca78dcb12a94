"""Reasons: the additive ones sum to the score of every item, for known, folded and cold users alike."""

import numpy as np
import pytest

from recsys.recommend.explain import Reason, reasons_for, similar_from_history, vector_of_user
from recsys.recommend.recommender import Answer, Recommender

KINDS = {"item", "category", "brand", "user", "bias", "history", "rule"}


def check_sums(answer: Answer) -> None:
    assert answer.items
    for item in answer.items:
        assert item.reasons
        total = sum(reason.value for reason in item.reasons if reason.additive)
        assert total == pytest.approx(item.score, abs=1e-4)
        assert {reason.kind for reason in item.reasons} <= KINDS


@pytest.mark.parametrize("lane", ["discover", "again", "all"])
@pytest.mark.parametrize("user_id", ["u000", "u003", "u118"])
def test_reasons_of_a_known_user_sum_to_the_score(live: Recommender, user_id: str, lane: str) -> None:
    check_sums(live.recommend(user_id, 30, lane, explain=True))


@pytest.mark.parametrize(
    "history, user",
    [([], {}), (["00001"], {}), ([], {"age": "45+"}), (["00001", "00002", "00002"], {"age": "19-24"})],
)
@pytest.mark.parametrize("lane", ["discover", "all"])
def test_reasons_of_somebody_new_sum_to_the_score(
    live: Recommender, history: list[str], user: dict[str, str], lane: str
) -> None:
    check_sums(live.recommend_for(history, user, 30, lane, explain=True))


def test_reasons_of_the_whole_catalogue_sum_to_the_scores(live: Recommender) -> None:
    user = 7
    user_vector = vector_of_user(live.model, user)
    scores = live.model.scores([user])[0]
    for item in range(len(live.items)):
        assert sum(reason.value for reason in reasons_for(live.model, item, user_vector)) == pytest.approx(
            scores[item], abs=1e-4
        )


def test_reasons_name_what_the_item_is(live: Recommender) -> None:
    model = live.model
    row = int(np.argmax(model.popularity))
    user = int(np.flatnonzero(live.users["age"].notna())[0])
    reasons = reasons_for(model, row, vector_of_user(model, user))
    table = live.items.iloc[row]
    assert [(r.kind, r.name) for r in reasons if r.kind in ("item", "category", "brand")] == [
        ("item", "this product itself"), ("category", table["department"]), ("category", table["shelf"]),
        ("brand", table["brand"]),
    ] or {r.name for r in reasons} >= {table["department"], table["shelf"], table["brand"]}  # fmt: skip
    assert [r.name for r in reasons if r.kind == "user"] == [f"age: {live.users['age'].iat[user]}"]
    assert [r.kind for r in reasons[-2:]] == ["bias", "bias"]


def test_nearest_of_the_history_are_ordered_and_their_own(live: Recommender) -> None:
    history = np.array([0, 4, 8, 9, 13, 22], dtype=np.int64)
    found = similar_from_history(live.model, 12, history, most=4)
    assert len(found) <= 4
    assert all(not reason.additive and 0 < reason.value <= 1 + 1e-6 for reason in found)
    assert [r.value for r in found] == sorted((r.value for r in found), reverse=True)
    assert {r.name for r in found} <= set(live.items["title"].to_numpy()[history])
    assert similar_from_history(live.model, 12, history[:0]) == []


def test_a_reason_is_ready_for_json() -> None:
    assert Reason("bias", "liked by everybody", 0.5, True).to_dict() == {
        "kind": "bias", "name": "liked by everybody", "value": 0.5, "additive": True,
    }  # fmt: skip

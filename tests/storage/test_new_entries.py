"""Items announced since the training: added at little cost, and as if the model had been made with them."""

from typing import Any

import numpy as np
import pytest

from recsys.recommend.recommender import Recommender
from recsys.recommend.rules import Boost, Rules
from recsys.services.workspace import Workspace
from recsys.storage.new_entries import with_new_items

GARDEN = {"title": "Rake", "category": ["Garden", "Garden shelf 1"], "brand": "Store brand", "price": 3.5}
FIRST: dict[str, Any] = {"rake": GARDEN, "00001": {"title": "known already"}, "blank": {}}
SECOND: dict[str, Any] = {
    **FIRST,
    "spade": {**GARDEN, "title": "Spade"},
    "odd": {"category": ["Nowhere", "Dairy shelf 2"]},
}
CHANGED: dict[str, Any] = {**SECOND, "rake": {**GARDEN, "title": "Wide rake", "category": ["Dairy"]}}


@pytest.fixture
def base(workspace: Workspace) -> Recommender:
    """The answers of the small model, with everything worked out that is kept."""
    live = workspace.load()
    found = Recommender(live.model, live.map, live.activity)
    found.recommend("u001", 5, "all", explain=True)
    found.similar("00001", 3)
    found.allowed("Garden")
    assert found.user_states.linear is None
    for name in ("search_text", "categories", "item_index", "popularity_rank"):
        getattr(found.model, name)
    return found


def told(live: Recommender) -> list[Any]:
    """Answers of every kind, to hold two recommenders against each other."""
    rules = Rules(boosts=(Boost("category", "Garden", 2.0),), diversity=0.3, popularity=0.5)
    return [
        *(live.recommend(user, 170, explain=True).to_dict() for user in ("u001", "u030")),
        live.recommend("u002", 10, category="Garden", rules=rules).to_dict(),
        live.recommend_for(["00004", live.model.item_ids[-1]], {"age": "45+"}, 170, "all").to_dict(),
        live.recommend_for([], {}, 170).to_dict(),
        *([line.to_dict() for line in live.similar(item, 20)] for item in ("00001", live.model.item_ids[-1])),
        live.model.search_text.tolist(),
        live.model.popularity_rank.tolist(),
        live.model.item_features.matrix.toarray().tolist(),
    ]


def test_items_are_added_as_if_the_model_had_been_made_with_them(base: Recommender) -> None:
    grown = None
    for announced in (FIRST, SECOND, SECOND, CHANGED):
        before = grown
        grown = with_new_items(base, announced, grown)
        live = grown.recommender
        anew = Recommender(
            with_new_items(Recommender(base.model), announced).recommender.model, base.map, base.activity
        )
        assert told(live) == told(anew)
        assert live.trained is base.model
        assert live.announced_items() == set(announced) - {"00001"}
        if before is not None and announced is SECOND and before.announced is SECOND:
            assert live is before.recommender, "nothing new, nothing worked out"
    assert live.items.set_index("item_id")["title"]["rake"] == "Wide rake", "the last word on an item counts"
    assert len(base.items) == len(base.model.item_embeddings) == 160


def test_a_new_item_lies_where_its_categories_and_brand_lie(base: Recommender) -> None:
    model = with_new_items(base, SECOND).recommender.model
    row = int(model.item_rows(["rake"])[0])
    numbers, weights = model.item_features.row(row)
    assert set(model.item_features.values[numbers]) == {"Garden", "Garden shelf 1", "Store brand"}
    assert model.item_embeddings[row] == pytest.approx(weights @ model.lightfm.item_embeddings[numbers], abs=1e-6)
    assert not np.any(model.item_embeddings[int(model.item_rows(["blank"])[0])])

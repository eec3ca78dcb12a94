"""Rule sets: what each rule does, that they are kept, priced offline and served by the API."""

import dataclasses
import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.api.app import create_api
from recsys.charts.shopper import cost_of_rules
from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import time_split
from recsys.errors import InvalidInput, NotFound
from recsys.evaluation.benchmark import category_codes
from recsys.recommend.conditions import Conditions, Situation
from recsys.recommend.recommender import Recommender
from recsys.recommend.rules import Boost, Rules, boost
from recsys.services.workbench.rule_cost import measured_rule_cost, reach, reach_of_serving
from recsys.services.workbench.rule_sets import RuleSets, left_out_of_a_batch
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.storage import audit
from recsys.utils import formatting as fmt
from recsys.views.rule_cost import dial_alone, priced, serving_words
from tests.homes import copy_home

K = 8


def ids(live: Recommender, rules: Rules | None, user: str = "u001", k: int = K, **asked: object) -> list[str]:
    return [item.item_id for item in live.recommend(user, k, rules=rules, **asked).items]  # type: ignore[arg-type]


@pytest.fixture
def own(trained_home: Path, tmp_path: Path) -> Workspace:
    """A copy of the trained home that a test may change."""
    return Workspace(Settings.from_environment(copy_home(trained_home, tmp_path / "home")))


def test_no_rules_change_nothing(live: Recommender) -> None:
    assert Rules().empty
    assert ids(live, Rules()) == ids(live, None)


def test_filters_hold(live: Recommender) -> None:
    model = live.model
    shown = live.recommend("u001", 40, rules=Rules(only_categories=("Dairy", "Drinks"), never_brands=("Store brand",)))
    rows = model.item_rows([item.item_id for item in shown.items])
    assert set(model.items["department"].iloc[rows]) <= {"Dairy", "Drinks"}
    assert set(model.items["brand"].iloc[rows]) == {"National brand"}
    cheap = live.recommend("u001", 40, rules=Rules(min_price=2.0, max_price=4.0))
    prices = model.items["price"].iloc[model.item_rows([item.item_id for item in cheap.items])]
    assert prices.between(2.0, 4.0).all()
    first = ids(live, None)[0]
    assert first not in ids(live, Rules(never_items=(first,)))
    popular = live.recommend("u001", 40, rules=Rules(hide_popular=50))
    assert min(item.popularity_rank for item in popular.items) > 50


def test_filters_hold_in_buy_again_too(live: Recommender) -> None:
    shown = live.recommend("u001", 40, "again", rules=Rules(never_categories=("Dairy",)))
    assert shown.items
    assert all("Dairy" not in item.category for item in shown.items)


def test_pins_come_first_unless_the_shopper_has_had_them(live: Recommender) -> None:
    unseen = ids(live, None, k=60)[-2:]
    had = live.model.items["item_id"].iloc[live.model.history.counts.indices[live.model.history.of_user(1)][0]]
    found = ids(live, Rules(pins=(unseen[1], had, unseen[0])))
    assert found[:2] == [unseen[1], unseen[0]]
    assert had not in found
    assert len(found) == len(set(found)) == K


def test_a_boost_is_part_of_the_score_and_the_reasons_still_add_up(live: Recommender) -> None:
    rules = Rules(boosts=(Boost("category", "Garden", 1.5), Boost("brand", "Store brand", -0.5)))
    shown = live.recommend("u002", 20, explain=True, rules=rules)
    assert sum(item.category[0] == "Garden" for item in shown.items) > sum(
        item.category[0] == "Garden" for item in live.recommend("u002", 20).items
    )
    for item in shown.items:
        parts = [reason.value for reason in item.reasons if reason.additive]
        assert sum(parts) == pytest.approx(item.score, abs=1e-4)
    assert any(reason.kind == "rule" for item in shown.items for reason in item.reasons)


def test_what_is_pushed_is_one_text_and_back() -> None:
    for each in (Boost("brand", "A: B", 2.0), Boost("item", "00:1", -1.0), Boost("category", "Dairy", 0.5)):
        assert boost(each.target, each.strength) == each
    with pytest.raises(InvalidInput, match="'shop:A' cannot be pushed"):
        boost("shop:A", 1.0)
    stored = Rules.from_dict({"hide_popular": 3, "pins": ["00001"]}, name="Old", version=4)
    assert stored.changed({"pins": ()}) == Rules(hide_popular=3)


def test_an_item_can_be_pushed_by_itself(live: Recommender) -> None:
    last = ids(live, None, k=40)[-1]
    assert ids(live, Rules(boosts=(Boost("item", last, 9.0),)))[0] == last
    first = ids(live, None)[0]
    assert first not in ids(live, Rules(boosts=(Boost("item", first, -9.0),)))


RULES_OF_ALL_KINDS = Rules(
    never_categories=("Garden",), hide_popular=3, pins=("00001",), boosts=(Boost("brand", "Store brand", 1.0),),
    popularity=0.7, most_per_category=4, diversity=0.3,
)  # fmt: skip


def test_everybody_at_once_gets_what_each_gets(live: Recommender) -> None:
    items, scores = live.top_k_for_all(6, rules=RULES_OF_ALL_KINDS)
    for user, user_id in enumerate(live.users["user_id"]):
        single = live.recommend(user_id, 6, rules=RULES_OF_ALL_KINDS).items
        assert [live.model.item_ids[row] for row in items[user]] == [item.item_id for item in single]
        assert scores[user].tolist() == [item.score for item in single], "to the bit"
    few, _ = live.top_k_for_all(
        5, rules=Rules(only_categories=("Dairy",), most_per_category=1, category_level="department")
    )
    assert ((few != -1).sum(axis=1) == 1).all()


@pytest.mark.parametrize("b", [0.0, 0.5, 2.0])
def test_the_popularity_dial_is_taste_plus_b_times_bias(live: Recommender, b: float) -> None:
    model = live.model
    scores = model.user_embeddings[4] @ model.item_embeddings.T + b * model.item_biases
    scores[model.history.counts.indices[model.history.of_user(4)]] = -np.inf
    expected = model.items["item_id"].iloc[np.argsort(-scores, kind="stable")[:K]].tolist()
    assert ids(live, Rules(popularity=b), "u004") == expected
    shown = live.recommend("u004", explain=True, rules=Rules(popularity=b)).items[0]
    assert sum(reason.value for reason in shown.reasons if reason.additive) == pytest.approx(shown.score, abs=1e-4)


def test_one_measurement_of_the_rules_everywhere(workspace: Workspace, live: Recommender) -> None:
    """The sentence, the tiles, the chart and the quality report judge the same shoppers on the same purchases."""
    rules = Rules(popularity=0.5)
    found, turns = priced(workspace, live.model.id, rules), dial_alone(workspace, live.model.id)
    ndcg = workspace.load().manifest["metrics"]["lanes"]["discover"]["model"]["ndcg"]["value"]
    at = {turn["popularity"]: turn["ndcg"] for turn in turns}
    assert at[1.0] == pytest.approx(found.price.without["ndcg"]) == pytest.approx(ndcg)
    assert at[0.5] == pytest.approx(found.price.ruled["ndcg"])
    assert found.price.users == workspace.load().manifest["metrics"]["users"]
    assert f"{found.price.users:,} shoppers" in found.sentence
    figure = cost_of_rules(turns, found.price.without, found.price.ruled)
    drawn = {trace.name: trace.y[0] for trace in figure.data}
    assert drawn["These rules"] == found.price.ruled["ndcg"]
    assert drawn["Without rules"] == found.price.without["ndcg"]
    assert found.lines[0].value == fmt.measured(found.price.ruled["ndcg"], is_share=False)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_cap_holds_on_its_level(live: Recommender, most: int) -> None:
    shown = live.recommend("u001", 4 * most, rules=Rules(most_per_category=most, category_level="department"))
    counts = np.unique([item.category[0] for item in shown.items], return_counts=True)[1]
    assert counts.max() <= most
    assert len(shown.items) == 4 * most


def test_a_cap_that_cannot_fill_the_list_gives_a_shorter_one(live: Recommender) -> None:
    assert len(ids(live, Rules(most_per_category=1, category_level="department"), k=20)) == 4


def greedy(scores: np.ndarray, vectors: np.ndarray, pool: list[int], k: int, d: float) -> list[int]:
    """Maximal marginal relevance as its paper says it, one item at a time."""
    low, high = scores[pool].min(), scores[pool].max()
    chosen: list[int] = []
    while len(chosen) < k:

        def worth(i: int) -> float:
            near = max([0.0] + [float(vectors[i] @ vectors[j]) for j in chosen])
            return float((1 - d) * (scores[i] - low) / (high - low) - d * near)

        chosen.append(max((i for i in pool if i not in chosen), key=worth))
    return chosen


@pytest.mark.parametrize("d", [0.2, 0.7])
def test_variety_is_maximal_marginal_relevance(live: Recommender, d: float) -> None:
    model = live.model
    scores = model.scores([3])[0]
    had = model.history.counts.indices[model.history.of_user(3)]
    order = [int(i) for i in np.argsort(-scores, kind="stable") if i not in set(had.tolist())][:100]
    vectors = model.item_embeddings / np.linalg.norm(model.item_embeddings, axis=1, keepdims=True)
    expected = model.items["item_id"].iloc[greedy(scores, vectors, order, K, d)].tolist()
    assert ids(live, Rules(diversity=d), "u003") == expected


@given(
    diversity=st.floats(0, 1), cap=st.none() | st.integers(1, 5), hide=st.integers(0, 120),
    never=st.sampled_from([(), ("Dairy",), ("Dairy", "Drinks")]), k=st.integers(1, 30), user=st.integers(0, 119),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_whatever_the_rules_a_list_is_sound(
    live: Recommender, diversity: float, cap: int | None, hide: int, never: tuple[str, ...], k: int, user: int
) -> None:
    rules = Rules(diversity=diversity, most_per_category=cap, hide_popular=hide, never_categories=never)
    shown = live.recommend(f"u{user:03d}", k, rules=rules).items
    rows = [int(row) for row in live.model.item_rows([item.item_id for item in shown])]
    had = live.model.history.counts.indices[live.model.history.of_user(user)]
    assert len(set(rows)) == len(rows) <= k
    assert not set(rows) & set(had.tolist())
    assert not {item.category[0] for item in shown} & set(never)
    assert [item.rank for item in shown] == list(range(1, len(shown) + 1))


def test_rules_survive_json() -> None:
    rules = Rules(
        only_categories=("A",), never_brands=("B",), min_price=1.0, pins=("x",), hide_popular=3,
        boosts=(Boost("item", "y", -2.0),), most_per_category=2, category_level="shelf", diversity=0.3,
    )  # fmt: skip
    assert Rules.from_dict(rules.to_dict()) == rules
    assert Rules().to_dict() == {}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"pinned": ["x"]}, "No rule 'pinned'"),
        ({"diversity": 2}, "diversity is 2"),
        ({"diversity": "much"}, "diversity is 'much'"),
        ({"pins": "x"}, "must be a list of texts"),
        ({"boosts": [{"of": "colour", "name": "red", "strength": 1}]}, "category, brand or item"),
        ({"boosts": [{"of": "item"}]}, "each needs of, name and strength"),
        ({"min_price": 5, "max_price": 2}, "min_price 5.0 is above"),
        ({"most_per_category": 0}, "1 or more"),
        ({"hide_popular": True}, "hide_popular is True"),
    ],
)
def test_rules_that_cannot_be_are_refused(given: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        Rules.from_dict(given)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (Rules(never_categories=("Cars",)), "category 'Cars'"),
        (Rules(only_brands=("Acme",)), "brand 'Acme'"),
        (Rules(pins=("nope",)), "No item 'nope'"),
        (Rules(available_only=True), "does not say what is available"),
        (Rules(most_per_category=1, category_level="colour"), "No category level 'colour'"),
    ],
)
def test_rules_that_do_not_fit_the_catalogue_are_refused(live: Recommender, rules: Rules, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        live.recommend("u001", rules=rules)


def test_a_rule_set_is_versioned_and_can_be_taken_away(own: Workspace) -> None:
    sets = RuleSets(own.database)
    first = sets.save("Summer", Rules(diversity=0.2))
    second = sets.save("Summer", Rules(diversity=0.4))
    assert (first.version, second.version) == (1, 2)
    assert sets.get("Summer") == second
    assert sets.get("Summer", 1) == first
    sets.delete("Summer")
    assert sets.names() == []
    with pytest.raises(NotFound, match="No rule set 'Summer'"):
        sets.get("Summer")
    assert sets.save("Summer", Rules()).version == 4
    for name in ("off", "", "<b>", "x" * 61):
        with pytest.raises(InvalidInput):
            sets.save(name, Rules())


def test_the_api_serves_rules(own: Workspace) -> None:
    live, sets = own.load(), RuleSets(own.database)
    rules = sets.save("No dairy", Rules(never_categories=("Dairy",), diversity=0.3))
    client = TestClient(create_api(own))
    address = "/v1/users/u001/recommendations"
    plain = client.get(address)
    asked = client.get(address, params={"rules": "No dairy", "explain": True})
    assert asked.json() == live.recommend("u001", rules=rules, explain=True).to_dict()
    assert asked.json()["rules"] == "No dairy, version 1"
    assert asked.headers["etag"] != plain.headers["etag"]
    body = {"history": ["00001", "00005"], "rules": "No dairy"}
    assert client.post("/v1/recommendations", json=body).json() == live.recommend_for(
        ["00001", "00005"], rules=rules
    ).to_dict() | {"unknown_items": []}
    missing = client.get(address, params={"rules": "nope"})
    assert missing.status_code == 404
    assert "No rule set 'nope'; there are: No dairy." in missing.json()["detail"]

    sets.serve("No dairy")
    served = TestClient(create_api(own))
    assert served.get(address).json() == live.recommend("u001", rules=rules).to_dict()
    assert served.get(address, params={"rules": "off"}).json() == plain.json()
    with pytest.raises(InvalidInput, match="being served"):
        sets.delete("No dairy")
    sets.serve(None)
    assert TestClient(create_api(own)).get(address).json() == plain.json()


def test_the_price_of_rules(live: Recommender, small_dataset: Dataset) -> None:
    model, split = live.model, time_split(small_dataset)
    categories = category_codes(model.items, model.category_levels)
    nothing = measured_rule_cost(model, split, Rules(), categories=categories)
    assert nothing.without == pytest.approx(nothing.ruled)
    assert nothing.change == (0.0, 0.0, 0.0)
    lanes = model.manifest["metrics"]["lanes"]["discover"]["model"]
    assert nothing.without["ndcg"] == pytest.approx(lanes["ndcg"]["value"], abs=1e-6)
    varied = measured_rule_cost(model, split, Rules(most_per_category=1), categories=categories)
    assert varied.ruled["diversity"] == pytest.approx(1.0)
    assert varied.ruled["diversity"] > varied.without["diversity"]
    assert varied.change[1] <= varied.change[0] <= varied.change[2]
    assert varied.change[0] == pytest.approx(varied.ruled["ndcg"] - varied.without["ndcg"])


def test_rules_are_values() -> None:
    assert hash(Rules(pins=("a",))) == hash(Rules(pins=("a",)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        Rules().diversity = 1.0  # type: ignore[misc]


DAY = date(2024, 12, 24)


@pytest.mark.parametrize(
    ("given", "asked", "holds"),
    [
        ({}, {}, True),
        ({"starts": "2024-12-24", "ends": "2024-12-24"}, {}, True),
        ({"starts": "2024-12-25"}, {}, False),
        ({"ends": "2024-12-23"}, {}, False),
        ({"segments": ["age: 45+", "age: 25-44"]}, {"attributes": {"age": "25-44"}}, True),
        ({"segments": ["age: 45+", "children: 1"]}, {"attributes": {"age": "45+"}}, False),
        ({"segments": ["age: 45+"]}, {}, False),
        ({"placements": ["home"]}, {"placement": "home"}, True),
        ({"placements": ["home"]}, {}, False),
        ({"beside": ["Dairy"]}, {"categories": ("Food", "Dairy")}, True),
        ({"beside": ["Dairy"]}, {"categories": ("Garden",)}, False),
    ],
)
def test_conditions_hold_or_not(given: dict[str, Any], asked: dict[str, Any], holds: bool) -> None:
    assert Conditions.from_dict(given).hold(Situation(day=DAY, **asked)) is holds
    assert Conditions.from_dict(Conditions.from_dict(given).to_dict()) == Conditions.from_dict(given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"starts": "tomorrow"}, "starts is 'tomorrow'"),
        ({"starts": "2024-12-24", "ends": "2024-12-23"}, "lies after"),
        ({"segments": ["45+"]}, "write attribute: value"),
        ({"until": "x"}, "No condition 'until'"),
        ({"beside": "Dairy"}, "list of texts"),
        ([], "must be an object"),
    ],
)
def test_conditions_that_cannot_be_are_named(given: Any, words: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(words)):
        Rules.from_dict({"when": given})


def test_the_first_served_set_that_applies_is_followed(own: Workspace) -> None:
    home = own
    live, sets = home.load(), RuleSets(home.database)
    sets.save("Old", Rules(pins=("00001",), when=Conditions(ends="2020-01-01")))
    sets.save("Grown", Rules(pins=("00002",), when=Conditions(segments=("age: 45+",))))
    sets.save("Basket", Rules(pins=("00003",), when=Conditions(placements=("basket",), beside=("Dairy",))))
    sets.save("All", Rules(never_items=("00001",)))
    sets.serve_all(["Old", "Basket", "Grown", "All"])
    client = TestClient(create_api(home))
    ages = live.users.set_index("user_id")["age"]
    grown, other = (ages.index[ages == age][0] for age in ("45+", "19-24"))

    def rules_of(user: str, **query: str) -> str:
        return str(client.get(f"/v1/users/{user}/recommendations", params=query).json()["rules"])

    assert rules_of(grown) == "Grown, version 1"
    assert rules_of(other) == "All, version 1"
    assert rules_of(other, placement="basket", item="00005") == "Basket, version 1"
    assert rules_of(other, placement="basket", item="00003") == "All, version 1"
    assert rules_of(other, rules="Old") == "Old, version 1"
    new = client.post("/v1/recommendations", json={"user": {"age": "45+"}}).json()
    assert new["rules"] == "Grown, version 1"
    assert left_out_of_a_batch(sets) == ["Basket", "Grown"]
    assert reach(live, sets.get("Grown")).segment == int((ages == "45+").sum())
    with pytest.raises(InvalidInput, match="being served"):
        sets.delete("Grown")
    assert [rules.name for rules in sets.undo_serving()] == []
    assert sets.served() is None
    assert [entry.action for entry in audit.entries(home.database)][:2] == ["serve", "serve"]


def test_reach_counts_the_lists_that_change(live: Recommender) -> None:
    rules = Rules(never_categories=("Garden",))
    users = live.users["user_id"]
    changed = sum(ids(live, rules, user, 10) != ids(live, Rules(), user, 10) for user in users)
    found = reach(live, rules)
    assert (found.segment, found.judged, found.changed) == (len(users), len(users), changed)


def test_what_serving_changes_is_counted_by_placement_and_order(live: Recommender) -> None:
    everybody = Rules(never_categories=("Garden",))
    basket = Rules(never_categories=("Dairy",), when=Conditions(placements=("basket",), segments=("age: 45+",)))
    old = [each == "45+" for each in live.users["age"]]
    users = live.users["user_id"]
    differs = sum(
        o and ids(live, basket, u, 10) != ids(live, everybody, u, 10) for o, u in zip(old, users, strict=True)
    )
    assert 0 < differs < len(users)
    for placement, expected in (("", 0), ("home", 0), ("basket", differs)):
        found = reach_of_serving(live, [everybody], [basket, everybody], placement=placement)
        assert (found.judged, found.changed) == (len(users), expected)
        assert reach_of_serving(live, [everybody, basket], [everybody], placement=placement).changed == 0
    assert reach_of_serving(live, [], [everybody]).changed == reach(live, everybody).changed
    words = serving_words(live, [everybody], [basket, everybody])
    assert words[0].startswith(f"Where no placement is named, 0 of {len(users)} shoppers")
    assert words[1].startswith(f"In the placement “basket”, {differs} of")

    garden = Rules(never_categories=("Dairy",), when=Conditions(beside=("Garden", "Bakery")))
    changed = sum(ids(live, garden, u, 10) != ids(live, Rules(), u, 10) for u in users)
    found = reach_of_serving(live, [], [garden], beside="Garden")
    assert found.changed == changed > 0
    assert reach_of_serving(live, [], [garden], beside="Drinks").changed == 0
    words = serving_words(live, [], [garden])
    assert [sentence.partition(" of ")[0] for sentence in words[:1]] == ["Where no product is looked at, 0"]
    assert [text.partition(" of 120")[0] for text in words[1:]] == [
        f"Beside a product of “{name}”, {changed}" for name in ("Bakery", "Garden")
    ]


def test_what_is_sold_out_is_recommended_only_when_asked_for(live: Recommender) -> None:
    best = [x.item_id for x in live.recommend("u001", k=4).items]
    items = live.model.items.assign(available=[str(x not in best[:2]).lower() for x in live.model.items["item_id"]])
    shop = Recommender(dataclasses.replace(live.model, items=items))
    for rules in (None, Rules(), Rules(available_only=True), Rules(diversity=0.1)):
        assert not {x.item_id for x in shop.recommend("u001", k=20, rules=rules).items} & set(best[:2])
    assert [x.item_id for x in shop.recommend("u001", k=4, rules=Rules(sold_out=True)).items] == best
    with pytest.raises(InvalidInput, match="exclude each other"):
        Rules(available_only=True, sold_out=True)

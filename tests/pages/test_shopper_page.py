"""The Shopper and Product pages without a browser: what they say in every state, and that it is what the API says."""

import dataclasses
import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from streamlit.testing.v1 import AppTest

from pages.workbench.drafting import placed
from recsys.api.app import create_api
from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import time_split
from recsys.errors import InvalidInput, NotFound
from recsys.recommend.recommender import Recommender
from recsys.recommend.rules import Boost, Rules
from recsys.services.promotion import delete_model
from recsys.services.training_service import train_and_store
from recsys.services.workbench.expectations import Expectation, Expectations
from recsys.services.workbench.list_comparison import compare, rank_biased_overlap
from recsys.services.workbench.rule_cost import measured_rule_cost
from recsys.services.workbench.rule_sets import RuleSets
from recsys.services.workbench.target_user import Lists, Person, Personas, described, known
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.storage import audit
from recsys.storage.documents import DocumentStore
from recsys.views.compare import everybody, side_by_side
from recsys.views.explanation import item_influences, why
from recsys.views.product import audience, bought_together, buyers_of
from recsys.views.shopper import view
from recsys.views.shopper_history import category_colours
from recsys.views.what_if import rules_preview, what_if
from tests.conftest import SMALL_RECIPE
from tests.homes import copy_home
from tests.product_lists import ids, rows
from tests.shops import planted_shop

PAGES = Path(__file__).parents[2] / "pages"
SECTIONS = ("Recommended", "Why", "What if", "Rules", "Compare", "Expectations")


@pytest.fixture
def own_home(trained_home: Path, tmp_path: Path) -> Path:
    """A copy of the trained home that a test may change."""
    return copy_home(trained_home, tmp_path / "home")


@pytest.fixture
def own(own_home: Path) -> Workspace:
    return Workspace(Settings.from_environment(own_home))


def page(home: Path, monkeypatch: pytest.MonkeyPatch, name: str = "shopper.py", **query: str | list[str]) -> AppTest:
    monkeypatch.setenv("INSIDER_HOME", str(home))
    monkeypatch.setenv("INSIDER_OPEN_DASHBOARD", "1")
    app = AppTest.from_file(str(PAGES / "main.py"), default_timeout=60).run()
    for key, value in query.items():
        app.query_params[key] = value
    return app.switch_page(name).run()


def healthy(app: AppTest) -> AppTest:
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    parts = [*app.markdown, *app.caption, *app.warning, *app.error, *app.info, *app.title, *app.header]
    return " ".join(str(part.value) for part in parts)


# What stands on the page


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_draws(section: str, trained_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = healthy(page(trained_home, monkeypatch, shopper="u001", section=section))
    assert app.title[0].value == "Shopper u001"
    assert not app.error


def test_the_list_is_that_of_the_api(own: Workspace, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    RuleSets(own.database).save("Varied", Rules(diversity=0.5, never_categories=("Garden",)))
    client = TestClient(create_api(own))
    for query in ({"lane": "discover"}, {"lane": "all", "k": "7"}, {"rules": "Varied"}, {"category": "Dairy"}):
        app = healthy(page(own_home, monkeypatch, shopper="u003", **query))
        said = client.get("/v1/users/u003/recommendations", params=query).json()
        assert ids(app, "recommended") == [item["item_id"] for item in said["items"]]


def test_history_is_filtered_by_period_and_category(trained_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = healthy(page(trained_home, monkeypatch, shopper="u001"))
    whole = app.dataframe[0].value
    app.selectbox(key="boughtin").set_value("Dairy").run()
    assert set(healthy(app).dataframe[0].value["title"]) == {t for t in whole["title"] if t.startswith("Dairy")}
    app.selectbox(key="boughtin").set_value(None).run()
    month = page(trained_home, monkeypatch, shopper="u001", period="Last month").dataframe[0].value
    assert 0 < len(month) < len(whole)
    assert (whole["last"].max() - month["last"].min()).days <= 30


def test_the_finder_leads_to_those_who_fit(
    trained_home: Path, live: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = healthy(page(trained_home, monkeypatch, shopper="u001", by_age="45+"))
    app.button[1].click().run()
    chosen = app.session_state["shopper"]
    assert live.users.set_index("user_id")["age"][chosen] == "45+"
    app.text_input(key="bought").set_value("no such thing").run()
    app.button[2].click().run()
    assert "take a condition away" in app.warning[0].value


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"shopper": "<b>nobody</b>"}, "knows no shopper"),
        ({"shopper": "u001", "persona": "Gone"}, "Persona 'Gone' does not exist"),
        ({"shopper": "u001", "rules": "Old"}, "Rules 'Old' does not exist"),
        ({"shopper": "u001", "against": "model:20200101-000000-dead", "section": "Compare"}, "does not exist"),
        ({"shopper": "u001", "without": "99999", "section": "What if"}, "No item '99999'"),
        ({"shopper": "u001", "k": "5000"}, "k is 5000"),
    ],
)
def test_links_to_what_does_not_exist_are_explained(
    query: dict[str, str], words: str, trained_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = healthy(page(trained_home, monkeypatch, **query))
    said = " ".join(str(part.value) for part in [*app.warning, *app.error]).replace("\\", "")
    assert words in said
    assert "<b>" not in " ".join(part.value for part in app.error if "\\<b\\>" not in part.value)


@pytest.mark.parametrize("unknown", ["u0011", "anna", "<b>nobody</b>", "x" * 500])
def test_an_unknown_shopper_leads_on(unknown: str, trained_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = healthy(page(trained_home, monkeypatch, shopper=unknown))
    assert "knows no shopper" in app.error[0].value
    assert len(app.dataframe[0].value)
    if unknown == "u0011":
        assert app.dataframe[0].value["user_id"].iloc[0] in ("u001", "u011")
    app.button(key="anybody").click().run()
    assert not healthy(app).error
    assert app.title[0].value.startswith("Shopper u")


def test_a_model_deleted_meanwhile_is_explained(
    own: Workspace, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = train_and_store(own, "small", SMALL_RECIPE, seed=2)
    key = f"model:{other.model.id}"
    app = healthy(page(own_home, monkeypatch, shopper="u001", section="Compare", against=key))
    assert "products shared with the live model" in texts(app).replace("\\", "")
    delete_model(own, other.model.id)
    app.button[1].click().run()
    assert "There is nothing to compare with yet" in texts(healthy(app))
    RuleSets(own.database).save("Calm", Rules(diversity=0.2))
    app.run()
    assert "Choose a model or a rule set" in texts(healthy(app))
    app = healthy(page(own_home, monkeypatch, shopper="u001", section="Compare", against=[key, "rules:Calm"]))
    assert "does not exist (any more)" in texts(app).replace("\\", "")
    assert "Rules Calm" in texts(app)


def test_the_live_model_changes_under_an_open_page(
    own: Workspace, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = own.live_id()
    app = healthy(page(own_home, monkeypatch, shopper="u001", section="Why"))
    other = train_and_store(own, "small", SMALL_RECIPE.with_settings({"epochs": "2"}), seed=3, promote=True)
    delete_model(own, str(before))
    for section in SECTIONS:
        app = healthy(page(own_home, monkeypatch, shopper="u001", section=section))
    app.button[1].click().run()
    assert healthy(app).title[0].value == "Shopper u002"
    assert own.live_id() == other.model.id


@pytest.mark.parametrize("content", [{"history": [], "user": {}}, {"history": ["gone"], "user": {"shoe": "42"}}])
def test_a_persona_with_no_items_is_told_as_such(
    content: dict[str, object], own: Workspace, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    DocumentStore(own.database, "persona").save("Bare", content)
    popular = [item.item_id for item in own.load().recommend_for().items]
    for section in SECTIONS:
        app = healthy(page(own_home, monkeypatch, persona="Bare", section=section))
        assert not app.error
        assert "0 products and 0 attributes" in texts(app)
        if section == "Recommended":
            assert ids(app, "recommended") == popular
        if section == "Why":
            assert "bought nothing that could speak for it" in texts(app)


def test_a_persona_of_whom_the_model_uses_nothing(
    own: Workspace, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_and_store(own, "small", SMALL_RECIPE.with_settings({"user_attributes": "none"}), seed=2, promote=True)
    Personas(own.database).save("Ages", Person((), {"age": "45+"}))
    Personas(own.database).save("Both", Person(("00001", "00005"), {"age": "45+"}))
    live = own.load()
    for name in ("Ages", "Both"):
        subject = described(live, Personas(own.database).get(name), name)
        for item in subject.recommend(live, 5).items:
            found = why(live, subject, item)
            assert sum(value for _, value in found.parts) + found.constant == pytest.approx(item.score, abs=1e-4)
        for section in SECTIONS:
            assert not healthy(page(own_home, monkeypatch, persona=name, section=section)).error


def test_rules_that_leave_nothing_say_so(own: Workspace, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    RuleSets(own.database).save("Nothing", Rules(only_categories=("Dairy",), never_categories=("Dairy",)))
    app = healthy(page(own_home, monkeypatch, shopper="u001", section="Rules", edit_rules="Nothing"))
    assert any("leave nothing to show" in warning.value for warning in app.warning)
    app = healthy(page(own_home, monkeypatch, shopper="u001", rules="Nothing"))
    assert "Nothing is left to recommend" in texts(app)


def test_what_if_from_the_link_with_undo_and_persona(
    own: Workspace, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = own.load()
    gone = list(known(live, "u001").person.history[:2])
    app = healthy(page(own_home, monkeypatch, shopper="u001", section="What if", without=gone))
    expected = what_if(live, known(live, "u001"), without=gone)
    assert ids(app, "changed_list") == expected.moves.table["item_id"].tolist()
    app.toggle(key="nobody").set_value(True).run()
    cold = live.recommend_for(k=10)
    assert ids(healthy(app), "changed_list") == [item.item_id for item in cold.items]
    next(button for button in app.button if button.label == "Undo").click().run()
    assert app.toggle(key="nobody").value is False
    assert app.multiselect(key="without").value == gone
    app.text_input(key="persona_name").set_value("Without two").run()
    next(button for button in app.button if button.label == "Save as persona").click().run()
    assert Personas(own.database).get("Without two") == expected.person
    app = healthy(page(own_home, monkeypatch, persona="Without two"))
    assert app.title[0].value == "Persona Without two"


def test_a_rule_set_is_made_on_the_page(own: Workspace, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = healthy(page(own_home, monkeypatch, shopper="u001", section="Rules"))
    app.slider(key="rules_New rule set_0_diversity").set_value(0.4)
    app.multiselect(key="rules_New rule set_0_never").set_value(["Garden"])
    app.text_input(key="rules_name_New rule set").set_value("Calm").run()
    app.button(key="save_rules").click().run()
    assert RuleSets(own.database).get("Calm").to_dict() == {"never_categories": ["Garden"], "diversity": 0.4}
    assert "judged on" in texts(healthy(app))
    assert {metric.label.replace("\\", "") for metric in app.metric} >= {
        "Hits among the 10 shown",
        "Variety within a list",
    }
    app.slider(key="rules_Calm_1_diversity").set_value(0.6).run()
    assert not app.metric
    app.toggle(key="priced").set_value(True).run()
    assert len(healthy(app).metric) == 5
    app.slider(key="rules_Calm_1_diversity").set_value(0.4).run()
    app.button(key="serve_rules").click().run()
    assert RuleSets(own.database).served() is None
    assert "shoppers get another list" in texts(healthy(app)).replace("\\", "")
    sets = RuleSets(own.database)
    sets.serve_all(["Calm"])
    last = audit.entries(own.database)[0]
    assert (last.action, last.subject, last.note) == ("serve", "rules", "Calm, version 1")
    sets.undo_serving()
    assert sets.served() is None
    sets.delete("Calm")
    assert sets.names() == []
    assert sets.restore("Calm").version == 3
    assert sets.get("Calm").diversity == 0.4
    assert [entry.action for entry in audit.entries(own.database)[:2]] == ["save", "delete"]


def test_pins_boosts_of_any_kind_and_caps_are_edited(
    own: Workspace, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Rules(boosts=(Boost("item", "00007", -2.0), Boost("category", "Dairy", 0.5)), pins=("00003",))
    RuleSets(own.database).save("Mine", before)
    app = healthy(page(own_home, monkeypatch, shopper="u001", section="Rules", edit_rules="Mine"))
    key = "rules_Mine_1"
    assert app.multiselect(key=f"{key}_boosted").value == ["item:00007", "category:Dairy"]
    app.text_input(key=f"{key}_word").set_value("00012").run()
    app.multiselect(key=f"{key}_never_items").set_value(["00012"])
    app.multiselect(key=f"{key}_boosted").set_value(["item:00007", "category:Dairy", "brand:Store brand"]).run()
    app.slider(key=f"{key}_boost_brand:Store brand").set_value(-1.5)
    app.number_input(key=f"{key}_most").set_value(2).run()
    app.selectbox(key=f"{key}_level").set_value("department")
    app.number_input(key=f"{key}_max_price").set_value(8.0).run()
    wanted = Rules(
        never_items=("00012",), max_price=8.0, pins=("00003",), most_per_category=2, category_level="department",
        boosts=(*before.boosts, Boost("brand", "Store brand", -1.5)),
    )  # fmt: skip
    draft = healthy(app).session_state["draft"]
    assert Rules.from_dict(json.loads(draft)) == wanted
    shown = rules_preview(own.load(), known(own.load(), "u001"), wanted)
    assert ids(app, "ruled") == shown.moves.table["item_id"].tolist()
    # The link brings it back.
    app = page(own_home, monkeypatch, shopper="u001", section="Rules", edit_rules="Mine", draft=draft)
    assert app.multiselect(key=f"{key}_boosted").value[-1] == "brand:Store brand"
    assert app.number_input(key=f"{key}_most").value == 2
    app.button(key="save_rules").click().run()
    assert RuleSets(own.database).get("Mine").changed({}) == wanted
    assert healthy(app).session_state["draft"] == ""


def test_rules_in_a_link_that_cannot_be_used(trained_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for draft, words in (("{", "no JSON"), ("[]", "one object"), ('{"x": 1}', "No rule 'x'")):
        app = healthy(page(trained_home, monkeypatch, shopper="u001", section="Rules", draft=draft))
        assert words in texts(app).replace("\\", "")


@pytest.mark.parametrize(
    "draft", [{"min_price": 1.5}, {"max_price": 3.5}, {"never_categories": ["Garden"]}, {"diversity": 0.3}]
)
def test_filters_of_a_rule_set_are_in_view(
    trained_home: Path, monkeypatch: pytest.MonkeyPatch, draft: dict[str, object]
) -> None:
    app = healthy(page(trained_home, monkeypatch, shopper="u001", section="Rules", draft=json.dumps(draft)))
    (filters,) = (x for x in app.expander if x.label == "Filters")
    assert filters.proto.expanded == ("diversity" not in draft)


def test_whole_numbers_in_rules_of_a_link_or_a_caller(trained_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = json.dumps(
        {
            "diversity": 1,
            "popularity": 2,
            "most_per_category": 2.0,
            "boosts": [{"of": "category", "name": "Garden", "strength": 1}],
        }
    )
    app = healthy(page(trained_home, monkeypatch, shopper="u001", section="Rules", draft=draft))
    assert Rules.from_dict(json.loads(app.session_state["draft"])) == Rules.from_dict(json.loads(draft))


def test_who_may_only_look_is_told_so(own: Workspace, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    RuleSets(own.database).save("Calm", Rules(diversity=0.2))
    app = healthy(page(own_home, monkeypatch, shopper="u001", section="Rules", edit_rules="Calm"))
    monkeypatch.setenv("INSIDER_OPEN_DASHBOARD", "0")
    app.button(key="save_rules").click().run()
    assert "needs the role merchandiser" in healthy(app).error[0].value
    assert len(RuleSets(own.database).versions("Calm")) == 1


def test_models_are_compared(own: Workspace, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = train_and_store(own, "small", SMALL_RECIPE, seed=2)
    app = healthy(page(own_home, monkeypatch, shopper="u001", section="Compare", against=f"model:{other.model.id}"))
    assert "rank\\-biased overlap" in texts(app)
    app.toggle(key="overall").set_value(True).run()
    assert "noise floor of mere retraining itself" in texts(healthy(app)).replace("\\", "")


def test_rule_sets_are_compared_over_everybody_too(
    own: Workspace, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = RuleSets(own.database).save("Less", Rules(never_categories=("Garden",), diversity=0.2))
    app = healthy(page(own_home, monkeypatch, shopper="u001", section="Compare", against="rules:Less"))
    app.toggle(key="overall").set_value(True).run()
    live, dataset = own.load(), own.dataset("small")
    found = compare(live, live, dataset, rules=rules)
    assert f"share {found.overlap:.0%}" in texts(healthy(app)).replace("\\", "")
    cost = measured_rule_cost(live.model, time_split(dataset), rules)
    row = found.measures.set_index("measure").loc["ndcg"]
    assert row["difference"] == pytest.approx(cost.change[0])
    lists = {
        user: [[item.item_id for item in live.recommend(user, rules=laid).items] for laid in (None, rules)]
        for user in found.most["user_id"]
    }
    for line in found.most.itertuples():
        assert line.rbo == pytest.approx(rank_biased_overlap(*lists[line.user_id]))


def test_the_floor_for_one_list_is_that_of_its_twins(own: Workspace) -> None:
    live = own.load()
    subject = known(live, "u001")
    own.store.save_quality(live.model.id, {"noise": {"seeds": 3, "ndcg": [0.1], "spread": 0.0, "overlap": 0.71}})
    RuleSets(own.database).save("Less", Rules(diversity=0.2))
    assert "leaves 71% of a list" in side_by_side(own, subject, ["rules:Less"]).floor
    other = train_and_store(own, "small", SMALL_RECIPE, seed=2)
    floor = side_by_side(own, subject, ["rules:Less"]).floor
    lists = [{item.item_id for item in side.recommend("u001").items} for side in (live, other)]
    assert f"leaves {len(lists[0] & lists[1]) / 10:.0%} of this list" in floor


def test_the_noise_floor_comes_from_the_quality_report_else(own: Workspace) -> None:
    other = train_and_store(own, "small", SMALL_RECIPE.with_settings({"epochs": "3"}), seed=2)
    live_id, key = own.load().model.id, f"model:{other.model.id}"
    assert "not known" in everybody(own, live_id, key).floor
    own.store.save_quality(live_id, {"noise": {"seeds": 3, "ndcg": [0.1, 0.1, 0.1], "spread": 0.0, "overlap": 1.0}})
    found = everybody(own, live_id, key)
    assert "share 100% (quality report); the two above differ more than that" in found.floor
    assert set(found.measures["clear"]) <= {"better", "worse", "within chance"}
    assert len(found.most)


def test_the_product_page(trained_home: Path, live: Recommender, monkeypatch: pytest.MonkeyPatch) -> None:
    app = healthy(page(trained_home, monkeypatch, "item.py", item="00007"))
    assert app.title[0].value == "Garden product 7"
    assert ids(app, "similar") == [item.item_id for item in live.similar("00007")]
    app = healthy(page(trained_home, monkeypatch, "item.py", item="<i>"))
    assert "knows no product" in app.error[0].value
    cold = healthy(page(trained_home, monkeypatch, "item.py", item="00159"))
    assert "Nobody has bought it" in texts(cold)


def test_a_filter_of_the_finder_shows_as_a_chip(trained_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = healthy(page(trained_home, monkeypatch, shopper="u001", by_age="45+", bought="Dairy"))
    assert {app.button(key="chip_by_age").label, app.button(key="chip_bought").label} == {
        "Age\\: 45\\+",
        "Bought Dairy",
    }
    app.button(key="chip_by_age").click().run()
    assert app.selectbox(key="by_age").value is None
    assert not [button for button in healthy(app).button if button.key == "chip_by_age"]


def test_what_the_model_has_not_seen_is_not_said_to_be_learned(
    trained_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = healthy(page(trained_home, monkeypatch, shopper="u001"))
    assert "the model has learned from this" in texts(app)
    app.toggle(key="since").set_value(True).run()
    assert "the model has learned from this" not in texts(healthy(app))
    assert "It has not seen what is marked" in texts(app)
    assert (app.dataframe[0].value["since"] == "✓").any()
    marks = [mark["text"] for row in rows(app, "recommended") for mark in row["marks"]]
    assert all(mark == "New category" or mark.startswith("Bought") for mark in marks)


def test_products_have_pictures_or_tiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = planted_shop("seen", n_users=40, n_items=40)
    picture = [
        f"https://pictures.example/{i}.jpg" if i % 3 else ("javascript:alert(1)", None)[i % 2] for i in range(40)
    ]
    home = Workspace(Settings.from_environment(tmp_path))
    home.store.save_dataset(dataclasses.replace(shop, items=shop.items.assign(image_url=picture)))
    train_and_store(home, "seen", SMALL_RECIPE, seed=1, promote=True)
    live = home.load()
    app = healthy(page(tmp_path, monkeypatch, shopper="u001"))
    colours = category_colours(live.items["department"])
    for row in rows(app, "recommended"):
        number = int(row["id"])
        assert row["image"] == (picture[number] if number % 3 else None)
        department = live.items["department"].iloc[live.model.rows_of_items[row["id"]]]
        assert (row["initial"], row["colour"]) == (department[0], colours[department])
        assert row["actions"] == ["why", "pin", "hide", "up"]


def test_what_is_sold_out_is_shown_when_the_rules_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = planted_shop("small", n_users=40, n_items=40)
    items = shop.items.assign(available=[number % 3 > 0 for number in range(40)])
    home = Workspace(Settings.from_environment(tmp_path / "home"))
    home.store.save_dataset(dataclasses.replace(shop, items=items))
    live = train_and_store(home, "small", SMALL_RECIPE, promote=True)
    gone = {item for item in items["item_id"] if int(item) % 3 == 0}
    app = page(tmp_path / "home", monkeypatch, shopper="u001", section="Rules")
    assert not gone & set(ids(app, "ruled"))
    next(x for x in app.toggle if x.label == "Also what is sold out").set_value(True).run()
    assert ids(app, "ruled") == [x.item_id for x in live.recommend("u001", rules=Rules(sold_out=True)).items]
    assert gone & set(ids(app, "ruled"))


@pytest.mark.parametrize(
    ("to", "expected"), [(0, ["c", "a", "b"]), (1, ["a", "c", "b"]), (2, ["a", "b", "c"]), (4, ["a", "b"])]
)
def test_a_row_is_pinned_where_it_is_dragged_to(to: int, expected: list[str]) -> None:
    assert placed(["a", "b"], ["a", "b", "x", "y", "c"], "c", to) == expected
    assert placed(["a", "b"], ["a", "b", "x"], "a", 1) == ["b", "a"] or to
    assert placed(["a", "b"], ["a", "b", "x"], "a", 2) == ["b"]


# What lies below it


@pytest.mark.parametrize("user", ["u001", "u010"])
def test_reasons_add_up_to_the_score_under_rules_too(live: Recommender, user: str) -> None:
    rules = Rules(boosts=(Boost("category", "Dairy", 1.0),))
    for subject in (known(live, user), described(live, known(live, user).person)):
        for given in (None, rules):
            for item in subject.recommend(live, 5, rules=given).items:
                found = why(live, subject, item, rules=given)
                assert sum(value for _, value in found.parts) + found.constant == pytest.approx(found.score, abs=1e-4)
                assert found.score == pytest.approx(item.score, abs=1e-4)


def test_speakers_are_told_in_words(live: Recommender) -> None:
    subject = known(live, "u001")
    found = item_influences(live, subject, live.recommend("u001").items[0].item_id)
    assert found.tried == len(subject.user_state.items)
    assert found.table["fall"].is_monotonic_decreasing
    assert "score" in found.sentence or "No single product" in found.sentence
    assert item_influences(live, described(live, Person()), "00001").tried == 0


def test_a_change_is_what_the_api_answers(workspace: Workspace, live: Recommender) -> None:
    subject = known(live, "u005")
    away, more = subject.person.history[0], "00003"
    found = what_if(live, subject, without=[away], plus=[more], attributes={"age": "45+"})
    client = TestClient(create_api(workspace))
    said = client.post("/v1/recommendations", json=found.person.to_dict()).json()
    assert [item["item_id"] for item in said["items"]] == [item.item_id for item in found.answer.items]
    assert away not in found.person.history
    assert found.person.history[0] == more
    assert what_if(live, subject).moves.summary == "Nothing changes."
    with pytest.raises(NotFound):
        what_if(live, subject, plus=["nope"])


def test_a_preview_traces_every_item(live: Recommender) -> None:
    subject = known(live, "u002")
    first = live.recommend("u002").items
    rules = Rules(never_items=(first[0].item_id,), pins=(first[5].item_id,), hide_popular=5)
    found = rules_preview(live, subject, rules)
    assert found.moves.table["effect"].iloc[0] == "pinned"
    gone = found.moves.gone.set_index("item_id")["effect"]
    assert gone[first[0].item_id] == "never shown"
    assert (gone != "").all()
    assert [item.item_id for item in found.answer.items] == found.moves.table["item_id"].tolist()


def test_personas_and_lists_are_kept(own: Workspace, live: Recommender) -> None:
    personas, lists = Personas(own.database), Lists(own.database)
    personas.save("Anna", Person(("00001", "gone"), {"age": "45+", "shoe": "42"}))
    subject = described(live, personas.get("Anna"), "Anna")
    assert subject.missing == ("gone", "shoe: 42")
    assert view(own, "", persona="Anna").answer.to_dict() == live.recommend_for(["00001"], {"age": "45+"}).to_dict()
    with pytest.raises(InvalidInput, match="neither items nor attributes"):
        personas.save("Empty", Person())
    with pytest.raises(NotFound, match="there are: Anna"):
        personas.get("Bert")
    lists.add("VIP", "u001")
    assert lists.add("VIP", "u002") == 2
    assert lists.add("VIP", "u001") == 2
    assert lists.users("VIP") == ["u002", "u001"]


def test_expectations_are_held_to_what_is_expected(own: Workspace) -> None:
    live = own.load()
    items = live.recommend("u001").items
    expectations = Expectations(own.database)
    expectations.save(Expectation("Fine", user="u001", must_show=(items[2].item_id, items[0].category[0])))
    expectations.save(
        Expectation("Strict", user="u001", must_not=(items[3].item_id,), mix={items[0].category[0]: (0.0, 0.05)})
    )
    expectations.save(Expectation("Lost", user="nobody", must_show=("00001",)))
    found = {verdict.expectation.name: verdict for verdict in expectations.check(live)}
    assert found["Fine"].ok
    assert len(found["Strict"].failures) == 2
    assert "in place 4" in found["Strict"].failures[0]
    assert "No user 'nobody'" in found["Lost"].failures[0]
    assert sum(len(verdict.failures) for verdict in found.values()) == 3
    other = train_and_store(own, "small", SMALL_RECIPE, seed=2)
    changes = [verdict.change for verdict in expectations.check(other, against=live)]
    assert any("rank-biased overlap" in change for change in changes)
    with pytest.raises(InvalidInput, match="asks for nothing"):
        Expectation("None", user="u001")


def test_bought_together_and_audience(live: Recommender) -> None:
    model = live.model
    dense = (model.history.counts.toarray() > 0).astype(float)
    row = int(model.popularity.argmax())
    norm = dense.sum(axis=0) ** 0.5
    cosine = dense.T @ dense[:, row] / (norm * norm[row]).clip(1e-9)
    cosine[[row]] = 0
    found = bought_together(model, row, buyers_of(model, row)[0])
    assert found["strength"].tolist() == pytest.approx(sorted(100 * cosine, reverse=True)[:10], abs=1e-3)
    item_id = model.items["item_id"].iat[row]
    people = audience(live, item_id, limit=20)
    assert people.table["match"].is_monotonic_decreasing
    lists = {user: [i.item_id for i in live.recommend(user, 60).items] for user in people.table["user_id"]}
    for user, place in zip(people.table["user_id"], people.table["place"], strict=True):
        assert place > 60 or lists[user][place - 1] == item_id
    everyone = sum(item_id in [i.item_id for i in live.recommend(u).items] for u in live.users["user_id"])
    assert people.in_lists == everyone


HARD = {
    "title": [
        "<script>alert(1)</script>", "عطر الورد " * 50, "=1+1 " + "long " * 99, "**bold** [x](http://x)", None, "",
        "<img src=x onerror=alert(1)>", "$x^2$ :material/home: :red[a]",
    ]
}  # fmt: skip


def test_titles_from_hell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = planted_shop("hard", n_users=40, n_items=40)
    titles = shop.items["title"].tolist()
    titles[: len(HARD["title"])] = HARD["title"]
    shelves = [None, "", "<b>shelf</b>", "رف" * 250, *shop.items["shelf"][4:]]
    departments = [None, *shop.items["department"][1:]]
    events = shop.events.assign(
        user_id=shop.users["user_id"].to_numpy()[shop.events["user_id"]],
        item_id=shop.items["item_id"].to_numpy()[shop.events["item_id"]],
    )
    hard = Dataset.from_raw(
        "hard", events, items=shop.items.assign(title=titles, shelf=shelves, department=departments), users=shop.users,
        category_levels=shop.category_levels, user_attributes=shop.user_attributes,
    )  # fmt: skip
    home = Workspace(Settings.from_environment(tmp_path))
    home.store.save_dataset(hard)
    train_and_store(home, "hard", SMALL_RECIPE, seed=1, promote=True)
    for section in SECTIONS:
        app = healthy(page(tmp_path, monkeypatch, shopper="u001", k="36", section=section))
        raw = "".join(str(part.value) for part in [*app.markdown, *app.caption, *app.title])
        assert "<script>" not in raw
        assert "<img" not in raw
        assert "<b>" not in raw
    for number in range(8):
        app = healthy(page(tmp_path, monkeypatch, "item.py", item=f"{number:05d}"))
        assert "<" not in app.title[0].value.replace("\\<", "")
    assert "uncategorised" in texts(healthy(page(tmp_path, monkeypatch, "item.py", item="00000")))
    assert healthy(page(tmp_path, monkeypatch, "item.py", item="00004")).title[0].value == "00004"
    everything = ["00000", "00001", "00002", "00004", "00005"]
    app = healthy(page(tmp_path, monkeypatch, shopper="u001", section="What if", plus=everything))
    assert not app.error


def test_without_categories_and_attributes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = planted_shop("bare", n_users=40, n_items=40)
    bare = Dataset("bare", shop.users[["user_id"]], shop.items[["item_id", "title"]], shop.events)
    home = Workspace(Settings.from_environment(tmp_path))
    home.store.save_dataset(bare)
    train_and_store(home, "bare", SMALL_RECIPE, seed=1, promote=True)
    for section in SECTIONS:
        healthy(page(tmp_path, monkeypatch, shopper="u001", section=section))
    healthy(page(tmp_path, monkeypatch, "item.py", item="00003"))

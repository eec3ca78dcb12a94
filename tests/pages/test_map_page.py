"""The Map page as a shopper's friend sees it, without a browser: what it says in every state."""

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from benchmarks._large import make
from recsys.models.hyperparameters import Hyperparameters
from recsys.projection.settings import MapSettings
from recsys.recommend.recommender import Recommender
from recsys.services.map_job import draw
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from tests.homes import copy_home

PAGES = Path(__file__).parents[2] / "pages"


def page(home: Path, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    monkeypatch.setenv("INSIDER_HOME", str(home))
    app = AppTest.from_file(str(PAGES / "main.py"), default_timeout=60).run()
    for name, value in query.items():
        app.query_params[name] = value
    return app.switch_page("map.py").run()


def test_the_whole_map_says_what_it_shows(trained_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(trained_home, monkeypatch)
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1
    assert any("160 products in 4 departments" in caption.value for caption in app.caption)


def test_an_item_from_the_link_is_shown_with_its_true_neighbours(
    trained_home: Path, live: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(trained_home, monkeypatch, item="00007")
    assert not app.exception
    assert app.header[0].value == "Garden product 7"
    shown = [button.key.removeprefix("to_") for button in app.button if (button.key or "").startswith("to_")]
    assert shown == [item.item_id for item in live.similar("00007", 12)]
    app.button(key=f"to_{shown[0]}").click().run()
    assert app.text_input(key="item").value == shown[0], "a keyboard can fly to a neighbour"


def test_words_find_products_to_choose_from(trained_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(trained_home, monkeypatch, item="dairy shelf")
    shown = [button.label for button in app.button if (button.key or "").startswith("to_")]
    assert shown and all(label.startswith("Dairy product") for label in shown)
    app.text_input(key="item").set_value("no *such* thing").run()
    assert "no \\*such\\* thing" in app.warning[0].value


@pytest.mark.parametrize("by", ["department", "shelf", "brand", "price", "popularity", "sold"])
def test_every_colouring_draws(by: str, trained_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(trained_home, monkeypatch, colour=by)
    assert not app.exception
    assert app.selectbox(key="colour").value == by


def test_without_a_map_the_page_offers_to_draw_it(
    trained_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = copy_home(trained_home, tmp_path / "home")
    shutil.rmtree(home / "maps")
    app = page(home, monkeypatch)
    assert not app.exception
    assert "has no map yet" in app.markdown[0].value
    assert [button.label for button in app.button] == ["Draw the map"]


def test_a_damaged_map_is_named_and_can_be_drawn_again(
    trained_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = copy_home(trained_home, tmp_path / "home")
    damaged = next((home / "maps").glob("*/map.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:-10])
    app = page(home, monkeypatch)
    assert not app.exception
    assert "damaged" in app.error[0].value
    assert "Draw it again" in [button.label for button in app.button]


@pytest.mark.parametrize("below", ["selection", "odd", "compare", "draw"])
def test_every_section_below_the_map_shows(below: str, trained_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(trained_home, monkeypatch, below=below, shopper="u001", contours="true")
    assert not app.exception
    assert not app.error
    assert app.header[0].value == "Shopper u001"


def test_a_shopper_who_does_not_exist_is_named(trained_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(trained_home, monkeypatch, shopper="no*body")
    assert not app.exception
    assert "no\\*body" in app.error[0].value
    assert len(app.get("plotly_chart")) == 1


@pytest.mark.parametrize("kinds", [1, 5000])
def test_one_category_or_thousands_are_drawn_and_shown(
    kinds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, 50, kinds + 1000, 20_000, kinds)
    workspace = Workspace(Settings.from_environment(tmp_path))
    recipe = Hyperparameters(learner="warp", components=8, epochs=1, threads=1)
    trained = train_and_store(workspace, "large", recipe, promote=True).model.id
    draw(workspace, trained, MapSettings())
    assert workspace.store.map_manifest(trained)["facts"]["found"] > 0.8
    for below in ("Selection", "What is odd", "Draw anew"):
        app = page(tmp_path, monkeypatch, below=below, colour="kind")
        assert not app.exception
        assert len(app.get("plotly_chart")) == 1
        departments = "1 department\\," if kinds == 1 else "20 departments"
        assert any(departments in caption.value for caption in app.caption)


def test_a_lasso_of_the_link_selects_and_too_many_products_make_no_rule(
    trained_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recsys.item_map.selection.MOST_IN_A_RULE", 10)
    app = page(trained_home, monkeypatch, area="-2,-2 2,-2 2,2 -2,2")
    assert not app.exception and not app.error
    assert any("160 products" in text.value for text in app.markdown)
    store = next(button for button in app.button if button.label == "Store the rule set")
    assert store.disabled
    assert any("A rule takes from 1 to 10 products" in caption.value.replace("\\", "") for caption in app.caption)


def test_one_looks_from_the_whole_map_over_the_categories_to_the_product(
    trained_home: Path, live: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    item, other = (str(item_id) for item_id in live.items["item_id"][:2])
    app = page(trained_home, monkeypatch, item=item)
    steps = next(group for group in app.get("button_group") if group.label == "Look from")
    assert steps.value == "product"
    app = page(trained_home, monkeypatch, item=item, near=live.model.categories[0][0])
    steps = next(group for group in app.get("button_group") if group.label == "Look from")
    assert steps.value == live.model.category_levels[0], "as the link says"
    app.text_input(key="item").set_value(other).run()
    steps = next(group for group in app.get("button_group") if group.label == "Look from")
    assert steps.value == "product", "another product is looked at from near"

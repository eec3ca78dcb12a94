"""The Models page as people meet it: what a promotion would change, and the way back."""

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from streamlit.testing.v1 import AppTest

from recsys.services.model_card.card import report
from recsys.services.model_card.story import story
from recsys.services.training_service import train_and_store
from recsys.services.workbench.target_user import known
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings
from recsys.storage import audit
from recsys.storage.model_names import ModelNames
from recsys.views import runs, train
from recsys.views.compare import choices, side_by_side
from recsys.views.dials.cost_estimate import estimate
from recsys.views.models import versions
from tests.conftest import SMALL_RECIPE
from tests.homes import copy_home


@pytest.fixture
def home(trained_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    folder = tmp_path / "home"
    copy_home(trained_home, folder)
    monkeypatch.setenv("INSIDER_HOME", str(folder))
    monkeypatch.setenv("INSIDER_OPEN_DASHBOARD", "1")
    monkeypatch.delenv("INSIDER_DATABASE_URL", raising=False)
    return Workspace(Settings.from_environment(folder))


def page() -> AppTest:
    return AppTest.from_file(str(PROJECT_ROOT / "pages" / "models.py"), default_timeout=60).run()


def press(app: AppTest, label: str) -> AppTest:
    next(x for x in app.button if x.label == label).click().run()
    assert not app.exception
    return app


def test_an_identical_model_is_not_promoted_by_mistake(home: Workspace) -> None:
    train_and_store(home, "small", SMALL_RECIPE, seed=1)
    app = press(page(), "Promote")
    assert any("Nothing will change" in x.value for x in app.info)
    assert next(x for x in app.button if x.label == "Make it live").disabled


def test_a_model_is_called_by_its_name_everywhere(home: Workspace) -> None:
    other = train_and_store(home, "small", SMALL_RECIPE, seed=2).model.id
    app = page()
    assert app.selectbox(key="model").value == other, "the newest"
    app.text_input[0].set_value("Spring, more variety")
    next(x for x in app.button if x.label == "Save").click().run()
    assert not app.exception and not app.error
    assert ModelNames(home.database).of(other) == "Spring, more variety"
    assert app.dataframe[0].value["id"].iloc[0] == "Spring, more variety"
    assert "Spring\\, more variety" in app.header[0].value
    live = str(home.live_id())
    ModelNames(home.database).give(live, "Winter")
    trainings, notes = home.training_runs.all(), audit.notes(home.database)
    for words in (
        versions(home)[0].words(), train.live_words(home), train.starting_points(home)["live"], report(home, other),
        str(runs.table(trainings, notes)["model"].tolist()),
        side_by_side(home, known(home.load(), "u001"), [f"model:{other}"]).floor,
    ):  # fmt: skip
        assert "Winter" in words, words
    assert [training.model for training in runs.filtered(trainings, notes, text="winter")] == [live]
    assert choices(home)[f"model:{other}"] == "Model Spring, more variety"
    assert "model Spring, more variety" in estimate(home, "small", SMALL_RECIPE).words
    app.selectbox(key="model").set_value(live).run()
    app.text_input[0].set_value("spring, MORE variety")
    next(x for x in app.button if x.label == "Save").click().run()
    assert any("is called" in x.value and "already" in x.value for x in app.error)


def test_the_story_is_told_where_it_is_opened(home: Workspace) -> None:
    app = page()
    assert not any("bestsellers do" in x.value for x in app.markdown), "nothing is worked out before"
    app = AppTest.from_file(str(PROJECT_ROOT / "pages" / "main.py"), default_timeout=60)
    app.query_params["story"] = "true"
    app = app.run().switch_page("models.py").run()
    assert not app.exception and not app.error
    told = story(home)
    assert told.shoppers is not None
    written = [x.value for x in app.markdown]
    assert any(told.shoppers.headline().removesuffix(".") in x.replace("\\", "") for x in written)
    assert [x.value for x in app.subheader] == [
        "Served best", "Ahead of bestsellers", "Served worst", "Pairs that nobody would guess",
    ]  # fmt: skip
    examples = (*told.shoppers.best, *told.shoppers.ahead, *told.shoppers.worst)
    wanted = [link for one in (*examples, *told.pairs) for link in one.links]
    links = [x.proto for x in app.get("page_link")]
    assert [x.query_string for x in links] == [urlencode(link.query) for link in wanted]
    assert {x.page for x in links} <= {"shopper", "item", "map"}


def test_why_there_is_no_story(home: Workspace) -> None:
    home.store.delete_dataset("small")
    app = AppTest.from_file(str(PROJECT_ROOT / "pages" / "main.py"), default_timeout=60)
    app.query_params["story"] = "true"
    app = app.run().switch_page("models.py").run()
    assert not app.exception and not app.error
    assert any("No shoppers can be told of" in x.value for x in app.info)


def test_the_shopper_page_shows_what_the_story_tells(home: Workspace) -> None:
    told = story(home).shoppers
    assert told is not None
    app = AppTest.from_file(str(PROJECT_ROOT / "pages" / "shopper.py"), default_timeout=60)
    for name, value in told.best[0].links[0].query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception and not app.warning and not app.error
    assert app.title[0].value == f"Shopper {told.best[0].user_id}"
    verdict = re.compile(rf"{len(told.best[0].found)} of these 10 (was|were) ")
    assert any(verdict.match(x.value) for x in app.caption), [x.value for x in app.caption]

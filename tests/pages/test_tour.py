"""The card of the tour without a browser: on every page, what it leads to, what is left out, and the ways on Home."""

from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.shared import plain
from recsys.dataset.dataset import Dataset
from recsys.services.promotion import delete_model
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.views.home.example_shopper import example
from tests.conftest import SMALL_RECIPE
from tests.homes import copy_home

MAIN = str(Path(__file__).parents[2] / "pages" / "main.py")
TITLES = ["Shopper", "Shopper", "Shopper", "Shopper", "Map", "Train", "Shopper", "Models"]
SECTIONS = {"shopper": "Recommended", "why": "Why", "what-if": "What if", "rules": "Rules", "compare": "Compare"}


@pytest.fixture
def home(trained_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """One that may be changed, with one model."""
    folder = copy_home(trained_home, tmp_path / "home")
    monkeypatch.setenv("INSIDER_HOME", str(folder))
    monkeypatch.delenv("INSIDER_DATABASE_URL", raising=False)
    st.cache_resource.clear()
    st.cache_data.clear()
    return Workspace(Settings.from_environment(folder))


@pytest.fixture
def second(home: Workspace) -> str:
    return train_and_store(home, "small", SMALL_RECIPE, seed=2).model.id


def opened(page: str = "home.py", **query: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=90)
    app.query_params.update(query)
    if page != "home.py":
        app.switch_page(page)
    return sound(app.run())


def sound(app: AppTest) -> AppTest:
    assert not app.exception
    assert not app.error
    return app


def press(app: AppTest, key: str) -> AppTest:
    return sound(app.button(key=key).click().run())


def said(app: AppTest) -> str:
    """What the card says; nothing where there is none."""
    found = [text.value for text in app.markdown if text.value.startswith("**Step ")]
    assert len(found) < 2
    return found[0] if found else ""


def buttons(app: AppTest) -> list[str]:
    return [str(button.key) for button in app.button if str(button.key).startswith("tour_")]


def test_the_whole_tour_and_the_way_back(home: Workspace, second: str) -> None:
    app = press(opened(), "tour_take")
    shown = example(home)
    assert shown is not None
    names = []
    for place, title in enumerate(TITLES, 1):
        assert said(app).startswith(f"**Step {place} of 8 ·"), said(app)
        assert app.title[0].value.startswith(title)
        names.append(app.query_params["tour"])
        if title == "Shopper":
            assert app.title[0].value == f"Shopper {shown.user_id}"
            assert app.session_state["section"] == SECTIONS[names[-1]]
        if place < 8:
            app = press(app, "tour_next")
    assert len(set(names)) == 8
    assert app.selectbox(key="model").value == second
    assert "tour_next" not in buttons(app)
    app = press(app, "tour_back")
    assert app.multiselect(key="against").value == [f"model:{second}"]
    app = press(app, "tour_next")
    app = press(app, "tour_finish")
    assert not said(app) and "tour" not in app.query_params
    assert buttons(sound(app.switch_page("home.py").run())) == ["tour_take"]


@pytest.mark.parametrize("page", ["item", "data", "train", "runs", "models", "quality", "map", "shopper"])
def test_every_page_has_the_card_once(home: Workspace, page: str) -> None:
    app = opened(f"{page}.py", tour="why")
    assert said(app).startswith("**Step 2 of 6 · Why**")
    away = page != "shopper"
    assert buttons(app) == (["tour_here"] if away else ["tour_back", "tour_next"]) + ["tour_leave"]
    assert ("waits while you look around" in said(app)) == away
    if away:
        app = press(app, "tour_here")
        assert app.title[0].value.startswith("Shopper")
        assert app.session_state["section"] == "Why"


def test_home_shows_the_card_and_no_second_way_in(home: Workspace) -> None:
    app = opened(tour="map")
    assert said(app).startswith("**Step 5 of 6 · The map**")
    assert buttons(app) == ["tour_here", "tour_leave"]


def test_slides_are_shown_without_it(home: Workspace) -> None:
    app = opened("present.py", tour="why")
    assert not said(app) and not buttons(app)
    assert said(sound(app.switch_page("runs.py").run())), "it goes on elsewhere"


def test_without_the_tour_no_page_has_a_card(home: Workspace) -> None:
    app = opened()
    assert not said(app) and buttons(app) == ["tour_take"]
    assert "tour" not in app.query_params


def test_it_is_left_gone_on_with_and_begun_again(home: Workspace) -> None:
    app = press(press(press(opened(), "tour_take"), "tour_next"), "tour_next")
    app = press(app, "tour_leave")
    assert app.title[0].value.startswith("Shopper"), "leaving changes no page"
    assert app.session_state["section"] == "What if"
    assert not said(app) and "tour" not in app.query_params
    app = sound(app.switch_page("home.py").run())
    assert buttons(app) == ["tour_resume", "tour_again"]
    assert any("step 3 of 6" in caption.value for caption in app.caption)
    app = press(app, "tour_resume")
    assert said(app).startswith("**Step 3 of 6 · What if**")
    app = press(app, "tour_leave")
    app = press(sound(app.switch_page("home.py").run()), "tour_again")
    assert said(app).startswith("**Step 1 of 6 · A shopper**")


def test_it_stays_on_when_another_page_is_chosen_by_hand(home: Workspace) -> None:
    app = press(opened(), "tour_take")
    app.query_params.clear()  # a link of the navigation has no parameters
    app = sound(app.switch_page("quality.py").run())
    assert said(app).startswith("**Step 1 of 6")
    assert app.query_params["tour"] == "shopper"


def test_the_widgets_of_the_page_keep_what_they_hold(home: Workspace) -> None:
    app = press(opened(), "tour_take")
    app.button_group(key="lane").set_value("all").run()
    app = press(app, "tour_next")
    assert app.session_state["lane"] == "all"
    app = press(app, "tour_leave")
    assert app.session_state["lane"] == "all"
    app = opened("train.py", tour="train")
    app.number_input(key="seed").set_value(7).run()
    app.slider(key="dial_epochs").set_value(3).run()
    app = press(app, "tour_leave")
    assert (app.number_input(key="seed").value, app.slider(key="dial_epochs").value) == (7, 3)


def test_a_step_that_is_gone_is_skipped_with_a_word(home: Workspace, second: str) -> None:
    app = opened("models.py", tour="promote")
    assert said(app).startswith("**Step 8 of 8 · Promote**")
    delete_model(home, second)
    app = sound(app.run())
    assert said(app).startswith("**Step 6 of 6 · Train and watch**")
    assert "“Promote” is left out" in said(app)
    app = press(app, "tour_leave")
    app = sound(app.switch_page("home.py").run())
    assert any("“Promote” is left out" in caption.value for caption in app.caption)


def test_somebody_who_may_only_look_is_not_led_to_what_is_refused(
    home: Workspace, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INSIDER_OPEN_DASHBOARD")
    app = AppTest.from_file(MAIN, default_timeout=90)
    app.query_params["tour"] = "train"
    app.switch_page("train.py").run()
    assert said(app).startswith("**Step 6 of 6 · Compare**")
    assert "training needs the role merchandiser" in said(app)


def test_before_the_first_model_there_is_no_tour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from recsys.services import job_process

    monkeypatch.setattr(job_process, "launch", lambda *_: 1)
    monkeypatch.setenv("INSIDER_HOME", str(tmp_path / "empty"))
    st.cache_resource.clear()
    app = opened(tour="why")
    assert not said(app) and not buttons(app)


def test_a_link_to_a_step_that_nobody_knows_begins_the_tour(home: Workspace) -> None:
    app = opened("shopper.py", tour="**x** <b>")
    assert said(app).startswith("**Step 1 of 6")
    assert plain("“**x** <b>”") in said(app)


def test_ids_of_shoppers_are_shown_as_they_are(home: Workspace) -> None:
    rows = [(f"*{u:03d}*_<b>", f"{i:03d}") for u in range(30) for i in range(30) if u % 2 == i % 2 and (u * i) % 7]
    home.store.save_dataset(Dataset.from_raw("bare", pd.DataFrame(rows, columns=["user_id", "item_id"])))
    train_and_store(home, "bare", SMALL_RECIPE, promote=True)
    shown = example(home)
    assert shown is not None
    app = press(opened(), "tour_take")
    assert said(app).startswith("**Step 1 of 5")
    assert app.title[0].value == plain(f"Shopper {shown.user_id}")
    for _ in range(4):
        app = press(app, "tour_next")
    assert said(app).startswith("**Step 5 of 5 · Train and watch**")

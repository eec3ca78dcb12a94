"""The Train page as people meet it: dials, a training, what came of it, promotion and the way back."""

import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages import shared
from recsys.models.hyperparameters import PRESETS, Hyperparameters
from recsys.services.promotion import promote
from recsys.services.promotion_preview import preview
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings
from recsys.training.search import SearchPlan, search
from recsys.utils import formatting as fmt
from recsys.views import train
from recsys.views.dials.cost_estimate import estimate
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
    app = AppTest.from_file(str(PROJECT_ROOT / "pages" / "train.py"), default_timeout=60)
    return app.run()


def button(app: AppTest, label: str):
    return next(x for x in app.button if x.label == label)


def ended(home: Workspace, run_id: int, seconds: float = 90):
    until = time.monotonic() + seconds
    while home.job_store.get(run_id).active:
        assert time.monotonic() < until, home.job_store.get(run_id)
        time.sleep(0.3)
    return home.job_store.get(run_id)


def test_dials_show_the_preset_and_follow_the_starting_point(home: Workspace) -> None:
    app = page()
    assert not app.exception
    assert app.slider(key="dial_components").value == PRESETS["default"].components
    app.selectbox(key="point").set_value("preset:fast").run()
    assert app.slider(key="dial_components").value == PRESETS["fast"].components
    app.selectbox(key="point").set_value("live").run()
    assert app.slider(key="dial_components").value == SMALL_RECIPE.components
    assert app.select_slider(key="dial_learning_rate").value == SMALL_RECIPE.learning_rate


def test_the_browser_is_told_where_the_dials_stand_until_a_run_has_come_to_its_end(home: Workspace) -> None:
    """A run that a job's end cuts short may have told it nothing; one more word would take back a dial being turned."""
    app = page()
    assert app.slider(key="dial_components").proto.set_value
    app.session_state["dials_sent"] = False  # as after a run that was cut short
    app.run()
    assert app.slider(key="dial_components").proto.set_value
    assert app.slider(key="dial_components").proto.value == [PRESETS["default"].components]
    app.slider(key="dial_components").set_value(32).run()
    assert not app.slider(key="dial_components").proto.set_value
    assert app.slider(key="dial_components").value == 32
    assert app.run().slider(key="dial_components").value == 32


def test_a_recipe_without_item_features_is_refused_in_words(home: Workspace) -> None:
    app = page()
    app.checkbox(key="dial_identity").uncheck()
    app.checkbox(key="dial_brand").uncheck()
    app.button_group(key="dial_category_levels").set_value([]).run()
    assert any("No item features" in x.value for x in app.warning)
    assert button(app, "Train").disabled


def test_train_watch_promote_and_roll_back(home: Workspace) -> None:
    app = page()
    app.selectbox(key="point").set_value("live").run()
    app.slider(key="dial_components").set_value(12)
    app.slider(key="dial_epochs").set_value(12)
    button(app, "Train").click().run()
    assert not app.exception
    run = ended(home, home.job_store.newest()[-1].id)
    assert (run.state, run.message, run.recipe["components"]) == ("done", "", 12)
    app = page()
    headline = preview(home, str(run.model)).headline
    assert headline.startswith("Accuracy")
    assert [x.value for x in app.markdown if x.value == f"**{shared.plain(headline)}**"], "as the promotion says it"
    button(app, "Promote").click().run()
    assert not app.exception
    assert not app.error, app.error
    assert button(app, "Make it live")
    # A click within a dialog cannot be played here; the browser test does it.
    promote(home, str(run.model))
    assert home.live_id() == run.model
    app = page()
    button(app, "Roll back").click().run()
    assert home.live_id() == run.model, "it asks first"
    assert button(app, "Go back")
    assert any(x.value.startswith("**Accuracy") for x in app.markdown)
    number = home.training_runs.all()[0].id
    assert any(x.value == f"Training {number}" for x in app.header)


def test_failed_and_cancelled_and_queued_runs_say_so(home: Workspace) -> None:
    runs = home.job_store
    failed = runs.create("train", "small", SMALL_RECIPE.to_dict(), seed=0, promote=False)
    runs.finish(failed, "failed", message="The *machine* ran out of memory.")
    app = page()
    assert any("ran out of memory" in x.value for x in app.error)
    cancelled = runs.create("train", "small", SMALL_RECIPE.to_dict(), seed=0, promote=False)
    runs.finish(cancelled, "cancelled")
    assert any("cancelled" in x.value for x in page().info)
    runs.create("train", "small", SMALL_RECIPE.to_dict(), seed=0, promote=False)
    queued = runs.create("train", "small", SMALL_RECIPE.to_dict(), seed=0, promote=False)
    assert train.waiting_for(home, home.job_store.get(queued)) == "Waiting for training to end; it starts by itself."
    app = page()
    button(app, "Cancel").click().run()
    assert not app.exception


def test_a_stopped_search_shows_what_it_found_and_how_to_go_on(home: Workspace) -> None:
    found = SearchPlan("small", "spring", trials=2, base=SMALL_RECIPE, objective="variety")
    search(home.training_runs, home.dataset("small"), found)
    run = home.job_store.create("search", "small", found.to_dict(), seed=0, promote=False)
    home.job_store.finish(run, "cancelled")
    app = page()
    assert not app.exception
    assert any("same name goes on" in x.value for x in app.info)
    assert len(app.dataframe[0].value) == 2 and app.get("plotly_chart")
    failed = home.job_store.create("search", "small", found.to_dict(), seed=0, promote=False)
    home.job_store.finish(failed, "failed", message="It was killed.")
    app = page()
    assert any("was killed" in x.value for x in app.error) and len(app.dataframe[0].value) == 2


def test_without_data_the_page_waits_for_the_first_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSIDER_HOME", str(tmp_path / "empty"))
    monkeypatch.delenv("INSIDER_DATABASE_URL", raising=False)
    runs = Workspace().job_store
    runs.finish(runs.create("demo", "demo", {}, seed=0, promote=True), "failed", message="No space is left")
    app = page()
    assert not app.exception
    assert any("No space is left" in x.value for x in app.error)
    assert any("first recommendations" in x.value for x in app.title)


def test_the_estimate_grows_with_work_and_names_its_basis(home: Workspace) -> None:
    small = estimate(home, "small", Hyperparameters(components=8, epochs=5))
    large = estimate(home, "small", Hyperparameters(components=64, epochs=50))
    assert large.seconds > small.seconds
    assert str(home.live_id()) in small.words
    live = home.store.model_manifest(str(home.live_id()))
    same = estimate(home, "small", Hyperparameters.from_dict(live["recipe"]))
    assert fmt.duration(max(live["seconds"], 1)) in same.words, "the recipe of the live model takes what it took"

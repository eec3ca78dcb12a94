"""The Runs and Models pages: what was trained, side by side; what is stored, and who did what."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from recsys.charts import runs
from recsys.services.model_card.card import Table, card_of, html_of, report
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings
from recsys.storage import audit
from recsys.training.search import SearchPlan, search
from recsys.views import runs as run_view
from tests.homes import copy_home
from tests.storage.test_training_runs import TINY


@pytest.fixture(scope="module")
def studio(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A home with a few trainings, a search, and two models."""
    folder = tmp_path_factory.mktemp("studio") / "home"
    copy_home(trained_home, folder)
    home = Workspace(Settings.from_environment(folder))
    train_and_store(home, "small", TINY, seed=1, source="page")
    train_and_store(home, "small", TINY, seed=2, source="page")
    search(home.training_runs, home.dataset("small"), SearchPlan("small", "spring", trials=4, base=TINY))
    return home


def page(studio: Workspace, name: str, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("INSIDER_HOME", str(studio.settings.home))
    monkeypatch.delenv("INSIDER_DATABASE_URL", raising=False)
    app = AppTest.from_file(str(PROJECT_ROOT / "pages" / name), default_timeout=60).run()
    assert not app.exception and not app.error
    return app


def test_runs_page_lists_everything_and_filters(studio: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(studio, "runs.py", monkeypatch)
    everything = len(studio.training_runs.all())
    assert len(app.dataframe[0].value) == everything
    app.text_input(key="runs_find").set_value("search spring").run()
    assert not app.exception and len(app.dataframe[0].value) == 4
    for kind in runs.FIGURES:
        app.button_group(key="figure").set_value(kind).run()
        assert not app.exception


def test_trainings_are_chosen_by_number_and_called_by_it(studio: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(studio, "runs.py", monkeypatch)
    two = [t for t in studio.training_runs.all("small") if t.source == "page" and t.model]
    names = [run_view.name_of(t) for t in two]
    app.multiselect(key="trainings").set_value(names).run()
    assert not app.exception and not app.error
    paired = next(x.value for x in app.dataframe if "Verdict" in x.value.columns)
    assert list(paired.columns[-3:-1]) == names and "Live" not in paired.columns
    app.text_input(key="runs_find").set_value("search spring").run()
    assert app.multiselect(key="trainings").value == names, "filters move rows, not what was chosen"


@pytest.mark.parametrize(
    ("name", "key", "gone"), [("runs.py", "trainings", "Training 999"), ("models.py", "model", "x")]
)
def test_a_link_to_what_is_gone_says_so(
    studio: Workspace, monkeypatch: pytest.MonkeyPatch, name: str, key: str, gone: str
) -> None:
    monkeypatch.setenv("INSIDER_HOME", str(studio.settings.home))
    app = AppTest.from_file(str(PROJECT_ROOT / "pages" / name), default_timeout=60)
    app.query_params[key] = gone
    app.run()
    assert not app.exception
    assert any("The link asks for" in x.value and gone in x.value for x in app.warning), [x.value for x in app.warning]
    assert not [x for x in page(studio, name, monkeypatch).warning if "The link" in x.value]


def test_a_running_training_is_said_to_run(studio: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    data = studio.dataset("small")
    with studio.training_runs.recording("small", data.fingerprint, TINY, seed=3, source="page") as record:
        app = page(studio, "runs.py", monkeypatch)
        app.multiselect(key="trainings").set_value([f"Training {record.id}"]).run()
        assert any(x.value == "It is running; its first pass is not measured yet." for x in app.caption)
        record.ended("cancelled", "")


def test_models_page_shows_versions_and_the_log(studio: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(studio, "models.py", monkeypatch)
    assert len(app.dataframe[0].value) == len(studio.store.models())
    stopped = studio.store.model_manifest(studio.store.models()[-1]).plan.stopped
    assert stopped and any("passes" in x.value for x in app.markdown), "how its training went"
    next(x for x in app.button if x.label == "Model card").click().run()
    assert any("Save model-" in x.label for x in app.get("download_button"))
    assert any(entry.action == "promote" for entry in audit.entries(studio.database))


def test_figures_need_enough_and_are_in_the_colours_of_the_theme(studio: Workspace) -> None:
    found = studio.training_runs.all("small")
    assert runs.trainings_figure("parallel", found[:2]) is None
    for kind in runs.FIGURES:
        figure = runs.trainings_figure(kind, found)
        assert figure is not None and figure.layout.paper_bgcolor == runs.CLEAR
        assert figure.layout.title.text is None


def test_side_by_side_shows_only_what_differs_and_never_across_data(studio: Workspace) -> None:
    two = [t for t in studio.training_runs.all("small") if t.source == "page" and t.model]
    found = run_view.side_by_side(studio, two)
    assert found.parameters["parameter"].tolist() == ["seed"]
    assert found.paired and found.paired[0].users > 0 and len(found.metrics)
    assert "differs by" in run_view.noise_floor(studio, two[0])
    other = replace(two[1], fingerprint="another")
    refused = run_view.side_by_side(studio, [two[0], other])
    assert "different data" in refused.note and not refused.curves


def test_the_model_card_is_one_file_with_everything_in_it(studio: Workspace) -> None:
    text = report(studio)
    HTMLParser().feed(text)
    live = studio.load().model
    for wanted in (
        live.id,
        live.manifest["fingerprint"],
        "Popular",
        "Limits",
        "95% bootstrap",
        "Item knn",
        "Segments",
        "Activity:",
        "Against popular",
        "pass 1",
        "What it learned",
        "Served best",
        "Shopper page, shopper ",
    ):
        assert wanted.lower() in text.lower(), wanted
    assert not re.search(r"(src|href)\s*=|<script|@import|url\(", text), "it must need nothing from elsewhere"


def test_names_from_data_stay_text_in_the_card(studio: Workspace) -> None:
    card = card_of(studio)
    table = Table("<b>t", ("<b>x",), (("<b>y",),))
    text = html_of(replace(card, name="<b>n", data=(("<b>d", "<b>e"),), lanes=(table,), limits=("<b>l",)))
    assert "<b>" not in text
    assert all(f"&lt;b&gt;{letter}" in text for letter in "ntxydel")

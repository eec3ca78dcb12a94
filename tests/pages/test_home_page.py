"""Home without a browser: what it says when a model is live, before there is one, and when something is wrong."""

import dataclasses
import os
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.shared import plain
from recsys.dataset.dataset import Dataset
from recsys.progress import Progress
from recsys.recommend.recommender import Recommender
from recsys.services import job_process
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.utils import formatting as fmt
from recsys.views.home.example_shopper import example
from recsys.views.home.overview import AGAINST_POPULAR, first_model_run, overview, progress_words, ratios
from tests.conftest import SMALL_RECIPE
from tests.homes import copy_home
from tests.shops import planted_shop

MAIN = Path(__file__).parents[2] / "pages" / "main.py"


def home_page(home: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("INSIDER_HOME", str(home))
    monkeypatch.setenv("INSIDER_OPEN_DASHBOARD", "1")
    st.cache_resource.clear()
    return AppTest.from_file(str(MAIN), default_timeout=60).run()


def texts(app: AppTest) -> str:
    parts = [*app.markdown, *app.caption, *app.error, *app.info, *app.title, *app.header]
    return " ".join(str(part.value) for part in parts)


@pytest.fixture
def no_jobs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Jobs are noted down and not started."""
    launched: list[int] = []

    def note(run_id: int, settings: Settings) -> int:
        launched.append(run_id)
        return os.getpid()

    monkeypatch.setattr(job_process, "launch", note)
    return launched


def test_it_says_what_is_live_and_how_good_it_is(
    trained_home: Path, live: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = home_page(trained_home, monkeypatch)
    assert not app.exception
    said = texts(app)
    lanes = live.manifest["metrics"]["lanes"]["discover"]
    assert plain(live.model.id) in said
    share = round(100 * lanes["model"]["hit_rate"]["value"])
    assert app.title[0].value.startswith(f"{share} of 100 shoppers")
    assert f"With bestsellers for everybody it would be {100 * lanes['popular']['hit_rate']['value']:.0f}" in said
    best = max((x["ndcg"]["value"], name) for name, x in lanes.items() if name != "model")[1]
    strongest = fmt.method_in_sentence(best)
    assert f"with {plain(strongest)}" in said and "the strongest simple method" in said
    told = live.manifest["metrics"]["comparisons"]["discover"]["popular"]["verdict"]
    expected = {"better": "more accurate than", "worse": "less accurate than", "cannot tell": "as accurate as"}[told]
    assert f"{expected} bestsellers" in said
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Catalogue coverage"] == fmt.measured(lanes["model"]["coverage"]["value"], is_share=True)
    assert all(metric.delta.startswith("bestsellers") and plain(strongest) in metric.delta for metric in app.metric)
    assert plain(fmt.measured(lanes["model"]["ndcg"]["value"], is_share=False)) in said
    assert "made live" in said and "1 training ended" in said
    assert "A small shop with planted preferences" in said


def test_figures_are_those_of_the_manifest(workspace: Workspace, live: Recommender) -> None:
    view = overview(workspace)
    lanes = live.manifest["metrics"]["lanes"]["discover"]
    for ratio, name in zip(view.ratios, AGAINST_POPULAR, strict=True):
        assert ratio.value == pytest.approx(lanes["model"][name]["value"] / lanes["popular"][name]["value"])
        assert ratio.low <= ratio.value <= ratio.high
        assert ratio.popular_low <= 1 <= ratio.popular_high
    facts = {fact.label: fact.value for fact in view.facts}
    assert facts["Shoppers"] == "120"
    assert facts["Products"] == "160"
    assert facts["Categories"].startswith("4 by department")


def test_the_example_is_a_shopper_who_bought_what_stood_in_their_list(workspace: Workspace, live: Recommender) -> None:
    found = example(workspace)
    assert found is not None
    data, cut = workspace.dataset("small"), live.manifest["split"]["test_start"]
    events = data.events.assign(
        user=data.users["user_id"].to_numpy()[data.events["user_id"]],
        title=data.items["title"].to_numpy()[data.events["item_id"]],
    )
    own = events[events["user"] == found.user_id]
    before, after = (set(own[side]["title"]) for side in (own["timestamp"] < cut, own["timestamp"] >= cut))
    assert found.before and set(found.before) <= before
    assert [title for title, hit in found.shown if hit] == [t for t, _ in found.shown if t in after - before]
    assert any(hit for _, hit in found.shown) and not before & {title for title, _ in found.shown}
    assert [title for title, _ in found.shown] == [item.title for item in live.recommend(found.user_id).items]


def test_the_example_leaves_out_what_is_sold_out_as_answers_do(tmp_path: Path) -> None:
    shop = planted_shop("small", n_users=60, n_items=60)
    items = shop.items.assign(available=[number % 3 > 0 for number in range(60)])
    workspace = Workspace(Settings.from_environment(tmp_path))
    workspace.store.save_dataset(dataclasses.replace(shop, items=items))
    live = train_and_store(workspace, "small", SMALL_RECIPE, promote=True)
    found = example(workspace)
    assert found is not None
    answered = live.recommend(found.user_id).items
    assert [title for title, _ in found.shown] == [item.title for item in answered]
    assert not [item for item in answered if int(item.item_id) % 3 == 0]


def test_what_cannot_be_divided_is_left_out() -> None:
    zero = {"ndcg": {"value": 0.0, "low": 0.0, "high": 0.0}, "auc": {"value": 0.5, "low": 0.4, "high": 0.6}}
    assert ratios(zero, zero, fmt.measures()) == ()
    nothing = {"ndcg": {"value": None, "low": None, "high": None}}
    assert ratios(nothing, nothing, fmt.measures()) == ()


def test_without_a_model_the_demo_is_started_once_and_its_progress_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_jobs: list[int]
) -> None:
    app = home_page(tmp_path / "home", monkeypatch)
    assert not app.exception
    assert "Preparing the first recommendations" in texts(app)
    assert len(no_jobs) == 1
    workspace = Workspace(Settings.from_environment(tmp_path / "home"))
    curve = ({"epoch": 1, "seconds": 1.0, "ndcg": 0.01},)
    workspace.job_store.claim(no_jobs[0], 1)
    workspace.job_store.report(no_jobs[0], Progress("Choosing epochs", 0.3, 1, 20, 42.0, curve))
    app.run()
    said = texts(app).replace("\\", "")
    assert "pass 1 of at most 20 · " in said and " so far · about 42 s left" in said
    assert len(no_jobs) == 1


def test_a_preparation_that_failed_says_why_and_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_jobs: list[int]
) -> None:
    app = home_page(tmp_path / "home", monkeypatch)
    workspace = Workspace(Settings.from_environment(tmp_path / "home"))
    workspace.job_store.finish(no_jobs[0], "failed", message="The *disk* is full.")
    app.run()
    assert "The \\*disk\\* is full\\." in texts(app)
    assert len(no_jobs) == 1
    (again,) = [button for button in app.button if button.label == "Try again"]
    again.click().run()
    assert len(no_jobs) == 2
    assert not app.exception


def test_a_damaged_live_model_is_said_with_a_way_back(
    trained_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = copy_home(trained_home, tmp_path / "home")
    (model,) = (home / "models").iterdir()
    (model / "item_biases.npy").write_bytes(b"")
    app = home_page(home, monkeypatch)
    assert not app.exception
    assert "item\\_biases\\.npy was changed or cut short" in texts(app)
    (back,) = [button for button in app.button if "Go back" in button.label]
    back.click().run()
    assert not app.exception
    assert "No earlier model to roll back to" in texts(app)


def test_a_home_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    app = home_page(tmp_path / "file" / "home", monkeypatch)
    assert not app.exception
    assert plain(str(tmp_path / "file")) in texts(app)


def test_which_run_is_waited_for(tmp_path: Path, small_dataset: Dataset, no_jobs: list[int]) -> None:
    workspace = Workspace(Settings.from_environment(tmp_path))
    workspace.store.save_dataset(small_dataset)
    first = first_model_run(workspace)
    assert first is not None
    assert first.kind == "demo"
    assert first_model_run(workspace).id == first.id
    workspace.job_store.finish(first.id, "cancelled")
    assert first_model_run(workspace).state == "cancelled"
    assert progress_words(first_model_run(workspace)) == ""


@pytest.mark.parametrize(
    "text",
    ["**bold** _it_ `code` [x](http://y.example) :red[x] $x^2$ # h", "https://evil.example", "a\nb\n\n# c", "<b>x</b>"],
)
def test_plain_text_stays_text(text: str) -> None:
    shown = plain(text)
    assert "\n" not in shown
    assert shown.replace("\\", "").replace("\u2060", "") == " ".join(text.split())
    for mark in "*_`[]()#$<>:":
        assert shown.count(mark) == shown.count("\\" + mark)

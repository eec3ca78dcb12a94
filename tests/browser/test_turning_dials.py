"""The dials in a real browser: turn one, see the curve rise pass by pass and the figures differ, read what it did."""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from recsys.models.hyperparameters import Hyperparameters
from recsys.progress import Progress
from recsys.services.dials.rough_runs import measure
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from tests.homes import copy_home
from tests.serving import page_of, running_app

# Many small passes, each of which adds a little, so that the curve is long under way.
RECIPE = Hyperparameters(
    learner="warp", components=8, epochs=120, patience=50, windows=1, variety=0.0, adapt=(), learning_rate=0.03,
    threads=1,
)  # fmt: skip
DRAWN = """() => {
  const traces = [...document.querySelectorAll('.js-plotly-plot')].flatMap(figure => figure.data);
  const curve = traces.find(trace => /^Training [0-9]+$/.test(trace.name || ''));
  return curve ? [...curve.y] : [];
}"""
"""NDCG@10 by pass of the training that was started on the page, as it is drawn."""


def press_train(page: Page) -> None:
    """Press Train; the progress must then stand on the screen without scrolling."""
    page.get_by_role("button", name="Train", exact=True).click()
    bar = page.get_by_test_id("stProgress")
    bar.wait_for(timeout=60_000)
    expect(bar).to_be_in_viewport(ratio=1)


@pytest.mark.browser
def test_turn_a_dial_watch_and_read_what_it_did(browser: Browser, trained_home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "home"
    copy_home(trained_home, folder)
    home = Workspace(replace(Settings.from_environment(folder), rough_runs=3))
    live = train_and_store(home, "small", RECIPE, promote=True, baselines="none").model
    measure(home, live.id, number=3, on_progress=lambda _: None, wait=lambda: None, job=0)
    # a finished job to begin with, whose curve brings the charts' script into the browser
    before = home.job_store.create("train", "small", RECIPE.to_dict(), seed=0, promote=False)
    home.job_store.report(before, Progress("Done", 1.0, curve=tuple(live.manifest.curve)))
    home.job_store.finish(before, "done", model=live.id)
    with running_app(folder, tmp_path / "app.log", {"OMP_NUM_THREADS": "1"}) as url:
        with page_of(browser, width=1280, height=900) as page:
            page.goto(f"{url}/train")
            dial = page.get_by_role("slider", name="Components")
            dial.wait_for(timeout=120_000)
            page.locator(".js-plotly-plot").first.wait_for(timeout=60_000)
            page.get_by_role("combobox", name="Start from").click()
            page.get_by_role("option", name="The live model", exact=False).click()
            expect(page.get_by_role("img", name="Components", exact=False)).to_be_visible(timeout=30_000)
            expect(dial).to_have_value(str(RECIPE.components))
            dial.focus()
            for _ in range(8):
                page.keyboard.press("ArrowRight")
            expect(dial).to_have_value("16")
            press_train(page)
            seen: set[int] = set()
            while home.job_store.newest(1, kinds=("train",))[0].active:
                seen.add(len(page.evaluate(DRAWN)))
                page.wait_for_timeout(200)
            page.get_by_role("button", name="Promote").wait_for(timeout=60_000)
            job = home.job_store.newest(1, kinds=("train",))[0]
            model = home.store.model_manifest(str(job.model))
            expect(page.get_by_text("Components from 8 to 16, against the live model", exact=False)).to_be_visible()
            expect(page.get_by_text(model.plan.stopped)).to_be_visible()
            values = page.evaluate(DRAWN)
            assert values == [point["ndcg"] for point in model.curve]
            assert max(values) > 1.2 * values[0], "the curve rises"
            assert any(0 < number < len(values) for number in seen), f"it is drawn pass by pass: {seen}"
            assert model.measured()["ndcg"]["value"] != live.manifest.measured()["ndcg"]["value"]
            for name in ("Live model", "Best simple method", "Noise", "Kept"):
                expect(page.locator(".legend").get_by_text(name, exact=True).first).to_be_visible()
        with page_of(browser, width=390, height=844) as page:
            page.goto(f"{url}/train")
            page.get_by_role("slider", name="Components").wait_for(timeout=120_000)
            press_train(page)
            page.get_by_role("button", name="Cancel").click()
            expect(page.get_by_text("This training was cancelled")).to_be_visible(timeout=60_000)

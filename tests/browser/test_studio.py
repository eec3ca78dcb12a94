"""The studio in a real browser: train from sliders, watch the curve, compare, promote, and go back."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from recsys.models.hyperparameters import PRESETS
from recsys.services.workbench.expectations import Expectation, Expectations
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.storage import audit
from tests.homes import copy_home
from tests.serving import page_of, progress_told, running_app, wait_until


@pytest.mark.browser
def test_train_from_sliders_promote_and_roll_back(browser: Browser, trained_home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "home"
    copy_home(trained_home, folder)
    home = Workspace(Settings.from_environment(folder))
    first = home.live_id()
    user = str(home.load().users["user_id"].iloc[0])
    with running_app(folder, tmp_path / "app.log", {"OMP_NUM_THREADS": "1"}) as url, page_of(browser) as page:

        def answer() -> dict[str, Any]:
            found: dict[str, Any] = httpx.get(f"{url}/v1/users/{user}/recommendations").json()
            return found

        assert answer()["model"] == first
        shown = {item["item_id"] for item in answer()["items"]}
        page.goto(f"{url}/train")
        components = page.get_by_role("slider", name="Components")
        components.focus()
        for _ in range(8):
            page.keyboard.press("ArrowLeft")
        epochs = page.get_by_role("slider", name="Passes at most")
        epochs.focus()
        for _ in range(3):
            page.keyboard.press("ArrowLeft")
        wanted = PRESETS["default"].epochs - 3
        expect(epochs).to_have_value(str(wanted))
        chosen = int(components.input_value())
        assert chosen < PRESETS["default"].components
        page.get_by_role("button", name="Train", exact=True).click()
        # Whatever is not in this list now will be missed, or new: another model breaks it.
        others = tuple(str(item) for item in home.load().items["item_id"] if str(item) not in shown)
        Expectations(home.database).save(Expectation("As it is", user=user, must_not=others))

        expect(page.get_by_role("heading", name=re.compile(r"Training \d+"))).to_be_visible(timeout=30_000)
        expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=60_000)
        expect(page.locator(".js-plotly-plot .legend", has_text="Live model").first).to_be_visible(timeout=60_000)
        expect(page.get_by_role("button", name="Promote")).to_be_visible(timeout=90_000)
        run = home.job_store.newest()[-1] if home.job_store.newest()[0].kind == "map" else home.job_store.newest()[0]
        assert (run.state, run.recipe["components"], run.recipe["epochs"]) == ("done", chosen, wanted)
        page.reload()
        number = home.training_runs.all()[0].id
        expect(page.get_by_role("heading", name=f"Training {number}")).to_be_visible(timeout=30_000)
        assert answer()["model"] == first

        # Train's headline is the sentence that the promotion begins with.
        sentence = page.locator("strong", has_text="Accuracy").first
        expect(sentence).to_contain_text("NDCG@", timeout=60_000)
        headline = sentence.inner_text()
        for words in ("catalogue coverage", "of shoppers get another list", "; 1 expectation is newly broken."):
            assert words in headline
        page.get_by_role("button", name="Promote").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.locator("strong", has_text="Accuracy").first).to_have_text(headline, timeout=60_000)
        expect(dialog.get_by_text("Expectation As it is", exact=False).first).to_be_visible()
        expect(dialog.get_by_text("By segment")).to_be_visible(timeout=60_000)
        sure = dialog.get_by_text("I have seen this and want it all the same")
        if sure.count():
            expect(dialog.get_by_role("button", name="Make it live")).to_be_disabled()
            sure.click()
        dialog.get_by_role("button", name="Make it live").click()
        expect(page.get_by_text(f"Model {run.model}").first).to_be_visible(timeout=30_000)
        expect(dialog).to_be_hidden()
        assert home.live_id() == run.model
        wait_until(lambda: answer()["model"] == run.model, "the API answers from the new model", seconds=30)

        page.get_by_role("link", name="Runs").click()
        expect(page.get_by_text("What they teach")).to_be_visible(timeout=30_000)
        page.get_by_label("Look at, or compare").focus()
        for _ in range(2):  # with the keyboard alone
            page.keyboard.press("ArrowDown")
            page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        expect(page.get_by_text("Only what differs.")).to_be_visible(timeout=30_000)
        expect(page.get_by_text(f"Training {number - 1} against Training {number}", exact=False)).to_be_visible()
        page.get_by_role("link", name="Models").click()
        expect(page.get_by_role("button", name="Model card")).to_be_visible(timeout=30_000)
        told = progress_told(page)
        page.get_by_role("button", name="Model card").click()
        expect(page.get_by_role("button", name="Save model-", exact=False)).to_be_visible(timeout=90_000)
        assert any(re.match(r"(Measuring|Making|Comparing|Fitting) .* · \d+ s so far", text) for text in told()), told()
        page.get_by_role("button", name="Roll back").click()
        expect(dialog.get_by_text("would answer at once")).to_be_visible(timeout=30_000)
        dialog.get_by_role("button", name="Go back").click()
        expect(page.get_by_text(f"Model {first} is live again")).to_be_visible(timeout=30_000)
        wait_until(lambda: answer()["model"] == first, "the API answers from the old model again", seconds=30)
        page.get_by_role("button", name="Undo: going back").click()
        expect(page.get_by_text(f"Model {run.model} is live again")).to_be_visible(timeout=30_000)
        page.get_by_text("Who did what", exact=True).last.click()
        expect(page.get_by_test_id("stDataFrame").nth(1)).to_be_visible(timeout=30_000)
        assert home.live_id() == run.model
    did = [(entry.action, entry.who, entry.note) for entry in audit.entries(home.database)[:3]]
    assert did == [
        ("promote", "dashboard", "undone: going back"), ("rollback", "dashboard", ""), ("promote", "dashboard", ""),
    ]  # fmt: skip

"""A merchandiser's walk through the Shopper page in a real browser, and that its link brings everything back."""

import io
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, expect

from recsys.recommend.rules import Rules
from recsys.services.training_service import train_and_store
from recsys.services.workbench.rule_sets import RuleSets
from recsys.services.workbench.target_user import known
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.views.explanation import why
from recsys.views.what_if import what_if
from tests.accessibility import settled
from tests.conftest import SMALL_RECIPE
from tests.homes import copy_home
from tests.serving import page_of, running_app


@pytest.mark.browser
def test_find_ask_why_change_rule_compare_export_reopen(browser: Browser, trained_home: Path, tmp_path: Path) -> None:
    home = copy_home(trained_home, tmp_path / "home")
    workspace = Workspace(Settings.from_environment(home))
    other = train_and_store(workspace, "small", SMALL_RECIPE, seed=2)
    RuleSets(workspace.database).save("No garden", Rules(never_categories=("Garden",), diversity=0.3))
    live = workspace.load()
    with running_app(home, tmp_path / "log") as url, page_of(browser, height=1400) as page:
        # Find by behaviour.
        page.goto(f"{url}/shopper")
        page.get_by_text("Find", exact=True).click()
        page.get_by_text("Loyal", exact=True).click()
        expect(page.get_by_text("shoppers fit")).to_be_visible()
        page.keyboard.press("Escape")
        shopper = page.get_by_label("Shopper", exact=True)
        first = shopper.input_value()
        page.get_by_text("Next", exact=True).click()
        expect(shopper).not_to_have_value(first)
        user = shopper.input_value()
        expect(page.get_by_role("heading", name=f"Shopper {user}")).to_be_visible()
        assert "behaviour=Loyal" in page.url

        # Read why.
        page.get_by_role("tab", name="Why").click()
        expect(page.get_by_text("What the score is made of")).to_be_visible()
        expect(page.get_by_text("were left out, one at a time")).to_be_visible()
        reasons = why(live, user, live.recommend(user).items[0])
        expect(page.get_by_text(reasons.sentence)).to_be_visible()
        chart = page.get_by_test_id("stPlotlyChart").first
        for _, value in reasons.parts:
            said = f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")
            expect(chart.get_by_text(said, exact=True).first).to_be_visible()

        # Remove an item, see the change, take it back.
        page.get_by_role("tab", name="What if").click()
        expect(page.get_by_text("You have not changed anything yet.")).to_be_visible()
        page.get_by_text("Start from nobody").click()
        expect(page.get_by_text("The lists share")).to_be_visible()
        settled(page)
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_text("You have not changed anything yet.")).to_be_visible()
        settled(page)
        subject = known(live, user)
        gone, change = next(
            (item, found.moves.summary)
            for item in subject.person.history
            if (found := what_if(live, subject, without=[item])).moves.summary != "Nothing changes."
        )
        page.get_by_label("Taken away").click()
        page.keyboard.type(f"({gone})")
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        expect(page.get_by_text(change)).to_be_visible()
        settled(page)
        assert "without=" in page.url

        # Apply a rule set.
        settled(page)
        page.get_by_test_id("stSelectbox").filter(has_text="Rules").locator("input").click()
        page.get_by_role("option", name="No garden").click()
        expect(page.get_by_text("Rules: No garden, version 1")).to_be_visible()
        rules = RuleSets(workspace.database).get("No garden")
        under_rules = what_if(live, subject, without=[gone], rules=rules).moves.summary
        expect(page.get_by_text(under_rules)).to_be_visible()
        settled(page)
        changed = page.url

        # Compare two models.
        settled(page)
        page.get_by_role("tab", name="Compare").click()
        settled(page)
        page.get_by_label("Compare the live model with").click()
        page.get_by_role("option", name=f"Model {other.model.id}").click()
        page.keyboard.press("Escape")
        expect(page.get_by_text("products shared with the live model")).to_be_visible()
        page.get_by_text("Compare over everybody").click()
        expect(page.get_by_text("noise floor of mere retraining itself")).to_be_visible()

        # Export.
        settled(page)
        page.get_by_text("Take along", exact=True).click()
        with page.expect_download() as download:
            page.get_by_role("button", name="Both tables for Excel").click()
        with zipfile.ZipFile(download.value.path()) as book:
            assert "xl/worksheets/sheet2.xml" in book.namelist()
        with page.expect_download() as download:
            page.get_by_role("button", name="Recommendations as CSV").click()
        table = pd.read_csv(io.BytesIO(Path(download.value.path()).read_bytes()), dtype={"item_id": str})
        assert table["item_id"].tolist() == [item.item_id for item in live.recommend(user, rules=rules).items]
        link = page.url

        # What was changed is still there after the look at other sections.
        page.keyboard.press("Escape")
        page.get_by_role("tab", name="What if").click()
        expect(page.get_by_text(under_rules)).to_be_visible()

        # Reopen from the links, in a fresh browser window.
        with page_of(browser, height=1400) as again:
            again.goto(link)
            expect(again.get_by_role("heading", name=f"Shopper {user}")).to_be_visible()
            expect(again.get_by_text("products shared with the live model")).to_be_visible()
            expect(again.get_by_text("noise floor of mere retraining itself")).to_be_visible()
            expect(again.get_by_text("Rules: No garden, version 1")).to_be_visible()
            again.goto(changed)
            expect(again.get_by_text(under_rules)).to_be_visible()
            expect(again.get_by_test_id("stMultiSelect").filter(has_text="Taken away")).to_contain_text(gone)

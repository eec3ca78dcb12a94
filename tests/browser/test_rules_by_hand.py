"""Rules by hand on the list, and serving with a question before and a way back after."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from recsys.services.workbench.rule_sets import RuleSets
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.storage import audit
from tests.accessibility import settled
from tests.homes import copy_home
from tests.serving import page_of, running_app

WAIT = 120_000
"""Milliseconds: a busy machine is no fault of the page."""


@pytest.mark.browser
def test_pin_order_save_serve_undo(browser: Browser, trained_home: Path, tmp_path: Path) -> None:
    home = copy_home(trained_home, tmp_path / "home")
    workspace = Workspace(Settings.from_environment(home))
    sets, items = RuleSets(workspace.database), workspace.load().recommend("u001").items
    first, third, fifth = items[0], items[2], items[4]
    with running_app(home, tmp_path / "log") as url, page_of(browser, height=1400) as page:
        page.set_default_timeout(WAIT)
        page.goto(f"{url}/shopper?shopper=u001")
        page.get_by_role("button", name="Pin to the top, for everybody, in a rule").nth(4).click()

        # The button leads to the rules, where the list stands under them; a keyboard is enough.
        shown = page.get_by_role("list", name="The list under the rules").get_by_role("listitem")
        expect(shown.first).to_contain_text(fifth.title.split(" · ")[0])
        settled(page)
        button = shown.nth(3).get_by_role("button", name="Pin to the top")
        button.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Take the pin away")).to_have_count(2)
        settled(page)
        shown.nth(1).get_by_role("button", name="Move the pin up").click()
        expect(shown.first).to_contain_text(third.title.split(" · ")[0])
        settled(page)
        page.get_by_role("button", name=f"Never show: {first.title.split(' · ')[0]}").first.click()
        expect(page.get_by_text("never shown").first).to_be_visible()
        settled(page)

        # The list stays in view while the end of the editor is worked on.
        page.set_viewport_size({"width": 1280, "height": 800})
        page.get_by_text("When, where and for whom").click()
        page.get_by_text("Only in these placements").scroll_into_view_if_needed()
        expect(shown.first).to_be_in_viewport(ratio=1)
        page.set_viewport_size({"width": 1280, "height": 1400})

        # Saved, served after a question, and taken back.
        page.get_by_label("Name", exact=True).fill("By hand")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("Version 1")).to_be_visible(timeout=WAIT)
        kept = sets.get("By hand")
        assert (kept.pins, kept.never_items) == ((third.item_id, fifth.item_id), (first.item_id,))
        settled(page)
        page.get_by_role("button", name="Serve", exact=True).click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text("From now on")).to_be_visible()
        expect(dialog.get_by_text("shoppers get another list")).to_be_visible()
        assert sets.served_names() == []
        dialog.get_by_role("button", name="Serve", exact=True).click()
        expect(page.get_by_text("Served from now on: By hand.")).to_be_visible()
        assert sets.served_names() == ["By hand"]
        settled(page)
        page.get_by_role("button", name="Undo", exact=True).last.click()
        expect(page.get_by_text("No rules are served")).to_be_visible()
        assert sets.served_names() == []
        settled(page)

        # Deleting asks as well, and can be taken back; the audit log has it all.
        page.get_by_role("button", name="Delete", exact=True).click()
        expect(dialog.get_by_text("“By hand” has 1 version.")).to_be_visible()
        assert sets.names() == ["By hand"]
        dialog.get_by_role("button", name="Delete", exact=True).click()
        expect(page.get_by_text("Rule set “By hand” is deleted.")).to_be_visible()
        assert sets.names() == []
        settled(page)
        page.get_by_role("button", name="Undo", exact=True).last.click()
        expect(page.get_by_text(re.compile(r"^Version \d+; saving adds"))).to_be_visible()
        assert sets.get("By hand").pins == (third.item_id, fifth.item_id)
    assert {"save", "serve", "delete"} <= {entry.action for entry in audit.entries(workspace.database)}

"""The menu of a phone."""

import pytest
from playwright.sync_api import Browser, expect

from tests.serving import page_of


@pytest.mark.browser
def test_the_phones_menu_closes_when_a_page_is_chosen(browser: Browser, small_url: str) -> None:
    with page_of(browser, width=390, height=844) as page:
        page.goto(small_url)
        expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=60_000)
        page.get_by_test_id("stExpandSidebarButton").click()
        link = page.get_by_test_id("stSidebarNavLink").filter(has_text="Runs")
        expect(link).to_be_visible(timeout=30_000)
        link.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Runs", timeout=60_000)
        expect(link).not_to_be_in_viewport(timeout=30_000)

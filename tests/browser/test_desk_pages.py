"""Home, Runs, Models, Quality and Map: for a keyboard, a screen reader, a phone; nothing from a foreign host."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.accessibility import findings, settled
from tests.serving import page_of, running_app

PAGES = {"Home": "/", "Runs": "/runs", "Models": "/models", "Quality": "/quality", "Map": "/map"}


@pytest.mark.browser
def test_every_page_has_one_heading_its_own_title_and_nothing_serious(
    browser: Browser, trained_home: Path, tmp_path: Path
) -> None:
    found, hosts = [], set()
    with running_app(trained_home, tmp_path / "app.log") as url:
        for dark, width in ((False, 1280), (True, 390), (True, 1280), (False, 390)):
            with page_of(browser, dark=dark, width=width) as page:
                page.on("request", lambda request: hosts.add("/".join(request.url.split("/")[:3])))
                for name, path in PAGES.items():
                    page.goto(url + path)
                    expect(page.get_by_role("heading", level=1)).to_have_count(1, timeout=60_000)
                    settled(page)
                    assert page.title() == f"{name} · Insider"
                    found += [f"{name} {width} {'dark' if dark else 'light'}: {text}" for text in findings(page)]
                    wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
                    assert wide <= width, f"{name} is wider than a screen of {width}"
    assert not found, "\n".join(found)
    assert {host for host in hosts if host.startswith("http")} == {url}


@pytest.mark.browser
def test_the_phones_menu_closes_when_a_page_is_chosen(browser: Browser, trained_home: Path, tmp_path: Path) -> None:
    with running_app(trained_home, tmp_path / "app.log") as url, page_of(browser, width=390, height=844) as page:
        page.goto(url)
        expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=60_000)
        page.get_by_test_id("stExpandSidebarButton").click()
        link = page.get_by_test_id("stSidebarNavLink").filter(has_text="Runs")
        expect(link).to_be_visible(timeout=30_000)
        link.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Runs", timeout=60_000)
        expect(link).not_to_be_in_viewport(timeout=30_000)

"""Nothing serious or critical for axe-core on any page, light and dark, on a desk and on a phone; none is too wide."""

import itertools
import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.accessibility import LOOKS, WAIT, findings, look, settled
from tests.serving import page_of

SECTIONS = ("Recommended", "Why", "What if", "Rules", "Compare", "Expectations")
PATHS = {
    "Home": "/", "Shopper u001": "/shopper?shopper=u001", "Garden product 7": "/item?item=00007", "Data": "/data",
    "Train": "/train", "Runs": "/runs", "Models": "/models", "Quality": "/quality", "Present": "/present",
    "Map": "/map?item=00007&shopper=u001",
}  # fmt: skip
"""Title of the window, to address."""
DESK = LOOKS[0][0]
TABLES = ("[data-testid=stDataFrame]", "[class*=st-key-cards_]")
"""What a table is on a desk, and on a phone."""
RIDDLES = {
    "a number with an exponent": r"\b\d+e[-+]\d+\b",
    "thousands without a separator": r"[$€£]\d{4,}",
    "minutes in seconds": r"\b\d{3,}(\.\d+)? s\b",
    "a symbol or a name that only its author knows": r"σ|b × bias|PED-ANOVA|python -m recsys",
}
"""What no page shows: how it looks."""


@pytest.mark.browser
def test_what_is_wrong_is_found_and_named(browser: Browser) -> None:
    with page_of(browser) as page:
        page.set_content("<html lang='en'><title>x</title><main><h1>Title</h1><img src='data:,'></main></html>")
        found = findings(page)
        assert len(found) == 1
        assert found[0].startswith("image-alt (critical): img")
        assert findings(page, allowed=("img",)) == []


@pytest.mark.browser
@pytest.mark.parametrize("name", list(PATHS))
def test_a_page_can_be_used_by_everybody(browser: Browser, small_url: str, name: str) -> None:
    hosts: set[str] = set()
    with page_of(browser) as page:
        page.on("request", lambda request: hosts.add("/".join(request.url.split("/")[:3])))
        page.set_default_timeout(WAIT)
        page.goto(f"{small_url}{PATHS[name]}")
        page.get_by_role("heading", level=1).first.wait_for()
        if name != "Shopper u001":
            usable(page, name)
        for section in SECTIONS if name == "Shopper u001" else ():
            page.get_by_role("tab", name=section, exact=True).click()
            expect(page.get_by_role("tab", name=section, exact=True)).to_have_attribute("aria-selected", "true")
            usable(page, name)
    assert {host for host in hosts if host.startswith("http")} == {small_url}, "something came from a foreign host"


def usable(page: Page, name: str) -> None:
    """Judge what is shown now, in every look, and leave it as on a desk by day."""
    settled(page)
    path = page.url
    assert page.title() == f"{name} · Insider", path
    assert page.get_by_role("heading", level=1).count() == 1, path
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])")
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), (path, levels)
    words = page.get_by_test_id("stMain").inner_text()
    assert not [what for what, look_of in RIDDLES.items() if re.search(look_of, words)], (path, words)
    tables, widths = 0, set()
    for width, dark in LOOKS:
        look(page, width=width, dark=dark)
        assert findings(page, colours_alone=width in widths) == [], (path, width, "dark" if dark else "light")
        widths.add(width)
        wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
        assert wide <= width, (path, width, wide)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)
        grids, cards = (page.locator(f"{shown}:visible").count() for shown in TABLES)
        tables = grids if width == DESK else tables
        assert (grids, cards) == ((tables, 0) if width == DESK else (0, tables)), (path, width)
    assert tables or name not in ("Data", "Models"), "the tables of this page were not found"
    look(page, width=DESK, dark=False)

"""The map in a real browser: colour it, find a product and its neighbours, draw a lasso, take it along, a shopper."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from recsys.recommend.recommender import Recommender
from tests.serving import page_of, progress_told

FIRST = ".js-plotly-plot >> nth=0"
AT_REST = '[data-testid="stApp"][data-test-script-state="notRunning"]'
"""While the script runs, what buttons are for is still changing."""


def dimmed(page: Page) -> int:
    """How many points of the first map are selected, as Plotly has them."""
    return page.evaluate(
        "() => document.querySelector('.js-plotly-plot')._fullData.filter(t => t.type === 'scattergl')"
        ".reduce((sum, t) => sum + (t.selectedpoints ? t.selectedpoints.length : 0), 0)"
    )


NAMES = """() => {
  const all = [...document.querySelectorAll('.st-key-map g.annotation')].filter(g => g.textContent);
  const out = all.filter(g => getComputedStyle(g).opacity !== '0');
  const small = out.filter(g => g.dataset.small === 'yes').length;
  const seen = out.map(g => g.getBoundingClientRect());
  const clash = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const clashes = seen.filter((a, i) => seen.some((b, j) => j < i && clash(a, b))).length;
  return {all: all.length, seen: seen.length, small, clashes};
}"""


OVER_THE_STAR = """() => {
  const plot = document.querySelector('.js-plotly-plot'), at = plot.getBoundingClientRect();
  const { xaxis, yaxis } = plot._fullLayout;
  const star = plot._fullData.find(trace => trace.name === 'Looked at');
  const x = at.left + xaxis._offset + xaxis.l2p(star.x[0]), y = at.top + yaxis._offset + yaxis.l2p(star.y[0]);
  return [...plot.querySelectorAll('g.annotation')].filter(name => {
    const box = name.getBoundingClientRect();
    return name.textContent && getComputedStyle(name).opacity !== '0'
      && box.left < x && x < box.right && box.top < y && y < box.bottom;
  }).length;
}"""


@pytest.mark.browser
def test_colour_search_lasso_export_and_a_shopper(browser: Browser, small_url: str, live: Recommender) -> None:
    with page_of(browser) as page:
        page.goto(f"{small_url}/map?colour=department")
        expect(page.locator(FIRST)).to_be_visible()
        expect(page.locator(FIRST)).to_contain_text("Dairy (40)")

        page.get_by_label("Find a product").fill("00007")
        page.get_by_label("Find a product").press("Enter")
        expect(page.get_by_role("heading", name="Garden product 7")).to_be_visible()
        nearest = live.similar("00007", 12)[0].title
        expect(page.get_by_role("button", name=nearest)).to_be_visible()
        assert page.evaluate(OVER_THE_STAR) == 0, "no name lies over what was found"
        expect(page.locator(FIRST)).to_contain_text("Truly nearest")

        page.get_by_role("button", name="Clear search").click()
        expect(page.get_by_role("heading", name="Garden product 7")).not_to_be_visible()
        page.locator('.modebar-btn[data-title="Lasso Select"]').first.click()
        frame = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
        x, y, w, h = (frame[name] for name in ("x", "y", "width", "height"))
        page.mouse.move(x + 0.05 * w, y + 0.05 * h)
        page.mouse.down()
        for dx, dy in ((0.95, 0.05), (0.95, 0.95), (0.05, 0.95), (0.05, 0.06)):
            page.mouse.move(x + dx * w, y + dy * h, steps=6)
        page.mouse.up()
        expect(page.get_by_text(" shoppers for ")).to_be_visible()
        assert dimmed(page) > 20
        page.locator(AT_REST).wait_for()
        again = page.url
        with page.expect_download() as audience:
            page.get_by_role("button", name="Audience").click()
        lines = Path(audience.value.path()).read_text("utf-8-sig").splitlines()
        assert lines[0] == "user_id,products,purchases,spent"
        assert len(lines) > 50

        selected = dimmed(page)
        page.get_by_label("Colour by").click()
        page.get_by_role("option", name="Popularity").click()
        expect(page.locator(FIRST)).to_contain_text("Shoppers who bought it")
        page.wait_for_function(
            "n => document.querySelector('.js-plotly-plot')._fullData.some(t => t.selectedpoints)", arg=0
        )
        assert dimmed(page) == selected, "the selection survives a change of colour"

        page.get_by_role("button", name="Take along").click()
        page.locator(AT_REST).wait_for()
        told = progress_told(page)
        page.get_by_role("button", name="PNG", exact=True).click()
        expect(page.get_by_role("button", name="Save map.png")).to_be_visible()
        assert any(re.match(r"Drawing · \d+ s so far", text) for text in told()), told()
        page.locator(AT_REST).wait_for()
        page.get_by_role("button", name="SVG").click()
        with page.expect_download() as poster:
            page.get_by_role("button", name="Save map.svg").click()
        text = Path(poster.value.path()).read_text()
        assert text.count("<circle") >= 160
        assert "Our products" in text
        page.keyboard.press("Escape")

        page.get_by_label("Shopper on the map").fill("u001")
        page.get_by_label("Shopper on the map").press("Enter")
        expect(page.get_by_role("heading", name="Shopper u001")).to_be_visible()
        expect(page.locator(FIRST)).to_contain_text("Recommended to them")
        expect(page.locator(FIRST)).to_contain_text("Their taste")

        page.goto(again)
        expect(page.get_by_text(" shoppers for ")).to_be_visible()
        expect(page.locator(FIRST)).to_be_visible()
        page.locator(AT_REST).wait_for()
        assert abs(dimmed(page) - selected) <= 3, "the lasso is in the link"


@pytest.mark.browser
def test_names_make_room_and_more_come_out_close_up(browser: Browser, small_url: str) -> None:
    with page_of(browser, width=390) as page:
        page.goto(f"{small_url}/map")
        expect(page.locator(FIRST)).to_be_visible()
        page.wait_for_function(f"() => {{ const n = ({NAMES})(); return n.seen > 0 && n.seen < n.all && !n.clashes }}")
        assert page.evaluate(NAMES)["small"] == 0
        page.locator('.modebar-btn[data-title="Zoom in"]').first.click()
        page.wait_for_function(f"() => {{ const n = ({NAMES})(); return n.small > 0 && !n.clashes }}")

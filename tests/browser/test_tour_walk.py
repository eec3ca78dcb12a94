"""The tour in a real browser: every step on a desk and a phone, a reload on the way, leaving it and going on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from recsys.presentation.pictures import suggested
from recsys.presentation.slides import Presentations
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from tests.accessibility import LOOKS, WAIT, findings, look, settled
from tests.conftest import SMALL_RECIPE
from tests.homes import copy_home
from tests.serving import page_of, running_app

STEPS = ["shopper", "why", "what-if", "rules", "map", "train", "compare", "promote"]
PHONE = 844
"""Height of a common phone, in pixels."""


@pytest.fixture(scope="module")
def url(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Two models, the live one with a map, and a presentation."""
    folder = copy_home(trained_home, tmp_path_factory.mktemp("tour") / "home")
    home = Workspace(Settings.from_environment(folder))
    train_and_store(home, "small", SMALL_RECIPE, seed=2)
    Presentations(home).save("Spring", suggested(home))
    with running_app(folder, tmp_path_factory.mktemp("tour-app") / "log") as address:
        yield address


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with page_of(browser) as opened:
        opened.set_default_timeout(WAIT)
        yield opened


def at(page: Page, place: int, of: int = 8) -> None:
    """Wait until the card of this step stands above its page, and the link says so."""
    expect(page.locator(".st-key-tour")).to_contain_text(f"Step {place} of {of}")
    page.get_by_role("heading", level=1).first.wait_for()
    page.wait_for_function("name => new URL(location).searchParams.get('tour') === name", arg=STEPS[place - 1])
    settled(page)


def usable(page: Page, place: int) -> None:
    """Nothing is too wide on a desk and on a phone, where the page's own heading is in view; nothing serious for
    axe-core, which looks at each step in one look: the looks take turns, so that each is judged on two steps. The pages
    themselves are judged in all of them elsewhere."""
    judged, dark = LOOKS[place % len(LOOKS)]
    page.mouse.move(5, 5)
    for width in (1280, 390):
        look(page, width=width, dark=dark)
        if width == judged:
            assert findings(page) == [], (place, width, dark)
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width, (place, width)
    names = page.get_by_role("button").evaluate_all("all => all.map(b => b.innerText.trim())")
    tours = page.locator(".st-key-tour").get_by_role("button").evaluate_all("all => all.map(b => b.innerText)")
    assert tours and all(names.count(name.strip()) == 1 for name in tours), (place, tours, names)
    heading = page.get_by_role("heading", level=1).first.bounding_box()
    assert heading and heading["y"] + heading["height"] < PHONE, (place, heading)
    look(page, width=1280, dark=False)


@pytest.mark.browser
def test_every_step_can_be_used_by_everybody_and_its_link_leads_others_to_the_same_view(
    browser: Browser, page: Page, url: str
) -> None:
    page.goto(url)
    page.get_by_role("button", name="Take the tour (about 5 minutes)").click()
    for place in range(1, len(STEPS) + 1):
        at(page, place)
        usable(page, place)
        if place in (4, 5, 7, 8):
            same_for_another(browser, page, place)
        if place < len(STEPS):
            page.get_by_role("button", name="Next: ").click()
    page.get_by_role("button", name="Finish the tour").click()
    expect(page.locator(".st-key-tour")).to_have_count(0)
    page.wait_for_function("!new URL(location).searchParams.has('tour')")


def same_for_another(browser: Browser, page: Page, place: int) -> None:
    """Another visitor who follows the link of a step sees what is shown there."""
    link, title = page.url, page.get_by_role("heading", level=1).first.inner_text()
    with page_of(browser) as other:
        other.set_default_timeout(WAIT)
        other.goto(link)
        at(other, place)
        expect(other.get_by_role("heading", level=1).first).to_have_text(title)
        if place == 7:
            expect(other.get_by_role("list", name="The list of Live model")).to_be_visible()
        if place == 8:
            expect(other.get_by_role("button", name="Promote")).to_be_visible()


@pytest.mark.browser
def test_it_survives_a_reload_and_can_be_left_and_gone_on_with(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("button", name="Take the tour").click()
    at(page, 1)
    shopper = page.get_by_label("Shopper", exact=True).first.input_value()
    page.get_by_text("Both", exact=True).click()
    settled(page)
    for place in (2, 3):
        page.get_by_role("button", name="Next: ").click()
        at(page, place)
    assert "lane=Both" in page.url and f"shopper={shopper}" in page.url, "the link still holds what was chosen by hand"
    page.reload()
    at(page, 3)
    expect(page.get_by_role("tab", name="What if")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_label("Shopper", exact=True).first).to_have_value(shopper)
    page.get_by_role("link", name="Quality").first.click()
    expect(page.locator(".st-key-tour")).to_contain_text("waits while you look around")
    settled(page)
    page.get_by_role("button", name="Leave the tour").click()
    expect(page.locator(".st-key-tour")).to_have_count(0)
    expect(page.get_by_role("heading", name="How good is it?")).to_be_visible()
    assert "tour" not in page.url
    page.get_by_role("link", name="Home").first.click()
    page.get_by_role("button", name="Go on with the tour").click()
    at(page, 3)
    expect(page.get_by_role("tab", name="What if")).to_have_attribute("aria-selected", "true")
    page.get_by_role("button", name="Back").click()
    at(page, 2)


@pytest.mark.browser
def test_back_of_the_browser_takes_one_press_for_each_step(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("button", name="Take the tour").click()
    for place in range(1, 6):
        at(page, place)
        if place < 5:
            page.get_by_role("button", name="Next: ").click()
    shopper = page.get_by_label("Shopper on the map").first.input_value()
    for place, tab in ((4, "Rules"), (3, "What if"), (2, "Why"), (1, "Recommended")):
        page.go_back()
        at(page, place)
        expect(page.get_by_role("tab", name=tab, exact=True)).to_have_attribute("aria-selected", "true")
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Shopper {shopper}")
    page.go_forward()
    at(page, 2)
    page.go_back()
    at(page, 1)
    page.go_back()
    expect(page.locator(".st-key-tour")).to_contain_text("waits while you look around")
    assert page.url.split("?")[0].rstrip("/") == url


@pytest.mark.browser
def test_slides_on_their_page_can_be_used_by_everybody(page: Page, url: str) -> None:
    page.goto(f"{url}/present")
    slides = page.frame_locator("[data-testid=stIFrame]")
    slides.get_by_role("heading", level=1).wait_for()
    for width, dark in LOOKS:  # each shows another slide
        look(page, width=width, dark=dark)
        slides.get_by_role("button", name="Next slide").click()
        assert findings(page) == [], (width, dark)
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width, width
    expect(slides.get_by_role("status")).to_have_text("5 of 5")


@pytest.mark.browser
def test_a_map_on_the_wall_is_shown_without_it(page: Page, url: str) -> None:
    page.goto(f"{url}/map?tour=map&present=true")
    expect(page.get_by_role("button", name="Leave", exact=True)).to_be_visible()
    settled(page)
    expect(page.locator(".st-key-tour")).to_be_hidden()
    for width, dark in LOOKS[1:3]:  # the page without presentation is judged in all of them elsewhere
        look(page, width=width, dark=dark)
        assert findings(page) == [], (width, dark)
    page.get_by_role("button", name="Leave", exact=True).click()
    expect(page.locator(".st-key-tour")).to_be_visible()

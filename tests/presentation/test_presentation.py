"""Presentations: slides kept in order, what each shows, and the one file, which runs nothing of anybody's text."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from streamlit.testing.v1 import AppTest

from recsys.errors import InvalidInput, NotFound
from recsys.presentation.deck import deck
from recsys.presentation.pictures import picture_of, suggested
from recsys.presentation.slides import MOST_SLIDES, Presentation, Presentations, Slide, make_slide
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings
from tests.accessibility import findings
from tests.homes import copy_home
from tests.serving import page_of

EVIL = "</script><script>document.title='evil'</script><b>bold</b>"


@pytest.fixture
def home(trained_home: Path, tmp_path: Path) -> Workspace:
    copy_home(trained_home, tmp_path / "home")
    return Workspace(Settings.from_environment(tmp_path / "home"))


def test_slides_keep_their_order_and_move(home: Workspace) -> None:
    one, two, three = (Slide(kind="words", title=x) for x in "123")
    found = Presentation(slides=(one, two)).with_slide(three)
    assert found.moved(2, -5).slides == (three, one, two)
    assert found.without(0).slides == (two, three)
    assert found.changed(1, one).slides == (one, one, three)
    kept = Presentations(home)
    assert kept.save("Spring  meeting", found) == "Spring meeting"
    assert kept.get("Spring meeting") == found and kept.names() == ["Spring meeting"]
    kept.delete("Spring meeting")
    with pytest.raises(NotFound, match="No presentation"):
        kept.get("Spring meeting")
    full = Presentation(slides=(one,) * MOST_SLIDES)
    with pytest.raises(InvalidInput, match="60 slides at most"):
        full.with_slide(one)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "shopper"}, "needs a shopper"),
        ({"kind": "comparison", "first": "a"}, "needs a second model"),
        ({"kind": "training"}, "needs a training"),
        ({"kind": "words"}, "needs a title or a text"),
        ({"kind": "film"}, "kind: "),
        ({"kind": "map", "title": "x" * 200}, "title: "),
    ],
)
def test_an_incomplete_slide_says_what_it_needs(values: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        make_slide(**values)


def test_a_shopper_is_shown_as_the_package_answers(home: Workspace) -> None:
    found = picture_of(home, Slide(kind="shopper", shopper="u001"))
    assert [line[0] for line in found.panels[1].lines] == [x.title for x in home.load().recommend("u001", 6).items]
    assert found.title == "Shopper u001" and not found.problem
    gone = picture_of(home, Slide(kind="shopper", shopper="nobody", title="Our best"))
    assert "nobody" in gone.problem and gone.title == "Our best"


def test_the_suggestion_shows_what_there_is(home: Workspace) -> None:
    found = suggested(home)
    assert [slide.kind for slide in found.slides] == ["words", "result", "shopper", "map", "training"]
    pictures = [picture_of(home, slide) for slide in found.slides]
    assert not any(picture.problem for picture in pictures)
    model = home.load().model.id
    both = picture_of(home, Slide(kind="comparison", first=model, second=model))
    assert both.figure is not None and set(both.figure.data[0].y) == {1.0}
    assert both.caption == "Both were judged on the same shoppers and purchases."


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True])
def test_the_file_works_alone_by_keys_and_runs_no_text(
    home: Workspace, browser: Browser, tmp_path: Path, dark: bool
) -> None:
    slides = (*suggested(home).slides, Slide(kind="words", title=EVIL, text=EVIL, notes=EVIL))
    file = tmp_path / "deck.html"
    file.write_text(deck(home, EVIL, Presentation(slides=slides), "dark" if dark else "light"))
    with page_of(browser, width=390 if dark else 1280, height=800, dark=dark) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        shown = page.locator("section.on")
        assert shown.get_by_role("heading", level=1).inner_text() == "What our recommendations have learned"
        page.keyboard.press("ArrowRight")
        assert page.get_by_role("status").inner_text() == f"2 of {len(slides)}"
        page.wait_for_selector("section.on .main-svg")
        for number in range(2, len(slides)):
            assert findings(page) == [], number
            page.keyboard.press("ArrowRight")
        assert shown.get_by_role("heading", level=1).inner_text() == EVIL
        page.keyboard.press("n")
        assert "<b>bold</b>" in shown.locator("aside").inner_text()
        assert findings(page) == []
        page.keyboard.press("Home")
        assert page.get_by_role("button", name="Previous slide").is_disabled()
        assert page.title() == EVIL
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert [url for url in asked if not re.match(r"file:|data:|blob:", url)] == []


@pytest.mark.browser
def test_printed_each_slide_is_one_page_with_nothing_cut(home: Workspace, browser: Browser, tmp_path: Path) -> None:
    model = home.load().model.id
    long = ("What was said in the meeting. " * 70)[:2000]
    slides = (
        *suggested(home).slides,
        Slide(kind="words", title="A long one", text=long, notes="For me alone"),
        Slide(kind="comparison", first=model, second=model, text=long[:900]),
    )
    file = tmp_path / "deck.html"
    file.write_text(deck(home, "Spring", Presentation(slides=slides)))
    with page_of(browser, width=1280, height=800) as page:
        page.goto(file.as_uri())
        page.wait_for_selector("section.on")
        printed = page.pdf(path=tmp_path / "deck.pdf", prefer_css_page_size=True, print_background=True)
        assert len(re.findall(rb"/Type /Page\b", printed)) == len(slides)
        boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
        assert {(round(float(wide)), round(float(tall))) for wide, tall in boxes} == {(842, 595)}, "A4, landscape"
        page.wait_for_function("!document.documentElement.classList.contains('paper')")
        page.wait_for_selector("section.on h1")
        assert page.locator("section:visible").count() == 1, "after printing the slide is shown as before"
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        found = page.evaluate(ON_PAPER)
        assert [cut for cut, _ in found] == [[]] * len(slides)
        drawn = [slide.kind for slide, (_, drawn) in zip(slides, found, strict=True) if drawn]
        assert drawn == ["result", "map", "training", "comparison"]
        assert page.locator("aside:visible").count() == 0, "notes are for the speaker"


ON_PAPER = """[...document.querySelectorAll('section')].map((slide) => {
  const inside = (part, room) => {
    const [box, page] = [part.getBoundingClientRect(), room.getBoundingClientRect()];
    const [wide, tall] = [box.left >= page.left - 1 && box.right <= page.right + 1, box.top >= page.top - 1];
    return wide && tall && box.bottom <= page.bottom + 1;
  };
  const parts = [...slide.querySelectorAll('h1, p, li, dd, .figure, .main-svg text:not(:empty)')];
  const cut = parts.filter((part) => part.getClientRects().length && !inside(part, part.closest('.main-svg') ?? slide));
  return [cut.map((part) => part.outerHTML.slice(0, 200)), !!slide.querySelector('.main-svg .trace')];
})"""
"""For each slide: what does not lie on its page, and whether a chart is drawn."""


def test_the_page_makes_one_from_a_suggestion_and_arranges_it(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSIDER_HOME", str(home.settings.home))
    monkeypatch.setenv("INSIDER_OPEN_DASHBOARD", "1")
    app = AppTest.from_file(str(PROJECT_ROOT / "pages" / "main.py"), default_timeout=60).run()
    app.switch_page("present.py").run()
    assert app.button[0].disabled
    app.text_input(key="new_name").set_value("Spring").run()
    app.button[0].click().run()
    assert not app.exception and not app.error
    assert len(Presentations(home).get("Spring").slides) == 5
    later = next(button for button in app.button if button.label == "Later")
    later.click().run()
    assert app.session_state.open_slide == 1, "the slide that moved stays open"
    assert [slide.kind for slide in Presentations(home).get("Spring").slides][:2] == ["result", "words"]
    app.selectbox(key="new_kind").set_value("shopper").run()
    next(button for button in app.button if button.label == "Add").click().run()
    assert "needs a shopper" in app.error[0].value
    next(area for area in app.text_area if area.label == "Speaker notes").set_value("Ask who is here").run()
    next(button for button in app.button if button.label == "Save").click().run()
    app.selectbox(key="new_kind").set_value("words").run()
    next(area for area in app.text_area if area.key.startswith("text_new")).set_value("Thank you").run()
    next(button for button in app.button if button.label == "Add").click().run()
    assert not app.exception and not app.error
    kept = Presentations(home).get("Spring").slides
    assert (kept[0].notes, kept[-1].text, len(kept)) == ("Ask who is here", "Thank you", 6)

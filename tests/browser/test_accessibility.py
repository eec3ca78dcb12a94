"""No page has what axe-core calls serious or critical: light and dark, on a desk and on a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.accessibility import findings, settled
from tests.serving import page_of, running_app


@pytest.mark.browser
def test_what_is_wrong_is_found_and_named(browser: Browser) -> None:
    with page_of(browser) as page:
        page.set_content("<html lang='en'><title>x</title><main><h1>Title</h1><img src='data:,'></main></html>")
        found = findings(page)
        assert len(found) == 1
        assert found[0].startswith("image-alt (critical): img")
        assert findings(page, allowed=("img",)) == []


@pytest.fixture(scope="module")
def url(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_app(trained_home, tmp_path_factory.mktemp("accessibility") / "log") as address:
        yield address


SECTIONS = ("Recommended", "Why", "What+if", "Rules", "Compare", "Expectations")


@pytest.mark.browser
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_shopper_and_product(browser: Browser, url: str, width: int, dark: bool) -> None:
    with page_of(browser, width=width, dark=dark) as page:
        for path in (*(f"/shopper?section={section}" for section in SECTIONS), "/item"):
            page.goto(f"{url}{path}")
            page.get_by_role("heading", level=1).wait_for()
            settled(page)
            assert findings(page) == [], path
            assert page.get_by_role("heading", level=1).count() == 1, path
            assert page.title() not in ("", "Insider"), path

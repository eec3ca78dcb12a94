"""No page has what axe-core calls serious or critical: light and dark, on a desk and on a phone."""

import pytest
from playwright.sync_api import Browser

from tests.accessibility import findings
from tests.serving import page_of


@pytest.mark.browser
def test_what_is_wrong_is_found_and_named(browser: Browser) -> None:
    with page_of(browser) as page:
        page.set_content("<html lang='en'><title>x</title><main><h1>Title</h1><img src='data:,'></main></html>")
        found = findings(page)
        assert len(found) == 1
        assert found[0].startswith("image-alt (critical): img")
        assert findings(page, allowed=("img",)) == []

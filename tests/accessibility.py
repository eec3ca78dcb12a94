"""axe-core in the browser: what people who use a keyboard, a screen reader or little contrast would stumble over."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WAIT = 120_000
"""Milliseconds: a busy machine is no fault of the page."""

SEVERE = ("serious", "critical")

LOOKS = ((1280, False), (1280, True), (390, True), (390, False))
"""Width in pixels, and whether it is dark: a desk and a phone, by day and by night."""

COLOURS = ("color-contrast", "link-in-text-block")
"""The rules of axe-core that go by colours; all others find the same by day and by night."""

OUTSIDE = ("[data-testid=stHeader] [data-testid=stStatusWidget]",)
"""Parts that Streamlit draws by itself and that come and go while a script runs."""


def findings(page: Page, *, allowed: tuple[str, ...] = (), colours_alone: bool = False) -> list[str]:
    """What axe-core calls serious or critical on a page as it is drawn now, one text for each element.

    Wait until the page is drawn first. A text names the rule, the element and why, so that it can be mended from it.

    Args:
        allowed: parts of CSS paths of elements that are not judged; say at the call why.
        colours_alone: for a page that was judged at this width already, in other colours.
    """
    options = {"resultTypes": ["violations"]} | ({"runOnly": list(COLOURS)} if colours_alone else {})
    found = Axe().run(page, {"exclude": [[part] for part in OUTSIDE]}, options)
    return [
        f"{violation['id']} ({violation['impact']}): {' '.join(map(str, node['target']))}: {node['html'][:160]}: "
        f"{'; '.join(check['message'] for check in [*node['any'], *node['all'], *node['none']])[:300]}"
        for violation in found.response["violations"]
        if violation["impact"] in SEVERE
        for node in violation["nodes"]
        if not any(part in str(target) for part in allowed for target in node["target"])
    ]


def settled(page: Page) -> None:
    """Wait until the script of the page has run and everything is drawn."""
    page.wait_for_timeout(300)
    page.wait_for_function(
        "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning' && "
        "!document.querySelector('[data-testid=stSkeleton], [data-stale=true]')",
        timeout=WAIT,
    )


def look(page: Page, *, width: int, dark: bool) -> None:
    """Give an open page another width and other colours, as a visitor's own settings would, and wait for them."""
    page.set_viewport_size({"width": width, "height": 1000})
    page.emulate_media(color_scheme="dark" if dark else "light")
    page.wait_for_function(
        """dark => {
          const [red] = getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor.match(/\\d+/g);
          return (red < 128) === dark;
        }""",
        arg=dark,
        timeout=WAIT,
    )
    settled(page)

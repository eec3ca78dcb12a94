"""axe-core in the browser: what people who use a keyboard, a screen reader or little contrast would stumble over."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WAIT = 120_000
"""Milliseconds: a busy machine is no fault of the page."""

SEVERE = ("serious", "critical")

OUTSIDE = ("[data-testid=stHeader] [data-testid=stStatusWidget]",)
"""Parts that Streamlit draws by itself and that come and go while a script runs."""


def findings(page: Page, *, allowed: tuple[str, ...] = ()) -> list[str]:
    """What axe-core calls serious or critical on a page as it is drawn now, one text for each element.

    Wait until the page is drawn first. A text names the rule, the element and why, so that it can be mended from it.

    Args:
        allowed: parts of CSS paths of elements that are not judged; say at the call why.
    """
    found = Axe().run(page, {"exclude": [[part] for part in OUTSIDE]}, {"resultTypes": ["violations"]})
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

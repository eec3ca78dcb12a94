"""Takes the pictures of the README and the docs from a running app: `python docs/screenshots.py http://localhost:8000`.

Serve a home with a live model that has a map first. Needs the test packages and Chromium.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.serving import chromium, page_of

IMAGES = Path(__file__).parent / "images"
SHOTS = (
    ("home", "/", False, 900),
    ("shopper", "/shopper?shopper=1001", False, 1000),
    ("shopper-why", "/shopper?shopper=1001&section=Why", False, 1150),
    ("shopper-rules", "/shopper?shopper=1001&section=Rules", False, 1000),
    ("product", "/item?item=1082185", False, 1250),
    ("train", "/train", False, 900),
    ("quality", "/quality", False, 1000),
    ("map", "/map", True, 900),
    ("data", "/data", False, 900),
)
"""Name, address, dark or not, height."""


def main(url: str) -> None:
    with chromium() as browser:
        for name, path, dark, height in SHOTS:
            with page_of(browser, height=height, dark=dark) as page:
                page.goto(url + path)
                page.get_by_test_id("stAppViewContainer").wait_for()
                page.get_by_test_id("stStatusWidget").wait_for(state="detached")
                page.wait_for_timeout(5000)
                page.screenshot(path=IMAGES / f"{name}.png")
                print(IMAGES / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8000")

"""Takes the pictures of the README and the docs from a running app.

    python docs/screenshots.py http://localhost:8000 [model:ID | rules:NAME]

Serve a home with a live model that has a map first; the second argument says what it is compared with, and without it
that picture is left out. Needs the test packages and Chromium.
"""

import json
import sys
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.accessibility import WAIT, settled
from tests.serving import chromium, page_of

IMAGES = Path(__file__).parent / "images"
DRAFT = json.dumps(
    {
        "never_categories": ["Cat food"],
        "diversity": 0.3,
        "boosts": [{"of": "category", "name": "Produce", "strength": 1}],
    }
)
SHOTS = (
    ("home", "/", False, 900),
    ("shopper", "/shopper?shopper=1001", False, 1000),
    ("shopper-why", "/shopper?shopper=1001&section=Why", False, 1150),
    ("shopper-what-if", "/shopper?shopper=1001&section=What+if&nobody=true", False, 1000),
    ("shopper-rules", f"/shopper?shopper=1001&section=Rules&priced=true&draft={quote(DRAFT)}", False, 2450),
    ("shopper-compare", "/shopper?shopper=1001&section=Compare&overall=true&against=", False, 2050),
    ("shopper-unknown", "/shopper?shopper=10013", True, 700),
    ("product", "/item?item=1082185", False, 1250),
    ("train", "/train", False, 900),
    ("quality", "/quality", False, 1000),
    ("map", "/map", True, 900),
    ("data", "/data", False, 900),
)
"""Name, address, dark or not, height. What to compare with comes from the command line."""


def main(url: str, against: str = "") -> None:
    with chromium() as browser:
        for name, address, dark, height in SHOTS:
            path = address + quote(against) if address.endswith("=") else address
            if path.endswith("="):
                continue
            with page_of(browser, height=height, dark=dark) as page:
                page.goto(url + path)
                page.set_default_timeout(WAIT)
                page.get_by_role("heading", level=1).first.wait_for()
                settled(page)
                page.wait_for_timeout(3000)  # until charts have drawn themselves
                settled(page)
                page.screenshot(path=IMAGES / f"{name}.png")
                print(IMAGES / f"{name}.png")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["http://localhost:8000"]))

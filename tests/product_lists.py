"""Reading the lists of products on a page that runs without a browser."""

import json
from typing import Any

from streamlit.testing.v1 import AppTest


def rows(app: AppTest, key: str) -> list[dict[str, Any]]:
    """What each row of the list with this key shows; a list that is not on the page is an error."""
    (found,) = [part.proto for part in app.get("bidi_component") if part.proto.id.endswith(f"-{key}")]
    return json.loads(found.json)["rows"]


def ids(app: AppTest, key: str) -> list[str]:
    """Ids of the products, in their order."""
    return [row["id"] for row in rows(app, key)]

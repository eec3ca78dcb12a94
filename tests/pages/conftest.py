"""Pages are tested as somebody who may change everything: a page that runs in a test has no connection to judge by."""

import pytest


@pytest.fixture(autouse=True)
def everybody_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSIDER_OPEN_DASHBOARD", "1")

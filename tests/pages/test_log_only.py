"""Shoppers whom only the log knows: the Shopper page finds them by id and shows what the API answers."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from recsys.api.app import create_api
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from tests.homes import copy_home
from tests.product_lists import ids

PAGES = Path(__file__).parents[2] / "pages"
SECTIONS = ("Recommended", "Why", "What if", "Rules", "Compare", "Expectations")


@pytest.fixture
def home(trained_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose log knows two visitors: one who bought something, one of whom only their age is told."""
    folder = copy_home(trained_home, tmp_path / "home")
    events = [{"user_id": "visitor 4711", "item_id": item, "quantity": 2} for item in ("00001", "00005", "00009")]
    users = [{"user_id": "announced", "attributes": {"age": "19-24"}}]
    sent = client_of(folder).post("/v1/events", json={"events": events, "users": users})
    assert sent.status_code == 200, sent.text
    monkeypatch.setenv("INSIDER_HOME", str(folder))
    monkeypatch.setenv("INSIDER_OPEN_DASHBOARD", "1")
    return folder


def client_of(home: Path) -> TestClient:
    workspace = Workspace(Settings.from_environment(home))
    return TestClient(create_api(workspace), base_url="http://127.0.0.1", client=("127.0.0.1", 5000))


def page(**query: str) -> AppTest:
    app = AppTest.from_file(str(PAGES / "main.py"), default_timeout=60).run()
    for key, value in query.items():
        app.query_params[key] = value
    return app.switch_page("shopper.py").run()


@pytest.mark.parametrize("user", ["visitor 4711", "announced"])
def test_page_and_api_show_the_same_ten(home: Path, user: str) -> None:
    app = page(shopper=user)
    assert not app.exception
    assert not app.error
    assert app.title[0].value == f"Shopper {user}"
    said = client_of(home).get(f"/v1/users/{user}/recommendations").json()
    assert len(said["items"]) == 10
    assert ids(app, "recommended") == [item["item_id"] for item in said["items"]]


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("user", ["visitor 4711", "announced"])
def test_every_section_draws_for_them(home: Path, user: str, section: str) -> None:
    app = page(shopper=user, section=section)
    assert not app.exception
    assert app.title[0].value == f"Shopper {user}"


def test_they_are_found_by_a_part_of_their_id(home: Path) -> None:
    app = AppTest.from_file(str(PAGES / "main.py"), default_timeout=60).run()
    app.query_params["shopper"] = "u001"
    app.session_state["finding"] = True
    app.switch_page("shopper.py").run()
    app.text_input(key="idpart").set_value("4711").run()
    assert not app.exception
    app.button(key="events_visitor 4711").click().run()
    assert not app.exception
    assert app.title[0].value == "Shopper visitor 4711"


def test_stepping_on_from_them_leads_to_others(home: Path) -> None:
    app = page(shopper="visitor 4711")
    next(button for button in app.button if button.label == "Next").click().run()
    assert not app.exception
    assert app.title[0].value != "Shopper visitor 4711"

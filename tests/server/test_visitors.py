"""Every visitor and everything that can be asked for: a new action or route without its row here fails."""

import ast
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from websockets.exceptions import InvalidStatus

from recsys import access
from recsys.access import NotAllowed, Visitor
from recsys.api import caller
from recsys.api.app import create_api
from recsys.ingest.config import ImportPlan
from recsys.models.hyperparameters import Hyperparameters
from recsys.presentation.slides import Presentation, Presentations
from recsys.recommend.rules import Rules
from recsys.services import datasets
from recsys.services.dials.popularity_dial import turn_and_store
from recsys.services.jobs import cancel_job, start_demo, start_map, start_quality, start_search, start_training
from recsys.services.promotion import delete_model, promote, rollback
from recsys.services.training_service import train_and_store
from recsys.services.workbench.expectations import Expectation, Expectations
from recsys.services.workbench.rule_sets import RuleSets
from recsys.services.workbench.target_user import Lists, Person, Personas
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings
from recsys.storage import audit
from recsys.storage.api_keys import ApiKeyStore
from recsys.training.search import SearchPlan
from tests.dashboard import session
from tests.homes import copy_home
from tests.serving import running_app, wait_until

# The dashboard: who may do what

MERCHANDISER, ADMIN = "merchandiser", "admin"
CHANGES: dict[str, tuple[access.Role, Callable[[Workspace], Any]]] = {
    "train": (MERCHANDISER, lambda home: start_training(home, "small", Hyperparameters())),
    "search": (MERCHANDISER, lambda home: start_search(home, SearchPlan("small", "one", 1, Hyperparameters()))),
    "draw the map": (MERCHANDISER, lambda home: start_map(home, str(home.live_id()))),
    "find out the quality": (MERCHANDISER, lambda home: start_quality(home, str(home.live_id()))),
    "stop a job": (MERCHANDISER, lambda home: cancel_job(home, 1)),
    "save rules": (MERCHANDISER, lambda home: RuleSets(home.database).save("summer", Rules())),
    "serve rules": (MERCHANDISER, lambda home: RuleSets(home.database).serve("there")),
    "stop serving rules": (MERCHANDISER, lambda home: RuleSets(home.database).serve(None)),
    "delete rules": (MERCHANDISER, lambda home: RuleSets(home.database).delete("there")),
    "save an expectation": (MERCHANDISER, lambda home: Expectations(home.database).save(expectation())),
    "delete an expectation": (MERCHANDISER, lambda home: Expectations(home.database).delete("Ann")),
    "save a persona": (MERCHANDISER, lambda home: Personas(home.database).save("Bob", Person(("00001",)))),
    "delete a persona": (MERCHANDISER, lambda home: Personas(home.database).delete("Ann")),
    "add to a list": (MERCHANDISER, lambda home: Lists(home.database).add("Those", "u002")),
    "delete a list": (MERCHANDISER, lambda home: Lists(home.database).delete("Those")),
    "write a note": (MERCHANDISER, lambda home: audit.set_note(home.database, "model x", audit.Note("mine"))),
    "save a presentation": (MERCHANDISER, lambda home: Presentations(home).save("one", Presentation())),
    "delete a presentation": (MERCHANDISER, lambda home: Presentations(home).delete("there")),
    "turn the dial": (MERCHANDISER, lambda home: turn_and_store(home, str(home.live_id()), 0.5)),
    "train and promote": (ADMIN, lambda home: start_training(home, "small", Hyperparameters(), promote=True)),
    "prepare the demo": (ADMIN, lambda home: start_demo(home)),
    "upload": (ADMIN, lambda home: datasets.keep_upload(home, "x.csv", (PROJECT_ROOT / "README.md").open("rb"))),
    "import": (ADMIN, lambda home: datasets.start_import(home, ImportPlan("new", ("data/sample/events.csv",)))),
    "delete a dataset": (ADMIN, lambda home: datasets.delete_dataset(home, "small", force=True)),
    "promote": (ADMIN, lambda home: promote(home, home.store.models()[0])),
    "roll back": (ADMIN, lambda home: rollback(home)),
    "delete a model": (ADMIN, lambda home: delete_model(home, home.store.models()[0])),
}  # fmt: skip
"""What changes something, the role it needs, and how it is done."""

ASKS, LOOKS, SIGNS = "asks first", "only looks", "signs in or out"
ACTIONS = {
    ("cartography/drawing.py", "Stop"): "stop a job",
    ("cartography/drawing.py", "Draw anew"): "draw the map",
    ("cartography/drawing.py", "Draw the map"): "draw the map",
    ("cartography/sections.py", "Store the rule set"): "save rules",
    ("data.py", "Cancel"): "stop a job",
    ("data.py", "title"): "upload",
    ("data.py", "Import"): "import",
    ("data.py", "Delete for good"): "delete a dataset",
    ("map.py", "Draw it again"): "draw the map",
    ("map.py", "Clear search"): LOOKS,
    ("map.py", "Clear selection"): LOOKS,
    ("map.py", "Leave"): LOOKS,
    ("models.py", "Delete it"): "delete a model",
    ("models.py", "Save"): "write a note",
    ("models.py", "Promote"): ASKS,
    ("models.py", "Delete"): ASKS,
    ("making.py", "label"): LOOKS,
    ("cartography/sections.py", "shared.plain(f'{row.title}{likeness}')"): LOOKS,
    ("present.py", "Begin with a suggestion"): "save a presentation",
    ("present.py", "Begin empty"): "save a presentation",
    ("present.py", "Add"): "save a presentation",
    ("present.py", "Save"): "save a presentation",
    ("present.py", "Earlier"): "save a presentation",
    ("present.py", "Later"): "save a presentation",
    ("present.py", "Delete slide"): "save a presentation",
    ("present.py", "Delete this presentation"): "delete a presentation",
    ("promoting.py", "Make it live"): "promote",
    ("promoting.py", "Roll back"): ASKS,
    ("promoting.py", "Go back"): "roll back",
    ("promoting.py", "f'Undo: {done['what']}'"): "promote",
    ("quality.py", "'Find out' if view is None else 'Find out anew'"): "find out the quality",
    ("quality.py", "Make this model"): "turn the dial",
    ("quality.py", "Cancel"): "stop a job",
    ("runs.py", "Save"): "write a note",
    ("runs.py", "Start from this"): LOOKS,
    ("runs.py", "Promote"): ASKS,
    ("shared.py", "Try again"): "prepare the demo",
    ("shared.py", "Go back to the model before it"): "roll back",
    ("training/recipe.py", "Train"): "train",
    ("training/recipe.py", "Search"): "search",
    ("training/run.py", "Cancel"): "stop a job",
    ("training/run.py", "Promote"): ASKS,
    ("training/recipe.py", "Stop them"): "stop a job",
    ("training/run.py", "label"): LOOKS,
    ("tour.py", "f'Next: {found.next.title}'"): LOOKS,
    ("tour.py", "f'Take the tour (about {tour.MINUTES} minutes)'"): LOOKS,
    ("tour.py", "Back"): LOOKS,
    ("tour.py", "Finish the tour"): LOOKS,
    ("tour.py", "Go on with the tour"): LOOKS,
    ("tour.py", "Leave the tour"): LOOKS,
    ("tour.py", "Start again"): LOOKS,
    ("visitor.py", "Sign in"): SIGNS,
    ("visitor.py", "Sign out"): SIGNS,
    ("workbench/expectations.py", "Save"): "save an expectation",
    ("workbench/expectations.py", "Delete"): "delete an expectation",
    ("workbench/finding.py", "Anybody, at random"): LOOKS,
    ("workbench/finding.py", "Previous"): LOOKS,
    ("workbench/finding.py", "Next"): LOOKS,
    ("workbench/finding.py", "Random"): LOOKS,
    ("workbench/finding.py", "shared.plain(user)"): LOOKS,
    ("workbench/finding.py", "Delete this list"): "delete a list",
    ("workbench/finding.py", "Add this shopper"): "add to a list",
    ("workbench/desk.py", "shared.plain(user)"): LOOKS,
    ("workbench/finding.py", "shared.plain(text)"): LOOKS,
    ("workbench/ruling.py", "Undo"): LOOKS,
    ("workbench/serving.py", "Save"): "save rules",
    ("workbench/serving.py", "Earlier"): ASKS,
    ("workbench/serving.py", "Later"): ASKS,
    ("workbench/serving.py", "Stop"): ASKS,
    ("workbench/serving.py", "Serve"): "serve rules",
    ("workbench/serving.py", "Serve before the others"): ASKS,
    ("workbench/serving.py", "Undo"): "stop serving rules",
    ("workbench/serving.py", "Delete"): "delete rules",
    ("workbench/serving.py", "How many shoppers are affected?"): LOOKS,
    ("workbench/serving.py", "Close"): LOOKS,
    ("workbench/serving.py", "Cancel"): LOOKS,
    ("workbench/whatif.py", "Undo"): LOOKS,
    ("workbench/whatif.py", "Reset"): LOOKS,
    ("workbench/whatif.py", "Save as persona"): "save a persona",
    ("workbench/whatif.py", "Delete this persona"): "delete a persona",
}
"""Every button of the dashboard, by page and label (or what stands for the label), and what it does."""

PRESSED = ("button", "form_submit_button", "file_uploader", "data_editor", "chat_input", "camera_input", "audio_input")


def expectation() -> Expectation:
    return Expectation("Ann", user="u001", must_not=("00001",))


def buttons() -> set[tuple[str, str]]:
    found = set()
    for path in sorted((PROJECT_ROOT / "pages").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in PRESSED:
                label = node.args[0]
                # versions of Python choose other quotes
                text = label.value if isinstance(label, ast.Constant) else ast.unparse(label).replace('"', "'")
                found.add((path.relative_to(PROJECT_ROOT / "pages").as_posix(), str(text)))
    return found


def test_every_button_of_the_dashboard_has_its_row() -> None:
    assert buttons() == set(ACTIONS)
    assert {change for change in ACTIONS.values() if change not in (ASKS, LOOKS, SIGNS)} <= set(CHANGES)


@pytest.fixture(scope="module")
def furnished(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two versions that were live, and one of everything that can be deleted."""
    folder = copy_home(trained_home, tmp_path_factory.mktemp("visitors") / "home")
    home = Workspace(Settings.from_environment(folder))
    train_and_store(home, "small", Hyperparameters(components=4, epochs=1, start="random", threads=1), promote=True)
    RuleSets(home.database).save("there", Rules())
    Expectations(home.database).save(expectation())
    Personas(home.database).save("Ann", Person(("00001",)))
    Lists(home.database).add("Those", "u001")
    Presentations(home).save("there", Presentation())
    return folder


@pytest.mark.parametrize("role", access.ROLES)
def test_a_role_may_what_the_table_says(
    role: access.Role, furnished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recsys.services.jobs.job_process.launch", lambda run_id, settings: os.getpid())
    home = Workspace(Settings.from_environment(copy_home(furnished, tmp_path / "home")))
    monkeypatch.setattr(access, "_ask", lambda: Visitor(role, "This is why."))
    allowed = {name for name, (needed, _) in CHANGES.items() if access.reaches(Visitor(role, ""), needed)}
    before = (home.store.live(), home.datasets(), home.store.models())
    for name in sorted(CHANGES, key=lambda name: name in allowed):
        needed, change = CHANGES[name]
        if name in allowed:
            for job in home.job_store.newest():
                home.job_store.request_cancel(job.id)
                home.job_store.finish(job.id, "cancelled")
            if name != "stop a job":
                change(home)
        else:
            with pytest.raises(NotAllowed, match=rf"needs the role {needed}\. This is why"):
                change(home)
                raise AssertionError(f"a {role} may {name}")
            assert (home.store.live(), home.datasets(), home.store.models()) == before, name


# The dashboard as it is served: where a visitor comes from

PROXY = {"X-Forwarded-For": "203.0.113.9"}
VISITORS: dict[str, tuple[dict[str, str], str | None, bool, str]] = {
    "this machine": ({}, None, False, "admin"),
    "this machine, by another of its names": ({"Host": "localhost:8000"}, None, False, "admin"),
    "proxy": (PROXY, None, False, "viewer"),
    "proxy that says little": ({"Via": "1.1 cache"}, None, False, "viewer"),
    "proxy, hung up": (PROXY, None, True, "viewer"),
    "rebinding": ({"Host": "evil.example:8000"}, None, False, "viewer"),
    "rebinding, hung up": ({"Host": "evil.example:8000"}, None, True, "viewer"),
    "pretender": ({**PROXY, access.HEADER: access.mark(here=True)}, None, False, "viewer"),
    "page of another site": ({}, "https://evil.example", False, "refused"),
    "page in a sandbox": ({}, "null", False, "refused"),
}
"""Headers, origin, whether they hang up as they press the button, and what they are."""


@pytest.fixture(scope="module")
def served(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log, settings = tmp_path_factory.mktemp("log") / "server.log", {"INSIDER_UPLOAD_TOTAL": "1"}
    with running_app(furnished, log, settings) as url:
        yield url


@pytest.mark.parametrize("name", VISITORS)
def test_a_visitor_is_what_the_connection_says_even_when_it_is_gone(name: str, served: str, furnished: Path) -> None:
    headers, origin, hang_up, role = VISITORS[name]
    home = Workspace(Settings.from_environment(furnished))
    live = str(home.live_id())
    if role == "refused":
        with pytest.raises(InvalidStatus, match="403"), session(served, headers, origin=origin):
            pass
        return
    with session(served, headers, origin=origin) as visit:
        visit.open("models")
        visit.press("Roll back")
        visit.press("Go back", hang_up=hang_up)
    if role == "admin":
        wait_until(lambda: home.live_id() != live, "the earlier version is live", seconds=20)
        promote(home, live)
    else:
        time.sleep(1.5 if hang_up else 0)  # there is nothing to wait for: nothing may happen
        assert home.live_id() == live


def test_a_viewer_cannot_write_a_note_and_is_told_so(served: str, furnished: Path) -> None:
    home = Workspace(Settings.from_environment(furnished))
    with session(served, PROXY) as visit:
        visit.open("models")
        visit.type("Note", "overwritten")
        visit.press("Save")
        assert "needs the role merchandiser" in visit.words()
    assert audit.notes(home.database) == {}


def test_an_upload_asks_for_the_role_of_its_session(served: str) -> None:
    with ExitStack() as stack:
        page = stack.enter_context(httpx.Client(base_url=served))
        page.get("/_stcore/health")
        token = {"X-Xsrftoken": page.cookies["_streamlit_xsrf"]}
        here, away = (stack.enter_context(session(served, headers)) for headers in ({}, PROXY))
        here.open("data")
        away.open("data")
        for who, status in ((here.id, 204), (away.id, 403), ("unknown", 403)):
            answer = page.put(f"/_stcore/upload_file/{who}/one", files={"file": ("x.csv", b"a,b")}, headers=token)
            assert answer.status_code == status, answer.text
        large = {"file": ("x.csv", b"a" * 1_100_000)}
        answer = page.put(f"/_stcore/upload_file/{here.id}/two", files=large, headers=token)
        assert answer.status_code == 413 and "INSIDER_UPLOAD_TOTAL" in answer.json()["detail"]


# The API: routes and callers

NOBODY, READ, EVENTS, EVERYTHING = "nothing", "read", "events", "admin"
ROUTES = {
    ("GET", "/healthz"): NOBODY,
    ("GET", "/readyz"): NOBODY,
    ("GET", "/metrics"): NOBODY,
    ("GET", "/docs"): NOBODY,
    ("GET", "/openapi.json"): NOBODY,
    ("GET", "/v1/model"): READ,
    ("GET", "/v1/users"): READ,
    ("GET", "/v1/users/{user_id:path}/history"): READ,
    ("GET", "/v1/users/{user_id:path}/recommendations"): READ,
    ("GET", "/v1/items"): READ,
    ("GET", "/v1/items/{item_id:path}"): READ,
    ("GET", "/v1/items/{item_id:path}/similar"): READ,
    ("POST", "/v1/recommendations"): READ,
    ("POST", "/v1/recommendations/batch"): READ,
    ("POST", "/v1/events"): EVENTS,
}
"""Every route, and what it takes to use it."""

HERE = ("127.0.0.1", "http://127.0.0.1:8000", {})
AWAY = ("203.0.113.9", "http://insider.shop.example", {})
CALLERS: dict[str, tuple[tuple[str, str, dict[str, str]], dict[str, Any], set[str]]] = {
    "this machine": (HERE, {}, {NOBODY, READ, EVENTS, EVERYTHING}),
    "this machine, reachable from others": (HERE, {"beyond": True}, {NOBODY, READ}),
    "the same, trusted": (HERE, {"beyond": True, "trust_loopback": True}, {NOBODY, READ, EVENTS, EVERYTHING}),
    "this machine, where people sign in": (HERE, {"people_sign_in": True}, {NOBODY}),
    "this machine, where there are keys": (HERE, {"api_key": "secret"}, {NOBODY}),
    "other machine": (AWAY, {}, {NOBODY, READ}),
    "other machine, trusted loopback": (AWAY, {"trust_loopback": True}, {NOBODY, READ}),
    "other machine, where people sign in": (AWAY, {"people_sign_in": True}, {NOBODY}),
    "proxy": ((*HERE[:2], PROXY), {}, {NOBODY, READ}),
    "rebinding": (("127.0.0.1", "http://evil.example", {}), {}, {NOBODY, READ}),
    "page of another site": ((*HERE[:2], {"Origin": "https://evil.example"}), {}, {NOBODY, READ}),
    "key that may read": (AWAY, {"scopes": ["read"]}, {NOBODY, READ}),
    "key that may send events": (AWAY, {"scopes": ["events"]}, {NOBODY, EVENTS}),
    "key that may everything": (AWAY, {"scopes": ["admin"]}, {NOBODY, READ, EVENTS, EVERYTHING}),
}
"""Address, URL and headers; settings of the server; what they may use."""


def routes(home: Workspace) -> set[tuple[str, str]]:
    found = set()
    for route in create_api(home).routes:
        methods = route.methods if isinstance(route, APIRoute) else getattr(route, "methods", None) or ()
        found |= {(method, str(getattr(route, "path", ""))) for method in methods if method not in ("HEAD", "OPTIONS")}
    return found


def test_every_route_has_its_row(workspace: Workspace) -> None:
    assert routes(workspace) == set(ROUTES)


@pytest.mark.parametrize("name", CALLERS)
def test_a_caller_may_use_what_the_table_says(
    name: str, trained_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (address, url, headers), settings, allowed = CALLERS[name]
    settings = dict(settings)
    beyond, scopes = settings.pop("beyond", False), settings.pop("scopes", None)
    monkeypatch.setattr(caller, "listens_beyond", lambda port: beyond)
    own = replace(Settings.from_environment(trained_home), database_url=f"sqlite:///{tmp_path / 'own.sqlite'}")
    home = Workspace(replace(own, **settings))
    if scopes:
        headers = {"Authorization": f"Bearer {ApiKeyStore(home.database).create('shop', scopes)[1]}"}
    client = TestClient(create_api(home), base_url=url, client=(address, 5000), raise_server_exceptions=False)
    for (method, path), needed in ROUTES.items():
        asked = path.replace("{user_id:path}", "u001").replace("{item_id:path}", "00001")
        status = client.request(method, asked, headers=headers).status_code
        assert (status in (401, 403)) == (needed not in allowed), (name, method, path, status)
        assert status < 500

"""Who may change what through the dashboard."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from pages import visitor
from recsys import access
from recsys.access import require, roles_from_environment, signed_in, without_sign_in
from recsys.errors import InvalidInput
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings
from tests.homes import copy_home

ROLES: dict[access.Role, tuple[str, ...]] = {"admin": ("ann@shop.example",), "merchandiser": ("*@shop.example",)}


@pytest.fixture(autouse=True)
def nobody_else() -> Iterator[None]:
    """Leaves no visitor behind."""
    before = access._ask
    yield
    access._ask = before


@pytest.fixture
def home(trained_home: Path, tmp_path: Path) -> Workspace:
    return Workspace(Settings.from_environment(copy_home(trained_home, tmp_path / "home")))


def test_programs_may_everything() -> None:
    access.ask_with(lambda: None)
    require("admin", "Anything")


@pytest.mark.parametrize(
    ("email", "role"),
    [("ann@shop.example", "admin"), ("ANN@shop.example ", "admin"), ("bob@shop.example", "merchandiser"),
     ("ann@shop.example.evil.example", None), ("x@other.example", None), ("", None)],
)  # fmt: skip
def test_the_highest_role_counts(email: str, role: str | None) -> None:
    found = signed_in(email, ROLES)
    assert (found.role if found else None) == role


@pytest.mark.parametrize(
    ("marked", "opened", "role"),
    [
        (access.mark(here=True), False, "admin"),
        (access.mark(here=False), False, "viewer"),
        (access.mark(here=False), True, "admin"),
        (None, False, "viewer"),
        ("here", False, "viewer"),
        ("", False, "viewer"),
    ],
    ids=["here", "away", "away and opened", "not marked", "a word of theirs", "empty"],
)
def test_without_sign_in_only_this_machine_changes_anything(marked: str | None, opened: bool, role: str) -> None:
    assert without_sign_in(marked, open_to_all=opened).role == role


def test_who_hangs_up_becomes_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the connection, address and headers are gone; what was settled at the start of the session counts on."""
    monkeypatch.delenv("INSIDER_OPEN_DASHBOARD")
    headers: dict[str, str] = {}
    monkeypatch.setattr(visitor, "get_script_run_ctx", lambda **_: SimpleNamespace(session_id=session))
    monkeypatch.setattr(visitor, "st", SimpleNamespace(context=SimpleNamespace(headers=headers, ip_address=None)))
    for here, role in ((True, "admin"), (False, "viewer"), (None, "viewer")):
        session = f"{here} {monkeypatch}"
        headers.update({} if here is None else {access.HEADER: access.mark(here=here)})
        assert visitor._visitor().role == role
        headers.clear()
        assert visitor._visitor().role == role


def test_roles_are_read_or_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSIDER_ROLES", "admin=Ann@shop.example; merchandiser=*@shop.example,x@y.example;")
    assert roles_from_environment() == {
        "admin": ("ann@shop.example",),
        "merchandiser": ("*@shop.example", "x@y.example"),
    }
    for bad in ("boss=x@y.example", "admin", "admin=", "x@y.example"):
        monkeypatch.setenv("INSIDER_ROLES", bad)
        with pytest.raises(InvalidInput, match="INSIDER_ROLES"):
            roles_from_environment()


def page(home: Workspace, monkeypatch: pytest.MonkeyPatch, roles: str) -> AppTest:
    monkeypatch.setenv("INSIDER_HOME", str(home.settings.home))
    monkeypatch.setenv("INSIDER_ROLES", roles)
    return AppTest.from_file(str(PROJECT_ROOT / "pages" / "main.py"), default_timeout=60).run()


def test_where_people_sign_in_nothing_is_shown_before(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page(home, monkeypatch, "admin=ann@shop.example")
    assert [button.label for button in shown.button] == ["Sign in"]
    assert [title.value for title in shown.title] == ["Sign in"]
    assert not shown.exception


def test_on_this_machine_everything_is_there(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page(home, monkeypatch, "")
    assert shown.title
    assert not shown.exception

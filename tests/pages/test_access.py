"""Who may change what through the dashboard."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from recsys import access
from recsys.access import NotAllowed, Visitor, require, roles_from_environment, signed_in, without_sign_in
from recsys.errors import InvalidInput
from recsys.ingest.config import ImportPlan
from recsys.models.hyperparameters import Hyperparameters
from recsys.recommend.rules import Rules
from recsys.services.datasets import delete_dataset, start_import
from recsys.services.golden_shoppers import Golden, GoldenShoppers
from recsys.services.jobs import cancel_job, start_demo, start_map, start_training
from recsys.services.promotion import delete_model, promote, rollback
from recsys.services.rule_sets import RuleSets
from recsys.services.target_user import Lists, Person, Personas
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings

ROLES: dict[access.Role, tuple[str, ...]] = {"admin": ("ann@shop.example",), "merchandiser": ("*@shop.example",)}


@pytest.fixture(autouse=True)
def nobody_else() -> Iterator[None]:
    """Leaves no visitor behind."""
    before = access._ask
    yield
    access._ask = before


@pytest.fixture
def home(trained_home: Path, tmp_path: Path) -> Workspace:
    return Workspace(Settings.from_environment(shutil.copytree(trained_home, tmp_path / "home")))


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
    ("address", "headers", "opened", "role"),
    [
        (None, {}, False, "admin"),
        ("127.0.0.1", {}, False, "admin"),
        (None, {"X-Forwarded-For": "203.0.113.9"}, False, "viewer"),
        ("203.0.113.9", {}, False, "viewer"),
        ("203.0.113.9", {}, True, "admin"),
    ],
)
def test_without_sign_in_only_this_machine_changes_anything(
    address: str | None, headers: dict[str, str], opened: bool, role: str
) -> None:
    assert without_sign_in(address, headers, open_to_all=opened).role == role


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


def test_every_change_asks_for_its_role(home: Workspace) -> None:
    live = str(home.live_id())
    changes: dict[str, tuple[access.Role, Any]] = {
        "train": ("merchandiser", lambda: start_training(home, "small", Hyperparameters())),
        "rules": ("merchandiser", lambda: RuleSets(home.database).save("summer", Rules())),
        "draw": ("merchandiser", lambda: start_map(home, live)),
        "stop": ("merchandiser", lambda: cancel_job(home, 1)),
        "personas": ("merchandiser", lambda: Personas(home.database).save("one", Person(("1",)))),
        "lists": ("merchandiser", lambda: Lists(home.database).add("one", "u001")),
        "golden": ("merchandiser", lambda: GoldenShoppers(home.database).save(Golden("one", "u001", must_show=("1",)))),
        "train and promote": ("admin", lambda: start_training(home, "small", Hyperparameters(), promote=True)),
        "demo": ("admin", lambda: start_demo(home)),
        "import": ("admin", lambda: start_import(home, ImportPlan("shop", events=("shop.csv",)))),
        "delete a dataset": ("admin", lambda: delete_dataset(home, "small")),
        "promote": ("admin", lambda: promote(home, live)),
        "roll back": ("admin", lambda: rollback(home)),
        "delete": ("admin", lambda: delete_model(home, live)),
    }
    for visitor in access.ROLES[:2]:
        access.ask_with(lambda role=visitor: Visitor(role, "This is why."))
        for name, (needed, change) in changes.items():
            if access.ROLES.index(needed) > access.ROLES.index(visitor):
                with pytest.raises(NotAllowed, match=rf"needs the role {needed}\. This is why"):
                    change()
                    raise AssertionError(f"a {visitor} may {name}")
    assert home.live_id() == live
    assert home.datasets() == ["small"]
    assert home.job_store.newest() == []


def page(home: Workspace, monkeypatch: pytest.MonkeyPatch, roles: str) -> AppTest:
    monkeypatch.setenv("INSIDER_HOME", str(home.settings.home))
    monkeypatch.setenv("INSIDER_ROLES", roles)
    return AppTest.from_file(str(PROJECT_ROOT / "pages" / "main.py"), default_timeout=60).run()


def test_where_people_sign_in_nothing_is_shown_before(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page(home, monkeypatch, "admin=ann@shop.example")
    assert [button.label for button in shown.button] == ["Sign in"]
    assert not shown.title
    assert not shown.exception


def test_on_this_machine_everything_is_there(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page(home, monkeypatch, "")
    assert shown.title
    assert not shown.exception

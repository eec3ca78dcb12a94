"""What stands in front of the API: keys, scopes, this machine alone, limits, headers; and nothing gets past."""

import json
import logging
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.routing import Route
from typer.testing import CliRunner

from recsys.api.app import create_api
from recsys.api.auth import OPEN, needed_scope
from recsys.cli.app import app as command_line
from recsys.errors import InvalidInput, NotFound
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.storage.api_keys import ApiKeyStore

USER = "/v1/users/u001/recommendations"
EVENT = {"events": [{"user_id": "u001", "item_id": "00001", "id": "one"}]}
ASKING_POSTS = {"/v1/recommendations", "/v1/recommendations/batch"}


def client_of(workspace: Workspace, host: str = "127.0.0.1", url: str = "http://127.0.0.1") -> TestClient:
    return TestClient(create_api(workspace), base_url=url, client=(host, 5000), raise_server_exceptions=False)


@pytest.fixture
def home(trained_home: Path, tmp_path: Path) -> Workspace:
    """The trained home with a database of its own."""
    settings = Settings.from_environment(trained_home)
    return Workspace(replace(settings, database_url=f"sqlite:///{tmp_path / 'own.sqlite'}"))


def with_settings(home: Workspace, **changes: Any) -> Workspace:
    return Workspace(replace(home.settings, **changes))


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def operations(client: TestClient) -> Iterator[tuple[str, str]]:
    """Method and a path of every route of the application, those that the OpenAPI document leaves out too."""
    for route in client.app.routes:  # type: ignore[attr-defined]
        if isinstance(route, Route) or hasattr(route, "methods"):
            path = route.path.replace("{user_id:path}", "u001").replace("{item_id:path}", "00001")
            for method in route.methods or ():
                yield method, path.replace("{model_id}", "x")


# Keys


@pytest.mark.parametrize("kind", ["environment", "made"])
def test_with_a_key_every_route_without_one_is_refused(home: Workspace, kind: str) -> None:
    if kind == "environment":
        home = with_settings(home, api_key="a-long-secret")
    else:
        ApiKeyStore(home.database).create("shop", ["read"])
    client = client_of(home)
    refused = 0
    for method, path in operations(client):
        for headers in ({}, bearer("wrong"), bearer("ins_000000000000_x"), {"Authorization": "Basic YTpi"}):
            response = client.request(method, path, headers=headers)
            if path.startswith("/v1"):
                assert response.status_code == 401, (method, path)
                assert response.headers["www-authenticate"] == "Bearer"
                refused += 1
            else:
                assert path.startswith(OPEN)
                assert response.status_code == 200
    assert refused >= 40


def test_every_route_that_is_not_known_to_be_harmless_needs_more_than_reading(home: Workspace) -> None:
    for method, path in operations(client_of(home)):
        needed = needed_scope(method, path)
        if method not in ("GET", "HEAD"):
            assert needed == ("read" if path in ASKING_POSTS else "events" if path == "/v1/events" else "admin")
    assert needed_scope("POST", "/v1/anything/to/come") == "admin"
    assert needed_scope("DELETE", "/v1/recommendations") == "admin"
    assert needed_scope("GET", "/v1/docs") == "read"
    assert needed_scope("POST", "/v1/recommendations/") == "admin"


def test_the_key_of_the_environment_may_everything(home: Workspace) -> None:
    client = client_of(with_settings(home, api_key="schlüssel-秘密"), host="203.0.113.9", url="https://api.example")
    good = {"Authorization": "Bearer schlüssel-秘密".encode()}
    assert client.get(USER, headers=good).status_code == 200
    assert client.post("/v1/events", json=EVENT, headers=good).status_code == 200
    assert client.get(USER).status_code == 401


def test_scopes_say_what_a_key_may_do(home: Workspace) -> None:
    keys = ApiKeyStore(home.database)
    _, read = keys.create("reader", ["read"])
    _, events = keys.create("sender", ["events"])
    _, both = keys.create("shop", ["read", "events"])
    _, admin = keys.create("boss", ["admin"])
    client = client_of(home, host="203.0.113.9", url="https://api.example")
    for text, may_read, may_send in ((read, 200, 403), (events, 403, 200), (both, 200, 200), (admin, 200, 200)):
        assert client.get(USER, headers=bearer(text)).status_code == may_read
        assert client.post("/v1/recommendations", json={}, headers=bearer(text)).status_code == may_read
        assert client.post("/v1/events", json=EVENT, headers=bearer(text)).status_code == may_send
    refused = client.post("/v1/events", json=EVENT, headers=bearer(read)).json()
    assert "'events'" in refused["detail"]
    assert read not in json.dumps(refused)


def test_a_key_is_kept_as_a_hash_alone(home: Workspace, tmp_path: Path) -> None:
    key, text = ApiKeyStore(home.database).create("shop", ["read"])
    secret = text.split("_", 2)[2]
    assert len(secret) >= 43
    for file in tmp_path.glob("own.sqlite*"):
        assert secret.encode() not in file.read_bytes()
    assert text not in repr(ApiKeyStore(home.database).all())
    assert ApiKeyStore(home.database).of(text) == key
    assert ApiKeyStore(home.database).of(text[:-1] + ("A" if text[-1] != "A" else "B")) is None


def test_turning_over_and_revoking(home: Workspace) -> None:
    keys = ApiKeyStore(home.database)
    old, old_text = keys.create("shop", ["read", "events"], rate=7)
    new, new_text = keys.rotate(old.id, keep_hours=1)
    assert (new.name, new.scopes, new.rate) == ("shop", ("read", "events"), 7)
    assert keys.of(old_text) is not None
    assert keys.get(old.id).state == "ending"
    keys.revoke(old.id)
    assert keys.of(old_text) is None
    assert keys.of(new_text) is not None
    keys.revoke(new.id)
    client = client_of(home)
    assert client.get(USER, headers=bearer(new_text)).status_code == 401
    assert client.get(USER).status_code == 401, "revoking the last key must not open the doors"
    with pytest.raises(InvalidInput, match="has ended"):
        keys.rotate(old.id)
    for key in (old, new):
        keys.delete(key.id)
    assert not keys.exist()


def test_a_database_from_before_gets_the_tables_it_lacks(home: Workspace, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "own.sqlite") as old:
        old.execute("CREATE TABLE runs (id INTEGER PRIMARY KEY, state VARCHAR)")
    assert client_of(home).get(USER).status_code == 200
    assert ApiKeyStore(home.database).create("shop", ["read"])[0].state == "valid"


def test_a_rotation_that_is_cut_short_leaves_the_one_key_there_was(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ApiKeyStore(home.database)
    old = keys.create("shop", ["read"])[0]

    def cut() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("recsys.storage.api_keys.api_keys.update", cut)
        with pytest.raises(KeyboardInterrupt):
            keys.rotate(old.id)
    assert [(key.id, key.state) for key in keys.all()] == [(old.id, "valid")]


def test_bad_keys_are_refused_with_the_mend(home: Workspace) -> None:
    keys = ApiKeyStore(home.database)
    with pytest.raises(InvalidInput, match="'write'"):
        keys.create("shop", ["write"])
    with pytest.raises(InvalidInput, match="name"):
        keys.create(" ", ["read"])
    with pytest.raises(InvalidInput, match="rate"):
        keys.create("shop", ["read"], rate=-1)
    with pytest.raises(NotFound, match="keys list"):
        keys.revoke("nothing")
    with pytest.raises(InvalidInput, match="revoke it first"):
        keys.delete(keys.create("shop", ["read"])[0].id)


def test_keys_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSIDER_HOME", str(tmp_path / "home"))
    run = CliRunner().invoke
    made = run(command_line, ["keys", "create", "shop", "--scope", "read", "--scope", "events", "--json"])
    key = json.loads(made.stdout)
    assert key["key"].startswith(f"ins_{key['id']}_")
    listed = run(command_line, ["keys", "list", "--json"])
    assert [x["name"] for x in json.loads(listed.stdout)["keys"]] == ["shop"]
    assert key["key"] not in listed.stdout
    turned = json.loads(run(command_line, ["keys", "rotate", key["id"], "--json"]).stdout)
    assert turned["scopes"] == ["read", "events"]
    assert json.loads(run(command_line, ["keys", "revoke", turned["id"], "--json"]).stdout)["state"] == "ended"
    assert run(command_line, ["keys", "delete", turned["id"]]).exit_code == 0
    assert run(command_line, ["keys", "revoke", "nothing"]).exit_code == 2


# Without keys


@pytest.mark.parametrize(
    ("host", "url", "headers", "status"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000", {}, 200),
        ("127.0.0.1", "http://localhost:8000", {"Origin": "http://localhost:3000"}, 200),
        ("::1", "http://[::1]:8000", {}, 200),
        ("::ffff:127.0.0.1", "http://127.0.0.1", {}, 200),
        ("10.0.0.7", "http://127.0.0.1:8000", {}, 401),
        ("10.0.0.7", "http://insider.internal", {}, 401),
        ("testclient", "http://testserver", {}, 401),
        ("127.0.0.1", "http://evil.example", {}, 401),
        ("127.0.0.1", "http://127.0.0.1:8000", {"Origin": "https://evil.example"}, 401),
        ("127.0.0.1", "http://127.0.0.1:8000", {"Origin": "null"}, 401),
        ("127.0.0.1", "http://127.0.0.1:8000", {"X-Forwarded-For": "127.0.0.1"}, 401),
        ("127.0.0.1", "http://127.0.0.1:8000", {"Forwarded": "for=127.0.0.1"}, 401),
    ],
)
def test_without_keys_reading_is_open_and_writing_is_for_this_machine(
    home: Workspace, host: str, url: str, headers: dict[str, str], status: int
) -> None:
    client = client_of(home, host, url)
    assert client.get(USER, headers=headers).status_code == 200
    assert client.post("/v1/recommendations", json={}, headers=headers).status_code == 200
    response = client.post("/v1/events", json=EVENT, headers=headers)
    assert response.status_code == status
    if status == 401:
        assert "keys create" in response.json()["detail"]


# Limits, headers, logs


def test_a_caller_that_is_too_fast_is_told_when_to_come_back(home: Workspace) -> None:
    keys = ApiKeyStore(home.database)
    (_, slow), (_, fast) = keys.create("slow", ["read"], rate=2), keys.create("fast", ["read"], rate=1000)
    client = client_of(home)
    found = [client.get(USER, headers=bearer(slow)).status_code for _ in range(6)]
    assert found[:2] == [200, 200]
    assert 429 in found
    assert {client.get(USER, headers=bearer(fast)).status_code for _ in range(6)} == {200}
    refused = [r for r in (client.get(USER, headers=bearer(slow)) for _ in range(4)) if r.status_code == 429]
    assert int(refused[0].headers["retry-after"]) >= 1
    assert client.get("/healthz").status_code == 200


def test_the_general_limit_holds_for_each_address(home: Workspace) -> None:
    app = create_api(with_settings(home, rate_limit=3.0))
    first, second = (TestClient(app, client=(host, 1)) for host in ("203.0.113.1", "203.0.113.2"))
    assert [first.get(USER).status_code for _ in range(5)].count(429) >= 1
    assert second.get(USER).status_code == 200


def test_pages_of_other_sites_may_call_only_where_a_setting_says_so(home: Workspace) -> None:
    shop = {"Origin": "https://shop.example"}
    asked = {**shop, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    closed = client_of(home)
    assert "access-control-allow-origin" not in closed.get(USER, headers=shop).headers
    assert closed.options(USER, headers=asked).status_code == 405
    opened = client_of(with_settings(home, cors_origins=("https://shop.example",), api_key="secret"))
    assert opened.options(USER, headers=asked).headers["access-control-allow-origin"] == "https://shop.example"
    refused = opened.get(USER, headers=shop)
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://shop.example"
    other = opened.get(USER, headers={"Origin": "https://evil.example", **bearer("secret")})
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize(
    ("name", "value"),
    [("INSIDER_CORS_ORIGINS", "*"), ("INSIDER_CORS_ORIGINS", "shop.example"), ("INSIDER_RATE_LIMIT", "many"),
     ("INSIDER_RATE_LIMIT", "-1")],
)  # fmt: skip
def test_settings_that_cannot_be_are_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput, match=name):
        Settings.from_environment()


def test_every_answer_carries_the_id_of_its_request(home: Workspace) -> None:
    client = client_of(home)
    assert client.get("/healthz", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    made = {client.get("/healthz", headers={"X-Request-Id": "no good"}).headers["x-request-id"] for _ in range(3)}
    assert len(made) == 3
    assert "no good" not in made


def test_the_request_log_is_json_without_secrets(home: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    key, text = ApiKeyStore(home.database).create("shop", ["read"])
    client = client_of(with_settings(home, request_log=True))
    with caplog.at_level(logging.INFO, logger="insider.requests"):
        client.get(USER + "?k=3", headers={**bearer(text), "X-Request-Id": "abc-1"})
    line = json.loads(caplog.records[-1].getMessage())
    assert (line["status"], line["key"], line["request"]) == (200, key.id, "abc-1")
    assert line["route"] == "/v1/users/{user_id}/recommendations"
    assert line["ms"] > 0
    for secret in (text, text.split("_", 2)[2], "u001"):
        assert secret not in caplog.text

"""The database is away, or locked by somebody: answers go on from what is known, say so, and hold nobody else up."""

import asyncio
import re
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from recsys.api.app import create_api
from recsys.recommend.rules import Rules
from recsys.services.workbench.rule_sets import RuleSets
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.storage import api_keys, database
from recsys.storage.database import Database, utc_now
from recsys.storage.tables import runs
from recsys.utils.waiting import WouldWait, check_may_wait, never_wait
from tests.homes import copy_home
from tests.postgres import needs_postgresql, server

STALE = "Insider-Stale"
EVENTS = "/v1/events"
EVENT = {"user_id": "u002", "item_id": "00001", "timestamp": "2024-07-20T12:00:00Z"}
NEW = {"events": [EVENT, {**EVENT, "user_id": "visitor"}], "items": [{"item_id": "new", "category": ["Dairy"]}]}
QUESTIONS: tuple[tuple[str, Any], ...] = (
    ("/v1/users/u001/recommendations", None),
    ("/v1/users/u002/recommendations?explain=true", None),
    ("/v1/users/u003/recommendations?placement=home", None),
    ("/v1/users/u004/recommendations?rules=spring", None),
    ("/v1/users/visitor/recommendations", None),
    ("/v1/users/u002/history", None),
    ("/v1/users?query=u0", None),
    ("/v1/items?query=dairy", None),
    ("/v1/items/00001", None),
    ("/v1/items/new/similar", None),
    ("/v1/model", None),
    ("/readyz", None),
    ("/healthz", None),
    ("/v1/recommendations", {"history": ["00001"]}),
    ("/v1/recommendations/batch", {"user_ids": ["u001", "u002", "visitor"]}),
)


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are read anew for every request, and a database that was away is asked again at once."""
    monkeypatch.setattr(api_keys, "REFRESH_SECONDS", 0.0)
    monkeypatch.setattr(database, "RETRY_SECONDS", 0.0)


@pytest.fixture
def shop(trained_home: Path, tmp_path: Path) -> Workspace:
    return Workspace(Settings.from_environment(copy_home(trained_home, tmp_path / "home")))


def client_of(workspace: Workspace) -> TestClient:
    """A caller of a service that has rules, and an event of somebody it knows and of somebody it does not."""
    sets = RuleSets(workspace.database)
    sets.save("spring", Rules.from_dict({"never_items": ["00002"]}))
    sets.serve("spring")
    api = create_api(workspace)
    client = TestClient(api, base_url="http://127.0.0.1", client=("127.0.0.1", 5000), raise_server_exceptions=False)
    assert client.post(EVENTS, json=NEW).status_code == 200
    return client


def answers(client: TestClient) -> list[tuple[int, str, str | None]]:
    """Status, body and mark of every question that stores nothing."""
    found = []
    for path, body in QUESTIONS:
        answer = client.get(path) if body is None else client.post(path, json=body)
        found.append((answer.status_code, answer.text, answer.headers.get(STALE)))
    return found


def check_going_on(client: TestClient, before: list[tuple[int, str, str | None]]) -> None:
    """Every answer is the one from before, with a mark; nothing can be stored, and no caller reads an address."""
    assert client.post(EVENTS, json=NEW).status_code == 503
    for (path, _), old, new in zip(QUESTIONS, before, answers(client), strict=True):
        assert new[:2] == old[:2], path
        assert new[2] is not None and new[2].endswith("Z"), path
    told = client.get("/metrics").text
    assert "insider_database_up 0.0" in told and "insider_model_live 1.0" in told
    counted = re.search(r"^insider_stale_answers_total (\S+)$", told, re.MULTILINE)
    assert counted is not None and float(counted[1]) >= len(QUESTIONS)
    unknown = client.get("/v1/users/nobody-at-all/recommendations")
    assert unknown.status_code == 404
    refused = client.post(EVENTS, json=NEW).text
    assert not any(word in refused for word in ("sqlite", "postgresql", "127.0.0.1", "home"))


def test_answers_go_on_while_the_database_is_away_and_are_marked(shop: Workspace) -> None:
    client = client_of(shop)
    before = answers(client)
    assert all(status == 200 and mark is None for status, _, mark in before), before
    file = Path(str(shop.database.sqlite_file()))
    file.rename(file.with_name("away"))
    check_going_on(client, before)
    file.with_name("away").rename(file)
    client.get("/v1/model")
    assert answers(client) == before
    assert "insider_database_up 1.0" in client.get("/metrics").text


@needs_postgresql
def test_answers_go_on_while_postgresql_is_away(shop: Workspace) -> None:
    with ExitStack() as running:
        shop = Workspace(replace(shop.settings, database_url=running.enter_context(server())))
        client = client_of(shop)
        before = answers(client)
        assert all(status == 200 and mark is None for status, _, mark in before), before
        running.close()
        check_going_on(client, before)


def test_a_process_that_never_read_the_keys_lets_nobody_in(shop: Workspace) -> None:
    """Who may read is not known: that is no reason to let everybody read."""
    away = replace(shop.settings, database_url="postgresql+psycopg://somebody@127.0.0.1:1/away")
    client = TestClient(create_api(Workspace(away)), raise_server_exceptions=False)
    assert client.get("/v1/model").status_code == 503 and client.get("/healthz").status_code == 200


@contextmanager
def write_lock(shop: Workspace) -> Iterator[None]:
    """Somebody else writes, and does not end."""
    other = sqlite3.connect(str(shop.database.sqlite_file()), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


def test_a_writer_that_does_not_end_stops_no_reader(shop: Workspace) -> None:
    client = client_of(shop)
    before = answers(client)
    with shop.database.begin() as connection:
        lost = {"kind": "train", "state": "running", "dataset": "small", "recipe": {}, "seed": 0, "promote": False,
                "created": utc_now(), "process": "1@0", "progress": {"step": ""}, "cancel_requested": False,
                "message": ""}  # fmt: skip
        connection.execute(runs.insert().values(**lost))
    fresh = TestClient(create_api(Workspace(shop.settings)), client=("127.0.0.1", 5000))
    with write_lock(shop):
        assert answers(client) == before
        assert answers(fresh) == before, "also a process that opens the database only now"
        jobs = Workspace(shop.settings).job_store
        assert [job.state for job in jobs.newest()] == ["failed"] and not jobs.newest(active=True)
        assert not shop.database.failing_since


def test_the_event_loop_asks_no_database(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_of(shop)
    asked: list[str] = []
    connect = Database._connect

    def watched(self: Database) -> sa.Engine:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            asked.append("thread")
        else:
            asked.append("loop")
        return connect(self)

    monkeypatch.setattr(Database, "_connect", watched)
    for _ in range(2):
        assert all(status == 200 for status, _, _ in answers(client))
        assert client.post(EVENTS, json={"events": [{**EVENT, "item_id": "00003"}]}).status_code == 200
    assert asked and "loop" not in asked


def test_within_a_block_that_never_waits_nothing_waits() -> None:
    check_may_wait()
    with never_wait(), pytest.raises(WouldWait):
        check_may_wait()
    check_may_wait()


def test_metrics_ask_the_log_nothing_however_many_events_wait(shop: Workspace) -> None:
    client = client_of(shop)
    many = [{**EVENT, "user_id": f"u{n % 100:03d}", "id": f"e{n}"} for n in range(500)]
    assert client.post(EVENTS, json={"events": many}).json()["accepted"] == 500
    assert "insider_events_not_learned 502.0" in client.get("/metrics").text
    asked: list[str] = []
    engine = shop.database._connect()
    sa.event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    told = client.get("/metrics").text
    assert "insider_events_not_learned 502.0" in told and not asked
    client.post(EVENTS, json={"events": [EVENT]})
    shop.event_log.forget("small", "u002")
    assert "insider_events_not_learned 496.0" in client.get("/metrics").text
    assert shop.event_log.waiting("small", 0)[0] == 496

"""The event log on PostgreSQL: what SQLite promises, it keeps too."""

import subprocess
import sys
import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from recsys.api.app import create_api
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings
from recsys.storage.database import Database
from recsys.storage.event_log import POLL_SECONDS, Conflict, Event, EventLog, Mark
from recsys.storage.tables import events
from tests.conftest import SMALL_RECIPE
from tests.homes import copy_home
from tests.postgres import needs_postgresql

pytestmark = needs_postgresql

AT = datetime(2024, 7, 20, 12)

WRITER = """
import sys
from datetime import datetime
from recsys.storage.database import Database
from recsys.storage.event_log import Event, EventLog
log = EventLog(Database(sys.argv[1]))
for n in range(40):
    log.append("many", [Event(f"{n}-{m}", f"u{m}", f"i{n}", datetime(2024, 7, 20)) for m in range(5)])
"""


@pytest.fixture
def log(url: str) -> EventLog:
    return EventLog(Database(url))


@pytest.fixture
def home(url: str, trained_home: Path, tmp_path: Path) -> Workspace:
    folder = copy_home(trained_home, tmp_path / "home")
    return Workspace(replace(Settings.from_environment(folder), database_url=url))


def test_events_are_kept_once_or_refused(log: EventLog) -> None:
    first = [Event("a", "u 1", "grün 日本 🛒", AT, value=1.5), Event("b", "'; DROP TABLE events; --", "../x", AT)]
    assert log.append("one", first, {"new": {"title": "Neu"}}, {"u 1": {"age": "45+"}}).accepted == 2
    assert log.append("one", first).duplicates == 2
    assert log.append("two", first).accepted == 2, "logs of datasets are apart"
    before = log.head("one")
    with pytest.raises(Conflict, match="'a'"):
        log.append("one", [Event("c", "u 1", "x", AT), Event("a", "u 1", "another", AT)])
    assert log.head("one") == before, "nothing of a refused batch is stored"
    assert [row[1] for row in log.of_user("one", "u 1")] == ["grün 日本 🛒"]
    assert log.announced("one", "item") == {"new": {"title": "Neu"}}
    assert list(log.table("one", before)["timestamp"]) == [AT, AT]
    assert log.forget("one", "u 1") == 1
    assert log.of_user("one", "u 1") == []
    assert log.size("one")["events"] == 1


def test_four_processes_with_the_same_events_store_each_once_in_order(url: str, log: EventLog) -> None:
    """Every reader that reads on from the last id it saw sees everything: ids become visible in their order."""
    log.head("many")
    over, seen, missed = threading.Event(), set(), []

    def follow() -> None:
        reader, last = Database(url), 0
        while True:
            ending = over.is_set()
            with reader.read() as connection:
                ids = set(connection.scalars(sa.select(events.c.id).where(events.c.dataset == "many")))
            missed.extend(number for number in ids - seen if number <= last)
            seen.update(ids)
            last = max(seen, default=0)
            if ending:
                return

    follower = threading.Thread(target=follow)
    follower.start()
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, url], cwd=PROJECT_ROOT) for _ in range(4)]
    assert [writer.wait(120) for writer in writers] == [0] * 4
    over.set()
    follower.join()
    assert log.size("many")["events"] == 200
    assert missed == []


def test_two_machines_answer_alike_and_the_next_training_learns(home: Workspace) -> None:
    other = Workspace(home.settings)
    one, two = (TestClient(create_api(x), base_url="http://127.0.0.1", client=("127.0.0.1", 1)) for x in (home, other))
    path = "/v1/users/u004/recommendations"
    first = one.get(path).json()["items"][0]["item_id"]
    assert two.get(path).json()["items"][0]["item_id"] == first
    body = {"events": [{"user_id": "u004", "item_id": first, "timestamp": "2024-01-05T12:00:00Z"},
                       {"user_id": "new one", "item_id": first, "timestamp": "2024-01-05T12:00:00Z"}]}  # fmt: skip
    assert one.post("/v1/events", json=body).json()["accepted"] == 2
    threading.Event().wait(2 * POLL_SECONDS)
    for client in (one, two):
        assert first not in [item["item_id"] for item in client.get(path).json()["items"]]
        assert client.get("/v1/users/new one/recommendations").json()["path"] == "folded"
    assert one.get("/metrics").text.count("insider_events_not_learned 2.0") == 1
    again = train_and_store(other, "small", replace(SMALL_RECIPE, epochs=1), seed=3, promote=True)
    assert "new one" in again.model.rows_of_users
    assert again.manifest["log"] != list(Mark())
    assert two.get("/metrics").text.count("insider_events_not_learned 0.0") == 1

"""Running it: several processes that share the model, promotion from another process, metrics and their dashboard."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from benchmarks.api import _memory
from benchmarks.kill import free_port, start_server, stop_server
from recsys.api.app import create_api
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings
from tests.conftest import SMALL_RECIPE
from tests.homes import copy_home

WORKERS = 3


@pytest.fixture(scope="module")
def home(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with a second model beside the live one."""
    folder = copy_home(trained_home, tmp_path_factory.mktemp("operation") / "home")
    workspace = Workspace(Settings.from_environment(folder))
    train_and_store(workspace, "small", replace(SMALL_RECIPE, epochs=1), seed=2)
    return folder


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[tuple[int, int]]:
    """Port, and id of the process group, of three workers."""
    port = free_port()
    process = start_server(home, port, "--workers", str(WORKERS))
    yield port, process.pid
    stop_server(process)


def ask(port: int, path: str, body: Any = None) -> Any:
    """One request on a connection of its own, so that any worker may answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    text = None if body is None else json.dumps(body)
    connection.request("GET" if body is None else "POST", path, text, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    found = answer.read().decode()
    connection.close()
    assert answer.status == 200, found
    return json.loads(found) if found.startswith("{") else found


def children(pid: int) -> list[int]:
    return [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_workers_share_the_memory_of_the_first(home: Path, server: tuple[int, int]) -> None:
    """Proportional sizes: what two more workers add is less than a second copy of everything would be."""
    port = free_port()
    single = start_server(home, port)
    try:
        for n in range(30):
            ask(port, f"/v1/users/u{n:03d}/recommendations")
            ask(server[0], f"/v1/users/u{n:03d}/recommendations")
        one, three = _memory(single.pid), _memory(server[1])
    finally:
        stop_server(single)
    assert len(children(server[1])) == WORKERS
    assert (three - one) / (WORKERS - 1) < 0.3 * one


def test_an_event_is_in_the_next_answer_of_every_worker(server: tuple[int, int]) -> None:
    port = server[0]
    for n in range(5):
        user = f"/v1/users/u{n:03d}/recommendations"
        first = ask(port, user)["items"][0]["item_id"]
        ask(port, "/v1/events", {"events": [{"user_id": f"u{n:03d}", "item_id": first}]})
        for _ in range(2 * WORKERS):
            assert first not in [item["item_id"] for item in ask(port, user)["items"]]


def test_a_promotion_by_another_process_reaches_every_worker_and_no_request_fails(
    home: Path, server: tuple[int, int]
) -> None:
    """Readers hammer while the command line promotes one version after the other: every answer is whole and right."""
    port, users = server[0], [f"u{n:03d}" for n in range(20, 28)]
    workspace = Workspace(Settings.from_environment(home))
    models = workspace.store.models()
    assert len(models) == 2
    right = {
        (model, user): [item.item_id for item in workspace.load(model).recommend(user).items]
        for model in models for user in users
    }  # fmt: skip
    assert any(right[models[0], user] != right[models[1], user] for user in users)
    over, wrong, answers = threading.Event(), [], []

    def read(number: int) -> None:
        while not over.is_set():
            user = users[number]
            try:
                found = ask(port, f"/v1/users/{user}/recommendations")
            except (OSError, AssertionError, http.client.HTTPException) as error:
                wrong.append(repr(error))
                continue
            answers.append(found["model"])
            if [item["item_id"] for item in found["items"]] != right[found["model"], user]:
                wrong.append(f"{user} got another list than {found['model']} gives")

    readers = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    for reader in readers:
        reader.start()
    try:
        first = workspace.store.live()[0]
        for model in [*(x for x in models if x != first), first]:
            command = [sys.executable, "-m", "recsys", "models", "promote", str(model)]
            done = subprocess.run(command, cwd=PROJECT_ROOT, env=os.environ | {"INSIDER_HOME": str(home)},
                                  capture_output=True, text=True)  # fmt: skip
            assert done.returncode == 0, done.stderr
            until = threading.Event()
            for _ in range(100):
                if {ask(port, f"/v1/users/{users[0]}/recommendations")["model"] for _ in range(4 * WORKERS)} == {model}:
                    break
                until.wait(0.1)
            else:
                raise AssertionError(f"Not every worker came to answer from {model}.")
    finally:
        over.set()
        for reader in readers:
            reader.join()
    assert wrong == []
    assert set(answers) == set(models)


def test_told_to_stop_it_finishes_what_it_is_answering(home: Path) -> None:
    port = free_port()
    process = start_server(home, port, "--workers", "2")
    statuses: list[int] = []

    def batch() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        body = json.dumps({"user_ids": [f"u{n % 100:03d}" for n in range(1000)]})
        connection.request("POST", "/v1/recommendations/batch", body, {"Content-Type": "application/json"})
        started.release()
        statuses.append(connection.getresponse().status)

    started = threading.Semaphore(0)
    askers = [threading.Thread(target=batch) for _ in range(2)]
    for asker in askers:
        asker.start()
    for _ in askers:
        started.acquire()
    threading.Event().wait(0.1)
    os.kill(process.pid, signal.SIGTERM)
    for asker in askers:
        asker.join()
    assert statuses == [200, 200]
    assert process.wait(30) == 0
    with pytest.raises(OSError):
        ask(port, "/healthz")


def test_the_dashboard_of_grafana_asks_for_metrics_and_labels_that_are_there(home: Path) -> None:
    board = json.loads((PROJECT_ROOT / "docs" / "grafana.json").read_text())
    api = create_api(Workspace(Settings.from_environment(home)))
    client = TestClient(api, base_url="http://127.0.0.1", client=("127.0.0.1", 5000))
    client.get("/v1/users/u001/recommendations")
    client.post("/v1/events", json={"events": [{"user_id": "u001", "item_id": "00001"}]})
    exposed: dict[str, set[str]] = {}
    for name, labels in re.findall(r"^(insider_\w+?)(?:\{(.*)\})? ", client.get("/metrics").text, re.MULTILINE):
        exposed.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    asked = set()
    for panel in board["panels"]:
        for target in panel["targets"]:
            names = set(re.findall(r"\binsider_\w+", target["expr"]))
            assert names, panel["title"]
            asked |= names
            by = {x.strip() for group in re.findall(r"by \(([^)]*)\)", target["expr"]) for x in group.split(",")}
            by |= set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) | set(
                re.findall(r"(\w+)=~", target["expr"])
            )
            for name in names:
                assert name in exposed, f"{panel['title']} asks for {name}"
                assert by <= exposed[name], f"{panel['title']} asks for {by - exposed[name]} of {name}"
    assert {name for name in exposed if not name.endswith(("_created", "_count", "_sum"))} == asked, "none is left out"
    places = [tuple(panel["gridPos"][x] for x in "xy") for panel in board["panels"]]
    assert len(set(places)) == len(places)


def test_what_callers_read_names_no_address_folder_or_account(
    trained_home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With the database out of reach and with files that were changed: the log says where, the answer does not."""
    folder = copy_home(trained_home, tmp_path / "secret-folder")
    settings = Settings.from_environment(folder)
    url = "postgresql+psycopg://secret_account:secret_word@127.0.0.1:1/secret_base"
    for given, damage in ((replace(settings, database_url=url), False), (settings, True)):
        if damage:
            for path in (folder / "models").glob("*/manifest.json"):
                path.write_text("{}")
        options = {"base_url": "http://127.0.0.1", "client": ("127.0.0.1", 5000), "raise_server_exceptions": False}
        client = TestClient(create_api(Workspace(given)), **options)
        for path in ("/v1/users/u001/recommendations", "/v1/model", "/v1/users?query=u", "/readyz"):
            answer = client.get(path)
            assert answer.status_code == 503, (path, answer.text)
            for word in ("secret", str(tmp_path), "127.0.0.1:1", "sqlite", "postgresql", "psycopg", "manifest.json"):
                assert word not in answer.text, (path, answer.text)
        assert client.get("/healthz").status_code == 200
    assert "manifest.json" in caplog.text

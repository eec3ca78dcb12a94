"""The Python client against a real server, and what the service stands: odd clients, many of them, any request."""

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from benchmarks.kill import free_port, start_server, stop_server
from recsys.api.app import create_api
from recsys.client import Client, Refused
from recsys.errors import InsiderError, InvalidInput
from recsys.recommend.recommender import Recommender
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from tests.homes import copy_home

HALF_A_HEADER = b"GET /healthz HTTP/1.1\r\nHo"
HALF_A_BODY = b"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n{"


@pytest.fixture(scope="module")
def home(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_home(trained_home, tmp_path_factory.mktemp("served") / "home")


@pytest.fixture(scope="module")
def port(home: Path) -> Iterator[int]:
    """Two workers on a port."""
    number = free_port()
    server = start_server(home, number, "--workers", "2")
    yield number
    stop_server(server)


@pytest.fixture
def client(port: int) -> Iterator[Client]:
    with Client(f"http://127.0.0.1:{port}") as found:
        yield found


def test_the_client_says_what_the_package_says(client: Client, live: Recommender) -> None:
    assert (
        client.recommend("u001", 4, lane="all", explain=True)
        == live.recommend("u001", 4, "all", explain=True).to_dict()
    )
    known = live.recommend_for(["00001"], {"age": "45+"}, 3).to_dict()
    assert client.recommend_for(["00001"], {"age": "45+"}, 3) == known | {"unknown_items": []}
    assert client.recommend_for(["00001", "nothing"], {"age": "45+"}, 3) == known | {"unknown_items": ["nothing"]}
    assert [a["user"] for a in client.recommend_batch(["u003", "u002"], 2)] == ["u003", "u002"]
    assert [item["item_id"] for item in client.similar("00001", 3)] == [x.item_id for x in live.similar("00001", 3)]
    assert client.model()["id"] == live.model.id
    assert len(list(client.users())) == 120
    assert len({item["item_id"] for item in client.items()}) == 160


def test_the_client_sends_events_once(client: Client) -> None:
    first = client.recommend("u005", 1)["items"][0]["item_id"]
    assert client.send([{"user_id": "u005", "item_id": first}], once="a")["accepted"] == 1
    assert client.send([{"user_id": "u005", "item_id": first}], once="a")["duplicates"] == 1
    for _ in range(8):  # whichever worker answers
        with Client(f"http://127.0.0.1:{client._connection.port}") as other:
            answer = other.recommend("u005", 1)
            assert answer["path"] == "folded"
            assert answer["items"][0]["item_id"] != first
    assert client.history("u005", 1)


def test_the_client_says_what_is_wrong(client: Client) -> None:
    with pytest.raises(Refused, match="'nobody'") as found:
        client.recommend("nobody")
    assert found.value.status == 404
    with pytest.raises(InvalidInput, match="localhost:8000"):
        Client("localhost:8000")
    with pytest.raises(InsiderError, match="does not answer"):
        Client(f"http://127.0.0.1:{free_port()}", timeout=0.2).model()


def test_counters_are_those_of_all_workers(port: int, client: Client) -> None:
    def counted() -> float:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("insider_answers_total"))

    before = counted()
    for n in range(20):
        with Client(f"http://127.0.0.1:{port}") as one:
            one.recommend(f"u{n:03d}", 3)
    assert {counted() for _ in range(6)} == {before + 20}


def test_a_worker_that_dies_is_replaced(port: int, client: Client) -> None:
    found = subprocess.run(["pgrep", "-f", f"api-only --port {port}"], capture_output=True, text=True)
    pids = [int(pid) for pid in found.stdout.split()]
    parents = {pid: int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) for pid in pids}
    workers = [pid for pid in pids if parents[pid] in pids]
    assert len(workers) == 2
    os.kill(workers[0], 9)
    time.sleep(2.5)
    for _n in range(10):
        with Client(f"http://127.0.0.1:{port}") as one:
            assert one.recommend("u001", 1)["items"]


def test_slow_and_many_clients_do_not_stop_the_service(port: int) -> None:
    slow = []
    for n in range(500):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(
            b"GET /healthz HTTP/1.1\r\nHo"
            if n % 2
            else b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{"
        )
        slow.append(connection)
    try:
        with Client(f"http://127.0.0.1:{port}", timeout=5) as client:
            assert client.recommend("u001", 1)["items"]
    finally:
        for connection in slow:
            connection.close()
    with Client(f"http://127.0.0.1:{port}", timeout=5) as client:
        assert client.model()


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 100, 413),
        (b"GET /v1/users/%00%ff/history HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
        (b"GET /v1/items/..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
        (b"GET /v1/users/' OR 1=1 -- /history HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 200_000 + b"\r\n\r\n", 400),
    ],
)
def test_odd_requests_get_a_clear_status(port: int, raw: bytes, status: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(raw)
        assert connection.recv(4000).split(b" ")[1] == str(status).encode()


def test_a_history_of_ten_thousand_items(client: Client, live: Recommender) -> None:
    answer = client.recommend_for(live.model.item_ids * 62)
    assert answer["path"] == "folded"


# Any request


def test_any_request_gets_an_answer_as_described(home: Path) -> None:
    """schemathesis makes requests out of the OpenAPI document, usable ones and others."""
    service = Workspace(replace(Settings.from_environment(home), api_key="secret"))
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_api(service))
    checks = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
    statuses: set[tuple[str, int]] = set()
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def ask(case: Case) -> None:
            response = case.call(headers={"Authorization": "Bearer secret"})
            statuses.add((case.operation.label, response.status_code))
            case.validate_response(response, checks=checks)

        ask()
    assert {label for label, _ in statuses} >= {"POST /v1/events", "GET /v1/users/{user_id}/recommendations"}
    assert ("POST /v1/events", 200) in statuses

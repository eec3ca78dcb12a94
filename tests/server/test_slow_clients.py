"""Clients that are silent, slow or many: they are cut off, and everybody else is answered."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn

from recsys.api import middleware
from recsys.api.app import create_api
from recsys.server import connections
from recsys.server.connections import Connection, configured
from recsys.server.listen import listen
from recsys.services.workspace import Workspace
from tests.serving import wait_until

ASK = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
PATIENCE = 30
"""Seconds to wait for something that happens within one; only a failure takes them."""


@pytest.fixture(scope="module")
def served(workspace: Workspace) -> Iterator[str]:
    """The API as a process serves it, in a thread, with less patience."""
    before = Connection.most_waiting
    with pytest.MonkeyPatch.context() as patch, closing(listen("127.0.0.1", 0)) as listener:
        patch.setattr(connections, "HEAD_SECONDS", 1.0)
        patch.setattr(connections, "READ_SECONDS", 1.0)
        patch.setattr(middleware, "BODY_SECONDS", 1.0)
        server = uvicorn.Server(configured(create_api(workspace), lifespan="off"))
        Connection.most_waiting = 50
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        wait_until(lambda: server.started, "the server listens", seconds=PATIENCE)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()
    Connection.most_waiting = before


def connected(url: str) -> socket.socket:
    return socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), PATIENCE)


def until_closed(client: socket.socket) -> bytes:
    """All that comes before the server closes; the test fails by the time-out of the socket when it never does."""
    found = b""
    with suppress(ConnectionResetError):
        while part := client.recv(65536):
            found += part
    return found


def drip(client: socket.socket, data: bytes) -> None:
    """Send a byte now and then until there is nobody any more to send to."""
    with suppress(OSError):
        for place in range(len(data)):
            client.sendall(data[place : place + 1])
            time.sleep(0.2)


@pytest.mark.parametrize(
    "sent", [b"", b"GET /healthz HTT", ASK + b"G"], ids=["silent", "half a head", "one, then half"]
)
def test_who_sends_no_request_is_cut_off(served: str, sent: bytes) -> None:
    with connected(served) as client:
        client.sendall(sent)
        found = until_closed(client)
        assert (b"200 OK" in found) == sent.startswith(ASK)


def test_a_head_or_a_body_that_comes_byte_by_byte_is_cut_off(served: str) -> None:
    head = b"POST /v1/recommendations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    for start, rest, answer in ((b"", head * 10, b""), (head + b"Content-Length: 99\r\n\r\n", b" " * 98, b"408")):
        with connected(served) as client:
            client.sendall(start)
            dripping = threading.Thread(target=drip, args=(client, rest))
            dripping.start()
            assert answer in until_closed(client).partition(b"\r\n")[0]
            client.close()
            dripping.join()


def test_an_answer_that_nobody_reads_is_dropped(served: str) -> None:
    with connected(served) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        many = ASK.replace(b"/healthz", b"/openapi.json") * 200
        client.settimeout(PATIENCE)
        with suppress(OSError):
            client.sendall(many)
        wait_until(lambda: not open_connections(served), "the server has let go", seconds=PATIENCE)


def open_connections(url: str) -> int:
    """Established connections to the port, as the server's side of them is in this process."""
    port = f":{urlsplit(url).port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()]
    return sum(row[1].endswith(port) and row[3] == "01" for row in rows[1:])


def test_more_silent_connections_than_are_kept_shut_nobody_out(served: str) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(connected(served)) for _ in range(120)]
        with connected(served) as client:
            client.sendall(ASK)
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        assert until_closed(silent[0]) == b"", "the oldest goes first"
        assert len(Connection._waiting) <= 50
    with connected(served) as client:
        client.sendall(ASK)
        assert client.recv(100).startswith(b"HTTP/1.1 200")


def test_a_process_takes_as_many_open_files_as_it_may(served: str) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft == min(hard, connections.MOST_OPEN_FILES) or soft > connections.MOST_OPEN_FILES

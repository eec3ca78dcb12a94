"""Many who are slow, many who look: is a server alive for everybody else meanwhile?"""

import contextlib
import http.client
import multiprocessing
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg  # noqa: TID251  what a browser sends
from streamlit.proto.ClientState_pb2 import ClientState  # noqa: TID251  what a browser sends
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg  # noqa: TID251  what a browser sends
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

SLOW, DASHBOARDS, VIEWERS = 500, 50, 25
HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"x" * 4000
BYTE_SECONDS = 1.0


def health(port: int, server: int, seconds: float) -> list[tuple[float, float]]:
    """Ask `/healthz` again and again on new connections: milliseconds to each answer, and those of them in which the
    server's main thread had work to do and no processor; an answer that does not come counts as infinitely late."""
    found = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        waited, began = _without_processor(server), time.perf_counter()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/healthz")
            assert connection.getresponse().read()
            connection.close()
            ms = 1000 * (time.perf_counter() - began)
        except OSError:
            ms = float("inf")
        found.append((ms, _without_processor(server) - waited))
        time.sleep(0.05)
    return found


def _without_processor(pid: int) -> float:
    """Milliseconds for which the main thread of a process has waited for a processor so far."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e6


@contextmanager
def slow_connections(port: int, number: int = SLOW) -> Iterator[list[int]]:
    """Connections that send a byte a second of a request that never ends; one that is cut off is made anew. Gives a
    list with how many were cut off."""
    stop, cut = threading.Event(), [0]

    def drip() -> None:
        clients: list[tuple[socket.socket, int]] = []
        while not stop.is_set():
            began, kept = time.monotonic(), []
            while len(clients) < number:
                clients.append((socket.create_connection(("127.0.0.1", port), 30), 0))
            for client, sent in clients:
                try:
                    client.sendall(HEAD[sent : sent + 1])
                    kept.append((client, sent + 1))
                except OSError:
                    cut[0] += 1
                    client.close()
            clients = kept
            stop.wait(max(0.0, BYTE_SECONDS - (time.monotonic() - began)))
        for client, _ in clients:
            client.close()

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield cut
    finally:
        stop.set()
        thread.join()


@contextmanager
def visitors(port: int, page: str, number: int, *, again: float) -> Iterator[Any]:
    """Sessions of the dashboard that open a page, and open it again after about so many seconds; in a process of their
    own. Gives an array with how often a page was shown to its end, and how often it was not."""
    spawn = multiprocessing.get_context("spawn")
    counts, stop = spawn.Array("i", 2), spawn.Event()
    process = spawn.Process(target=_visit, args=(port, page, number, again, counts, stop), daemon=True)
    process.start()
    try:
        yield counts
    finally:
        stop.set()
        process.join(10)
        process.kill()


def _visit(port: int, page: str, number: int, again: float, counts: Any, stop: Any) -> None:
    """All visitors, each a thread, until they are told to stop."""

    def one(seed: int) -> None:
        rng = random.Random(seed)
        # no pings: a browser sends none, and waits
        with contextlib.suppress(WebSocketException, OSError), connect(
            f"ws://127.0.0.1:{port}/_stcore/stream", origin=Origin(f"http://127.0.0.1:{port}"), ping_interval=None,
            subprotocols=[Subprotocol("streamlit")], max_size=None, open_timeout=120, proxy=None,
        ) as connection:  # fmt: skip
            while not stop.is_set():
                connection.send(BackMsg(rerun_script=ClientState(page_name=page)).SerializeToString())
                shown = _until_shown(connection, stop)
                if shown or not stop.is_set():
                    with counts.get_lock():
                        counts[0 if shown else 1] += 1
                stop.wait(rng.uniform(0.5, 1.5) * again)
            return
        with counts.get_lock():
            counts[1] += not stop.is_set()

    threads = [threading.Thread(target=one, args=(n,), daemon=True) for n in range(number)]
    for thread in threads:
        thread.start()
    stop.wait()


def _until_shown(connection: ClientConnection, stop: Any) -> bool:
    while not stop.is_set():
        message = ForwardMsg()
        with contextlib.suppress(TimeoutError):
            message.ParseFromString(connection.recv(2))
            if message.WhichOneof("type") == "script_finished":
                return message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
    return False

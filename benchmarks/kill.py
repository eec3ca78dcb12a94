"""kill -9 at random moments under event load: is every acknowledged event there, and none twice?

`python -m benchmarks kill [--kills 20]`, on a home with a live model (`INSIDER_HOME`); it works on a copy.
"""

import argparse
import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks._homes import copy_home
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings

SENDERS = 4
BATCH = 20


@dataclass
class Survival:
    """`lost`: acknowledged, and not in the log. `doubled`: in the log more than once."""

    kills: int
    acknowledged: int
    sent_again: int
    lost: int
    doubled: int


def start_server(home: Path, port: int, *options: str, seconds: float = 120) -> subprocess.Popen[bytes]:
    """The API alone on a port, ready to answer."""
    environment = os.environ | {"INSIDER_HOME": str(home), "INSIDER_API_KEY": "", "INSIDER_DATABASE_URL": ""}
    command = [sys.executable, "-m", "recsys", "serve", "--api-only", "--port", str(port), *options]
    server = subprocess.Popen(
        command, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    )
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return server
        except OSError:
            pass
        if server.poll() is not None:
            break
        time.sleep(0.05)
    stop_server(server, signal.SIGKILL)
    raise SystemExit("The server did not get ready.")


def stop_server(server: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    """End a server with all its processes."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, how)
    server.wait(30)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def events_survive(
    home: Path, *, kills: int, seed: int = 0, most_seconds: float = 0.6, key: str | None = None
) -> Survival:
    """Send events from several threads, kill the server again and again, send again what was not acknowledged."""
    model = Workspace(Settings.from_environment(home)).load().model
    users, items = list(model.rows_of_users), model.item_ids
    dataset = str(model.manifest["dataset"])
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_home(home, Path(folder) / "home")
        port = free_port()
        done, again = threading.Event(), 0
        acknowledged: set[str] = set()
        lock = threading.Lock()

        def send(sender: int) -> None:
            nonlocal again
            own = random.Random(seed * 100 + sender)
            number = 0
            while not done.is_set():
                number += 1
                batch = [
                    {"id": f"{sender}-{number}-{n}", "user_id": own.choice(users), "item_id": own.choice(items)}
                    for n in range(BATCH)
                ]
                while not _accepted(port, {"events": batch}, key):
                    with lock:
                        again += 1
                    if done.is_set():
                        return
                    time.sleep(0.02)
                with lock:
                    acknowledged.update(str(event["id"]) for event in batch)

        threads = [threading.Thread(target=send, args=(n,)) for n in range(SENDERS)]
        server = start_server(copy, port)
        for thread in threads:
            thread.start()
        try:
            for _ in range(kills):
                time.sleep(rng.uniform(0.05, most_seconds))
                stop_server(server, signal.SIGKILL)
                server = start_server(copy, port)
            time.sleep(0.3)
        finally:
            done.set()
            for thread in threads:
                thread.join()
            stop_server(server, signal.SIGKILL)
        stored = _keys_in(Settings.from_environment(copy), dataset)
    once = set(stored)
    wanted = {f"id:{key}" for key in acknowledged}
    return Survival(kills, len(acknowledged), again, len(wanted - once), len(stored) - len(once))


def run(options: list[str]) -> list[dict[str, Any]]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks kill")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(options)
    found = events_survive(Settings.from_environment().home, kills=asked.kills, seed=asked.seed, most_seconds=2.0)

    def line(name: str, value: float, target: float | None = None) -> dict[str, Any]:
        met = None if target is None else value <= target
        return {"name": name, "ours": value, "theirs": None, "unit": "events", "ratio": None, "target": target,
                "met": met, "runs": found.kills}  # fmt: skip

    return [
        line("acknowledged under kill -9", found.acknowledged),
        line("batches sent again", found.sent_again),
        line("acknowledged and lost", found.lost, 0),
        line("stored twice", found.doubled, 0),
    ]


def _accepted(port: int, body: dict[str, Any], key: str | None) -> bool:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("POST", "/v1/events", json.dumps(body), headers)
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException):
        return False
    if 400 <= response.status < 500:
        raise SystemExit(f"The server refused events: {response.status}")
    return response.status == 200


def _keys_in(settings: Settings, dataset: str) -> list[str]:
    import sqlalchemy as sa

    from recsys.storage.database import Database
    from recsys.storage.tables import events

    with Database(settings.database_url).read() as connection:
        return list(connection.scalars(sa.select(events.c.key).where(events.c.dataset == dataset)))

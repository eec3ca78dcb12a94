"""Proofs that a shop lives on: promotion under load, random kill -9, a damaged version, many slow and many visitors.

`python -m benchmarks reliability [--only load kills damage crowd] [--kills 30] [--longest 12]`, on a home with a live
model (`INSIDER_HOME`); everything happens on a copy of it. The target of each count of errors is 0, and `/healthz` has
to answer within 100 ms, 99 times of 100.
"""

import argparse
import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks._crowd import DASHBOARDS, SLOW, VIEWERS, health, slow_connections, visitors
from benchmarks._homes import copy_home
from benchmarks._killing import QUICK, strike
from recsys.errors import Corrupted
from recsys.services.promotion import promote, rollback
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings

CONNECTIONS = 16
SWAPS = 20
USERS = 25
PARTS = ("load", "kills", "damage", "crowd")
MOST_HEALTH_MS = 100.0


@dataclass
class _Counts:
    """What the readers of one server saw."""

    answers: int = 0
    errors: list[str] = field(default_factory=list)
    mixed: int = 0
    seen: set[str] = field(default_factory=set)
    milliseconds: list[float] = field(default_factory=list)


def run(options: list[str]) -> list[dict[str, Any]]:
    """Run the proofs; one result for each count."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks reliability")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long the load lasts")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--longest", type=float, default=12.0, help="seconds after which a job is killed at the latest")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    given = parser.parse_args(options)
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        copy_home(Settings.from_environment().home, home)
        settings = Settings.from_environment(home)
        _two_versions(Workspace(settings))
        if "load" in given.only:
            results += promotions_under_load(settings, given.seconds)
        if "kills" in given.only:
            results += kills(settings, given.kills, given.seed, given.longest)
        if "damage" in given.only:
            results += damage(settings)
        if "crowd" in given.only:
            results += crowd(settings, given.seconds)
    return results


def promotions_under_load(settings: Settings, seconds: float) -> list[dict[str, Any]]:
    """`CONNECTIONS` clients ask as fast as they are answered while `SWAPS` promotions and roll-backs happen.

    Every answer must be, to the letter, that of one version to that user.
    """
    workspace = Workspace(settings)
    versions = workspace.store.models()[:2]
    users = [str(user) for user in workspace.load().users["user_id"].iloc[:USERS]]
    server, port = _serve(settings)
    try:
        expected: dict[tuple[str, str], str] = {}
        for version in (*versions, *versions[:1]):
            promote(workspace, version, who="benchmark")
            for user in users:
                answer = _ask(port, user)
                while answer["model"] != version:
                    time.sleep(0.05)
                    answer = _ask(port, user)
                expected[(version, user)] = json.dumps(answer["items"])
        counts, stop = [_Counts() for _ in range(CONNECTIONS)], threading.Event()
        readers = [
            threading.Thread(target=_read, args=(port, users, expected, count, stop, number))
            for number, count in enumerate(counts)
        ]
        for reader in readers:
            reader.start()
        swaps = 0
        for number in range(SWAPS):
            time.sleep(seconds / (SWAPS + 1))
            if number % 2:
                rollback(workspace, who="benchmark")
            else:
                live = workspace.live_id()
                promote(workspace, next(v for v in versions if v != live), who="benchmark")
            swaps += 1
        time.sleep(seconds / (SWAPS + 1))
        stop.set()
        for reader in readers:
            reader.join()
    finally:
        _end(server)
    errors = [error for count in counts for error in count.errors]
    for error in sorted(set(errors))[:5]:
        print(error, file=sys.stderr)
    answers = sum(count.answers for count in counts)
    times = sorted(ms for count in counts for ms in count.milliseconds)
    return [
        _line("promotions and roll-backs under load", swaps, "swaps", swaps == SWAPS, SWAPS),
        _line(f"answers from {CONNECTIONS} connections meanwhile", answers, "answers", answers > 0),
        _line("failed requests", len(errors), "errors", not errors, 0),
        _line("answers that are not wholly one version's", sum(c.mixed for c in counts), "answers",
              not any(c.mixed for c in counts), 0),
        _line("versions that answered", len(set().union(*(c.seen for c in counts))), "versions",
              len(set().union(*(c.seen for c in counts))) == 2, 2),
        _line("median answer", statistics.median(times), "ms", None),
        _line("slowest answer", times[-1], "ms", None),
    ]  # fmt: skip


def kills(settings: Settings, number: int, seed: int, longest: float) -> list[dict[str, Any]]:
    """kill -9 at random moments of everything that writes; after each, everything must be whole."""
    toll = strike(settings, number, seed, longest, lambda line: print(line, file=sys.stderr, flush=True))
    for text in toll.broken:
        print(text, file=sys.stderr)
    lost = sum(job.state == "failed" for job in Workspace(settings).job_store.newest(500))
    return [
        *(_line(f"kill -9: {kind}", count, "kills", None) for kind, count in toll.struck.items()),
        _line("events acknowledged by the servers that were killed", toll.acknowledged, "events", None),
        _line("jobs that were in the middle of it, and say so", lost, "jobs", None),
        _line("times anything was lost or not whole afterwards", len(toll.broken), "times", not toll.broken, 0),
    ]


def crowd(settings: Settings, seconds: float) -> list[dict[str, Any]]:
    """500 slow connections and 50 open dashboards, then 25 viewers on the map: `/healthz` meanwhile."""
    results: list[dict[str, Any]] = []
    server, port = _serve(settings)
    try:
        results += _health("nobody else", health(port, server.pid, seconds / 4))
        with slow_connections(port) as cut, visitors(port, "", DASHBOARDS, again=60) as shown:
            _until(lambda: sum(shown) >= DASHBOARDS, 300)
            results += _health(
                f"{SLOW} slow connections, {DASHBOARDS} dashboards open", health(port, server.pid, seconds)
            )
            results.append(_line("slow connections that were cut off", cut[0], "connections", None))
        with visitors(port, "map", VIEWERS, again=20) as shown:
            results += _health(f"{VIEWERS} viewers open the map at once", health(port, server.pid, seconds))
            _until(lambda: sum(shown) >= VIEWERS, 300)
            results.append(_line("maps that were shown to the end", shown[0], "pages", shown[1] == 0))
        results += _health("nobody any more", health(port, server.pid, seconds / 4))
    finally:
        _end(server)
    return results


def _health(when: str, times: list[tuple[float, float]]) -> list[dict[str, Any]]:
    every = sorted(ms for ms, _ in times)
    free = sorted(max(ms - waited, 0.0) for ms, waited in times)
    last = int(0.99 * (len(times) - 1))
    return [
        _line(f"/healthz, {when}: median", statistics.median(every), "ms", None),
        _line(f"/healthz, {when}: 99th percentile", every[last], "ms", None),
        _line(f"/healthz, {when}: 99th percentile without waiting for a processor", free[last], "ms",
              free[last] < MOST_HEALTH_MS, MOST_HEALTH_MS),
    ]  # fmt: skip


def _until(condition: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.2)


def damage(settings: Settings) -> list[dict[str, Any]]:
    """One flipped byte in the live version: it is refused and named, and the one before it answers."""
    home = Workspace(settings)
    good, bad = home.store.models()[:2]
    promote(home, good, who="benchmark")
    promote(home, bad, who="benchmark")
    file = settings.home / "models" / bad / "item_embeddings.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    fresh = Workspace(settings)
    try:
        fresh.load(bad)
        named = False
    except Corrupted as error:
        named = str(file) in str(error)
    answers = fresh.load().model.id
    return [
        _line("a flipped byte is refused and its file named", float(named), "of 1", named, 1),
        _line("the version before it answers", float(answers == good), "of 1", answers == good, 1),
        _line("and the damage is said", float(bad in fresh.damaged_live()), "of 1", bad in fresh.damaged_live(), 1),
    ]


def _two_versions(home: Workspace) -> None:
    dataset = home.load().manifest.dataset
    while len(home.store.models()) < 2:
        train_and_store(home, dataset, QUICK, seed=len(home.store.models()), source="benchmark")
    first, second = home.store.models()[:2]
    promote(home, second, who="benchmark")
    promote(home, first, who="benchmark")


def _serve(settings: Settings) -> tuple[subprocess.Popen[bytes], int]:
    environment = os.environ | {"INSIDER_HOME": str(settings.home), "INSIDER_DATABASE_URL": settings.database_url}
    command = [sys.executable, "-m", "recsys", "serve", "--port", "0", "--json"]
    server = subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.PIPE)
    assert server.stdout is not None
    text = b""
    while not text.rstrip().endswith(b"}"):
        line = server.stdout.readline()
        if not line:
            raise RuntimeError("The app ended before it listened.")
        text += line
    port = int(json.loads(text)["url"].rpartition(":")[2])
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return server, port
        except OSError:
            pass
        time.sleep(0.5)
    raise RuntimeError("The app was not ready within 120 s.")


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(timeout=30)
    except subprocess.TimeoutExpired:
        server.kill()


def _ask(port: int, user: str) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", f"/v1/users/{user}/recommendations")
    return json.loads(connection.getresponse().read())


def _read(
    port: int, users: list[str], expected: dict[tuple[str, str], str], count: _Counts, stop: threading.Event, seed: int
) -> None:
    rng = random.Random(seed)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while not stop.is_set():
        user, started = rng.choice(users), time.perf_counter()
        try:
            connection.request("GET", f"/v1/users/{user}/recommendations")
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                count.errors.append(f"{answer.status}: {body[:200]!r}")
                continue
        except (OSError, http.client.HTTPException) as error:
            count.errors.append(f"{type(error).__name__}: {error}")
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            continue
        found = json.loads(body)
        count.answers += 1
        count.milliseconds.append(1000 * (time.perf_counter() - started))
        count.seen.add(found["model"])
        count.mixed += expected.get((found["model"], user)) != json.dumps(found["items"])


def _line(name: str, value: float, unit: str, met: bool | None, target: float | None = None) -> dict[str, Any]:
    return {"name": name, "ours": value, "theirs": None, "unit": unit, "ratio": None, "target": target, "met": met,
            "runs": 1}  # fmt: skip

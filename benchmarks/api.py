"""The API under load, beside a bare FastAPI route that returns the same JSON as a constant.

`python -m benchmarks api [--only throughput events memory soak] [--seconds 6] [--soak 600]`, on a home with a live
model (`INSIDER_HOME`); it works on a copy. Needs wrk (`apt-get install wrk`). Server and wrk run on the same machine.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks._homes import copy_home
from benchmarks.kill import free_port, start_server, stop_server
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings

CONNECTIONS = 16
ROUNDS = 3
SOAK_KEEPS = 4
PARTS = ("throughput", "events", "memory", "soak")

BARE = """
import json, sys
import uvicorn
from fastapi import FastAPI

app = FastAPI()
constant = json.loads(open(sys.argv[1]).read())


@app.get("/v1/users/{user_id}/recommendations")
async def recommendations(user_id: str):
    return constant


uvicorn.run(app, port=int(sys.argv[2]), log_level="warning", access_log=False)
"""

ASKING = """
local users = {%s}
math.randomseed(%d)
request = function()
  return wrk.format("GET", "/v1/users/" .. users[math.random(#users)] .. "/recommendations")
end
"""

SENDING = """
local users, items = {%s}, {%s}
local number = 0
math.randomseed(%d)
wrk.headers["Content-Type"] = "application/json"
request = function()
  local events = {}
  for n = 1, 100 do
    number = number + 1
    events[n] = string.format('{"id":"%d-%%d","user_id":"%%s","item_id":"%%s"}',
      number, users[math.random(#users)], items[math.random(#items)])
  end
  return wrk.format("POST", "/v1/events", nil, '{"events":[' .. table.concat(events, ",") .. ']}')
end
"""

MIXED = """
local users, items = {%s}, {%s}
math.randomseed(%d)
wrk.headers["Content-Type"] = "application/json"
delay = function() return %d end
request = function()
  local dice, user, item = math.random(), users[math.random(#users)], items[math.random(#items)]
  if dice < 0.05 then
    return wrk.format("POST", "/v1/events", nil,
      string.format('{"events":[{"user_id":"%%s","item_id":"%%s"}]}', user, item))
  elseif dice < 0.10 then
    return wrk.format("POST", "/v1/recommendations", nil, string.format('{"history":["%%s"]}', item))
  elseif dice < 0.15 then
    return wrk.format("GET", "/v1/items/" .. item .. "/similar")
  end
  return wrk.format("GET", "/v1/users/" .. user .. "/recommendations?k=" .. math.random(5, 20))
end
"""


def run(options: list[str]) -> list[dict[str, Any]]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks api")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS[:3])
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--soak", type=int, default=600, help="seconds of the part soak")
    asked = parser.parse_args(options)
    if shutil.which("wrk") is None:
        raise SystemExit("This needs wrk: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        bench = _Bench(Path(folder), asked.seconds)
        found: list[dict[str, Any]] = []
        for part in asked.only:
            found += bench.soak(asked.soak) if part == "soak" else getattr(bench, part)()
        return found


class _Bench:
    def __init__(self, folder: Path, seconds: int) -> None:
        self._folder = folder
        self._seconds = seconds
        self._home = copy_home(Settings.from_environment().home, folder / "home")
        model = Workspace(Settings.from_environment(self._home)).load().model
        self._users, self._items = list(model.rows_of_users), model.item_ids[:5000]

    def throughput(self) -> list[dict[str, Any]]:
        """Requests a second for random users: bare route, ours, and ours with no answer kept."""
        ours, cold, bare = free_port(), free_port(), free_port()
        servers: list[subprocess.Popen[bytes]] = []
        rates: dict[str, list[float]] = {"ours": [], "cold": [], "bare": []}
        slowest: dict[str, list[float]] = {"ours": [], "cold": [], "bare": []}
        spent: dict[str, list[float]] = {"ours": [], "cold": [], "bare": []}
        try:
            servers.append(start_server(self._home, ours))
            constant = self._folder / "constant.json"
            with urllib.request.urlopen(f"http://127.0.0.1:{ours}/v1/users/{self._users[0]}/recommendations") as answer:
                constant.write_bytes(answer.read())
            os.environ["INSIDER_ANSWER_CACHE_MB"] = "0"
            servers.append(start_server(self._home, cold))
            del os.environ["INSIDER_ANSWER_CACHE_MB"]
            script = self._folder / "bare.py"
            script.write_text(BARE)
            command = [sys.executable, str(script), str(constant), str(bare)]
            servers.append(subprocess.Popen(command, cwd=PROJECT_ROOT, start_new_session=True))
            time.sleep(3)
            asking = self._script("ask", ASKING % (_lua(self._users), 1))
            for port in (ours, cold):  # servers that have run for a while: everybody has been answered once
                for user in self._users:
                    path = f"/v1/users/{quote(user, safe='')}/recommendations"
                    urllib.request.urlopen(f"http://127.0.0.1:{port}{path}").close()
            for port in (ours, cold, bare):
                self._wrk(port, asking, seconds=2)
            process = {"ours": servers[0].pid, "cold": servers[1].pid, "bare": servers[2].pid}
            for _ in range(ROUNDS):
                for name, port in (("bare", bare), ("ours", ours), ("cold", cold)):
                    before = _processor(process[name])
                    rate, p99, errors = self._wrk(port, asking)
                    spent[name].append(1e6 * (_processor(process[name]) - before) / (rate * self._seconds))
                    rates[name].append(rate)
                    slowest[name].append(p99)
                    if errors:
                        raise SystemExit(f"{errors} answers of {name} were errors.")
        finally:
            for server in servers:
                stop_server(server)
        middle = {name: statistics.median(values) for name, values in rates.items()}
        p99s = {name: statistics.median(values) for name, values in slowest.items()}
        costs = {name: statistics.median(values) for name, values in spent.items()}
        return [
            _line(
                "recommendations a second, random users, each asked before",
                middle["ours"],
                middle["bare"],
                "1/s",
                target=0.5,
            ),
            _line("the same, every answer worked out anew", middle["cold"], middle["bare"], "1/s", target=0.5),
            _line("processor time for such an answer", costs["cold"], costs["bare"], "us"),
            _line(f"p99 at {CONNECTIONS} connections", p99s["ours"], p99s["bare"], "ms"),
            _line("the same, every answer worked out anew", p99s["cold"], p99s["bare"], "ms"),
        ]

    def events(self) -> list[dict[str, Any]]:
        """Events a second, durable, in batches of 100."""
        port = free_port()
        server = start_server(self._home, port)
        rates, slowest = [], []
        try:
            for number in range(ROUNDS):
                sending = self._script("send", SENDING % (_lua(self._users), _lua(self._items), number, number))
                rate, p99, errors = self._wrk(port, sending, connections=1)
                if errors:
                    raise SystemExit(f"{errors} batches were refused.")
                rates.append(100 * rate)
                slowest.append(p99)
        finally:
            stop_server(server)
        rate = statistics.median(rates)
        found = _line("events a second, durable, in batches of 100", rate, None, "1/s")
        p99 = _line("p99 of a batch of 100", statistics.median(slowest), None, "ms")
        return [{**found, "target": 2000, "met": rate >= 2000}, p99]

    def memory(self) -> list[dict[str, Any]]:
        """What a second worker adds (sum of proportional set sizes), as a share of what the first takes."""
        sums = {}
        for workers in (1, 2):
            port = free_port()
            server = start_server(self._home, port, "--workers", str(workers))
            try:
                self._wrk(port, self._script("ask", ASKING % (_lua(self._users), 1)), connections=8, seconds=3)
                sums[workers] = _memory(server.pid)
            finally:
                stop_server(server)
        share = (sums[2] - sums[1]) / sums[1]
        found = _line("memory: what a second worker adds", sums[2] - sums[1], sums[1], "MB")
        return [{**found, "ratio": share, "target": 0.3, "met": share < 0.3, "runs": 1}]

    def soak(self, seconds: int) -> list[dict[str, Any]]:
        """Mixed load at half of what the server can take: errors, and growth of its memory.

        Few answers are kept (`SOAK_KEEPS` MB), so that their memory is full before the clock starts and growth means
        something: the default of 64 MB would go on filling for half an hour.
        """
        port = free_port()
        os.environ["INSIDER_ANSWER_CACHE_MB"] = str(SOAK_KEEPS)
        server = start_server(self._home, port)
        del os.environ["INSIDER_ANSWER_CACHE_MB"]
        lists = _lua(self._users), _lua(self._items)
        try:
            # What a server keeps by design, up to its limits, is there before the clock starts: what everybody did
            # since the training, and answers.
            self._one_event_each(port)
            self._wrk(port, self._script("mix", MIXED % (*lists, 0, 0)), connections=8, seconds=max(seconds // 5, 5))
            capacity, _, _ = self._wrk(port, self._script("mix", MIXED % (*lists, 1, 0)), connections=8, seconds=10)
            pause = round(1000 * 8 / (capacity / 2))
            samples: list[tuple[float, float, int]] = []
            over, began = threading.Event(), time.monotonic()

            def watch() -> None:
                while True:
                    samples.append((time.monotonic() - began, _memory(server.pid), _events(port)))
                    if over.wait(max(1.0, seconds / 60)):
                        return

            watcher = threading.Thread(target=watch)
            watcher.start()
            script = self._script("mix", MIXED % (*lists, 2, pause))
            rate, p99, errors = self._wrk(port, script, connections=8, seconds=seconds)
            over.set()
            watcher.join()
        finally:
            stop_server(server)
        lines = [
            _line(f"mixed load for {seconds} s at half capacity", rate, capacity, "1/s"),
            _line("p99 under it", p99, None, "ms"),
            {**_line("errors under it", errors, None, "answers"), "target": 0, "met": errors == 0},
            *_curve(samples),
        ]
        return [line | {"runs": 1} for line in lines]

    def _one_event_each(self, port: int) -> None:
        for start in range(0, len(self._users), 1000):
            batch = [
                {"user_id": user, "item_id": self._items[number % len(self._items)]}
                for number, user in enumerate(self._users[start : start + 1000], start=start)
            ]
            body = json.dumps({"events": batch}).encode()
            address, kind = f"http://127.0.0.1:{port}/v1/events", {"Content-Type": "application/json"}
            urllib.request.urlopen(urllib.request.Request(address, body, kind)).close()

    def _script(self, name: str, text: str) -> Path:
        path = self._folder / f"{name}.lua"
        path.write_text(text)
        return path

    def _wrk(
        self, port: int, script: Path, *, connections: int = CONNECTIONS, seconds: int | None = None
    ) -> tuple[float, float, int]:
        """Requests a second, p99 in ms, and how many answers were no success."""
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds or self._seconds}s", "--latency", "-s", str(script),
                   f"http://127.0.0.1:{port}"]  # fmt: skip
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
        p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
        if rate is None or p99 is None:
            raise SystemExit(f"wrk said:\n{text}")
        scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}[p99.group(2)]
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        broken = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
        errors = int(bad.group(1)) if bad else 0
        errors += sum(map(int, broken.groups())) if broken else 0
        return float(rate.group(1)), float(p99.group(1)) * scale, errors


def _line(name: str, ours: float, theirs: float | None, unit: str, *, target: float | None = None) -> dict[str, Any]:
    """`ratio` is ours in theirs: of throughput, how much of the bare route's we reach."""
    ratio = None if theirs is None else ours / theirs
    met = None if target is None or ratio is None else ratio >= target
    return {"name": name, "ours": ours, "theirs": theirs, "unit": unit, "ratio": ratio, "target": target, "met": met,
            "runs": ROUNDS}  # fmt: skip


def _curve(samples: list[tuple[float, float, int]]) -> list[dict[str, Any]]:
    """Memory over time, and its growth in the second half, beside the number of events that came in meanwhile."""
    sixth = max(len(samples) // 6, 1)
    parts = [samples[start : start + sixth] for start in range(0, 6 * sixth, sixth)]
    curve = ", ".join(f"{part[-1][0]:.0f} s {statistics.median(x[1] for x in part):.0f}" for part in parts if part)
    half = samples[len(samples) // 2 :]
    events = half[-1][2] - half[0][2]
    grown = statistics.median(x[1] for x in half[-sixth:]) - statistics.median(x[1] for x in half[:sixth])
    share = grown / statistics.median(x[1] for x in half[:sixth])
    found = _line(f"memory: growth over the second half ({events:,} events came in)", grown, None, "MB")
    return [
        _line(f"memory, MB, by time: {curve}", samples[-1][1], samples[0][1], "MB"),
        {**found, "ratio": share, "target": 0.01, "met": share <= 0.01},
    ]


def _events(port: int) -> int:
    """How many events the server has stored."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        found = re.search(r'^insider_events_total\{result="accepted"\} ([\d.e+]+)', answer.read().decode(), re.M)
    return int(float(found.group(1))) if found else 0


def _processor(leader: int) -> float:
    """Seconds of processor time that a process group has used so far: what else the machine does hardly changes it."""
    ticks = 0
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdecimal() and os.getpgid(int(folder.name)) == leader:
                ticks += sum(map(int, (folder / "stat").read_text().rpartition(")")[2].split()[11:13]))
        except OSError:
            continue
    return ticks / os.sysconf("SC_CLK_TCK")


def _memory(leader: int) -> float:
    """Proportional set size of a process group, in MB: pages that n processes share count 1/n for each."""
    total = 0
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdecimal() and os.getpgid(int(folder.name)) == leader:
                total += int(re.search(r"^Pss:\s+(\d+)", (folder / "smaps_rollup").read_text(), re.M).group(1))  # type: ignore[union-attr]  # None is caught below
        except (OSError, AttributeError):
            continue
    return total / 1000


def _lua(names: list[str]) -> str:
    return ",".join(json.dumps(name) for name in names)

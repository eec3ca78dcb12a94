"""Importing beside what DuckDB alone takes to count the same file by user and item; and imports killed at random.

`python -m benchmarks import [--events 200000 2000000 20000000] [--runs 3] [--kills 20] [--parts 10000000]
[--folder F]`. The files are generated, with a power law over items; the largest has about 1 GB. `--parts`: so many
events in a folder of Parquet, a folder for each day of a year within it. Everything runs in processes of its own, on
two threads.
"""

import argparse
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks._homes import copy_home
from recsys.errors import InsiderError
from recsys.ingest.duckdb_session import MEMORY_MB, THREADS
from recsys.settings import PROJECT_ROOT
from recsys.storage.store import Store

PROMISED = 20_000_000
"""Events from which on the target for the time holds; below, starting Python is most of it."""

TIMES_DUCKDB = 3.0
MEMORY_LIMIT_GB = 2.0
PARTS_LIMIT_GB = 3.0

WHOLE = ("none", "as before", "new")
"""What may be found after a kill: nothing where nothing was stored, what was stored, or the new dataset."""

GENERATE = """
import sys, duckdb
events, path = int(sys.argv[1]), sys.argv[2]
users, items = max(events // 20, 10), max(events // 100, 10)
connection = duckdb.connect(config={"memory_limit": "1GB", "threads": 2})
connection.execute(f'''COPY (SELECT
    printf('U%07d', (hash(i * 5 + 1) % {users})::BIGINT) AS user_id,
    printf('SKU-%06d', least(floor({items} * power((hash(i * 5 + 2) % 1000000007) / 1000000007.0, 3)),
           {items} - 1)::BIGINT) AS item_id,
    strftime(TIMESTAMP '2024-01-01' + to_seconds((hash(i * 5 + 3) % 31536000)::BIGINT), '%Y-%m-%d %H:%M:%S')
        AS timestamp,
    CASE hash(i * 5 + 4) % 10 WHEN 0 THEN 'purchase' WHEN 1 THEN 'cart' ELSE 'view' END AS event,
    1 + (hash(i * 5) % 3)::INT AS quantity
FROM range({events}) t(i)) TO '{path}' (HEADER, DELIMITER ',')''')
"""

PARTITION = """
import sys, duckdb
connection = duckdb.connect(config={"memory_limit": "1GB", "threads": 2})
connection.execute(f'''COPY (SELECT *, "timestamp"[:10] AS day FROM read_csv('{sys.argv[1]}', all_varchar = true))
    TO '{sys.argv[2]}' (FORMAT parquet, PARTITION_BY (day))''')
"""

COUNT = """
import sys, duckdb
connection = duckdb.connect(config={"memory_limit": sys.argv[2] + "MB", "threads": int(sys.argv[3]),
                                    "temp_directory": sys.argv[4]})
print(connection.execute(f'''SELECT count(*), sum(n) FROM (SELECT user_id, item_id, count(*) AS n
    FROM read_csv('{sys.argv[1]}', all_varchar = true) GROUP BY user_id, item_id)''').fetchall())
"""


def run(options: list[str]) -> list[dict[str, Any]]:
    """The results, one line per size, then the kills."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks import")
    parser.add_argument("--events", type=int, nargs="*", default=[200_000, 2_000_000, 20_000_000])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--parts", type=int, default=10_000_000, help="events of the partitioned folder; 0 for none")
    parser.add_argument("--folder", type=Path, default=None, help="where to work; a temporary folder by default")
    chosen = parser.parse_args(options)
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir=chosen.folder) as name:
        folder = Path(name)
        last: tuple[int, float] | None = None
        for events in chosen.events:
            path = generate(folder, events)
            ours, theirs, my_cpu, their_cpu, memory = [], [], [], [], []
            for _ in range(chosen.runs):
                seconds, cpu, _ = timed(
                    [sys.executable, "-c", COUNT, str(path), str(MEMORY_MB), str(THREADS), str(folder / "x")]
                )
                theirs.append(seconds)
                their_cpu.append(cpu)
                home = folder / "home"
                seconds, cpu, peak = timed(command(path), home)
                ours.append(seconds)
                my_cpu.append(cpu)
                memory.append(peak)
                shutil.rmtree(home)
            path.unlink()
            mine, other = statistics.median(ours), statistics.median(theirs)
            results.append(line(f"{events:,} events, whole import against DuckDB's count", mine, other, "s",
                                TIMES_DUCKDB if events >= PROMISED else None, chosen.runs))  # fmt: skip
            mine_cpu, other_cpu = statistics.median(my_cpu), statistics.median(their_cpu)
            results.append(line(f"{events:,} events, processor time of the same", mine_cpu, other_cpu, "s", None,
                                chosen.runs))  # fmt: skip
            peak = max(memory)
            results.append(line(f"{events:,} events, most memory", peak, None, "GB", MEMORY_LIMIT_GB, chosen.runs))
            if last is not None:
                growth = (mine_cpu / last[1]) / (events / last[0])
                name = f"processor time per event, {events:,} against {last[0]:,}"
                results.append(line(name, growth, None, "times", 1.5, chosen.runs))
            last = (events, mine_cpu)
        if chosen.parts:
            results += partitioned(folder, chosen.parts)
        if chosen.kills:
            outcomes = killed(folder, chosen.kills)
            broken = float(sum(x not in WHOLE for x in outcomes))
            found = ", ".join(f"{outcomes.count(x)} {x}" for x in WHOLE)
            results.append(line(f"{len(outcomes)} imports killed at random ({found}): anything else", broken, None,
                                "datasets", 0.0, len(outcomes)))  # fmt: skip
    return results


def line(name: str, ours: float, theirs: float | None, unit: str, target: float | None, runs: int) -> dict[str, Any]:
    """One result; `ratio` is theirs / ours, the target is the most that ours (over theirs, if there are any) may be."""
    reached = ours if theirs is None else ours / theirs
    ratio = None if theirs is None else theirs / ours
    return {"name": name, "ours": ours, "theirs": theirs, "unit": unit, "ratio": ratio, "target": target,
            "met": target is None or reached <= target, "runs": runs}  # fmt: skip


def generate(folder: Path, events: int) -> Path:
    """A CSV file of so many events."""
    path = folder / f"events-{events}.csv"
    subprocess.run([sys.executable, "-c", GENERATE, str(events), str(path)], check=True, stdout=subprocess.DEVNULL)
    return path


def partitioned(folder: Path, events: int) -> list[dict[str, Any]]:
    """One import of a folder of Parquet files, one for each day."""
    path, parts = generate(folder, events), folder / "parts"
    subprocess.run([sys.executable, "-c", PARTITION, str(path), str(parts)], check=True, stdout=subprocess.DEVNULL)
    path.unlink()
    files = len(list(parts.rglob("*.parquet")))
    seconds, _, peak = timed(command(parts), folder / "home")
    for left in (parts, folder / "home"):
        shutil.rmtree(left)
    what = f"{events:,} events in {files:,} Parquet files"
    return [line(what, seconds, None, "s", None, 1), line(f"{what}, most memory", peak, None, "GB", PARTS_LIMIT_GB, 1)]


def command(path: Path) -> list[str]:
    return [sys.executable, "-m", "recsys", "dataset", "import", "big", "--events", str(path), "--json"]


def timed(arguments: list[str], home: Path | None = None) -> tuple[float, float, float]:
    """Seconds on the clock, seconds of the processor and most memory (GB) of a process."""
    environment = os.environ | ({"INSIDER_HOME": str(home)} if home else {})
    began = time.perf_counter()
    process = subprocess.Popen(
        arguments, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise RuntimeError(said.decode())
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6


def killed(folder: Path, times: int, *, events: int = 200_000, seed: int = 0) -> list[str]:
    """Import over a stored dataset and into an empty home, in turns, kill -9 at a random moment, and look what is left.

    Returns:
        per kill one of `WHOLE`, or what was found instead.
    """
    chance = random.Random(seed)
    new, old = generate(folder, events), generate(folder, events // 10)
    home = folder / "killed"
    lengths = []
    for _ in range(3):
        shutil.rmtree(home, ignore_errors=True)
        lengths.append(timed(command(new), home)[0])
    after = Store(home).load_dataset("big").fingerprint
    shutil.rmtree(home)
    timed(command(old), home)
    before = Store(home).load_dataset("big").fingerprint
    base = folder / "base"
    home.rename(base)
    outcomes = []
    for number in range(times):
        shutil.rmtree(home, ignore_errors=True)
        if number % 2:
            copy_home(base, home)
        process = subprocess.Popen(
            command(new), cwd=PROJECT_ROOT, env=os.environ | {"INSIDER_HOME": str(home)}, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        time.sleep(chance.uniform(0.2, 1.0) * min(lengths))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        outcomes.append(state_of(home, after, before if number % 2 else None))
    timed(command(new), home)
    if Store(home).load_dataset("big").fingerprint != after or list(home.glob("importing/*")):
        outcomes.append("an import after the kills did not clear up")
    return outcomes


def state_of(home: Path, after: str, before: str | None) -> str:
    """What an import that was killed has left; `before`: the fingerprint of what was stored already."""
    store = Store(home)
    if not store.datasets():
        return "none" if before is None else "the stored dataset is gone"
    try:
        found = store.load_dataset("big").fingerprint
    except InsiderError as error:
        return str(error)
    if found == before:
        return "as before"
    return "new" if found == after else f"another dataset: {json.dumps(found)}"

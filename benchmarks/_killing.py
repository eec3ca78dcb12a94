"""What is killed at random moments by `reliability`, and what must be whole afterwards."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.kill import events_survive
from recsys.errors import InsiderError
from recsys.ingest.config import ImportPlan
from recsys.models.hyperparameters import PRESETS, Hyperparameters
from recsys.services.datasets import start_import
from recsys.services.jobs import cancel_job, start_search, start_training
from recsys.services.startup import put_right
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings
from recsys.storage import audit
from recsys.storage.api_keys import ApiKeyStore
from recsys.storage.backup import check
from recsys.training.search import SearchPlan

QUICK: Hyperparameters = replace(PRESETS["fast"], components=8, epochs=2, max_sampled=5)
FORGOTTEN, TOGETHER = "killed-visitor", 50

BEGIN = """
import sys
from pathlib import Path
from recsys.settings import Settings
from recsys.services.workspace import Workspace
home = Workspace(Settings.from_environment(Path(sys.argv[1])))
print("ready", flush=True)
"""

LOOPS = {
    "promotion": BEGIN + """
from recsys.services.promotion import promote, rollback
versions = home.store.models()
while True:
    for version in versions:
        promote(home, version, who="benchmark")
    rollback(home, who="benchmark")
""",
    "backup": BEGIN + """
from recsys.storage.backup import take
while True:
    take(home.store, home.database, Path(sys.argv[2]) / "shop.zip", overwrite=True)
""",
    "forget": BEGIN + f"""
from recsys.storage.event_log import Event
from datetime import datetime
name, turn = home.load().manifest.dataset, 0
while True:
    turn += 1
    home.event_log.append(name, [Event(f"{{sys.argv[3]}}-{{turn}}-{{n}}", "{FORGOTTEN}", "0", datetime(2024, 1, 1))
                                 for n in range({TOGETHER})])
    home.event_log.forget(name, "{FORGOTTEN}")
""",
    "rotation": BEGIN + """
from recsys.storage.api_keys import ApiKeyStore
keys = ApiKeyStore(home.database)
while True:
    keys.rotate(next(key.id for key in keys.all() if key.state == "valid"))
""",
}  # fmt: skip
"""Processes that do one thing over and over until they are killed."""

KINDS = ("server", "training", "search", "import", *LOOPS)


@dataclass
class Toll:
    """What the kills did: how many of each kind, and everything that was not as it must be."""

    struck: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    acknowledged: int = 0
    broken: list[str] = field(default_factory=list)


def strike(settings: Settings, number: int, seed: int, longest: float, tell: Callable[[str], None]) -> Toll:
    """kill -9 at random moments, each kind in its turn; after each, everything must be whole."""
    rng, toll = random.Random(seed), Toll()
    dataset = Workspace(settings).load().manifest.dataset
    keys = ApiKeyStore(Workspace(settings).database)
    if not any(key.state == "valid" for key in keys.all()):
        keys.create("benchmark", ["read"])
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(number):
            kind = KINDS[turn % len(KINDS)]
            if kind == "server":
                sender, text = keys.create("sender", ["events"])
                found = events_survive(settings.home, kills=1, seed=seed + turn, most_seconds=3.0, key=text)
                keys.revoke(sender.id)
                toll.acknowledged += found.acknowledged
                if found.lost or found.doubled:
                    toll.broken.append(f"server {turn}: {found.lost} events lost, {found.doubled} stored twice")
            elif kind in LOOPS:
                _kill_loop(settings, LOOPS[kind], Path(folder), turn, rng.uniform(0.0, 1.5))
            else:
                _kill_job(Workspace(settings), kind, dataset, turn, rng.uniform(0.2, longest))
            toll.struck[kind] += 1
            toll.broken += [f"{kind} {turn}: {text}" for text in what_is_broken(settings, Path(folder))]
            tell(f"kill {turn + 1} of {number}, {kind}: {len(toll.broken)} troubles so far")
    return toll


def what_is_broken(settings: Settings, folder: Path) -> list[str]:
    """Everything that is not as it must be once a server would have started."""
    home = Workspace(settings)
    put_right(home)
    found = []
    until = time.monotonic() + 60
    while active := [job for job in home.job_store.newest(500, active=True) if job.kind not in ("map", "quality")]:
        if time.monotonic() > until:
            found += [f"job {job.id} is {job.state} for ever" for job in active]
            break
        time.sleep(0.5)
    for job in home.job_store.newest(500, active=True):
        cancel_job(home, job.id)
    found += [f"training {t.id} is running for ever" for t in home.training_runs.all() if t.state == "running"]
    for kind, load in (("models", home.store.load_model), ("datasets", home.store.load_dataset)):
        for name in home.store.names(kind):
            try:
                load(name)
            except InsiderError as error:
                found.append(str(error))
    try:
        home.load().recommend(str(home.load().users["user_id"].iloc[0]))
    except InsiderError as error:
        found.append(f"live: {error}")
    changes = [entry for entry in audit.entries(home.database, 10) if entry.action in ("promote", "rollback")]
    if changes and changes[0].subject != home.live_id():
        found.append(f"{home.live_id()} is live, and the last line of the audit log is about {changes[0].subject}")
    left = len(home.event_log.of_user(home.load().manifest.dataset, FORGOTTEN))
    if left not in (0, TOGETHER):
        found.append(f"{left} events of {TOGETHER} that are stored and forgotten together")
    valid = [key for key in ApiKeyStore(home.database).all() if key.state == "valid"]
    if len(valid) != 1:
        found.append(f"{len(valid)} keys are valid instead of one")
    backup = folder / "shop.zip"
    if backup.exists():
        try:
            check(backup)
        except InsiderError as error:
            found.append(str(error))
    home.before_fork()
    return found


def _kill_job(home: Workspace, kind: str, dataset: str, turn: int, seconds: float) -> None:
    if kind == "training":
        job = start_training(home, dataset, QUICK, seed=turn, promote=bool(turn % 2))
    elif kind == "search":
        job = start_search(home, SearchPlan(dataset, f"killed {turn}", trials=20, base=QUICK))
    else:
        sample = PROJECT_ROOT / "data" / "sample"
        plan = ImportPlan("killed", events=(str(sample / "events.csv"),), items=(str(sample / "items.csv"),))
        job = start_import(home, plan)
        seconds = min(seconds, 4.0)
    process = home.job_store.process(job.id)
    time.sleep(seconds)
    if process is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _kill_loop(settings: Settings, code: str, folder: Path, turn: int, seconds: float) -> None:
    command = [sys.executable, "-c", code, str(settings.home), str(folder), str(turn)]
    process = subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    process.wait()

"""Single steps on large shops: seconds and memory of each, in a process of its own."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import _large
from benchmarks._measuring import result, say

Shop = tuple[int, int, int]
"""Events, users and items."""

STEPS = {
    "a first list": "workspace.load().recommend('u0000017')",
    "training with the preset fast, beside simple methods": (
        "train_and_store(workspace, 'large', preset('fast'), baselines='popular')"
    ),
    "training with the preset default": "train_and_store(workspace, 'large', preset('default'), baselines='none')",
    "the map of all items": "draw(workspace, 'random', MapSettings())",
}

BEGINNING = """
from recsys.models.hyperparameters import preset
from recsys.projection.settings import MapSettings
from recsys.services.map_job import draw
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace
from recsys.settings import Settings

workspace = Workspace(Settings.from_environment())
"""


def on_large_shops(shops: Sequence[Shop]) -> list[dict[str, Any]]:
    """A line for each step and shop; tastes and times are drawn at random, so what is learned means nothing."""
    lines = []
    for events, users, items in shops:
        with tempfile.TemporaryDirectory() as folder:
            _large.make(Path(folder), users, items, events)
            shop = f"{events:,} events, {users:,} users, {items:,} items"
            lines += [_measured(f"{name}; {shop}", step, Path(folder)) for name, step in STEPS.items()]
    return lines


def _measured(name: str, step: str, home: Path) -> dict[str, Any]:
    say(f"{name} ...")
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", BEGINNING + step], env=dict(os.environ) | {"INSIDER_HOME": str(home)}
    )
    _, status, used = os.wait4(process.pid, 0)
    taken = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{name} ended with {process.returncode}.")
    processor = used.ru_utime + used.ru_stime
    return result(
        name, taken, runs=1, note=f"{used.ru_maxrss / 1e6:.2g} GB at most, {processor:.0f} s of processor time"
    )

"""What is measured goes on running; how fast it is, no test says."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

from recsys.settings import PROJECT_ROOT
from tests.homes import copy_home

PARTS = {
    "epoch": "WARP epoch, max_sampled 10,",
    "processor": "an example of a shop that fits into the cache",
    "limits": "sgemm",
    "ranking": "top 10 of all users",
    "million": "top 10 of one user among",
    "evaluation": "evaluation: 9 metrics",
    "start": "the app, from its start",
    "pages": "Shopper page",
    "growth": "growth of the processor time",
    "quality": "time to the library's best validation NDCG@10",
}
"""What each part of the benchmark `speed` is known by."""


def test_every_part_of_the_speed_benchmark_runs(trained_home: Path, tmp_path: Path) -> None:
    home = copy_home(trained_home, tmp_path / "home")
    command = [sys.executable, "-m", "benchmarks", "speed", "--trial", "--dataset", "small", "--json"]
    done = subprocess.run(
        command, cwd=PROJECT_ROOT, env=os.environ | {"INSIDER_HOME": str(home)}, capture_output=True, text=True
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)["results"]
    for part, beginning in PARTS.items():
        assert any(line["name"].startswith(beginning) for line in results), part
    assert not any(math.isnan(line["ours"]) for line in results)
    lists = [line for line in results if line["name"].startswith(PARTS["million"])]
    assert all(line["note"].startswith("recall 1;") for line in lists)


def test_the_benchmark_of_scale_runs() -> None:
    command = [sys.executable, "-m", "benchmarks", "scale", "--trial", "--json"]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)["results"]
    model = [line["ours"] for line in results if line["name"].startswith("model: a pass")]
    assert len(model) == 12 and all(seconds > 0 for seconds in model)
    assert [line["target"] for line in results if "on two workers, beside one" in line["name"]] == [1.6, 1.6]

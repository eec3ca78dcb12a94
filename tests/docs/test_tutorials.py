"""The tutorials for engineers and data scientists are done here as they stand: every command, call and block."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import recsys
from recsys.settings import PROJECT_ROOT
from tests.serving import running_app

FOLDER = PROJECT_ROOT / "docs" / "tutorials"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the data of the project in it, as a reader has them."""
    (tmp_path / "data").symlink_to(PROJECT_ROOT / "data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(PROJECT_ROOT))
    monkeypatch.setenv("INSIDER_ROUGH_RUNS", "0")
    return tmp_path


def commands(language: str, text: str) -> Iterator[str]:
    if language == "sh":
        yield from (line for line in text.replace("\\\n", " ").splitlines() if line.strip())


def done(line: str, environment: dict[str, str]) -> str:
    """What one command prints; its own settings come before it."""
    words = shlex.split(line)
    own = dict(word.split("=", 1) for word in words[: words.index("python")])
    arguments = [sys.executable, *words[words.index("python") + 1 :]]
    ended = subprocess.run(arguments, env=os.environ | environment | own, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{line}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def asked(line: str, url: str) -> dict[str, object]:
    words = shlex.split(line.replace("localhost:8000", url))
    ended = subprocess.run([*words, "--fail-with-body", "-sS"], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{line}\n{ended.stdout}\n{ended.stderr}"
    found = json.loads(ended.stdout)
    assert isinstance(found, dict)
    return found


def ids(answer: dict[str, object]) -> list[str]:
    items = answer["items"]
    assert isinstance(items, list)
    return [item["item_id"] for item in items]


def test_an_engineer_gets_to_answers_events_and_a_backup(work: Path) -> None:
    lines = [line for block in BLOCK.findall((FOLDER / "engineer.md").read_text()) for line in commands(*block)]
    place = next(n for n, line in enumerate(lines) if " serve " in line)
    assert lines[0].startswith("export INSIDER_HOME=")
    environment = dict([lines[0].removeprefix("export ").split("=", 1)])
    home = work / environment["INSIDER_HOME"]
    for line in lines[1:place]:
        printed = done(line, environment)
    version = json.loads((home / "live.json").read_text())["model"]
    assert version in printed and "live" in printed, "`models` shows what is live"
    answers, last = [], ""
    with running_app(home, work / "log") as url:
        for line in lines[place + 1 :]:
            if line.startswith("curl"):
                answers.append(asked(line, url))
            else:
                last = done(line, environment)
    assert json.loads((home / "live.json").read_text())["model"] == version, "two events make no model stale"
    before, taken, after, visitor = answers
    assert before["path"] == "known" and len(ids(before)) == 5
    assert taken["accepted"] == 2
    bought = "01350"
    assert bought in ids(before), "what the page buys is what it was just recommended"
    assert after["path"] == "folded" and bought not in ids(after) and len(ids(after)) == 5
    assert visitor["path"] == "folded" and len(ids(visitor)) == 5
    assert (work / "shop.zip").stat().st_size > 0
    assert json.loads((work / "copy-of-home" / "live.json").read_text())["model"]
    assert bought not in last and "C0046" in last, "the restored home knows the event"


def test_a_data_scientist_gets_from_frames_to_a_live_model(work: Path) -> None:
    names: dict[str, object] = {}
    for language, block in BLOCK.findall((FOLDER / "data_scientist.md").read_text()):
        if language == "python":
            exec(compile(block, "data_scientist.md", "exec"), names)
        for line in commands(language, block):
            line = re.sub(r"\bID\b", str(names["version"]), line)
            if " serve " not in line:
                done(line, {})
    beside, folds, table, found = (names[name] for name in ("beside", "folds", "table", "found"))
    assert isinstance(beside, pd.DataFrame) and {"model", "popular", "als", "ease"} <= set(beside.index)
    assert isinstance(folds, pd.DataFrame) and sorted(set(folds["fold"])) == [1, 2]
    assert isinstance(table, pd.DataFrame) and len(table) == 1000
    assert isinstance(found, pd.DataFrame) and set(found["verdict"]) <= {"better", "worse", "cannot tell"}
    assert recsys.load(home=work / "shop-home").model.id == names["version"]
    with running_app(work / "shop-home", work / "log") as url:
        assert asked("curl localhost:8000/v1/model", url)["id"] == names["version"]

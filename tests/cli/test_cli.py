"""The command line: results on stdout, one message on stderr, exit codes as the contract says, never a traceback."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from docs.reference import commands
from recsys.cli import console
from recsys.dataset import demo
from recsys.errors import InsiderError
from recsys.recommend.recommender import MAX_K, Recommender
from recsys.services.batch import Lists, recommend_all
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT
from tests.commands import run
from tests.homes import copy_home, read_only_copy
from tests.serving import wait_until
from tests.shops import planted_shop

EVERY = dict(commands())
FAST = ("--set", "components=4", "--set", "epochs=2", "--set", "threads=1")


def test_what_data_hold_gives_the_terminal_no_commands(capsys: pytest.CaptureFixture[str]) -> None:
    bad = "\x1b]0;owned\x07 \x9b2J \u202egnp.exe \r gone"
    console.say(bad)
    console.note(bad)
    console.table(("title",), [(bad,)])
    console.facts([("title", bad)])
    console.document({"title": bad})
    shown = "".join(capsys.readouterr())
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown)
    assert shown.count("]0;owned") == 5


@pytest.fixture
def home(trained_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home with one live model; not to be changed."""
    monkeypatch.setenv("INSIDER_HOME", str(trained_home))
    return trained_home


@pytest.fixture
def own_home(trained_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to be changed."""
    folder = copy_home(trained_home, tmp_path / "home")
    monkeypatch.setenv("INSIDER_HOME", str(folder))
    return folder


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INSIDER_HOME", str(tmp_path / "none"))
    return tmp_path / "none"


def answer(*arguments: str) -> Any:
    """The JSON document that a command prints, and nothing else on stdout."""
    found = run(*arguments, "--json")
    assert found.exit_code == 0, found.stderr
    return json.loads(found.stdout)


def refusal(*arguments: str, code: int = 2) -> str:
    """What a command says when it refuses: on stderr, nothing on stdout, no traceback."""
    found = run(*arguments)
    assert found.exit_code == code, (found.exit_code, found.stdout, found.stderr)
    assert found.stdout == ""
    assert "Traceback" not in found.stderr
    return " ".join(found.stderr.split())


# What every command has


@pytest.mark.parametrize("name", EVERY)
def test_every_command_has_help_with_an_example_and_json(name: str) -> None:
    found = run(*name.split(), "--help")
    assert found.exit_code == 0
    assert f"Example: python -m recsys {name.split()[0]}" in found.stdout
    assert "--json" in {option for param in EVERY[name].params for option in param.opts}
    first_line = EVERY[name].help.strip().splitlines()[0]
    assert first_line[0].isupper()
    assert first_line.endswith((".", "."))


@pytest.mark.parametrize("name", EVERY)
def test_an_option_that_does_not_exist_is_refused(name: str) -> None:
    assert "--nonsense" in refusal(*name.split(), "--nonsense")


def test_without_arguments_it_shows_what_there_is() -> None:
    found = run("--help")
    assert found.exit_code == 0
    for name in {name.split()[0] for name in EVERY}:
        assert re.search(rf"^\s+{name}\b", found.stdout, re.MULTILINE), name
    assert "Example: python -m recsys" in found.stdout


def test_an_unknown_command_is_named() -> None:
    assert "recomend" in refusal("recomend", "1001")


# What each command says


def test_datasets_are_listed_and_described(home: Path) -> None:
    (listed,) = answer("dataset", "list")["datasets"]
    shown = answer("dataset", "show", "small")
    assert listed == shown
    assert shown["users"] == 120
    words = run("dataset", "show", "small").stdout
    assert "120" in words
    assert "A small shop with planted preferences." in words
    assert "small" in run("dataset", "list").stdout


def test_the_demo_is_stored(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "load_demo", lambda: planted_shop("demo"))
    assert answer("dataset", "demo")["name"] == "demo"
    assert [d["name"] for d in answer("dataset", "list")["datasets"]] == ["demo"]
    assert "demo" in run("dataset", "demo").stdout


def test_training_stores_a_version_and_says_what_it_is_worth(own_home: Path) -> None:
    found = answer("train", "--dataset", "small", "--preset", "fast", *FAST, "--seed", "7")
    assert not found["promoted"]
    assert found["training"]["passes_kept"] == found["epochs"] <= found["training"]["passes_tried"]
    assert found["training"]["told"][0] == found["training"]["stopped"]
    assert 0 < found["metrics"]["lanes"]["discover"]["model"]["ndcg"]["value"] < 1
    listed = answer("models")
    assert listed["live"] != found["model"]
    assert found["model"] in [model["id"] for model in listed["models"]]
    shown = answer("models", "show", found["model"])
    assert (shown["seed"], shown["recipe"]["components"], shown["live"]) == (7, 4, False)
    assert shown["metrics"] == found["metrics"]
    assert (
        answer("evaluate", "--model", found["model"], "--baselines")["lanes"]["discover"]
        == found["metrics"]["lanes"]["discover"]
    )


def test_training_reports_on_stderr_and_can_go_live(own_home: Path) -> None:
    found = run("train", "--dataset", "small", *FAST, "--promote")
    assert found.exit_code == 0
    assert "It is live." in found.stdout
    assert "NDCG@10" in found.stdout
    assert "pass 1 of" in found.stderr
    model = answer("models")["live"]
    assert model in found.stdout
    drawing = re.search(r"being drawn in the background \(run (\d+)\)", found.stderr)
    assert drawing is not None
    workspace = Workspace()
    wait_until(lambda: not workspace.job_store.get(int(drawing[1])).active, "the map is drawn", seconds=120)
    assert workspace.load(model).map is not None


def test_versions_are_promoted_rolled_back_and_deleted(own_home: Path) -> None:
    before = answer("models")["live"]
    model = answer("train", "--dataset", "small", *FAST)["model"]
    assert answer("models", "promote", model) == {"live": model}
    assert answer("models")["live"] == model
    assert "is live; promote another one" in refusal("models", "delete", model)
    assert answer("models", "rollback") == {"live": before}
    assert answer("models", "delete", model) == {"deleted": model}
    assert [m["id"] for m in answer("models")["models"]] == [before]
    assert "No earlier model" in refusal("models", "rollback")
    assert "is live; promote another one" in refusal("models", "delete", "live")
    assert f"No model '{model}'" in refusal("models", "promote", model)


def test_evaluation_has_the_form_of_the_contract(home: Path) -> None:
    found = answer("evaluate", "--baselines", "-k", "5")
    assert found["k"] == 5
    assert {"model", "popular", "item_knn", "als", "ease"} <= set(found["lanes"]["discover"])
    assert "own_frequency" in found["lanes"]["again"]
    assert set(found["lanes"]["discover"]["model"]["ndcg"]) == {"value", "low", "high"}
    words = run("evaluate", "-k", "5", "--baselines").stdout
    assert "NDCG@5" in words
    assert "Bestsellers" in words
    assert re.search(r"EASE +[+-]0\.\d{4} +[+-]0\.\d{4} to [+-]0\.\d{4} +\d\.\d{4} +(better|worse|cannot tell)", words)
    few = answer("evaluate", "--baselines", "popular", "-k", "3")["lanes"]["discover"]
    assert set(few) == {"model", "popular", "popular_lately", "popular_in_categories"}
    assert set(answer("evaluate", "--baselines", "none")["lanes"]["discover"]) == {"model", "popular"}
    assert "Baselines 'most'; there are: none, popular, all." in refusal("evaluate", "--baselines", "most")


@pytest.mark.parametrize("extra", [[], ["--explain"], ["--lane", "again"], ["--category", "Bakery", "-k", "3"]])
def test_recommendations_are_those_of_the_package(home: Path, live: Recommender, extra: list[str]) -> None:
    found = answer("recommend", "u001", *extra)
    options_ = {
        "k": 3 if "-k" in extra else 10,
        "lane": "again" if "again" in extra else "discover",
        "category": "Bakery" if "Bakery" in extra else None,
        "explain": "--explain" in extra,
    }
    assert found == json.loads(json.dumps(live.recommend("u001", **options_).to_dict()))
    words = run("recommend", "u001", *extra).stdout
    for item in found["items"]:
        assert item["item_id"] in words
        assert item["title"] in words


def test_similar_items_are_those_of_the_package(home: Path, live: Recommender) -> None:
    found = answer("similar", "00001", "-k", "4")
    assert found["items"] == json.loads(json.dumps([item.to_dict() for item in live.similar("00001", 4)]))
    assert found["items"][0]["title"] in run("similar", "00001").stdout


def test_a_batch_is_written_for_everybody(home: Path, live: Recommender, tmp_path: Path) -> None:
    out = tmp_path / "all.parquet"
    found = answer("batch", "--out", str(out), "-k", "4")
    assert found == {"out": str(out), "model": live.model.id, "k": 4, "rules": None, "users": 120, "rows": 480}
    pd.testing.assert_frame_equal(pd.read_parquet(out), recommend_all(live, Lists(4)))
    assert [path.name for path in tmp_path.iterdir()] == ["all.parquet"]
    assert "480 rows for 120 users" in run("batch", "--out", str(out), "-k", "4").stdout


def test_runs_are_listed(own_home: Path) -> None:
    assert answer("runs")["runs"] == []
    workspace = Workspace()
    run_id = workspace.job_store.create("train", "small", {}, seed=0, promote=False)
    workspace.job_store.finish(run_id, "failed", message="It had a [reason].")
    (listed,) = answer("runs")["runs"]
    assert (listed["id"], listed["state"], listed["message"]) == (run_id, "failed", "It had a [reason].")
    assert "It had a [reason]." in run("runs").stderr


def test_an_empty_home_says_what_to_do_first(empty_home: Path) -> None:
    assert answer("models") == {"live": None, "models": []}
    assert answer("dataset", "list") == {"datasets": []}
    assert "python -m recsys train --promote" in run("models").stderr
    assert "python -m recsys dataset demo" in run("dataset", "list").stderr
    for command in (
        ("recommend", "u001"), ("similar", "00001"), ("evaluate",), ("models", "show", "live"),
        ("batch", "--out", "x.parquet"),
    ):  # fmt: skip
        assert "No model is live yet" in refusal(*command)
    assert not empty_home.exists()


# Bad input


@pytest.mark.parametrize(
    "command", [("recommend", "u001"), ("similar", "00001"), ("evaluate",), ("batch", "--out", "x")]
)
@pytest.mark.parametrize("k", ["0", "-1", "10001", str(MAX_K + 1), "ten", "2.5", "", "1e1"])
def test_a_bad_k_is_named_with_its_range(home: Path, command: tuple[str, ...], k: str) -> None:
    said = refusal(*command, "-k", k)
    assert f"from 1 to {MAX_K}" in said
    assert k in said


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("recommend", "nobody"), "No user 'nobody' in model"),
        (("recommend", ""), "No user '' in model"),
        (("recommend", "u001", "--category", "Bakry"), "No category 'Bakry' in model"),
        (("recommend", "u001", "--lane", "sideways"), "lane is 'sideways'; choose one of discover, again, all"),
        (("similar", "nothing"), "No item 'nothing' in model"),
        (("evaluate", "--model", "nothing"), "No model 'nothing'; there are:"),
        (("models", "show", "nothing"), "No model 'nothing'; there are:"),
        (("models", "promote", "nothing"), "No model 'nothing'; there are:"),
        (("models", "delete", "../datasets/small"), "No model '../datasets/small'"),
        (("dataset", "show", "nothing"), "No dataset 'nothing'; there are: small"),
        (("train", "--dataset", "nothing"), "No dataset 'nothing'; there are: small"),
        (("train", "--dataset", "small", "--preset", "huge"), "No preset 'huge'; choose one of fast, default, best"),
        (("train", "--dataset", "small", "--set", "components"), "write it as KEY=VALUE"),
        (("train", "--dataset", "small", "--set", "components=ten"), "components='ten' is not a whole number"),
        (
            ("train", "--dataset", "small", "--set", "components=1"),
            "components is 1; it must be a whole number between",
        ),
        (("train", "--dataset", "small", "--set", "colour=red"), "No hyperparameter 'colour'"),
        (("train", "--dataset", "small", "--seed", "-1"), "-1"),
        (("train", "--dataset", "small", "--set", "category_levels=aisle"), "No category level 'aisle'"),
        (("batch", "--out", "all.csv"), "all.csv does not end in .parquet"),
        (("batch", "--out", "no/such/folder/x.parquet"), "no/such/folder; make it first"),
        (("batch",), "--out"),
        (("recommend",), "USER"),
        (("serve", "--port", "65536"), "65536"),
        (("serve", "--port", "http"), "http"),
        (("serve", "--host", "no.such.host.example", "--port", "0"), "'no.such.host.example' is no address of this"),
    ],
)
def test_what_is_wrong_is_named(home: Path, arguments: tuple[str, ...], words: str) -> None:
    assert words in refusal(*arguments)


def test_text_from_people_is_printed_as_text(home: Path) -> None:
    assert "No user '[red]x[/red]' in model" in refusal("recommend", "[red]x[/red]")


def test_a_taken_port_is_named_with_a_free_one(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refusal("serve", "--port", str(port))
    assert f"Port {port} on 127.0.0.1 is taken by another program" in said
    free = re.search(r"--port (\d+)", said)
    assert free is not None
    assert int(free[1]) > port


@pytest.mark.parametrize("what", ["model", "dataset", "pointer"])
def test_damaged_files_are_named(own_home: Path, what: str) -> None:
    (model,) = (own_home / "models").iterdir()
    path = {
        "model": model / "item_embeddings.npy",
        "dataset": own_home / "datasets" / "small" / "events.parquet",
        "pointer": own_home / "live.json",
    }[what]
    path.write_bytes(path.read_bytes()[:-1])
    said = refusal(*(("evaluate",) if what == "dataset" else ("recommend", "u001")), code=1)
    assert path.name in said
    assert "damaged" in said


def test_a_home_that_is_a_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("INSIDER_HOME", str(tmp_path / "file"))
    assert f"INSIDER_HOME is {tmp_path / 'file'}, which is a file" in refusal("models")


def test_a_read_only_home_answers_and_refuses_to_write(trained_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with read_only_copy(trained_home) as home:
        monkeypatch.setenv("INSIDER_HOME", str(home))
        assert len(answer("recommend", "u001")["items"]) == 10
        assert len(answer("similar", "00001")["items"]) == 10
        assert answer("models")["live"]
        assert answer("dataset", "show", "small")["users"] == 120
        said = refusal("train", "--dataset", "small", *FAST)
        assert str(home) in said
        assert "permission" in said


def test_a_database_that_cannot_be_reached_is_named(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSIDER_DATABASE_URL", "postgresql+psycopg://me:secret@127.0.0.1:1/none")
    said = refusal("runs")
    assert "INSIDER_DATABASE_URL" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    "error, code, words",
    [
        (ZeroDivisionError("by nought"), 1, "Unexpected ZeroDivisionError: by nought"),
        (InsiderError("Something known."), 1, "Error: Something known."),
        (MemoryError(), 1, "MemoryError"),
        (KeyboardInterrupt(), 1, "Stopped."),
    ],
)
def test_whatever_happens_there_is_one_message(
    home: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, words: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Workspace, "load", fail)
    assert words in refusal("recommend", "u001", code=code)


# As a process


@pytest.fixture
def process(home: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def start(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "recsys", *arguments], cwd=PROJECT_ROOT, capture_output=True, text=True
        )

    return start


def test_as_a_process_it_says_the_same(
    process: Callable[..., subprocess.CompletedProcess[str]], live: Recommender
) -> None:
    done = process("recommend", "u001", "--json")
    assert done.returncode == 0
    assert done.stderr == ""
    assert json.loads(done.stdout) == json.loads(json.dumps(live.recommend("u001").to_dict()))
    wrong = process("recommend", "nobody", "--json")
    assert wrong.returncode == 2
    assert wrong.stdout == ""
    assert wrong.stderr.startswith("Error: No user 'nobody'")
    assert len(wrong.stderr.strip().splitlines()) == 1


def test_help_comes_without_the_heavy_libraries(process: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    code = (
        "import sys; from tests.commands import run; assert run('recommend', '--help').exit_code == 0; "
        "print([m for m in ('numpy', 'pandas', 'lightfm', 'scipy', 'umap', 'streamlit') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_full_disk_ends_with_one_and_the_reason(own_home: Path) -> None:
    """Exit code 1: a full disk is nobody's input."""
    code = (
        "import resource, runpy, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000)); "
        "sys.argv[:] = ['recsys', 'train', '--dataset', 'small', '--preset', 'fast']; "
        "runpy.run_module('recsys', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, env=dict(os.environ)
    )
    assert done.returncode == 1
    assert "space" in done.stderr
    assert "Traceback" not in done.stderr

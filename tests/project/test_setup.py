"""What `make` does before anything of ours is installed: one clear line where something is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from recsys.settings import PROJECT_ROOT

PREPARE = PROJECT_ROOT / ".ci" / "prepare"
NEEDED = ("bash", "env", "uname", "sed")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder of commands, to be the whole PATH: a machine where little is installed, and somebody who is not root."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in NEEDED:
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    add(folder, "id", "echo 1000")
    return folder


def add(folder: Path, name: str, script: str) -> None:
    (folder / name).unlink(missing_ok=True)
    (folder / name).write_text(f"#!/bin/bash\n{script}\n")
    (folder / name).chmod(0o755)


def prepare(path: Path | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({} if path is None else {"PATH": str(path)})
    return subprocess.run([str(PREPARE), *arguments], env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("arguments", [(), ("nothing",), ("venv",), ("venv", ""), ("chromium", "twice")])
def test_wrong_use_is_told_the_right_one(arguments: tuple[str, ...]) -> None:
    done = prepare(None, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: .ci/prepare venv FOLDER")


def test_a_missing_browser_is_said_in_one_line(bare: Path) -> None:
    done = prepare(bare, "chromium")
    assert done.returncode == 1
    assert done.stderr == "Missing, the browser of the tests: chromium. Install with: sudo apt-get install chromium\n"
    add(bare, "chromium", "")
    assert prepare(bare, "chromium").returncode == 0


def test_a_missing_compiler_is_said_where_lightfm_must_be_compiled(bare: Path, tmp_path: Path) -> None:
    python = tmp_path / "python"
    add(tmp_path, "python", 'case "$2" in *%d.%d*) echo 3.11;; *get_path*) echo /nowhere;; esac')
    done = prepare(bare, "venv", str(tmp_path / "venv"), str(python))
    assert done.returncode == 1
    assert done.stderr.endswith("Install with: sudo apt-get install gcc libc6-dev python3.11-dev\n")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "venv").exists()


def test_a_python_that_cannot_be_used_is_named(bare: Path, tmp_path: Path) -> None:
    for python in ("/no/such/python", "false"):
        done = prepare(bare, "venv", str(tmp_path / "venv"), python)
        assert done.returncode == 1
        assert done.stderr == f"PYTHON={python} is no Python 3.11 to 3.13 that runs; name another.\n"


def test_root_is_told_when_an_installation_fails(bare: Path) -> None:
    add(bare, "id", "echo 0")
    add(bare, "apt-get", "exit 100")
    done = prepare(bare, "chromium")
    assert done.returncode == 1
    assert (
        "Could not install chromium (the browser of the tests): install it by hand, then run make again." in done.stderr
    )


def test_root_gets_what_is_missing_installed(bare: Path, tmp_path: Path) -> None:
    add(bare, "id", "echo 0")
    add(bare, "apt-get", f'echo "$*" >> {tmp_path}/asked')
    assert prepare(bare, "chromium").returncode == 0
    assert "install -y -qq --no-install-recommends chromium" in (tmp_path / "asked").read_text()


@pytest.mark.parametrize(
    ("who", "apt", "said"),
    [
        (
            "1000",
            "",
            "Missing, for the tests on PostgreSQL: postgresql. Install with: sudo apt-get install postgresql\n",
        ),
        ("0", "exit 100", "Could not install postgresql (for the tests on PostgreSQL): install it by hand, "),
    ],
)
def test_a_server_that_cannot_be_had_is_named_and_stops_nothing(
    bare: Path, tmp_path: Path, who: str, apt: str, said: str
) -> None:
    add(bare, "id", f"echo {who}")
    add(bare, "apt-get", apt)
    done = prepare(bare, "postgresql", str(tmp_path / "nowhere"))
    assert done.returncode == 0
    assert done.stderr.startswith(said)
    assert done.stderr.endswith("Without it the tests on PostgreSQL are skipped.\n")


def test_a_server_is_installed_once(bare: Path, tmp_path: Path) -> None:
    add(bare, "id", "echo 0")
    add(bare, "apt-get", f'echo "$*" >> {tmp_path}/asked')
    assert prepare(bare, "postgresql", str(tmp_path / "versions")).returncode == 0
    assert "install -y -qq --no-install-recommends postgresql" in (tmp_path / "asked").read_text()
    (tmp_path / "asked").unlink()
    (tmp_path / "versions" / "15" / "bin").mkdir(parents=True)
    add(tmp_path / "versions" / "15" / "bin", "postgres", "")
    assert prepare(bare, "postgresql", str(tmp_path / "versions")).stdout == ""
    assert not (tmp_path / "asked").exists()


def test_an_environment_is_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "venv"
    base = getattr(sys, "_base_executable", sys.executable)
    for _ in range(2):
        assert prepare(None, "venv", str(folder), base).returncode == 0
        assert (folder / "bin" / "python").exists()
        (folder / "mark").touch()
    assert (folder / "mark").exists()
    done = subprocess.run([folder / "bin" / "python", "-c", "import pip, sys; print(sys.prefix)"], capture_output=True)
    assert done.stdout.decode().strip() == str(folder)


def test_make_says_what_it_can_do() -> None:
    done = subprocess.run(["make", "help"], cwd=PROJECT_ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    for target in ("make run", "make test", "make coverage", "make lint", "make lock", "make clean"):
        assert target in done.stdout


def test_make_hands_port_and_home_on() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "-n", "-o", ".venv/installed", "run", "PORT=8123", "HOST=0.0.0.0"],
        cwd=PROJECT_ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert "-m recsys serve --host 0.0.0.0 --port 8123" in done.stdout


def test_the_shell_scripts_are_sound() -> None:
    for script in (PREPARE, PROJECT_ROOT / ".ci" / "run"):
        assert subprocess.run(["bash", "-n", str(script)]).returncode == 0
        assert os.access(script, os.X_OK)

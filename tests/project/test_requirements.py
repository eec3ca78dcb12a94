"""What is installed where: a server needs no test tools, every package is pinned, the package can be built."""

import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from recsys.settings import PROJECT_ROOT

PROJECT = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]


def pins(name: str) -> dict[str, str]:
    """The entries of a requirements file by package: version, markers and hashes."""
    text = (PROJECT_ROOT / name).read_text()
    entries = re.split(r"\n(?=[A-Za-z0-9])", text)
    return {entry.partition("==")[0].lower(): entry.strip() for entry in entries if not entry.startswith("#")}


EVERYTHING, SERVER = pins("requirements.txt"), pins("requirements-server.txt")


def normalised(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match, requirement
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def test_a_server_gets_what_it_runs_with_in_the_same_versions() -> None:
    assert {"streamlit", "lightfm-next", "fastapi", "numpy", "umap-learn", "psycopg"} <= SERVER.keys()
    assert not SERVER.keys() & {"pytest", "mypy", "ruff", "playwright", "hypothesis", "implicit", "schemathesis"}
    assert len(SERVER) < len(EVERYTHING)
    for name, entry in SERVER.items():
        assert entry.partition(" ")[0] == EVERYTHING[name].partition(" ")[0], name


@pytest.mark.parametrize("file", [EVERYTHING, SERVER], ids=["requirements.txt", "requirements-server.txt"])
def test_every_entry_has_hashes(file: dict[str, str]) -> None:
    assert all("--hash=sha256:" in entry for entry in file.values())


def test_every_dependency_is_pinned() -> None:
    extras = PROJECT["optional-dependencies"]
    for requirement in [*PROJECT["dependencies"], *extras["dashboard"], *extras["postgres"]]:
        assert normalised(requirement) in SERVER, requirement
    for requirement in extras["test"]:
        assert normalised(requirement) in EVERYTHING, requirement


def test_the_built_package_holds_the_app_and_gives_the_command(tmp_path: Path) -> None:
    """Built, installed into an environment of its own beside the libraries of this one, and used far from here."""
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path)]
    subprocess.run([*build, str(PROJECT_ROOT)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("insider-*.whl")
    held = zipfile.ZipFile(wheel).namelist()
    assert {"recsys/py.typed", "recsys/_app/app.py", "recsys/_app/pages/main.py"} <= set(held)
    assert not [name for name in held if name.startswith(("tests/", "data/", "benchmarks/"))]

    venv.create(tmp_path / "env", with_pip=False)
    (site,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    (site / "libraries.pth").write_text(f"{libraries}\n")
    python = tmp_path / "env" / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("INSIDER_", "PYTHON"))}
    told = subprocess.run(
        [tmp_path / "env" / "bin" / "insider", "models", "--json"],
        cwd=elsewhere, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.replace(" ", "").replace("\n", "") == '{"live":null,"models":[]}'
    code = "import recsys, recsys.settings as s; print(recsys.__file__); print((s.APP_ROOT / 'app.py').is_file())"
    found = subprocess.run(
        [python, "-c", code], cwd=elsewhere, env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == [str(site / "recsys" / "__init__.py"), "True"]

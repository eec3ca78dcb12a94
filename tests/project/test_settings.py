"""Settings from the environment: what they mean, and what is refused by name."""

from pathlib import Path

import pytest

from recsys.errors import InvalidInput
from recsys.settings import DEFAULT_HOME, Settings


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("INSIDER_"):
            monkeypatch.delenv(name)


def test_defaults() -> None:
    found = Settings.from_environment()
    assert found.home == DEFAULT_HOME
    assert found.database_url == f"sqlite:///{DEFAULT_HOME / 'insider.sqlite'}"
    assert (found.api_key, found.scheduler) == (None, None)


def test_everything_can_be_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INSIDER_HOME", str(tmp_path))
    monkeypatch.setenv("INSIDER_DATABASE_URL", "postgresql+psycopg://db/insider")
    monkeypatch.setenv("INSIDER_API_KEY", "key")
    monkeypatch.setenv("INSIDER_SCHEDULER", "tcp://scheduler:8786")
    found = Settings.from_environment()
    assert (found.home, found.database_url) == (tmp_path, "postgresql+psycopg://db/insider")
    assert (found.api_key, found.scheduler) == ("key", "tcp://scheduler:8786")


def test_empty_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INSIDER_HOME", "INSIDER_DATABASE_URL", "INSIDER_API_KEY", "INSIDER_SCHEDULER"):
        monkeypatch.setenv(name, "")
    assert Settings.from_environment() == Settings.from_environment(DEFAULT_HOME)


def test_a_home_that_is_given_keeps_the_database_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("INSIDER_HOME", "/elsewhere")
    monkeypatch.setenv("INSIDER_DATABASE_URL", "postgresql+psycopg://db/insider")
    found = Settings.from_environment(tmp_path)
    assert (found.home, found.database_url) == (tmp_path, "postgresql+psycopg://db/insider")
    monkeypatch.delenv("INSIDER_DATABASE_URL")
    assert Settings.from_environment(tmp_path).database_url == f"sqlite:///{tmp_path / 'insider.sqlite'}"


def test_homes_are_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.setenv("INSIDER_HOME", "store")
    assert Settings.from_environment().home == tmp_path / "store"
    monkeypatch.setenv("INSIDER_HOME", "~/store")
    assert Settings.from_environment().home == tmp_path / "me" / "store"


def test_a_file_is_no_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("INSIDER_HOME", str(tmp_path / "file"))
    with pytest.raises(InvalidInput, match=r"INSIDER_HOME is .*file, which is a file; point it at a folder"):
        Settings.from_environment()


@pytest.mark.parametrize(
    "name, value",
    [
        ("INSIDER_RATE_LIMIT", "fast"),
        ("INSIDER_RATE_LIMIT", "-1"),
        ("INSIDER_RATE_LIMIT", "nan"),
        ("INSIDER_ANSWER_CACHE_MB", "much"),
        ("INSIDER_MAX_JOBS", "0"),
        ("INSIDER_MAX_JOBS", "two"),
        ("INSIDER_KEEP_MODELS", "-3"),
        ("INSIDER_CORS_ORIGINS", "shop.example"),
    ],
)
def test_values_that_cannot_be_used_are_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput, match=f"{name} .*'{value}'"):
        Settings.from_environment()

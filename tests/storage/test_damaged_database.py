"""A database that is no database, or holds rows that this program did not write: a problem in words, never a 500."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from recsys.api.app import create_api
from recsys.errors import Corrupted, InsiderError
from recsys.models.hyperparameters import Hyperparameters
from recsys.recommend.rules import Rules
from recsys.services.workbench.rule_sets import RuleSets
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.storage.api_keys import ApiKeyStore
from recsys.storage.database import utc_now
from recsys.storage.event_log import Event
from tests.homes import copy_home

ASKED = ("/v1/users/u001/recommendations", "/v1/users/u001/history", "/v1/users", "/v1/model", "/readyz", "/metrics")


def sql(statement: str) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        connection = sqlite3.connect(file)
        with connection:
            connection.execute(statement)
        connection.close()

    return damage


def bytes_of(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        for name in ("-wal", "-shm"):
            Path(f"{file}{name}").unlink(missing_ok=True)
        file.write_bytes(change(file.read_bytes()))

    return damage


def folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGES: dict[str, Callable[[Path], None]] = {
    "no database": bytes_of(lambda _: b"not a database at all" * 100),
    "empty": bytes_of(lambda _: b""),
    "first page gone": bytes_of(lambda old: old[:100] + bytes(4900) + old[5000:]),
    "later pages gone": bytes_of(lambda old: old[:4096] + bytes([7]) * (len(old) - 4096)),
    "a folder": folder,
    "progress": sql("UPDATE runs SET progress = '{bad'"),
    "time of a job": sql("UPDATE runs SET created = 'yesterday'"),
    "scopes of a key": sql("UPDATE api_keys SET scopes = 'x'"),
    "time of an event": sql("UPDATE events SET timestamp = 'never'"),
    "cut document": sql("UPDATE documents SET content = '{bad'"),
    "other document": sql("UPDATE documents SET content = '[1]'"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_database_is_a_problem_in_words(name: str, trained_home: Path, tmp_path: Path) -> None:
    home = Workspace(Settings.from_environment(copy_home(trained_home, tmp_path / "home")))
    home.event_log.append("small", [Event("one", "u001", "00001", utc_now())])
    home.job_store.create("train", "small", Hyperparameters().to_dict(), seed=0, promote=True)
    rules = RuleSets(home.database)
    rules.save("there", Rules())
    rules.serve("there")
    if name == "scopes of a key":
        ApiKeyStore(home.database).create("shop", ["read"])
    home.before_fork()
    DAMAGES[name](home.settings.home / "insider.sqlite")
    home = Workspace(home.settings)
    client = TestClient(create_api(home), base_url="http://127.0.0.1", client=("127.0.0.1", 1),
                        raise_server_exceptions=False)  # fmt: skip
    for path in ASKED:
        assert client.get(path).status_code in (200, 503), path
    sent = client.post("/v1/events", json={"events": [{"user_id": "u001", "item_id": "00001"}]})
    assert sent.status_code in (200, 503)
    assert client.get("/healthz").status_code == 200
    for look in (home.job_store.newest, ApiKeyStore(home.database).all, RuleSets(home.database).names):
        try:
            look()
        except InsiderError as error:
            assert "Traceback" not in str(error)


def test_what_is_wrong_with_a_row_is_said(tmp_path: Path) -> None:
    home = Workspace(Settings.from_environment(tmp_path / "home"))
    home.job_store.create("train", "small", Hyperparameters().to_dict(), seed=0, promote=False)
    sql("UPDATE runs SET created = 'yesterday'")(home.settings.home / "insider.sqlite")
    with pytest.raises(Corrupted, match="holds a row that cannot be read"):
        home.job_store.newest()

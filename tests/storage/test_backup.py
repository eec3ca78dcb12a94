"""A backup has every acknowledged event and answers as the home did; nothing damaged is put back, nothing lost."""

import json
import shutil
import signal
import sqlite3
import threading
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from benchmarks.kill import free_port, start_server, stop_server
from recsys.errors import Corrupted, InsiderError, InvalidInput, StorageProblem
from recsys.services.restore import restore
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.storage.backup import CONTENTS, DATABASE, check, take
from recsys.storage.event_log import Event
from tests.commands import run
from tests.homes import copy_home, everything_below

AT = datetime(2024, 7, 20, 12)


@pytest.fixture
def shop(trained_home: Path, tmp_path: Path) -> Workspace:
    found = Workspace(Settings.from_environment(copy_home(trained_home, tmp_path / "home")))
    found.event_log.append("small", [Event("1", "u002", "00001", AT), Event("2", "visitor", "00002", AT)])
    return found


def lists(workspace: Workspace) -> list[object]:
    answers = workspace.load()
    return [answers.recommend(user, k=10, explain=True).to_dict() for user in ("u001", "u002", "visitor")]


def test_a_restored_home_answers_the_same_lists(shop: Workspace, tmp_path: Path) -> None:
    before, folder = lists(shop), tmp_path / "new"
    environment = {"INSIDER_HOME": str(shop.settings.home)}
    told = json.loads(run("backup", str(tmp_path / "b.zip"), "--json", environment=environment).stdout)
    assert told["live"] == shop.live_id() and told["database"] and not told["left_out"]
    assert run("restore", str(tmp_path / "b.zip"), environment={"INSIDER_HOME": str(folder)}).exit_code == 0
    fresh = Workspace(Settings.from_environment(folder))
    assert lists(fresh) == before
    assert fresh.load().map is not None
    assert fresh.event_log.size("small") == shop.event_log.size("small")
    fresh.event_log.append("small", [Event("3", "u003", "00001", AT)])
    assert fresh.event_log.head("small").events > shop.event_log.head("small").events, (
        "numbers go on after the old ones"
    )


def test_every_event_acknowledged_before_a_backup_is_in_it(shop: Workspace, tmp_path: Path) -> None:
    acknowledged: list[str] = []
    end, begun = threading.Event(), threading.Event()

    def send() -> None:
        log, number = Workspace(shop.settings).event_log, 0
        while not end.is_set():
            number += 1
            log.append("small", [Event(f"e{number}", "u003", "00003", AT)])
            acknowledged.append(f"e{number}")
            begun.set()

    sender = threading.Thread(target=send)
    sender.start()
    try:
        for turn in range(3):
            begun.wait()
            expected = list(acknowledged)
            take(shop.store, shop.database, tmp_path / f"{turn}.zip")
            with zipfile.ZipFile(tmp_path / f"{turn}.zip") as archive:
                archive.extract(DATABASE, tmp_path / str(turn))
            with sqlite3.connect(tmp_path / str(turn) / DATABASE) as database:
                found = {row[0] for row in database.execute("SELECT key FROM events")}
            assert set(expected) <= found and expected
            begun.clear()
    finally:
        end.set()
        sender.join()
    assert len(acknowledged) > len(expected), "they went on arriving meanwhile"


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-200])


def _other(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "no backup")


def _climbing(file: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        contents = json.loads(archive.read(CONTENTS))
    contents["files"] = {"models/../../stolen": "0"}
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(CONTENTS, json.dumps(contents))
        archive.writestr("models/../../stolen", "x")


@pytest.mark.parametrize("damage, kind", [(_flip, Corrupted), (_cut, Corrupted), (_other, InvalidInput),
                                          (_climbing, InvalidInput)])  # fmt: skip
def test_what_is_no_whole_backup_is_refused_and_changes_nothing(
    shop: Workspace, tmp_path: Path, damage: Callable[[Path], None], kind: type[InsiderError]
) -> None:
    file = tmp_path / "b.zip"
    take(shop.store, shop.database, file)
    check(file)
    damage(file)
    target = Workspace(Settings.from_environment(tmp_path / "new"))
    with pytest.raises(kind, match=r"b\.zip"):
        restore(target, file)
    assert not everything_below(tmp_path / "new") and not (tmp_path / "stolen").exists()


def test_nothing_is_overwritten_without_a_word(shop: Workspace, tmp_path: Path) -> None:
    file, environment = tmp_path / "b.zip", {"INSIDER_HOME": str(shop.settings.home)}
    file.write_text("mine")
    refused = run("backup", str(file), environment=environment)
    assert refused.exit_code == 2 and "--overwrite" in refused.stderr and file.read_text() == "mine"
    assert run("backup", str(file), "--overwrite", environment=environment).exit_code == 0
    before = lists(shop)
    shop.event_log.append("small", [Event("later", "u001", "00005", AT)])
    refused = run("restore", str(file), environment=environment)
    assert refused.exit_code == 2 and "is not empty" in refused.stderr and "--overwrite" in refused.stderr
    with pytest.raises(StorageProblem, match="in use"):
        restore(Workspace(shop.settings), file, overwrite=True)
    shop.before_fork()
    assert run("restore", str(file), "--overwrite", environment=environment).exit_code == 0
    assert lists(Workspace(shop.settings)) == before
    assert not list(shop.settings.home.glob(".*"))


def test_a_damaged_version_is_left_out_and_named(shop: Workspace, tmp_path: Path) -> None:
    model = shutil.copytree(shop.store.home / "models" / str(shop.live_id()), shop.store.home / "models" / "broken")
    _flip(model / "item_embeddings.npy")
    found = take(shop.store, shop.database, tmp_path / "b.zip")
    assert "broken" not in found.folders["models"] and "models/broken" in found.left_out[0]


def test_with_another_database_it_says_what_it_covers(shop: Workspace, tmp_path: Path) -> None:
    environment = {"INSIDER_HOME": str(shop.settings.home),
                   "INSIDER_DATABASE_URL": "postgresql+psycopg://somebody:secret@127.0.0.1:1/away"}  # fmt: skip
    told = run("backup", str(tmp_path / "b.zip"), "--json", environment=environment)
    assert told.exit_code == 0 and "pg_dump" in told.stderr and "secret" not in told.output
    assert json.loads(told.stdout)["database"] is False
    again = run("restore", str(tmp_path / "b.zip"), environment=environment | {"INSIDER_HOME": str(tmp_path / "new")})
    assert again.exit_code == 0 and "pg_dump" in again.stderr
    assert (tmp_path / "new" / "live.json").exists()


def test_after_a_clean_stop_the_database_file_alone_has_every_event(shop: Workspace, tmp_path: Path) -> None:
    shop.before_fork()
    port = free_port()
    server = start_server(shop.settings.home, port)
    file = tmp_path / "copy.sqlite"
    reader = sqlite3.connect(str(shop.database.sqlite_file()))  # keeps the write-ahead log from going by itself
    try:
        reader.execute("SELECT count(*) FROM events").fetchone()
        events = [{"id": str(n), "user_id": "u005", "item_id": "00001"} for n in range(5)]
        httpx.post(f"http://127.0.0.1:{port}/v1/events", json={"events": events}).raise_for_status()
        stop_server(server, signal.SIGTERM)
        shutil.copy(str(shop.database.sqlite_file()), file)
    finally:
        reader.close()
    with sqlite3.connect(file) as copied:
        assert copied.execute("SELECT count(*) FROM events WHERE user_id = 'u005'").fetchone()[0] == 5


def test_what_is_forgotten_is_in_no_file_any_more(shop: Workspace) -> None:
    log = shop.event_log
    log.append("small", [Event(f"s{n}", "somebody-secret", "00001", AT) for n in range(300)],
               users={"somebody-secret": {"age": "45+"}})  # fmt: skip
    assert any(b"somebody-secret" in content for content in everything_below(shop.settings.home).values())
    assert log.forget("small", "somebody-secret") == 300
    left = [name for name, content in everything_below(shop.settings.home).items() if b"somebody-secret" in content]
    assert not left

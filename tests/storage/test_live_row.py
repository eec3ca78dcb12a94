"""What is live, where hosts share a home and a PostgreSQL: a row for each home, and `live.json` for what was known."""

import json
import logging
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from recsys.errors import InvalidInput, StorageProblem
from recsys.services.promotion import delete_model, promote, rollback
from recsys.services.restore import restore
from recsys.services.startup import put_right
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings
from recsys.storage import audit, live_row
from recsys.storage.backup import take
from recsys.storage.database import Database
from recsys.storage.tables import live as table
from recsys.utils.waiting import WouldWait, never_wait
from tests.homes import copy_home
from tests.postgres import database_of_its_own, needs_postgresql, server
from tests.services.test_startup import KILLED

pytestmark = needs_postgresql


@pytest.fixture
def database(url: str, request: pytest.FixtureRequest) -> str:
    return database_of_its_own(url, f"t{abs(hash(request.node.name))}")


@pytest.fixture
def folder(trained_home: Path, tmp_path: Path) -> Path:
    """A home that was on SQLite until now, with the versions `second` and `third` beside the live one."""
    found = copy_home(trained_home, tmp_path / "home")
    (found / "insider.sqlite").unlink()
    home = Workspace(Settings.from_environment(found))
    model = home.load().model
    for name in ("second", "third"):
        home.store.save_model(replace(model, id=name, manifest=model.manifest.with_facts(id=name, files={})))
    return found


def host(folder: Path, database: str) -> Workspace:
    return Workspace(replace(Settings.from_environment(folder), database_url=database))


def rows(database: str) -> list[tuple[str, str | None, list[str]]]:
    with Database(database).read() as connection:
        return [tuple(row) for row in connection.execute(sa.select(table.c.home, table.c.model, table.c.before))]


def file_of(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "live.json").read_text())
    return found


def test_an_old_home_is_taken_over_and_changes_are_seen_by_every_host(folder: Path, database: str) -> None:
    one, two = host(folder, database), host(folder, database)
    first = one.live_id()
    assert first is not None and two.live_id() == first and rows(database) == []
    promote(one, "second", who="Ann")
    identity = json.loads((folder / "home.json").read_text())["id"]
    assert rows(database) == [(identity, "second", [first])]
    assert file_of(folder) == {"model": "second", "before": [first]}
    two.store.pointer._known = None  # its answer is a second old by then; test_many_hosts waits for it
    assert two.live_id() == "second" and two.load().model.id == "second"
    promote(two, "third", instead_of="second")
    assert rollback(one) == "second"
    with pytest.raises(InvalidInput, match="made live in the meantime"):
        promote(two, "third", instead_of="third")
    assert rows(database) == [(identity, "second", [first])]
    told = [(x.action, x.subject, x.before) for x in audit.entries(one.database)]
    assert told == [("rollback", "second", "third"), ("promote", "third", "second"), ("promote", "second", first)]
    delete_model(two, first)
    assert rows(database) == [(identity, "second", [])] and not (folder / "live.intended.json").exists()
    assert Workspace(Settings.from_environment(folder)).live_id() == "second", "back on SQLite"


def test_homes_with_models_of_their_own_have_a_row_each(folder: Path, database: str, tmp_path: Path) -> None:
    one, two = host(folder, database), host(copy_home(folder, tmp_path / "other"), database)
    first = two.live_id()
    promote(one, "second")
    assert two.live_id() == first
    promote(two, "third")
    assert {model for _, model, _ in rows(database)} == {"second", "third"}
    assert (one.live_id(), two.live_id()) == ("second", "third")


def test_reading_asks_the_database_once_a_second_and_never_where_nothing_may_wait(
    folder: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = host(folder, database)
    promote(home, "second")
    assert home.live_id() == "second"
    asked: list[str] = []
    engine = home.database._connect()
    sa.event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    with never_wait():
        for _ in range(100):
            home.live_id()
    assert not asked
    monkeypatch.setattr(live_row, "FRESH_SECONDS", 0.0)
    with never_wait(), pytest.raises(WouldWait):
        home.live_id()
    home.live_id()
    assert len(asked) == 1
    with home.store.pointer._asking, never_wait():
        assert home.live_id() == "second", "while another thread asks, the last answer is given"


def test_the_last_answer_stays_while_the_database_is_away(
    trained_home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(live_row, "FRESH_SECONDS", 0.0)
    with server() as gone:
        home = host(folder, gone)
        promote(home, "second")
        assert home.live_id() == "second"
    for _ in range(3):
        assert home.live_id() == "second"
    with pytest.raises(StorageProblem):
        promote(home, "third")
    assert home.live_id() == "second" and file_of(folder)["model"] == "second"
    with caplog.at_level(logging.WARNING):
        assert host(folder, gone).live_id() == "second", "a start without the database"
    assert "live.json" in caplog.text
    assert home.store.pointer.read()[0] == "second"


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("action", ["promote", "rollback", "delete"])
def test_a_kill_within_a_change_leaves_all_of_it_or_nothing(
    folder: Path, database: str, action: str, moment: str
) -> None:
    home = host(folder, database)
    promote(home, "second" if action == "rollback" else "third")
    live, lines, before = home.live_id(), len(audit.entries(home.database)), rows(database)
    command = [sys.executable, "-c", KILLED, str(folder), action, moment]
    environment = os.environ | {"INSIDER_DATABASE_URL": database}
    assert subprocess.run(command, cwd=PROJECT_ROOT, check=False, env=environment).returncode == 9
    put_right(host(folder, database))
    deleted = action == "delete" and moment == "after"
    assert rows(database) == before and host(folder, database).live_id() == live
    assert len(audit.entries(home.database)) == lines + deleted
    assert ("second" in home.store.models()) is not deleted
    assert not (folder / "live.intended.json").exists()
    promote(home, str(home.store.earlier()))


def test_the_note_of_a_deletion_goes_when_its_line_is_stored_and_not_before(folder: Path, database: str) -> None:
    home = host(folder, database)
    promote(home, "second")
    note, pointer = folder / "live.intended.json", home.store.pointer
    line = audit.line("delete", "third", who="Ann")
    with pytest.raises(RuntimeError), pointer.changing(), pointer.transaction(home.database) as connection:
        pointer.intend(line)
        audit.write_line(connection, line)
        home.store.delete_model("third")
        pointer.settled()
        assert note.exists()
        raise RuntimeError("the connection is lost before the end")
    assert note.exists() and audit.entries(home.database)[0].action == "promote"
    put_right(host(folder, database))
    assert not note.exists()
    assert (audit.entries(home.database)[0].action, audit.entries(home.database)[0].subject) == ("delete", "third")


def test_many_threads_of_two_hosts_leave_a_log_that_tells_what_is_live(folder: Path, database: str) -> None:
    hosts = [host(folder, database) for _ in range(2)]

    def change(number: int) -> None:
        for turn in range(5):
            promote(hosts[number % 2], ("second", "third")[(turn + number) % 2])

    threads = [threading.Thread(target=change, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = audit.entries(hosts[0].database)
    assert len(lines) == 20
    assert [newer.before for newer in lines[:-1]] == [older.subject for older in lines[1:]]
    fresh = host(folder, database)
    assert fresh.live_id() == lines[0].subject == file_of(folder)["model"]


def test_a_backup_carries_what_is_live_into_a_new_home_and_back_into_its_own(
    folder: Path, database: str, tmp_path: Path
) -> None:
    home = host(folder, database)
    first = home.live_id()
    promote(home, "second")
    assert take(home.store, home.database, tmp_path / "b.zip").live == "second"
    new = host(tmp_path / "new", database)
    restore(new, tmp_path / "b.zip")
    assert host(tmp_path / "new", database).live_id() == "second"
    promote(home, "third")
    restore(home, tmp_path / "b.zip", overwrite=True)
    back = host(folder, database)
    assert back.live_id() == "second" and back.store.live()[1] == [first]
    promote(back, "third")
    assert host(folder, database).live_id() == "third" and host(tmp_path / "new", database).live_id() == "second"

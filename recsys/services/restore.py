"""Putting a backup into a home: unpacked beside what is there, checked, and only then put in its place."""

import shutil
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

from recsys.access import require
from recsys.errors import InvalidInput, StorageProblem
from recsys.services.workspace import Workspace
from recsys.storage.artifacts import readable_errors, sync
from recsys.storage.backup import DATABASE, POINTER, Backup, unpack
from recsys.storage.database import Database
from recsys.storage.jobs import JobStore
from recsys.storage.live_row import IDENTITY
from recsys.storage.store import KINDS

POSTGRES = (
    "The database is no SQLite file, so it is not part of a backup: events, jobs, trainings, rule sets, keys and the "
    "audit log are in it. Copy and restore it with its own tools (pg_dump, pg_restore)."
)


def restore(workspace: Workspace, file: Path, *, overwrite: bool = False) -> Backup:
    """Put what a backup holds into the home.

    Raises:
        InvalidInput: the home is not empty and `overwrite` is not given; the file is no backup, or holds an SQLite
            database where the settings name another one.
        Corrupted: the file is damaged; nothing was changed.
        StorageProblem: no room, or somebody uses the home.
    """
    require("admin", "Restoring a backup")
    store, database = workspace.store, workspace.database
    there = [kind for kind in KINDS if store.names(kind)]
    target = database.sqlite_file()
    used = target is not None and Path(target).exists()
    if (there or used or store.live()[0]) and not overwrite:
        raise InvalidInput(
            f"{store.home} is not empty. Restore into an empty home (INSIDER_HOME=/new/folder), or say --overwrite: "
            "what is there is then deleted."
        )
    with readable_errors(store.home):
        store.home.mkdir(parents=True, exist_ok=True)
        aside = store.home / f".restoring-{uuid.uuid4().hex}"
        try:
            found = unpack(file, aside)
            if found.database and target is None:
                raise InvalidInput(
                    f"{file} holds an SQLite database, and INSIDER_DATABASE_URL names another kind of database. Unset "
                    "it, or let it name an SQLite file."
                )
            workspace.before_fork()
            with store.pointer.unchanged():
                if used and target is not None:
                    _check_unused(Path(target))
                _put(aside, store.home, Path(target) if found.database and target is not None else None)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    if found.database:
        fresh = Database(workspace.settings.database_url)
        JobStore(fresh).end_all("The backup was taken while this ran.")
        fresh.close()
    return found


def _put(aside: Path, home: Path, database: Path | None) -> None:
    """Put the unpacked parts in their places; the live pointer last, so that a home that is not whole has none."""
    (home / POINTER).unlink(missing_ok=True)
    (home / "live.intended.json").unlink(missing_ok=True)
    (home / IDENTITY).unlink(missing_ok=True)  # what a database server says is live was live in the home before
    for kind in KINDS:
        if (home / kind).exists():
            (home / kind).rename(aside / f"before-{kind}")
        if (aside / kind).exists():
            (aside / kind).rename(home / kind)
    if database is not None:
        database.parent.mkdir(parents=True, exist_ok=True)
        for ending in ("-wal", "-shm"):
            database.with_name(database.name + ending).unlink(missing_ok=True)
        shutil.move(aside / DATABASE, database)
        sync(database.parent)
    if (aside / POINTER).exists():
        (aside / POINTER).rename(home / POINTER)
    sync(home)


def _check_unused(database: Path) -> None:
    """StorageProblem while any process has the database open: it would go on with a file that is gone."""
    try:
        with closing(sqlite3.connect(database, timeout=1.0, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")  # possible for the only connection alone
    except sqlite3.OperationalError as error:
        raise StorageProblem(
            f"{database.parent} is in use ({error}). Stop the server and its jobs, then restore again. "
            "Nothing was changed."
        ) from error
    except sqlite3.DatabaseError:
        return  # damaged: that is why it is replaced

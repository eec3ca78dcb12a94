"""Copies of homes, for benchmarks and tests that change them."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path


def copy_home(home: Path, target: Path) -> Path:
    """Copy a home with its database as it stands at this moment.

    The database is copied through SQLite: a process that opens and closes such a file by itself gives up the locks
    that it holds on it (https://www.sqlite.org/howtocorrupt.html, 2.2), and loses the database under its hands.
    """
    shutil.copytree(home, target, ignore=shutil.ignore_patterns("*.sqlite", "*.sqlite-wal", "*.sqlite-shm"))
    for file in home.glob("*.sqlite"):
        with closing(sqlite3.connect(file)) as old, closing(sqlite3.connect(target / file.name)) as new:
            old.backup(new)
    return target

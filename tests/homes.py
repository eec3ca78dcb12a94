"""Copies of homes: to change, or that cannot be written (for root and for everybody else)."""

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

NOBODY = 65534


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


@contextmanager
def read_only_copy(home: Path) -> Iterator[Path]:
    """A copy of a home that may be read and not written, for this process and those it starts.

    Root may write everywhere, so root becomes somebody else until the block ends.
    """
    folder = Path(tempfile.mkdtemp(prefix="insider-read-only-"))
    copy = folder / "home"
    copy_home(home, copy) if home.exists() else copy.mkdir()
    subprocess.run(["chmod", "-R", "a+rX,a-w", str(folder)], check=True)
    was_root = os.geteuid() == 0
    if was_root:
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
    try:
        yield copy
    finally:
        if was_root:
            os.seteuid(0)
            os.setegid(0)
        subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)
        shutil.rmtree(folder)


def everything_below(folder: Path) -> dict[str, bytes]:
    """Path and content of every file, to see that nothing was changed or left behind."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

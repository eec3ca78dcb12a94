"""Copies of homes: to change, or that cannot be written (for root and for everybody else)."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from benchmarks._homes import copy_home

__all__ = ["copy_home", "everything_below", "gave_up_locks", "read_only_copy"]

NOBODY = 65534


def gave_up_locks(home: Path) -> bool:
    """Whether this process has a home's database open and no lock on it any more, as Linux tells; see `copy_home`."""
    file = home / "insider.sqlite"
    if not file.exists() or not _locks_are_told():
        return False
    opened = any(os.path.realpath(entry) == str(file) for entry in Path("/proc/self/fd").iterdir())
    return opened and not _locked(file)


def _locked(file: Path) -> bool:
    marks = f":{file.stat().st_ino} ", f" {os.getpid()} "
    return any(all(mark in line for mark in marks) for line in Path("/proc/locks").read_text().splitlines())


@cache
def _locks_are_told() -> bool:
    """Whether this system tells which locks a process holds; tried on one."""
    if not Path("/proc/locks").exists():
        return False
    with tempfile.NamedTemporaryFile() as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        return _locked(Path(file.name))


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

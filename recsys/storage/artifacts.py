"""Folders of one home, each written whole or not at all and checked when it is read.

A folder is written beside its place and renamed into it; its manifest holds the SHA-256 of every file.
"""

import ctypes
import errno
import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.errors import Corrupted, InvalidInput, NotFound, StorageProblem

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
SWEEP_SECONDS = 3600.0
LEFTOVERS = ("*/.writing-*", "*/.deleted-*", ".live-*", ".restoring-*")
"""What writers that were killed leave in a home."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")

_HERE, _RENAME_EXCHANGE = -100, 2
"""AT_FDCWD and RENAME_EXCHANGE of Linux's renameat2."""

Write = Callable[[Path], None]
"""Writes one file to the path that it is given."""

T = TypeVar("T")


class ArtifactFolders:
    """KIND/NAME/ below one home.

    `what` in the methods is the word for a folder of that kind in messages.
    """

    def __init__(self, home: Path) -> None:
        self.home = home

    def names(self, kind: str) -> list[str]:
        """Those there are of a kind, in alphabetical order."""
        folder = self.home / kind
        if not folder.is_dir():
            return []
        return sorted(x.name for x in folder.iterdir() if not x.name.startswith(".") and (x / MANIFEST).exists())

    def write(self, kind: str, name: str, manifest: Mapping[str, Any], files: Mapping[str, Write]) -> None:
        """Write a folder; one of the same name is replaced in one step."""
        check_name(name)
        final = self.home / kind / name
        write_id = uuid.uuid4().hex
        aside = final.with_name(f".writing-{write_id}")
        with readable_errors(self.home):
            try:
                aside.mkdir(parents=True)
                for file, write in files.items():
                    write(aside / file)
                    sync(aside / file)
                checked = {
                    **manifest,
                    "format_version": FORMAT_VERSION,
                    "write_id": write_id,
                    "files": {f: _sha256(aside / f) for f in files},
                }
                checked["checksum"] = _checksum(checked)
                (aside / MANIFEST).write_text(_text(checked))
                sync(aside / MANIFEST)
                if final.exists():
                    _exchange(aside, final)
                else:
                    aside.rename(final)
                sync(final.parent)
            finally:
                shutil.rmtree(aside, ignore_errors=True)

    def remove(self, kind: str, name: str) -> None:
        """Remove a folder in one step, also a damaged one."""
        aside = self.home / kind / f".deleted-{uuid.uuid4().hex}"
        with readable_errors(self.home):
            (self.home / kind / name).rename(aside)
        shutil.rmtree(aside, ignore_errors=True)

    def sweep(self, older_than: float = SWEEP_SECONDS) -> None:
        """Remove what writers that were killed have left beside the stored folders."""
        limit = time.time() - older_than
        for left in (path for pattern in LEFTOVERS for path in self.home.glob(pattern)):
            with suppress(OSError):
                if left.stat().st_mtime < limit:
                    shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()

    def folder(self, kind: str, name: str, what: str) -> Path:
        """Where it is; NotFound when there is none."""
        if name not in self.names(kind):
            there = ", ".join(self.names(kind)) or "none"
            raise NotFound(f"No {what} {name!r}; there are: {there}.")
        return self.home / kind / name

    def manifest(self, kind: str, name: str, what: str) -> dict[str, Any]:
        """What its manifest says; NotFound or Corrupted when that cannot be known."""
        path = self.folder(kind, name, what) / MANIFEST
        try:
            text = path.read_text()
            manifest: dict[str, Any] = json.loads(text)
            intact = manifest.get("checksum") == _checksum(manifest)
            # the last digits of a number can change without changing it; later versions may write differently
            intact = intact and (manifest["format_version"] > FORMAT_VERSION or text == _text(manifest))
        except (ValueError, AttributeError):
            intact = False
        if not intact:
            raise Corrupted(f"{what.capitalize()} {name!r} is damaged: {path} was changed or cut short.")
        if manifest["format_version"] > FORMAT_VERSION:
            raise Corrupted(f"{what.capitalize()} {name!r} was written by a newer version of this program.")
        return manifest

    def read(self, kind: str, name: str, what: str, build: Callable[[Path, Mapping[str, Any]], T]) -> T:
        """Check every file and build from them; anew when the folder was replaced by another while that was done."""
        while True:
            manifest = self.manifest(kind, name, what)
            try:
                folder = self._checked(kind, name, what, manifest)
                built = build(folder, manifest)
            except (Corrupted, OSError, ValueError):
                if self.manifest(kind, name, what)["checksum"] == manifest["checksum"]:
                    raise
            else:
                if self.manifest(kind, name, what)["checksum"] == manifest["checksum"]:
                    return built

    def _checked(self, kind: str, name: str, what: str, manifest: Mapping[str, Any]) -> Path:
        folder = self.home / kind / name
        for file, expected in manifest["files"].items():
            path = folder / file
            if not path.exists():
                raise Corrupted(f"{what.capitalize()} {name!r} is damaged: {path} is missing.")
            if _sha256(path) != expected:
                raise Corrupted(f"{what.capitalize()} {name!r} is damaged: {path} was changed or cut short.")
        return folder


def check_name(name: str) -> str:
    """A name that can be a folder, as it is; InvalidInput otherwise."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"{name!r} is no name for a folder: use letters, digits, dot, dash and underscore.")
    return name


@contextmanager
def readable_errors(home: Path) -> Iterator[None]:
    """Turns an operating system's refusal to write into words."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            mend = "there is no space left; free some, or point INSIDER_HOME elsewhere"
        elif error.errno in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR):
            mend = "it is read-only; change its permissions, or point INSIDER_HOME elsewhere"
        else:
            mend = f"{error.strerror or error}; check the disk, or point INSIDER_HOME elsewhere"
        raise StorageProblem(f"Cannot write below {home}: {mend}. Nothing was changed.") from error


def npy_writer(array: NDArray[Any]) -> Write:
    """Writes an array, without pickle."""

    def write(path: Path) -> None:
        with path.open("wb") as file:  # through Python: numpy's own way does not say why a disk takes no more
            np.save(SimpleNamespace(write=file.write), array, allow_pickle=False)

    return write


def parquet_writer(table: pd.DataFrame) -> Write:
    """Writes a table."""
    return lambda path: table.to_parquet(path, index=False)


def mover(source: Path) -> Write:
    """Moves a file that is there already."""

    def move(path: Path) -> None:
        source.replace(path)

    return move


def _exchange(aside: Path, final: Path) -> None:
    """Swap two folders in one step, so that a reader (and a crash) finds the old one or the new one.

    Linux can do that; elsewhere the old one is moved away first, and a crash in between leaves it beside its place.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    with suppress(AttributeError):  # not Linux, or an old C library
        if libc.renameat2(_HERE, os.fsencode(aside), _HERE, os.fsencode(final), _RENAME_EXCHANGE) == 0:
            return
    old = final.with_name(f".deleted-{uuid.uuid4().hex}")
    final.rename(old)
    aside.rename(final)
    old.rename(aside)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _text(manifest: Mapping[str, Any]) -> str:
    """A manifest as it is written."""
    return json.dumps(manifest, indent=1, ensure_ascii=False)


def _checksum(manifest: Mapping[str, Any]) -> str:
    """SHA-256 of everything in the manifest but this checksum itself."""
    rest = {key: value for key, value in manifest.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

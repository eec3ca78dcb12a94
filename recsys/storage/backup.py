"""A copy of a home in one file: taken while it is served, checked against checksums, restored into another home.

The file is a ZIP archive: `backup.json` with the SHA-256 of every other entry, `database.sqlite`, `live.json`, and the
folders of datasets, models, maps, quality reports and baselines as `recsys.storage.store` has them.
"""

import hashlib
import json
import sqlite3
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from recsys.errors import Corrupted, InvalidInput, NotFound, StorageProblem
from recsys.storage.artifacts import MANIFEST, readable_errors, sync
from recsys.storage.database import Database, storage_problem, utc_now
from recsys.storage.store import KINDS, Store

FORMAT = 1
CONTENTS, DATABASE, POINTER = "backup.json", "database.sqlite", "live.json"
_PIECE = 1 << 20


@dataclass(frozen=True)
class Backup:
    """What one backup holds.

    Attributes:
        created: when it was taken, in UTC.
        live: id of the version that was live, or None.
        folders: kind to the names of its folders.
        files: entry of the archive to its SHA-256.
        database: whether the database is in it.
        left_out: what is not in it although it is in the home, and why, in words.
    """

    created: str
    live: str | None
    folders: Mapping[str, list[str]]
    files: Mapping[str, str]
    database: bool
    left_out: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return vars(self) | {"left_out": list(self.left_out)}


def take(store: Store, database: Database, file: Path, *, overwrite: bool = False) -> Backup:
    """Write a backup; the home may be served and changed meanwhile.

    The database, the live pointer and the names of what is stored are those of one moment, at which nothing is
    promoted or deleted; every event that was acknowledged before is in it. Folders never change, so they are read
    afterwards, and each is checked against its manifest. The written file is read again and checked as a whole before
    it gets its name.

    Raises:
        InvalidInput: there is such a file already, or no such folder.
        StorageProblem: no room, or the database cannot be read.
    """
    if file.exists() and not overwrite:
        raise InvalidInput(f"{file} exists already; name another file, or say --overwrite to replace it.")
    if not file.absolute().parent.is_dir():
        raise InvalidInput(f"There is no folder {file.absolute().parent}; make it, or name another one.")
    aside = file.with_name(f".{file.name}-{uuid.uuid4().hex}")
    copy = aside.with_name(f"{aside.name}.sqlite")
    with readable_errors(file.absolute().parent):
        try:
            with zipfile.ZipFile(aside, "w") as archive:
                writer = _Writer(archive)
                with store.pointer.unchanged():
                    folders = {kind: store.names(kind) for kind in KINDS}
                    live, before = store.live()
                    if live or before:
                        writer.text(POINTER, json.dumps({"model": live, "before": before}))
                    has_database = _copy_database(database, copy)
                if has_database:
                    with copy.open("rb") as source:
                        writer.stream(DATABASE, source, compress=True)
                for kind, names in folders.items():
                    folders[kind] = [name for name in names if writer.folder(store, kind, name)]
                found = Backup(
                    f"{utc_now():%Y-%m-%dT%H:%M:%SZ}", live, folders, writer.files, has_database, tuple(writer.left_out)
                )
                archive.writestr(CONTENTS, json.dumps({"format": FORMAT} | found.to_dict(), indent=1))
            sync(aside)
            check(aside)
            aside.replace(file)
            sync(file.absolute().parent)
        finally:
            aside.unlink(missing_ok=True)
            copy.unlink(missing_ok=True)
    return found


def check(file: Path) -> Backup:
    """What a backup holds, after every byte of it was compared with its checksum.

    Raises:
        InvalidInput: no such file, or it is no backup.
        Corrupted: it was changed or cut short; names the entry.
    """
    with _opened(file) as (archive, found):
        for name, expected in found.files.items():
            with _entry(archive, name, file) as source:
                if _sha256(source) != expected:
                    raise Corrupted(f"{file} is damaged: {name} in it was changed. Use another backup.")
    return found


def unpack(file: Path, folder: Path) -> Backup:
    """Write what a backup holds below a folder, checking every byte; raises as `check`."""
    with _opened(file) as (archive, found):
        for name, expected in found.files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with _entry(archive, name, file) as source, target.open("wb") as out:
                if _sha256(source, out) != expected:
                    raise Corrupted(f"{file} is damaged: {name} in it was changed. Use another backup.")
            sync(target)
    return found


class _Writer:
    """Adds files to an archive, and notes their checksums and what could not be added."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.files: dict[str, str] = {}
        self.left_out: list[str] = []

    def text(self, name: str, text: str) -> None:
        self._archive.writestr(name, text)
        self.files[name] = hashlib.sha256(text.encode()).hexdigest()

    def stream(self, name: str, source: IO[bytes], *, compress: bool = False) -> str:
        """Add a file; gives its SHA-256."""
        entry = zipfile.ZipInfo(name)
        entry.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
        with self._archive.open(entry, "w", force_zip64=True) as out:
            self.files[name] = _sha256(source, out)
        return self.files[name]

    def folder(self, store: Store, kind: str, name: str) -> bool:
        """Add a stored folder, checked against its manifest; whether it is there and whole."""
        place = f"{kind}/{name}"
        try:
            files = store.checked_files(kind, name)
        except NotFound:
            self.left_out.append(f"{place}: it was deleted meanwhile.")
            return False
        except Corrupted as error:
            self.left_out.append(f"{place}: {error}")
            return False
        # Opened together: what is open stays as it is, also when the folder is replaced or deleted meanwhile.
        for path, source in files.items():
            with source:
                self.stream(f"{place}/{path}", source, compress=path == MANIFEST)
        return True


def _copy_database(database: Database, target: Path) -> bool:
    """Copy an SQLite database as it is at this moment, through SQLite itself; False for any other, or none."""
    source = database.sqlite_file()
    if source is None or not database.exists():
        return False
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)
            verdict = new.execute("PRAGMA quick_check").fetchone()[0]
            new.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise storage_problem(database.url, error) from error
    if verdict != "ok":
        raise Corrupted(f"The database is damaged ({verdict}); a copy of it would be too.")
    return True


@contextmanager
def _opened(file: Path) -> Iterator[tuple[zipfile.ZipFile, Backup]]:
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive, _contents(archive, file)
    except FileNotFoundError:
        raise InvalidInput(f"There is no file {file}.") from None
    except zipfile.BadZipFile as error:
        raise Corrupted(f"{file} is no backup, or it was cut short: {error}.") from error
    except OSError as error:
        raise StorageProblem(f"Cannot read {file}: {error.strerror or error}.") from error


def _contents(archive: zipfile.ZipFile, file: Path) -> Backup:
    try:
        given = json.loads(archive.read(CONTENTS))
        number = given.pop("format")
        found = Backup(**given | {"left_out": tuple(given["left_out"])})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(f"{file} is no backup of this program: it holds no {CONTENTS} that can be read.") from error
    if number > FORMAT:
        raise InvalidInput(f"{file} was written by a newer version of this program.")
    for name in found.files:
        parts = name.split("/")
        stored = len(parts) == 3 and parts[0] in KINDS and not any(x in ("", ".", "..") or "\\" in x for x in parts)
        if not stored and name not in (DATABASE, POINTER):
            raise InvalidInput(f"{file} is no backup of this program: {name!r} has no place in a home.")
    return found


@contextmanager
def _entry(archive: zipfile.ZipFile, name: str, file: Path) -> Iterator[IO[bytes]]:
    try:
        with archive.open(name) as source:
            yield source
    except (KeyError, EOFError) as error:
        raise Corrupted(f"{file} is damaged: {name} is missing in it. Use another backup.") from error


def _sha256(source: IO[bytes], out: IO[bytes] | None = None) -> str:
    found = hashlib.sha256()
    while piece := source.read(_PIECE):
        found.update(piece)
        if out is not None:
            out.write(piece)
    return found.hexdigest()

"""Which version is live, and which were before it: one small file that changes in one step."""

import json
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from recsys.errors import Corrupted, StorageProblem
from recsys.storage.artifacts import readable_errors, sync

if TYPE_CHECKING:
    import sqlalchemy as sa

    from recsys.storage.database import Database

Live = tuple[str | None, tuple[str, ...]]
"""The live version, and those that were live before it, newest first."""


class LivePointer:
    """`live.json` in a home: {"model": ID, "before": [IDs that were live earlier, newest first]}.

    `live.intended.json` beside it is there while a change is under way, with the line of the audit log that belongs to
    it: who is killed in between leaves it, and the next one can tell what happened.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._intended = home / "live.intended.json"
        self._pointer = str(home / "live.json")
        self._live: tuple[tuple[int, ...], str | None, tuple[str, ...]] | None = None

    def read(self) -> tuple[str | None, list[str]]:
        """The live version, and those that were live before it, newest first. Read again only when it has changed."""
        try:
            status = os.stat(self._pointer)  # noqa: PTH116  asked for every answer
            # the pointer is replaced as a whole, by another file
            seen = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)
            if self._live is None or self._live[0] != seen:
                pointer = json.loads((self.home / "live.json").read_text())
                self._live = seen, pointer["model"], tuple(pointer["before"])
            return self._live[1], list(self._live[2])
        except (FileNotFoundError, NotADirectoryError):
            return None, []
        except OSError as error:
            raise StorageProblem(f"Cannot read {self._pointer}: {error.strerror}. Check its permissions.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise Corrupted(f"{self.home / 'live.json'} is damaged; promote a model again.") from error

    @contextmanager
    def changing(self) -> Iterator[None]:
        """One process at a time decides what is live; the others wait. The lock goes with the process that holds it."""
        with ExitStack() as held:
            with readable_errors(self.home):
                self.home.mkdir(parents=True, exist_ok=True)
                held.enter_context(FileLock(self.home / "live.lock"))
            yield

    def unchanged(self) -> AbstractContextManager[None]:
        """While this block runs nobody promotes or deletes."""
        return self.changing()

    @contextmanager
    def transaction(self, database: "Database") -> "Iterator[sa.Connection]":
        """The transaction in which a change and its line of the audit log are written, within `changing`."""
        with database.begin() as connection:
            yield connection

    def write(self, model_id: str | None, before: Sequence[str]) -> None:
        """Point to a version; a reader sees the old pointer or the new one."""
        self._put(self.home / "live.json", {"model": model_id, "before": list(before)})

    def intend(self, line: Mapping[str, Any]) -> None:
        """Note, before a change, which line of the audit log belongs to it."""
        self._put(self._intended, line)

    def intended(self) -> dict[str, Any] | None:
        """The note of a change that is under way, or that was not finished; None without one."""
        try:
            found: dict[str, Any] = json.loads(self._intended.read_text())
        except (OSError, ValueError):
            return None
        return found

    def settled(self) -> None:
        """Remove the note: the change and its line are stored, or neither is."""
        with readable_errors(self.home):
            self._intended.unlink(missing_ok=True)

    def _put(self, file: Path, content: Mapping[str, Any]) -> None:
        aside = self.home / f".live-{uuid.uuid4().hex}"
        with readable_errors(self.home):
            try:
                aside.write_text(json.dumps(content))
                sync(aside)
                aside.replace(file)
                sync(self.home)
            finally:
                aside.unlink(missing_ok=True)

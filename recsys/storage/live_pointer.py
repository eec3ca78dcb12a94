"""Which version is live, and which were before it: one small file that changes in one step."""

import fcntl
import json
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from recsys.errors import Corrupted, StorageProblem
from recsys.storage.artifacts import readable_errors, sync


class LivePointer:
    """`live.json` in a home: {"model": ID, "before": [IDs that were live earlier, newest first]}."""

    def __init__(self, home: Path) -> None:
        self.home = home
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
        with readable_errors(self.home):
            self.home.mkdir(parents=True, exist_ok=True)
            lock = (self.home / "live.lock").open("a")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def write(self, model_id: str | None, before: Sequence[str]) -> None:
        """Point to a version; a reader sees the old pointer or the new one."""
        pointer = self.home / "live.json"
        aside = pointer.with_name(f".live-{uuid.uuid4().hex}")
        with readable_errors(self.home):
            try:
                aside.write_text(json.dumps({"model": model_id, "before": list(before)}))
                sync(aside)
                aside.replace(pointer)
            finally:
                aside.unlink(missing_ok=True)

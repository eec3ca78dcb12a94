"""The folder in which one import, or one training on a cluster, keeps what it is working on."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from recsys.storage.artifacts import readable_errors
from recsys.utils.processes import process_alive, process_identity

WORK = "importing"


def sweep(home: Path) -> None:
    """Remove what those that were killed have left."""
    for left in (home / WORK).glob("*"):
        if not process_alive(left.name.partition("_")[0]):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def work_folder(home: Path) -> Iterator[Path]:
    """A folder below the home; it is gone with the block."""
    sweep(home)
    folder = home / WORK / f"{process_identity(os.getpid())}_{uuid.uuid4().hex[:8]}"
    with readable_errors(home):
        folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            folder.parent.rmdir()

"""The folder in which one import, or one training on a cluster, keeps what it is working on."""

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from recsys.storage.artifacts import readable_errors
from recsys.utils.processes import is_of_this_host, process_alive, process_of_host

WORK = "importing"
OTHER_HOST_SECONDS = 24 * 3600.0
"""Where several hosts share a home, none can tell whether a process of another one lives."""


def sweep(home: Path) -> None:
    """Remove what those that were killed have left; of those of other hosts, what is a day old."""
    for left in (home / WORK).glob("*"):
        process = left.name.rpartition("_")[0]
        with suppress(OSError):
            if is_of_this_host(process):
                over = not process_alive(process.rpartition("@")[0] if process.count("@") > 1 else process)
            else:
                over = time.time() - left.stat().st_mtime > OTHER_HOST_SECONDS
            if over:
                shutil.rmtree(left, ignore_errors=True)


@contextmanager
def work_folder(home: Path) -> Iterator[Path]:
    """A folder below the home; it is gone with the block."""
    sweep(home)
    folder = home / WORK / f"{process_of_host(os.getpid())}_{uuid.uuid4().hex[:8]}"
    with readable_errors(home):
        folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            folder.parent.rmdir()

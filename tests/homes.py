"""Homes that cannot be written, for tests of what is said then; they work for root and for everybody else."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def read_only_copy(home: Path) -> Iterator[Path]:
    """A copy of a home that may be read and not written, for this process and those it starts.

    Root may write everywhere, so root becomes somebody else until the block ends.
    """
    folder = Path(tempfile.mkdtemp(prefix="insider-read-only-"))
    copy = folder / "home"
    shutil.copytree(home, copy) if home.exists() else copy.mkdir()
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

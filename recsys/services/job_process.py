"""Starting and stopping the process that works on a run, apart from whoever asked for it."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from recsys.errors import StorageProblem
from recsys.settings import PROJECT_ROOT, Settings
from recsys.utils.processes import process_identity

STARTED_BY = "RECSYS_STARTED_BY"
"""In the environment of a job's process: the process that a person started, whatever jobs lie between."""


def launch(run_id: int, settings: Settings) -> int:
    """Start the process of a run, with its output in `logs/run-ID.log`; gives its process id."""
    logs = settings.home / "logs"
    environment = {STARTED_BY: process_identity(os.getpid())} | dict(os.environ)
    environment |= {"INSIDER_HOME": str(settings.home), "INSIDER_DATABASE_URL": settings.database_url}
    try:
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / f"run-{run_id}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "recsys.services.worker", str(run_id)],
                cwd=PROJECT_ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
    except OSError as error:
        raise StorageProblem(f"Cannot start a job with its log in {logs}: {error.strerror or error}.") from error
    return process.pid


def stop(pid: int) -> None:
    """Ask the process of a run to end; it stores that it was cancelled."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)


def kill(pid: int) -> None:
    """End a process that did not end when it was asked to."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def is_ours(pid: int) -> bool:
    """Whether the process of a job goes back to this process; False as well where there is no /proc."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"{STARTED_BY}={process_identity(os.getpid())}".encode() in environment

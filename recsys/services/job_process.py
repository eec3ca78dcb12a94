"""Starting and stopping the process that works on a run, apart from whoever asked for it."""

import os
import signal
import subprocess
import sys

from recsys.errors import StorageProblem
from recsys.settings import PROJECT_ROOT, Settings


def launch(run_id: int, settings: Settings) -> int:
    """Start the process of a run, with its output in `logs/run-ID.log`; gives its process id."""
    logs = settings.home / "logs"
    environment = os.environ | {"INSIDER_HOME": str(settings.home), "INSIDER_DATABASE_URL": settings.database_url}
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
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return

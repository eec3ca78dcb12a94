"""Real Dask clusters for tests: every scheduler and worker a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from distributed import Client

from recsys.settings import PROJECT_ROOT
from tests.serving import free_port, wait_until


@dataclass(frozen=True)
class Cluster:
    """A scheduler's address, and the processes: the scheduler first, then the workers' nannies."""

    address: str
    processes: list[subprocess.Popen[bytes]]

    def kill(self, number: int) -> None:
        """Kill a process by `kill -9`, with those it watches over."""
        os.killpg(self.processes[number].pid, signal.SIGKILL)
        self.processes[number].wait()


@contextmanager
def running_cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """A scheduler and workers of one thread, whose files and log lie in a folder."""
    address = f"tcp://127.0.0.1:{free_port()}"
    begin = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
    commands = [
        [*begin, "--host", "127.0.0.1", "--port", address.rpartition(":")[2]],
        *([*worker, "--local-directory", str(folder / str(n))] for n in range(workers)),
    ]
    environment = os.environ | {"PYTHONPATH": str(PROJECT_ROOT)}
    with (folder / "log").open("wb") as log:
        processes = [
            subprocess.Popen(x, cwd=PROJECT_ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
            for x in commands
        ]
    try:
        with Client(address, timeout=60, set_as_default=False) as client:
            wait_until(lambda: len(client.nthreads()) == workers, "all workers are there", seconds=90)
        yield Cluster(address, processes)
    finally:
        for process in processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

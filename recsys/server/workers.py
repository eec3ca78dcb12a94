"""Several processes that answer the API on one port: forked from one that has loaded the model, so they share it."""

import gc
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from types import FrameType

from recsys.errors import InsiderError, NoModel
from recsys.settings import COUNTERS, Settings
from recsys.utils import threads

SECONDS_BETWEEN_STARTS = 1.0
"""A worker that dies at once is not started again faster than that."""

logger = logging.getLogger("insider")


def run_workers(listener: socket.socket, settings: Settings, workers: int) -> None:
    """Serve the API, without the dashboard, from `workers` processes until this one is told to stop.

    The model is loaded before the workers are forked: its arrays and tables are in memory once, whatever their
    number. A worker that dies is replaced. On SIGTERM or SIGINT they finish what they are answering.
    """
    counters = tempfile.mkdtemp(prefix="insider-metrics-")
    os.environ[COUNTERS] = counters
    try:
        _Supervisor(listener, settings, workers).run()
    finally:
        shutil.rmtree(counters, ignore_errors=True)


class _Supervisor:
    def __init__(self, listener: socket.socket, settings: Settings, workers: int) -> None:
        from recsys.services.workspace import Workspace

        self._listener = listener
        self._workspace = Workspace(settings)
        self._workers = workers
        self._started: dict[int, float] = {}
        self._stopping = False

    def run(self) -> None:
        from prometheus_client import multiprocess

        from recsys.services.startup import put_right, wind_down

        put_right(self._workspace)
        try:
            self._workspace.load().warm()
        except NoModel:
            logger.warning("No model is live yet; /readyz says when one is.")
        except InsiderError as error:
            logger.warning("%s", error)
        self._workspace.before_fork()
        gc.collect()
        gc.freeze()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._stop)
        for _ in range(self._workers):
            self._fork()
        while self._started:
            try:
                pid, status = os.wait()
            except ChildProcessError:
                break
            except InterruptedError:
                continue
            began = self._started.pop(pid, None)
            if began is None:
                continue
            multiprocess.mark_process_dead(pid)
            if not self._stopping:
                logger.warning(
                    "Worker %d ended (%d); another one takes its place.", pid, os.waitstatus_to_exitcode(status)
                )
                time.sleep(max(0.0, SECONDS_BETWEEN_STARTS - (time.monotonic() - began)))
                self._fork()
        wind_down(self._workspace)

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping = True
        for pid in list(self._started):
            os.kill(pid, signal.SIGTERM)

    def _fork(self) -> None:
        if self._stopping:
            return
        pid = os.fork()
        if pid:
            self._started[pid] = time.monotonic()
            return
        code = 1
        try:
            for name in (signal.SIGTERM, signal.SIGINT):
                signal.signal(name, signal.SIG_DFL)
            self._answer()
            code = 0
        except BaseException:
            logger.exception("A worker failed.")
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _answer(self) -> None:
        import uvicorn

        from recsys.api.app import create_api
        from recsys.server.connections import configured

        threads.prepare_for_answers()
        threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()

        config = configured(create_api(self._workspace), lifespan="off")
        uvicorn.Server(config).run(sockets=[self._listener])


def _end_with(parent: int) -> None:
    """A worker whose supervisor was killed must not hold the port for ever."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGTERM)

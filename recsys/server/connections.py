"""Limits on connections: silent ones and slow ones are closed, and so are the oldest of too many."""

import asyncio
import resource
from collections import OrderedDict
from contextlib import suppress
from typing import Any, ClassVar

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""How long a connection may take to send the head of its first, or its next, request."""

KEEP_ALIVE_SECONDS = 5
"""How long one that asked something may be silent before it asks the next thing."""

READ_SECONDS = 60.0
"""How long a client may let an answer lie that does not fit into the buffers of the network."""

MOST_WAITING = 1000
"""More connections than this that have asked nothing are not kept: the oldest goes."""

MOST_OPEN_FILES = 65_536
FILES_FOR_WORK = 256
"""Open files beside connections: the database, models, logs."""

SECONDS_TO_CLOSE = 5


class Connection(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, which by itself never closes a connection that sends nothing."""

    _waiting: ClassVar[OrderedDict["Connection", None]] = OrderedDict()
    """Those of this process that have no request under way, oldest first."""

    most_waiting: ClassVar[int] = MOST_WAITING

    _head: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._busy()
        self.resume_writing()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        if self.cycle is not None and not self.cycle.response_complete:
            self._busy()

    def handle_websocket_upgrade(self, event: Any) -> None:
        self._busy()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self._wait()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(READ_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()

    def _wait(self) -> None:
        """From now on the client has to send a request."""
        self._busy()
        self._waiting[self] = None
        self._head = self.loop.call_later(HEAD_SECONDS, self._give_up)
        while len(self._waiting) > self.most_waiting:
            next(iter(self._waiting))._give_up()

    def _busy(self) -> None:
        """A request is under way, or the connection is gone."""
        self._waiting.pop(self, None)
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _give_up(self) -> None:
        self._busy()
        self.transport.close()


def configured(app: Any, **more: Any) -> uvicorn.Config:
    """How a process of this program serves an application."""
    files = allow_open_files()
    Connection.most_waiting = min(MOST_WAITING, files // 2)
    return uvicorn.Config(
        app, http=Connection, log_config=None, log_level="warning", access_log=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS, timeout_graceful_shutdown=SECONDS_TO_CLOSE,
        limit_concurrency=files - FILES_FOR_WORK, **more,
    )  # fmt: skip


def allow_open_files() -> int:
    """Let this process have as many open files as it is allowed to ask for; gives how many. Every connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    return MOST_OPEN_FILES if soft == resource.RLIM_INFINITY else soft

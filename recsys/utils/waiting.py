"""What runs on an event loop must not wait: no query to a database, no lock that another thread holds."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_never: ContextVar[bool] = ContextVar("never_wait", default=False)


class WouldWait(Exception):
    """What was asked for takes a database or a lock; ask again from a thread that may wait."""


@contextmanager
def never_wait() -> Iterator[None]:
    """Within this block, whatever would wait raises `WouldWait` instead. The block must not hold an `await`."""
    token = _never.set(True)
    try:
        yield
    finally:
        _never.reset(token)


def check_may_wait() -> None:
    """Raise `WouldWait` within a block of `never_wait`."""
    if _never.get():
        raise WouldWait


@contextmanager
def taken(lock: threading.Lock) -> Iterator[None]:
    """The lock, held; within a block of `never_wait`, `WouldWait` where another thread holds it."""
    if not lock.acquire(blocking=not _never.get()):
        raise WouldWait
    try:
        yield
    finally:
        lock.release()

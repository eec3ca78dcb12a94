"""The cores of this machine, and how many of them the linear algebra libraries use."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

SWITCH_SECONDS = 0.001
"""After so long a thread that works gives way to one that waits; Python's own 5 ms add up where many pages are made."""

_lock = Lock()
_inside: list[Any] = []


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def prepare_for_answers() -> None:
    """For a process that answers: threads give way to each other more often, and products of matrices use one thread.

    An answer's products are too small to be worth several threads, and threads that wait for one another cost more than
    they bring where several answers are worked out at once.
    """
    from threadpoolctl import threadpool_limits

    sys.setswitchinterval(SWITCH_SECONDS)
    threadpool_limits(limits=1, user_api="blas")


@contextmanager
def limited_blas_threads() -> Iterator[None]:
    """One thread for each product of matrices meanwhile, so that threads of our own can multiply side by side.

    It holds for the whole process; whoever leaves last puts back what the first one found.
    """
    with _lock:
        _inside.append(_libraries().limit(limits=1, user_api="blas"))
    try:
        yield
    finally:
        with _lock:
            if len(_inside) == 1:
                _inside[0].restore_original_limits()
                _inside.clear()
            else:
                _inside.pop()


@cache
def _libraries() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()

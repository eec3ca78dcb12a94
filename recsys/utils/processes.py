"""Which process is which, on which host, and whether it lives."""

import os
import socket
from pathlib import Path


def process_identity(pid: int) -> str:
    """`pid@start`: a process that cannot be mistaken for a later one with the same number."""
    return f"{pid}@{_start_ticks(pid) or ''}"


def host_name() -> str:
    """This machine among those that share a home or a database."""
    return socket.gethostname()[:24]


def process_of_host(pid: int) -> str:
    """`pid@start@host`: a process among those of all machines."""
    return f"{process_identity(pid)}@{host_name()}"


def is_of_this_host(process: str) -> bool:
    """Whether a process, as `process_of_host` names it, is one of this machine; without a host it is."""
    return process.split("@")[2:] in ([], [host_name()])


def process_alive(identity: str) -> bool:
    """Whether the process is still there and no zombie."""
    pid, _, start = identity.partition("@")
    if start:
        return _start_ticks(int(pid)) == start
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _start_ticks(pid: int) -> str | None:
    """Start time of a living process from /proc, in clock ticks; None where there is none, or it is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]

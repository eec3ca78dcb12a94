"""Where a request comes from, and whether it may count as coming from this very machine."""

import ipaddress
import os
import socket
import stat
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

PROXY_HEADERS = (
    "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-server", "x-real-ip",
    "x-client-ip", "true-client-ip", "cf-connecting-ip",
)  # fmt: skip
"""Any of these says that somebody stands between the caller and this server."""


def from_this_machine(scope: Scope, *, trust_loopback: bool) -> bool:
    """Whether a request or WebSocket was made by a program or browser on this machine.

    The peer is a loopback address, nothing says that a proxy is in between, and the request names this machine as its
    host and, if a browser sent it, as its origin: so neither another machine nor a page of another site (cross-site
    requests, DNS rebinding) counts. A server that is reachable from other machines may have a proxy in front of it
    that says nothing of itself; there the loopback address proves nothing.

    Args:
        trust_loopback: `INSIDER_TRUST_LOOPBACK`: there is no such proxy.
    """
    headers = Headers(scope=scope)
    if any(name in headers for name in PROXY_HEADERS) or scope.get("http_version") == "1.0":
        return False
    if not is_loopback((scope.get("client") or ("",))[0]) or not is_loopback(host_of(headers.get("host", ""))):
        return False
    origin = headers.get("origin")
    if origin is not None and not is_loopback(origin_host(origin)):
        return False
    return trust_loopback or not listens_beyond((scope.get("server") or ("", None))[1])


def host_of(header: str) -> str:
    """The name in a `Host` header, without the port; empty when there is none."""
    with suppress(ValueError):
        return (urlsplit(f"//{header}").hostname or "").rstrip(".")
    return ""


def origin_host(origin: str) -> str:
    """The name in an `Origin` header; empty for `null` and what is none."""
    with suppress(ValueError):
        return (urlsplit(origin).hostname or "").rstrip(".")
    return ""


def is_address(name: str) -> bool:
    """Whether it is an address in numbers: no other site's name can point to it."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(name: str) -> bool:
    """Whether a host name or address means this machine."""
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


@lru_cache(maxsize=64)
def listens_beyond(port: int | None) -> bool:
    """Whether this process listens on this port at an address that other machines can reach."""
    return any(at == port and not is_loopback(host) for host, at in _listening())


def _listening() -> list[tuple[str, int]]:
    """Address and port of every listening TCP socket of this process, whoever opened it."""
    found = []
    descriptors = [int(path.name) for path in Path("/dev/fd").iterdir()] if Path("/dev/fd").is_dir() else []
    for descriptor in descriptors:
        with suppress(OSError):
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
            with socket.socket(fileno=os.dup(descriptor)) as probe:
                internet = probe.family in (socket.AF_INET, socket.AF_INET6)
                if internet and probe.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    host, port, *_ = probe.getsockname()
                    found.append((str(host), int(port)))
    return found

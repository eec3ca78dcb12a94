"""Answers that were given, kept for as long as nothing changes that they depend on."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.routing import BaseRoute
from starlette.types import Scope, Send

OVERHEAD_BYTES = 1600
"""What one answer takes beside its body, about."""


@dataclass(frozen=True)
class CachedResponse:
    """One answer.

    Attributes:
        tag: its ETag.
        tag_now: works out which ETag the same question would get now; None when that takes loading something.
        tell: counts the answer in the metrics.
    """

    tag: str
    tag_now: Callable[[], str | None]
    headers: list[tuple[bytes, bytes]]
    body: bytes
    route: BaseRoute
    tell: Callable[[], None]


class ResponseCache:
    """The answers of the last while, by path and query; the least lately asked for go first. Safe between threads.

    Args:
        most_bytes: what all of them may take; 0 to keep none.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._bytes = 0
        self._given: OrderedDict[tuple[str, bytes], CachedResponse] = OrderedDict()

    def put(self, scope: Scope, given: CachedResponse) -> None:
        """Keep the answer to a request."""
        key = _key(scope)
        size = _size(key, given)
        if size * 20 > self._most_bytes:
            return
        with self._lock:
            self._drop(key)
            self._given[key] = given
            self._bytes += size
            while self._bytes > self._most_bytes:
                self._drop(next(iter(self._given)))

    def find(self, scope: Scope) -> CachedResponse | None:
        """The answer to the same request, if it would be the same today."""
        if scope["method"] != "GET" or not self._given:
            return None
        key = _key(scope)
        with self._lock:
            given = self._given.get(key)
            if given is None:
                return None
            self._given.move_to_end(key)
        return given if given.tag_now() == given.tag else None

    def _drop(self, key: tuple[str, bytes]) -> None:
        gone = self._given.pop(key, None)
        if gone is not None:
            self._bytes -= _size(key, gone)


async def send_again(given: CachedResponse, scope: Scope, send: Send) -> None:
    """Answer a request with what was given before."""
    scope["route"] = given.route
    given.tell()
    await send({"type": "http.response.start", "status": 200, "headers": given.headers})
    await send({"type": "http.response.body", "body": given.body})


def _size(key: tuple[str, bytes], given: CachedResponse) -> int:
    """Bytes that an answer takes, with the question it is kept by, which the caller may make long."""
    return len(given.body) + len(key[0].encode("utf-8", "replace")) + len(key[1]) + OVERHEAD_BYTES


def _key(scope: Scope) -> tuple[str, bytes]:
    return scope["path"], scope["query_string"]

"""The layer in front of dashboard and API: which names and origins count, who is visiting, what may be uploaded."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recsys import access
from recsys.access import Sessions
from recsys.api.caller import from_this_machine, host_of, is_address, is_loopback, origin_host
from recsys.api.problems import problem
from recsys.settings import Settings

UPLOADS = "/_stcore/upload_file/"
"""Where the dashboard takes files: below this come the session and the file."""

MEGABYTE = 1_000_000
PATIENCE_SECONDS, SLOWEST_UPLOAD = 30.0, 20_000.0
"""An upload may take this long, and a second more for so many bytes."""

SAFE = ("GET", "HEAD", "OPTIONS")
POLICY_VIOLATION = 1008

logger = logging.getLogger(__name__)


class Front:
    """ASGI layer around the whole app.

    * With `INSIDER_HOSTS`, other names than those, localhost and addresses in numbers are refused (421): a page of
      another site that lets its name point here (DNS rebinding) reads nothing.
    * A WebSocket, or a request that changes something, from a page of another origin is refused before the dashboard
      sees it.
    * Every connection of the dashboard is marked with whether it comes from this machine (`recsys.access.mark`).
    * An upload asks for the role of its session, and for room.
    * `INSIDER_BASE_PATH` is taken off the paths, whether a proxy has left it there or not.

    Args:
        sessions: who is in front of each session of the dashboard.
        stored: bytes of the files that were uploaded and are still there.
    """

    def __init__(self, app: ASGIApp, settings: Settings, sessions: Sessions, stored: Callable[[], int]) -> None:
        self._app = app
        self._settings = settings
        self._sessions = sessions
        self._stored = stored
        self._arriving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        scope = _below(scope, self._settings.base_path)
        headers = Headers(scope=scope)
        if not self._named(headers):
            detail = f"This server is not called {headers.get('host', '')!r}; INSIDER_HOSTS says what it is called."
            await _refuse("wrong-host", detail, scope, receive, send)
        elif (scope["type"] == "websocket" or _changes(scope)) and not self._same_origin(headers):
            origin = headers.get("origin", "")
            await _refuse("wrong-origin", f"Pages of {origin!r} may not do this.", scope, receive, send)
        elif scope["type"] == "http" and UPLOADS in scope["path"] and scope["method"] not in SAFE:
            await self._upload(scope, receive, send)
        else:
            await self._app(self._marked(scope, headers), receive, send)

    def _named(self, headers: Headers) -> bool:
        """Whether the host that was asked for is one of this server's names."""
        host = host_of(headers.get("host", ""))
        return not self._settings.hosts or host in self._settings.hosts or is_loopback(host) or is_address(host)

    def _same_origin(self, headers: Headers) -> bool:
        """Whether no page of another site is behind this; programs send no origin."""
        origin = headers.get("origin")
        if origin is None:
            return True
        name = origin_host(origin)
        netloc = urlsplit(origin).netloc.lower() if name else ""
        here = (headers.get("host", "").lower(), headers.get("x-forwarded-host", "").lower())
        return bool(netloc) and (netloc in here or name in self._settings.hosts or is_loopback(name))

    def _marked(self, scope: Scope, headers: Headers) -> Scope:
        """The connection, told whether it comes from this machine, in words that a client cannot send."""
        name = access.HEADER.encode()
        kept = [x for x in scope["headers"] if x[0] != name]
        if scope["type"] == "websocket":
            here = from_this_machine(scope, trust_loopback=self._settings.trust_loopback)
            kept.append((name, access.mark(here=here).encode()))
            origin = headers.get("origin")
            if origin is not None:  # checked above; the dashboard's own check would look up addresses in the network
                kept = [x for x in kept if x[0] != b"host"]
                kept.append((b"host", urlsplit(origin).netloc.encode("latin-1")))
        return {**scope, "headers": kept}

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = scope["path"].partition(UPLOADS)[2].partition("/")[0]
        visitor = self._sessions.of(session)
        if visitor is None or not access.reaches(visitor, "admin"):
            why = "It is not known who asks; load the page again." if visitor is None else visitor.who
            await _refuse("no-upload", f"Uploading a file needs the role admin. {why}", scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        most = self._settings.upload_total * MEGABYTE - self._stored() - self._arriving
        size = int(announced) if announced.isdigit() else 0
        if scope["method"] != "DELETE" and size > most:
            detail = f"Uploaded files may have {self._settings.upload_total:,} MB in all, and this one does not fit: "
            detail += "import what was uploaded, wait a day, or set INSIDER_UPLOAD_TOTAL."
            await _refuse("no-room", detail, scope, receive, send)
            return
        async with self._counted(receive, most) as counted:
            await self._app(self._marked(scope, Headers(scope=scope)), counted, send)

    @asynccontextmanager
    async def _counted(self, receive: Receive, most: int) -> AsyncIterator[Receive]:
        """`receive` that hangs up when more arrives than there is room for, or it comes too slowly."""
        received, began = 0, time.monotonic()

        async def counted() -> Message:
            nonlocal received
            left = began + PATIENCE_SECONDS + received / SLOWEST_UPLOAD - time.monotonic()
            try:
                message = await asyncio.wait_for(receive(), max(left, 0.0))
            except TimeoutError:
                return {"type": "http.disconnect"}
            size = len(message.get("body", b""))
            received += size
            self._arriving += size
            return {"type": "http.disconnect"} if received > most else message

        try:
            yield counted
        finally:
            self._arriving -= received


def _below(scope: Scope, base_path: str) -> Scope:
    path = scope["path"]
    if not base_path or not (path == base_path or path.startswith(f"{base_path}/")):
        return scope
    raw = scope.get("raw_path") or path.encode()
    return {**scope, "path": path[len(base_path) :] or "/", "raw_path": raw[len(base_path) :] or b"/"}


def _changes(scope: Scope) -> bool:
    """Whether a request to the dashboard may change something; the API checks its own callers."""
    return scope["method"] not in SAFE and scope["path"].startswith("/_stcore/")


async def _refuse(kind: str, detail: str, scope: Scope, receive: Receive, send: Send) -> None:
    logger.warning("Refused %s: %s", scope["path"], detail)
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        return
    await problem(kind, detail, scope["path"])(scope, receive, send)

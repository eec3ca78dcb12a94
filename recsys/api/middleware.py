"""The layer around the API: lets in, limits, measures, labels and logs every request."""

import asyncio
import json
import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recsys.api.auth import Authenticator
from recsys.api.metrics import ApiMetrics
from recsys.api.problems import HIDDEN, internal_problem, problem
from recsys.api.response_cache import CachedResponse, ResponseCache, send_again
from recsys.errors import InsiderError
from recsys.utils.waiting import WouldWait, never_wait

UNMATCHED = "unmatched"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
BODY_SECONDS = 20.0
"""How long a whole body may take to arrive."""

REQUEST_ID = b"x-request-id"
STALE = b"insider-stale"
"""Since when (UTC) the answers go on from what was known, because the database cannot be read."""

T = TypeVar("T")

_USABLE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

HEADERS: Mapping[bytes, bytes] = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cache-control": b"no-store",
}
"""Sent with every answer that does not set them itself."""

logger = logging.getLogger(__name__)
request_log = logging.getLogger("insider.requests")


class ApiMiddleware:
    """ASGI layer around the API.

    Asks the gate; gives again what was given before and still holds, or takes the short way where `quick` knows one;
    measures each request, stops bodies over `max_body_bytes` with 413, adds `HEADERS` and a request id (the client's,
    if it sends a usable one as `X-Request-Id`), turns an answer whose ETag the client already has into 304, and an
    error nobody foresaw into a problem without a word of the inside. What asks the database happens in a thread, and
    while that cannot be read every answer says so (`STALE`).

    With `log`, every request is one line of JSON: route, status, milliseconds, key id, address; never a key, a query
    or an id out of a path.
    """

    def __init__(
        self,
        app: ASGIApp,
        telemetry: ApiMetrics,
        gate: Authenticator,
        kept: ResponseCache,
        quick: Callable[[Scope], CachedResponse | None],
        max_body_bytes: int,
        stale_since: Callable[[], datetime | None] = lambda: None,
        log: bool = False,
    ) -> None:
        self._app = app
        self._telemetry = telemetry
        self._gate = gate
        self._kept = kept
        self._quick = quick
        self._max_body_bytes = max_body_bytes
        self._stale_since = stale_since
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        known, request_id, announced = _asked(scope)
        answer = _Answer(send, known, request_id, self._stale_since)
        try:
            refused = await _without_waiting(lambda: self._refusal(scope))
            if refused is not None:
                await refused(scope, receive, answer.send)
            elif (given := await _without_waiting(lambda: self._kept.find(scope) or self._quick(scope))) is not None:
                await send_again(given, scope, answer.send)
            else:
                await self._app(scope, _limited(receive, announced, self._max_body_bytes), answer.send)
        except Exception:
            logger.exception("%s %s failed (request %s)", scope["method"], scope["path"], request_id.decode())
            if not answer.began:
                await internal_problem(quote(scope["path"]))(scope, receive, answer.send)
        finally:
            seconds = time.perf_counter() - began
            route = getattr(scope.get("route"), "path_format", UNMATCHED)
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._telemetry.request(method, route, answer.status, seconds, stale=answer.stale)
            if self._log:
                _write_down(scope, method, route, answer.status, seconds, request_id.decode())

    def _refusal(self, scope: Scope) -> Response | None:
        path = quote(scope["path"])
        try:
            refusal = self._gate.refusal(scope)
        except InsiderError as error:
            logger.error("%s %s: %s", scope["method"], path, error)
            return problem("storage", HIDDEN["storage"], path)
        if refusal is None or not _leads_somewhere(scope):
            return None
        response = problem(refusal.kind, refusal.detail, path)
        if refusal.kind == "no-key":
            response.headers["WWW-Authenticate"] = "Bearer"
        if refusal.retry_after is not None:
            response.headers["Retry-After"] = str(max(1, round(refusal.retry_after)))
        return response


async def _without_waiting(ask: Callable[[], T]) -> T:
    """What a function gives: here where that takes no waiting, else from a thread. The loop goes on for the others."""
    try:
        with never_wait():
            return ask()
    except WouldWait:
        return await run_in_threadpool(ask)


def _leads_somewhere(scope: Scope) -> bool:
    """Whether a route takes this request; where none does, saying so (404, 405) is safe and of more help."""
    return any(route.matches(scope)[0] is Match.FULL for route in scope["app"].router.routes)


def _asked(scope: Scope) -> tuple[set[str], bytes, int]:
    """What the Gateway reads of a request: the ETags the client has, the request's id, the length it announces."""
    known: set[str] = set()
    request_id, announced = b"", 0
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            known = {tag.strip() for tag in value.decode("latin-1").split(",")}
        elif name == REQUEST_ID and _USABLE_ID.fullmatch(value):
            request_id = value
        elif name == b"content-length" and value.isdigit():
            announced = int(value)
    return known, request_id or secrets.token_hex(8).encode(), announced


class _Answer:
    """One answer on its way out."""

    def __init__(
        self, send: Send, known: set[str], request_id: bytes, stale_since: Callable[[], datetime | None]
    ) -> None:
        self._send = send
        self._stale_since = stale_since
        self.stale = False
        self._known = known
        self._request_id = request_id
        self.began = False
        self.status = 500

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.began = True
            headers: list[tuple[bytes, bytes]] = list(message["headers"])
            there = {name for name, _ in headers}
            headers += [(name, value) for name, value in HEADERS.items() if name not in there]
            headers.append((REQUEST_ID, self._request_id))
            if (since := self._stale_since()) is not None:
                self.stale = True
                headers.append((STALE, f"{since:%Y-%m-%dT%H:%M:%SZ}".encode()))
            if self._known and message["status"] == 200:
                tags = {value.decode("latin-1") for name, value in headers if name == b"etag"}
                if tags & self._known:
                    message["status"] = 304
                    headers = [x for x in headers if x[0] not in (b"content-length", b"content-type")]
            message["headers"] = headers
            self.status = message["status"]
        elif self.status == 304:
            message = {**message, "body": b""}
        await self._send(message)


def _limited(receive: Receive, announced: int, most: int) -> Receive:
    """`receive` that gives up with 413 as soon as the body is known to be larger than `most` bytes, and with 408 when
    it is not there in time."""
    received, deadline, arrived = 0, asyncio.get_running_loop().time() + BODY_SECONDS, False

    async def limited() -> Message:
        nonlocal received, arrived
        if announced > most:
            raise HTTPException(413)
        try:
            async with asyncio.timeout_at(None if arrived else deadline):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408) from None
        received += len(message.get("body", b""))
        if received > most:
            raise HTTPException(413)
        arrived = not message.get("more_body", False)
        return message

    return limited


def _write_down(scope: Scope, method: str, route: str, status: int, seconds: float, request_id: str) -> None:
    key = Headers(scope=scope).get("authorization", "").partition(" ")[2].split("_")
    line = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "method": method, "route": route,
        "status": status, "ms": round(seconds * 1000, 2), "request": request_id,
        "client": (scope.get("client") or ("",))[0], "key": key[1] if len(key) > 2 and key[0] == "ins" else None,
    }  # fmt: skip
    request_log.info(json.dumps(line))

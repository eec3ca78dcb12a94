"""What `/metrics` tells, and the layer around the API that measures, limits and labels every answer."""

import logging
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recsys.errors import InsiderError
from recsys.problems import internal_problem
from recsys.workspace import Workspace

UNMATCHED = "unmatched"
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""Sent with every answer that does not set them itself."""

logger = logging.getLogger(__name__)


class Telemetry:
    """Counters of one API application."""

    def __init__(self, workspace: Workspace) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "insider_requests", "Requests answered.", ["method", "route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "insider_request_seconds", "Time to answer.", ["route"], buckets=BUCKETS, registry=self._registry
        )
        self._answers = Counter(
            "insider_answers", "Recommendations given, by how the user was known.", ["path", "lane"],
            registry=self._registry,
        )  # fmt: skip
        self._registry.register(_LiveModel(workspace))
        ProcessCollector(registry=self._registry)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def answer(self, path: str, lane: str) -> None:
        self._answers.labels(path, lane).inc()

    def text(self) -> Response:
        """All of it in Prometheus' text format."""
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


class _LiveModel(Collector):
    """Whether a model is live, and since when it was trained; read when it is asked for."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        live = GaugeMetricFamily("insider_model_live", "1 while a model is live and can be loaded.")
        age = GaugeMetricFamily("insider_model_age_seconds", "Time since the live model was trained.")
        try:
            created = datetime.fromisoformat(self._workspace.load().manifest["created"])
        except InsiderError:
            live.add_metric([], 0)
        else:
            live.add_metric([], 1)
            age.add_metric([], (datetime.now(UTC) - created).total_seconds())
        return (live, age)


class Gateway:
    """ASGI layer around the API.

    Measures each request, stops bodies over `max_body_bytes` with 413, adds `HEADERS`, turns an answer whose ETag
    the client already has into 304, and an error nobody foresaw into a problem without a word of the inside.
    """

    def __init__(self, app: ASGIApp, telemetry: Telemetry, max_body_bytes: int) -> None:
        self._app = app
        self._telemetry = telemetry
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        answer = _Answer(send, Headers(scope=scope).get("if-none-match", ""))
        try:
            await self._app(scope, _limited(scope, receive, self._max_body_bytes), answer.send)
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            if not answer.started:
                await internal_problem(quote(scope["path"]))(scope, receive, answer.send)
        finally:
            route = getattr(scope.get("route"), "path_format", UNMATCHED)
            self._telemetry.request(_method(scope), route, answer.status, time.perf_counter() - began)


class _Answer:
    """One answer on its way out."""

    def __init__(self, send: Send, if_none_match: str) -> None:
        self._send = send
        self._known = {tag.strip() for tag in if_none_match.split(",")}
        self.status = 500

    @property
    def started(self) -> bool:
        return self._began

    _began = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._began = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if message["status"] == 200 and headers.get("etag") in self._known:
                message["status"] = 304
                del headers["content-length"], headers["content-type"]
            self.status = message["status"]
        elif self.status == 304:
            message = {**message, "body": b""}
        await self._send(message)


def _limited(scope: Scope, receive: Receive, most: int) -> Receive:
    """`receive` that gives up with 413 as soon as the body is known to be larger than `most` bytes."""
    announced = Headers(scope=scope).get("content-length", "0")
    received = 0

    async def limited() -> Message:
        nonlocal received
        if announced.isdecimal() and int(announced) > most:
            raise HTTPException(413)
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise HTTPException(413)
        return message

    return limited


def _method(scope: Scope) -> str:
    """The method as a label: anything unusual is one value, so that clients cannot fill the registry."""
    known = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    return scope["method"] if scope["method"] in known else "other"

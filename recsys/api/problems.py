"""Errors of the API as `application/problem+json` (RFC 9457): one shape for everything that can go wrong."""

import json
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from recsys.errors import Corrupted, InsiderError, InvalidInput, NoModel, NotFound, StorageProblem
from recsys.recommend.recommender import MAX_K
from recsys.storage.event_log import Conflict

MEDIA_TYPE = "application/problem+json"
MAX_LIMIT = 1000
MAX_BODY_BYTES = 1_000_000
RETRY_SECONDS = 5
LONGEST_DETAIL = 2000

logger = logging.getLogger(__name__)


class FieldProblem(BaseModel):
    """One field of the request that cannot be used."""

    place: str = Field(description="Where it stands: path, query or body.", examples=["query"])
    field: str = Field(description="Its name; `history.3` is the fourth entry of `history`.", examples=["k"])
    message: str = Field(description="What is wrong with it, and what is allowed.")


class Waiting(BaseModel):
    """How far the preparation of the first model is."""

    state: str = Field(description="State of the run: queued, running, failed, cancelled.", examples=["running"])
    step: str = Field(description="What is being done.", examples=["Learning from everything but the test set"])
    fraction: float = Field(description="0 to 1 over all of it.", examples=[0.42])
    seconds_left: float | None = Field(description="Estimate, when there is one.", examples=[35.0])


class Problem(BaseModel):
    """RFC 9457: what went wrong with a request."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="What kind of problem, the same for every occurrence.")
    title: str = Field(description="The kind in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="This occurrence: the offending value, and how to mend it.")
    instance: str = Field(description="The path that was asked for.")
    errors: list[FieldProblem] | None = Field(None, description="For 422: every field that cannot be used.")
    progress: Waiting | None = Field(None, description="For 503: how far the first model is, if one is being made.")


_KINDS: dict[str, tuple[int, str]] = {
    "not-found": (404, "There is no such thing"),
    "invalid-input": (422, "The request cannot be used as it is"),
    "no-model": (503, "No model is live yet"),
    "damaged": (503, "Stored data is damaged"),
    "storage": (503, "The store cannot be used"),
    "no-such-route": (404, "There is no such route"),
    "method-not-allowed": (405, "The route does not take this method"),
    "no-key": (401, "A valid key is needed"),
    "not-allowed": (403, "The key may not do this"),
    "too-slow": (408, "The body did not arrive"),
    "conflict": (409, "This contradicts what was sent before"),
    "too-many": (429, "Too many requests"),
    "too-large": (413, "The body is too large"),
    "wrong-host": (421, "The server is not called that"),
    "wrong-origin": (403, "Pages of other sites may not do this"),
    "no-upload": (403, "This visitor may not upload"),
    "no-room": (413, "There is no room for this upload"),
    "internal": (500, "Something went wrong inside"),
}

HIDDEN = {
    "storage": "The store cannot be used at the moment; nothing was changed. Try again; the server's log says why.",
    "damaged": "What is stored is damaged; the server's log says which file. Ask whoever runs this service.",
    "internal": "The error was logged. Try again; if it stays, look at the server's log.",
}
"""What callers read of errors that speak of the inside: addresses, folders and accounts stay in the log."""

_KIND_OF_ERROR: tuple[tuple[type[InsiderError], str], ...] = (
    (Conflict, "conflict"),
    (NotFound, "not-found"),
    (InvalidInput, "invalid-input"),
    (NoModel, "no-model"),
    (Corrupted, "damaged"),
    (StorageProblem, "storage"),
)

_EXAMPLES = {
    404: ("not-found", "No user '12345678' in model '20250102-030405-abcd'."),
    401: ("no-key", "Send a key: the header `Authorization: Bearer KEY`."),
    403: ("not-allowed", "The key '1f2e3d4c5b6a' may read; this needs one with the scope 'events'."),
    409: ("conflict", "The event key 'order-77-1' was used before for another event."),
    429: ("too-many", "More than 50 requests a second; try again in 0.02 s."),
    405: ("method-not-allowed", "POST is not possible here; GET is."),
    413: ("too-large", f"The body has more than {MAX_BODY_BYTES:,} bytes; send less at a time."),
    422: ("invalid-input", f"k is '0'; it must be a whole number from 1 to {MAX_K}."),
    500: ("internal", "The error was logged. Try again; if it stays, look at the server's log."),
    503: ("no-model", "The first model is being prepared: 42% done, about 35 s left."),
}


def problem(kind: str, detail: str, instance: str, **extra: Any) -> Response:
    """The answer for one problem of a known kind."""
    status, title = _KINDS.get(kind, (400, "The request failed"))
    return _response(kind, title, status, detail, instance, extra)


def internal_problem(instance: str) -> Response:
    """The answer when nothing better is known: says nothing of the inside."""
    return problem("internal", _EXAMPLES[500][1], instance)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The part of a route's OpenAPI description that says which problems it answers with."""
    found: dict[int | str, dict[str, Any]] = {}
    for status in sorted({*statuses, 401, 403, 429} if statuses else ()):
        kind, detail = _EXAMPLES[status]
        example: dict[str, Any] = {
            "type": _type_of(kind), "title": _KINDS[kind][1], "status": status, "detail": detail, "instance": "/v1/…",
        }  # fmt: skip
        if status == 422:
            example["errors"] = [{"place": "query", "field": "k", "message": detail}]
        content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
        found[status] = {"description": _KINDS[kind][1], "content": content}
    return found


def problem_schemas() -> dict[str, Any]:
    """JSON schemas of `Problem` and what it holds, for the components of the OpenAPI document."""
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    parts: dict[str, Any] = schema.pop("$defs")
    return {"Problem": schema, **parts}


def install(app: FastAPI, waiting: Callable[[], tuple[str, Waiting | None]]) -> None:
    """Answer every error of the application with a problem.

    Args:
        waiting: tells, while no model is live, why, and how far it is.
    """

    @app.exception_handler(InsiderError)
    def meant_to_be_read(request: Request, error: InsiderError) -> Response:
        path = _path(request)
        kind = next((kind for cls, kind in _KIND_OF_ERROR if isinstance(error, cls)), "internal")
        if kind == "no-model":
            try:
                detail, progress = waiting()
            except InsiderError:
                logger.exception("It cannot be told how far the first model is")
                detail, progress = "No model is live yet; the server's log says more.", None
            extra = {"progress": progress.model_dump()} if progress else {}
            response = problem(kind, detail, path, **extra)
            response.headers["Retry-After"] = str(RETRY_SECONDS)
            return response
        if kind in HIDDEN:
            logger.error("%s %s: %s", request.method, path, error)
        return problem(kind, HIDDEN.get(kind, str(error)), path)

    @app.exception_handler(RequestValidationError)
    def unusable(request: Request, error: RequestValidationError) -> Response:
        fields = [_field_problem(e) for e in error.errors()]
        detail = " ".join(dict.fromkeys(f.message for f in fields))
        return problem("invalid-input", detail, _path(request), errors=[f.model_dump() for f in fields])

    @app.exception_handler(HTTPException)
    def by_status(request: Request, error: HTTPException) -> Response:
        path, method = _path(request), request.method
        if error.status_code == 404:
            return problem("no-such-route", f"There is nothing at {path}; /docs lists the routes.", path)
        if error.status_code == 405:
            allowed = (error.headers or {}).get("Allow", "")
            response = problem("method-not-allowed", f"{method} is not possible here; {allowed} is.", path)
            response.headers["Allow"] = allowed
            return response
        if error.status_code == 400:
            return problem("invalid-input", "The body cannot be read: send JSON in UTF-8.", path)
        if error.status_code == 408:
            return problem("too-slow", "The body did not arrive in time; send it again.", path)
        if error.status_code == 413:
            return problem("too-large", _EXAMPLES[413][1], path)
        title = HTTPStatus(error.status_code).phrase
        return _response("about:blank", title, error.status_code, str(error.detail), path, {})


def _path(request: Request) -> str:
    """The path asked for as a URI reference (`request.url` would drop control characters)."""
    return quote(request.scope["path"])


def _response(kind: str, title: str, status: int, detail: str, instance: str, extra: dict[str, Any]) -> Response:
    if len(detail) > LONGEST_DETAIL:
        detail = detail[:LONGEST_DETAIL] + " …"
    body = {
        "type": _type_of(kind), "title": title, "status": status, "detail": detail, "instance": instance, **extra,
    }  # fmt: skip
    return Response(json.dumps(body), status, media_type=MEDIA_TYPE)


def _type_of(kind: str) -> str:
    return kind if ":" in kind else f"urn:insider:problem:{kind}"


def _field_problem(error: Any) -> FieldProblem:
    place, *path = (str(part) for part in error["loc"])
    if error["type"] == "json_invalid":
        reason = error["ctx"]["error"]
        return FieldProblem(place=place, field="", message=f"The body is no JSON: {reason} at character {path[0]}.")
    name = ".".join(path)
    given = _shown(error.get("input"))
    limits = {"k": MAX_K, "limit": MAX_LIMIT}
    if error["type"] == "missing":
        message = f"{name or 'The body'} is missing."
    elif error["type"] == "extra_forbidden":
        message = f"There is no field {name!r} here; check its spelling, or leave it out."
    elif name in limits:
        message = f"{name} is {given}; it must be a whole number from 1 to {limits[name]}."
    else:
        says = str(error["msg"]).removeprefix("Value error, ")
        message = f"{name or 'The body'} is {given}: {says[:1].lower()}{says[1:]}."
    return FieldProblem(place=place, field=name, message=message)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}…"

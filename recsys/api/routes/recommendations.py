"""The routes that recommend, and a short way past the web framework to the answer that is asked for most."""

import json
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote

from fastapi import Body, FastAPI, Path, Query, Request
from pydantic import ValidationError
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import Scope

from recsys import __version__
from recsys.api import response_schemas, schemas
from recsys.api.metrics import ApiMetrics
from recsys.api.problems import documented
from recsys.api.response_cache import CachedResponse, ResponseCache
from recsys.errors import InsiderError, UnknownUser
from recsys.recommend.conditions import Situation
from recsys.recommend.recommender import Recommender
from recsys.recommend.rules import Rules
from recsys.services.workbench.rule_sets import RuleSets, situation_of
from recsys.services.workspace import Workspace

KEEP = {"Cache-Control": "private, no-cache"}
"""A client may keep an answer, and asks each time whether it still holds."""

MANY, MANY_EXPLAINED = 200, 20
"""Longer lists are worked out beside the loop, which goes on with other answers meanwhile."""

_BEFORE, _AFTER = "/v1/users/", "/recommendations"
LONGEST_USUAL = 200
_USUAL = frozenset(("k", "lane", "explain"))
_KEEP_RAW = [(b"cache-control", b"private, no-cache"), (b"content-type", b"application/json")]
_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))

UserId = Annotated[
    str,
    Path(
        description="Id of a user, as in the data; percent-encode what URLs reserve.",
        openapi_examples={"a household of the built-in data": {"value": schemas.EXAMPLE_USER}},
    ),
]


class OneUser:
    """Answers for one user by id: what the route gives, and `quick`, which gives the same without the framework.

    FastAPI takes about as long to find out what was asked as the model to answer it. Most requests ask for nothing
    unusual; those are read here in a few steps. Whatever else there is, errors too, goes the whole way.
    """

    def __init__(self, workspace: Workspace, telemetry: ApiMetrics, kept: ResponseCache) -> None:
        self._workspace = workspace
        self._telemetry = telemetry
        self._kept = kept
        self.rule_sets = RuleSets(workspace.database)
        self.route: BaseRoute | None = None

    def quick(self, scope: Scope) -> CachedResponse | None:
        """The answer, where it takes no loading and no fold-in; None for every other request."""
        path = scope["path"]
        if scope["method"] != "GET" or scope.get("root_path") or self.route is None:
            return None
        if not (path.startswith(_BEFORE) and path.endswith(_AFTER)):
            return None
        query = _usual(scope["query_string"])
        if query is None:
            return None
        try:
            user_id = path[len(_BEFORE) : -len(_AFTER)]
            loaded = self.loaded(user_id, query)
            return None if loaded is None else self.answer(scope, self.route, user_id, query, loaded)
        except InsiderError:
            return None

    def loaded(self, user_id: str, query: schemas.RecommendationQuery) -> Recommender | None:
        """What can answer in about the time that it takes to hand the question to a thread; None if nothing."""
        if query.rules is not None or query.k > (MANY_EXPLAINED if query.explain else MANY):
            return None
        loaded = self._workspace.serving()
        return loaded if loaded is not None and loaded.is_quick(user_id) else None

    def answer(
        self,
        scope: Scope,
        route: BaseRoute,
        user_id: str,
        query: schemas.RecommendationQuery,
        recommender: Recommender | None = None,
    ) -> CachedResponse:
        """Work an answer out, count it, and keep it for the next time.

        Raises:
            InsiderError: as `Recommender.recommend`, and where no model can be loaded.
        """
        recommender = recommender or self._workspace.load()
        rules = self.laid_over(recommender, query, user_id=user_id)
        # The tag first: an event that comes in between makes the answer a stale one, not a wrong one.
        tag = tag_of(recommender, rules, user_id)
        found = recommender.recommend(user_id, **asked(query), rules=rules)
        body = _json.encode(found.to_dict()).encode()
        headers = [(b"etag", tag.encode("latin-1")), (b"content-length", str(len(body)).encode()), *_KEEP_RAW]
        count = partial(self._telemetry.answered, found.path, found.lane, query.k, len(found.items))
        given = CachedResponse(tag, partial(self._tag_now, user_id, query), headers, body, route, count)
        self._kept.put(scope, given)
        return given

    def laid_over(
        self,
        recommender: Recommender,
        request: Any,
        *,
        user_id: str | None = None,
        user: Mapping[str, str] | None = None,
    ) -> Rules | None:
        """The rules for a request: those it names, else the served set whose conditions hold for it."""

        def situation() -> Situation:
            return situation_of(
                recommender, user_id=user_id, attributes=user, placement=request.placement, item=request.item
            )

        return self.rule_sets.asked(request.rules, situation)

    def _tag_now(self, user_id: str, query: schemas.RecommendationQuery) -> str | None:
        loaded = self._workspace.serving()
        if loaded is None:
            return None
        try:
            return tag_of(loaded, self.laid_over(loaded, query, user_id=user_id), user_id)
        except InsiderError:
            return None


def add_recommendations(app: FastAPI, workspace: Workspace, telemetry: ApiMetrics, one: OneUser) -> None:
    """Add everything that recommends to an application."""

    @app.get(
        f"{_BEFORE}{{user_id:path}}{_AFTER}",
        tags=["Recommendations"],
        summary="What to show a known user",
        response_model=response_schemas.AnswerOut,
        responses=documented(404, 422, 503),
    )
    def recommend(user_id: UserId, query: Annotated[schemas.RecommendationQuery, Query()], request: Request) -> Any:
        """The k best items for a user the model was trained on, or who has sent events since."""
        given = one.answer(request.scope, request.scope["route"], user_id, query)
        given.tell()
        response = Response(given.body)
        response.raw_headers = list(given.headers)
        return response

    one.route = next(route for route in app.routes if getattr(route, "endpoint", None) is recommend)
    _add_new_users(app, workspace, telemetry, one)
    _add_batches(app, workspace, telemetry, one)


def _add_new_users(app: FastAPI, workspace: Workspace, telemetry: ApiMetrics, one: OneUser) -> None:
    @app.post(
        "/v1/recommendations",
        tags=["Recommendations"],
        summary="What to show somebody new",
        response_model=response_schemas.NewUserAnswerOut,
        responses=documented(404, 413, 422, 503),
    )
    def recommend_for(
        request: Annotated[
            schemas.NewUserRequest,
            Body(
                openapi_examples={
                    "by what they had": {"value": {"history": [schemas.EXAMPLE_ITEM, "1029743"], "k": 5}},
                    "by what is known of them": {"value": {"user": {"age": "45-54", "household_size": "2"}}},
                    "by both, with reasons": {
                        "value": {"history": ["981760"], "user": {"age": "25-34"}, "k": 3, "explain": True}
                    },
                    "by nothing at all": {"value": {}},
                }
            ),
        ],
    ) -> Any:
        """The k best items for somebody the model has never seen; nothing is stored.

        Items of the history that the model does not know are left out of it, and named.
        """
        recommender = workspace.load()
        rules = one.laid_over(recommender, request, user=request.user)
        known = [item for item in request.history if item in recommender.model.rows_of_items]
        unknown = list(dict.fromkeys(item for item in request.history if item not in recommender.model.rows_of_items))
        answer = recommender.recommend_for(known, request.user, **asked(request), rules=rules)
        telemetry.answer(answer, request.k)
        return JSONResponse(answer.to_dict() | {"unknown_items": unknown})


def _add_batches(app: FastAPI, workspace: Workspace, telemetry: ApiMetrics, one: OneUser) -> None:
    @app.post(
        "/v1/recommendations/batch",
        tags=["Recommendations"],
        summary="What to show several known users",
        response_model=response_schemas.BatchOut,
        responses=documented(404, 413, 422, 503),
    )
    def recommend_batch(
        request: Annotated[
            schemas.BatchRequest,
            Body(openapi_examples={"two households": {"value": {"user_ids": [schemas.EXAMPLE_USER, "1"], "k": 3}}}),
        ],
    ) -> Any:
        """Up to 1,000 users from one model version. Users whom nobody knows are named, and the others answered.

        All lists together hold 50,000 items at most (users x k), with `explain` 10,000.
        """
        recommender = workspace.load()
        found, unknown = [], []
        for user_id in request.user_ids:
            try:
                rules = one.laid_over(recommender, request, user_id=user_id)
                answer = recommender.recommend(user_id, **asked(request), rules=rules)
            except UnknownUser:
                unknown.append(user_id)
            else:
                telemetry.answer(answer, request.k)
                found.append(_json.encode(answer.to_dict()))
        about = _json.encode({"model": recommender.model.id, "unknown_users": list(dict.fromkeys(unknown))})
        body = f'{about[:-1]},"answers":[{",".join(found)}]}}'
        return Response(body.encode(), media_type="application/json")


def tag_of(recommender: Recommender, rules: Rules | None = None, user_id: str | None = None) -> str:
    """The ETag: another one as soon as another model is live, its map is drawn, items are announced, the rules change
    or, for one user's answer, that user does something."""
    parts = [__version__, recommender.model.id, "mapped" if recommender.map is not None else ""]
    if recommender.activity is not None:
        parts += map(str, recommender.activity.versions(user_id))
    if rules is not None:
        parts.append(f"{quote(rules.name)}.{rules.version}")
    return f'W/"{"-".join(parts)}"'


def asked(request: Any) -> dict[str, Any]:
    """What a request asks for, as the arguments of `Recommender.recommend`."""
    return {"k": request.k, "lane": request.lane, "category": request.category, "explain": request.explain}


def _usual(query: bytes) -> schemas.RecommendationQuery | None:
    """A query string that asks for nothing unusual, read as the framework reads it."""
    return _read(query) if len(query) <= LONGEST_USUAL else None


@lru_cache(maxsize=256)
def _read(query: bytes) -> schemas.RecommendationQuery | None:
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    values = dict(pairs)
    if len(values) < len(pairs) or not _USUAL.issuperset(values):
        return None
    try:
        return schemas.RecommendationQuery.model_validate(values)
    except ValidationError:
        return None


def live_answers(workspace: Workspace, response: Response) -> Recommender:
    """The live model's answers, and headers that let a client keep what it gets."""
    recommender = workspace.load()
    response.headers.update({"ETag": tag_of(recommender), **KEEP})
    return recommender

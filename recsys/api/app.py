"""The HTTP API: routes over one workspace. They parse, call, and let `problems` translate the errors."""

from typing import Annotated, Any

from fastapi import FastAPI, Path, Query, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from recsys import __version__
from recsys.api import schemas
from recsys.api.auth import Authenticator
from recsys.api.metrics import ApiMetrics
from recsys.api.middleware import ApiMiddleware
from recsys.api.pagination import Page
from recsys.api.problems import MAX_BODY_BYTES, Waiting, documented, install, problem_schemas
from recsys.api.response_cache import ResponseCache
from recsys.api.routes.events import add_events
from recsys.api.routes.recommendations import KEEP, OneUser, UserId, add_recommendations, tag_of
from recsys.recommend.recommender import Recommender
from recsys.services.item_search import find_items
from recsys.services.user_history import user_history
from recsys.services.user_search import find_users
from recsys.services.workspace import Workspace
from recsys.storage.api_keys import ApiKeyStore
from recsys.utils.formatting import duration
from recsys.utils.json_values import records, with_category

PATHS = ("/v1", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics")
"""Everything below these is answered here, also when it does not exist."""

SHORTEST_ZIPPED = 1000
DOCS_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
)
"""The page for reading the API starts its script inline and brings images inside its style sheet."""

AS_THE_READER_LIKES = """<script>
const dark = matchMedia("(prefers-color-scheme: dark)");
const show = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", show);
show();
</script>
<style>.dark-mode .examples-select__section-label { color: inherit !important }
.renderedMarkdown li, .renderedMarkdown p { line-height: 1.8 }
@media (max-width: 640px) {
  .swagger-ui .opblock-tag { flex-wrap: wrap }
  .swagger-ui .opblock-tag small { flex-basis: 100%; padding: 0 }
}
</style>
"""

KEY = "Needed where the service has keys: `python -m recsys keys create NAME` makes one."

ABOUT = """
Recommendations, similar items and histories from the model that is live.

* **A shopper the model knows:** `GET /v1/users/{user_id}/recommendations`
* **A new shopper:** `POST /v1/recommendations` with the items they had, what is known of them, or neither
* **Beside a product:** `GET /v1/items/{item_id}/similar`

Where the service has keys, give yours under **Authorize** first.

Every answer names the model version it comes from. Its `ETag` changes with the live model: send it back as
`If-None-Match` and an answer that has not changed costs 304 and no body. Errors are `application/problem+json` and say
which value was wrong and how to mend it. The examples work on the built-in data.
"""
TAGS = [
    {"name": "Recommendations", "description": "What to show to whom."},
    {"name": "Events", "description": "What happened since the model was trained."},
    {"name": "Users", "description": "Who is known, and what they did."},
    {"name": "Items", "description": "The catalogue, and what lies near what."},
    {"name": "Operation", "description": "What is live, and how the service is."},
]

ItemId = Annotated[
    str,
    Path(
        description="Id of an item, as in the data.",
        openapi_examples={"bananas in the built-in data": {"value": schemas.EXAMPLE_ITEM}},
    ),
]


def create_api(workspace: Workspace) -> FastAPI:
    """The API over one workspace, which it shares with nobody else's state: several can live in one process."""
    app = FastAPI(
        title="Insider", version=__version__, description=ABOUT, openapi_tags=TAGS, docs_url=None, redoc_url=None
    )
    telemetry = ApiMetrics(workspace)
    install(app, lambda: _waiting(workspace))
    settings = workspace.settings
    kept = ResponseCache(settings.answer_cache_bytes)
    one = OneUser(workspace, telemetry, kept)
    app.add_middleware(
        ApiMiddleware,
        telemetry=telemetry,
        gate=Authenticator(
            ApiKeyStore(workspace.database, settings.api_key),
            rate=settings.rate_limit,
            people_sign_in=settings.people_sign_in,
            trust_loopback=settings.trust_loopback,
        ),
        kept=kept,
        quick=one.quick,
        max_body_bytes=MAX_BODY_BYTES,
        log=settings.request_log,
    )
    app.add_middleware(GZipMiddleware, minimum_size=SHORTEST_ZIPPED, compresslevel=5)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match"],
            expose_headers=["ETag", "X-Request-Id", "Retry-After"],
        )
    add_recommendations(app, workspace, telemetry, one)
    add_events(app, workspace, telemetry)
    _add_users(app, workspace)
    _add_items(app, workspace)
    _add_operation(app, workspace, telemetry)
    _add_docs(app)
    return app


def _add_users(app: FastAPI, workspace: Workspace) -> None:
    @app.get(
        "/v1/users",
        tags=["Users"],
        summary="Find users",
        response_model=schemas.UsersOut,
        responses=documented(422, 503),
    )
    def users(query: Annotated[schemas.UserQuery, Query()]) -> Any:
        """Users whose id begins with the query come first, then those whose id contains it."""
        model = workspace.load().model
        attributes = model.user_attributes
        page = Page(model.id, query.limit, query.cursor)
        rows = page.cut(records(find_users(workspace, query.query, limit=page.most)))
        known = [{name: row[name] for name in attributes if row[name] is not None} for row in rows]
        users = [row | {"attributes": found} for row, found in zip(rows, known, strict=True)]
        return {"users": users, "next": page.next}

    @app.get(
        "/v1/users/{user_id:path}/history",
        tags=["Users"],
        summary="What a user did",
        response_model=schemas.HistoryOut,
        responses=documented(404, 422, 503),
    )
    def history(user_id: UserId, query: Annotated[schemas.HistoryQuery, Query()]) -> Any:
        """Every item the user had, most recent first, also what lies after the model's training period."""
        model = workspace.load().model
        table = user_history(workspace, user_id, model_id=model.id)
        rows = with_category(records(table.head(query.limit)), model.category_levels)
        return {"user": user_id, "model": model.id, "total": len(table), "items": rows}


def _add_items(app: FastAPI, workspace: Workspace) -> None:
    @app.get(
        "/v1/items",
        tags=["Items"],
        summary="Find items",
        response_model=schemas.ItemsOut,
        responses=documented(422, 503),
    )
    def items(query: Annotated[schemas.ItemQuery, Query()], response: Response) -> Any:
        """Items that hold all words of the query in title or categories, most popular first."""
        model = _live(workspace, response).model
        page = Page(model.id, query.limit, query.cursor)
        rows = page.cut(records(find_items(workspace, query.query, limit=page.most)))
        return {"model": model.id, "items": with_category(rows, model.category_levels), "next": page.next}

    @app.get(
        "/v1/items/{item_id:path}/similar",
        tags=["Items"],
        summary="What lies near an item",
        response_model=schemas.SimilarOut,
        responses=documented(404, 422, 503),
    )
    def similar(item_id: ItemId, query: Annotated[schemas.SimilarQuery, Query()], response: Response) -> Any:
        """The items whose embeddings point the same way (cosine)."""
        recommender = _live(workspace, response)
        found = [item.to_dict() for item in recommender.similar(item_id, query.k)]
        return {"item": item_id, "model": recommender.model.id, "items": found}

    @app.get(
        "/v1/items/{item_id:path}",
        tags=["Items"],
        summary="One item",
        response_model=schemas.ItemOut,
        responses=documented(404, 422, 503),
    )
    def item(item_id: ItemId, response: Response) -> Any:
        """Title, categories, brand, price and popularity."""
        model = _live(workspace, response).model
        row = int(model.item_rows([item_id])[0])
        found = with_category(records(model.items.iloc[[row]]), model.category_levels)[0]
        return found | {"popularity": int(model.popularity[row])}


def _add_operation(app: FastAPI, workspace: Workspace, telemetry: ApiMetrics) -> None:
    @app.get(
        "/v1/model",
        tags=["Operation"],
        summary="What is live",
        response_model=schemas.ModelOut,
        responses=documented(503),
    )
    def model(response: Response) -> Any:
        """Version, dataset, hyperparameters and metrics of the model that answers."""
        recommender = _live(workspace, response)
        manifest = recommender.manifest
        return {
            "id": recommender.model.id,
            "dataset": manifest.dataset,
            "epochs": manifest.epochs,
            "split": manifest.split.to_dict(),
            "metrics": manifest.metrics,
            "trained_at": manifest.created,
            "users": len(recommender.users),
            "items": len(recommender.items),
            "seed": recommender.model.seed,
            "recipe": recommender.model.recipe.to_dict(),
            "has_map": recommender.map is not None,
        }

    @app.get("/healthz", tags=["Operation"], summary="Is the process alive", response_model=schemas.Alive)
    async def healthz() -> Any:
        """Answers as long as the process does, with or without a model."""
        return {"status": "ok"}

    @app.get(
        "/readyz",
        tags=["Operation"],
        summary="Can it answer",
        response_model=schemas.Ready,
        responses=documented(503),
    )
    def readyz() -> Any:
        """200 once the live model is loaded; before that 503, with how far the first model is."""
        return {"status": "ready", "model": workspace.load().model.id}

    @app.get(
        "/metrics",
        tags=["Operation"],
        summary="Prometheus metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    def metrics() -> Response:
        """Requests and latency by route, answers by path, age of the live model."""
        return telemetry.text()


def _add_docs(app: FastAPI) -> None:
    """The pages that show the OpenAPI document, with everything they need from this server."""

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        page = get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="Insider API",
            swagger_js_url="/docs/assets/swagger-ui-bundle.js",
            swagger_css_url="/docs/assets/swagger-ui.css",
            swagger_favicon_url="/docs/assets/favicon.png",
        )
        text = bytes(page.body).decode().replace("</head>", f"{AS_THE_READER_LIKES}</head>", 1)
        return HTMLResponse(text, headers={"Content-Security-Policy": DOCS_POLICY})

    app.mount("/docs/assets", StaticFiles(packages=[("fastapi_offline", "static")]))

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes, tags=TAGS
            )
            document["components"]["schemas"] |= problem_schemas()
            document["components"]["securitySchemes"] = {
                "key": {"type": "http", "scheme": "bearer", "description": KEY}
            }
            document["security"] = [{}, {"key": []}]
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI's documentation gives


def _live(workspace: Workspace, response: Response) -> Recommender:
    """The live model's answers, and headers that let a client keep what it gets."""
    recommender = workspace.load()
    response.headers.update({"ETag": tag_of(recommender), **KEEP})
    return recommender


def _waiting(workspace: Workspace) -> tuple[str, Waiting | None]:
    """Why there is no model, in words and in numbers."""
    command = "python -m recsys train --promote"
    tries = [run for run in workspace.job_store.newest() if run.kind == "demo" or (run.kind == "train" and run.promote)]
    run = next((run for run in tries if run.active), tries[0] if tries else None)
    if run is None:
        return f"No model is live yet, and none is being prepared. Train one: {command}", None
    progress = Waiting(state=run.state, step=run.step, fraction=run.fraction, seconds_left=run.seconds_left)
    if run.active:
        left = f", about {duration(run.seconds_left)} left" if run.seconds_left is not None else ""
        return f"The first model is being prepared: {run.fraction:.0%} done{left}. {run.step}.", progress
    if run.state == "done":
        return f"No model is live. Promote one: python -m recsys models promote {run.model}", progress
    why = f" {run.message}" if run.message else ""
    return f"The preparation of the first model has {run.state}.{why} Train one: {command}", progress

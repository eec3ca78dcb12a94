"""The HTTP API: routes over one workspace. They parse, call, and let `problems` translate the errors."""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from recsys import __version__
from recsys.api.auth import Authenticator
from recsys.api.metrics import ApiMetrics
from recsys.api.middleware import ApiMiddleware
from recsys.api.problems import MAX_BODY_BYTES, Waiting, install
from recsys.api.reference import TAGS, add_reference
from recsys.api.response_cache import ResponseCache
from recsys.api.routes.events import add_events
from recsys.api.routes.items import add_items
from recsys.api.routes.operation import add_operation
from recsys.api.routes.recommendations import OneUser, add_recommendations
from recsys.api.routes.users import add_users
from recsys.services.jobs import first_model_jobs
from recsys.services.workspace import Workspace
from recsys.storage.api_keys import ApiKeyStore
from recsys.utils.formatting import duration
from recsys.views.glossary import as_markdown

PATHS = ("/v1", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics")
"""Everything below these is answered here, also when it does not exist."""

SHORTEST_ZIPPED = 1000

ABOUT = """
Recommendations, similar items and histories from the model that is live.

* **A shopper the model knows:** `GET /v1/users/{user_id}/recommendations`
* **A new shopper:** `POST /v1/recommendations` with the items they had, what is known of them, or neither
* **Beside a product:** `GET /v1/items/{item_id}/similar`

Where the service has keys, give yours under **Authorize** first.

Every answer names the model version it comes from. Its `ETag` changes with the live model: send it back as
`If-None-Match` and an answer that has not changed costs 304 and no body. Errors are `application/problem+json` and say
which value was wrong and how to mend it. The examples work on the built-in data.

<details><summary>Words, the same as on the pages</summary>

WORDS

</details>
""".replace("WORDS", as_markdown())


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
        stale_since=lambda: workspace.database.failing_since,
        log=settings.request_log,
    )
    app.add_middleware(GZipMiddleware, minimum_size=SHORTEST_ZIPPED, compresslevel=5)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match"],
            expose_headers=["ETag", "X-Request-Id", "Retry-After", "Insider-Stale"],
        )
    add_recommendations(app, workspace, telemetry, one)
    add_events(app, workspace, telemetry)
    add_users(app, workspace)
    add_items(app, workspace)
    add_operation(app, workspace, telemetry)
    add_reference(app)
    return app


def _waiting(workspace: Workspace) -> tuple[str, Waiting | None]:
    """Why there is no model, in words and in numbers."""
    command = "python -m recsys train --promote"
    tries = first_model_jobs(workspace)
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

"""The pages at `/docs` that show the OpenAPI document, with everything they need from this server."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from recsys.api.problems import problem_schemas

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

TAGS = [
    {"name": "Recommendations", "description": "What to show to whom."},
    {"name": "Events", "description": "What happened since the model was trained."},
    {"name": "Users", "description": "Who is known, and what they did."},
    {"name": "Items", "description": "The catalogue, and what lies near what."},
    {"name": "Operation", "description": "What is live, and how the service is."},
]


def add_reference(app: FastAPI) -> None:
    """The pages that show the OpenAPI document, with everything they need from this server."""

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        page = get_swagger_ui_html(
            openapi_url="openapi.json",
            title="Insider API",
            swagger_js_url="docs/assets/swagger-ui-bundle.js",
            swagger_css_url="docs/assets/swagger-ui.css",
            swagger_favicon_url="docs/assets/favicon.png",
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
            document["servers"] = [{"url": "."}]
            document["security"] = [{}, {"key": []}]
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI's documentation gives

"""The one entry: dashboard at `/`, API at `/v1`, its description at `/docs`, all from one process.

Run it with `python -m recsys serve`, `streamlit run app.py` or `uvicorn app:app`.
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import streamlit as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config

from recsys import access
from recsys.api.app import PATHS, create_api
from recsys.errors import InsiderError, NoModel
from recsys.server.front import Front
from recsys.services.datasets import upload_bytes
from recsys.services.jobs import end_own_jobs, ensure_demo
from recsys.services.startup import put_right, wind_down
from recsys.services.workspace import Workspace, open_workspace
from recsys.settings import APP_ROOT, Settings
from recsys.utils import threads

logger = logging.getLogger("insider")


class ApiRoute(BaseRoute):
    """Hands all of the API's paths to the API, unknown ones too: a slip in an address must not show a web page."""

    def __init__(self, api: ASGIApp) -> None:
        self.api = api

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        mine = scope["type"] == "http" and any(
            scope["path"] == path or scope["path"].startswith(f"{path}/") for path in PATHS
        )
        return (Match.FULL if mine else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.api(scope, receive, send)


def prepare(workspace: Workspace) -> None:
    """Load the live model before somebody waits for it; where there is none, start preparing the demo."""
    threads.prepare_for_answers()
    put_right(workspace)
    try:
        ensure_demo(workspace)
        workspace.load().warm()
    except NoModel:
        logger.info("No model is live yet: the demo is being prepared.")
    except InsiderError as error:
        logger.warning("%s", error)
    except Exception:
        logger.exception("The first preparation failed; pages and API say what they lack.")


def end_jobs(workspace: Workspace) -> None:
    """What the dashboard started ends with it: whoever stops a container or a service does not look for more."""
    try:
        for job in end_own_jobs(workspace):
            logger.warning("Job %d was cancelled: the server was stopped.", job)
    except InsiderError as error:
        logger.warning("%s", error)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with dashboard(app):
        preparing = asyncio.create_task(asyncio.to_thread(prepare, workspace))
        yield
        await preparing
        await asyncio.to_thread(end_jobs, workspace)
        await asyncio.to_thread(wind_down, workspace)


try:
    workspace = open_workspace(Settings.from_environment())
except InsiderError as error:
    sys.exit(str(error))

config.set_option("server.maxUploadSize", workspace.settings.upload_limit)
config.set_option("server.baseUrlPath", "")  # the front takes INSIDER_BASE_PATH off the paths
ui = st.App(APP_ROOT / "pages" / "main.py")
dashboard = ui.lifespan()
app = Starlette(
    routes=[ApiRoute(create_api(workspace)), Mount("/", app=ui)],
    middleware=[
        Middleware(
            Front,
            settings=workspace.settings,
            sessions=access.sessions,
            stored=partial(upload_bytes, workspace.settings.home),
        )
    ],
    lifespan=lifespan,
)

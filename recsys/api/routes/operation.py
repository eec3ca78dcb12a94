"""The routes about the service itself: what is live, whether it is alive and ready, its metrics."""

from typing import Any

from fastapi import FastAPI, Response

from recsys.api import response_schemas
from recsys.api.metrics import ApiMetrics
from recsys.api.problems import documented
from recsys.api.routes.recommendations import live_answers
from recsys.errors import StorageProblem
from recsys.services.workspace import Workspace
from recsys.storage.model_names import ModelNames
from recsys.views.dials.account import account


def _name(workspace: Workspace, model_id: str) -> str:
    try:
        return ModelNames(workspace.database).given(model_id)
    except StorageProblem:  # the answer does not need it
        return ""


def add_operation(app: FastAPI, workspace: Workspace, telemetry: ApiMetrics) -> None:
    """Add `GET /v1/model`, `/healthz`, `/readyz` and `/metrics` to an application."""

    @app.get(
        "/v1/model",
        tags=["Operation"],
        summary="What is live",
        response_model=response_schemas.ModelOut,
        responses=documented(503),
    )
    def model(response: Response) -> Any:
        """Version, dataset, hyperparameters and metrics of the model that answers."""
        recommender = live_answers(workspace, response)
        manifest = recommender.manifest
        return {
            "id": recommender.model.id,
            "name": _name(workspace, recommender.model.id),
            "dataset": manifest.dataset,
            "epochs": manifest.epochs,
            "same_as": manifest.same_as,
            "training": account(manifest).to_dict(),
            "split": manifest.split.to_dict(),
            "metrics": manifest.metrics,
            "trained_at": manifest.created,
            "users": len(recommender.users),
            "items": len(recommender.items),
            "seed": recommender.model.seed,
            "recipe": recommender.model.recipe.to_dict(),
            "has_map": recommender.map is not None,
        }

    @app.get("/healthz", tags=["Operation"], summary="Is the process alive", response_model=response_schemas.Alive)
    async def healthz() -> Any:
        """Answers as long as the process does, with or without a model."""
        return {"status": "ok"}

    @app.get(
        "/readyz",
        tags=["Operation"],
        summary="Can it answer",
        response_model=response_schemas.Ready,
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

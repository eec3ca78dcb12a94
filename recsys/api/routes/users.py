"""The routes about users: who is known, and what they did."""

from typing import Annotated, Any

from fastapi import FastAPI, Query

from recsys.api import response_schemas, schemas
from recsys.api.pagination import Page
from recsys.api.problems import documented
from recsys.api.routes.recommendations import UserId
from recsys.services.search.user_history import user_history
from recsys.services.search.user_search import find_users
from recsys.services.workspace import Workspace
from recsys.utils.json_values import records, with_category


def add_users(app: FastAPI, workspace: Workspace) -> None:
    """Add `GET /v1/users` and histories to an application."""

    @app.get(
        "/v1/users",
        tags=["Users"],
        summary="Find users",
        response_model=response_schemas.UsersOut,
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
        response_model=response_schemas.HistoryOut,
        responses=documented(404, 422, 503),
    )
    def history(user_id: UserId, query: Annotated[schemas.HistoryQuery, Query()]) -> Any:
        """Every item the user had, most recent first, also what lies after the model's training period."""
        model = workspace.load().model
        table = user_history(workspace, user_id, model_id=model.id)
        rows = with_category(records(table.head(query.limit)), model.category_levels)
        return {"user": user_id, "model": model.id, "total": len(table), "items": rows}

"""The routes about items: the catalogue, and which items are alike."""

from typing import Annotated, Any

from fastapi import FastAPI, Path, Query, Response

from recsys.api import response_schemas, schemas
from recsys.api.pagination import Page
from recsys.api.problems import documented
from recsys.api.routes.recommendations import live_answers
from recsys.services.search.item_search import find_items
from recsys.services.workspace import Workspace
from recsys.utils.json_values import records, with_category

ItemId = Annotated[
    str,
    Path(
        description="Id of an item, as in the data.",
        openapi_examples={"bananas in the built-in data": {"value": schemas.EXAMPLE_ITEM}},
    ),
]


def add_items(app: FastAPI, workspace: Workspace) -> None:
    """Add `GET /v1/items` and those below it to an application."""

    @app.get(
        "/v1/items",
        tags=["Items"],
        summary="Find items",
        response_model=response_schemas.ItemsOut,
        responses=documented(422, 503),
    )
    def items(query: Annotated[schemas.ItemQuery, Query()], response: Response) -> Any:
        """Items that hold all words of the query in title or categories, bestsellers first."""
        model = live_answers(workspace, response).model
        page = Page(model.id, query.limit, query.cursor)
        rows = page.cut(records(find_items(workspace, query.query, limit=page.most)))
        return {"model": model.id, "items": with_category(rows, model.category_levels), "next": page.next}

    @app.get(
        "/v1/items/{item_id:path}/similar",
        tags=["Items"],
        summary="What lies near an item",
        response_model=response_schemas.SimilarOut,
        responses=documented(404, 422, 503),
    )
    def similar(item_id: ItemId, query: Annotated[schemas.SimilarQuery, Query()], response: Response) -> Any:
        """The items whose embeddings point the same way (cosine)."""
        recommender = live_answers(workspace, response)
        found = [item.to_dict() for item in recommender.similar(item_id, query.k)]
        return {"item": item_id, "model": recommender.model.id, "items": found}

    @app.get(
        "/v1/items/{item_id:path}",
        tags=["Items"],
        summary="One item",
        response_model=response_schemas.ItemOut,
        responses=documented(404, 422, 503),
    )
    def item(item_id: ItemId, response: Response) -> Any:
        """Title, categories, brand, price and popularity."""
        model = live_answers(workspace, response).model
        row = int(model.item_rows([item_id])[0])
        found = with_category(records(model.items.iloc[[row]]), model.category_levels)[0]
        return found | {"popularity": int(model.popularity[row])}

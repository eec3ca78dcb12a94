"""The route that takes events: what happened, and what is new."""

import secrets
from typing import Annotated, Any

from fastapi import Body, FastAPI, Header
from fastapi.openapi.models import Example

from recsys.api import response_schemas, schemas
from recsys.api.metrics import ApiMetrics
from recsys.api.problems import documented
from recsys.dataset.item_columns import number_columns
from recsys.errors import InvalidInput
from recsys.models.model import Model
from recsys.services.workspace import Workspace
from recsys.storage.event_log import Event

UNKNOWN_SHOWN = 100

Once = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=80,
        pattern=r"^[\x21-\x7e]+$",
        description="A name for this request: events without an `id` are stored once, however often it is sent.",
        examples=["2f1c9e58-77aa-4bd2-9c64-3a5e0a4d1f00"],
    ),
]


EXAMPLES: dict[str, Example] = {
    "a purchase": {"value": {"events": [{"user_id": schemas.EXAMPLE_USER, "item_id": "1029743"}]}},
    "a new shopper, safe to send again": {
        "value": {
            "events": [{"id": "order-77-1", "user_id": "visitor-4711", "item_id": schemas.EXAMPLE_ITEM}],
            "users": [{"user_id": "visitor-4711", "attributes": {"age": "45-54"}}],
        }
    },
    "a new item": {
        "value": {
            "items": [
                {
                    "item_id": "new-banana-chips",
                    "title": "Banana chips, 6 oz",
                    "category": ["Produce", "Tropical fruit"],
                    "brand": "National brand",
                    "price": 2.49,
                }
            ]
        }
    },
}


def add_events(app: FastAPI, workspace: Workspace, telemetry: ApiMetrics) -> None:
    """Add `POST /v1/events` to an application."""

    @app.post(
        "/v1/events",
        tags=["Events"],
        summary="Tell what happened",
        response_model=response_schemas.EventsOut,
        responses=documented(409, 413, 422, 503),
    )
    def events(
        request: Annotated[
            schemas.EventsRequest,
            Body(openapi_examples=EXAMPLES),
        ],
        once: Once = None,
    ) -> Any:
        """Events, and new items and users, are on the disk when the answer comes: all of the request, or nothing.

        From then on a user's answers take their events into account, a new user gets answers of their own, and a new
        item can be recommended by its categories. The next training learns from all of it. Sent again under the same
        `id` (or the same `Idempotency-Key`), an event is not stored twice.
        """
        model = workspace.load().model
        _check(request, model)
        batch = _batch(request, once)
        items = {item.item_id: item.model_dump(exclude={"item_id"}, exclude_none=True) for item in request.items}
        users = {user.user_id: user.attributes for user in request.users}
        dataset = str(model.manifest.dataset)
        receipt = workspace.event_log.append(dataset, batch, items, users)
        telemetry.events(receipt.accepted, receipt.duplicates)
        unknown = [name for name in dict.fromkeys(event.item_id for event in batch) if name not in items]
        unknown = [name for name in unknown if name not in model.item_index]
        return {
            "dataset": dataset,
            "accepted": receipt.accepted,
            "duplicates": receipt.duplicates,
            "unknown_items": unknown[:UNKNOWN_SHOWN],
        }


def _batch(request: schemas.EventsRequest, once: str | None) -> list[Event]:
    """The events of a request, each under a key that stores it once; `once` is the name of the request."""
    name = secrets.token_hex(12) if once is None else f"request:{once}"
    return [
        Event(
            key=f"id:{event.id}" if event.id is not None else f"{name}:{place}",
            user_id=event.user_id,
            item_id=event.item_id,
            timestamp=event.timestamp or schemas.now(),
            event=event.event,
            quantity=event.quantity,
            value=event.value,
        )
        for place, event in enumerate(request.events)
    ]


def _check(request: schemas.EventsRequest, model: Model) -> None:
    """What the live model's dataset says about items and users."""
    levels, attributes = model.category_levels, model.user_attributes
    for item in request.items:
        if len(item.category) > len(levels):
            raise InvalidInput(
                f"Item {item.item_id!r} has {len(item.category)} categories; this dataset has the levels "
                f"{', '.join(levels) or 'none'}, widest first."
            )
        numbers = number_columns(model.items)
        for name in item.numbers:
            if name not in numbers:
                known = ", ".join(numbers) or "none"
                raise InvalidInput(f"Item {item.item_id!r}: there is no number {name!r}; there are: {known}.")
    for user in request.users:
        for name in user.attributes:
            if name not in attributes:
                known = ", ".join(attributes) or "none"
                raise InvalidInput(f"User {user.user_id!r}: there is no attribute {name!r}; there are: {known}.")

"""What the API takes: pydantic models, described, with examples that work on the built-in data."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from recsys import columns
from recsys.api.problems import MAX_LIMIT
from recsys.dataset.event_kinds import weight_of
from recsys.ingest.cells.any_time import any_time
from recsys.ingest.cells.vocabulary import NEVER_AN_ID
from recsys.ingest.config import MOST_QUANTITY
from recsys.lanes import Lane
from recsys.recommend.recommender import MAX_K

MAX_BATCH_ITEMS, MAX_BATCH_EXPLAINED = 50_000, 10_000
"""Items of all lists of a batch: users x k."""

MAX_BATCH = 1000
MAX_EVENTS = 1000
MAX_HISTORY = 10_000
EXAMPLE_USER = "1001"
EXAMPLE_ITEM = "1082185"

_LANE = (
    "`discover`: items the user has not had; `again`: only what they had, for buying again; "
    "`all`: both, mixed in the proportion in which shoppers do."
)
_CATEGORY = "Keep only items that carry one of these names on any category level."
_EXPLAIN = "Add the reasons of every item; the additive ones sum to its score."

_RULES = (
    "A stored rule set to lay over the model (filters, pins, boosts, variety); `off` for none. "
    "Without it, the rule set that is being served, if there is one."
)

Rules = Annotated[str | None, Field(max_length=60, description=_RULES, examples=["off"])]
Placement = Annotated[
    str,
    Field(
        max_length=60, description="Where the list will stand, as rule sets call it; served rules may depend on it.",
        examples=["home"],
    ),
]  # fmt: skip
LookedAt = Annotated[
    str | None,
    Field(
        max_length=200,
        description="The item that is looked at: served rules may depend on its categories.",
        examples=[EXAMPLE_ITEM],
    ),
]
LaneField = Annotated[Lane, Field(description=_LANE, examples=["discover"])]
K = Annotated[int, Field(ge=1, le=MAX_K, description="How many items.", examples=[5])]
StrictK = Annotated[int, Field(ge=1, le=MAX_K, strict=True, description="How many items.", examples=[5])]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description="The most entries to give.", examples=[5])]
Cursor = Annotated[
    str | None,
    Field(max_length=200, description="Where to go on: `next` of the page before. None for the first page."),
]
Next = Annotated[str | None, Field(description="Send it as `cursor` for the next page; null on the last one.")]
Levels = Annotated[
    list[str],
    Field(description="Its categories, widest first.", examples=[["Produce", "Tropical fruit", "Bananas"]]),
]
Id = Annotated[str, Field(max_length=500)]


_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"


def _named(text: str) -> str:
    """An id, as imports take it: what programs write for a missing value names nobody."""
    if not text.strip() or text.strip() in columns.MISSING:
        raise ValueError("That stands for a missing value; send an id, or leave the entry out")
    return text


Name = Annotated[str, Field(min_length=1, max_length=500, pattern=_PRINTABLE), AfterValidator(_named)]


def _somebody(user: str) -> str:
    """An id of a user, as imports take it: trackers write some words, in any case, for nobody."""
    if user.strip().lower() in NEVER_AN_ID:
        raise ValueError("That stands for nobody; send an id, or leave the entry out")
    return user


UserName = Annotated[Name, AfterValidator(_somebody)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


def _of_something(quantity: float) -> float:
    """A number of pieces, as imports take it: 0 is no event, and fewer came back."""
    if quantity <= 0:
        raise ValueError("A quantity lies above 0; for pieces that came back send the event 'return'")
    return quantity


Quantity = Annotated[Number, Field(le=MOST_QUANTITY), AfterValidator(_of_something)]


def now() -> datetime:
    """Now, in UTC without a zone, to the second."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def _plausible(at: datetime) -> datetime:
    """In UTC without a zone; a clock that is wrong by years must not get into the data."""
    try:
        at = at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo is not None else at
    except OverflowError:  # at the edge of the calendar
        at = datetime.min
    if not datetime(1970, 1, 1) <= at <= now() + timedelta(days=1):
        raise ValueError("A time must lie between 1970 and now")
    return at


def _in_any_form(value: Any, otherwise: ValidatorFunctionWrapHandler) -> datetime:
    """A time as an import reads it: `20240103` is a day, and what counts from 1970 has the unit that its size tells."""
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        try:
            return datetime.fromisoformat(str(value).strip())
        except ValueError:
            pass
        if (found := any_time(str(value))) is not None:
            return found
    read: datetime = otherwise(value)
    return read


EventTime = Annotated[datetime, WrapValidator(_in_any_form), AfterValidator(_plausible)]


class Asked(BaseModel):
    """Base of everything that is asked: a name that does not exist is refused rather than ignored."""

    model_config = ConfigDict(extra="forbid")


class RecommendationQuery(Asked):
    k: K = 10
    lane: LaneField = "discover"
    category: list[str] = Field([], description=_CATEGORY, examples=[["Produce"]])
    explain: bool = Field(False, description=_EXPLAIN, examples=[True])
    rules: Rules = None
    placement: Placement = ""
    item: LookedAt = None


class SimilarQuery(Asked):
    k: K = 10


class HistoryQuery(Asked):
    limit: Limit = 100


class UserQuery(Asked):
    query: str = Field("", description="Beginning or part of a user id; empty for all.", examples=["100"])
    limit: Limit = 20
    cursor: Cursor = None


class ItemQuery(Asked):
    query: str = Field("", description="An item id, or words of title and categories.", examples=["banana"])
    limit: Limit = 20
    cursor: Cursor = None


class _Wanted(Asked):
    k: StrictK = 10
    lane: LaneField = "discover"
    category: list[str] = Field([], description=_CATEGORY, examples=[["Produce"]])
    explain: bool = Field(False, strict=True, description=_EXPLAIN, examples=[True])
    rules: Rules = None
    placement: Placement = ""
    item: LookedAt = None


class NewUserRequest(_Wanted):
    """Somebody the model has never seen."""

    history: list[Id] = Field(
        [],
        max_length=MAX_HISTORY,
        description="Ids of items they had, most recent first. May be empty.",
        examples=[[EXAMPLE_ITEM, "1029743"]],
    )
    user: dict[str, str] = Field(
        {}, description="What is known of them: attributes of the users of this dataset.", examples=[{"age": "45-54"}]
    )


class BatchRequest(_Wanted):
    """Several known users at once."""

    user_ids: list[Id] = Field(
        min_length=1, max_length=MAX_BATCH, description="Whom to answer for.", examples=[[EXAMPLE_USER, "1"]]
    )

    @model_validator(mode="after")
    def check_size(self) -> Self:
        """What all lists together may hold: they are worked out and kept in memory before the answer begins."""
        most = MAX_BATCH_EXPLAINED if self.explain else MAX_BATCH_ITEMS
        if len(self.user_ids) * self.k > most:
            raise ValueError(
                f"{len(self.user_ids):,} users with k {self.k:,} are {len(self.user_ids) * self.k:,} items, and one "
                f"batch holds {most:,}{' with explain' if self.explain else ''}: send fewer users at a time, or a "
                "smaller k"
            )
        return self


class EventIn(Asked):
    """One thing somebody did."""

    user_id: UserName = Field(description="Who; somebody new is welcome.", examples=[EXAMPLE_USER])
    item_id: Name = Field(description="With what.", examples=[EXAMPLE_ITEM])
    timestamp: EventTime | None = Field(
        None,
        description="When: ISO 8601, seconds (or milli-, micro-, nanoseconds) since 1970, or any form that an import "
        "reads without a doubt of day and month; UTC where it says nothing else. Now, if it is left out.",
        examples=["2017-12-30T17:05:00Z"],
    )
    event: str = Field(
        "purchase", min_length=1, max_length=50, pattern=_PRINTABLE,
        description="The kind, in the words that an import knows: a purchase weighs more than a view, and what takes "
        "something back (a refund, a removal) is kept and is no like.", examples=["purchase"],
    )  # fmt: skip
    quantity: Quantity = Field(
        1.0, description="Pieces, above 0.", examples=[2], json_schema_extra={"exclusiveMinimum": 0}
    )
    value: Number = Field(0.0, ge=-1e9, le=1e9, description="Money.", examples=[1.96])
    id: Annotated[str, Field(min_length=1, max_length=200, pattern=_PRINTABLE)] | None = Field(
        None, description="Your name for this event: sent again under it, it is stored once.", examples=["order-77-1"]
    )

    @model_validator(mode="after")
    def _check_money(self) -> Self:
        """Money below 0 goes back, which an import takes for no purchase."""
        if self.value < 0 and weight_of(self.event)[0] > 0:
            raise ValueError("Money lies at 0 or above; for money that goes back send the event 'refund'")
        return self


class ItemIn(Asked):
    """What is known of an item, so that it can be recommended before the next training."""

    item_id: Name = Field(examples=["new-banana-chips"])
    title: str | None = Field(None, max_length=500, pattern=_PRINTABLE, examples=["Banana chips, 6 oz"])
    category: list[Annotated[str, Field(max_length=200, pattern=_PRINTABLE)]] = Field(
        [], max_length=20, description="Its categories, widest first.", examples=[["Produce", "Tropical fruit"]]
    )
    description: str | None = Field(
        None, max_length=500, description="Its words count where the model learned from words.",
        examples=["Crisp slices of ripe bananas"],
    )  # fmt: skip
    brand: str | None = Field(None, max_length=200, pattern=_PRINTABLE, examples=["National brand"])
    numbers: dict[str, Number] = Field(
        {}, max_length=100, description="Other columns of numbers of the items of this dataset.", examples=[{}]
    )
    price: Number | None = Field(None, ge=0, le=1e9, examples=[2.49])


class UserIn(Asked):
    """What is known of a user, so that they get an answer before their first event."""

    user_id: UserName = Field(examples=["visitor-4711"])
    attributes: dict[str, Annotated[str, Field(max_length=200)]] = Field(
        description="Attributes of the users of this dataset.", examples=[{"age": "45-54"}]
    )


class EventsRequest(Asked):
    """What happened, and what is new; at least one of the three."""

    events: list[EventIn] = Field([], max_length=MAX_EVENTS, description="What happened.")
    items: list[ItemIn] = Field([], max_length=MAX_BATCH, description="New items.")
    users: list[UserIn] = Field([], max_length=MAX_BATCH, description="New users, with what is known of them.")

    @model_validator(mode="after")
    def _says_something(self) -> "EventsRequest":
        if not (self.events or self.items or self.users):
            raise ValueError("Send at least one event, item or user")
        return self

"""What the API gives: pydantic models, described."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from recsys.api.schemas import EXAMPLE_ITEM, EXAMPLE_USER, Levels, Next


class EventsOut(BaseModel):
    """What became of it. All of it is on the disk now."""

    dataset: str = Field(description="Whose log it is in: that of the live model.", examples=["demo"])
    accepted: int = Field(description="Events that are new in the log.", examples=[1])
    duplicates: int = Field(description="Events that were there already, under the same id.", examples=[0])
    unknown_items: list[str] = Field(
        description="Items of these events that the model does not know (the first 100): they are stored, and count "
        "from the next training on, or as soon as `items` says what they are."
    )


class ReasonOut(BaseModel):
    """One part of a score."""

    kind: Literal["item", "category", "brand", "number", "words", "user", "bias", "history", "rule"] = Field(
        description="What the part comes from."
    )
    name: str = Field(description="In words.", examples=["Tropical fruit"])
    value: float = Field(description="The part, in score units when additive; otherwise a measure of its own.")
    additive: bool = Field(description="Whether it is one of those that sum to the score.")


class RankedItemOut(BaseModel):
    """One line of an answer."""

    rank: int = Field(description="Place in the list, from 1.", examples=[1])
    item_id: str = Field(examples=[EXAMPLE_ITEM])
    title: str = Field(examples=["Bananas, 40 lb · National brand"])
    category: Levels
    score: float = Field(
        description="The model's score: compare it within one answer only. On the path `popular`, the share of "
        "shoppers who had it. "
        "For `again`: the chance of buying it again within the coming weeks, where the model could learn it; "
        "otherwise purchases, halved for every 60 days since the last one."
    )
    lane: str = Field(description="Which lane brought it.", examples=["discover"])
    popularity_rank: int = Field(description="1 for the item that most users have had.", examples=[1])
    reasons: list[ReasonOut] = Field(description="Empty unless `explain` was asked for.")


class AnswerOut(BaseModel):
    """Ranked items for one user."""

    user: str | None = Field(description="Whose answer this is; null for somebody never seen.", examples=[EXAMPLE_USER])
    model: str = Field(description="The model version that answered.")
    lane: str = Field(examples=["discover"])
    path: Literal["known", "folded", "cold", "popular"] = Field(
        description="`known`: trained on this user; `folded`: worked out from the history given, or from events since "
        "the training; `cold`: from attributes alone; `popular`: nothing is known that the model can use, so what is "
        "bought most by shoppers of the same segment, or by everybody."
    )
    rules: str | None = Field(None, description="The rule set laid over the model, with its version.")
    items: list[RankedItemOut]


class NewUserAnswerOut(AnswerOut):
    """Ranked items for somebody never seen."""

    unknown_items: list[str] = Field(
        description="Items of the history that the model does not know: they were left out of it."
    )


class BatchOut(BaseModel):
    """Answers in the order asked, without those for users whom nobody knows."""

    model: str
    answers: list[AnswerOut]
    unknown_users: list[str] = Field(
        description="Users whom neither the model nor the log of events knows: they have no answer."
    )


class SimilarItemOut(BaseModel):
    """A neighbour of an item."""

    rank: int = Field(examples=[1])
    item_id: str
    title: str
    category: Levels
    score: float = Field(description="Cosine between the two items' embeddings: 1 is the same direction.")
    popularity_rank: int


class SimilarOut(BaseModel):
    """The nearest items of an item."""

    item: str = Field(examples=[EXAMPLE_ITEM])
    model: str
    items: list[SimilarItemOut]


class UserOut(BaseModel):
    """Somebody who can be asked about."""

    user_id: str = Field(examples=[EXAMPLE_USER])
    attributes: dict[str, str] = Field(description="What is known of them.", examples=[{"age": "45-54"}])
    purchases: int = Field(description="Number of events.")
    products: int = Field(description="Number of different items.")
    last: str | None = Field(description="Time of the last event.", examples=["2017-12-28T18:44:31"])


class UsersOut(BaseModel):
    users: list[UserOut]
    next: Next


class PastItemOut(BaseModel):
    """An item somebody had."""

    item_id: str
    title: str
    category: Levels
    count: int = Field(description="How many times.")
    first: str | None = Field(
        description="When for the first time; null in data without times.", examples=["2017-04-30T16:51:01"]
    )
    last: str | None = Field(
        description="When for the last time; null in data without times.", examples=["2017-12-15T18:51:09"]
    )
    value: float = Field(description="Money spent on it in all.")
    after_cut: bool = Field(description="True when all of it lies after what the model has learned from.")


class HistoryOut(BaseModel):
    """What somebody did, most recent first."""

    user: str = Field(examples=[EXAMPLE_USER])
    model: str
    total: int = Field(description="How many items there are in all; `limit` may have cut the list.")
    items: list[PastItemOut]


class ItemOut(BaseModel):
    """An item of the catalogue."""

    item_id: str = Field(examples=[EXAMPLE_ITEM])
    title: str
    category: Levels
    brand: str | None = Field(None, examples=["National brand"])
    price: float | None = Field(None, examples=[0.98])
    popularity: int = Field(description="How many users have had it, in what the model learned from.")


class ItemsOut(BaseModel):
    model: str
    items: list[ItemOut]
    next: Next


class TrainingOut(BaseModel):
    """How the training went, as the Train page and `train` tell it."""

    passes_kept: int
    passes_tried: int
    stopped: str = Field(description="Why so many passes were kept.")
    same_as: str | None = Field(description="The stored model with equal embeddings, if there is one.")
    changes: Mapping[str, Any] | None = Field(
        description="What each changed dial did on the validation set, against the model that was live then."
    )
    told: list[str] = Field(description="All of it in sentences.")


class ModelOut(BaseModel):
    """The model that answers now."""

    id: str
    name: str = Field(description="What people call it; empty where it has no name or the database is away.")
    dataset: str = Field(examples=["demo"])
    trained_at: str = Field(description="UTC.", examples=["2025-01-02T03:04:05+00:00"])
    users: int
    items: int
    epochs: int = Field(description="Passes over the data that were kept, chosen on the validation set.")
    same_as: str | None = Field(description="The stored model with equal embeddings, if there is one.")
    training: TrainingOut = Field(description="How many passes were kept and why, and what each changed dial did.")
    seed: int
    recipe: Mapping[str, Any] = Field(description="Hyperparameters.")
    split: Mapping[str, Any] = Field(description="What was learned from, and what was held out for the metrics.")
    metrics: Mapping[str, Any] = Field(description="On what was held out, beside bestsellers, with 95% intervals.")
    has_map: bool = Field(description="Whether its map of items is drawn.")


class Alive(BaseModel):
    status: Literal["ok"]


class Ready(BaseModel):
    status: Literal["ready"]
    model: str

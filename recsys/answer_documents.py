"""An answer as JSON holds it: what the API gives, the command line prints and the client hands on."""

from typing import Literal, NotRequired, TypedDict

Path = Literal["known", "folded", "cold", "popular"]
"""How a user was known: trained, folded in from a history, by attributes, or as one of their segment."""


class Reason(TypedDict):
    """One part of a score."""

    kind: str
    name: str
    value: float
    additive: bool


class Item(TypedDict):
    """One line of an answer."""

    rank: int
    item_id: str
    title: str
    category: list[str]
    score: float
    lane: str
    popularity_rank: int
    reasons: NotRequired[list[Reason]]


class Answer(TypedDict):
    """Ranked items for one user; `path` says how the user was known, `rules` which rule set was laid over the model."""

    user: str | None
    model: str
    lane: str
    path: Path
    rules: str | None
    items: list[Item]
    unknown_items: NotRequired[list[str]]

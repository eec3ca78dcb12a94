"""What a recommender answers: ranked items with their reasons, and what may be asked for."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from recsys import answer_documents
from recsys.answer_documents import Path
from recsys.errors import InvalidInput
from recsys.lanes import LANES, Lane
from recsys.recommend.explain import Reason

MAX_K = 1000


class RankedItem(NamedTuple):
    """One line of an answer. `score` is the model's; for the lane "again" the chance of buying it again soon, or where
    the model holds no such chances the decayed number of purchases."""

    rank: int
    item_id: str
    title: str
    category: tuple[str, ...]
    score: float
    lane: str
    popularity_rank: int
    reasons: tuple[Reason, ...] = ()

    def to_dict(self) -> answer_documents.Item:
        """Ready for JSON; written out, as it is done for every item of every answer."""
        return {
            "rank": self.rank,
            "item_id": self.item_id,
            "title": self.title,
            "category": list(self.category),
            "score": self.score,
            "lane": self.lane,
            "popularity_rank": self.popularity_rank,
            "reasons": [reason.to_dict() for reason in self.reasons],
        }


@dataclass(frozen=True)
class Answer:
    """Ranked items for one user. `path` says how the user was known: trained, folded in from a history, by attributes
    alone (cold), or not at all: then by what is popular in their segment. `rules` which stored rule set was laid over
    the model, if any."""

    user: str | None
    model: str
    lane: str
    path: Path
    items: tuple[RankedItem, ...]
    rules: str | None = None

    def to_dict(self) -> answer_documents.Answer:
        """Ready for JSON."""
        return {
            "user": self.user,
            "model": self.model,
            "lane": self.lane,
            "path": self.path,
            "rules": self.rules,
            "items": [item.to_dict() for item in self.items],
        }


def check_k(k: int) -> int:
    """k itself when it is a whole number from 1 to `MAX_K`; InvalidInput otherwise."""
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 1 <= k <= MAX_K:
        raise InvalidInput(f"k is {k!r}; it must be a whole number from 1 to {MAX_K}.")
    return int(k)


def check_lane(lane: str) -> Lane:
    """The lane itself when it is one; InvalidInput otherwise."""
    if lane not in LANES:
        raise InvalidInput(f"lane is {lane!r}; choose one of {', '.join(LANES)}.")
    return lane


def mixed_lanes(
    discover: list[tuple[int, float, str]], again: list[tuple[int, float, str]], share: float
) -> list[tuple[int, float, str]]:
    """Both lists in their order, so that about `share` of every beginning comes from `again`."""
    mixed: list[tuple[int, float, str]] = []
    first, second = iter(again), iter(discover)
    taken = 0
    for place in range(1, len(discover) + len(again) + 1):
        want_again = taken < round(share * place)
        line = next(first if want_again else second, None)
        if line is None:
            return [*mixed, *first, *second]
        taken += line[2] == "again"
        mixed.append(line)
    return mixed

"""Recommendations for every user at once, and the file they go to."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from recsys import columns as c
from recsys.errors import InvalidInput, NotFound, StorageProblem
from recsys.lanes import Lane
from recsys.models.rank.top_k import NOTHING
from recsys.recommend.recommender import Recommender
from recsys.recommend.results import check_k, check_lane
from recsys.recommend.rules import Rules

SUFFIX = ".parquet"


def everybody(recommender: Recommender) -> list[str]:
    """Ids of all who get an answer: the users of the model, then those whom only the log of events knows."""
    known = recommender.users[c.USER].astype(str).tolist()
    since = recommender.activity.new_users() if recommender.activity is not None else []
    return known + [user for user in since if user not in recommender.model.rows_of_users]


@dataclass(frozen=True)
class Lists:
    """Which lists are wanted.

    Attributes:
        k: their length.
        lane: what they may hold, as `Recommender.recommend` takes it.
        rules: what is laid over the model.
        explain: whether reasons are wanted; then every user is answered alone, which takes some ten times as long.
    """

    k: int = 10
    lane: Lane = "discover"
    rules: Rules | None = None
    explain: bool = False

    def __post_init__(self) -> None:
        check_k(self.k)
        check_lane(self.lane)


def recommend_all(recommender: Recommender, lists: Lists | None = None) -> pd.DataFrame:
    """`recommend_some` for `everybody`."""
    return recommend_some(recommender, everybody(recommender), lists or Lists())


def recommend_some(recommender: Recommender, user_ids: Sequence[str], lists: Lists) -> pd.DataFrame:
    """The lists of some users: for each of them what `Recommender.recommend` answers at this moment.

    New products without reasons of users who did nothing since the training are ranked together; everything else one
    user after the other. Users whom neither the model nor the log knows any more get no row.

    Returns:
        One row per user and place, in the order of `user_ids`: `user_id`, `rank` (from 1), `item_id`, `title`, `score`,
        `lane`, and where they are wanted `reasons`, JSON as the API gives them; fewer than k rows for a user who has
        had nearly everything.
    """
    known, k = recommender.model.rows_of_users, lists.k
    moved = set() if recommender.activity is None else set(recommender.activity.new_users())
    together = lists.lane == "discover" and not lists.explain
    items = np.full((len(user_ids), k), NOTHING, np.int32)
    scores = np.full((len(user_ids), k), -np.inf, np.float32)
    lanes = np.full((len(user_ids), k), lists.lane, object)
    reasons = np.full((len(user_ids), k), "", object)
    still = [place for place, user in enumerate(user_ids) if together and user in known and user not in moved]
    rows = np.array([known[user_ids[place]] for place in still], dtype=np.int64)
    items[still], scores[still] = recommender.top_k_of(rows, k, rules=lists.rules)
    for place in np.setdiff1d(np.arange(len(user_ids)), still):
        try:
            found = recommender.recommend(
                user_ids[place], k, lists.lane, explain=lists.explain, rules=lists.rules
            ).items
        except NotFound:  # forgotten in this moment
            continue
        items[place, : len(found)] = recommender.model.item_rows([item.item_id for item in found])
        scores[place, : len(found)] = [item.score for item in found]
        lanes[place, : len(found)] = [item.lane for item in found]
        if lists.explain:
            reasons[place, : len(found)] = [json.dumps([reason.to_dict() for reason in x.reasons]) for x in found]
    places, ranks = np.nonzero(items != NOTHING)
    shown = items[places, ranks]
    table = pd.DataFrame(
        {
            c.USER: np.array(user_ids, dtype=object)[places],
            "rank": (ranks + 1).astype(np.int32),
            c.ITEM: recommender.items[c.ITEM].to_numpy()[shown],
            c.TITLE: recommender.items[c.TITLE].to_numpy()[shown],
            "score": scores[places, ranks],
            "lane": lanes[places, ranks],
        }
    )
    return table.assign(reasons=reasons[places, ranks]) if lists.explain else table


def check_target(path: Path) -> None:
    """InvalidInput, naming the path, unless a Parquet file can be put there."""
    if path.suffix != SUFFIX:
        raise InvalidInput(f"{path} does not end in {SUFFIX}; name a Parquet file, or a folder for partitions.")
    if path.is_dir():
        raise InvalidInput(f"{path} is a folder; name a file.")
    if not path.absolute().parent.is_dir():
        raise InvalidInput(f"There is no folder {path.absolute().parent}; make it first, or name another file.")


def write(table: pd.DataFrame, path: Path) -> None:
    """Write beside the place, then rename: whoever reads the file sees the old one or all of the new one."""
    check_target(path)
    aside = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        table.to_parquet(aside, index=False)
        aside.replace(path)
    except OSError as error:
        raise StorageProblem(f"Cannot write {path}: {error.strerror or error}.") from error
    finally:
        aside.unlink(missing_ok=True)

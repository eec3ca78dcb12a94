"""Recommendations for every user at once, and the file they go to."""

import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from recsys import columns as c
from recsys.errors import InvalidInput, NotFound, StorageProblem
from recsys.models.rank.top_k import NOTHING
from recsys.recommend.recommender import Recommender
from recsys.recommend.results import check_k
from recsys.recommend.rules import Rules

SUFFIX = ".parquet"


def everybody(recommender: Recommender) -> list[str]:
    """Ids of all who get an answer: the users of the model, then those whom only the log of events knows."""
    known = [str(user) for user in recommender.users[c.USER]]
    since = recommender.activity.new_users() if recommender.activity is not None else []
    return known + [user for user in since if user not in recommender.model.rows_of_users]


def recommend_all(recommender: Recommender, k: int = 10, rules: Rules | None = None) -> pd.DataFrame:
    """`recommend_some` for `everybody`."""
    return recommend_some(recommender, everybody(recommender), k, rules)


def recommend_some(
    recommender: Recommender, user_ids: Sequence[str], k: int = 10, rules: Rules | None = None
) -> pd.DataFrame:
    """The k best new items of some users: for each of them what `Recommender.recommend` answers at this moment.

    Users who did nothing since the training are ranked together; the others stand elsewhere now, one by one. Users
    whom neither the model nor the log knows any more get no row.

    Args:
        rules: what is laid over the model, as `Recommender.recommend` takes it.

    Returns:
        One row per user and place, in the order of `user_ids`: `user_id`, `rank` (from 1), `item_id`, `title`, `score`;
        fewer than k rows for a user who has had nearly everything.
    """
    check_k(k)
    known = recommender.model.rows_of_users
    moved = set() if recommender.activity is None else set(recommender.activity.new_users())
    items = np.full((len(user_ids), k), NOTHING, np.int32)
    scores = np.full((len(user_ids), k), -np.inf, np.float32)
    still = [place for place, user in enumerate(user_ids) if user in known and user not in moved]
    rows = np.array([known[user_ids[place]] for place in still], dtype=np.int64)
    items[still], scores[still] = recommender.top_k_of(rows, k, rules=rules)
    for place in np.setdiff1d(np.arange(len(user_ids)), still):
        try:
            found = recommender.recommend(user_ids[place], k, rules=rules).items
        except NotFound:  # forgotten in this moment
            continue
        items[place, : len(found)] = recommender.model.item_rows([item.item_id for item in found])
        scores[place, : len(found)] = [item.score for item in found]
    places, ranks = np.nonzero(items != NOTHING)
    shown = items[places, ranks]
    return pd.DataFrame(
        {
            c.USER: np.array(user_ids, dtype=object)[places],
            "rank": (ranks + 1).astype(np.int32),
            c.ITEM: recommender.items[c.ITEM].to_numpy()[shown],
            c.TITLE: recommender.items[c.TITLE].to_numpy()[shown],
            "score": scores[places, ranks],
        }
    )


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

"""Recommendations for every user at once, and the file they go to."""

import uuid
from pathlib import Path

import numpy as np
import pandas as pd

from recsys import columns as c
from recsys.errors import InvalidInput, StorageProblem
from recsys.models.rank.top_k import NOTHING
from recsys.recommend.recommender import Recommender
from recsys.recommend.rules import Rules

SUFFIX = ".parquet"


def recommend_all(recommender: Recommender, k: int = 10, rules: Rules | None = None) -> pd.DataFrame:
    """The k best new items of every user.

    Args:
        rules: what is laid over the model, as `Recommender.recommend` takes it.

    Returns:
        One row per user and place, in the order of the users: `user_id`, `rank` (from 1), `item_id`, `title`, `score`;
        fewer than k rows for a user who has had nearly everything.
    """
    items, scores = recommender.top_k_for_all(k, rules=rules)
    users, places = np.nonzero(items != NOTHING)
    rows = items[users, places]
    return pd.DataFrame(
        {
            c.USER: recommender.users[c.USER].to_numpy()[users],
            "rank": (places + 1).astype(np.int32),
            c.ITEM: recommender.items[c.ITEM].to_numpy()[rows],
            c.TITLE: recommender.items[c.TITLE].to_numpy()[rows],
            "score": scores[users, places],
        }
    )


def check_target(path: Path) -> None:
    """InvalidInput, naming the path, unless a Parquet file can be put there."""
    if path.suffix != SUFFIX:
        raise InvalidInput(f"{path} does not end in {SUFFIX}; the result is a Parquet file.")
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

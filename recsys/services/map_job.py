"""The map job: arrange the items of a model, measure how faithful the picture is, and store it with the model."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c
from recsys.dataset.categories import middle_level
from recsys.dataset.splitting import timestamp
from recsys.errors import InsiderError, InvalidInput
from recsys.models.features import IDENTITY
from recsys.models.model import Model, identical
from recsys.models.rank.top_k import top_k_block
from recsys.progress import OnProgress, Progress
from recsys.projection.documents import MapFacts
from recsys.projection.fidelity import fidelity, found_share, movement, purity
from recsys.projection.projection import Reduce, item_map, prepared
from recsys.projection.settings import MapSettings
from recsys.services.workspace import Workspace

if TYPE_CHECKING:
    from recsys.projection.arrange import Surroundings

NEAREST = 15
EXPOSURE = "exposure"
TREND = "trend"
TREND_WEEKS = 8
EXPOSURE_K = 10
EXPOSURE_USERS = 5000

READ = "Reading the model"
LOOK = "Finding what is near to each product"
ARRANGE = "Arranging the products"
MEASURE = "Measuring how faithful the map is"
COUNT = "Counting how often each product is recommended"


def draw(
    workspace: Workspace,
    model_id: str,
    settings: MapSettings,
    *,
    seed: int = 0,
    on_progress: OnProgress = lambda _: None,
    reduce: Reduce | None = None,
) -> None:
    """Draw the map of a model version and store it.

    Beside the coordinates it stores the nearest neighbours of every item, how often each is recommended, its
    sales trend, and the facts: settings, `trustworthiness`, `kept`, `purity`, `moved`, `since` (the model whose map
    was the start), `seconds`.

    Raises:
        NotFound: no such version.
        InvalidInput: the own part is asked for, but the model has none.
    """
    started = time.monotonic()
    on_progress(Progress(READ, 0.02))
    model = workspace.load(model_id).trained
    ids = model.items[c.ITEM].astype(str).tolist()
    embeddings = own_part(model) if settings.part == "own" else model.item_embeddings
    earlier = earlier_map(workspace, model_id) if settings.keep else None
    since, start = (None, None) if earlier is None else (earlier[0], _places(earlier[1], ids))
    on_progress(Progress(LOOK, 0.1))
    rows = prepared(embeddings, settings.metric)
    around, near = _neighbours(model, rows, settings, seed)
    if earlier is not None and _drawn_already(workspace, model, earlier[0], settings):
        table = earlier[1]
    else:
        table = item_map(
            ids, embeddings, seed=seed, settings=settings, start=start, around=around, reduce=reduce,
            on_share=_every(ARRANGE, 0.2, 0.6, on_progress),
        )  # fmt: skip
    arranged = time.monotonic() - started
    on_progress(Progress(MEASURE, 0.6))
    facts: MapFacts = {
        "settings": settings.to_dict(),
        "seed": seed,
        "since": since,
        "found": found_share(rows, around.indices[:, :NEAREST]),
        **_measured(model, rows, table[[c.X, c.Y]].to_numpy(), start),
    }
    on_progress(Progress(COUNT, 0.85))
    details = pd.DataFrame({c.ITEM: ids, EXPOSURE: exposure(model, seed=seed), TREND: trend(workspace, model)})
    facts["seconds"] = {"arranging": round(arranged, 1), "all": round(time.monotonic() - started, 1)}
    nearest = {"nearest": near.indices[:, :NEAREST], "likeness": 1.0 - near.distances[:, :NEAREST] ** 2 / 2.0}
    workspace.store.save_map(model_id, table, facts, details, nearest)


def _neighbours(
    model: Model, rows: NDArray[np.float32], settings: MapSettings, seed: int
) -> tuple["Surroundings", "Surroundings"]:
    """The neighbours of every row as the map measures distances, and those by the cosine of the whole embeddings."""
    from recsys.projection.arrange import surroundings

    around = surroundings(rows, max(settings.neighbours - 1, NEAREST), seed=seed)
    if settings.metric == "cosine" and settings.part == "all":
        return around, around
    return around, surroundings(prepared(model.item_embeddings, "cosine"), NEAREST, seed=seed)


def _measured(
    model: Model, rows: NDArray[np.float32], places: NDArray[np.float32], start: NDArray[np.float32] | None
) -> MapFacts:
    """How faithful places are to the embeddings, how pure in categories, and how far from where they started."""
    level = middle_level(model.category_levels)
    return {
        "moved": None if start is None else movement(places, start),
        **fidelity(rows, places),
        "purity": None if level is None else purity(places, model.items[level]),
        "purity_level": level,
    }


def _drawn_already(workspace: Workspace, model: Model, other: str, settings: MapSettings) -> bool:
    """Whether the map of another model shows the same embeddings, drawn in the same way."""
    if workspace.store.map_manifest(other)["facts"].get("settings") != settings.to_dict():
        return False
    try:
        return identical(model, workspace.load(other).trained)
    except InsiderError:
        return False


def _every(step: str, begin: float, end: float, on_progress: OnProgress) -> Callable[[float], None]:
    """Report at most ten times on the way from one share of the whole to another."""
    reported = -1

    def report(share: float) -> None:
        nonlocal reported
        if int(10 * share) > reported:
            reported = int(10 * share)
            on_progress(Progress(step, begin + (end - begin) * share))

    return report


def own_part(model: Model) -> NDArray[np.float32]:
    """(n_items, components): what each item has learned by itself, without the embeddings of its category and brand.

    Items that have no such part, because nobody has bought them, keep the whole embedding.
    """
    identity = np.flatnonzero(model.item_features.kinds == IDENTITY)
    if len(identity) == 0:
        raise InvalidInput(f"Model {model.id!r} was trained without an embedding of its own for each item; draw all.")
    weights = model.item_features.matrix[:, identity]
    found = np.asarray(weights @ model.lightfm.item_embeddings[identity], dtype=np.float32)
    without = np.diff(weights.indptr) == 0
    found[without] = model.item_embeddings[without]
    return found


def earlier_map(workspace: Workspace, model_id: str) -> tuple[str, pd.DataFrame] | None:
    """Model and map to start from: the live model's, or else the newest there is of another model."""
    candidates = [workspace.live_id(), *workspace.store.models()]
    for other in candidates:
        if other is None or other == model_id or not workspace.store.has_map(other):
            continue
        try:
            table = workspace.store.load_map(other)
        except InsiderError:
            continue
        if table is not None:
            return other, table
    return None


def exposure(model: Model, k: int = EXPOSURE_K, users: int = EXPOSURE_USERS, seed: int = 0) -> NDArray[np.float32]:
    """(n_items,): share of shoppers in whose k best new products each item stands, over a sample of shoppers."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(model.users))[:users])
    counts = np.zeros(len(model.items), dtype=np.int64)
    for start in range(0, len(chosen), 256):
        block = chosen[start : start + 256]
        items, _ = top_k_block(model.scores(block), k, model.history.counts[block])
        counts += np.bincount(items[items >= 0], minlength=len(counts))
    return (counts / max(len(chosen), 1)).astype(np.float32)


def trend(workspace: Workspace, model: Model, weeks: int = TREND_WEEKS) -> NDArray[np.float32]:
    """(n_items,): purchases in the last weeks before the model's cut over those in as many weeks before, one added to
    each; nan for all when the data are no longer stored."""
    unknown = np.full(len(model.items), np.nan, np.float32)
    try:
        dataset = workspace.dataset_of(model.id)
        cut = timestamp(model.manifest.split.test_start)
    except (InsiderError, KeyError, TypeError):
        return unknown
    rows = model.item_index.get_indexer(pd.Index(dataset.items[c.ITEM]))[dataset.events[c.ITEM].to_numpy()]
    weeks_before = (cut - dataset.events[c.TIMESTAMP]).dt.total_seconds().to_numpy() / (7 * 86400)
    late, early = (
        np.bincount(rows[(rows >= 0) & (weeks_before > a) & (weeks_before <= b)], minlength=len(model.items))
        for a, b in ((0, weeks), (weeks, 2 * weeks))
    )
    return ((late + 1.0) / (early + 1.0)).astype(np.float32)


def _places(table: pd.DataFrame, ids: list[str]) -> NDArray[np.float32]:
    return table.set_index(c.ITEM).reindex(ids)[[c.X, c.Y]].to_numpy(dtype=np.float32)

"""Past one machine: passes of ALS and lists for everybody on worker processes, and a model of what larger sizes need.

`python -m benchmarks scale [--json] [--only PART ...] [--trial]`. The parts are passes, lists, capacity and steps:
trainings, a list and a map on large shops without a cluster. Purchases are generated, with power laws in users and
items. The whole takes about half an hour on two idle cores and 12 GB, the first three ten minutes and 6 GB; `--trial`
runs all of it small.
"""

import argparse
import atexit
import tempfile
import time
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from distributed import LocalCluster
from scipy import sparse

from benchmarks import _large
from benchmarks._capacity import Coefficients, Size, needs, of_pass
from benchmarks._large_shops import Shop, on_large_shops
from benchmarks._measuring import in_turn, result, say, seconds
from recsys.cluster.executor import Workers, connected
from recsys.cluster.sharded_histories import histories_on
from recsys.models.features import IDENTITY, Features
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.learners.als import AlternatingRidge
from recsys.models.learners.histories import HistoriesOf, LocalHistories
from recsys.models.purchases import Purchases, Weighting
from recsys.models.rank.top_k import top_k_of_products
from recsys.services.batch import Lists, recommend_all
from recsys.services.batch_partitions import write_partitions
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.utils.threads import limited_blas_threads

Results = list[dict[str, Any]]

WHOLE = {"pairs": 10_000_000, "users": 1_000_000, "items": 100_000, "listed": 40_000, "runs": 5}
SMALL = {"pairs": 30_000, "users": 2_000, "items": 500, "listed": 400, "runs": 1}
COMPONENTS = 64
LARGE_SHOPS: tuple[Shop, ...] = ((10_000_000, 1_000_000, 100_000), (4_000_000, 200_000, 1_000_000))
size = dict(WHOLE)


def run(options: list[str]) -> Results:
    parser = argparse.ArgumentParser(prog="python -m benchmarks scale")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--trial", action="store_true")
    asked = parser.parse_args(options)
    size.update(SMALL if asked.trial else WHOLE)
    found: Results = []
    for part in asked.only:
        say(f"{part} ...")
        found += PARTS[part]()
    return found


def passes() -> Results:
    """A pass in this process on one thread, on one worker and on two; all of one thread, in turn."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        one, two = _cluster(1), _cluster(2)
        stack.enter_context(limited_blas_threads())
        here = _learner(lambda matrix: LocalHistories(matrix, threads=1))
        on_one, on_two = (
            _learner(stack.enter_context(histories_on(where, Path(tempfile.mkdtemp(dir=folder)))))
            for where in (one, two)
        )
        for learner in (here, on_one, on_two):
            learner.step()  # compiles, and brings the shards
        overhead = in_turn(on_one.step, here.step, runs=size["runs"])
        gain = in_turn(on_two.step, on_one.step, runs=size["runs"])
    words = f"{size['pairs']:,} pairs, {size['users']:,} users, {size['items']:,} items, {COMPONENTS} components"
    return [
        result(f"a pass of ALS on one worker, beside this process on one thread; {words}", *overhead,
               target=1 / 1.15, runs=size["runs"]),
        result("the same on two workers, beside one", *gain, target=1.6, runs=size["runs"]),
    ]  # fmt: skip


def lists() -> Results:
    """Lists of everybody as files on one worker and on two, beside one process that does it and one that only ranks."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        _large.make(home / "home", size["listed"], size["items"], 20 * size["listed"])
        workspace = Workspace(Settings.from_environment(home / "home"))
        live = workspace.load()
        one, two = _cluster(1), _cluster(2)
        partition, number = max(size["listed"] // 8, 1), iter(range(10_000))

        def on(scheduler: str) -> None:
            write_partitions(
                workspace, home / f"lists{next(number)}", Lists(10), partition=partition, scheduler=scheduler
            )

        rows = np.arange(size["listed"])
        users, items = live.model.user_embeddings[rows], live.item_embeddings

        def ranked() -> None:
            top_k_of_products(users, items, live.model.item_biases, 10, live.model.history.counts)

        for scheduler in (one, two):
            on(scheduler)  # every worker reads the model
        gain = in_turn(lambda: on(two), lambda: on(one), runs=size["runs"])
        files = in_turn(lambda: on(two), ranked, runs=size["runs"])
        in_one = in_turn(lambda: on(one), lambda: recommend_all(live, Lists(10)), runs=size["runs"])
    words = f"{size['listed']:,} users, {size['items']:,} items"
    return [
        result(f"lists as files on two workers, beside one; {words}", *gain, target=1.6, runs=size["runs"]),
        result("the same, beside ranking in blocks alone, here on all cores", *files, target=0.5, runs=size["runs"]),
        result("lists as files on one worker, beside the same in this process", *in_one, runs=size["runs"]),
    ]


def capacity() -> Results:
    """What the model says of sizes that were measured, and of larger ones."""
    known = coefficients()
    lines = [
        result(f"coefficient: {name}", value * 1e9, unit="ns", runs=size["runs"]) for name, value in vars(known).items()
    ]
    lines += [_held_against(workers, known) for workers in (1, 2)]
    for pairs, users, items in ((1_000_000, 100_000, 20_000), (100_000_000, 10_000_000, 200_000),
                                (1_000_000_000, 100_000_000, 1_000_000)):  # fmt: skip
        for workers in (1, 10, 100, 1000):
            found = needs(Size(pairs, users, items), workers, known)
            lines.append(
                result(f"model: a pass on {pairs:,} pairs, {users:,} users, {items:,} items, {workers:,} workers",
                       found.a_pass, runs=0,
                       note=f"lists of all {found.lists / 3600:.3g} h, a worker {found.worker:.2g} GB, asking "
                            f"{found.asking:.2g} GB, sent in a pass {found.sent:.2g} GB")
            )  # fmt: skip
    return lines


def steps() -> Results:
    """Trainings, a list and a map on shops with many users, and with many items."""
    small: Shop = (size["pairs"], size["users"], size["items"])
    return on_large_shops((small,) if size["pairs"] < WHOLE["pairs"] else LARGE_SHOPS)


@cache
def coefficients() -> Coefficients:
    """Measured on one thread; rounds and bytes between this process and one worker."""
    purchases, _ = _purchases()
    histories = LocalHistories(purchases.damped(0.5), threads=1)
    rng = np.random.default_rng(0)
    items = rng.standard_normal((size["items"], COMPONENTS), dtype=np.float32)
    with limited_blas_threads(), connected(_cluster(1)) as workers:
        sums = histories.rows(slice(None), items)
        exact = sums.astype(np.float64)
        dense_seconds = _median(lambda: exact.T @ exact)
        forth_and_back = _median(lambda: histories.worked_out(items)) - dense_seconds
        some = sums[: max(size["listed"] // 10, 1)]
        score_seconds = _median(lambda: top_k_of_products(some, items, items[:, 0], 10, purchases.matrix[: len(some)]))
        _ask(workers, 1)
        round_seconds = _median(lambda: _ask(workers, 1))
        n = size["items"] * COMPONENTS
        byte_seconds = max(_median(lambda: _ask(workers, n)) - round_seconds, 0.0) / (4 * n)
    cores = 2  # lists are ranked on all cores of this machine
    return Coefficients(
        multiplication=forth_and_back / (2 * purchases.matrix.nnz * COMPONENTS),
        dense=dense_seconds / (size["users"] * COMPONENTS**2),
        score=cores * score_seconds / (len(some) * len(items) * COMPONENTS),
        round=round_seconds,
        byte=byte_seconds,
    )


def _held_against(workers: int, known: Coefficients) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory() as folder,
        limited_blas_threads(),
        histories_on(_cluster(workers), Path(folder)) as histories,
    ):
        learner = _learner(histories)
        learner.step()
        measured = _median(learner.step)
    nnz = _purchases()[0].matrix.nnz
    foretold = of_pass(Size(nnz, size["users"], size["items"], COMPONENTS), workers, known)
    return result(f"a pass on {workers} workers, beside what the model says", measured, foretold, runs=size["runs"])


def _ask(workers: Workers, n: int) -> None:
    list(workers.in_order(_zeros, [n]))


def _zeros(n: int) -> np.ndarray:
    return np.zeros(n, np.float32)


def _median(work: Any) -> float:
    return float(np.median([seconds(work, time.perf_counter) for _ in range(size["runs"])]))


def _learner(histories: HistoriesOf) -> AlternatingRidge:
    purchases, features = _purchases()
    return AlternatingRidge(purchases, features, Hyperparameters(components=COMPONENTS), pd.NaT, histories=histories)


@cache
def _purchases() -> tuple[Purchases, Features]:
    """Purchases whose numbers a user and an item follow power laws, and items in 300 categories."""
    rng = np.random.default_rng(0)
    n_users, n_items, n = size["users"], size["items"], size["pairs"]
    users = (n_users * rng.random(n) ** 2).astype(np.int64)
    items = (n_items * rng.random(n) ** 3).astype(np.int64)
    matrix = sparse.csr_matrix((np.ones(n, np.float32), (users, items)), shape=(n_users, n_items))
    matrix.data[:] = 1
    category = rng.integers(0, 300, n_items)
    rows = np.arange(n_items)
    features = sparse.csr_matrix(
        (np.full(2 * n_items, 0.5, np.float32), (np.tile(rows, 2), np.concatenate([rows, n_items + category]))),
        shape=(n_items, n_items + 300),
    )
    kinds = np.array([IDENTITY] * n_items + ["category"] * 300, object)
    values = np.arange(n_items + 300).astype(str).astype(object)
    purchases = Purchases(matrix, Weighting(), np.zeros(n_items, np.float32), np.ones(n_items))
    return purchases, Features(features, kinds, values)


@cache
def _cluster(workers: int) -> str:
    """The address of a scheduler with so many worker processes of one thread; it is there until the end."""
    cluster = LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0")
    atexit.register(cluster.close)
    return str(cluster.scheduler_address)


PARTS = {"passes": passes, "lists": lists, "capacity": capacity, "steps": steps}

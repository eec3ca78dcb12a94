"""Training, ranking and evaluating, beside LightFM itself and implicit.

`python -m benchmarks speed [--json] [--only PART ...] [--dataset NAME] [--trial]`, on a dataset of INSIDER_HOME, `demo`
if none is named (`python -m recsys dataset demo` stores it). The parts are epoch, processor, limits, ranking, million,
evaluation, start, pages, growth and quality; `start` and `pages` need a live model. The whole takes about eight minutes
on two idle cores. `--trial` runs all of it once, and small where the size is ours to choose: to see that it runs, not
how fast.
"""

import argparse
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection, HTTPException
from typing import Any

import numpy as np
from lightfm import LightFM
from scipy import sparse

from benchmarks import pages as shopper_page
from benchmarks._curves import quality
from benchmarks._limits import limits
from benchmarks._lists import evaluation, million, ranking
from benchmarks._measuring import say, seconds
from benchmarks._shop import (
    DATASET,
    SMALL,
    THREADS,
    K,
    Results,
    Sizes,
    by_library,
    in_turn,
    new_model,
    result,
    setting,
    shop,
)
from recsys.models.engine import trainer
from recsys.recommend.recommender import Recommender
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings


def run(options: list[str]) -> Results:
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--dataset", default=DATASET)
    parser.add_argument("--trial", action="store_true")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args(options)
    setting.size, setting.dataset = SMALL if asked.trial else Sizes(), asked.dataset
    if asked.one is not None:
        return [_one_size(*setting.size.shops[asked.one])]
    found: Results = []
    for part in asked.only:
        say(f"{part} ...")
        began = time.perf_counter()
        lines = PARTS[part]()
        say("\n".join(json.dumps(line) for line in lines))
        say(f"{part} took {time.perf_counter() - began:.0f} s")
        found += lines
    return found


def epoch() -> Results:
    """One epoch of WARP by `fit_partial` on both sides; what compiles, compiles before."""
    data, lines = shop(), []
    trainer.fit_partial(new_model(10), data.train[:20], data.users, data.items)
    for max_sampled in (10, 100):
        ours, theirs = new_model(max_sampled), new_model(max_sampled)
        mine, library = _Clocked(partial(_ours, ours)), _Clocked(partial(by_library, theirs, data.train))
        turn = in_turn(mine, library)
        lines.append(
            result(f"WARP epoch, max_sampled {max_sampled}, 2 threads", *turn, target=6,
                   note=f"in processor time {library.median / mine.median:.1f} times")
        )  # fmt: skip
    return lines


def processor() -> Results:
    """The same in seconds of processor time on one thread, which other processes distort less; and out of the cache."""
    data = shop()
    ours, theirs = new_model(10), new_model(10)
    pairs = data.train.tocoo()
    demo = in_turn(
        lambda: trainer.fit_partial(ours, data.train, data.users, data.items),
        lambda: theirs.fit_partial(pairs, data.users, data.items),
        clock=time.process_time,
    )
    rng = np.random.default_rng(0)
    small = sparse.csr_matrix((rng.random((300, 400)) < 0.1).astype(np.float32))
    levels = [
        sparse.csr_matrix((np.ones(400, np.float32), (np.arange(400), rng.integers(0, k, 400)))) for k in (5, 20, 60)
    ]
    items = (sparse.hstack([sparse.identity(400, dtype=np.float32), *levels]) / 4).tocsr().astype(np.float32)
    mine, library = new_model(10), new_model(10)
    cached = in_turn(
        lambda: trainer.fit_partial(mine, small, None, items, epochs=20),
        lambda: library.fit_partial(small.tocoo(), None, items, epochs=20),
        clock=time.process_time,
    )
    examples = 20 * small.nnz / 1e6
    return [
        result("WARP epoch, max_sampled 10, processor time, 1 thread", *demo, target=6),
        result("an example of a shop that fits into the cache, 1 thread", *(t / examples for t in cached), unit="us"),
    ]


def start() -> Results:
    """`import recsys` in a fresh interpreter, less one that imports nothing; the app until it has recommended."""
    ours, bare = in_turn(lambda: _python("import recsys"), lambda: _python("pass"))
    live = Workspace(Settings.from_environment()).load()
    lines = [result("import recsys", ours - bare, target=1, at_most=True), _one_answer(live)]
    user = str(live.users["user_id"].iloc[0])
    before = _processor_of_children()
    times = [seconds(partial(_first_answer, user)) for _ in range(setting.size.runs)]
    each = (_processor_of_children() - before) / setting.size.runs
    return [*lines, result("the app, from its start to the first recommendations", statistics.median(times), target=4,
                           at_most=True, note=f"processor {each:.1f} s")]  # fmt: skip


def _one_answer(live: Recommender) -> dict[str, Any]:
    """What the app asks for one user, titles and all, beside the library with the same model."""
    model, numbers = live.model, np.arange(len(live.items), dtype=np.int32)
    items, users = model.item_features.matrix, model.user_features.matrix
    some = np.linspace(0, len(live.users) - 1, setting.size.asked).astype(int)
    asked, answered = (iter(x) for x in (live.users["user_id"].iloc[some].astype(str), some))
    live.warm()
    turn = in_turn(
        lambda: live.recommend(next(asked), K),
        lambda: np.argsort(-model.lightfm.predict(int(next(answered)), numbers, items, users))[:K],
        runs=len(some),
    )
    return result(f"Recommender.recommend, {live.item_embeddings.shape[1]} components, beside predict and argsort",
                  *(1e3 * x for x in turn), unit="ms", runs=len(some))  # fmt: skip


def _processor_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _first_answer(user: str) -> None:
    """Start the app over the home's live model, ask for recommendations until they come, stop it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "recsys", "serve", "--port", str(port)]
    quiet = subprocess.DEVNULL
    app = subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=quiet, stderr=quiet)
    try:
        while app.poll() is None:
            connection = HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                connection.request("GET", f"/v1/users/{user}/recommendations?k=10")
                if connection.getresponse().status == 200:
                    return
            except (OSError, HTTPException):
                pass
            finally:
                connection.close()
            time.sleep(0.02)
        raise SystemExit("The app ended before it answered; see python -m recsys serve.")
    finally:
        app.kill()
        app.wait()


def pages() -> Results:
    """Server work for another shopper, as `python -m benchmarks pages` measures it."""
    home = str(Settings.from_environment().home)
    try:
        found = shopper_page.run(["--home", home, "--runs", "9" if setting.size.runs > 1 else "1"])
    finally:  # it points to a copy of the home
        os.environ["INSIDER_HOME"] = home
    return [line | {"name": f"Shopper page: {line['name']}"} for line in found if line["target"] is not None]


def growth() -> Results:
    """Generated shops of three sizes, a process each: seconds per million interactions of an epoch, peak memory.

    Growth is told from the processor time of both threads, which other processes on the machine do not lengthen.
    """
    lines: Results = []
    for number in range(len(setting.size.shops)):
        command = [sys.executable, "-m", "benchmarks", "speed", "--json", "--one", str(number)]
        command += ["--trial"] if setting.size is SMALL else []
        done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
        lines += json.loads(done.stdout)["results"]
    memory = [line.pop("memory") for line in lines][-1]
    per = [line.pop("processor") for line in lines]
    lines.append(result("growth of the processor time per interaction, 100k to 10M", per[-1] / per[0], unit="x",
                        target=2, at_most=True))  # fmt: skip
    lines.append(result("peak memory at 10M interactions", memory, unit="GB", target=4, at_most=True))
    return lines


def _one_size(n: int, n_users: int, n_items: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    users = np.minimum(rng.pareto(1.2, n + n // 4) * n_users / 20, n_users - 1).astype(np.int64)
    items = np.minimum(rng.pareto(1.0, n + n // 4) * n_items / 50, n_items - 1).astype(np.int64)
    rng.shuffle(numbers := np.arange(n_items))
    pairs = np.unique(users * n_items + numbers[items])
    pairs = rng.permutation(pairs)[:n]
    matrix = sparse.csr_matrix(
        (np.ones(len(pairs), np.float32), (pairs // n_items, pairs % n_items)), shape=(n_users, n_items)
    )
    level = sparse.csr_matrix((np.ones(n_items, np.float32), (np.arange(n_items), np.arange(n_items) % 300)))
    features = (sparse.hstack([sparse.identity(n_items, dtype=np.float32), level]) / 2).tocsr().astype(np.float32)
    times, last = [], (time.perf_counter(), time.process_time())
    for _ in trainer.epochs_of(new_model(10), matrix, None, features, epochs=setting.size.runs + 1, threads=THREADS):
        now = (time.perf_counter(), time.process_time())
        times.append((now[0] - last[0], now[1] - last[1]))
        last = now
    each, processor = (statistics.median(both) / matrix.nnz * 1e6 for both in zip(*times[1:], strict=True))
    name = f"WARP epoch, {matrix.nnz:,} interactions, {n_users:,} x {n_items:,}"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    note = f"processor {processor:.2f} s, peak {peak:.2f} GB"
    return result(name, each, unit="s per million", note=note) | {"memory": peak, "processor": processor}


class _Clocked:
    """Work whose processor time, of all threads together, is noted down too; others on the machine lengthen it less."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.work, self.spent = work, list[float]()

    def __call__(self) -> None:
        self.spent.append(seconds(self.work, time.process_time))

    @property
    def median(self) -> float:
        return statistics.median(self.spent)


def _ours(model: LightFM) -> None:
    trainer.fit_partial(model, shop().train, shop().users, shop().items, threads=THREADS)


def _python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, check=True)


PARTS: dict[str, Callable[[], Results]] = {
    "epoch": epoch,
    "processor": processor,
    "limits": limits,
    "ranking": ranking,
    "million": million,
    "evaluation": evaluation,
    "start": start,
    "pages": pages,
    "growth": growth,
    "quality": quality,
}

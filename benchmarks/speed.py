"""Training, ranking and evaluating, beside LightFM itself and implicit.

`python -m benchmarks speed [--json] [--only epoch processor ranking evaluation start pages growth quality]`, on the
dataset `demo` of INSIDER_HOME (`python -m recsys dataset demo` stores it); `start` and `pages` need a live model. The
whole takes about eight minutes on two idle cores.
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
from functools import cache, partial
from http.client import HTTPConnection, HTTPException
from typing import Any

import numpy as np
from lightfm import LightFM
from scipy import sparse

from benchmarks import pages as shopper_page
from benchmarks._measuring import RUNS, in_turn, result, say, seconds
from recsys import engine
from recsys.evaluation import evaluate, ndcg_at_k
from recsys.features import item_features, user_features
from recsys.hyperparameters import Hyperparameters
from recsys.ranking import BLOCK, scores_of_one, top_k, top_k_of_products
from recsys.settings import PROJECT_ROOT, Settings
from recsys.split import time_split
from recsys.warmstart import averaged, begin, lately_popular, lengths_to_try, views
from recsys.workspace import Workspace

Results = list[dict[str, Any]]
COMPONENTS, THREADS, K = 64, 2, 10
SEEDS = range(5)
EPOCHS = 4
AS_GOOD = 0.99
"""Share of a validation NDCG@10 that counts as reaching it: less than chance moves it."""
JUDGED = 500
"""Users on whom both evaluations are timed; the library takes most of a minute for all of them."""
SIZES = ((100_000, 20_000, 10_000), (1_000_000, 60_000, 30_000), (10_000_000, 200_000, 100_000))
"""Interactions, users, items of the generated shops."""


class Shop:
    """The demo data, split by time: what is learned from, what is judged on, identity and category features."""

    def __init__(self) -> None:
        dataset = Workspace(Settings.from_environment()).store.load_dataset("demo")
        split = time_split(dataset)
        recipe = Hyperparameters(components=COMPONENTS, brand=False, user_attributes=(), start_views=1)
        self.recipe, self.split = recipe, split
        self.of_users, self.of_items = user_features(dataset, recipe), item_features(dataset, recipe)
        self.users, self.items = self.of_users.matrix, self.of_items.matrix
        self.fit, self.validation = _ones(split.fit.counts), split.validation.counts
        self.train, self.test = _ones(split.training.counts), split.test.counts


@cache
def shop() -> Shop:
    return Shop()


def run(options: list[str]) -> Results:
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args(options)
    if asked.one is not None:
        return [_one_size(*SIZES[asked.one])]
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
    engine.fit_partial(_model(10), data.train[:20], data.users, data.items)
    for max_sampled in (10, 100):
        ours, theirs = _model(max_sampled), _model(max_sampled)
        mine, library = _Clocked(partial(_ours, ours)), _Clocked(partial(_library, theirs, data.train))
        turn = in_turn(mine, library)
        lines.append(
            result(f"WARP epoch, max_sampled {max_sampled}, 2 threads", *turn, target=6,
                   note=f"in processor time {library.median / mine.median:.1f} times")
        )  # fmt: skip
    return lines


def processor() -> Results:
    """The same in seconds of processor time on one thread, which other processes distort less; and out of the cache."""
    data = shop()
    ours, theirs = _model(10), _model(10)
    pairs = data.train.tocoo()
    demo = in_turn(
        lambda: engine.fit_partial(ours, data.train, data.users, data.items),
        lambda: theirs.fit_partial(pairs, data.users, data.items),
        clock=time.process_time,
    )
    rng = np.random.default_rng(0)
    small = sparse.csr_matrix((rng.random((300, 400)) < 0.1).astype(np.float32))
    levels = [
        sparse.csr_matrix((np.ones(400, np.float32), (np.arange(400), rng.integers(0, k, 400)))) for k in (5, 20, 60)
    ]
    items = (sparse.hstack([sparse.identity(400, dtype=np.float32), *levels]) / 4).tocsr().astype(np.float32)
    mine, library = _model(10), _model(10)
    cached = in_turn(
        lambda: engine.fit_partial(mine, small, None, items, epochs=20),
        lambda: library.fit_partial(small.tocoo(), None, items, epochs=20),
        clock=time.process_time,
    )
    examples = 20 * small.nnz / 1e6
    return [
        result("WARP epoch, max_sampled 10, processor time, 1 thread", *demo, target=6),
        result("an example of a shop that fits into the cache, 1 thread", *(t / examples for t in cached), unit="us"),
    ]


def quality() -> Results:
    """Five seeds each: NDCG@10 on the validation period after every epoch, and the seconds of training until then.

    Time to the library's best: the mean curve of our seeds against the highest point of the library's mean curve.
    """
    data = shop()
    curves: dict[str, list[list[tuple[float, float]]]] = {"ours": [], "begun": [], "library": []}
    for seed in SEEDS:
        ours, begun, theirs = (_model(100, seed) for _ in range(3))
        steps = engine.epochs_of(ours, data.fit, data.users, data.items, epochs=EPOCHS, threads=THREADS)
        curves["ours"].append(_curve(partial(next, steps), partial(_ndcg, ours)))
        taken = seconds(partial(_begin, begun, seed))
        steps = engine.epochs_of(begun, data.fit, data.users, data.items, epochs=1, threads=THREADS)
        curves["begun"].append([(taken, _ndcg(begun)), (taken + seconds(partial(next, steps)), _ndcg(begun))])
        curves["library"].append(_curve(partial(_library, theirs, data.fit), partial(_ndcg, theirs)))
    best = {name: np.array([max(p[1] for p in c) for c in curve]) for name, curve in curves.items()}
    difference = best["ours"] - best["library"]
    half = 2.776 * difference.std(ddof=1) / np.sqrt(len(difference))  # Student's t, 4 degrees of freedom, 95%
    mean = {name: np.array(curve).mean(axis=0) for name, curve in curves.items()}
    spent = {name: np.median(np.array(curve)[:, :, 0], axis=0) for name, curve in curves.items()}
    top = int(mean["library"][:, 1].argmax())
    aim = float(mean["library"][top, 1])
    lines = [
        result("best validation NDCG@10, mean of 5 seeds", float(best["ours"].mean()), float(best["library"].mean()),
               unit="NDCG", note=f"ours - library {difference.mean():+.4f}, 95% {difference.mean() - half:+.4f} to "
               f"{difference.mean() + half:+.4f}; after each epoch ours {_said(mean['ours'])}, "
               f"library {_said(mean['library'])}"),
    ]  # fmt: skip
    for name, words, wanted in (
        ("ours", "from the same random start, to 99% of it", AS_GOOD * aim),
        ("begun", "from our own start (a decomposition)", aim),
    ):
        reached = np.flatnonzero(mean[name][:, 1] >= wanted)
        taken = float(spent[name][reached[0]]) if len(reached) else float("inf")
        lines.append(
            result(f"time to the library's best validation NDCG@10, {words}", taken, float(spent["library"][top]),
                   target=8, note=f"library {aim:.4f} after {top + 1} epochs; ours {_said(mean[name])}")
        )  # fmt: skip
    return lines + _implicit_quality(curves["ours"])


def _begin(model: LightFM, seed: int) -> None:
    """The start of our recipe: one view of the purchases, decomposed, as long as the embeddings."""
    data = shop()
    period, now = data.split.fit, data.split.validation_start
    lengths = next(iter(lengths_to_try(COMPONENTS)))
    popular = data.recipe.start_popularity * lately_popular(period, now)
    found = views(period, now, data.recipe, max(lengths), seed=seed)
    begin(model, averaged(found, lengths, popular, COMPONENTS), data.of_users, data.of_items)


def _said(curve: np.ndarray) -> str:
    return " ".join(f"{value:.4f}" for value in curve[:, 1])


def _implicit_quality(ours: list[list[tuple[float, float]]]) -> Results:
    """ALS and BPR of implicit on the same periods: their NDCG@10 and how long they train, beside our best epoch."""
    from implicit.als import AlternatingLeastSquares
    from implicit.bpr import BayesianPersonalizedRanking

    data, lines = shop(), []
    found = statistics.median(max(curve, key=lambda p: p[1])[1] for curve in ours)
    took = statistics.median(max(curve, key=lambda p: p[1])[0] for curve in ours)
    makers: dict[str, Callable[[], Any]] = {
        "implicit ALS (16 factors)": lambda: AlternatingLeastSquares(
            16, regularization=1.0, alpha=1.0, num_threads=THREADS, random_state=0
        ),
        "implicit BPR (64 factors, 50 passes)": lambda: BayesianPersonalizedRanking(
            COMPONENTS, iterations=50, num_threads=THREADS, random_state=0
        ),
    }
    for name, make in makers.items():
        times = []
        for _ in range(RUNS):
            model = make()
            times.append(seconds(lambda model=model: model.fit(data.fit, show_progress=False)))
        value = ndcg_at_k(_Factors(model.user_factors, model.item_factors), data.fit, data.validation, K) or 0.0
        lines.append(
            result(f"training to our best epoch, beside {name}", took, statistics.median(times),
                   note=f"validation NDCG@10: ours {found:.4f}, theirs {value:.4f}")
        )  # fmt: skip
    return lines


def ranking() -> Results:
    """Ten for every user and ten for one, by the same trained embeddings on all sides."""
    from implicit.cpu.topk import topk

    data, scorer, model = shop(), *_trained()
    users, items, biases = scorer.users, scorer.items, scorer.biases
    n_users, n_items = len(users), len(items)
    joined = np.hstack([items, biases[:, None]]).astype(np.float32)
    asking = np.hstack([users, np.ones((n_users, 1), np.float32)])

    def all_ours() -> None:
        top_k_of_products(users, items, biases, K, data.train)

    def product() -> None:
        for start in range(0, n_users, BLOCK):
            scorer.users[start : start + BLOCK] @ items.T

    some = np.linspace(0, n_users - 1, 50).astype(int)
    numbers = np.arange(n_items, dtype=np.int32)

    def by_predicting() -> None:
        for user in some:
            np.argsort(-model.predict(int(user), numbers, data.items, data.users))[:K]

    lines = []
    ours, theirs = in_turn(
        all_ours, lambda: topk(joined, asking, K, filter_query_items=data.train, num_threads=THREADS)
    )
    lines.append(result("top 10 of all users, beside implicit's topk", ours, theirs, target=1.5))
    ours, theirs = in_turn(all_ours, by_predicting)
    lines.append(
        result("the same, beside a loop of LightFM.predict", ours, theirs * n_users / len(some), target=30,
               note=f"the loop over {len(some)} users, times {n_users / len(some):.1f}")
    )  # fmt: skip
    ours, theirs = in_turn(all_ours, product)
    lines.append(
        result("the same, beside the multiplication alone", ours, theirs, target=1 / 3,
               note=f"{2 * n_users * n_items * COMPONENTS / theirs / 1e9:.0f} GFLOP/s")
    )  # fmt: skip

    asked, answered = iter(some), iter(some)

    def one_ours() -> None:
        user = next(asked)
        row = data.train.indices[data.train.indptr[user] : data.train.indptr[user + 1]]
        top_k(scores_of_one(items, users[user]) + biases, K, exclude=row)

    def one_theirs() -> None:
        np.argsort(-model.predict(int(next(answered)), numbers, data.items, data.users))[:K]

    ours, theirs = in_turn(one_ours, one_theirs, runs=len(some))
    lines.append(
        result("top 10 of one user, beside LightFM.predict and argsort", 1e3 * ours, 1e3 * theirs, target=7, unit="ms",
               runs=len(some))
    )  # fmt: skip
    rng = np.random.default_rng(0)
    million, taste = rng.normal(size=(10**6, COMPONENTS)).astype(np.float32), users[0]
    times = [1e3 * seconds(lambda: top_k(scores_of_one(million, taste), K)) for _ in range(RUNS)]
    lines.append(result("top 10 of one user among a million items, exact", statistics.median(times), unit="ms"))
    return lines


def evaluation() -> Results:
    """All our metrics, beside precision, recall and AUC of `lightfm.evaluation`."""
    from lightfm.evaluation import auc_score, precision_at_k, recall_at_k

    data, scorer, model = shop(), *_trained()
    new = (data.test > 0).astype(np.float32)
    new = (new - new.multiply(data.train)).tocsr()  # the library refuses pairs that were trained on
    judged = np.zeros(new.shape[0], np.float32)
    judged[np.random.default_rng(0).choice(new.shape[0], min(JUDGED, new.shape[0]), replace=False)] = 1
    new, test = ((sparse.diags(judged) @ part).tocsr() for part in (new, data.test))
    for part in (new, test):
        part.eliminate_zeros()
    categories = data.items.indices[data.items.indptr[:-1] + 1].astype(np.int64)
    popularity = np.bincount(data.train.indices, minlength=data.train.shape[1])

    def theirs() -> None:
        for measure in (precision_at_k, recall_at_k, auc_score):
            measure(model, new, data.train, user_features=data.users, item_features=data.items, num_threads=THREADS)

    turn = in_turn(lambda: evaluate(scorer, data.train, test, categories=categories, popularity=popularity), theirs)
    return [result("evaluation: 9 metrics, beside LightFM's 3", *turn, target=10, note=f"of {JUDGED} users")]


def start() -> Results:
    """`import recsys` in a fresh interpreter, less one that imports nothing; the app until it has recommended."""
    ours, bare = in_turn(lambda: _python("import recsys"), lambda: _python("pass"))
    lines = [result("import recsys", ours - bare, target=1, at_most=True)]
    user = str(Workspace(Settings.from_environment()).load().users["user_id"].iloc[0])
    before = _processor_of_children()
    times = [seconds(partial(_first_answer, user)) for _ in range(RUNS)]
    each = (_processor_of_children() - before) / RUNS
    return [*lines, result("the app, from its start to the first recommendations", statistics.median(times), target=4,
                           at_most=True, note=f"processor {each:.1f} s")]  # fmt: skip


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
        found = shopper_page.run(["--home", home, "--runs", "9"])
    finally:  # it points to a copy of the home
        os.environ["INSIDER_HOME"] = home
    return [line | {"name": f"Shopper page: {line['name']}"} for line in found if line["target"] is not None]


def growth() -> Results:
    """Generated shops of three sizes, a process each: seconds per million interactions of an epoch, peak memory.

    Growth is told from the processor time of both threads, which other processes on the machine do not lengthen.
    """
    lines: Results = []
    for number in range(len(SIZES)):
        command = [sys.executable, "-m", "benchmarks", "speed", "--json", "--one", str(number)]
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
    for _ in engine.epochs_of(_model(10), matrix, None, features, epochs=RUNS + 1, threads=THREADS):
        now = (time.perf_counter(), time.process_time())
        times.append((now[0] - last[0], now[1] - last[1]))
        last = now
    each, processor = (statistics.median(both) / matrix.nnz * 1e6 for both in zip(*times[1:], strict=True))
    name = f"WARP epoch, {matrix.nnz:,} interactions, {n_users:,} x {n_items:,}"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    note = f"processor {processor:.2f} s, peak {peak:.2f} GB"
    return result(name, each, unit="s per million", note=note) | {"memory": peak, "processor": processor}


class _Factors:
    """Scores of users by items, for the protocol of `recsys.evaluation`."""

    def __init__(self, users: np.ndarray, items: np.ndarray, biases: np.ndarray | None = None) -> None:
        self.users, self.items = np.ascontiguousarray(users, np.float32), np.ascontiguousarray(items, np.float32)
        self.biases = np.zeros(len(items), np.float32) if biases is None else np.asarray(biases, np.float32)

    def scores(self, users: np.ndarray) -> np.ndarray:
        block = self.users[users] @ self.items.T
        block += self.biases
        return block


@cache
def _trained() -> tuple[_Factors, LightFM]:
    data, model = shop(), _model(10)
    engine.fit_partial(model, data.train, data.users, data.items, epochs=3, threads=THREADS)
    return _factors(model), model


def _factors(model: LightFM) -> _Factors:
    biases, items = model.get_item_representations(shop().items)
    return _Factors(model.get_user_representations(shop().users)[1], items, biases)


def _ndcg(model: LightFM) -> float:
    return ndcg_at_k(_factors(model), shop().fit, shop().validation, K) or 0.0


def _curve(train: Callable[[], object], judge: Callable[[], float]) -> list[tuple[float, float]]:
    """Seconds of training so far and NDCG@10, after every epoch; judging is not counted."""
    spent, curve = 0.0, []
    for _ in range(EPOCHS):
        spent += seconds(train)
        curve.append((spent, judge()))
    return curve


def _model(max_sampled: int, seed: int = 0) -> LightFM:
    return LightFM(no_components=COMPONENTS, loss="warp", max_sampled=max_sampled, random_state=seed)


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
    engine.fit_partial(model, shop().train, shop().users, shop().items, threads=THREADS)


def _library(model: LightFM, interactions: sparse.csr_matrix, epochs: int = 1) -> None:
    model.fit_partial(interactions.tocoo(), shop().users, shop().items, epochs=epochs, num_threads=THREADS)


def _python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, check=True)


def _ones(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    return sparse.csr_matrix((np.ones(counts.nnz, np.float32), counts.indices, counts.indptr), shape=counts.shape)


PARTS: dict[str, Callable[[], Results]] = {
    "epoch": epoch,
    "processor": processor,
    "ranking": ranking,
    "evaluation": evaluation,
    "start": start,
    "pages": pages,
    "growth": growth,
    "quality": quality,
}

"""Ranking and judging, for `python -m benchmarks speed`."""

import time
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks._shop import (
    COMPONENTS,
    THREADS,
    Factors,
    K,
    Results,
    in_turn,
    new_model,
    result,
    setting,
    shop,
    trained,
)
from recsys.evaluation.evaluate import evaluate
from recsys.models.engine import trainer
from recsys.models.rank.pruned_top_k import PrunedTopK
from recsys.models.rank.top_k import scores_of_one, top_k, top_k_of_products

PRODUCT = 256
"""Users in one product of the multiplication alone, which likes them many."""


def ranking() -> Results:
    """Ten for every user and ten for one, by the same trained embeddings on all sides."""
    from implicit.cpu.topk import topk

    data, scorer, model = shop(), *trained()
    users, items, biases = scorer.users, scorer.items, scorer.biases
    n_users, n_items = len(users), len(items)
    joined = np.hstack([items, biases[:, None]]).astype(np.float32)
    asking = np.hstack([users, np.ones((n_users, 1), np.float32)])

    def all_ours() -> None:
        top_k_of_products(users, items, biases, K, data.train)

    def product() -> None:
        for start in range(0, n_users, PRODUCT):
            scorer.users[start : start + PRODUCT] @ items.T

    some = np.linspace(0, n_users - 1, setting.size.asked).astype(int)
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

    short, asked, answered = PrunedTopK(items, biases), iter(some), iter(some)

    def one_ours() -> None:
        user = next(asked)
        short.best(users[user], K, exclude=data.train.indices[data.train.indptr[user] : data.train.indptr[user + 1]])

    def one_theirs() -> None:
        np.argsort(-model.predict(int(next(answered)), numbers, data.items, data.users))[:K]

    ours, theirs = in_turn(one_ours, one_theirs, runs=len(some))
    lines.append(
        result("top 10 of one user, beside LightFM.predict and argsort", 1e3 * ours, 1e3 * theirs, target=7, unit="ms",
               runs=len(some))
    )  # fmt: skip
    return lines


def million() -> Results:
    """Ten for one user among a million items, with embeddings trained here and with random ones, which have no
    direction that stands out; beside all products and a partition of them, the lists compared."""
    purchases, categories = _tasteful(*setting.size.large)
    own = sparse.identity(len(categories), dtype=np.float32)
    shared = sparse.csr_matrix((np.ones(len(categories), np.float32), (np.arange(len(categories)), categories)))
    features = (sparse.hstack([own, shared]) / 2).tocsr().astype(np.float32)
    model = new_model(10)
    trainer.fit_partial(model, purchases, None, features, epochs=2, threads=THREADS)
    biases, trained = model.get_item_representations(features)
    tastes = model.get_user_representations()[1].astype(np.float32)
    like_demo, demo_tastes = _enlarged(len(categories))
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(len(categories), COMPONENTS)).astype(np.float32)
    lines = []
    for words, items, weights, users in (
        ("trained on a generated shop", trained, biases, tastes),
        ("like those trained on the demo data", like_demo, np.zeros(len(flat), np.float32), demo_tastes),
        ("random", flat, np.zeros(len(flat), np.float32), rng.normal(size=(100, COMPONENTS)).astype(np.float32)),
    ):
        lines.append(_one_of_many(words, Factors(users, items, weights)))
    return lines


def _one_of_many(words: str, scorer: Factors) -> dict[str, Any]:
    items, biases = scorer.items, scorer.biases
    before = time.perf_counter()
    short = PrunedTopK(items, biases)
    made = time.perf_counter() - before
    some = np.linspace(0, len(scorer.users) - 1, setting.size.asked).astype(int)
    ours, theirs = iter(some), iter(some)
    found, expected = [], []

    def listed() -> None:
        found.append(short.best(scorer.users[next(ours)], K)[0])

    def sorted_out() -> None:
        expected.append(top_k(scores_of_one(items, scorer.users[next(theirs)]) + biases, K)[0])

    turn = in_turn(listed, sorted_out, runs=len(some))
    same = np.mean([np.isin(a, b).mean() for a, b in zip(found, expected, strict=True)])
    return result(f"top 10 of one user among {len(items):,} items, embeddings {words}", *(1e3 * x for x in turn),
                  unit="ms", runs=len(some), note=f"recall {same:g}; made ready in {made:.1f} s")  # fmt: skip


def _tasteful(n: int, n_users: int, n_items: int, n_categories: int) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Purchases of people who like five categories each, a few items of a category more than the others, and the
    category of each item."""
    rng = np.random.default_rng(0)
    categories = np.sort(rng.integers(0, n_categories, n_items))
    starts = np.searchsorted(categories, np.arange(n_categories + 1))
    users = rng.integers(0, n_users, n)
    liked = rng.integers(0, n_categories, (n_users, 5))[users, rng.integers(0, 5, n)]
    chosen = np.where(rng.random(n) < 0.8, liked, rng.integers(0, n_categories, n))
    items = starts[chosen] + (np.diff(starts)[chosen] * rng.random(n) ** 3).astype(np.int64)
    pairs = np.unique(users * n_items + np.minimum(items, n_items - 1))
    shape = (n_users, n_items)
    return sparse.csr_matrix((np.ones(len(pairs), np.float32), (pairs // n_items, pairs % n_items)), shape), categories


def _enlarged(n_items: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings drawn from those of the demo data and moved by a third of their standard deviation; tastes."""
    scorer, rng = trained()[0], np.random.default_rng(0)
    items = scorer.items[rng.integers(0, len(scorer.items), n_items)]
    return items + rng.normal(size=items.shape).astype(np.float32) * (scorer.items.std(axis=0) / 3), scorer.users


def evaluation() -> Results:
    """All our metrics, beside precision, recall and AUC of `lightfm.evaluation`."""
    from lightfm.evaluation import auc_score, precision_at_k, recall_at_k

    data, scorer, model = shop(), *trained()
    new = (data.test > 0).astype(np.float32)
    new = (new - new.multiply(data.train)).tocsr()  # the library refuses pairs that were trained on
    judged = np.zeros(new.shape[0], np.float32)
    judged[np.random.default_rng(0).choice(new.shape[0], min(setting.size.judged, new.shape[0]), replace=False)] = 1
    new, test = ((sparse.diags(judged) @ part).tocsr() for part in (new, data.test))
    for part in (new, test):
        part.eliminate_zeros()
    categories = data.items.indices[data.items.indptr[:-1] + 1].astype(np.int64)
    popularity = np.bincount(data.train.indices, minlength=data.train.shape[1])

    def theirs() -> None:
        for measure in (precision_at_k, recall_at_k, auc_score):
            measure(model, new, data.train, user_features=data.users, item_features=data.items, num_threads=THREADS)

    turn = in_turn(lambda: evaluate(scorer, data.train, test, categories=categories, popularity=popularity), theirs)
    return [
        result("evaluation: 9 metrics, beside LightFM's 3", *turn, target=10, note=f"of {setting.size.judged} users")
    ]

"""Cold start, measured: products and shoppers that were kept out of training entirely, and what is shown then."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.dataset.dataset import Dataset, Interactions
from recsys.dataset.decay import age_in_days, ones
from recsys.dataset.splitting import Split
from recsys.evaluation.baseline_selection import codes_of
from recsys.evaluation.documents import ColdItems, ColdStart, ColdUsers, Measured
from recsys.evaluation.evaluate import evaluate
from recsys.evaluation.metrics import bootstrap_interval
from recsys.evaluation.significance import paired
from recsys.models.base import Scorer
from recsys.models.baselines import PopularInCategories
from recsys.models.fold_in import fold_in
from recsys.models.model import Model
from recsys.training.refit import Refit, refit
from recsys.utils.json_values import jsonable

SHARE = 0.1
"""Share of the products, and of the shoppers, that are kept out."""

FEWEST_BUYERS = 5
HISTORIES = (0, 1, 3, 5, 10, None)
"""How many of a shopper's latest products are made known; None for all."""

K = 10


@dataclass(frozen=True)
class _Scores:
    """Scores of some users: row n belongs to `users[n]`."""

    users: NDArray[np.int64]
    rows: NDArray[np.float32]

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        return self.rows[np.searchsorted(self.users, users)]


def cold_start(model: Model, dataset: Dataset, split: Split, *, seed: int = 0) -> ColdStart:
    """Train the model's recipe without a tenth of the products and of the shoppers, and judge on the test period.

    Products: NDCG@10 of lists of held-out products only. Shoppers: NDCG@10 of what they had not had before, by how many
    of their latest products are known.
    """
    rng = np.random.default_rng(seed)
    counts = split.training.counts
    buyers = np.bincount(counts.indices, minlength=dataset.n_items)
    sold = np.flatnonzero(buyers >= FEWEST_BUYERS)
    cold_items = np.sort(rng.choice(sold, max(int(SHARE * len(sold)), 1), replace=False)) if len(sold) else sold
    active = np.flatnonzero(np.diff(counts.indptr) > 0)
    cold_users = np.sort(rng.choice(active, max(int(SHARE * len(active)), 1), replace=False))
    warm = refit(model, dataset, without(split.training, cold_users, cold_items), split.test_start)
    return {
        "items": _items(model, split, warm, cold_items, cold_users),
        "users": _users(model, split, warm, cold_items, cold_users),
    }


def _items(
    model: Model, split: Split, warm: Refit, cold: NDArray[np.int64], cold_users: NDArray[np.int64]
) -> ColdItems:
    before = without(split.training, cold_users, np.zeros(0, np.int64)).counts
    train = before[:, cold].tocsr()
    test = split.test.counts[:, cold].tocsr()
    known = np.ones(train.shape[0], dtype=bool)
    known[cold_users] = False
    test = (sparse.diags(known.astype(np.float32)) @ test).tocsr()
    test.eliminate_zeros()

    class Cold:
        def __init__(self, whole: Scorer) -> None:
            self.whole = whole

        def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
            return np.ascontiguousarray(self.whole.scores(users)[:, cold])

    methods: dict[str, Scorer] = {"model": Cold(warm)}
    pairs = ones(without(split.training, cold_users, cold))
    for level in model.category_levels:
        codes = codes_of(model.items, level)
        fitted = PopularInCategories.fit(pairs, codes)
        sizes = np.maximum(np.bincount(codes[np.setdiff1d(np.arange(len(codes)), cold)], minlength=codes.max() + 1), 1)
        of_category = (np.bincount(codes, weights=fitted.popularity, minlength=codes.max() + 1) / sizes)[codes]
        spread = np.asarray(of_category, dtype=np.float32)
        methods[f"popular_in_{level}"] = Cold(PopularInCategories(spread, codes, fitted.shares))
        methods["popular"] = Cold(_Same(spread))
    found = {
        name: evaluate(x, train, test, k=min(K, len(cold)), only=("ndcg",)).values["ndcg"]
        for name, x in methods.items()
    }
    levels = {level: found.pop(f"popular_in_{level}") for level in model.category_levels}
    strongest = max(levels, key=lambda level: float(levels[level].sum()), default=None)
    other = None if strongest is None else levels[strongest]
    if other is not None:
        found["popular_in_categories"] = other
    return {
        "held_out": len(cold),
        "users": len(found["model"]),
        "level": strongest,
        "methods": {name: _summary(values) for name, values in found.items()},
        "comparison": None if other is None else jsonable(paired(found["model"], other)),
    }


@dataclass(frozen=True)
class _Same:
    values: NDArray[np.float32]

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        return np.tile(self.values, (len(users), 1))


def _users(
    model: Model, split: Split, warm: Refit, cold_items: NDArray[np.int64], cold: NDArray[np.int64]
) -> list[ColdUsers]:
    period = split.training
    only = np.zeros(period.counts.shape[0], dtype=np.float32)
    only[cold] = 1
    test = (sparse.diags(only) @ split.test.counts).tocsr()
    test.eliminate_zeros()
    ages = age_in_days(period, split.test_start)
    seen = without(period, cold, cold_items)
    linear = warm.fold_in
    popular = np.bincount(seen.counts.indices, minlength=seen.counts.shape[1]).astype(np.float32)

    def folded(most: int | None) -> _Scores:
        vectors = []
        for user in cold:
            span = period.of_user(int(user))
            latest = np.argsort(ages[span], kind="stable")[:most]
            items = period.counts.indices[span][latest].astype(np.int64)
            numbers, weights = warm.user_features.row(int(user))
            start = weights @ warm.user_feature_embeddings[numbers]
            if linear is None or len(items) == 0:
                vectors.append(fold_in(items, warm.item_embeddings, warm.item_biases, start=start))
            else:
                vectors.append(linear.vector(items, ages[span][latest], period.counts.data[span][latest], start=start))
        return _Scores(cold, np.array(vectors, dtype=np.float32) @ warm.item_embeddings.T + warm.item_biases)

    def judged(scorer: Scorer) -> NDArray[np.float64]:
        return evaluate(scorer, period.counts, test, k=min(K, test.shape[1]), only=("ndcg",)).values["ndcg"]

    fixed: Mapping[str, NDArray[np.float64]] = {"popular": judged(_Same(popular)), "trained": judged(model)}
    found: list[ColdUsers] = []
    for most in HISTORIES:
        values = judged(folded(most))
        methods = {name: _summary(x) for name, x in {"model": values, **fixed}.items()}
        found.append({
            "known": most, "users": len(values), "methods": methods,
            "comparison": jsonable(paired(values, fixed["popular"])),
        })  # fmt: skip
    return found


def without(period: Interactions, users: NDArray[np.int64], items: NDArray[np.int64]) -> Interactions:
    """The period without all that these users did and all that was done with these items."""
    counts = period.counts
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    keep = ~(np.isin(rows, users) | np.isin(counts.indices, items))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows[keep], minlength=counts.shape[0]))]).astype(np.int32)
    kept = sparse.csr_matrix((counts.data[keep], counts.indices[keep], indptr), shape=counts.shape)
    strength = None if period.strength is None else period.strength[keep]
    return Interactions(kept, period.first[keep], period.last[keep], period.value[keep], strength)


def _summary(values: NDArray[np.float64]) -> Measured:
    if len(values) == 0:
        return {"value": None, "low": None, "high": None}
    low, high = bootstrap_interval(values)
    return {"value": float(values.mean()), "low": low, "high": high}

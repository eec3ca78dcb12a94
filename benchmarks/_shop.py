"""What `python -m benchmarks speed` measures on: a dataset split by time, models, and how much of everything."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from lightfm import LightFM
from scipy import sparse

from benchmarks import _measuring as measuring
from recsys.dataset.splitting import time_split
from recsys.evaluation.evaluate import ndcg_at_k
from recsys.models.engine import trainer
from recsys.models.features import item_features, user_features
from recsys.models.hyperparameters import preset
from recsys.services.workspace import Workspace
from recsys.settings import Settings

Results = list[dict[str, Any]]
DATASET = "demo"
COMPONENTS, THREADS, K = 64, 2, 10


@dataclass(frozen=True)
class Sizes:
    """How much is measured.

    Attributes:
        runs: of each side of a comparison.
        asked: users who are asked for one at a time.
        seeds, epochs: of the learning curves; after about eight the library does not get better.
        judged: users on whom both evaluations are timed; the library takes most of a minute for all of them.
        passes: of implicit's BPR.
        shops: interactions, users, items of the generated shops.
        large: purchases, users, items, categories of the shop with many items.
    """

    runs: int = measuring.RUNS
    asked: int = 50
    seeds: int = 10
    epochs: int = 9
    judged: int = 500
    passes: int = 50
    shops: tuple[tuple[int, int, int], ...] = (
        (100_000, 20_000, 10_000), (1_000_000, 60_000, 30_000), (10_000_000, 200_000, 100_000),
    )  # fmt: skip
    large: tuple[int, int, int, int] = (3_000_000, 100_000, 1_000_000, 1000)


SMALL = Sizes(1, 3, 2, 2, 10, 2, ((1000, 200, 100), (2000, 300, 200)), (2000, 100, 3000, 20))


@dataclass
class Setting:
    """What was asked for."""

    size: Sizes
    dataset: str


setting = Setting(Sizes(), DATASET)


class Shop:
    """The dataset, split by time: what is learned from, what is judged on, identity and category features."""

    def __init__(self) -> None:
        dataset = Workspace(Settings.from_environment()).store.load_dataset(setting.dataset)
        split = time_split(dataset)
        recipe = replace(preset("fast"), brand=False, user_attributes=())
        self.recipe, self.split = recipe, split
        self.of_users, self.of_items = user_features(dataset, recipe), item_features(dataset, recipe)
        self.users, self.items = self.of_users.matrix, self.of_items.matrix
        self.fit, self.validation = ones(split.fit.counts), split.validation.counts
        self.train, self.test = ones(split.training.counts), split.test.counts


@cache
def shop() -> Shop:
    return Shop()


class Factors:
    """Scores of users by items, for the protocol of `recsys.evaluation.evaluate`."""

    def __init__(self, users: np.ndarray, items: np.ndarray, biases: np.ndarray | None = None) -> None:
        self.users, self.items = np.ascontiguousarray(users, np.float32), np.ascontiguousarray(items, np.float32)
        self.biases = np.zeros(len(items), np.float32) if biases is None else np.asarray(biases, np.float32)

    def scores(self, users: np.ndarray) -> np.ndarray:
        block = self.users[users] @ self.items.T
        block += self.biases
        return block


@cache
def trained() -> tuple[Factors, LightFM]:
    data, model = shop(), new_model(10)
    trainer.fit_partial(model, data.train, data.users, data.items, epochs=3, threads=THREADS)
    return factors(model), model


def factors(model: LightFM) -> Factors:
    biases, items = model.get_item_representations(shop().items)
    return Factors(model.get_user_representations(shop().users)[1], items, biases)


def ndcg(model: LightFM) -> float:
    return ndcg_at_k(factors(model), shop().fit, shop().validation, K) or 0.0


def new_model(max_sampled: int, seed: int = 0) -> LightFM:
    return LightFM(no_components=COMPONENTS, loss="warp", max_sampled=max_sampled, random_state=seed)


def by_library(model: LightFM, interactions: sparse.csr_matrix, epochs: int = 1) -> None:
    model.fit_partial(interactions.tocoo(), shop().users, shop().items, epochs=epochs, num_threads=THREADS)


def result(name: str, ours: float, theirs: float | None = None, **more: Any) -> dict[str, Any]:
    return measuring.result(name, ours, theirs, **{"runs": setting.size.runs} | more)


def in_turn(
    ours: Callable[[], object],
    theirs: Callable[[], object],
    runs: int | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, float]:
    return measuring.in_turn(ours, theirs, setting.size.runs if runs is None else runs, clock)


def ones(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    return sparse.csr_matrix((np.ones(counts.nnz, np.float32), counts.indices, counts.indptr), shape=counts.shape)

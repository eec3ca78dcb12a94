"""The noise floor: how far apart two trainings of one recipe on the same data are that differ in their seed alone."""

from dataclasses import dataclass

import numpy as np

from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import Split
from recsys.evaluation.evaluate import evaluate
from recsys.models.model import Model
from recsys.training.refit import refit

SEEDS = 3
K = 10


@dataclass(frozen=True)
class Noise:
    """Measured on the validation period, with models that learned from the fit period.

    Attributes:
        seeds: how many trainings.
        ndcg: NDCG@10 of each.
        spread: largest minus smallest of them. A smaller difference between two models is no difference.
        overlap: mean share of a user's ten that two trainings have in common.
    """

    seeds: int
    ndcg: tuple[float, ...]
    spread: float
    overlap: float


def noise(model: Model, dataset: Dataset, split: Split, *, seeds: int = SEEDS) -> Noise:
    """Train the recipe of `model` anew from other seeds and compare what comes out."""
    train, later = split.fit.counts, split.validation.counts
    found = []
    for seed in range(model.seed + 1, model.seed + 1 + seeds):
        again = refit(model, dataset, split.fit, split.validation_start, seed=seed)
        found.append(evaluate(again, train, later, k=min(K, train.shape[1]), only=("ndcg",)))
    ndcg = tuple(float(one.values["ndcg"].mean()) if len(one.users) else 0.0 for one in found)
    shared = [
        float(((a.lists[:, :, None] == b.lists[:, None, :]) & (a.lists >= 0)[:, :, None]).any(axis=2).mean())
        for number, a in enumerate(found)
        for b in found[:number]
        if len(a.users)
    ]
    return Noise(seeds, ndcg, max(ndcg) - min(ndcg), float(np.mean(shared)) if shared else 1.0)

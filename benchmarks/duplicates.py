"""What the cap on near-duplicates costs: `python -m benchmarks duplicates [demo|movielens|planted] [preset]`

A model is trained and its lists of new products are judged on the test period, for at most 1, 2 and 3 products of a
kind and for any number. "theirs" is any number, so a ratio below 1 is the price. Beside it stands the share of lists
with two of a kind.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._datasets import DATASETS
from benchmarks._measuring import say
from recsys.dataset.splitting import Split, make_split
from recsys.evaluation.evaluate import Evaluation, evaluate
from recsys.evaluation.significance import compare
from recsys.models.hyperparameters import PRESETS, preset
from recsys.models.rank.top_k import NOTHING
from recsys.recommend.recommender import Recommender
from recsys.training.train import train

K = 10
CAPS = (1, 2, 3)


@dataclass(frozen=True)
class _Lists:
    """The lists that are served, as scores: the first place has the highest."""

    recommender: Recommender

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        found = np.zeros((len(users), len(self.recommender.items)), np.float32)
        items, _ = self.recommender.top_k_of(users, K)
        rows, places = np.nonzero(items != NOTHING)
        found[rows, items[rows, places]] = K - places
        return found


def run(options: list[str]) -> list[dict[str, Any]]:
    """One line for each cap."""
    name = next((x for x in options if x in DATASETS), "demo")
    chosen = next((x for x in options if x in PRESETS), "default")
    dataset = DATASETS[name]()
    split = make_split(dataset)
    say(f"Training {chosen} on {name}...")
    recommender = Recommender(train(dataset, preset(chosen), split=split), most_alike=0)
    duplicates = recommender.near_duplicates
    say(f"{dataset.n_items:,} products of {len(duplicates.numbers):,} kinds" + (": idle" if duplicates.idle else ""))
    free = _judged(recommender, split)
    return [_line(name, recommender, split, free, most) for most in CAPS]


def _judged(recommender: Recommender, split: Split) -> Evaluation:
    return evaluate(_Lists(recommender), split.training.counts, split.judged, k=K, only=("ndcg",))


def _line(name: str, recommender: Recommender, split: Split, free: Evaluation, most: int) -> dict[str, Any]:
    capped = Recommender(recommender.model, most_alike=most)
    found = _judged(capped, split)
    ours, theirs = (float(x.values["ndcg"].mean()) for x in (found, free))
    verdict = compare(found, free)
    repeated = [1 - recommender.near_duplicates.among_the_first(x.lists, 1).all(axis=1).mean() for x in (found, free)]
    return {
        "name": f"{name}: NDCG@10 with at most {most} of a kind against any number", "ours": ours, "theirs": theirs,
        "unit": "NDCG@10", "ratio": ours / theirs, "target": None, "met": None, "runs": 1,
        "note": f"{verdict.verdict} ({verdict.difference:+.4f}, 95% {verdict.low:+.4f} to {verdict.high:+.4f}); "
        f"lists with two of a kind {repeated[0]:.1%} instead of {repeated[1]:.1%}",
    }  # fmt: skip

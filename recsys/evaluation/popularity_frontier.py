"""What each turn of the popularity dial gives: accuracy against variety, for score = taste + b x bias."""

from collections.abc import Mapping, Sequence

import numpy as np

from recsys.dataset.splitting import Split
from recsys.evaluation.evaluate import evaluate
from recsys.models.base import Factors, Representations

TURNS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
"""Values of b at which the frontier is measured."""

K = 10


def dial_frontier(
    of: Representations, split: Split, *, turns: Sequence[float] = TURNS
) -> tuple[Mapping[str, float], ...]:
    """What every turn of the dial gives on the validation period, for a model that has learned from the fit period.

    Returns:
        For each b `{"popularity": b, "ndcg", "coverage", "novelty", "mean_popularity"}`; `mean_popularity` is the mean
        number of users who have had a product shown. Empty when the validation period has no user to judge.
    """
    train, later = split.fit.counts, split.validation.counts
    buyers = np.bincount(train.indices, minlength=train.shape[1])
    found = []
    for b in turns:
        result = evaluate(
            Factors(of.user_embeddings, of.item_embeddings, of.item_biases, b),
            train,
            later,
            k=min(K, train.shape[1]),
            popularity=buyers,
            only=("ndcg", "novelty"),
        )
        if len(result.users) == 0:
            return ()
        shown = result.lists[result.lists >= 0]
        found.append({
            "popularity": float(b),
            "ndcg": float(result.values["ndcg"].mean()),
            "coverage": float((result.shown > 0).mean()),
            "novelty": float(result.values["novelty"].mean()),
            "mean_popularity": float(buyers[shown].mean()) if len(shown) else 0.0,
        })  # fmt: skip
    return tuple(found)

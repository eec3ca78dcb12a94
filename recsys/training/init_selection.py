"""Which start: the shapes that are tried on the validation period, and the one that is taken."""

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from recsys.dataset.splitting import Split
from recsys.evaluation import health
from recsys.evaluation.evaluate import evaluate, ndcg_and_coverage
from recsys.evaluation.health import Check
from recsys.evaluation.significance import compare
from recsys.models.svd_init import Shape, Source, lengths_to_try
from recsys.utils import threads

SHARINGS = (0.0, 50.0, 100.0)
DAMPINGS = (0.0, 0.1, 0.2, 0.3)
LIFTS = (1.0, 3.0, 10.0)
MIDDLE = {"damping": 0.2, "lift": 1.0}
"""Where sharing and lengths are tried, before dampings and lifts are."""

K = 10
MOST_USERS = 5000
"""More shoppers of the validation period than this are sampled."""


@threads.limited_blas_threads()
def choose_start(source: Source, split: Split, components: int, variety: float) -> tuple[Shape, list[dict[str, Any]]]:
    """The shape to begin with, and all that were tried: `Shape` with "ndcg" and "coverage" on the validation period.

    First how much products share, then the lengths, each by the best NDCG@10; then every damping with every lift. Of
    the last that reach (1 - variety) of the best NDCG@10, and what popularity alone reaches, the one with the widest
    range is taken; where popularity alone is better than any, the most accurate.
    """
    later = _sample(split.validation.counts)
    tried: dict[Shape, tuple[float, float]] = {}

    def best(shapes: list[Shape]) -> Shape:
        for shape in shapes:
            if shape not in tried:
                ndcg, coverage = ndcg_and_coverage(source.start(shape), split.fit.counts, later, K)
                tried[shape] = (0.0 if ndcg is None or np.isnan(ndcg) else float(ndcg), coverage)
        return max(shapes, key=lambda shape: tried[shape][0])

    lengths = list(lengths_to_try(components))
    found = best([Shape(lengths[0], sharing, **MIDDLE) for sharing in SHARINGS])
    found = best([replace(found, lengths=cuts) for cuts in lengths])
    last = [replace(found, damping=damping, lift=lift) for damping in DAMPINGS for lift in LIFTS]
    most = tried[best(last)][0]
    alone = source.start(last[0])
    popularity, _ = ndcg_and_coverage(replace(alone, users=0 * alone.users), split.fit.counts, later, K)
    enough = min(most, max((1 - variety) * most, popularity or 0.0))
    chosen = max((s for s in last if tried[s][0] >= enough), key=lambda s: (tried[s][1], tried[s][0]))
    return chosen, [s.to_dict() | {"ndcg": ndcg, "coverage": coverage} for s, (ndcg, coverage) in tried.items()]


def without_borrowing(source: Source, split: Split, shape: Shape) -> Check:
    """The health check "Features" of a start: it against the same in which products borrow nothing from what they
    share, on the validation period."""
    later = _sample(split.validation.counts)
    ours, bare = (
        evaluate(source.start(x), split.fit.counts, later, k=K, only=("ndcg",))
        for x in (shape, replace(shape, sharing=0.0))
    )
    means = [float(x.values["ndcg"].mean()) if len(x.users) else 0.0 for x in (ours, bare)]
    return health.ablation(means[0], means[1], compare(ours, bare))


def _sample(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """The same matrix, with purchases of at most `MOST_USERS` users."""
    active = np.flatnonzero(np.diff(counts.indptr))
    if len(active) <= MOST_USERS:
        return counts
    kept = np.zeros(counts.shape[0], dtype=counts.dtype)
    kept[np.random.default_rng(0).choice(active, MOST_USERS, replace=False)] = 1
    sampled = (sparse.diags(kept) @ counts).tocsr()
    sampled.eliminate_zeros()
    return sampled

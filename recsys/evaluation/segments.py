"""Where a model is good and where it is not: the same lists, measured for groups of users and of items."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from recsys import columns as c
from recsys.dataset.splitting import Split
from recsys.evaluation.evaluate import Evaluation
from recsys.evaluation.metrics import bootstrap_interval
from recsys.evaluation.significance import Verdict, paired
from recsys.models.model import Model

FEWEST = 30
"""A group of fewer users tells nothing and is left out."""

MOST_CATEGORIES = 12
EXAMPLES = 5


@dataclass(frozen=True)
class Segment:
    """One group of users, or the purchases of one group of items.

    Attributes:
        kind: "activity" or an attribute for users; "popularity" or "category" for items.
        name: the group, in words.
        measure: "ndcg" for users; "recall" for items: the share of what was bought in the group that was in the lists.
        users: how many it is the mean of: those with something to find in the group.
        value, low, high: mean, and its 95% bootstrap interval.
        popular: the same of bestsellers.
        verdict: the model against it, by the paired test.
        examples: ids of users for whom it went worst, those with most to find first.
    """

    kind: str
    name: str
    measure: str
    users: int
    value: float
    low: float
    high: float
    popular: float
    verdict: Verdict
    examples: tuple[str, ...]


def segments(model: Model, split: Split, ours: Evaluation, popular: Evaluation) -> list[Segment]:
    """All segments with at least `FEWEST` users, within each kind those that gain least over bestsellers first.

    Args:
        ours, popular: evaluations of the model and of bestsellers in the lane "discover" on `split.test`.
    """
    relevant = _new_pairs(split)[ours.users]
    found = [
        _segment(model, kind, name, "ndcg", ours.users[rows], ours.values["ndcg"][rows], popular.values["ndcg"][rows],
                 np.diff(relevant.indptr)[rows])
        for kind, name, rows in _user_groups(model, split, ours.users)
    ]  # fmt: skip
    ours_hit, popular_hit = _hits(relevant, ours.lists), _hits(relevant, popular.lists)
    for kind, name, items in _item_groups(model, relevant):
        inside = items[relevant.indices]
        wanted = _per_row(relevant, inside)
        rows = np.flatnonzero(wanted)
        own, other = (_per_row(relevant, inside & hit)[rows] / wanted[rows] for hit in (ours_hit, popular_hit))
        found.append(_segment(model, kind, name, "recall", ours.users[rows], own, other, wanted[rows]))
    found = [segment for segment in found if segment.users >= FEWEST]
    kinds = list(dict.fromkeys(segment.kind for segment in found))
    return sorted(found, key=lambda s: (kinds.index(s.kind), s.value - s.popular))


def _segment(
    model: Model,
    kind: str,
    name: str,
    measure: str,
    users: NDArray[np.int64],
    values: NDArray[np.float64],
    popular: NDArray[np.float64],
    wanted: NDArray[Any],
) -> Segment:
    if len(users) == 0:
        return Segment(kind, name, measure, 0, 0.0, 0.0, 0.0, 0.0, "cannot tell", ())
    low, high = bootstrap_interval(values)
    worst = np.lexsort((-wanted, values))[:EXAMPLES]
    return Segment(
        kind, name, measure, len(users), float(values.mean()), low, high, float(popular.mean()),
        paired(values, popular, metric=measure, samples=500).verdict,
        tuple(str(x) for x in model.users[c.USER].to_numpy()[users[worst]]),
    )  # fmt: skip


def _user_groups(model: Model, split: Split, users: NDArray[np.int64]) -> Iterator[tuple[str, str, NDArray[np.int64]]]:
    """Kind, name and the places in `users` of each group of users."""
    had = np.diff(split.training.counts.indptr)[users]
    for name, rows in _quarters(had, "products had before").items():
        yield "activity", name, rows
    for attribute in model.user_attributes:
        values = model.users[attribute].to_numpy(dtype=object)[users]
        for value in sorted({str(x) for x in values if not pd.isna(x)}):
            yield attribute, value, np.flatnonzero([not pd.isna(x) and str(x) == value for x in values])


def _item_groups(model: Model, relevant: sparse.csr_matrix) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Kind, name and a mask (n_items,) of each group of items."""
    popularity = model.popularity
    for name, rows in _quarters(popularity, "shoppers who had it").items():
        mask = np.zeros(len(popularity), dtype=bool)
        mask[rows] = True
        yield "popularity", name, mask
    if model.category_levels:
        names = model.items[model.category_levels[0]].to_numpy(dtype=object).astype(str)
        for name in pd.Series(names[relevant.indices]).value_counts().index[:MOST_CATEGORIES]:
            yield "category", name, names == name


def _quarters(values: NDArray[Any], what: str) -> dict[str, NDArray[np.int64]]:
    """Four groups as equal as ties allow, by value; equal values stay together, so that there may be fewer."""
    if len(values) == 0:
        return {}
    edges = np.unique(np.quantile(values, [0.25, 0.5, 0.75], method="lower"))
    group = np.searchsorted(edges, values, side="left")
    found = {}
    for number in range(len(edges) + 1):
        rows = np.flatnonzero(group == number)
        if len(rows):
            low, high = int(values[rows].min()), int(values[rows].max())
            found[f"{low:,} to {high:,} {what}" if low < high else f"{low:,} {what}"] = rows
    return found


def _new_pairs(split: Split) -> sparse.csr_matrix:
    """CSR of what was had in the test period and not before."""
    later = split.test.counts.astype(bool)
    new = (later - later.multiply(split.training.counts.astype(bool))).tocsr()
    new.eliminate_zeros()
    new.sort_indices()
    return new


def _hits(relevant: sparse.csr_matrix, lists: NDArray[np.int32]) -> NDArray[np.bool_]:
    """For every stored pair of `relevant`, whether the item stands in its row's list."""
    rows = np.repeat(np.arange(relevant.shape[0], dtype=np.int64), np.diff(relevant.indptr))
    shown = np.arange(len(lists), dtype=np.int64)[:, None] * relevant.shape[1] + lists
    return np.isin(rows * relevant.shape[1] + relevant.indices, shown[lists >= 0])


def _per_row(matrix: sparse.csr_matrix, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(n_rows,): how many stored pairs of each row the mask marks."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return np.bincount(rows[mask], minlength=matrix.shape[0])

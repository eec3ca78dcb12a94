"""The periods that choices are made on: the validation period, and others before it where the data reach back far
enough."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse, special

from recsys.dataset.dataset import Dataset, Interactions
from recsys.dataset.splitting import Split, most_ranked, some_of
from recsys.evaluation.evaluate import Evaluation, evaluate, evaluate_biases
from recsys.models.base import Factors, Representations, Scorer
from recsys.models.features import Features, item_features, user_features
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.popularity import Forecast
from recsys.utils.threads import cores

MOST_USERS = 5000
"""More shoppers of one period than this are sampled, fewer where there are many items; where there are several periods,
they share that number."""

LARGE = 2**26
"""With more numbers than this in the embeddings of items (256 MB), memory counts more than time: there is one period,
and one thing is tried after the other."""

FEWEST_USERS = 30
"""A period with fewer shoppers to judge is no second opinion."""

SIGNIFICANT = 0.05
K = 10


@dataclass(frozen=True)
class Window:
    """One period to learn from and what came after it.

    Attributes:
        period: what was bought before `now`.
        now: NaT without times.
        later: CSR (n_users, n_items), what was bought after it by at most so many shoppers with a history.
        users, items: features; who or what has no event in the period goes without identity.
        forecast: of the popularity after `now`, learned before it; None where popularity is that of late.
    """

    period: Interactions
    now: pd.Timestamp
    later: sparse.csr_matrix
    users: Features
    items: Features
    forecast: Forecast | None

    @property
    def coefficients(self) -> tuple[float, ...] | None:
        """Coefficients of the forecast of popularity; None without one."""
        return None if self.forecast is None else self.forecast.coefficients

    def judged(self, scorer: Scorer, only: Sequence[str] = ("ndcg",)) -> Evaluation:
        """Products not had before, at most `K` of them."""
        k = min(K, self.later.shape[1])
        return evaluate(scorer, self.period.counts, self.later, k=k, only=only, popularity=self.buyers)

    def judged_with(
        self, model: Representations, biases: Sequence[NDArray[np.float32]], only: Sequence[str] = ("ndcg",)
    ) -> list[Evaluation]:
        """`judged` for the taste of a model plus each of these biases, (n_items,)."""
        k = min(K, self.later.shape[1])
        taste = Factors(model.user_embeddings, model.item_embeddings, model.item_biases, 0.0)
        return evaluate_biases(taste, biases, self.period.counts, self.later, k=k, only=only, popularity=self.buyers)

    @cached_property
    def buyers(self) -> NDArray[np.int64]:
        """(n_items,) how many users had each item in the period."""
        return np.bincount(self.period.counts.indices, minlength=self.period.counts.shape[1])


@dataclass(frozen=True)
class Measured:
    """What a model reaches on all windows: NDCG@10 of every shopper, (n,), and the mean share of products shown.

    `recent` holds mean NDCG@10 and the share of products shown on the first window, the validation period itself: what
    trainings with other numbers of windows have in common.
    """

    values: NDArray[np.float64]
    coverage: float
    recent: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def of(cls, found: Sequence[Evaluation]) -> "Measured":
        """What evaluations on several windows give together."""
        values = [one.values["ndcg"] for one in found]
        shown = [float((one.shown > 0).mean()) for one in found]
        first = float(values[0].mean()) if len(values[0]) else 0.0
        return cls(np.concatenate(values), float(np.mean(shown)), (first, shown[0]))

    def figures(self) -> dict[str, float]:
        """For points of a learning curve: "ndcg" and "coverage", and the same of `recent`."""
        recent_ndcg, recent_coverage = self.recent
        return {
            "ndcg": self.ndcg,
            "coverage": self.coverage,
            "recent_ndcg": recent_ndcg,
            "recent_coverage": recent_coverage,
        }

    @property
    def ndcg(self) -> float:
        """Mean over all shoppers; 0 where there is none."""
        return float(self.values.mean()) if len(self.values) else 0.0

    def better_than(self, other: "Measured", level: float = SIGNIFICANT) -> bool:
        """Whether the mean is greater by more than chance: paired t-test over the shoppers, at 5%, or `level`."""
        differences = self.values - other.values
        if len(differences) < 2 or differences.mean() <= 0:
            return False
        if np.ptp(differences) <= 1e-12:
            return True
        t = differences.mean() / (differences.std(ddof=1) / np.sqrt(len(differences)))
        return bool(2 * special.stdtr(len(differences) - 1, -t) < level)


def measured(windows: Sequence[Window], scorers: Sequence[Scorer]) -> Measured:
    """One scorer for each window, judged together."""
    return Measured.of(side_by_side(Window.judged, windows, scorers))


def side_by_side(work: Callable[..., Any], *of_windows: Sequence[Any]) -> list[Any]:
    """`map` over what belongs to each window, on as many cores as there are; an error of one is raised."""
    with ThreadPoolExecutor(min(cores(), max(len(of_windows[0]), 1))) as pool:
        return list(pool.map(work, *of_windows))


def windows_of(dataset: Dataset, split: Split, recipe: Hyperparameters, wanted: int) -> tuple[Window, ...]:
    """The validation period first, then those before it, each as long; as many as wanted and as the data allow.

    An earlier one needs twice its length before it, half of the purchases that the first learns from, and
    `FEWEST_USERS` shoppers to judge. Where the embeddings of items are `LARGE` there is the first alone.
    """
    if dataset.n_items * recipe.components > LARGE:
        wanted = 1
    parts = [(split.fit, split.validation_start, split.validation.counts)]
    if split.kind == "time":
        length = split.test_start - split.validation_start
        first = dataset.period[0]
        for number in range(1, wanted):
            now = split.validation_start - number * length
            if now - first < 2 * length:
                break
            period, later = dataset.interactions(end=now), dataset.interactions(start=now, end=now + length)
            if (
                period.counts.nnz < split.fit.counts.nnz / 2
                or (np.diff(_with_history(later.counts, period).indptr) > 0).sum() < FEWEST_USERS
            ):
                break
            parts.append((period, now, later.counts))
    most = most_ranked(MOST_USERS // (1 if len(parts) == 1 else 2 * len(parts)), dataset.n_items)
    days = 0.0 if split.kind != "time" else (split.test_start - split.validation_start) / pd.Timedelta(days=1)

    def window_of(part: tuple[Interactions, pd.Timestamp, sparse.csr_matrix]) -> Window:
        period, now, later = part
        users, items = features_for(dataset, recipe, period)
        judged = some_of(_with_history(later, period), most)
        return Window(period, now, judged, users, items, Forecast.fit(dataset, now, days))

    return tuple(side_by_side(window_of, parts))


def features_for(dataset: Dataset, recipe: Hyperparameters, period: Interactions) -> tuple[Features, Features]:
    """User and item features; who or what has no event in the period goes without identity, which nothing trains."""
    pairs = period.counts
    users = user_features(dataset, recipe).without_identity_of(np.diff(pairs.indptr) == 0)
    items = item_features(dataset, recipe, period).without_identity_of(
        np.bincount(pairs.indices, minlength=pairs.shape[1]) == 0
    )
    return users, items


def _with_history(later: sparse.csr_matrix, period: Interactions) -> sparse.csr_matrix:
    """Purchases of those who had something before, as they are judged in the end; of all where these are too few.

    Others are all shown one list, and would decide how much popularity counts for everybody.
    """
    known = (np.diff(period.counts.indptr) > 0) & (np.diff(later.indptr) > 0)
    return _of_users(later, known) if known.sum() >= FEWEST_USERS else later


def _of_users(counts: sparse.csr_matrix, kept: NDArray[np.bool_]) -> sparse.csr_matrix:
    """The same matrix, with the rows of those marked (n_users,)."""
    found = (sparse.diags(kept.astype(counts.dtype)) @ counts).tocsr()
    found.eliminate_zeros()
    return found

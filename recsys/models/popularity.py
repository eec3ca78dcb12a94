"""How popular each item is lately, and how popular it will be soon: the part of a score that all users share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.dataset.dataset import Dataset, Interactions
from recsys.dataset.decay import halved

HALF_LIVES = (7.0, 14.0, 30.0, 60.0, 180.0)
"""Days after which a person counts half, in the columns that a forecast is made from."""

FADING = tuple((half_life, since) for half_life in HALF_LIVES for since in ("first", "last"))
COLUMNS = len(FADING) + 2
"""How people are counted in the columns of a forecast; beside these all people, and a constant."""

ALONE = (7.0, 30.0, 180.0)
"""Those that are tried alone, in the place of a forecast."""

LATELY = 30.0
RIDGE = 1.0
FEWEST_ITEMS = 50
"""With fewer items that somebody newly had, a forecast has nothing to learn from."""


def lately_popular(period: Interactions, now: pd.Timestamp) -> NDArray[np.float32]:
    """(n_items,): log(1 + people), people who first had the item, each halved every 30 days since; mean 0.

    Without times everybody counts alike.
    """
    return _centred(np.log1p(people(period, now, LATELY, "first")))


def people(period: Interactions, now: pd.Timestamp, half_life_days: float, since: str) -> NDArray[np.float64]:
    """(n_items,) people who had each item, each halved with every half-life since their "first" or "last" event with
    it; all alike where there are no times."""
    weights = halved(period, now, half_life_days, since) if timed(period) else None
    return np.bincount(period.counts.indices, weights, period.counts.shape[1]).astype(np.float64)


def timed(period: Interactions) -> bool:
    """Whether the events of a period have times."""
    return len(period.last) > 0 and not bool(np.isnat(period.last).any())


@dataclass(frozen=True)
class Forecast:
    """How many people will have each item for the first time soon: a ridge regression of log(1 + people) on the
    logarithms of how many had it lately, over several half-lives.

    It is learned from what was known some days before `now` and what came in these days.

    Attributes:
        coefficients: one for each `_column`, the last is the constant.
    """

    coefficients: tuple[float, ...]

    @classmethod
    def fit(cls, dataset: Dataset, now: pd.Timestamp, days: float) -> Self | None:
        """Learn from the `days` before `now`; None where there are no times or too little happened."""
        if pd.isna(now) or days <= 0 or dataset.period[0] + pd.Timedelta(days=2 * days) > now:
            return None
        cut = now - pd.Timedelta(days=days)
        before, until_now = dataset.interactions(end=cut), dataset.interactions(end=now)
        new = until_now.first >= cut.to_datetime64()
        came = np.bincount(until_now.counts.indices[new], minlength=dataset.n_items)
        if not timed(before) or (came > 0).sum() < FEWEST_ITEMS:
            return None
        columns = np.column_stack([_column(before, cut, place) for place in range(COLUMNS)])
        gram = columns.T @ columns + RIDGE * np.eye(columns.shape[1])
        return cls(tuple(float(x) for x in np.linalg.solve(gram, columns.T @ np.log1p(came))))

    def popularity(self, period: Interactions, now: pd.Timestamp) -> NDArray[np.float32]:
        """(n_items,) float32: the logarithm of 1 + people that is expected after `now`; mean 0."""
        found = np.zeros(period.counts.shape[1])
        for place in np.flatnonzero(self.coefficients):
            found += self.coefficients[place] * _column(period, now, int(place))
        return _centred(found)


def sources() -> Mapping[str, tuple[float, ...]]:
    """Coefficients of a `Forecast` that count people in one way alone: by name, those that are tried in its place."""
    found = {f"how many newly had it, halved every {days:g} days": 2 * HALF_LIVES.index(days) for days in ALONE}
    found["how many had it at all"] = len(FADING)
    return {name: tuple(float(column == place) for column in range(COLUMNS)) for name, place in found.items()}


def expected_popularity(
    period: Interactions, now: pd.Timestamp, coefficients: tuple[float, ...] | None
) -> NDArray[np.float32]:
    """(n_items,) float32, mean 0: by the forecast with these coefficients, or `lately_popular` without."""
    if coefficients and timed(period):
        return Forecast(coefficients).popularity(period, now)
    return lately_popular(period, now)


def _column(period: Interactions, now: pd.Timestamp, place: int) -> NDArray[np.float64]:
    """(n_items,) one of the columns that a forecast is made from: log(1 + people) by half-life and since first or last
    event, all people, and 1."""
    if place < len(FADING):
        return np.log1p(people(period, now, *FADING[place]))
    n_items = period.counts.shape[1]
    return np.log1p(np.bincount(period.counts.indices, minlength=n_items)) if place == len(FADING) else np.ones(n_items)


def _centred(values: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(values - values.mean(), dtype=np.float32)

"""How much a purchase counts, by its age."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from recsys.dataset.dataset import Interactions

OLD_WEIGHT = 0.1
"""Weight that even the oldest purchase keeps."""


def age_in_days(period: Interactions, now: pd.Timestamp) -> NDArray[np.float64]:
    """(n_pairs,) days from the last event to `now`; 0 where nothing has a time."""
    days = (now.to_datetime64() - period.last) / np.timedelta64(1, "D")
    return np.nan_to_num(np.asarray(days, dtype=np.float64), nan=0.0)


def recency_weights(period: Interactions, now: pd.Timestamp, half_life_days: float) -> NDArray[np.float32] | None:
    """(n_pairs,) weights that halve with every half-life since the last event, plus 0.1, times the strength of the
    pair (its weightiest kind of event); mean 1. None where all count alike."""
    if half_life_days == 0 and period.strength is None:
        return None
    weights = np.ones(len(period.counts.data)) if period.strength is None else period.strength.astype(np.float64)
    if half_life_days > 0:
        weights = weights * (OLD_WEIGHT + 0.5 ** (age_in_days(period, now) / half_life_days))
    return np.asarray(weights / weights.mean(), dtype=np.float32)


def ones(period: Interactions) -> sparse.csr_matrix:
    """The pairs of a period, each counting 1."""
    return with_data(period, np.ones_like(period.counts.data))


def faded(period: Interactions, now: pd.Timestamp, half_life_days: float, since: str) -> sparse.csr_matrix:
    """The pairs of a period, each halved with every half-life since its first or last event; whole without a time."""
    return with_data(period, halved(period, now, half_life_days, since))


def halved(period: Interactions, now: pd.Timestamp, half_life_days: float, since: str) -> NDArray[np.float32]:
    """(n_pairs,) 0.5^(age / half-life), the age being that of the "first" or "last" event; 1 without a time."""
    times = period.first if since == "first" else period.last
    days = ((now.to_datetime64() - times) / np.timedelta64(1, "D")).astype(np.float32)
    return np.asarray(np.exp2(np.nan_to_num(days, nan=0.0) / np.float32(-half_life_days)), dtype=np.float32)


def with_data(period: Interactions, data: NDArray[np.float32]) -> sparse.csr_matrix:
    """The pairs of a period with other values."""
    return sparse.csr_matrix((data, period.counts.indices, period.counts.indptr), shape=period.counts.shape)

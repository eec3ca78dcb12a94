"""How much a purchase counts, by its age."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.dataset import Interactions

OLD_WEIGHT = 0.1
"""Weight that even the oldest purchase keeps."""


def recency_weights(period: Interactions, now: pd.Timestamp, half_life_days: float) -> NDArray[np.float32] | None:
    """(n_pairs,) weights that halve with every half-life since the last event, plus 0.1; mean 1. None for 0 days."""
    if half_life_days == 0:
        return None
    days = (now.to_datetime64() - period.last) / np.timedelta64(1, "D")
    weights = OLD_WEIGHT + 0.5 ** (days / half_life_days)
    return np.asarray(weights / weights.mean(), dtype=np.float32)

"""What the property tests share: how hard they try, and how they draw matrices and tables."""

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from scipy import sparse

PROPERTY = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
"""The same examples in every run; no limit of time, since machines differ."""


def bool_matrix(rng: np.random.Generator, n_rows: int, n_columns: int, density: float) -> sparse.csr_matrix:
    """Ones in random places."""
    return sparse.csr_matrix((rng.random((n_rows, n_columns)) < density).astype(np.float32))


@st.composite
def event_tables(draw: st.DrawFn) -> pd.DataFrame:
    """Raw events with few ids, so that pairs repeat; times within 200 days, in any order."""
    ids = st.sampled_from(("1", "01", "001", "a", "ü", "x y", "<b>", "None"))
    rows = draw(
        st.lists(st.tuples(ids, ids, st.integers(0, 200 * 86400), st.integers(-500, 500)), min_size=1, max_size=60)
    )
    start = np.datetime64("2024-03-01T00:00:00")
    return pd.DataFrame(
        {
            "user_id": [row[0] for row in rows],
            "item_id": [row[1] for row in rows],
            "timestamp": [start + np.timedelta64(row[2], "s") for row in rows],
            "value": [row[3] / 4 for row in rows],
        }
    )

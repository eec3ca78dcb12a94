"""Results as values that JSON can carry, whatever is in them."""

import json
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.utils.json_values import jsonable, records, value, with_category
from tests.strategies import PROPERTY

CELLS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.text(max_size=8)
    | st.builds(np.float32, st.floats(width=32))
    | st.builds(np.int64, st.integers(-(2**60), 2**60))
    | st.builds(pd.Timestamp, st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)))
    | st.just(pd.NaT)
    | st.just(pd.NA)
)


@PROPERTY
@given(st.recursive(CELLS, lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=4), x, max_size=3)))
def test_anything_becomes_strict_json(x: object) -> None:
    json.loads(json.dumps(jsonable(x), allow_nan=False))


@pytest.mark.parametrize(
    "cell, expected",
    [
        (np.float32(0.5), 0.5),
        (np.int32(7), 7),
        (np.bool_(True), True),
        (float("inf"), None),
        (np.float64("nan"), None),
        (pd.NaT, None),
        (None, None),
        (pd.Timestamp("2024-01-02T03:04:05"), "2024-01-02T03:04:05"),
        (datetime(2024, 1, 2, tzinfo=UTC), "2024-01-02T00:00:00+00:00"),
        ("00123", "00123"),
    ],
)
def test_one_cell(cell: object, expected: object) -> None:
    assert value(cell) == expected
    assert type(value(cell)) is type(expected)


def test_a_table_becomes_rows() -> None:
    table = pd.DataFrame(
        {"item_id": ["a", "b"], "price": [1.5, np.nan], "wide": ["x", "y"], "narrow": ["p", None], "n": [1, 2]}
    )
    rows = records(table)
    assert rows[1] == {"item_id": "b", "price": None, "wide": "y", "narrow": None, "n": 2}
    assert with_category(rows, ("wide", "narrow"))[0] == {
        "item_id": "a", "price": 1.5, "n": 1, "category": ["x", "p"],
    }  # fmt: skip
    assert records(table.head(0)) == []

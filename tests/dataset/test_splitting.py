"""Cutting in time: nothing of the future leaks into what is learned from, and nothing is lost."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given

from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import split_at, time_split
from recsys.errors import InvalidInput
from tests.strategies import PROPERTY, event_tables


@PROPERTY
@given(event_tables())
def test_periods_add_up_and_do_not_overlap(events: pd.DataFrame) -> None:
    dataset = Dataset.from_raw("d", events)
    assume((events["timestamp"].max() - events["timestamp"].min()) > pd.Timedelta(days=60))
    split = time_split(dataset)
    assert split.test_start == split.end - pd.Timedelta(days=28)
    assert split.validation_start == split.test_start - pd.Timedelta(days=28)
    assert abs(split.fit.counts + split.validation.counts - split.training.counts).sum() == 0
    assert abs(split.training.counts + split.test.counts - dataset.interactions().counts).sum() == 0
    for period, start, end in (
        (split.fit, None, split.validation_start),
        (split.validation, split.validation_start, split.test_start),
        (split.test, split.test_start, None),
    ):
        assert end is None or (period.last < end.to_datetime64()).all()
        assert start is None or (period.first >= start.to_datetime64()).all()


def test_data_that_do_not_reach_back_are_refused_with_their_span() -> None:
    times = pd.to_datetime(["2024-01-01", "2024-02-20"])
    dataset = Dataset.from_raw(
        "short", pd.DataFrame({"user_id": ["a", "b"], "item_id": ["x", "y"], "timestamp": times})
    )
    with pytest.raises(InvalidInput, match=r"'short' spans 50\.0 days; .* Use shorter periods or more data"):
        time_split(dataset)
    assert time_split(dataset, test_days=10, validation_days=10).fit.counts.nnz == 1


def test_stored_cuts_give_the_same_split_again(small_dataset: Dataset) -> None:
    split = time_split(small_dataset)
    described = split.describe()
    again = split_at(small_dataset, pd.Timestamp(described.validation_start), pd.Timestamp(described.test_start))
    assert again.describe() == described
    assert np.array_equal(again.test.counts.indices, split.test.counts.indices)
    assert described.training_pairs == split.training.counts.nnz

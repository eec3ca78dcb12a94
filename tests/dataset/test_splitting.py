"""Cutting in time: nothing of the future leaks into what is learned from, and nothing is lost."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given

from recsys.dataset import splitting
from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import Periods, leave_k_out, make_split, protocol_note, split_again, split_at, time_split
from recsys.errors import InvalidInput
from recsys.evaluation.benchmark import judge_baselines
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


def sparse_ratings(n_users: int = 3000, years: int = 21) -> Dataset:
    """People who rate three things each, a year apart, spread over many years."""
    rng = np.random.default_rng(0)
    first = rng.integers(0, (years - 3) * 365, n_users)
    days = (first[:, None] + np.arange(3) * 365).ravel()
    events = pd.DataFrame({
        "user_id": np.repeat(np.arange(n_users), 3).astype(str),
        "item_id": rng.integers(0, 200, 3 * n_users).astype(str),
        "timestamp": pd.Timestamp("2000-01-01") + pd.to_timedelta(days, unit="D"),
    })  # fmt: skip
    return Dataset.from_raw("sparse", events)


def test_the_test_period_is_long_enough_to_judge_many_shoppers() -> None:
    dataset = sparse_ratings()
    few = len(np.unique(time_split(dataset).judged.nonzero()[0]))
    split = make_split(dataset)
    assert len(np.unique(split.judged.nonzero()[0])) > 10 * few
    assert split.end - split.test_start <= pd.Timedelta(days=21 * 365 / 5)


def test_the_lengths_of_the_periods_can_be_set(small_dataset: Dataset) -> None:
    day = pd.Timedelta(days=1)
    split = make_split(small_dataset, periods=Periods(test=10, validation=20))
    assert (split.end - split.test_start, split.test_start - split.validation_start) == (10 * day, 20 * day)
    split = make_split(small_dataset, periods=Periods(test=14))
    assert split.test_start - split.validation_start == 14 * day
    with pytest.raises(InvalidInput, match="leave nothing to learn from"):
        make_split(small_dataset, periods=Periods(test=150, validation=100))
    with pytest.raises(InvalidInput, match="The test period is -1 days"):
        Periods(test=-1)


def test_shoppers_without_a_history_are_judged_apart(small_dataset: Dataset) -> None:
    """A third of the shoppers lose their past: the figures of the others stay as they are, for every method."""
    split = time_split(small_dataset)
    users = small_dataset.events["user_id"].to_numpy()
    before = (small_dataset.events["timestamp"] < split.test_start).to_numpy()
    events = small_dataset.events[~((users % 3 == 0) & before)].reset_index(drop=True)
    cut = split_at(replace(small_dataset, events=events), split.validation_start, split.test_start)
    strangers = np.unique(cut.without_history.nonzero()[0])
    assert len(strangers) and (strangers % 3 == 0).all()
    assert abs(cut.judged + cut.without_history - cut.test.counts).sum() == 0
    judged = judge_baselines(cut, small_dataset.items, small_dataset.category_levels)
    assert judged.fallback is not None
    assert np.isin(judged.fallback.users, strangers).all()
    for lane in judged.lanes.values():
        for name, found in lane.items():
            assert not np.isin(found.users, strangers).any(), name
    assert {tuple(one) for one in judged.fallback.lists.tolist()} == {tuple(judged.fallback.lists[0].tolist())}


@pytest.mark.parametrize("kind", ["time", "leave-k-out"])
def test_of_many_shoppers_some_are_drawn_to_be_judged_and_it_is_said(
    small_dataset: Dataset, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    whole = time_split(small_dataset) if kind == "time" else leave_k_out(small_dataset)
    everybody, described = np.flatnonzero(np.diff(whole.judged.indptr)), whole.describe()
    assert described.drawn_from is None and len(everybody) > 50
    monkeypatch.setattr(splitting, "MOST_TESTED", 50)
    split = split_again(small_dataset, described)
    drawn = np.flatnonzero(np.diff(split.judged.indptr))
    assert len(drawn) == 50 and set(drawn) < set(everybody)
    assert abs(split.judged[drawn] - whole.judged[drawn]).sum() == 0, "all that a drawn shopper did counts"
    assert np.array_equal(split.judged.indices, split_again(small_dataset, described).judged.indices)
    assert split.describe().drawn_from == len(everybody)
    assert f"of whose {len(everybody)} shoppers 50 were drawn" in protocol_note(split.describe())
    monkeypatch.setattr(splitting, "MANY_ITEMS", small_dataset.n_items // 2)
    monkeypatch.setattr(splitting, "FEWEST", 10)
    fewer = split_again(small_dataset, described)
    assert (
        len(np.flatnonzero(np.diff(fewer.judged.indptr))) == 50 * (small_dataset.n_items // 2) // small_dataset.n_items
    )
    assert f"shoppers {fewer.most_tested} were drawn" in protocol_note(fewer.describe())

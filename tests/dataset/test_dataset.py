"""The dataset: ids kept to the letter, events gathered per pair exactly, wrong tables refused by name."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from recsys.dataset import demo
from recsys.dataset.dataset import Dataset
from recsys.errors import InvalidInput, NotFound
from tests.shops import DEPARTMENTS, planted_shop
from tests.strategies import PROPERTY, event_tables


@PROPERTY
@given(event_tables())
def test_interactions_are_what_pandas_gathers(events: pd.DataFrame) -> None:
    dataset = Dataset.from_raw("d", events)
    pairs = dataset.interactions()
    grouped = events.groupby(["user_id", "item_id"])
    assert pairs.counts.nnz == grouped.ngroups
    for (user, item), rows in grouped:
        at = (dataset.user_row(user), dataset.item_row(item))
        place = pairs.of_user(at[0]).start + list(pairs.counts.indices[pairs.of_user(at[0])]).index(at[1])
        assert pairs.counts.data[place] == len(rows) == pairs.counts[at]
        assert pairs.first[place] == rows["timestamp"].min().to_datetime64()
        assert pairs.last[place] == rows["timestamp"].max().to_datetime64()
        assert pairs.value[place] == pytest.approx(rows["value"].sum(), abs=1e-3)
    assert pairs.counts.has_sorted_indices
    assert pairs.counts.dtype == np.float32


@PROPERTY
@given(event_tables())
def test_periods_take_their_start_and_leave_their_end(events: pd.DataFrame) -> None:
    dataset = Dataset.from_raw("d", events)
    cut = events["timestamp"].iloc[0]
    before, after = dataset.interactions(end=cut), dataset.interactions(start=cut)
    assert before.counts.sum() == (events["timestamp"] < cut).sum()
    assert after.counts.sum() == (events["timestamp"] >= cut).sum()
    assert abs(before.counts + after.counts - dataset.interactions().counts).sum() == 0


@PROPERTY
@given(event_tables())
def test_the_order_of_the_rows_changes_nothing(events: pd.DataFrame) -> None:
    shuffled = events.sample(frac=1, random_state=1)
    one, other = Dataset.from_raw("d", events), Dataset.from_raw("d", shuffled)
    assert one.users.equals(other.users)
    assert one.items.equals(other.items)
    assert abs(one.interactions().counts - other.interactions().counts).sum() == 0


def test_ids_stay_text_to_the_letter() -> None:
    ids = ["00123", "123", "1e5", "NaN", " 7", "ü/ß", "<b>"]
    events = pd.DataFrame({"user_id": ids, "item_id": ids[::-1], "timestamp": pd.Timestamp("2024-01-01")})
    dataset = Dataset.from_raw("d", events)
    assert sorted(dataset.users["user_id"]) == sorted(ids)
    for name in ids:
        assert dataset.users["user_id"].iat[dataset.user_row(name)] == name
        assert dataset.items["item_id"].iat[dataset.item_row(name)] == name


def test_items_without_events_stay_and_users_without_events_go(small_dataset: Dataset) -> None:
    never_sold = np.bincount(small_dataset.interactions().counts.indices, minlength=small_dataset.n_items) == 0
    assert never_sold[-len(DEPARTMENTS) :].all()
    events = pd.DataFrame({"user_id": ["a"], "item_id": ["x"], "timestamp": pd.Timestamp("2024-01-01")})
    items = pd.DataFrame({"item_id": ["x", "y"], "title": ["X", None], "kind": ["k", None]})
    users = pd.DataFrame({"user_id": ["a", "b"], "age": ["1", "2"]})
    dataset = Dataset.from_raw("d", events, items=items, users=users, category_levels=("kind",))
    assert dataset.items["item_id"].tolist() == ["x", "y"]
    assert dataset.items["title"].tolist() == ["X", "y"]
    assert dataset.items["kind"].tolist() == ["k", "uncategorised"]
    assert dataset.users["user_id"].tolist() == ["a"]


def test_items_that_only_the_events_know_are_kept() -> None:
    events = pd.DataFrame({"user_id": ["a", "a"], "item_id": ["x", "new"], "timestamp": pd.Timestamp("2024-01-01")})
    dataset = Dataset.from_raw("d", events, items=pd.DataFrame({"item_id": ["x"], "title": ["X"]}))
    assert dataset.items["title"].tolist() == ["new", "X"]


def test_unknown_ids_are_named(small_dataset: Dataset) -> None:
    with pytest.raises(NotFound, match="No user 'nobody' in dataset 'small'"):
        small_dataset.user_row("nobody")
    with pytest.raises(NotFound, match="No item 'nothing' in dataset 'small'"):
        small_dataset.item_row("nothing")


@pytest.mark.parametrize("table", ["users", "items"])
def test_an_id_that_stands_twice_is_named(small_dataset: Dataset, table: str) -> None:
    tables = {"users": small_dataset.users, "items": small_dataset.items}
    twice = tables[table].iloc[3, 0]
    tables[table] = pd.concat([tables[table], tables[table].iloc[[3]]])
    with pytest.raises(InvalidInput, match=f"{twice}' stands twice in the {table} table"):
        Dataset("d", tables["users"], tables["items"], small_dataset.events)


def test_a_missing_column_is_named(small_dataset: Dataset) -> None:
    with pytest.raises(InvalidInput, match="lack the column 'timestamp'"):
        Dataset("d", small_dataset.users, small_dataset.items, small_dataset.events.drop(columns="timestamp"))


def test_no_events_is_refused() -> None:
    empty = pd.DataFrame({"user_id": [], "item_id": [], "timestamp": pd.to_datetime([])})
    with pytest.raises(InvalidInput, match="'d' has no events"):
        Dataset.from_raw("d", empty)


def test_fingerprints_tie_models_to_data(small_dataset: Dataset) -> None:
    assert planted_shop("other name").fingerprint == small_dataset.fingerprint
    assert planted_shop(seed=1).fingerprint != small_dataset.fingerprint
    changed = small_dataset.events.copy()
    changed.loc[0, "value"] += 1
    other = Dataset(
        "small", small_dataset.users, small_dataset.items, changed, small_dataset.category_levels,
        small_dataset.user_attributes,
    )  # fmt: skip
    assert other.fingerprint != small_dataset.fingerprint


def test_the_summary_counts(small_dataset: Dataset) -> None:
    found = small_dataset.summary()
    pairs = small_dataset.interactions().counts
    assert (found["users"], found["items"], found["events"]) == (120, 160, len(small_dataset.events))
    assert found["pairs"] == pairs.nnz
    assert found["density"] == pytest.approx(pairs.nnz / (120 * 160))
    assert found["repeat_rate"] == pytest.approx((pairs.data > 1).sum() / pairs.nnz)
    assert found["categories"]["department"] == len(DEPARTMENTS)
    assert found["items_without_events"] >= len(DEPARTMENTS)
    assert found["user_attributes"]["age"]["known"] == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("kind", "category", "expected"),
    [
        ("TV/MOVIE-MAGAZINE", "MAGAZINE", "Magazine, TV or movie"),
        ("WOMEN S GENERAL-MAGAZINE", "MAGAZINE", "Magazine, women's general"),
        ("CHEESE: NATURAL PREPORTND", "CHEESES", "Cheese, natural ready portioned"),
        ("BREAD:ITALIAN/FRENCH", "BREAD", "Bread, Italian or French"),
        ("EGGS - X-LARGE", "EGGS", "Eggs, extra large"),
        ("LEAN", "BEEF", "Beef, lean"),
        ("MAINSTREAM WHEAT/MULTIGRAIN BR", "BREAD", "Mainstream wheat or multigrain bread"),
        ("BEANS BAKED W/PORK", "BEANS", "Beans baked with pork"),
    ],
)
def test_a_demo_product_is_called_what_it_is(kind: str, category: str, expected: str) -> None:
    assert demo.product_name(demo.plain(kind), demo.plain(category)) == expected


RAW = pd.DataFrame({"user_id": ["a", "b"], "item_id": ["1", "2"], "timestamp": [1704067200, 1706745600]})


@pytest.mark.parametrize("factor", [1, 1000, 1_000_000, 1_000_000_000])
@pytest.mark.parametrize("form", [int, float, str])
def test_times_since_1970_are_read_in_their_unit(factor: int, form: type) -> None:
    given = [form(second * factor) for second in RAW["timestamp"]]
    found = Dataset.from_raw("epoch", RAW.assign(timestamp=pd.Series(given, dtype=object if form is str else None)))
    assert [str(day.date()) for day in found.events["timestamp"]] == ["2024-01-01", "2024-02-01"]


def test_times_with_a_zone_are_kept_in_utc() -> None:
    for times in (["2024-01-01T01:00:00+02:00"] * 2, pd.to_datetime(["2024-01-01 01:00"] * 2).tz_localize("Etc/GMT-2")):
        found = Dataset.from_raw("zoned", RAW.assign(timestamp=times))
        assert found.period[0] == pd.Timestamp("2023-12-31T23:00:00")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"timestamp": [19723, 19754]}, "timestamp holds numbers from 19723 to 19754"),
        ({"timestamp": [1704067200, 1704067200000]}, "neither seconds nor milliseconds"),
        ({"timestamp": ["2024-01-01", "soon"]}, "timestamp holds 'soon' in row 1"),
        ({"weight": [1, -2]}, "weight holds -2 in row 1, which is below 0"),
        ({"weight": [1, float("inf")]}, "weight holds inf in row 1"),
        ({"value": ["1", "much"]}, "value holds 'much' in row 1"),
        ({"user_id": ["a", None]}, "Row 1 of the events has no user_id"),
        ({"user_id": ["a", float("nan")]}, "Row 1 of the events has no user_id"),
        ({"item_id": [pd.NA, "2"]}, "Row 0 of the events has no item_id"),
    ],
)
def test_raw_values_that_cannot_be_used_are_named(changed: dict, said: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(said)):
        Dataset.from_raw("raw", RAW.assign(**changed))


def test_raw_columns_that_are_missing_are_named() -> None:
    items = pd.DataFrame({"item_id": ["1", "2"], "aisle": ["x", "y"]})
    for arguments, said in (
        ({"events": RAW.drop(columns="user_id")}, "The events have no column 'user_id'; they have item_id, timestamp"),
        ({"events": RAW.drop(columns="item_id")}, "The events have no column 'item_id'"),
        ({"items": items.rename(columns={"item_id": "id"})}, "The items have no column 'item_id'; they have id, aisle"),
        ({"items": items, "category_levels": ("shelf",)}, "The items have no column 'shelf'"),
        ({"user_attributes": ("age",)}, "The users have no column 'age'; they have none"),
    ):
        with pytest.raises(InvalidInput, match=re.escape(said)):
            Dataset.from_raw("raw", **({"events": RAW} | arguments))  # type: ignore[arg-type]  # on purpose

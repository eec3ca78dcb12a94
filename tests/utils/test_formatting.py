"""Numbers, times and names as people read them."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.utils import formatting as fmt
from tests.strategies import PROPERTY

NOW = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "found, expected",
    [
        (fmt.number(27955), "27,955"),
        (fmt.number(0.4), "0"),
        (fmt.share(0.0541), "5.4%"),
        (fmt.share(1, 0), "100%"),
        (fmt.signed(-0.256), "−0.26"),
        (fmt.signed(0.001), "0.00"),
        (fmt.signed_share(0.032), "+3.2%"),
        (fmt.decimal(3e-06), "0.000003"),
        (fmt.decimal(-1234.5), "−1,234"),
        (fmt.decimal(0.1), "0.1"),
        (fmt.money(16055.33, "$"), "$16,055.33"),
        (fmt.distinct(["Milk", "Bread"]), ["Milk", "Bread"]),
        (fmt.distinct(["Milk", "Milk"], keys=["1", "2"]), ["Milk (1)", "Milk (2)"]),
        (fmt.distinct(["Milk, one gallon, no. 1", "Milk, one gallon, no. 2"], 16), ["Milk, one … 1", "Milk, one … 2"]),
        (fmt.measured(0.0429, is_share=False), "0.0429"),
        (fmt.measured(0.429123, is_share=False), "0.429"),
        (fmt.measured(12.345, is_share=False), "12.3"),
        (fmt.measured(0.0042, is_share=True), "0.42%"),
        (fmt.measured(0.042, is_share=True), "4.2%"),
        (fmt.measured(None, is_share=True), "–"),
        (fmt.measured(float("nan"), is_share=False), "–"),
        (fmt.interval({"value": 0.0429, "low": 0.0394, "high": 0.0468}, is_share=False), "0.0429 (0.0394 to 0.0468)"),
        (fmt.interval({"value": 0.5}, is_share=True), "50.0%"),
        (fmt.interval({}, is_share=True), "–"),
        (fmt.change(1.22, 1.0), "22% better"),
        (fmt.change(0.97, 1.0), "3% worse"),
        (fmt.change(1.001, 1.0), "the same"),
        (fmt.change(1.0, 0.0), "–"),
        (fmt.change(None, 1.0), "–"),
        (fmt.money(1234.5, "$"), "$1,234.50"),
        (fmt.money(1234.5, ""), "1,234.50"),
        (fmt.times(1), "once"),
        (fmt.times(2), "twice"),
        (fmt.times(1200), "1,200 times"),
        (fmt.duration(None), "–"),
        (fmt.duration(-3), "0 s"),
        (fmt.duration(59.4), "59 s"),
        (fmt.duration(59.6), "1 min"),
        (fmt.duration(80), "1 min 20 s"),
        (fmt.duration(3600), "1 h 0 min"),
        (fmt.duration(7325), "2 h 2 min"),
        (fmt.day("2017-12-03T10:00"), "3 Dec 2017"),
        (fmt.day("2017-12-03", year=False), "3 Dec"),
        (fmt.day(pd.NaT), "–"),
        (fmt.label("household_size"), "Household size"),
        (fmt.label("ü_x"), "Ü x"),
        (fmt.joined([]), ""),
        (fmt.joined(["a"]), "a"),
        (fmt.joined(["a", "b", "c"]), "a, b and c"),
    ],
)
def test_it_reads_like_this(found: str, expected: str) -> None:
    assert found == expected


@pytest.mark.parametrize(
    "past, expected",
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(seconds=-50), "just now"),
        (timedelta(seconds=60), "1 minute ago"),
        (timedelta(minutes=59, seconds=59), "59 minutes ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(hours=47), "1 day ago"),
        (timedelta(days=3), "3 days ago"),
    ],
)
def test_how_long_ago(past: timedelta, expected: str) -> None:
    assert fmt.ago(NOW - past, NOW) == expected


@PROPERTY
@given(st.text(max_size=120), st.integers(8, 60))
def test_shortened_text_fits_and_begins_alike(text: str, length: int) -> None:
    short = fmt.shortened(text, length)
    assert len(short) <= max(length, 1)
    assert short == text if len(text) <= length else short.endswith("…")
    assert text.startswith(short.rstrip("…"))


def test_every_metric_has_a_name_and_a_meaning() -> None:
    found = fmt.measures(7)
    for name, measure in found.items():
        assert measure.title, name
        assert measure.meaning.endswith("."), name
    assert found["ndcg"].title == "NDCG@7"
    assert found["precision"].share
    assert not found["ndcg"].share


@PROPERTY
@given(st.lists(st.text(min_size=1, max_size=60), unique=True, max_size=8), st.integers(12, 40))
def test_cutting_never_makes_two_texts_one(texts: list[str], length: int) -> None:
    keys = [str(place) for place in range(len(texts))]
    found = fmt.distinct(texts, length, keys)
    assert len(set(found)) == len(texts)

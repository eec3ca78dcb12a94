"""What the log adds to a dataset: kinds of events weigh as in an import, and stray times do no harm."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys.dataset.dataset import Dataset
from recsys.dataset.event_kinds import CART, KIND_WEIGHTS, PURCHASE, VIEW
from recsys.dataset.splitting import make_split
from recsys.storage.database import Database
from recsys.storage.event_log import Event, EventLog
from recsys.storage.event_merge import merge_log
from tests.shops import planted_shop

DURING = datetime(2024, 3, 1, 12)


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    return EventLog(Database(f"sqlite:///{tmp_path / 'log.sqlite'}"))


def merged(log: EventLog, dataset: Dataset, *batch: Event) -> Dataset:
    log.append(dataset.name, batch)
    return merge_log(dataset, log, log.head(dataset.name))


def weights_of(dataset: Dataset, user: str) -> dict[str, float]:
    rows = dataset.events[dataset.events["user_id"] == dataset.user_row(user)]
    return dict(zip(dataset.items["item_id"].iloc[rows["item_id"]], rows["weight"].tolist(), strict=True))


KINDS = {
    "view": VIEW, "add_to_cart": CART, "Order Completed": PURCHASE, "refund": 0.0, "storno": 0.0, "sniffed": VIEW,
}  # fmt: skip


def test_kinds_weigh_what_an_import_gives_them(log: EventLog, small_dataset: Dataset) -> None:
    batch = [Event(f"e{n}", "visitor", f"{n:05d}", DURING, event=kind) for n, kind in enumerate(KINDS)]
    found = merged(log, small_dataset, *batch)
    expected = {f"{n:05d}": weight for n, weight in enumerate(KINDS.values()) if weight}
    assert weights_of(found, "visitor") == expected
    assert set(weights_of(found, "u001").values()) == {PURCHASE}, "what the data hold are purchases"
    row = found.user_row("visitor")
    strength = found.interactions().strength
    assert strength is not None
    assert strength[found.interactions().of_user(row)].tolist() == list(expected.values())


def test_purchases_alone_need_no_weights(log: EventLog, small_dataset: Dataset) -> None:
    found = merged(log, small_dataset, Event("1", "visitor", "00001", DURING), Event("2", "u001", "00002", DURING))
    assert "weight" not in found.events


def test_what_the_import_was_told_of_kinds_holds_for_the_log(log: EventLog) -> None:
    events = pd.DataFrame({"user_id": ["a", "b"], "item_id": ["1", "2"], "timestamp": [DURING, DURING]})
    told = Dataset.from_raw("told", events, notes={KIND_WEIGHTS: {"view": 2.0, "refund": 4.0}})
    found = merged(log, told, Event("1", "c", "1", DURING, event="refund"), Event("2", "c", "2", DURING, event="view"))
    assert weights_of(found, "c") == {"1": 4.0, "2": 2.0}


def at(*moments: str) -> list[Event]:
    return [Event(f"at {moment}", "visitor", "00001", datetime.fromisoformat(moment)) for moment in moments]


@pytest.mark.parametrize(
    "moments",
    [
        ["2026-11-27T18:00:00", "2024-07-21T10:00:00"],
        ["2026-11-27T18:00:00"],
        ["1970-01-02T00:00:00"],
        ["1970-01-02T00:00:00", "2024-07-21T10:00:00", "2025-01-01T00:00:00", "2026-11-27T18:00:00"],
    ],
)
def test_stray_times_leave_the_held_out_periods_where_the_data_are(log: EventLog, moments: list[str]) -> None:
    data = planted_shop(n_users=30, n_items=40)
    split, before = make_split(merged(log, data, *at(*moments))), make_split(data)
    assert abs(split.test_start - before.test_start) <= pd.Timedelta(days=3)
    assert abs(split.validation_start - before.validation_start) <= pd.Timedelta(days=3)
    for period, was in ((split.fit, before.fit), (split.validation, before.validation)):
        assert period.counts.nnz > 0.9 * was.counts.nnz


def test_a_shop_that_lives_on_after_a_pause_is_judged_on_what_it_sells_now(log: EventLog) -> None:
    data = planted_shop(n_users=30, n_items=40)
    rng = np.random.default_rng(0)
    first = datetime(2025, 6, 1)
    later = [
        Event(str(n), f"u{rng.integers(30):03d}", f"{rng.integers(30):05d}", first + pd.Timedelta(days=int(day)))
        for n, day in enumerate(rng.integers(0, 300, 400))
    ]
    assert make_split(merged(log, data, *later)).test_start > pd.Timestamp(first)

"""Splits: by time, shorter where there is less, and by leaving out where there are no times."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from recsys.dataset.dataset import Dataset
from recsys.dataset.decay import faded, recency_weights
from recsys.dataset.splitting import leave_k_out, make_split, split_again, time_split
from recsys.errors import InvalidInput
from recsys.models.features import item_features
from recsys.services.quality_assessment import evaluate_stored
from recsys.services.search.user_history import user_history
from recsys.services.stored_models import stored_models
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from tests.conftest import SMALL_RECIPE
from tests.serving import ROOT
from tests.shops import planted_shop


def shop_of(rows: list[tuple[int, int]], **columns: list) -> Dataset:
    table = pd.DataFrame(rows, columns=["user_id", "item_id"]).assign(**columns)
    return Dataset.from_raw("rows", table)


def without_times(dataset: Dataset) -> Dataset:
    events = dataset.events.assign(timestamp=np.full(len(dataset.events), np.datetime64("NaT"), dtype="datetime64[s]"))
    return Dataset(
        "timeless",
        dataset.users,
        dataset.items,
        events,
        dataset.category_levels,
        dataset.user_attributes,
        dataset.notes,
    )


def test_short_data_get_short_periods():
    days = pd.date_range("2024-01-01", periods=21)
    dataset = shop_of([(i % 3, i) for i in range(21)], timestamp=list(days))
    split = make_split(dataset)
    assert split.kind == "time"
    assert split.end - split.test_start == pd.Timedelta(days=4)
    assert split.test_start - split.validation_start == pd.Timedelta(days=4)


def test_long_data_get_whole_periods(small_dataset):
    assert make_split(small_dataset).describe() == time_split(small_dataset).describe()


def test_one_day_is_split_by_leaving_out():
    dataset = shop_of([(u, i) for u in range(4) for i in range(4)], timestamp=[pd.Timestamp("2024-01-01 10:00")] * 16)
    assert make_split(dataset).kind == "leave-k-out"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 9)), min_size=1, max_size=80),
    st.integers(1, 4),
    st.integers(0, 5),
)
def test_leave_k_out_cuts_each_user_as_promised(rows, k, seed):
    dataset = shop_of(rows)
    had = np.diff(dataset.interactions().counts.indptr)
    if had.max() < 3:
        with pytest.raises(InvalidInput, match="nobody has three different items"):
            leave_k_out(dataset, k=k, seed=seed)
        return
    split = leave_k_out(dataset, k=k, seed=seed)
    test = np.minimum(k, had // 2)
    validation = np.minimum(k, (had - test) // 2)
    assert np.diff(split.test.counts.indptr).tolist() == test.tolist()
    assert np.diff(split.validation.counts.indptr).tolist() == validation.tolist()
    assert (np.diff(split.fit.counts.indptr) >= 1).all()
    whole = dataset.interactions().counts
    assert ((split.fit.counts + split.validation.counts + split.test.counts) != whole).nnz == 0
    assert ((split.fit.counts + split.validation.counts) != split.training.counts).nnz == 0
    again = split_again(dataset, split.describe())
    assert (again.test.counts != split.test.counts).nnz == 0


def test_other_seeds_leave_out_others():
    dataset = shop_of([(u, i) for u in range(20) for i in range(20)])
    one, other = (leave_k_out(dataset, seed=seed).test.counts for seed in (0, 1))
    assert (one != other).nnz > 0


def test_time_split_refuses_data_without_times():
    with pytest.raises(InvalidInput, match="no timestamps"):
        time_split(shop_of([(0, 0), (0, 1)]))


def test_half_the_times_are_refused():
    with pytest.raises(InvalidInput, match="1 of 2 events have no timestamp"):
        shop_of([(0, 0), (0, 1)], timestamp=[pd.Timestamp("2024-01-01"), pd.NaT])


def test_a_pair_weighs_as_its_weightiest_event():
    dataset = shop_of([(0, 0), (0, 0), (0, 1), (1, 1)], weight=[1.0, 5.0, 1.0, 3.0])
    pairs = dataset.interactions()
    assert pairs.strength is not None
    assert pairs.strength.tolist() == [5.0, 1.0, 3.0]
    weights = recency_weights(pairs, pd.Timestamp("NaT"), 30.0)
    assert weights is not None
    assert weights == pytest.approx(np.array([5, 1, 3]) / 3)


def test_without_weights_nothing_is_weighted():
    pairs = shop_of([(0, 0), (0, 1)]).interactions()
    assert pairs.strength is None
    assert recency_weights(pairs, pd.Timestamp("NaT"), 0.0) is None


def test_weights_reach_the_fingerprint():
    rows = [(0, 0), (0, 1)]
    assert shop_of(rows).fingerprint != shop_of(rows, weight=[1.0, 5.0]).fingerprint


def test_data_without_times_train_judge_and_answer(tmp_path):
    workspace = Workspace(Settings.from_environment(tmp_path))
    workspace.store.save_dataset(without_times(planted_shop("timeless", n_users=60, n_items=60)))
    live = train_and_store(workspace, "timeless", SMALL_RECIPE, seed=3, promote=True)
    assert live.manifest["split"]["kind"] == "leave-k-out"
    judged = evaluate_stored(workspace, baselines="all")
    assert judged["split"] == live.manifest["split"]
    assert (
        judged["lanes"]["discover"]["model"]["ndcg"] == live.manifest["metrics"]["lanes"]["discover"]["model"]["ndcg"]
    )
    user = live.users["user_id"].iloc[0]
    history = user_history(workspace, user)
    assert history["after_cut"].sum() == 2
    for lane in ("discover", "again", "all"):
        assert live.recommend(user, k=5, lane=lane).items
    from recsys.views.home.overview import overview
    from recsys.views.shopper import view

    seen = view(workspace, user)
    assert "no times" in seen.learned()
    assert "marked as set aside" in seen.learned(since=True)
    assert "set aside at random" in seen.verdict
    told = overview(workspace)
    assert "set aside at random, because the data have no times" in told.judged
    assert "no times in the data" in {fact.value for fact in told.facts}


def test_every_place_with_metrics_says_that_nothing_is_a_later_period(tmp_path, monkeypatch, capsys):
    from recsys.cli import app
    from recsys.recommend.rules import Rules
    from recsys.services.model_card.card import report
    from recsys.services.promotion_preview import preview
    from recsys.services.workbench.list_comparison import compare
    from recsys.views import models
    from recsys.views.rule_cost import priced

    monkeypatch.setenv("INSIDER_HOME", str(tmp_path))
    workspace = Workspace(Settings.from_environment(tmp_path))
    workspace.store.save_dataset(without_times(planted_shop("timeless", n_users=60, n_items=60)))
    train_and_store(workspace, "timeless", SMALL_RECIPE, seed=3, promote=True)
    other = train_and_store(workspace, "timeless", SMALL_RECIPE, seed=4).model.id
    assert len(stored_models(workspace)) == 2
    one, two = workspace.load(), workspace.load(other)
    places = {
        "models": models.versions(workspace)[0].words(),
        "promote": preview(workspace, other).note,
        "card": report(workspace, other),
        "rules": priced(workspace, other, Rules()).sentence,
        "compare": compare(one, two, workspace.dataset("timeless")).note,
    }
    for command in ("evaluate", "models", f"models show {other}"):
        with pytest.raises(SystemExit):
            app.app(command.split())
        said = capsys.readouterr()
        places[command] = said.out + said.err
    for place, said in places.items():
        assert "set aside at random (the data have no times)" in said, place
        assert "held-out period" not in said, place
    at = AppTest.from_file(str(ROOT / "pages" / "main.py"), default_timeout=60)
    at.switch_page(str(ROOT / "pages" / "shopper.py")).run()
    assert not at.exception, at.exception
    assert "set aside at random" in at.toggle(key="since").help
    assert at.toggle(key="since").label == "What was set aside of theirs"


def test_several_categories_on_one_level_are_several_features():
    table = pd.DataFrame(
        {"item_id": ["a", "b", "c"], "title": ["A", "B", "C"], "category": ["Games|Toys", "Toys", None]}
    )
    dataset = Dataset.from_raw(
        "several", pd.DataFrame({"user_id": ["u"] * 3, "item_id": ["a", "b", "c"]}), items=table,
        category_levels=("category",),
    )  # fmt: skip
    features = item_features(dataset, SMALL_RECIPE)
    names = features.values[features.kinds == "category"].tolist()
    assert names == ["Games", "Toys", "uncategorised"]
    matrix = features.matrix.toarray()[:, features.kinds == "category"]
    assert matrix[0] == pytest.approx([1 / 3, 1 / 3, 0])
    assert matrix[1] == pytest.approx([0, 1 / 2, 0])


def test_purchases_of_one_day_do_not_fade_to_nothing():
    rows = [(f"u{u}", f"i{(u + n) % 9}", "2024-05-01") for u in range(12) for n in range(5)]
    shop = Dataset.from_raw("one-day", pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"]))
    split = make_split(shop)
    assert split.kind == "leave-k-out"
    for since in ("first", "last"):
        assert set(faded(split.fit, split.validation_start, 30.0, since).data) == {1.0}

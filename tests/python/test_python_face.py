"""What `import recsys` offers: tables in, a model that answers, figures that agree with the command line, and back."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import recsys
from recsys.dataset.dataset import Dataset
from recsys.errors import InvalidInput, NotFound
from recsys.notebook import FittedModel
from recsys.recommend.recommender import Recommender
from tests.conftest import SMALL_RECIPE

SETTINGS = {"components": 8, "epochs": 3, "threads": 1}


def tables(dataset: Dataset) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """A dataset as the tables it was made of."""
    events = dataset.events.assign(
        user_id=dataset.users["user_id"].to_numpy()[dataset.events["user_id"]],
        item_id=dataset.items["item_id"].to_numpy()[dataset.events["item_id"]],
    )
    return events, dataset.items, dataset.users


@pytest.fixture(scope="module")
def dataset(small_dataset: Dataset) -> Dataset:
    return Dataset.from_pandas(*tables(small_dataset), name="shop")


@pytest.fixture(scope="module")
def model(dataset: Dataset) -> FittedModel:
    return recsys.fit(dataset, preset="fast", seed=1, **SETTINGS)


def test_tables_give_the_same_dataset_as_before(dataset: Dataset, small_dataset: Dataset) -> None:
    assert dataset.category_levels == ("department", "shelf")
    assert dataset.user_attributes == ("age",)
    assert dataset.fingerprint == small_dataset.fingerprint


def test_ids_stay_as_they_are_and_what_is_not_used_is_said(small_dataset: Dataset) -> None:
    events, items, _ = tables(small_dataset)
    events = events.assign(user_id=pd.factorize(events["user_id"])[0] + 1, device="phone")
    with pytest.warns(UserWarning, match=r"events\.device, items\.weight_kg"):
        found = Dataset.from_pandas(events, items.assign(weight_kg=1.5))
    assert found.users["user_id"].tolist() == sorted(map(str, range(1, 121)))
    assert found.notes["columns_left_out"] == ["events.device", "items.weight_kg"]


def test_kinds_of_events_weigh_as_in_an_import(small_dataset: Dataset) -> None:
    events = tables(small_dataset)[0]
    kinds = np.array(["purchase", "view", "refund"])[np.arange(len(events)) % 3]
    found = Dataset.from_pandas(events.assign(event=kinds))
    assert found.events["weight"].value_counts().to_dict() == {
        5.0: (kinds == "purchase").sum(), 1.0: (kinds == "view").sum(),
    }  # fmt: skip
    assert found.notes["left_out"] == {"refund": (kinds == "refund").sum()}
    with pytest.raises(InvalidInput, match="value holds 'much' in row 2"):
        Dataset.from_pandas(events.assign(value=["1", None, *["much"] * (len(events) - 2)]))


@pytest.mark.parametrize(("part", "column"), [("events", "user_id"), ("events", "item_id"), ("items", "item_id")])
def test_a_missing_column_is_named_with_the_mend(small_dataset: Dataset, part: str, column: str) -> None:
    given = dict(zip(("events", "items", "users"), tables(small_dataset), strict=True))
    given[part] = given[part].rename(columns={column: "id"})
    with pytest.raises(InvalidInput, match=rf"no column '{column}'.*rename"):
        Dataset.from_pandas(**given)


def test_many_users_give_a_table_with_the_rows_of_each(model: FittedModel) -> None:
    users = ["u005", "u001"]
    table = model.recommend(pd.Series(users), k=3)
    assert table.columns.tolist() == ["user_id", "rank", "item_id", "score"]
    assert table["user_id"].tolist() == ["u005"] * 3 + ["u001"] * 3
    for user in users:
        one = model.recommend(user, k=3)
        rows = table[table["user_id"] == user]
        assert rows["item_id"].tolist() == [x.item_id for x in one.items]
        assert rows["rank"].tolist() == [1, 2, 3]
        np.testing.assert_allclose(rows["score"], [x.score for x in one.items])
    with pytest.raises(NotFound, match="nobody"):
        model.recommend(["u001", "nobody"])


def test_figures_are_those_of_the_training(model: FittedModel, dataset: Dataset) -> None:
    found = recsys.evaluate(model, dataset)
    assert found["lanes"]["discover"]["model"] == model.metrics["lanes"]["discover"]["model"]
    assert "popular" in found["lanes"]["discover"]
    with_baselines = recsys.evaluate(model, dataset, baselines=True)
    assert {"popular", "item_knn", "als", "ease"} <= set(with_baselines["lanes"]["discover"])
    with pytest.raises(InvalidInput, match="has changed since model"):
        recsys.evaluate(model, Dataset.from_pandas(tables(dataset)[0].iloc[:-9]))


def test_two_models_are_compared_user_by_user(model: FittedModel, dataset: Dataset) -> None:
    same = recsys.compare(model, model, dataset)
    assert (same["difference"] == 0).all() and (same["verdict"] == "cannot tell").all()
    bare = recsys.fit(dataset, preset="fast", seed=1, identity=False, category_levels=[], **SETTINGS)
    found = recsys.compare(model, bare, dataset).set_index("metric")
    value = model.metrics["lanes"]["discover"]["model"]["ndcg"]["value"]
    assert found.loc["ndcg", "a"] == pytest.approx(value)
    assert found.loc["ndcg", "difference"] == pytest.approx(found.loc["ndcg", "a"] - found.loc["ndcg", "b"])
    assert found.loc["ndcg", "low"] <= found.loc["ndcg", "difference"] <= found.loc["ndcg", "high"]


def test_folds_lie_one_before_the_other(dataset: Dataset) -> None:
    found = recsys.cross_validate(dataset, preset="fast", folds=3, seed=1, **SETTINGS)
    models = found[found["method"] == "model"].reset_index(drop=True)
    assert models["fold"].tolist() == [1, 2, 3]
    assert (models["test_end"].to_numpy()[1:] < models["test_start"].to_numpy()[:-1]).all()
    assert set(found["method"]) == {"model", "popular"}
    assert found["ndcg"].between(0, 1).all()
    with pytest.raises(InvalidInput, match=r"too short for 9 folds.*folds=\d"):
        recsys.cross_validate(dataset, preset="fast", folds=9, **SETTINGS)
    with pytest.raises(InvalidInput, match="choose 1 to 20"):
        recsys.cross_validate(dataset, folds=0)


def test_a_saved_model_answers_the_same_and_knows_its_data(
    model: FittedModel, dataset: Dataset, tmp_path: Path
) -> None:
    version = model.save(tmp_path)
    assert model.save(tmp_path) == version, "saving twice changes nothing"
    stored = recsys.load(version, home=tmp_path)
    assert isinstance(stored, Recommender)
    assert stored.dataset.fingerprint == dataset.fingerprint
    assert [x.item_id for x in stored.recommend("u001").items] == [x.item_id for x in model.recommend("u001").items]
    other = recsys.fit(Dataset.from_pandas(tables(dataset)[0], name="shop"), preset="fast", **SETTINGS)
    with pytest.raises(InvalidInput, match="Another dataset is stored as 'shop'"):
        other.save(tmp_path)


def test_settings_are_checked_by_name(dataset: Dataset) -> None:
    with pytest.raises(InvalidInput, match="componets"):
        recsys.fit(dataset, componets=8)
    with pytest.raises(InvalidInput, match="No preset"):
        recsys.fit(dataset, preset="quick")
    assert SMALL_RECIPE.components == 8

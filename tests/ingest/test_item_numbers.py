"""Numbers and descriptions of a catalogue, from the file to the answers over products announced since."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsys.dataset.dataset import Dataset
from recsys.errors import InvalidInput
from recsys.ingest.config import ImportPlan
from recsys.ingest.pipeline import import_dataset
from recsys.models.features import WORDS
from recsys.models.hyperparameters import Hyperparameters
from recsys.recommend.recommender import Recommender
from recsys.storage.new_entries import item_rows, with_new_items
from recsys.storage.store import Store
from recsys.training.train import train

GIVEN = {
    "items.number": ("Net weight", "Year"),
    "items.description": ("Long text",),
    "items.title": ("Name",),
    "items.category": ("Kind",),
}
NEW = {"new": {"title": "Tea", "description": "a fruity blend", "category": ["tea"], "numbers": {"year": 1990.0}}}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("numbers")
    rng = np.random.default_rng(3)
    rows = [
        f"u{u},i{i},2024-0{1 + n // 4}-1{n % 4}" for u in range(40) for n, i in enumerate(rng.choice(60, 20, False))
    ]
    (folder / "events.csv").write_text("\n".join(["user_id,item_id,date", *rows]) + "\n")
    items = pd.DataFrame({
        "item_id": [f"i{n}" for n in range(60)],
        "Name": [f"Tea no. {n}" for n in range(60)],
        "Long text": [("a fruity blend" if n % 6 == 0 else "plain leaves") if n else None for n in range(60)],
        "Kind": ["tea" if n % 2 else "herbs" for n in range(60)],
        "Net weight": ["1,5 kg" if n == 0 else f"{n}.5" for n in range(60)],
        "Year": [f"{1980 + n // 2}" if n != 7 else "soon" for n in range(60)],
    })  # fmt: skip
    items.to_csv(folder / "items.csv", index=False)
    plan = ImportPlan("shop", events=(str(folder / "events.csv"),), items=(str(folder / "items.csv"),), mapping=GIVEN)
    import_dataset(Store(folder / "home"), plan)
    return Store(folder / "home")


def test_the_catalogue_keeps_what_was_named(store: Store) -> None:
    dataset, manifest = store.load_dataset("shop"), store.dataset_manifest("shop")
    table = dataset.items.set_index("item_id")
    assert dataset.category_levels == ("category",)
    assert manifest["summary"]["numbers"] == dataset.summary()["numbers"] == ["net_weight", "year"]
    assert table.loc["i4", ["net_weight", "year"]].tolist() == [4.5, 1982.0]
    assert table.loc["i6", "description"] == "a fruity blend" and pd.isna(table.loc["i0", "description"])
    assert np.isnan(table.loc["i7", "year"]), "no number"
    assert manifest["report"]["catalogue"]["prices_not_readable"] >= 1
    assert any("a number that cannot be read" in text for text in manifest["report"]["warnings"])
    assert dataset.fingerprint == Dataset.from_raw(
        "again", events_of(dataset), items=dataset.items, category_levels=("category",)
    ).fingerprint  # fmt: skip


def test_fields_of_the_catalogue_alone_are_refused_elsewhere(store: Store) -> None:
    with pytest.raises(InvalidInput, match="There is no field 'number' of events"):
        ImportPlan("shop", events=("events.csv",), mapping={"events.number": ("x",)})


def test_what_was_learned_of_them_is_stored_and_new_products_get_it(store: Store) -> None:
    dataset = store.load_dataset("shop")
    recipe = replace(Hyperparameters(), components=6, epochs=2, windows=1, adapt=(), words=100, words_weight=2.0)
    model = train(dataset, recipe)
    store.save_model(model)
    back = store.load_model(model.id)
    for name in ("kinds", "values", "weights", "measures"):
        one, other = getattr(model.item_features, name), getattr(back.item_features, name)
        assert np.array_equal(one, other, equal_nan=name == "measures"), name
    wider = with_new_items(Recommender(back), NEW).recommender.model
    numbers, _ = wider.item_features.row(wider.rows_of_items["new"])
    found = dict(zip(wider.item_features.kinds[numbers], wider.item_features.values[numbers], strict=True))
    assert found.keys() == {"category", "year", WORDS} and found["category"] == "tea"
    low, high = (float(x) for x in found["year"].split(" to "))
    assert low <= 1990 < high
    reasons = Recommender(wider).recommend("u1", 61, explain=True).items[0].reasons
    assert {"number", "words"} & {reason.kind for reason in reasons}


def test_announced_products_are_rows_of_the_same_columns(store: Store) -> None:
    dataset = store.load_dataset("shop")
    row = item_rows(NEW, dataset.category_levels, dataset.items)
    assert list(row.columns) == list(dataset.items.columns)
    assert row["year"].tolist() == [1990.0] and row["net_weight"].isna().all() and row["net_weight"].dtype == float
    both = pd.concat([dataset.items, row], ignore_index=True)
    assert both["net_weight"].dtype == float, "or it would be no column of numbers any more"


def events_of(dataset: Dataset) -> pd.DataFrame:
    users, items = dataset.users["user_id"].to_numpy(), dataset.items["item_id"].to_numpy()
    return dataset.events.assign(user_id=users[dataset.events["user_id"]], item_id=items[dataset.events["item_id"]])

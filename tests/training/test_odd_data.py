"""Data at the edge of what can be learned from: a model, or words that say why there is none."""

import numpy as np
import pandas as pd
import pytest

from recsys.dataset.dataset import Dataset
from recsys.errors import InvalidInput
from recsys.models.hyperparameters import Hyperparameters, Learner
from recsys.training.train import train

DAYS = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(120), unit="D")


def shop(users: int, items: int, *, moment: bool = False, categories: int = 0, events: int = 600) -> Dataset:
    """Purchases drawn by chance."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({
        "user_id": rng.integers(0, users, events).astype(str), "item_id": rng.integers(0, items, events).astype(str),
        "timestamp": DAYS[0] if moment else DAYS[rng.integers(0, len(DAYS), events)],
    })  # fmt: skip
    names = sorted(rows["item_id"].unique())
    table = pd.DataFrame({"item_id": names, "kind": [f"k{n % max(categories, 1)}" for n in range(len(names))]})
    return Dataset.from_raw("odd", rows, items=table, category_levels=["kind"] if categories else [])


def bought(user: str, events: int, items: int) -> pd.DataFrame:
    """So many purchases of so many products: of one shopper, or of forty without a name."""
    number = np.arange(events)
    who = user or (number % 40).astype(str)
    return pd.DataFrame({"user_id": who, "item_id": number % items, "timestamp": DAYS[number % len(DAYS)]})


ODD = {
    "few items": shop(30, 6),
    "few shoppers": shop(4, 40, categories=3),
    "no category": shop(40, 50),
    "one category": shop(40, 50, categories=1),
    "one moment": shop(40, 50, moment=True),
    "one heavy shopper": Dataset.from_raw("odd", pd.concat([bought("heavy", 100_000, 300), bought("", 600, 37)])),
}


@pytest.mark.parametrize("learner", ["als", "softmax"])
@pytest.mark.parametrize("what", ODD)
def test_odd_data_give_a_model(what: str, learner: Learner) -> None:
    model = train(ODD[what], Hyperparameters(learner=learner, components=64, epochs=3), seed=1)
    assert np.isfinite(model.item_embeddings).all() and np.isfinite(model.user_embeddings).all()
    assert model.manifest.plan.stopped


@pytest.mark.parametrize("users, items", [(1, 40), (40, 1), (1, 1)])
def test_one_of_a_kind_is_a_model_or_words(users: int, items: int) -> None:
    try:
        model = train(shop(users, items, events=60), Hyperparameters(components=8, epochs=2), seed=1)
    except InvalidInput as error:
        assert "odd" in str(error) and str(error).endswith(".")
    else:
        assert np.isfinite(model.item_embeddings).all()

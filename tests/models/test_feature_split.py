"""Embeddings split over features: rows with an identity come out exactly, new ones at what they share."""

import numpy as np
import pandas as pd
import pytest

from recsys.dataset.dataset import Dataset
from recsys.models.feature_split import by_feature
from recsys.models.features import Features, item_features
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.shrinkage import HierarchicalPrior

KINDS = np.repeat(["fruit", "tools"], 300)
LAST = np.array([299, 599])
"""Nobody bought these: the last of each kind."""


@pytest.fixture(scope="module")
def features() -> Features:
    events = pd.DataFrame({"user_id": ["u"] * 600, "item_id": [f"{i:03d}" for i in range(600)]})
    items = events[["item_id"]].assign(kind=KINDS)
    dataset = Dataset.from_raw("kinds", events, items=items, category_levels=["kind"])
    return item_features(dataset, Hyperparameters()).without_identity_of(np.isin(np.arange(600), LAST))


def test_a_product_that_nobody_bought_stands_where_its_category_stands(features: Features) -> None:
    target = np.where(KINDS == "fruit", 2.0, -1.0)[:, None].astype(np.float32)
    found = features.matrix @ by_feature(features, target)
    assert np.delete(found, LAST, axis=0) == pytest.approx(np.delete(target, LAST, axis=0), abs=1e-4)
    assert found[LAST, 0] == pytest.approx([2.0, -1.0], rel=0.05), "neither nearer to zero nor twice as far"


def test_the_prior_of_a_product_that_nobody_bought_is_its_category(features: Features) -> None:
    buyers = np.where(np.isin(np.arange(600), LAST), 0, 4)
    own = np.where(KINDS == "fruit", 6.0, -2.0)[:, None].astype(np.float32) * (buyers > 0)[:, None]
    found = HierarchicalPrior(features, buyers, 10.0)(own)
    assert found[LAST, 0] == pytest.approx([3.0, -1.0], rel=0.05), "own is means times the root of the buyers"

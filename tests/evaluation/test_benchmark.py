"""The document of `evaluate --json`: by lane and method, with intervals, on the model's own test period."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recsys.errors import InvalidInput
from recsys.evaluation.benchmark import category_codes
from recsys.evaluation.documents import ComparisonDocument, SegmentDocument
from recsys.evaluation.segments import Segment
from recsys.evaluation.significance import Comparison
from recsys.recommend.recommender import Recommender
from recsys.services.quality_assessment import evaluate_stored
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from tests.homes import copy_home
from tests.shops import planted_shop


@pytest.fixture(scope="module")
def judged(workspace: Workspace) -> dict[str, Any]:
    return evaluate_stored(workspace, baselines="all")


ALWAYS = {"precision", "recall", "ndcg", "map", "mrr", "hit_rate", "auc", "coverage", "novelty", "diversity", "gini"}


def test_it_has_the_form_of_the_contract(judged: dict[str, Any], live: Recommender) -> None:
    assert (judged["model"], judged["dataset"], judged["k"]) == (live.model.id, "small", 10)
    assert judged["split"] == live.manifest["split"]
    assert {"model", "popular", "item_knn", "als", "ease"} <= set(judged["lanes"]["discover"])
    assert {"model", "own_frequency"} <= set(judged["lanes"]["again"])
    for methods in judged["lanes"].values():
        for name, measures in methods.items():
            assert set(measures) >= ALWAYS, name
            for measure, value in measures.items():
                if measure not in ("coverage", "gini"):
                    assert value["low"] <= value["value"] <= value["high"], (name, measure)
                if measure not in ("novelty",):
                    assert 0 <= value["value"] <= 1, (name, measure)


def test_what_was_stored_at_training_is_measured_again(judged: dict[str, Any], live: Recommender) -> None:
    stored: Mapping[str, Any] = live.manifest["metrics"]["lanes"]["discover"]
    for name in ("model", "popular"):
        assert judged["lanes"]["discover"][name] == stored[name]
    assert judged["users"] == live.manifest["metrics"]["users"]


def test_the_model_beats_popularity_where_tastes_are_planted(judged: dict[str, Any]) -> None:
    lanes = judged["lanes"]["discover"]
    assert lanes["model"]["ndcg"]["value"] > lanes["popular"]["ndcg"]["value"]
    assert lanes["model"]["coverage"]["value"] > lanes["popular"]["coverage"]["value"]
    assert lanes["model"]["gini"]["value"] < lanes["popular"]["gini"]["value"]


@pytest.mark.parametrize("k", [1, 5, 300])
def test_k_sets_the_length_of_the_lists(workspace: Workspace, k: int) -> None:
    found = evaluate_stored(workspace, k=k)
    assert found["k"] == k
    assert set(found["lanes"]) >= {"discover"}
    if k == 300:
        assert found["lanes"]["discover"]["model"]["recall"]["value"] == pytest.approx(1.0)


def test_data_that_changed_since_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    copy_home(workspace.settings.home, tmp_path / "home")
    other = Workspace(Settings.from_environment(tmp_path / "home"))
    other.store.save_dataset(planted_shop(seed=8))
    with pytest.raises(InvalidInput, match=r"'small' has changed since model .* Train again"):
        evaluate_stored(other)


def test_the_middle_category_level_is_the_one_to_vary_in(live: Recommender) -> None:
    codes = category_codes(live.items, ("department", "shelf"))
    assert codes is not None
    assert len(np.unique(codes)) == live.items["shelf"].nunique()
    assert category_codes(pd.DataFrame({"item_id": ["a"]}), ()) is None


@pytest.mark.parametrize(("described", "value"), [(ComparisonDocument, Comparison), (SegmentDocument, Segment)])
def test_documents_have_the_fields_of_what_they_describe(described: type, value: type) -> None:
    assert described.__annotations__.keys() == {field.name for field in fields(value)}

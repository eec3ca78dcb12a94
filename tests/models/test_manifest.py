"""The manifest of a model version as a typed value."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from recsys.errors import Corrupted
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.manifest import Lineage, ModelManifest
from recsys.recommend.recommender import Recommender

OLD = json.loads((Path(__file__).parent / "manifest_of_the_first_version.json").read_text())
"""As the first version of this program stored it: no start, no frontier, no health, no log."""


def test_a_manifest_of_the_first_version_is_read_and_written_back() -> None:
    found = ModelManifest.read(OLD)
    assert (found.id, found.dataset, found.epochs, found.seed) == ("20250102-030405-abcd", "demo", 7, 0)
    assert found.recipe == Hyperparameters.from_dict(OLD["recipe"]) and found.recipe.start == "random"
    assert found.split.test_start == "2017-12-04T23:25:00" and found.split.kind == "time"
    assert found.measured()["ndcg"]["value"] == 0.0409 and found.measured("again", "als") == {}
    assert (found.log, found.frontier, found.lineage, found.repeat_share) == ((0, 0), (), None, 0.5)
    assert found.to_dict() == OLD | {"recipe": found.recipe.to_dict()}


def test_it_reads_as_the_document_too(live: Recommender) -> None:
    assert live.manifest["split"] == live.manifest.split.to_dict()
    assert live.manifest["lineage"]["source"] == "Python"
    with pytest.raises(KeyError):
        live.manifest["shoe"]


def test_facts_are_added_to_a_copy() -> None:
    found = ModelManifest.read(OLD)
    more = found.with_facts(lineage=Lineage(training=12, source="page"), repeat_share=0.25)
    assert (more.lineage, more.repeat_share) == (Lineage(training=12, source="page"), 0.25)
    assert found.lineage is None and more.metrics == found.metrics
    with pytest.raises(ValidationError, match="frozen"):
        found.epochs = 3  # type: ignore[misc]


@pytest.mark.parametrize("change, named", [({"dataset": None}, "dataset"), ({"split": {"k": "many"}}, "split.k")])
def test_what_cannot_be_read_is_named(change: dict[str, object], named: str) -> None:
    with pytest.raises(Corrupted, match=rf"'20250102-030405-abcd': {named}: "):
        ModelManifest.read(OLD | change)

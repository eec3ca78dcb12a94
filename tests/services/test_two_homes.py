"""Two machines, each with a home of its own, on one database: what one says is never contradicted by the other."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from recsys.errors import NotFound
from recsys.services.jobs import start_map, start_training
from recsys.services.promotion import delete_model, promote
from recsys.services.worker import work
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.views.models import log_table
from tests.commands import run
from tests.conftest import SMALL_RECIPE
from tests.homes import copy_home


def test_a_model_of_the_log_that_is_elsewhere_is_said_to_be(trained_home: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.sqlite'}"
    here, there = (
        Workspace(replace(Settings.from_environment(folder), database_url=url))
        for folder in (tmp_path / "here", copy_home(trained_home, tmp_path / "there"))
    )
    shutil.copytree(trained_home / "datasets", tmp_path / "here" / "datasets")
    model = there.load().model
    there.store.save_model(replace(model, id="other", manifest=model.manifest.with_facts(id="other", files={})))
    promote(there, "other")
    promote(there, model.id)
    delete_model(there, "other")
    environment = {"INSIDER_HOME": str(here.settings.home), "INSIDER_DATABASE_URL": url}
    told = run("models", "log", environment=environment)
    assert f"{model.id} (not in this home)" in told.stdout and "other (deleted since)" in told.stdout
    assert "Live in this home: nothing" in told.stderr
    document = json.loads(run("models", "log", "--json", environment=environment).stdout)
    assert document["live"] is None
    assert [line["whereabouts"] for line in document["log"]] == ["deleted since", "not in this home", "deleted since"]
    shown = log_table(here)
    assert shown["subject"].iloc[1] == f"{model.id} (not in this home)"
    assert log_table(there)["subject"].iloc[1] == model.id, "where it is, nothing is said"
    with pytest.raises(NotFound, match=model.id):
        start_map(here, model.id)
    with pytest.raises(NotFound, match="elsewhere"):
        start_training(here, "elsewhere", SMALL_RECIPE)


@pytest.mark.parametrize("kind, named", [("train", "elsewhere"), ("map", "gone"), ("quality", "gone")])
def test_a_job_on_what_is_not_in_this_home_fails_in_words(tmp_path: Path, kind: str, named: str) -> None:
    home = Workspace(Settings.from_environment(tmp_path))
    recipe = SMALL_RECIPE.to_dict() if kind == "train" else {}
    job = home.job_store.create(kind, "elsewhere", recipe, seed=0, promote=False, model="gone")  # type: ignore[arg-type]  # a text
    work(home, job)
    found = home.job_store.get(job)
    assert found.state == "failed" and found.message.startswith("No ") and named in found.message

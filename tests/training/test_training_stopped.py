"""A training job that cannot end well, or is stopped: what the run says, and that the live model stays as it is."""

from dataclasses import replace
from pathlib import Path

import pytest

from recsys.progress import Progress
from recsys.services import worker
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from tests.conftest import SMALL_RECIPE
from tests.homes import copy_home, everything_below


@pytest.fixture
def home(trained_home: Path, tmp_path: Path) -> Workspace:
    copy_home(trained_home, tmp_path / "home")
    return Workspace(Settings.from_environment(tmp_path / "home"))


def stored(workspace: Workspace) -> dict[str, bytes]:
    """Every file of every model version, and the live pointer; what is in the database is not looked at."""
    return {
        path: content
        for path, content in everything_below(workspace.settings.home).items()
        if ".sqlite" not in path and "/runs/" not in f"/{path}"
    }


@pytest.mark.parametrize("engine", ["fast", "library"])
def test_a_run_that_diverges_fails_names_the_epoch_and_leaves_the_live_model(home: Workspace, engine: str) -> None:
    before, live = stored(home), home.load().model.id
    recipe = replace(
        SMALL_RECIPE, learner="bpr", epochs=20, patience=20, learning_rate=1.0, item_alpha=0.1, user_alpha=0.1,
        engine=engine,
    )  # fmt: skip
    run_id = home.job_store.create("train", "small", recipe.to_dict(), seed=0, promote=True)
    worker.work(home, run_id)
    run = home.job_store.get(run_id)
    assert (run.state, run.model) == ("failed", None)
    assert "Training diverged: with learning rate 1 " in run.message
    assert "after pass " in run.message
    assert "Lower the learning rate" in run.message
    assert "Traceback" not in run.message
    assert stored(home) == before
    again = Workspace(home.settings).load()
    assert again.model.id == live
    assert len(again.recommend("u001").items) == 10


def test_a_run_stopped_between_epochs_is_cancelled_and_leaves_the_live_model(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, live = stored(home), home.load().model.id
    run_id = home.job_store.create("train", "small", replace(SMALL_RECIPE, patience=8).to_dict(), seed=0, promote=True)
    seen, report = [], home.job_store.report

    def at_every_epoch(run: int, progress: Progress) -> bool:
        seen.append(progress.epoch)
        if progress.epoch == 2:
            home.job_store.request_cancel(run)
        return report(run, progress)

    monkeypatch.setattr(home.job_store, "report", at_every_epoch)
    worker.work(home, run_id)
    run = home.job_store.get(run_id)
    assert (run.state, run.model) == ("cancelled", None)
    assert max(seen) == 2
    assert stored(home) == before
    assert Workspace(home.settings).load().model.id == live

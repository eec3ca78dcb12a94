"""Passes of ALS on shards: the numbers of one process, whatever dies."""

import os
from pathlib import Path

import numpy as np
import pytest
from distributed import LocalCluster

from recsys.cluster.executor import connected
from recsys.cluster.sharded_histories import histories_on
from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import time_split
from recsys.errors import InvalidInput
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.learners.als import AlternatingRidge
from recsys.models.learners.histories import HistoriesOf, LocalHistories
from recsys.models.learners.learned import Learned
from recsys.models.purchases import Purchases
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.training.windows import features_for
from tests.clusters import running_cluster
from tests.commands import run
from tests.homes import copy_home

RECIPE = Hyperparameters(components=8, epochs=3, bands=())


def learned(dataset: Dataset, histories: HistoriesOf) -> Learned:
    split = time_split(dataset)
    purchases = Purchases.of(split.fit, split.validation_start, RECIPE.half_life_days)
    _, items = features_for(dataset, RECIPE, split.fit)
    learner = AlternatingRidge(purchases, items, RECIPE, split.validation_start, seed=3, histories=histories)
    for _ in range(3):
        learner.step()
    return learner.learned(RECIPE)


@pytest.mark.parametrize("workers", [1, 2, 4, 8, 20])
def test_any_number_of_workers_gives_the_numbers_of_one_process(
    small_dataset: Dataset, workers: int, tmp_path: Path
) -> None:
    expected, everybody = learned(small_dataset, LocalHistories), np.arange(small_dataset.n_users)
    with (
        LocalCluster(n_workers=1, threads_per_worker=workers, processes=False, dashboard_address=":0") as cluster,
        histories_on(cluster.scheduler_address, tmp_path) as histories,
    ):
        found = learned(small_dataset, histories)
        assert found.scores(everybody) == pytest.approx(expected.scores(everybody), rel=1e-3, abs=1e-3)
        assert len(found.users) == len(expected.users)
        assert np.asarray(found.users) == pytest.approx(found.users[everybody])
        some = np.array([70, 3, 3, 119])
        assert np.array_equal(found.users[some], found.users[everybody][some])


def test_two_processes_give_the_same_twice_and_leave_no_file(
    small_dataset: Dataset, scheduler: str, tmp_path: Path
) -> None:
    with histories_on(scheduler, tmp_path) as histories:
        first, second = learned(small_dataset, histories), learned(small_dataset, histories)
        assert np.array_equal(first.items, second.items)
        assert np.array_equal(np.asarray(first.users), np.asarray(second.users))
        del first, second
    assert not list(tmp_path.rglob("*.np*"))


@pytest.fixture
def home(trained_home: Path, tmp_path: Path) -> Workspace:
    copy_home(trained_home, tmp_path / "home")
    return Workspace(Settings.from_environment(tmp_path / "home"))


def test_a_training_on_a_cluster_is_that_of_one_process_though_workers_die(home: Workspace, tmp_path: Path) -> None:
    """A worker is killed twice, while passes are chosen and while the model learns."""
    here = train_and_store(home, "small", RECIPE, seed=2)
    steps: list[str] = []

    def kill_one(progress: object) -> None:
        step = str(getattr(progress, "step", ""))
        if step not in steps and getattr(progress, "epoch", 0) == 1:
            steps.append(step)
            with connected(cluster.address) as workers:
                pid = min(workers.everywhere(os.getpid).values())
            os.kill(pid, 9)

    with running_cluster(tmp_path) as cluster:
        there = train_and_store(home, "small", RECIPE, seed=2, scheduler=cluster.address, on_progress=kill_one)
    assert len(steps) == 2
    assert there.manifest.epochs == here.manifest.epochs
    assert there.manifest.plan.settled == here.manifest.plan.settled
    known = np.arange(there.dataset.n_users)
    assert there.model.scores(known) == pytest.approx(here.model.scores(known), rel=1e-2, abs=1e-2)
    assert not (home.settings.home / "importing").exists()


def test_the_command_trains_on_the_workers_and_says_what_stays_here(home: Workspace, scheduler: str) -> None:
    environment = {"INSIDER_HOME": str(home.settings.home)}
    asked = ("train", "--dataset", "small", "--preset", "fast", "--set", "epochs=2", "--set", "components=4")
    done = run(*asked, "--scheduler", scheduler, environment=environment)
    assert done.exit_code == 0, done.stderr
    assert "Model " in done.stdout and "trains on this machine" not in done.stderr
    softmax = (*asked, "--set", "learner=softmax")
    done = run(*softmax, environment=environment | {"INSIDER_SCHEDULER": scheduler})
    assert done.exit_code == 0, done.stderr
    assert "softmax trains on this machine" in done.stderr
    done = run("runs", environment=environment | {"INSIDER_SCHEDULER": scheduler})
    assert f"Cluster {scheduler}: tcp://" in done.stdout, done.stdout
    done = run("runs", environment=environment | {"INSIDER_SCHEDULER": "tcp://127.0.0.1:1"})
    assert done.exit_code == 0 and "No Dask scheduler answers" in done.stdout and "small" in done.stdout
    done = run(*asked, "--scheduler", "tcp://127.0.0.1:1", environment=environment)
    assert done.exit_code != 0 and "No Dask scheduler answers" in done.stderr


def test_a_folder_that_workers_do_not_see_is_named_before_work_starts(
    scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here = Path("/proc/self/cwd")  # another folder for every process
    with pytest.raises(InvalidInput, match="does not see /proc/self/cwd"), histories_on(scheduler, here):
        pass

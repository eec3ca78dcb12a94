"""Runs and the processes that work on them: every way a process can end leaves a run that says so."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from recsys.dataset.dataset import Dataset
from recsys.errors import Cancelled, InvalidInput, NotFound, StorageProblem
from recsys.models.hyperparameters import Hyperparameters
from recsys.progress import Progress
from recsys.services import job_process, worker
from recsys.services.jobs import cancel_job, end_own_jobs, ensure_demo, start_demo, start_map, start_training
from recsys.services.stored_models import stored_models
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings
from recsys.storage.database import Database, utc_now
from recsys.storage.jobs import LOST, Job, JobStore, State
from recsys.storage.tables import runs as table
from recsys.utils.json_values import jsonable
from recsys.utils.processes import host_name, process_alive, process_identity
from tests.conftest import SMALL_RECIPE
from tests.serving import running_app

RECIPE = SMALL_RECIPE.to_dict()
ENDLESS = Hyperparameters(learner="warp", components=128, epochs=200, patience=50, max_sampled=1000, threads=1)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'runs.sqlite'}")


@pytest.fixture
def runs(database: Database) -> JobStore:
    return JobStore(database)


@pytest.fixture
def home(tmp_path: Path, small_dataset: Dataset) -> Workspace:
    """A workspace with the dataset `small` and nothing else."""
    workspace = Workspace(Settings.from_environment(tmp_path / "home"))
    workspace.store.save_dataset(small_dataset)
    return workspace


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A living process."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def queue(runs: JobStore, process: subprocess.Popen[bytes] | None = None, **values: object) -> int:
    run_id = runs.create("train", "small", RECIPE, seed=0, promote=False, **values)
    runs.attach(run_id, os.getpid() if process is None else process.pid)
    return run_id


def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"Waited in vain until {what}."
        time.sleep(0.1)


# What is stored


def test_a_run_comes_back_as_it_was_asked_for(runs: JobStore) -> None:
    run = runs.get(queue(runs, model="m"))
    assert (run.kind, run.state, run.dataset, run.recipe, run.model) == ("train", "queued", "small", RECIPE, "m")
    assert run.active and run.machine == host_name()
    assert run.fraction == 0
    assert Hyperparameters.from_dict(run.recipe) == SMALL_RECIPE
    assert jsonable(run)["created"].endswith("+00:00")


def test_progress_and_the_end_are_stored(runs: JobStore) -> None:
    run_id = queue(runs)
    assert runs.claim(run_id, 1)
    assert not runs.report(run_id, Progress("Learning", 0.4, 2, 5, 12.5, ({"epoch": 1, "ndcg": 0.1},)))
    run = runs.get(run_id)
    assert (run.state, run.step, run.fraction, run.epoch, run.epochs) == ("running", "Learning", 0.4, 2, 5)
    assert (run.seconds_left, run.curve) == (12.5, [{"epoch": 1, "ndcg": 0.1}])
    runs.finish(run_id, "done", model="m")
    runs.finish(run_id, "failed", message="too late")
    run = runs.get(run_id)
    assert (run.state, run.message, run.model, run.fraction, run.seconds_left) == ("done", "", "m", 1.0, 0.0)
    assert run.started is not None
    assert run.ended is not None
    assert not run.active


def test_an_unknown_run_is_named(runs: JobStore) -> None:
    with pytest.raises(NotFound, match="No run 77"):
        runs.get(77)


def test_nothing_is_created_by_looking(tmp_path: Path) -> None:
    workspace = Workspace(Settings.from_environment(tmp_path / "none"))
    assert workspace.job_store.newest() == []
    assert workspace.live_id() is None
    assert not (tmp_path / "none").exists()


def test_the_newest_come_first(runs: JobStore) -> None:
    numbers = [queue(runs) for _ in range(4)]
    assert [run.id for run in runs.newest(3)] == numbers[:0:-1]


def test_a_database_that_cannot_be_used_is_said_without_its_password() -> None:
    database = Database("postgresql+psycopg://someone:secret@127.0.0.1:1/nothing")
    with pytest.raises(StorageProblem, match="cannot be used") as found:
        JobStore(database).newest()
    assert "secret" not in str(found.value)
    assert "INSIDER_DATABASE_URL" in str(found.value)


# Who may start


def test_runs_take_their_turn_in_order(runs: JobStore) -> None:
    first, second = queue(runs), queue(runs)
    assert not runs.claim(second, 1)
    assert runs.claim(first, 1)
    assert not runs.claim(second, 1)
    runs.finish(first, "done")
    assert runs.claim(second, 1)


def test_many_who_want_to_start_the_demo_start_it_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'runs.sqlite'}"
    found: list[int | None] = []
    barrier = threading.Barrier(8)

    def start() -> None:
        runs = JobStore(Database(url))
        barrier.wait()
        found.append(runs.create_unless_active("demo", "demo", RECIPE, promote=True))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len([run_id for run_id in found if run_id is not None]) == 1


# Whose process is gone


def test_a_run_whose_process_was_killed_has_failed(runs: JobStore, sleeper: subprocess.Popen[bytes]) -> None:
    run_id = queue(runs, sleeper)
    assert runs.claim(run_id, 1)
    assert runs.get(run_id).state == "running"
    sleeper.kill()
    until(lambda: not runs.get(run_id).active, "the zombie is not taken for a living process", 5)
    run = runs.get(run_id)
    assert (run.state, run.message) == ("failed", LOST)
    assert run.ended is not None


def test_a_run_that_was_to_be_cancelled_and_whose_process_is_gone_is_cancelled(
    runs: JobStore, sleeper: subprocess.Popen[bytes]
) -> None:
    run_id = queue(runs, sleeper)
    assert runs.request_cancel(run_id) == sleeper.pid
    sleeper.kill()
    sleeper.wait()
    assert runs.get(run_id).state == "cancelled"
    assert runs.request_cancel(run_id) is None


def test_a_later_process_with_the_same_number_is_not_taken_for_it(runs: JobStore) -> None:
    mine = process_identity(os.getpid())
    assert process_alive(mine)
    assert not process_alive(f"{os.getpid()}@12345")
    assert not process_alive(f"{2**22 + 5}@")


def test_a_run_that_never_got_a_process_fails_after_a_while(runs: JobStore, database: Database) -> None:
    run_id = runs.create("train", "small", RECIPE, seed=0, promote=False)
    assert runs.get(run_id).state == "queued"
    with database.begin() as connection:
        connection.execute(sa.update(table).values(created=utc_now() - timedelta(minutes=2)))
    assert runs.get(run_id).state == "failed"


def test_a_run_of_another_host_counts_as_lost_an_hour_after_it_was_last_heard_of(
    runs: JobStore, database: Database
) -> None:
    silent, heard = (runs.create("train", "small", RECIPE, seed=0, promote=False) for _ in range(2))
    for run_id in (silent, heard):
        with database.begin() as connection:
            at_host = sa.update(table).where(table.c.id == run_id)
            connection.execute(at_host.values(process="7@123@elsewhere", created=utc_now() - timedelta(minutes=59)))
        assert runs.get(run_id).state == "queued"
    runs.report(heard, Progress("Learning", 0.5))
    with database.begin() as connection:
        connection.execute(sa.update(table).values(created=utc_now() - timedelta(minutes=61)))
    assert runs.get(silent).state == "failed" and runs.get(heard).state == "queued"
    assert runs.claim(heard, 1), "it does not hold up the others"


def test_a_dead_run_does_not_hold_up_the_others(runs: JobStore, sleeper: subprocess.Popen[bytes]) -> None:
    dead, waiting = queue(runs, sleeper), queue(runs)
    assert runs.claim(dead, 1)
    assert not runs.claim(waiting, 1)
    sleeper.kill()
    sleeper.wait()
    assert runs.claim(waiting, 1)


# How the work ends


def work(home: Workspace, monkeypatch: pytest.MonkeyPatch, **values: object) -> Job:
    """Train in this process; the job for the map that follows is only noted down."""
    monkeypatch.setattr(job_process, "launch", lambda run_id, settings: os.getpid())
    arguments: dict[str, object] = {"seed": 1, "promote": False, **values}
    run_id = home.job_store.create("train", "small", arguments.pop("recipe", RECIPE), **arguments)
    home.job_store.attach(run_id, os.getpid())
    worker.work(home, run_id)
    return home.job_store.get(run_id)


def test_training_ends_with_a_model_that_is_live_when_asked_for(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = work(home, monkeypatch, promote=True)
    assert run.state == "done"
    assert home.live_id() == run.model
    assert run.curve
    assert home.load().recommend("u001").items
    newest = home.job_store.newest()[0]
    assert (newest.kind, newest.state, newest.model) == ("map", "queued", run.model)


def test_what_cannot_be_trained_says_why(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run = work(home, monkeypatch, recipe=RECIPE | {"category_levels": ["aisle"]})
    assert (run.state, run.message) == ("failed", "No category level 'aisle'; the dataset has department, shelf.")
    assert stored_models(home) == []


def test_divergence_says_what_to_do(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    wild = {"learner": "bpr", "learning_rate": 1.0, "item_alpha": 0.1, "user_alpha": 0.1, "epochs": 20, "patience": 20}
    run = work(home, monkeypatch, recipe=RECIPE | wild)
    assert run.state == "failed"
    assert "Lower the learning rate" in run.message


@pytest.mark.parametrize(
    "error, state, message",
    [
        (MemoryError(), "failed", "ran out of memory"),
        (ZeroDivisionError("by nought"), "failed", "Unexpected ZeroDivisionError: by nought"),
        (Cancelled("enough"), "cancelled", ""),
    ],
)
def test_every_other_way_out_ends_the_run(
    home: Workspace, monkeypatch: pytest.MonkeyPatch, error: BaseException, state: str, message: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("recsys.services.worker.train_and_store", fail)
    run_id = home.job_store.create("train", "small", RECIPE, seed=0, promote=False)
    home.job_store.attach(run_id, os.getpid())
    if isinstance(error, ZeroDivisionError):
        with pytest.raises(ZeroDivisionError):
            worker.work(home, run_id)
    else:
        worker.work(home, run_id)
    run = home.job_store.get(run_id)
    assert run.state == state
    assert message in run.message


def test_unknown_data_are_refused_before_a_job_is_started(home: Workspace) -> None:
    with pytest.raises(NotFound, match="No dataset 'nothing'; there are: small"):
        start_training(home, "nothing", SMALL_RECIPE)
    with pytest.raises(NotFound, match="No model 'nothing'"):
        start_map(home, "nothing")
    assert home.job_store.newest() == []


def test_the_demo_is_started_once_and_not_beside_a_live_model(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_process, "launch", lambda run_id, settings: os.getpid())
    run = ensure_demo(home)
    assert run is not None
    assert (run.kind, run.promote) == ("demo", True)
    assert ensure_demo(home) is None
    with pytest.raises(InvalidInput, match="is being prepared already"):
        start_demo(home)
    home.job_store.finish(run.id, "failed")
    work(home, monkeypatch, promote=True)
    assert ensure_demo(home) is None


def test_real_processes_are_killed_wait_for_their_turn_and_are_cancelled(home: Workspace) -> None:
    """The whole way: one job trains and is killed from outside, the next then gets its turn and is cancelled."""
    first = start_training(home, "small", ENDLESS)
    second = start_training(home, "small", ENDLESS)
    until(lambda: home.job_store.get(first.id).epoch >= 1, "the first one trains")
    assert home.job_store.get(second.id).state == "queued"
    with home.database.begin() as connection:
        process = connection.scalar(sa.select(table.c.process).where(table.c.id == first.id))
    assert process is not None
    os.kill(int(process.split("@")[0]), signal.SIGKILL)
    until(lambda: home.job_store.get(first.id).state == "failed", "the first one is given up", 10)
    assert home.job_store.get(first.id).message == LOST
    until(lambda: home.job_store.get(second.id).epoch >= 1, "the second one trains")
    cancel_job(home, second.id)
    until(lambda: not home.job_store.get(second.id).active, "the second one has stopped", 15)
    assert home.job_store.get(second.id).state == "cancelled"
    assert stored_models(home) == []
    assert home.live_id() is None
    for run in (first, second):
        assert "Traceback" not in (home.settings.home / "logs" / f"run-{run.id}.log").read_text()


def test_a_job_that_is_cancelled_twice_at_once_ends_cancelled_and_without_a_traceback(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads that it is to stop, and while it stores so the signal comes."""
    finish = JobStore.finish

    def signalled(store: JobStore, run_id: int, state: State, **more: str | None) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        finish(store, run_id, state, **more)

    run_id = home.job_store.create("train", "small", ENDLESS.to_dict(), seed=0, promote=False)
    home.job_store.attach(run_id, os.getpid())
    home.job_store.request_cancel(run_id)
    monkeypatch.setattr(JobStore, "finish", signalled)
    before = signal.signal(signal.SIGTERM, worker._stop)
    try:
        worker.work(home, run_id)
    finally:
        signal.signal(signal.SIGTERM, before)
        worker._stopping.clear()
    assert home.job_store.get(run_id).state == "cancelled"


def test_a_signal_to_stop_that_python_ignores_stops_the_work_at_its_next_report() -> None:
    """In a callback of a weak reference what a signal raises is lost."""
    code = """
import os, signal, weakref
from recsys.services import worker
class Thing: pass
def signalled(_):
    os.kill(os.getpid(), signal.SIGTERM)
    return [None for _ in range(100)]
worker.catch_stops()
thing = Thing()
reference = weakref.ref(thing, signalled)
del thing
print(worker._stopping.is_set())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT_ROOT)
    assert (done.stdout, done.stderr, done.returncode) == ("True\n", "", 0)


def test_a_process_ends_its_own_jobs_and_no_others(home: Workspace, sleeper: subprocess.Popen[bytes]) -> None:
    foreign = queue(home.job_store, sleeper)
    mine = start_training(home, "small", ENDLESS)
    waiting = start_training(home, "small", ENDLESS)
    assert end_own_jobs(home, seconds=20) == [mine.id, waiting.id]
    assert [home.job_store.get(job).state for job in (mine.id, waiting.id)] == ["cancelled", "cancelled"]
    assert home.job_store.get(foreign).active and sleeper.poll() is None


def test_a_server_that_is_told_to_end_ends_its_jobs(tmp_path: Path) -> None:
    """As `docker stop` does: nothing goes on working that nobody can see any more."""
    jobs = Workspace(Settings.from_environment(tmp_path / "home")).job_store
    with running_app(tmp_path / "home", tmp_path / "server.log"):
        until(lambda: bool(jobs.working()), "the first model is being prepared")
    assert jobs.working() == {}
    assert [job.state for job in jobs.newest()] == ["cancelled"]


def test_a_job_writes_its_output_where_it_can_be_read(home: Workspace) -> None:
    run = home.job_store.create("train", "small", {"colour": "red"}, seed=0, promote=False)
    process = subprocess.run(
        [sys.executable, "-m", "recsys.services.worker", str(run)],
        env=os.environ | {"INSIDER_HOME": str(home.settings.home), "INSIDER_DATABASE_URL": home.settings.database_url},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0
    assert "No hyperparameter 'colour'" in home.job_store.get(run).message


def test_a_home_where_no_log_can_be_written_is_said(home: Workspace) -> None:
    (home.settings.home / "logs").write_text("a file in the way")
    with pytest.raises(StorageProblem, match="Cannot start a job with its log in"):
        start_training(home, "small", SMALL_RECIPE)

"""Several machines on one database: the whole shared state on PostgreSQL, with a home of its own for each of them."""

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from recsys.dataset.dataset import Dataset
from recsys.errors import InvalidInput, StorageProblem
from recsys.services import worker
from recsys.services.jobs import start_training
from recsys.services.promotion import promote, rollback
from recsys.services.training_service import train_and_store
from recsys.services.workbench.expectations import Expectation, Expectations
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings
from recsys.storage import audit
from recsys.storage.database import Database, utc_now
from recsys.storage.event_log import Event
from recsys.storage.jobs import JobStore
from recsys.storage.trials.training_runs import TrainingRuns
from recsys.training.search import leaderboard
from tests.homes import copy_home
from tests.postgres import database_of_its_own, needs_postgresql
from tests.storage.test_training_runs import TINY, read_after_every_write

pytestmark = needs_postgresql


@pytest.fixture(scope="module")
def machines(url: str, trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Workspace]:
    """Two homes with the same data, on one database."""
    found = []
    for name in ("one", "two"):
        folder = tmp_path_factory.mktemp("machines") / name
        copy_home(trained_home, folder)
        (folder / "insider.sqlite").unlink()
        found.append(Workspace(replace(Settings.from_environment(folder), database_url=url)))
    return found[0], found[1]


def test_trainings_of_all_machines_are_in_one_list(machines: tuple[Workspace, Workspace]) -> None:
    one, two = machines
    first = train_and_store(one, "small", TINY, seed=1, source="page").model.id
    second = train_and_store(two, "small", TINY, seed=2, source="page").model.id
    assert [t.model for t in one.training_runs.all("small")] == [second, first]
    assert one.training_runs.all() == two.training_runs.all() and one.training_runs.all()[0].state == "done"


def test_machines_share_a_search_without_double_work(machines: tuple[Workspace, Workspace]) -> None:
    command = [sys.executable, "-m", "recsys", "tune", "--dataset", "small", "--name", "shared", "--trials", "8",
               "--set", "epochs=2", "--set", "threads=1", "--json"]  # fmt: skip
    workers = [
        subprocess.Popen(
            command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE,
            env=os.environ | {"INSIDER_HOME": str(home.settings.home), "OMP_NUM_THREADS": "1",
                              "INSIDER_DATABASE_URL": home.settings.database_url},
        ) for home in machines
    ]  # fmt: skip
    for process in workers:
        told, _ = process.communicate(timeout=400)
        assert process.returncode == 0 and json.loads(told)["best"]
    found = leaderboard(machines[0].training_runs, "shared")
    assert 8 <= len(found) <= 9, "each process may have one under way when the budget is used up"
    points = [json.dumps(t.params, sort_keys=True) for t in found]
    assert len(set(points)) == len(points)
    assert len({t.attributes["process"] for t in found}) == 2


def test_a_search_is_whole_between_any_two_of_its_transactions(url: str, small_dataset: Dataset) -> None:
    read_after_every_write(database_of_its_own(url, "between"), small_dataset)


@pytest.mark.filterwarnings("ignore:Heartbeat of storage")
def test_a_waiting_trial_is_given_out_once(machines: tuple[Workspace, Workspace]) -> None:
    study = machines[0].training_runs.study("queue")
    for number in range(30):
        study.enqueue_trial({"x": number})

    def take(place: int) -> list[int]:
        mine = Workspace(machines[place % 2].settings).training_runs.study("queue")
        return [mine.ask().suggest_int("x", 0, 99) for _ in range(5)]

    with ThreadPoolExecutor(6) as pool:
        taken = [number for numbers in pool.map(take, range(6)) for number in numbers]
    assert sorted(taken) == list(range(30))


def test_jobs_run_one_at_a_time_and_end_in_the_list(
    machines: tuple[Workspace, Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recsys.services.jobs.job_process.launch", lambda run_id, settings: os.getpid())
    one, _ = machines
    run, waiting = (start_training(one, "small", TINY, seed=seed) for seed in (3, 4))
    assert not one.job_store.claim(waiting.id, 1)
    worker.work(one, run.id)
    done = one.job_store.get(run.id)
    assert (done.state, done.message) == ("done", "") and done.curve and done.model in one.store.models()
    one.job_store.request_cancel(waiting.id)
    worker.work(one, waiting.id)
    assert one.job_store.get(waiting.id).state == "cancelled"


def test_several_processes_may_make_the_tables_at_once(url: str) -> None:
    fresh = database_of_its_own(url, "fresh")
    ready = threading.Barrier(6)

    def look(_: int) -> tuple[int, int]:
        ready.wait()
        return len(JobStore(Database(fresh)).newest()), len(TrainingRuns(fresh).all())

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(look, range(6))) == {(0, 0)}


def test_many_who_want_the_first_model_start_it_once(machines: tuple[Workspace, Workspace]) -> None:
    def start(place: int) -> int | None:
        runs = Workspace(machines[place % 2].settings).job_store
        return runs.create_unless_active("demo", "demo", TINY.to_dict(), promote=True)

    with ThreadPoolExecutor(8) as pool:
        started = [run for run in pool.map(start, range(8)) if run is not None]
    assert len(started) == 1
    machines[0].job_store.finish(started[0], "cancelled")


def test_promotion_log_notes_and_expectations(machines: tuple[Workspace, Workspace]) -> None:
    one, two = machines
    live, other = one.live_id(), train_and_store(one, "small", TINY, seed=9).model.id
    promote(one, other, who="ann", note="wider", instead_of=live)
    with pytest.raises(InvalidInput, match="in the meantime"):
        promote(one, str(live), who="bob", instead_of=live)
    assert rollback(one, who="bob") == live
    log = audit.entries(two.database)
    assert [(e.who, e.action, e.subject) for e in log[:2]] == [("bob", "rollback", live), ("ann", "promote", other)]
    audit.set_note(one.database, "training 1", audit.Note("try again", ("b", "a")))
    assert audit.notes(two.database)["training 1"] == audit.Note("try again", ("a", "b"))
    user, item = str(one.load().users["user_id"].iloc[0]), str(one.load().items["item_id"].iloc[0])
    Expectations(one.database).save(Expectation("Ann", user=user, must_not=(item,)))
    assert [found.name for found in Expectations(two.database).all()] == ["Ann"]


def test_events_are_stored_once_whoever_sends_them_and_seen_by_the_other_machine(
    machines: tuple[Workspace, Workspace],
) -> None:
    one, two = machines
    user, item = str(one.load().users["user_id"].iloc[0]), str(one.load().items["item_id"].iloc[5])
    batch = [Event(f"e{number}", user, item, utc_now()) for number in range(50)]

    def send(place: int) -> int:
        return Workspace(machines[place % 2].settings).event_log.append("small", batch).accepted

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(send, range(4))) == 50
    assert two.event_log.size("small")["events"] == 50
    assert len(two.dataset("small").events) == len(one.store.load_dataset("small").events) + 50
    assert two.event_log.forget("small", user) == 50 and one.event_log.size("small")["events"] == 0


def test_a_server_that_was_started_again_is_used_again(machines: tuple[Workspace, Workspace]) -> None:
    one, _ = machines
    there = len(one.training_runs.all())
    with one.database.begin() as connection:
        closing = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        closing += "WHERE pid <> pg_backend_pid() AND datname = 'postgres'"
        others = connection.scalars(sa.text(closing)).all()
    assert others, "connections that the server closes"
    assert len(one.training_runs.all()) == there and one.job_store.newest() and audit.entries(one.database)


def test_a_locked_database_is_said_after_a_while(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsys.storage.database.WAIT_SECONDS", 1)
    holder, other = Database(url), Database(url)
    with (
        holder.begin(),
        pytest.raises(StorageProblem, match=r"busy: another process has kept it locked for more than 1 seconds"),
        other.begin(),
    ):
        pass

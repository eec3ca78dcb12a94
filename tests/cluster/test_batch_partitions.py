"""Lists for everybody in partitions: the same as one process gives, on real workers too, and whole after any stop."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from distributed import Client

from recsys.cluster import executor
from recsys.cluster.batch_partitions import PLAN, write_partitions
from recsys.cluster.executor import pieces, run_tasks
from recsys.errors import InsiderError, InvalidInput
from recsys.lanes import LANES, Lane
from recsys.services.batch import Lists, recommend_all
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings
from tests.commands import run
from tests.homes import copy_home
from tests.serving import free_port, wait_until


@pytest.fixture
def home(trained_home: Path, tmp_path: Path) -> Workspace:
    copy_home(trained_home, tmp_path / "home")
    return Workspace(Settings.from_environment(tmp_path / "home"))


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler and two workers, each a process of its own."""
    folder, address = tmp_path_factory.mktemp("dask"), f"tcp://127.0.0.1:{free_port()}"
    begin = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
    commands = [
        [*begin, "--host", "127.0.0.1", "--port", address.rpartition(":")[2]],
        *([*worker, "--local-directory", str(folder / str(n))] for n in range(2)),
    ]
    environment = os.environ | {"PYTHONPATH": str(PROJECT_ROOT)}
    with (folder / "log").open("wb") as log:
        processes = [
            subprocess.Popen(x, cwd=PROJECT_ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
            for x in commands
        ]
    try:
        with Client(address, timeout=60, set_as_default=False) as client:
            wait_until(lambda: len(client.scheduler_info()["workers"]) == 2, "both workers are there", seconds=90)
        yield address
    finally:
        for process in processes:  # each with the workers that it watches over
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def together(folder: Path) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(path) for path in sorted(folder.glob("part-*.parquet"))], ignore_index=True)


def test_partitions_hold_what_one_file_holds_and_go_on_where_they_stopped(home: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "lists"
    found = write_partitions(home, folder, Lists(4), partition=50)
    expected = recommend_all(home.load(), Lists(4))
    pd.testing.assert_frame_equal(together(folder), expected)
    assert found["partitions"] == 3 and found["rows"] == len(expected) and found["kept"] == 0
    second, third = folder / "part-00001.parquet", folder / "part-00002.parquet"
    untouched = (folder / "part-00000.parquet").stat().st_mtime_ns
    second.unlink()
    third.write_bytes(third.read_bytes()[:-20])  # not whole
    assert write_partitions(home, folder, Lists(4), partition=50)["kept"] == 1
    assert (folder / "part-00000.parquet").stat().st_mtime_ns == untouched
    pd.testing.assert_frame_equal(together(folder), expected)


def test_another_plan_or_a_foreign_folder_is_refused(home: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "lists"
    write_partitions(home, folder, Lists(4))
    with pytest.raises(InvalidInput, match="in the lane discover with k=4, no reasons and no rules"):
        write_partitions(home, folder, Lists(5))
    with pytest.raises(InvalidInput, match="holds lists of model"):
        write_partitions(home, folder, Lists(4, "again"))
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "letter.txt").write_text("mine")
    with pytest.raises(InvalidInput, match="holds something else"):
        write_partitions(home, foreign)
    assert (foreign / "letter.txt").read_text() == "mine"


def test_two_workers_give_the_lists_of_one_process(home: Workspace, scheduler: str, tmp_path: Path) -> None:
    folder = tmp_path / "lists"
    done = run(
        "batch", "--out", str(folder), "-k", "4", "--partition", "30", "--scheduler", scheduler, "--json",
        environment={"INSIDER_HOME": str(home.settings.home)},
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["partitions"] == 4
    pd.testing.assert_frame_equal(together(folder), recommend_all(home.load(), Lists(4)))
    assert pq.read_metadata(folder / "part-00000.parquet").num_rows == 120


@pytest.mark.parametrize("lane", LANES)
def test_any_lane_with_reasons_is_what_each_user_is_answered(home: Workspace, tmp_path: Path, lane: Lane) -> None:
    folder, live = tmp_path / "lists", home.load()
    write_partitions(home, folder, Lists(3, lane, explain=True), partition=70)
    table = together(folder)
    for user in ("u001", "u075", "u119"):
        found, expected = table[table["user_id"] == user], live.recommend(user, 3, lane, explain=True).items
        assert list(found["item_id"]) == [item.item_id for item in expected]
        assert list(found["lane"]) == [item.lane for item in expected]
        assert [json.loads(x) for x in found["reasons"]] == [[r.to_dict() for r in x.reasons] for x in expected]
    assert (table["reasons"] != "[]").all()


def test_what_a_cluster_lacks_is_said_before_work_starts(
    home: Workspace, scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "SECONDS_TO_CONNECT", 1)
    with pytest.raises(InvalidInput, match=r"No Dask scheduler answers at 'tcp://127\.0\.0\.1:1'"):
        list(run_tasks(len, ["a"], "tcp://127.0.0.1:1"))
    monkeypatch.setattr(executor, "__version__", "9.9.9")
    with pytest.raises(InvalidInput, match=r"runs insider .* instead of 9\.9\.9; install the same version"):
        list(run_tasks(len, ["a"], scheduler))


def test_a_task_whose_worker_dies_each_time_ends_in_words(scheduler: str) -> None:
    with pytest.raises(InsiderError, match="Workers died over one task"):
        list(run_tasks(os._exit, [1], scheduler))


def test_pieces_cover_everything_once() -> None:
    assert list(pieces(7, 3)) == [(0, 3), (3, 6), (6, 7)]
    assert list(pieces(0, 3)) == []
    assert ("_plan.json", sum(end - start for start, end in pieces(6, 4))) == (PLAN, 6)

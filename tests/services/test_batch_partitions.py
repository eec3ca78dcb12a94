"""Lists for everybody in partitions: the same as one process gives, on real workers too, and whole after any stop."""

import json
import os
import signal
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from recsys.cluster.executor import connected
from recsys.errors import InvalidInput
from recsys.lanes import LANES, Lane
from recsys.services.batch import Lists, recommend_all
from recsys.services.batch_partitions import write_partitions
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from tests.clusters import running_cluster
from tests.commands import run
from tests.homes import copy_home


@pytest.fixture
def home(trained_home: Path, tmp_path: Path) -> Workspace:
    copy_home(trained_home, tmp_path / "home")
    return Workspace(Settings.from_environment(tmp_path / "home"))


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


def test_lists_are_those_of_one_process_though_a_worker_dies(home: Workspace, tmp_path: Path) -> None:
    folder, killed = tmp_path / "lists", list[int]()

    def kill_one(_: object) -> None:
        if not killed:
            with connected(cluster.address) as workers:
                killed.append(min(workers.everywhere(os.getpid).values()))
            os.kill(killed[0], signal.SIGKILL)

    with running_cluster(tmp_path) as cluster:
        write_partitions(home, folder, Lists(4), partition=10, scheduler=cluster.address, on_progress=kill_one)
    assert killed
    pd.testing.assert_frame_equal(together(folder), recommend_all(home.load(), Lists(4)))


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

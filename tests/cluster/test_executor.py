"""Tasks on real workers: what a cluster lacks or loses is said in words."""

import os
import time
from functools import partial
from pathlib import Path

import pytest

from recsys.cluster import executor
from recsys.cluster.executor import connected, pieces, run_tasks
from recsys.errors import InsiderError, InvalidInput
from tests.clusters import running_cluster


def test_what_a_cluster_lacks_is_said_before_work_starts(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "SECONDS_TO_CONNECT", 1)
    with pytest.raises(InvalidInput, match=r"No Dask scheduler answers at 'tcp://127\.0\.0\.1:1'"):
        list(run_tasks(len, ["a"], "tcp://127.0.0.1:1"))
    monkeypatch.setattr(executor, "__version__", "9.9.9")
    with pytest.raises(InvalidInput, match=r"runs insider .* instead of 9\.9\.9; install the same version"):
        list(run_tasks(len, ["a"], scheduler))


def test_a_task_whose_worker_dies_each_time_ends_in_words(tmp_path: Path) -> None:
    with (
        running_cluster(tmp_path, workers=1) as cluster,
        pytest.raises(InsiderError, match="Workers died over one task"),
    ):
        list(run_tasks(os._exit, [1], cluster.address))


def test_a_worker_of_another_version_that_comes_later_does_no_task(scheduler: str) -> None:
    with (
        connected(scheduler) as workers,
        pytest.raises(InvalidInput, match=r"A worker runs insider .* instead of 9\.9"),
    ):
        list(workers.as_they_end(partial(executor._do, len, {"insider": "9.9", "python": "3"}), ["a"]))


def test_answers_come_in_the_order_of_the_tasks(scheduler: str) -> None:
    with connected(scheduler) as workers:
        assert workers.threads == 2
        assert list(workers.in_order(abs, [-3, 2, -1, 0, 5])) == [3, 2, 1, 0, 5]
        assert sorted(workers.as_they_end(abs, [-3, 2, -1])) == [1, 2, 3]
        assert [line.endswith(" (1 thread, 0 tasks)") for line in workers.described()] == [True, True]


def test_a_scheduler_that_goes_away_meanwhile_ends_the_work_in_words(tmp_path: Path) -> None:
    with running_cluster(tmp_path, workers=1) as cluster, connected(cluster.address) as workers:
        found = workers.in_order(time.sleep, [0, 600])
        assert next(found) is None
        cluster.kill(0)
        with pytest.raises(InsiderError, match=r"scheduler at .* went away"):
            next(found)


def test_work_without_workers_waits_for_a_new_one_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "POLL_SECONDS", 0.2)
    monkeypatch.setattr(executor, "SECONDS_WITHOUT_WORKERS", 1)
    with running_cluster(tmp_path, workers=1) as cluster, connected(cluster.address) as workers:
        found = workers.in_order(time.sleep, [0, 600])
        assert next(found) is None
        cluster.kill(1)
        with pytest.raises(InsiderError, match="No worker was at the scheduler"):
            next(found)


def test_pieces_cover_everything_once() -> None:
    assert list(pieces(7, 3)) == [(0, 3), (3, 6), (6, 7)]
    assert list(pieces(0, 3)) == []
    assert list(pieces(6, 4)) == [(0, 4), (4, 6)]

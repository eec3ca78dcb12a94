"""Every training is a trial; searches share one database, prune, go on where they stopped; lost ones are found."""

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
import sqlalchemy as sa
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

from recsys.dataset.dataset import Dataset
from recsys.errors import Cancelled, InvalidInput
from recsys.models.hyperparameters import PRESETS, STARTS, Hyperparameters, dials_of
from recsys.progress import Progress
from recsys.services import retention
from recsys.services.promotion import promote, rollback
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.storage import audit
from recsys.storage.trials.training_run import comparable_study
from recsys.storage.trials.training_runs import TrainingRuns, attributes
from recsys.storage.trials.trial_parameters import params_of
from recsys.training.search import SearchPlan, leaderboard, pareto, search, searches
from recsys.training.search_space import WHERE_THEY_ACT, Space
from tests.homes import copy_home

TINY = Hyperparameters(
    learner="warp", components=8, epochs=3, max_sampled=10, threads=1, learning_rate=0.1, patience=2, variety=0.0
)


@pytest.fixture
def home(trained_home: Path, tmp_path: Path) -> Workspace:
    folder = tmp_path / "home"
    copy_home(trained_home, folder)
    return Workspace(Settings.from_environment(folder))


def test_a_training_is_a_trial_with_all_that_is_known_of_it(home: Workspace) -> None:
    before = len(home.training_runs.all())
    model = train_and_store(home, "small", TINY, seed=5, source="a test").model
    found = home.training_runs.all("small")[0]
    assert len(home.training_runs.all()) == before + 1
    assert (found.state, found.model, found.seed, found.source) == ("done", model.id, 5, "a test")
    assert found.fingerprint == model.manifest["fingerprint"] and found.parent == home.live_id()
    assert Hyperparameters.from_dict(found.recipe) == TINY and found.params == params_of(TINY)
    assert found.value == max(point["ndcg"] for point in model.manifest["curve"])
    assert found.metrics == model.manifest["metrics"] and found.seconds is not None
    assert {"ndcg", "loss", "coverage"} <= set(found.curve[0])
    assert model.manifest["lineage"]["training"] == found.id
    json.dumps(found.to_dict())


def test_failed_and_cancelled_trainings_stay_with_their_reason(home: Workspace) -> None:
    def stop(progress: Progress) -> None:
        if progress.curve:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        train_and_store(home, "small", TINY, on_progress=stop)

    def disk(_: Progress) -> None:
        raise OSError("No space left on device")

    with pytest.raises(OSError):
        train_and_store(home, "small", TINY, on_progress=disk)
    failed, cancelled = home.training_runs.all()[:2]
    assert (failed.state, failed.reason) == ("failed", "No space left on device")
    assert cancelled.state == "cancelled" and len(cancelled.curve) == 1


def test_a_training_whose_process_was_killed_does_not_run_for_ever(home: Workspace) -> None:
    code = (
        "import sys; from recsys.services.workspace import Workspace; from recsys.settings import Settings\n"
        "from recsys.models.hyperparameters import Hyperparameters\n"
        "from recsys.services.training_service import train_and_store\n"
        f"w = Workspace(Settings.from_environment({str(home.settings.home)!r}))\n"
        "train_and_store(w, 'small', Hyperparameters(epochs=200, patience=50, threads=1),"
        " on_progress=lambda p: print(p.epoch, flush=True))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline()
    assert home.training_runs.all()[0].state == "running"
    process.kill()
    process.wait()
    found = home.training_runs.all()[0]
    assert found.state == "failed" and "killed" in found.reason


def test_a_search_keeps_to_its_budget_and_goes_on_where_it_stopped(home: Workspace) -> None:
    data = home.dataset("small")
    first = search(home.training_runs, data, SearchPlan("small", "one", trials=3, base=TINY))
    assert len(first) == 3 and first[0].state == "done"
    assert first[0].value == max(t.value or 0 for t in first)
    starts = [t for t in first if t.recipe["components"] == TINY.components and t.recipe["max_sampled"] == 10]
    assert starts, "the recipe to start from is tried first"
    steps: list[Progress] = []
    again = search(home.training_runs, data, SearchPlan("small", "one", trials=5, base=TINY), steps.append)
    assert len(again) == 5 and steps[-1].fraction <= 1 and steps[0].step.startswith("Training 4 of 5: ")
    assert {t.id for t in first} < {t.id for t in again}
    assert search(home.training_runs, data, SearchPlan("small", "one", trials=5, base=TINY)) == again
    with pytest.raises(InvalidInput, match="another name"):
        search(home.training_runs, data, SearchPlan("small", "one", trials=5, base=TINY, objective="variety"))


def test_a_cancelled_search_leaves_what_it_found(home: Workspace) -> None:
    def stop(progress: Progress) -> None:
        if progress.step.startswith("Training 2"):
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        search(home.training_runs, home.dataset("small"), SearchPlan("small", "cut", trials=9, base=TINY), stop)
    found = leaderboard(home.training_runs, "cut")
    assert [t.state for t in found] == ["done", "cancelled"]


def test_two_objectives_give_a_front_that_nothing_beats(home: Workspace) -> None:
    plan = SearchPlan("small", "wide", trials=4, base=TINY, objective="variety")
    found = search(home.training_runs, home.dataset("small"), plan)
    front = pareto(found)
    assert front
    for chosen in front:
        assert not any(
            (t.value or 0) >= (chosen.value or 0)
            and (t.coverage or 0) >= (chosen.coverage or 0)
            and (t.value, t.coverage) != (chosen.value, chosen.coverage)
            for t in found
            if t.state == "done"
        )


@pytest.mark.filterwarnings("ignore:Heartbeat of storage")
def test_a_waiting_trial_is_given_out_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'trials.db'}"
    study = TrainingRuns(url).study("queue")
    for number in range(30):
        study.enqueue_trial({"x": number})
    ready = threading.Barrier(6)

    def take(_: int) -> list[int]:
        mine = TrainingRuns(url).study("queue")
        ready.wait()
        return [mine.ask().suggest_int("x", 0, 99) for _ in range(5)]

    with ThreadPoolExecutor(6) as pool:
        taken = [number for numbers in pool.map(take, range(6)) for number in numbers]
    assert sorted(taken) == list(range(30))


def test_several_processes_share_a_search_without_double_work(home: Workspace) -> None:
    environment = os.environ | {"INSIDER_HOME": str(home.settings.home), "OMP_NUM_THREADS": "1"}
    environment.pop("INSIDER_DATABASE_URL", None)
    command = [sys.executable, "-m", "recsys", "tune", "--dataset", "small", "--name", "shared", "--trials", "8",
               "--set", "epochs=2", "--set", "threads=1", "--json"]  # fmt: skip
    workers = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(2)]
    for worker in workers:
        assert worker.wait(timeout=400) == 0
    found = leaderboard(home.training_runs, "shared")
    assert 8 <= len(found) <= 9, "each process may have one under way when the budget is used up"
    points = [json.dumps(t.params, sort_keys=True) for t in found]
    assert len(set(points)) == len(points)
    assert len({t.attributes["process"] for t in found}) == 2


def read_after_every_write(url: str, dataset: Dataset) -> None:
    """Search, and let another process's reader look at the database after each transaction of the search.

    The order in which several processes happen to run is left out of it: whatever stands between two transactions is
    read, and must be whole.
    """
    writer, reader, seen = TrainingRuns(url), TrainingRuns(url), []
    other = replace(dataset, name="other", events=dataset.events.head(-1))
    plan = SearchPlan("small", "read between", trials=2, base=TINY)

    def look(*_: object) -> None:
        found = reader.all()
        assert all(training.seed == plan.seed and training.attributes["process"] for training in found)
        seen.append(len(found))
        if plan.name in searches(reader):
            assert len(leaderboard(reader, plan.name)) == len(found)
            with pytest.raises(InvalidInput, match="other data"):
                search(reader, other, replace(plan, dataset="other"))
            assert len(reader.study(f"search {plan.name}").trials) >= 2, "the points to begin with are there"

    assert reader.all() == []
    sa.event.listen(writer.storage.engine, "checkin", look)
    search(writer, dataset, plan)
    assert len(seen) > 20 and set(seen) >= {0, 1, 2}


def test_a_search_is_whole_between_any_two_of_its_transactions(tmp_path: Path, small_dataset: Dataset) -> None:
    read_after_every_write(f"sqlite:///{tmp_path / 'runs.sqlite'}", small_dataset)


def test_a_database_of_an_older_version_takes_new_trainings(home: Workspace) -> None:
    """Trials whose parameters were drawn on other scales: Optuna mixes them with no others of their study."""
    first = train_and_store(home, "small", TINY).model.id
    fingerprint = home.store.model_manifest(first)["fingerprint"]
    engine = home.training_runs.storage.engine
    with engine.begin() as connection:  # as if an older version had written them
        changed = connection.exec_driver_sql(
            "UPDATE trial_params SET distribution_json = replace(distribution_json, '\"log\": true', '\"log\": false') "
            "WHERE param_name = 'max_sampled'"
        )
    assert changed.rowcount
    there = len(home.training_runs.all())
    new = Workspace(home.settings)
    for seed in (2, 3):
        assert train_and_store(new, "small", TINY, seed=seed).model.id in new.store.models()
    found = new.training_runs.all("small")
    assert len(found) == there + 2 and [t.state for t in found[:2]] == ["done", "done"]
    assert found[0].study == found[1].study != found[-1].study
    assert found[0].study.startswith(f"small {fingerprint[:12]}")
    drawn = [t for t in found if t.state in ("done", "pruned")]
    assert len(comparable_study(found).trials) == len(drawn) > 2, "they are drawn together all the same"


def test_a_search_of_an_older_version_goes_on_or_says_why_not(home: Workspace) -> None:
    data = home.dataset("small")
    older = {"components": IntDistribution(8, 128, log=True), "brand": CategoricalDistribution((True, False))}

    def begun(name: str, distributions: dict[str, BaseDistribution]) -> SearchPlan:
        study = home.training_runs.study(f"search {name}")
        noted = attributes("small", data.fingerprint, TINY, 0, source=f"search {name}")
        study.add_trial(
            optuna.trial.create_trial(
                value=0.1, params={"components": 16, "brand": True}, distributions=distributions, user_attrs=noted
            )
        )
        return SearchPlan("small", name, trials=3, base=TINY)

    found = search(home.training_runs, data, begun("narrower", older))
    assert len(found) == 3 and {t.state for t in found} <= {"done", "pruned"}
    plan = begun("even", older | {"components": IntDistribution(8, 128)})
    with pytest.raises(InvalidInput, match=r"another version.*looked for components in another way.*another name"):
        search(home.training_runs, data, plan)
    assert len(leaderboard(home.training_runs, "even")) == 1


def test_a_search_tries_learners_and_levels_and_only_what_acts_for_them(small_dataset: Dataset) -> None:
    space = Space.of(TINY, small_dataset)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    recipes = [space.propose(study.ask()) for _ in range(200)]
    assert {recipe.learner for recipe in recipes} == {"als", "softmax", TINY.learner}
    assert {recipe.start for recipe in recipes} == set(STARTS)
    assert {recipe.category_levels for recipe in recipes} == {("all",), ("department",), ("shelf",), ()}
    assert {recipe.brand for recipe in recipes} == {True, False}
    assert {recipe.user_attributes for recipe in recipes} == {("all",), ()}
    for trial, recipe in zip(study.get_trials(deepcopy=False), recipes, strict=True):
        drawn = {name for name in trial.params if name in WHERE_THEY_ACT}
        assert drawn == {name for name in WHERE_THEY_ACT if name in dials_of(recipe.learner)}
        assert not any(recipe.adapts(name) for name in drawn)
    for preset in PRESETS.values():
        tried = space.propose(optuna.trial.FixedTrial(space.nearest(preset)))
        kept = {name: getattr(TINY, name) for name in vars(TINY) if name not in dials_of("als")}
        kept |= {name: getattr(TINY, name) for name in ("epochs", "patience", "variety", "windows")}
        assert tried == replace(preset, **kept | {"learner": "als", "adapt": ()})


@pytest.mark.parametrize("levels", [("all",), ()])
def test_a_search_never_leaves_products_with_nothing_to_be_known_by(
    small_dataset: Dataset, levels: tuple[str, ...]
) -> None:
    space = Space.of(replace(TINY, identity=False, category_levels=levels), small_dataset)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    assert {space.propose(study.ask()).category_levels for _ in range(60)} == {levels}


def test_any_trainings_of_one_dataset_can_be_drawn_together(home: Workspace) -> None:
    train_and_store(home, "small", TINY, seed=1)
    search(home.training_runs, home.dataset("small"), SearchPlan("small", "drawn", trials=2, base=TINY))
    study = comparable_study(home.training_runs.all("small"))
    assert len(study.trials) == len([t for t in home.training_runs.all("small") if t.state in ("done", "pruned")])


def test_promotions_are_logged_and_two_people_cannot_overrule_each_other_unseen(home: Workspace) -> None:
    live = home.live_id()
    other = train_and_store(home, "small", TINY).model.id
    third = train_and_store(home, "small", TINY, seed=3).model.id
    promote(home, other, who="ann", note="wider range", instead_of=live)
    with pytest.raises(InvalidInput, match="in the meantime"):
        promote(home, third, who="bob", instead_of=live)
    assert home.live_id() == other
    rollback(home, who="bob")
    assert home.live_id() == live
    log = audit.entries(home.database)
    assert [(e.who, e.action, e.subject, e.before) for e in log[:2]] == [
        ("bob", "rollback", live, other),
        ("ann", "promote", other, live),
    ]
    assert log[1].note == "wider range"


def test_retention_never_takes_the_live_model_nor_the_one_before_it(home: Workspace) -> None:
    live = home.live_id()
    made = []
    for seed in range(3):
        time.sleep(1.1)
        made.append(train_and_store(home, "small", TINY, seed=seed).model.id)
    promote(home, made[0])
    gone = retention.apply(home, 1)
    assert gone == [made[1]]
    assert set(home.store.models()) == {live, made[0], made[2]}


def test_notes_and_tags_stay(home: Workspace) -> None:
    audit.set_note(home.database, "training 1", audit.Note("try again", ("b", "a", " ")), who="ann")
    assert audit.notes(home.database)["training 1"] == audit.Note("try again", ("a", "b"))


def test_an_unreachable_database_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "not.sqlite"
    broken.write_text("this is no database, but something else entirely")
    with pytest.raises(Exception, match=r"not\.sqlite cannot be used"):
        TrainingRuns(f"sqlite:///{broken}").all()

"""The studio at its edges: every corner of the dials, data that vanish, a full disk, a database that is away."""

import errno
import itertools
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from recsys.errors import Diverged, InvalidInput, NotFound, StorageProblem
from recsys.models.hyperparameters import LEARNERS, STARTS, Hyperparameters
from recsys.progress import Progress
from recsys.services import worker
from recsys.services.jobs import start_training
from recsys.services.promotion import promote
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace, open_workspace
from recsys.settings import PROJECT_ROOT, Settings
from recsys.storage import audit
from recsys.storage.jobs import Job
from recsys.training.train import train
from recsys.views.dials import recipe_form
from recsys.views.dials.cost_estimate import estimate
from tests.homes import copy_home
from tests.shops import planted_shop
from tests.storage.test_training_runs import TINY


@pytest.fixture
def home(trained_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    folder = tmp_path / "home"
    copy_home(trained_home, folder)
    monkeypatch.setenv("INSIDER_HOME", str(folder))
    monkeypatch.setenv("INSIDER_OPEN_DASHBOARD", "1")
    monkeypatch.delenv("INSIDER_DATABASE_URL", raising=False)
    monkeypatch.setattr("recsys.utils.retry.AWAY_SECONDS", 15.0)
    monkeypatch.setattr("recsys.services.jobs.job_process.launch", lambda run_id, settings: os.getpid())
    return Workspace(Settings.from_environment(folder))


@pytest.fixture
def page(home: Workspace) -> Callable[[str], AppTest]:
    """Opens a page of the dashboard over the home."""

    def opened(name: str) -> AppTest:
        app = AppTest.from_file(str(PROJECT_ROOT / "pages" / "main.py"), default_timeout=60)
        app.switch_page(str(PROJECT_ROOT / "pages" / name)).run()
        assert not app.exception, app.exception
        return app

    return opened


def ends(dial: recipe_form.Dial) -> tuple[float, float]:
    return (dial.low, dial.high) if dial.scale == "whole" else (dial.steps[0], dial.steps[-1])


def test_every_corner_of_the_dials_is_a_recipe_with_an_estimate(home: Workspace) -> None:
    columns = recipe_form.columns_of(home, "small")
    for corner in itertools.product(*(ends(dial) for dial in recipe_form.DIALS)):
        turned = dict(zip((dial.name for dial in recipe_form.DIALS), corner, strict=True))
        turned |= {"category_levels": list(columns.category_levels), "user_attributes": []}
        recipe = recipe_form.recipe_of(Hyperparameters(), turned, columns)
        assert recipe.category_levels == ("all",) and recipe.user_attributes == ()
    assert estimate(home, "small", recipe).seconds > 0


def corners() -> list[Hyperparameters]:
    """Each dial at its ends with the others as they are, all at one end, and sixteen corners drawn by chance."""
    rng = np.random.default_rng(0)
    both = {dial.name: ends(dial) for dial in recipe_form.DIALS}
    found = [{name: limits[which]} for name, limits in both.items() for which in (0, 1)]
    found += [{name: limits[which] for name, limits in both.items()} for which in (0, 1)]
    found += [{name: limits[rng.integers(2)] for name, limits in both.items()} for _ in range(16)]
    base = replace(TINY, epochs=5)
    return [
        replace(base, **turned, learner=LEARNERS[n % len(LEARNERS)], start=STARTS[n // 6 % 2])
        for n, turned in enumerate(found)
    ]  # fmt: skip


def test_every_corner_trains_or_says_what_to_turn() -> None:
    data = planted_shop(n_users=30, n_items=40)
    ended = {"trained": 0, "refused": 0}
    for recipe in corners():
        try:
            model = train(data, recipe)
        except (Diverged, InvalidInput) as error:
            assert "Lower the learning rate" in str(error) or "Raise the regularisation" in str(error), recipe
            ended["refused"] += 1
        else:
            assert np.isfinite(model.item_embeddings).all() and np.isfinite(model.user_embeddings).all(), recipe
            assert model.manifest["metrics"]["lanes"]["discover"]["model"]["ndcg"]["value"] >= 0
            ended["trained"] += 1
    assert ended["trained"] > 25, ended


def test_the_page_takes_every_dial_to_its_ends(page: Callable[[str], AppTest]) -> None:
    app = page("train.py")
    for learner, which in (("als", 0), ("als", 1), ("softmax", 0), ("warp", 1)):
        app.selectbox(key="dial_learner").set_value(learner).run()
        dials = recipe_form.dials_for(learner)
        of_features = {"dial_words", *(f"dial_{name}" for name in recipe_form.WEIGHTS)}
        shown = {x.key for x in (*app.slider, *app.select_slider)} - of_features
        assert shown == {f"dial_{dial.name}" for dial in dials}
        for dial in dials:
            slider = (app.slider if dial.scale == "whole" else app.select_slider)(key=f"dial_{dial.name}")
            slider.set_value(ends(dial)[which])
        app.run()
        assert not app.exception and not app.error and not app.warning
        assert any("MB of memory" in x.value for x in app.caption)
        assert not next(x for x in app.button if x.label == "Train").disabled


def work(home: Workspace, at_first_epoch: Callable[[int], None], **recipe: Any) -> Job:
    """Train in this process as a job does; something happens when its first epoch is reported."""
    run = start_training(home, "small", replace(TINY, **recipe))
    report, done = home.job_store.report, []

    def reporting(run_id: int, progress: Progress) -> bool:
        if progress.curve and not done:
            done.append(run_id)
            at_first_epoch(run_id)
        return report(run_id, progress)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(home.job_store, "report", reporting)
        worker.work(home, run.id)
    assert done
    return run


def test_data_deleted_while_training_do_not_matter_to_it(home: Workspace, page: Callable[[str], AppTest]) -> None:
    def delete(run_id: int) -> None:
        home.store.delete_dataset("small")
        app = page("train.py")
        assert any("no data to learn from any more" in x.value for x in app.caption)
        assert any(x.value == f"Training {home.training_runs.all()[0].id}" for x in app.header) and not app.error

    run = home.job_store.get(work(home, delete).id)
    assert (run.state, run.message) == ("done", "") and run.model in home.store.models()
    assert home.training_runs.all()[0].state == "done"
    app = page("train.py")
    assert any("live model" in x.value for x in app.markdown) and not app.error
    for name in ("runs.py", "models.py"):
        assert not page(name).error


def test_data_deleted_before_its_turn_are_named_and_the_page_says_so(
    home: Workspace, page: Callable[[str], AppTest]
) -> None:
    run = start_training(home, "small", TINY)
    home.store.delete_dataset("small")
    worker.work(home, run.id)
    assert home.job_store.get(run.id).message == "No dataset 'small'; there are: none."
    assert any("No dataset" in x.value for x in page("train.py").error)


def test_a_full_disk_ends_the_training_in_words_and_harms_nothing(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, live = home.store.models(), home.live_id()

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("recsys.storage.store.np.save", full)
    with pytest.raises(StorageProblem, match="no space left"):
        train_and_store(home, "small", TINY)
    found = home.training_runs.all()[0]
    assert found.state == "failed" and "no space left" in found.reason
    assert home.store.models() == before and home.live_id() == live
    assert not [path for path in (home.settings.home / "models").iterdir() if path.name.startswith(".")]


@pytest.fixture
def small_disk(trained_home: Path) -> Iterator[Path]:
    """A home on a file system of its own with 1 MB left."""
    folder = Path(tempfile.mkdtemp(prefix="insider-full-"))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        folder.rmdir()
        pytest.skip("a small file system can only be mounted by root")
    try:
        copy_home(trained_home, folder / "home")
        free = shutil.disk_usage(folder).free - 1_000_000
        (folder / "ballast").write_bytes(bytes(free))
        yield folder / "home"
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
        folder.rmdir()


def test_a_disk_that_is_really_full_is_said_on_the_page(
    small_disk: Path, page: Callable[[str], AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSIDER_HOME", str(small_disk))
    home = Workspace(Settings.from_environment(small_disk))
    before, live = home.store.models(), home.live_id()
    run = start_training(home, "small", replace(TINY, components=256))
    worker.work(home, run.id)
    for text in (home.job_store.get(run.id).message, home.training_runs.all()[0].reason):
        assert f"Cannot write below {small_disk}: there is no space left; free some" in text
    assert home.job_store.get(run.id).state == home.training_runs.all()[0].state == "failed"
    app = page("train.py")
    assert any("there is no space left" in x.value for x in app.error)
    assert home.store.models() == before and home.live_id() == live == Workspace(home.settings).load().model.id
    (small_disk.parent / "ballast").unlink()
    again = start_training(home, "small", replace(TINY, components=256))
    worker.work(home, again.id)
    assert home.job_store.get(again.id).state == "done"


def test_a_database_locked_for_long_stops_no_training_and_the_page_says_so(
    home: Workspace, page: Callable[[str], AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recsys.storage.database.WAIT_SECONDS", 0.2)
    home = Workspace(home.settings)
    holder = sqlite3.connect(home.settings.home / "insider.sqlite", isolation_level=None, check_same_thread=False)

    def lock(run_id: int) -> None:
        holder.execute("BEGIN IMMEDIATE")
        open_workspace.cache_clear()
        app = page("train.py")
        assert any(x.value == f"Training {home.training_runs.all()[0].id}" for x in app.header), "looking needs no lock"
        next(x for x in app.button if x.label == "Cancel").click().run()
        assert not app.exception
        assert any("another process has kept it locked" in x.value for x in app.error)
        threading.Timer(3.0, holder.execute, ("COMMIT",)).start()

    run = home.job_store.get(work(home, lock).id)
    assert (run.state, run.message) == ("done", "") and run.model in home.store.models()
    training = home.training_runs.all()[0]
    assert training.state == "done" and training.model == run.model
    assert training.curve == home.store.model_manifest(str(run.model))["curve"]


def test_a_database_that_vanishes_is_said_and_a_training_waits_for_it(
    home: Workspace, page: Callable[[str], AppTest]
) -> None:
    file = home.settings.home / "insider.sqlite"
    away = file.with_name("away")

    def take_away(run_id: int) -> None:
        app = page("train.py")
        file.rename(away)
        app.run()
        assert not app.exception
        assert any("is no longer there" in x.value and "Put it back" in x.value for x in app.error)
        threading.Timer(3.0, away.rename, (file,)).start()

    run = home.job_store.get(work(home, take_away).id)
    assert (run.state, run.message) == ("done", "") and home.training_runs.all()[0].model == run.model


def test_nothing_is_written_into_a_database_that_was_replaced(home: Workspace) -> None:
    there = len(home.training_runs.all())
    assert there and audit.entries(home.database)
    (home.settings.home / "insider.sqlite").rename(home.settings.home / "kept")
    (home.settings.home / "insider.sqlite").touch()
    for use in (
        home.training_runs.all,
        home.job_store.newest,
        lambda: audit.entries(home.database),
        lambda: promote(home, "x"),
    ):
        with pytest.raises((StorageProblem, NotFound)) as found:
            use()
        assert "replaced while it was in use" in str(found.value) or "No model 'x'" in str(found.value)


PROMOTE = """
import sys
from recsys.errors import InvalidInput
from recsys.settings import Settings
from recsys.services.promotion import promote
from recsys.services.workspace import Workspace
home, mine, who = Workspace(Settings.from_environment(sys.argv[1])), sys.argv[2], sys.argv[3]
home.load(mine)
for line in sys.stdin:
    try:
        print("won" if promote(home, mine, who=who, instead_of=line.strip()) == mine else "", flush=True)
    except InvalidInput as error:
        print(error, flush=True)
"""


def test_of_two_people_who_promote_at_the_same_instant_one_wins_and_the_other_is_told(home: Workspace) -> None:
    live = str(home.live_id())
    candidates = [train_and_store(home, "small", TINY, seed=seed).model.id for seed in (1, 2)]
    people = [
        subprocess.Popen(
            [sys.executable, "-c", PROMOTE, str(home.settings.home), model, who], cwd=PROJECT_ROOT,
            env=os.environ | {"INSIDER_DATABASE_URL": ""}, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) for model, who in zip(candidates, ("ann", "bob"), strict=True)
    ]  # fmt: skip
    for _ in range(10):
        before = len(audit.entries(home.database))
        for person in people:
            print(live, file=person.stdin, flush=True)
        told = [str(person.stdout and person.stdout.readline()).strip() for person in people]
        assert sorted(text == "won" for text in told) == [False, True], told
        winner = candidates[told.index("won")]
        lost = next(text for text in told if text != "won")
        assert lost.startswith(f"Model {winner!r} was made live in the meantime"), lost
        assert home.live_id() == winner
        entries = audit.entries(home.database)
        assert len(entries) == before + 1 and (entries[0].subject, entries[0].before) == (winner, live)
        promote(home, live)
    for person in people:
        assert person.stdin is not None and person.stdout is not None
        person.stdin.close()
        assert person.wait(timeout=30) == 0
        person.stdout.close()


@pytest.mark.parametrize("url, words", [
    ("sqlite:///{home}/broken.sqlite", "is not a database"),
    ("postgresql+psycopg://ann:secret@127.0.0.1:1/insider", "Connection refused"),
])  # fmt: skip
def test_a_database_that_cannot_be_used_is_said_on_every_page(
    home: Workspace, page: Callable[[str], AppTest], monkeypatch: pytest.MonkeyPatch, url: str, words: str
) -> None:
    (home.settings.home / "broken.sqlite").write_text("no database at all, and long enough to be looked at")
    monkeypatch.setenv("INSIDER_DATABASE_URL", url.format(home=home.settings.home))
    for name in ("train.py", "runs.py", "models.py"):
        app = page(name)
        shown = [x.value.replace("\\", "") for x in app.error]
        assert any("cannot be used" in text and words in text for text in shown), (name, shown)
        assert not any("secret" in text for text in shown)

"""The studio at its edges: every corner of the dials, data that vanish, a full disk, a database that is away."""

import errno
import itertools
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from recsys import studio
from recsys.errors import Diverged, StorageProblem
from recsys.hyperparameters import Hyperparameters
from recsys.progress import Progress
from recsys.settings import PROJECT_ROOT, Settings
from recsys.workspace import Workspace
from tests.test_trials import TINY


@pytest.fixture
def home(trained_home: Path, tmp_path: Path) -> Workspace:
    folder = tmp_path / "home"
    shutil.copytree(trained_home, folder)
    return Workspace(Settings.from_environment(folder))


def ends(dial: studio.Dial) -> tuple[float, float]:
    return (dial.low, dial.high) if dial.scale == "whole" else (dial.steps[0], dial.steps[-1])


def test_every_corner_of_the_dials_is_a_recipe_with_an_estimate(home: Workspace) -> None:
    columns = studio.columns_of(home, "small")
    for corner in itertools.product(*(ends(dial) for dial in studio.DIALS)):
        dials = dict(zip((dial.name for dial in studio.DIALS), corner, strict=True))
        dials |= {"category_levels": list(columns.category_levels), "user_attributes": []}
        recipe = studio.recipe_of(Hyperparameters(), dials, columns)
        assert recipe.category_levels == ("all",) and recipe.user_attributes == ()
    assert studio.estimate(home, "small", recipe).seconds > 0


@pytest.mark.parametrize("which", [0, 1])
def test_the_extremes_train_or_say_that_they_diverged(home: Workspace, which: int) -> None:
    dials = {dial.name: ends(dial)[which] for dial in studio.DIALS if dial.name not in ("epochs", "components")}
    try:
        home.train_now("small", replace(TINY, **dials, epochs=2, components=4))
    except Diverged:
        assert home.trials.all()[0].state == "failed" and home.trials.all()[0].reason


def test_data_deleted_while_training_do_not_matter_to_it(home: Workspace) -> None:
    def delete(_: Progress) -> None:
        shutil.rmtree(home.settings.home / "datasets", ignore_errors=True)

    model = home.train_now("small", TINY, on_progress=delete).model
    assert model.id in home.store.models() and home.trials.all()[0].state == "done"


def test_a_full_disk_ends_the_training_in_words_and_harms_nothing(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, live = home.store.models(), home.live_id()

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("recsys.store.np.save", full)
    with pytest.raises(StorageProblem, match="no space left"):
        home.train_now("small", TINY)
    found = home.trials.all()[0]
    assert found.state == "failed" and "no space left" in found.reason
    assert home.store.models() == before and home.live_id() == live
    assert not [path for path in (home.settings.home / "models").iterdir() if path.name.startswith(".")]


def test_a_broken_database_is_said_on_every_page(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = home.settings.home / "broken.sqlite"
    broken.write_text("no database at all, and long enough to be looked at")
    monkeypatch.setenv("INSIDER_HOME", str(home.settings.home))
    monkeypatch.setenv("INSIDER_DATABASE_URL", f"sqlite:///{broken}")
    for name in ("train.py", "runs.py", "models.py"):
        app = AppTest.from_file(str(PROJECT_ROOT / "pages" / "main.py"), default_timeout=60)
        app.switch_page(str(PROJECT_ROOT / "pages" / name)).run()
        assert not app.exception, name
        assert any("broken" in x.value for x in app.error), name

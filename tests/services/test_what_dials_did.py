"""What the dials did: rough runs and small curves, a training's account, and the learning curve with its lines."""

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from recsys.charts import dials as charts
from recsys.errors import Cancelled
from recsys.models.hyperparameters import Hyperparameters, dials_of
from recsys.models.model import Model
from recsys.progress import Progress
from recsys.services import jobs, worker
from recsys.services.dials import rough_runs
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.storage.jobs import Job
from recsys.storage.trials.finished_runs import finished_runs
from recsys.views import train
from recsys.views.dials import recipe_form
from recsys.views.dials.account import account
from recsys.views.dials.small_curves import small_curves
from tests.homes import copy_home

RECIPE = Hyperparameters(components=8, epochs=3, threads=1, adapt=(), windows=1)
ROUGH = 6


@pytest.fixture(scope="module")
def home(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A home whose live model is ALS, with rough runs around it."""
    folder = tmp_path_factory.mktemp("dials") / "home"
    copy_home(trained_home, folder)
    home = Workspace(replace(Settings.from_environment(folder), rough_runs=ROUGH))
    train_and_store(home, "small", RECIPE, promote=True, baselines="none")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs.job_process, "launch", lambda run_id, settings: 1)
        job = jobs.start_rough_runs(home, str(home.live_id()))
    assert job is not None and job.kind == "rough"
    worker.work(home, job.id)
    ended = home.job_store.get(job.id)
    assert (ended.state, ended.message) == ("done", "")
    return home


def trained(home: Workspace, seed: int = 0, **settings: object) -> Model:
    return train_and_store(home, "small", replace(RECIPE, **settings), seed=seed, baselines="none").model  # type: ignore[arg-type]  # names and values of a recipe, as the tests give them


def told(model: Model) -> str:
    return " ".join(account(model.manifest).told)


def test_rough_runs_are_made_once_and_apart_from_the_trainings(home: Workspace) -> None:
    live = home.store.model_manifest(str(home.live_id()))
    rough = [run for run in finished_runs(home.training_runs, "small") if run.rough]
    assert len(rough) == ROUGH and all(run.model is None and run.fingerprint == live.fingerprint for run in rough)
    assert {run.seed for run in rough} == {0, 1} and len({run.recipe for run in rough}) == ROUGH - 1
    assert all(not training.attributes.get("rough") for training in home.training_runs.all())
    assert len(home.training_runs.all(rough=True)) == len(home.training_runs.all()) + ROUGH
    assert jobs.start_rough_runs(home, live.id) is None, "once for the same data"
    assert not rough_runs.wanted(Workspace(replace(home.settings, rough_runs=0)), "small", "other data")


def test_rough_runs_turn_every_dial_both_ways_where_there_is_room() -> None:
    recipes = [recipe for recipe, _ in rough_runs.variations(Hyperparameters(), 0)]
    assert len(recipes) == 16
    turned = {
        name for recipe in recipes for name in dials_of("als") if getattr(recipe, name) != getattr(recipes[0], name)
    }
    assert turned == {
        "components",
        "half_life_days",
        "damping",
        "popularity_penalty",
        "drift",
        "regularisation",
        "sharing",
    }
    assert rough_runs.turned("damping", 0.0, up=False) is None
    assert rough_runs.turned("item_alpha", 0.0, up=True) == 1e-5


def test_cancelled_rough_runs_leave_what_was_found_and_a_later_training_need_not_wait(home: Workspace) -> None:
    before = len(home.training_runs.all(rough=True))

    def stop(progress: Progress) -> None:
        if progress.step.startswith("Rough run 2"):
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        rough_runs.measure(home, str(home.live_id()), number=5, on_progress=stop, wait=lambda: None, job=99)
    assert len(home.training_runs.all(rough=True)) == before + 1
    first = home.job_store.create("rough", "small", {}, seed=0, promote=False)
    second = home.job_store.create("train", "small", RECIPE.to_dict(), seed=0, promote=False)
    assert home.job_store.claim(first, 1) and home.job_store.claim(second, 1)
    for job in (first, second):
        home.job_store.finish(job, "cancelled")


def test_small_curves_show_what_one_dial_did_and_come_from_one_query(home: Workspace) -> None:
    asked: list[str] = []
    engine = home.training_runs.storage.engine
    sa.event.listen(engine, "before_cursor_execute", lambda *found: asked.append(found[2]))
    curves = small_curves(home, "small", RECIPE)
    assert len([text for text in asked if text.lstrip().upper().startswith("SELECT")]) == 1
    assert list(curves) == [dial.name for dial in recipe_form.dials_for("als")]
    shown = curves["components"]
    runs = [run for run in finished_runs(home.training_runs, "small") if run.rough and run.seed == 0]
    tried = {
        run.recipe.components: run.reached["ndcg"] for run in runs if _only(run.recipe, runs[-1].recipe, "components")
    }
    assert {point.value: point.ndcg for point in shown.points} == tried and len(tried) > 1
    passes = [point.value for point in curves["epochs"].points]
    assert passes == list(range(1, len(passes) + 1)) and len(passes) > 1, "one training shows what passes did"
    assert len(curves["popularity_lift"].points) > 3, "and what the lift does"
    assert not curves["variety"].points and "No training" in curves["variety"].described
    assert charts.small_picture(shown, 8).startswith("data:image/svg+xml;base64,")
    assert not any(curve.points for curve in small_curves(home, "elsewhere", RECIPE).values())


def _only(one: Hyperparameters, other: Hyperparameters, name: str) -> bool:
    return replace(one, **{name: getattr(other, name)}) == other  # type: ignore[arg-type]  # a name that is a recipe's


def test_a_training_says_what_each_changed_dial_did(home: Workspace) -> None:
    live = home.store.model_manifest(str(home.live_id()))
    fewer = trained(home, components=4)
    (effect,) = fewer.manifest.changes.dials
    assert (effect.name, effect.before, effect.after, effect.model) == ("components", 8, 4, live.id)
    assert effect.ndcg == (live.validated["ndcg"], fewer.manifest.validated["ndcg"])
    assert fewer.manifest.changes.noise > 0, "from the rough run with another seed"
    assert "Components from 8 to 4, against the live model, which differs in nothing else: NDCG@10" in told(fewer)
    both = trained(home, components=4, damping=0.5)
    by_name = {effect.name: effect for effect in both.manifest.changes.dials}
    assert by_name["components"].ndcg is None and by_name["damping"].model == fewer.id
    assert f"against training {fewer.manifest.lineage.training}, which differs in nothing else" in told(both)
    assert "Components from 8 to 4: no other training differs in this alone" in told(both)
    assert "All changes together, against the live model" in told(both)
    kept, tried = both.manifest.epochs, len(both.manifest.curve)
    assert account(both.manifest).to_dict()["passes_tried"] == tried and str(kept) in both.manifest.plan.stopped
    for learner in ("softmax", "warp"):
        assert f"Learner from ALS to {'WARP' if learner == 'warp' else 'Softmax'}, against the live model" in told(
            trained(home, learner=learner)
        )


def test_a_training_that_changed_nothing_says_so(home: Workspace) -> None:
    same = trained(home, patience=3)
    assert same.manifest.same_as == home.live_id()
    assert f"It is the same model as {home.live_id()}: nothing that you changed matters here." in told(same)
    again = trained(home, seed=5)
    assert "Seed from 0 to 5" in told(again) and "nothing but chance" in told(again)


def test_the_learning_curve_has_the_levels_and_the_band(home: Workspace) -> None:
    model = trained(home, components=6)
    job = _job(home, model)
    found = train.curve(home, job)
    live = home.store.model_manifest(str(home.live_id()))
    assert found.kept == model.manifest.epochs and found.live is not None and found.baseline is not None
    assert (found.live.ndcg, found.live.coverage) == (live.validated["ndcg"], live.validated["coverage"])
    assert found.baseline.ndcg > 0 and found.noise > 0
    names = [trace.name for trace in charts.learning_figure(found).data]
    assert {"Live model", "Best simple method", "Noise", "Kept"} < set(names)
    other = train.curve(home, _job(home, trained(home, components=6, windows=2)))
    assert other.live is not None and other.live.ndcg == live.validated["recent_ndcg"]


def _job(home: Workspace, model: Model) -> Job:
    """The job of a training, as if it had been asked for on the page."""
    number = home.job_store.create("train", "small", model.recipe.to_dict(), seed=0, promote=False)
    points = tuple(model.manifest.curve)
    home.job_store.report(number, Progress("Done", 1.0, curve=points))
    home.job_store.finish(number, "done", model=model.id)
    return home.job_store.get(number)

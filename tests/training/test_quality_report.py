"""The whole report on the small shop, its page, and the parts whose truth is known."""

import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.shared import plain
from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import time_split
from recsys.errors import InvalidInput
from recsys.evaluation import health
from recsys.evaluation.benchmark import Benchmark
from recsys.evaluation.evaluate import evaluate
from recsys.models.feature_split import by_feature
from recsys.models.features import IDENTITY, Features
from recsys.models.hyperparameters import PRESETS, Hyperparameters
from recsys.models.model import Model
from recsys.models.popularity import lately_popular
from recsys.models.shrinkage import HierarchicalPrior
from recsys.services.dials.popularity_dial import turn_and_store, turned
from recsys.services.promotion import delete_model, promote
from recsys.services.quality_assessment import assess, evaluate_stored
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Settings, Workspace
from recsys.training.train import train
from recsys.views.quality import view
from tests.homes import copy_home
from tests.shops import planted_shop

PAGES = Path(__file__).parents[2] / "pages"
RECIPE = Hyperparameters(components=12, epochs=2, windows=1, adapt=())


@pytest.fixture(scope="module")
def model(small_dataset: Dataset) -> Model:
    return train(small_dataset, RECIPE, seed=1)


@pytest.fixture(scope="module")
def assessed(tmp_path_factory: pytest.TempPathFactory, small_dataset: Dataset, model: Model) -> Workspace:
    home = Workspace(Settings.from_environment(tmp_path_factory.mktemp("quality")))
    home.store.save_dataset(small_dataset)
    home.store.save_model(model)
    promote(home, model.id)
    assess(home, "live")
    return home


def test_rare_products_borrow_from_their_category_and_popular_ones_hardly(small_dataset: Dataset, model: Model) -> None:
    features, rng = model.item_features, np.random.default_rng(2)
    own = rng.normal(size=(small_dataset.n_items, 4)).astype(np.float32)
    buyers = np.where(np.arange(small_dataset.n_items) % 2, 1, 10_000)
    prior = HierarchicalPrior(features, buyers, 50.0)
    found = prior(own)
    assert found == pytest.approx(prior(own * 3) / 3, abs=1e-5)
    change = np.linalg.norm(found - own, axis=1) / np.linalg.norm(own, axis=1)
    assert change[buyers > 1].max() < 0.2 < 0.9 < np.median(change[buyers == 1])
    assert HierarchicalPrior(features, buyers, 0.0)(own) is own


def test_what_is_borrowed_is_the_posterior_mean() -> None:
    from scipy import sparse

    matrix = sparse.csr_matrix(np.array([[0.5, 0, 0, 0.5], [0, 0.5, 0, 0.5], [0, 0, 1.0, 0]], np.float32))
    features = Features(matrix, np.array([IDENTITY] * 3 + ["kind"], object), np.array(["a", "b", "c", "Fruit"], object))
    own, buyers, sharing = np.array([[4.0], [3.0], [1.0]], np.float32), np.array([4, 9, 1]), 2.0
    means = np.array([2.0, 1.0, 1.0])
    kind = (4 * means[0] + 9 * means[1]) / (4 + 9 + sharing)
    expected = (buyers * means + sharing * kind) / (buyers + sharing) * np.sqrt(buyers)
    expected[2] = own[2, 0]  # shares nothing
    assert HierarchicalPrior(features, buyers, sharing)(own)[:, 0] == pytest.approx(expected, rel=1e-5)


def test_features_give_back_the_start_exactly(small_dataset: Dataset, model: Model) -> None:
    target = np.random.default_rng(1).normal(size=(small_dataset.n_items, 3)).astype(np.float32)
    found = model.item_features.matrix @ by_feature(model.item_features, target)
    learned = model.popularity > 0
    assert found[learned] == pytest.approx(target[learned], abs=1e-4)
    assert np.isfinite(found).all()


def test_the_result_is_a_working_lightfm_that_can_train_on(model: Model) -> None:
    before = model.lightfm.predict(
        3, np.arange(20), item_features=model.item_features.matrix, user_features=model.user_features.matrix
    )
    assert before == pytest.approx(model.scores(np.array([3]))[0][:20], abs=1e-4)
    assert model.manifest["curve"][0]["epoch"] == 1
    assert 1 <= model.manifest["epochs"] <= RECIPE.epochs


def test_it_beats_popular_where_taste_was_planted() -> None:
    model = train(planted_shop(n_users=1000), RECIPE, seed=1)
    assert model.manifest["metrics"]["comparisons"]["discover"]["popular"]["verdict"] == "better"


def test_new_is_counted_by_first_purchases_and_centred(small_dataset: Dataset) -> None:
    split = time_split(small_dataset)
    found = lately_popular(split.fit, split.validation_start)
    assert found.mean() == pytest.approx(0, abs=1e-5)
    assert found[-4:] == pytest.approx(np.full(4, found.min()))


def test_the_dial_moves_the_biases_and_nothing_else(model: Model, assessed: Workspace) -> None:
    half = turned(model, 0.5)
    assert half.item_biases == pytest.approx(model.item_biases / 2, abs=1e-6)
    assert np.array_equal(half.item_embeddings, model.item_embeddings)
    assert half.id != model.id
    stored = turn_and_store(assessed, model.id, 3.0)
    again = assessed.load(stored.id)
    assert again.model.recipe.popularity == 3.0
    assert again.item_biases == pytest.approx(3 * model.item_biases, abs=1e-5)
    with pytest.raises(InvalidInput, match="dial at 0"):
        turned(turned(model, 0.0), 1.0)
    with pytest.raises(InvalidInput, match="popularity is 9"):
        turned(model, 9.0)


def test_the_report_is_json_and_whole(assessed: Workspace) -> None:
    live = assessed.load()
    report = assessed.store.load_quality(live.model.id)
    assert report is not None
    assert json.loads(json.dumps(report)) == report
    discover = report["evaluation"]["lanes"]["discover"]
    assert {"model", "popular", "popular_lately", "popular_in_categories", "item_knn", "als", "ease"} <= set(discover)
    assert set(report["evaluation"]["lanes"]["again"]) == {"model", "own_frequency", "lightfm"}
    assert report["noise"]["seeds"] == 3
    assert 0 <= report["noise"]["overlap"] <= 1
    assert {x["kind"] for x in report["segments"]} >= {"popularity"}
    assert [x["known"] for x in report["cold_start"]["users"]] == [0, 1, 3, 5, 10, None]
    new = report["cold_start"]["items"]
    assert {"model", "popular_in_categories"} <= set(new["methods"])
    assert new["level"] in ("department", "shelf")
    assert new["comparison"]["verdict"] != "worse"
    assert {check["name"] for check in report["health"]["checks"]} >= {
        "Against the strongest simple method",
        "Features",
        "Validation",
    }


def test_changed_data_are_refused(assessed: Workspace, small_dataset: Dataset, model: Model) -> None:
    other = replace(small_dataset, events=small_dataset.events.iloc[:-5].reset_index(drop=True))
    with pytest.raises(InvalidInput, match="has changed since model"):
        model.check_dataset(other)


def test_health_names_what_is_wrong(model: Model, small_dataset: Dataset) -> None:
    split = time_split(small_dataset)

    class Same:
        def scores(self, users: np.ndarray) -> np.ndarray:
            return np.tile(np.arange(small_dataset.n_items, 0, -1, dtype=np.float32), (len(users), 1))

    same = evaluate(Same(), split.training.counts, split.judged)
    good = evaluate(model, split.training.counts, split.judged)
    worse = Benchmark(10, {"discover": {"model": same, "popular": same, "ease": good}})
    states = {check.name: check.state for check in health.health(model, worse)}
    assert states["Against the strongest simple method"] == "bad"
    assert states["Lists differ between shoppers"] == "bad"
    flat = replace(model, manifest=model.manifest.with_facts(curve=[{"epoch": 1, "ndcg": 0.0}]))
    assert {c.name: c.state for c in health.health(flat, worse)}["Validation"] == "bad"
    bare = train(small_dataset, replace(RECIPE, learner="warp", identity=False, epochs=1), seed=1)
    found = {c.name: c.state for c in health.health(bare, worse)}
    assert found["Each product by itself"] == "look"


def test_health_advises_what_is_another_recipe_and_looks_at_what_is_used(model: Model, small_dataset: Dataset) -> None:
    split = time_split(small_dataset)
    good = evaluate(model, split.training.counts, split.judged)
    bad = replace(good, values={name: values * 0 for name, values in good.values.items()})
    worse = Benchmark(10, {"discover": {"model": bad, "popular": bad, "ease": good}})

    def sentence(of: Model, name: str) -> str:
        return next(check.sentence for check in health.health(of, worse) if check.name == name)

    name = "Against the strongest simple method"
    assert "Worse than EASE, the strongest of 2" in sentence(model, name)
    assert "train with the preset default" in sentence(model, name)
    assert "preset default" not in sentence(replace(model, recipe=PRESETS["default"]), name)
    grown = copy.deepcopy(model.lightfm)
    grown.item_embedding_gradients += 1e8  # what Adagrad sums up says nothing about the scores
    assert "far from overflow" in sentence(replace(model, lightfm=grown), "Size of the numbers")
    grown.item_embeddings += 1e5
    assert "far from overflow" in sentence(replace(model, lightfm=grown), "Size of the numbers")
    warp = replace(model, lightfm=grown, recipe=replace(model.recipe, learner="warp"))
    assert "on its way to overflow. Lower the learning rate" in sentence(warp, "Size of the numbers")
    grown.item_embeddings += 1e16
    assert "on its way to overflow. Raise the regularisation" in sentence(
        replace(model, lightfm=grown), "Size of the numbers"
    )


def page(home: Workspace, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    monkeypatch.setenv("INSIDER_HOME", str(home.settings.home))
    app = AppTest.from_file(str(PAGES / "main.py"), default_timeout=60).run()
    for name, value in query.items():
        app.query_params[name] = value
    return app.switch_page("quality.py").run()


def test_the_page_shows_the_report(assessed: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = view(assessed)
    assert shown is not None
    app = page(assessed, monkeypatch)
    assert not app.exception
    assert len(app.get("plotly_chart")) == 5
    assert any("on products they had not bought before" in text.value for text in app.markdown)
    assert [box.label for box in app.selectbox] == ["By", "Shoppers for whom it went worst in", "Turn it to"]


def test_buy_again_changes_everything_that_is_shown(assessed: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = view(assessed)
    assert shown is not None and set(shown.lanes) == {"discover", "again"}
    app = page(assessed, monkeypatch)
    app.button_group(key="lane").set_value("again").run()
    assert not app.exception
    assert app.title[0].value == plain(shown.verdict["again"]) != plain(shown.verdict["discover"])
    assert any("on products they had bought before" in text.value for text in app.markdown)
    assert len(app.get("plotly_chart")) == 1, "what is about new products is not shown beside it"
    assert any("are about products that a shopper had never bought" in text.value for text in app.info)


def test_the_popularity_dial_has_a_button(assessed: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSIDER_OPEN_DASHBOARD", "1")
    app = page(assessed, monkeypatch)
    assert not any("python -m" in text.value for text in app.caption)
    before = set(assessed.store.models())
    app.selectbox(key="dial").set_value(0.5)
    next(button for button in app.button if button.label == "Make this model").click().run()
    assert not app.exception and not app.error
    (made,) = set(assessed.store.models()) - before
    assert assessed.load(made).model.recipe.popularity == 0.5 and assessed.live_id() in before
    delete_model(assessed, made)


def test_without_a_report_the_page_offers_to_find_out(trained_home: Path, tmp_path: Path,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    home = Workspace(Settings.from_environment(copy_home(trained_home, tmp_path / "home")))
    started: list[str] = []
    monkeypatch.setattr("recsys.services.jobs.start_quality", lambda _, model_id: started.append(model_id))
    app = page(home, monkeypatch)
    assert not app.exception
    assert [button.label for button in app.button] == ["Find out"]
    app.button[0].click().run()
    assert started == [home.live_id()]


def test_every_training_is_judged_beside_all_baselines_once_fitted(assessed: Workspace) -> None:
    kept = set((assessed.settings.home / "baselines").iterdir())
    model = train_and_store(assessed, "small", RECIPE, seed=4).model
    metrics = model.manifest["metrics"]
    assert set(metrics["lanes"]["discover"]) >= {"model", "popular", "popular_in_categories", "item_knn", "als", "ease"}
    assert set(metrics["comparisons"]["discover"]) == set(metrics["lanes"]["discover"]) - {"model"}
    assert set((assessed.settings.home / "baselines").iterdir()) == kept, "fitted by the report, kept for the training"
    assert evaluate_stored(assessed, model.id, baselines="all")["lanes"] == metrics["lanes"]
    assert {check["name"] for check in model.manifest["health"]["checks"]} >= {
        "Against the strongest simple method",
        "Validation",
    }
    for file in kept.pop().glob("*-ease-lists.npy"):
        file.write_bytes(b"cut short")
    assert evaluate_stored(assessed, model.id, baselines="all")["lanes"] == metrics["lanes"], (
        "damaged ones are fitted anew"
    )


def test_baselines_go_with_their_dataset(assessed: Workspace, tmp_path: Path) -> None:
    home = tmp_path / "home"
    copy_home(assessed.settings.home, home)
    workspace = Workspace(Settings.from_environment(home))
    assert list((home / "baselines").iterdir())
    workspace.store.delete_dataset("small")
    assert not list((home / "baselines").iterdir())

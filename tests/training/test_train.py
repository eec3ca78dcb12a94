"""Training: repeatable to the bit on one thread, stops when validation says so, refuses what cannot be learned from."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import time_split
from recsys.errors import Cancelled, Diverged, InvalidInput
from recsys.evaluation.evaluate import evaluate
from recsys.models import lightfm_wrapper
from recsys.models.features import IDENTITY
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.model import Model
from recsys.progress import Progress
from recsys.training import passes
from recsys.training import train as training
from recsys.training.train import train
from recsys.training.windows import Measured
from tests.conftest import SMALL_RECIPE


@pytest.fixture(scope="module")
def model(small_dataset: Dataset) -> Model:
    return train(small_dataset, SMALL_RECIPE, seed=1)


def test_the_same_seed_on_one_thread_gives_the_same_bits(small_dataset: Dataset, model: Model) -> None:
    again = train(small_dataset, SMALL_RECIPE, seed=1)
    ours, theirs = lightfm_wrapper.state(model.lightfm), lightfm_wrapper.state(again.lightfm)
    assert list(ours) == list(theirs)
    for name in ours:
        assert ours[name].tobytes() == theirs[name].tobytes(), name
    assert model.manifest["metrics"] == again.manifest["metrics"]
    assert [p["ndcg"] for p in model.manifest["curve"]] == [p["ndcg"] for p in again.manifest["curve"]]
    assert model.id != again.id


def test_another_seed_gives_another_model(small_dataset: Dataset, model: Model) -> None:
    other = train(small_dataset, SMALL_RECIPE, seed=2)
    assert not np.array_equal(model.item_embeddings, other.item_embeddings)


def test_it_finds_the_planted_preferences(small_dataset: Dataset, model: Model) -> None:
    lanes = model.manifest["metrics"]["lanes"]["discover"]
    assert lanes["model"]["ndcg"]["value"] > 1.2 * lanes["popular"]["ndcg"]["value"]
    assert lanes["model"]["auc"]["value"] > 0.7
    sold = model.popularity > 0
    departments = model.items["department"].to_numpy()[sold]
    rows = model.item_embeddings[sold] / np.linalg.norm(model.item_embeddings[sold], axis=1, keepdims=True)
    nearest = (rows @ rows.T - 2 * np.eye(len(rows))).argmax(axis=1)
    assert (departments[nearest] == departments).mean() > 0.7


def test_it_beats_chance_only_where_there_is_something_to_learn(small_dataset: Dataset) -> None:
    rng = np.random.default_rng(0)
    events = small_dataset.events.assign(item_id=rng.integers(0, small_dataset.n_items, len(small_dataset.events)))
    noise = Dataset.from_raw("noise", events.assign(user_id=events["user_id"].astype(str)))
    found = train(noise, SMALL_RECIPE, seed=1).manifest["metrics"]["lanes"]["discover"]["model"]["auc"]
    assert 0.45 < found["value"] < 0.55


def test_the_stored_metrics_are_those_of_the_test_period(small_dataset: Dataset, model: Model) -> None:
    split = time_split(small_dataset)
    found = evaluate(model, split.training.counts, split.test.counts, only=("ndcg", "recall")).summary()
    stored = model.manifest["metrics"]["lanes"]["discover"]["model"]
    assert stored["ndcg"] == found["ndcg"]
    assert stored["recall"] == found["recall"]


def test_nothing_of_the_test_period_is_learned(small_dataset: Dataset, model: Model) -> None:
    """What happens after the cut may be anything: the model is the same to the bit."""
    cut = time_split(small_dataset).test_start
    later = small_dataset.events["timestamp"] >= cut
    events = small_dataset.events.copy()
    events.loc[later, "item_id"] = np.random.default_rng(9).permutation(events.loc[later, "item_id"])
    changed = replace(small_dataset, events=events.sort_values(["user_id", "item_id", "timestamp"], ignore_index=True))
    other = train(changed, SMALL_RECIPE, seed=1)
    assert changed.fingerprint != small_dataset.fingerprint
    assert np.array_equal(other.item_embeddings, model.item_embeddings)
    assert other.manifest["metrics"] != model.manifest["metrics"]
    assert model.history.last.max() < cut.to_datetime64()


def with_curve(monkeypatch: pytest.MonkeyPatch, values: list[float]) -> None:
    """Validation gives these values, epoch by epoch; everything else is real."""
    monkeypatch.setattr(passes, "measured", lambda *_: Measured(np.full(50, values.pop(0)), 0.5))


@pytest.mark.parametrize(
    "values, patience, epochs, best",
    [
        ([0.1, 0.3, 0.2, 0.25, 0.9], 2, 4, 2),
        ([0.1, 0.2, 0.3, 0.4, 0.5], 2, 5, 5),
        ([0.5, 0.5, 0.5, 0.5, 0.5], 3, 4, 1),
        ([0.3, 0.2, 0.4, 0.1, 0.1], 3, 5, 3),
        ([0.0, 0.0, 0.2, 0.1, 0.1], 5, 5, 3),
    ],
)
def test_it_stops_when_validation_no_longer_improves(
    small_dataset: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    values: list[float],
    patience: int,
    epochs: int,
    best: int,
) -> None:
    with_curve(monkeypatch, values)
    model = train(small_dataset, replace(SMALL_RECIPE, epochs=5, patience=patience), seed=1)
    assert len(model.manifest["curve"]) == epochs
    assert model.manifest["epochs"] == best


def test_progress_rises_to_one_and_carries_the_curve(small_dataset: Dataset) -> None:
    seen: list[Progress] = []
    model = train(small_dataset, SMALL_RECIPE, seed=1, on_progress=seen.append)
    fractions = [progress.fraction for progress in seen]
    assert fractions[-1] == 1.0
    assert all(0 <= fraction <= 1 for fraction in fractions)
    assert len(seen) >= len(model.manifest["curve"]) + model.manifest["epochs"]
    assert [dict(point) for point in seen[-1].curve] == model.manifest["curve"]
    learning = [p for p in seen if p.step == training.LEARN]
    assert [p.epoch for p in learning] == list(range(1, model.manifest["epochs"] + 1))
    assert all(p.epochs == model.manifest["epochs"] for p in learning)
    assert all(p.seconds_left is None or p.seconds_left >= 0 for p in seen)


def test_an_exception_from_progress_ends_the_training(small_dataset: Dataset) -> None:
    def stop(progress: Progress) -> None:
        if progress.epoch == 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled, match="enough"):
        train(small_dataset, SMALL_RECIPE, on_progress=stop)


def test_divergence_is_said_with_the_learning_rate(small_dataset: Dataset) -> None:
    recipe = replace(
        SMALL_RECIPE, learner="bpr", epochs=20, patience=20, learning_rate=1.0, item_alpha=0.1, user_alpha=0.1
    )
    with pytest.raises(Diverged, match=r"Training diverged: with learning rate 1 .* after pass \d+\. Lower the"):
        train(small_dataset, recipe, seed=0)


@pytest.mark.parametrize("loss", ["warp", "bpr", "logistic", "warp-kos"])
@pytest.mark.parametrize("half_life_days", [0.0, 30.0])
def test_every_loss_trains(small_dataset: Dataset, loss: str, half_life_days: float) -> None:
    recipe = replace(SMALL_RECIPE, learner=loss, epochs=2, learning_rate=0.02, half_life_days=half_life_days)
    model = train(small_dataset, recipe, seed=1)
    assert np.isfinite(model.item_embeddings).all()
    assert model.manifest["metrics"]["lanes"]["discover"]["model"]["ndcg"]["value"] > 0


def test_who_has_no_event_before_the_cut_has_no_identity(small_dataset: Dataset, model: Model) -> None:
    never_sold = np.flatnonzero(model.popularity == 0)
    assert len(never_sold)
    for row in never_sold:
        numbers, weights = model.item_features.row(row)
        assert IDENTITY not in model.item_features.kinds[numbers]
        assert weights.sum() == pytest.approx(1.0)


def test_periods_without_purchases_are_refused() -> None:
    times = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-07-01"])
    dataset = Dataset.from_raw(
        "gap", pd.DataFrame({"user_id": ["a", "b", "a"], "item_id": ["x", "y", "y"], "timestamp": times})
    )
    with pytest.raises(InvalidInput, match="'gap' has no purchases to learn from, or none to choose by"):
        train(dataset, SMALL_RECIPE)


def test_nobody_to_judge_is_no_crash() -> None:
    """All of the test period was bought before: there is nothing to discover, and metrics say so with None."""
    days = ["2024-01-01", "2024-02-01", "2024-05-15", "2024-06-20"]
    rows = [(u, i, day) for u in "abc" for i in "xyz" for day in days if u != "c" or i != "z" or day > "2024-05"]
    events = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])
    model = train(Dataset.from_raw("all", events), replace(SMALL_RECIPE, epochs=2))
    metrics = model.manifest["metrics"]
    assert metrics["users"] == 0
    values: Mapping[str, Mapping[str, float | None]] = metrics["lanes"]["discover"]["model"]
    assert all(part is None for metric in values.values() for part in metric.values())


def test_hyperparameters_reach_lightfm() -> None:
    recipe = Hyperparameters(
        learner="bpr", components=7, learning_rate=0.03, learning_schedule="adadelta", max_sampled=11, item_alpha=0.002,
        user_alpha=0.003,
    )  # fmt: skip
    made = lightfm_wrapper.new(recipe, seed=5)
    assert (made.loss, made.no_components, made.learning_rate, made.max_sampled) == ("bpr", 7, 0.03, 11)
    assert (made.learning_schedule, made.item_alpha, made.user_alpha) == ("adadelta", 0.002, 0.003)

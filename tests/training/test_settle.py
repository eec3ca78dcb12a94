"""What the validation periods move: never to the worse there, and by shoppers with a history alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import make_split
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.popularity import sources
from recsys.training import settle, windows
from recsys.training.train import train, validate
from recsys.training.windows import FEWEST_USERS, windows_of

RECIPE = Hyperparameters(components=8, epochs=3, variety=0.0)


def weekly(weeks: int = 26, users: int = 80) -> Dataset:
    """Everybody buys of the ten bestsellers, which are others every fortnight, and one thing by chance; every week some
    shoppers are new."""
    rng = np.random.default_rng(0)
    rows = []
    for week in range(weeks):
        best = 10 * (week // 2) + np.arange(10)
        for user in range(users // 2 + users // 2 * week // weeks):
            bought = [*rng.choice(best, 3, replace=False), rng.integers(0, 10 * weeks // 2)]
            when = pd.Timestamp("2024-01-01") + pd.Timedelta(days=7 * week + int(rng.integers(0, 7)))
            rows += [(f"u{user}", f"i{item}", when) for item in bought]
    return Dataset.from_raw("weekly", pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"]))


def test_popularity_is_counted_as_validation_says() -> None:
    dataset = weekly()
    plan = validate(dataset, RECIPE)
    fixed = validate(dataset, replace(RECIPE, adapt=()))
    at_one = next(point for point in plan.frontier if point["popularity"] == 1.0)
    assert at_one["ndcg"] >= fixed.kept["ndcg"], "what was moved is no worse where it was chosen"
    assert (plan.counted in sources()) == (plan.popularity is not None)
    model = train(dataset, RECIPE)
    assert model.manifest.plan.counted == plan.counted
    if plan.popularity is not None:
        assert model.manifest.plan.forecast == plan.popularity == sources()[plan.counted]


def test_only_shoppers_with_a_history_decide() -> None:
    dataset = weekly()
    split = make_split(dataset)
    for window in windows_of(dataset, split, RECIPE, 2):
        judged, known = np.diff(window.later.indptr) > 0, np.diff(window.period.counts.indptr) > 0
        assert judged.sum() >= FEWEST_USERS
        assert not (judged & ~known).any()
    new = (np.diff(split.validation.counts.indptr) > 0) & (np.diff(split.fit.counts.indptr) == 0)
    assert new.any(), "there are others"


def test_large_embeddings_take_one_period_and_one_trial_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, one = weekly(), replace(RECIPE, windows=1, threads=1)
    beside = validate(dataset, one)
    monkeypatch.setattr(windows, "LARGE", 1)
    monkeypatch.setattr(settle, "LARGE", 1)
    assert len(windows_of(dataset, make_split(dataset), RECIPE, 2)) == 1
    alone = validate(dataset, replace(one, windows=2))
    assert alone.windows == 1 and alone.tried == beside.tried and alone.frontier == beside.frontier


def test_small_data_move_half_life_and_damping_too() -> None:
    tried = validate(weekly(), RECIPE).tried
    assert len({(x["half_life_days"], x["damping"], x["popularity_penalty"]) for x in tried if "damping" in x}) > 1
    fixed = validate(weekly(), replace(RECIPE, adapt=("popularity_lift",)))
    assert fixed.settled == replace(RECIPE, adapt=("popularity_lift",), popularity_lift=fixed.settled.popularity_lift)


def tastes(n_users: int = 240) -> Dataset:
    """Six tastes of twelve things each; categories go across the tastes."""
    rng = np.random.default_rng(0)
    chance = 1 / np.arange(1, 13)
    rows = [
        (f"u{user}", f"i{12 * (user % 6) + thing}")
        for user in range(n_users)
        for thing in rng.choice(12, 7, replace=False, p=chance / chance.sum())
    ]
    items = pd.DataFrame({"item_id": [f"i{n}" for n in range(72)], "kind": [f"k{n % 2}" for n in range(72)]})
    return Dataset.from_raw("tastes", pd.DataFrame(rows, columns=["user_id", "item_id"]), items=items,
                            category_levels=["kind"])  # fmt: skip


def test_categories_that_say_nothing_are_shared_less() -> None:
    dataset = tastes()
    plan, fixed = validate(dataset, RECIPE), validate(dataset, replace(RECIPE, adapt=("popularity_lift",)))
    assert plan.settled.sharing < RECIPE.sharing
    at_one = [next(point["ndcg"] for point in one.frontier if point["popularity"] == 1.0) for one in (plan, fixed)]
    assert at_one[0] > 1.05 * at_one[1]


def test_the_popularity_penalty_moves_through_zero() -> None:
    tried = validate(tastes(), replace(RECIPE, popularity_penalty=0.0)).tried
    assert {-0.2, 0.0, 0.2} <= {point["popularity_penalty"] for point in tried if "popularity_penalty" in point}

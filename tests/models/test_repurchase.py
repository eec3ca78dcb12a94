"""Buying again: learned from the shop's past, aligned with the history, ahead of plain frequency where rhythm tells."""

import numpy as np
import pandas as pd
import pytest

from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import Split, time_split
from recsys.evaluation.evaluate import evaluate
from recsys.evaluation.significance import compare
from recsys.models.baselines import OwnFrequency
from recsys.models.repurchase import FEATURES, AgainScorer, BuyAgain, frequency, pair_features, repeat_share
from recsys.recommend.recommender import Recommender


def rhythmic_shop(n_users: int = 150, days: int = 200, seed: int = 0) -> Dataset:
    """Everybody buys some products every 7 days to the end, and others every 3 days, but stopped 100 days before it.

    What was bought most is then not what is bought next.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(n_users):
        items = rng.choice(60, size=10, replace=False)
        for place, item in enumerate(items):
            gap, stop = (7, days) if place < 5 else (3, days - 100)
            start = rng.integers(0, gap)
            rows += [(f"u{user}", f"i{item}", int(86400 * (day + rng.random()))) for day in range(start, stop, gap)]
    events = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])
    events["timestamp"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(events["timestamp"], unit="s")
    return Dataset.from_raw("rhythm", events)


@pytest.fixture(scope="module")
def shop() -> Dataset:
    return rhythmic_shop()


@pytest.fixture(scope="module")
def split(shop: Dataset) -> Split:
    return time_split(shop)


def test_it_learns_that_what_stopped_is_not_bought_again(shop: Dataset, split: Split) -> None:
    rule = BuyAgain.fit(shop, split.fit, split.validation_start, split.validation, 28)
    assert rule is not None
    chances = rule.chances(shop, split.training, split.test_start)
    assert chances.shape == split.training.counts.data.shape
    assert ((chances > 0) & (chances < 1)).all()
    train, test = split.training.counts, split.test.counts
    ours = evaluate(AgainScorer.of(split.training, chances), train, test, k=5, lane="again", only=("ndcg",))
    own = evaluate(OwnFrequency(train), train, test, k=5, lane="again", only=("ndcg",))
    assert ours.values["ndcg"].mean() > 0.95
    assert compare(ours, own).verdict == "better"


def test_features_are_finite_and_say_what_is_known_before_the_cut(shop: Dataset, split: Split) -> None:
    features = pair_features(shop, split.fit, split.validation_start)
    assert features.shape == (split.fit.counts.nnz, len(FEATURES))
    assert np.isfinite(features).all()
    until = Dataset.from_raw(
        "rhythm",
        pd.DataFrame({
            "user_id": shop.users["user_id"].to_numpy()[shop.events["user_id"]],
            "item_id": shop.items["item_id"].to_numpy()[shop.events["item_id"]],
            "timestamp": shop.events["timestamp"],
        })[lambda table: table["timestamp"] < split.validation_start],
    )  # fmt: skip
    assert until.n_items == shop.n_items
    assert np.array_equal(features, pair_features(until, until.interactions(), split.validation_start))


def test_too_little_to_learn_from_gives_none(small_dataset: Dataset) -> None:
    split = time_split(small_dataset)
    nothing = small_dataset.interactions(start=small_dataset.period[1] + pd.Timedelta(days=1))
    assert BuyAgain.fit(small_dataset, split.fit, split.validation_start, nothing, 28) is None
    assert repeat_share(split.fit, nothing) == 0


def test_the_rule_for_want_of_better_halves_in_sixty_days() -> None:
    assert frequency(np.array([4.0, 4.0]), np.array([0.0, 60.0])).tolist() == [4.0, 2.0]


def test_the_lane_serves_the_stored_chances(live: Recommender) -> None:
    model = live.model
    assert model.again is not None
    for user in ("u003", "u042"):
        span = model.history.of_user(model.user_row(user))
        best = np.sort(model.again[span])[::-1][:5]
        answer = live.recommend(user, k=5, lane="again", explain=True)
        assert [item.score for item in answer.items] == pytest.approx(best.tolist())
        assert all(
            sum(r.value for r in item.reasons if r.additive) == pytest.approx(item.score) for item in answer.items
        )

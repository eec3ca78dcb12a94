"""ALS and softmax: what LightFM predicts is what they learned, and anybody's place is their own formula's."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import time_split
from recsys.errors import Diverged, InvalidInput
from recsys.models.hyperparameters import Hyperparameters, Learner
from recsys.models.learners.als import AlternatingRidge
from recsys.models.learners.learned import Learned
from recsys.models.popularity import Forecast, lately_popular
from recsys.models.purchases import Purchases, Weighting
from recsys.training.fit import fit, linear_learner
from recsys.training.windows import features_for

RECIPE = Hyperparameters(components=12, epochs=3)
LINEAR: tuple[Learner, ...] = ("als", "softmax")


@pytest.mark.parametrize("learner", LINEAR)
def test_lightfm_predicts_what_was_learned(small_dataset: Dataset, learner: Learner) -> None:
    split = time_split(small_dataset)
    recipe = replace(RECIPE, learner=learner)
    users, items = features_for(small_dataset, recipe, split.fit)
    lightfm, _ = fit(split.fit, split.validation_start, users, items, recipe, 3, seed=1)
    found = learned(small_dataset, recipe)
    sold, active = np.flatnonzero(found.fold_in.scales < 2), np.flatnonzero(np.diff(split.fit.counts.indptr))
    sold = sold[np.bincount(split.fit.counts.indices, minlength=small_dataset.n_items)[sold] > 0]
    for user in active[:5]:
        predicted = lightfm.predict(
            int(user), sold.astype(np.int32), item_features=items.matrix, user_features=users.matrix
        )
        assert predicted == pytest.approx(found.scores(np.array([user]))[0][sold], abs=5e-6)


@pytest.mark.parametrize("learner", LINEAR)
@pytest.mark.parametrize("half_life_days", [0.0, 30.0])
def test_fold_in_gives_every_known_shopper_their_own_embedding(
    small_dataset: Dataset, learner: Learner, half_life_days: float
) -> None:
    split = time_split(small_dataset)
    found = learned(small_dataset, replace(RECIPE, learner=learner, half_life_days=half_life_days))
    for user in np.flatnonzero(np.diff(split.fit.counts.indptr)):
        span = split.fit.of_user(int(user))
        vector = found.fold_in.vector(
            split.fit.counts.indices[span].astype(np.int64),
            found.fold_in.days(split.fit.last[span]),
            split.fit.counts.data[span],
        )
        assert vector == pytest.approx(found.users[user], rel=1e-3, abs=2e-5)


def test_regularisation_acts_where_shoppers_are_read_off_and_not_on_what_passes_span(small_dataset: Dataset) -> None:
    """So validation tries another one without a pass."""
    before, after = als(small_dataset, RECIPE), als(small_dataset, replace(RECIPE, regularisation=0.3))
    users = np.arange(small_dataset.n_users)
    low = replace(RECIPE, regularisation=0.3)
    assert before.learned(low).scores(users) == pytest.approx(after.learned(low).scores(users), rel=1e-2, abs=1e-2)
    assert np.abs(before.learned(low).scores(users) - before.learned(RECIPE).scores(users)).max() > 0.1


@pytest.mark.parametrize("changed", [{"sharing": 10.0}, {"damping": 0.5}, {"half_life_days": 5.0}, {"sharing": 0.0}])
def test_a_learner_that_goes_on_with_another_recipe_is_one_that_began_with_it(
    small_dataset: Dataset, changed: dict[str, float]
) -> None:
    split, recipe, users = time_split(small_dataset), replace(RECIPE, **changed), np.arange(small_dataset.n_users)
    weighed = Purchases.of(split.fit, split.validation_start, recipe.half_life_days)
    begun = als(small_dataset, RECIPE, passes=0)
    going_on = begun.going_on(recipe, weighed if "half_life_days" in changed else None)
    for _ in range(2):
        going_on.step()
    plain = begun.learned(RECIPE).items.copy()
    assert np.array_equal(
        going_on.learned(recipe).scores(users), als(small_dataset, recipe, 2).learned(recipe).scores(users)
    )
    assert np.array_equal(begun.learned(RECIPE).items, plain), "the one it came from stays as it was"


def test_one_pass_of_als_is_the_algebra_it_says(small_dataset: Dataset) -> None:
    """Without sharing, penalty and drift: R spans Y' Y R0, and Q is the ridge regression on it."""
    split = time_split(small_dataset)
    recipe = replace(RECIPE, components=5, sharing=0.0, popularity_penalty=0.0, drift=0.0, regularisation=2.0)
    _, items = features_for(small_dataset, recipe, split.fit)
    purchases = Purchases.of(split.fit, split.validation_start, recipe.half_life_days)
    learner = AlternatingRidge(purchases, items, recipe, split.validation_start, seed=3)
    before = learner.learned(recipe)
    learner.step()
    after = learner.learned(recipe)
    matrix = purchases.damped(recipe.damping).toarray().astype(np.float64)

    def ridge(rows: np.ndarray) -> np.ndarray:
        gram = rows.T @ rows
        return matrix @ rows @ np.linalg.inv(gram + 2.0 * np.trace(gram) / 5 * np.eye(5))

    shoppers = ridge(before.items.astype(np.float64))
    q, _ = np.linalg.qr(shoppers)
    assert after.items @ after.items.T == pytest.approx(matrix.T @ q @ q.T @ matrix, rel=1e-3, abs=1e-3)
    expected = ridge(after.items.astype(np.float64)) @ after.items.T
    assert after.users @ after.items.T == pytest.approx(expected / expected.std(), rel=1e-3, abs=1e-3)


def test_softmax_reads_what_was_hidden_off_the_rest(small_dataset: Dataset) -> None:
    """Its passes raise the chance it gives to what was bought, and its gradient is that of its loss."""
    split = time_split(small_dataset)
    recipe = replace(RECIPE, learner="softmax", popularity_lift=0.0, drift=0.0, popularity_penalty=0.0, epochs=8)

    def bought_above_others(passes: int) -> float:
        found = learned(small_dataset, recipe, passes=passes)
        scores = found.scores(np.arange(small_dataset.n_users))
        had = split.fit.counts.toarray() > 0
        return float(scores[had].mean() - scores[~had].mean())

    assert bought_above_others(8) > bought_above_others(1) > 0


def test_divergence_of_softmax_is_named(small_dataset: Dataset) -> None:
    recipe = replace(RECIPE, learner="softmax", learning_rate=1.0, dropout=0.9, components=2)
    split = time_split(small_dataset)
    learner = linear_learner(
        split.fit, split.validation_start, features_for(small_dataset, recipe, split.fit)[1], recipe, None, 0
    )
    learner._shared[:] = np.float32(1e30)  # type: ignore[attr-defined]
    with pytest.raises(Diverged, match="with learning rate 1 the embeddings are no longer finite numbers after pass 1"):
        learner.step()


def test_the_forecast_finds_what_is_on_the_rise() -> None:
    """Half of the products are first bought more and more often, half less and less: at equal totals the risers win."""
    rng = np.random.default_rng(0)
    days, rows = 240, []
    for item in range(120):
        rising = item % 2
        chance = np.arange(days) if rising else np.arange(days)[::-1]
        for user, day in enumerate(np.sort(rng.choice(days, 40, replace=False, p=chance / chance.sum()))):
            rows.append(
                (f"u{user}-{rng.integers(9)}", f"i{item}", np.datetime64("2024-01-01") + np.timedelta64(day, "D"))
            )
    dataset = Dataset.from_raw("rise", pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"]))
    now = dataset.period[1]
    forecast = Forecast.fit(dataset, now, 28)
    assert forecast is not None
    period = dataset.interactions(end=now)
    found = forecast.popularity(period, now)
    rising = dataset.items["item_id"].str[1:].astype(int).to_numpy() % 2 == 1
    assert found[rising].min() > found[~rising].max()
    assert found.mean() == pytest.approx(0, abs=1e-4)
    assert Forecast.fit(dataset, dataset.period[0] + pd.Timedelta(days=40), 28) is None


def test_new_is_counted_by_first_purchases_and_centred(small_dataset: Dataset) -> None:
    split = time_split(small_dataset)
    found = lately_popular(split.fit, split.validation_start)
    assert found.mean() == pytest.approx(0, abs=1e-5)
    assert found[-4:] == pytest.approx(np.full(4, found.min()))


def test_weights_of_zero_are_named(small_dataset: Dataset) -> None:
    split = time_split(small_dataset)
    nothing = replace(split.fit, strength=np.zeros(split.fit.counts.nnz, np.float32))
    with pytest.raises(InvalidInput, match="Every event has the weight 0"):
        Purchases.of(nothing, split.validation_start, 30.0)
    halves = replace(split.fit, strength=np.where(np.arange(split.fit.counts.nnz) % 2, 1.0, 0.0).astype(np.float32))
    found = Purchases.of(halves, split.validation_start, 30.0)
    assert (found.matrix.data[::2] == 0).all() and (found.matrix.data[1::2] > 0).all()


def test_a_weighting_survives_json() -> None:
    weighting = Weighting((30.0, 60.0), (0.5, 0.6), 2.0)
    assert Weighting.from_dict(weighting.to_dict()) == weighting
    assert weighting.weights(np.array([0.0]), np.array([1.0])) == pytest.approx([(1.1 / 0.5 + 1.1 / 0.6) / 2])


def learned(dataset: Dataset, recipe: Hyperparameters, passes: int = 3) -> Learned:
    split = time_split(dataset)
    _, items = features_for(dataset, recipe, split.fit)
    learner = linear_learner(split.fit, split.validation_start, items, recipe, None, seed=1)
    for _ in range(passes):
        learner.step()
    return learner.learned(recipe)


def als(dataset: Dataset, recipe: Hyperparameters, passes: int = 2) -> AlternatingRidge:
    """ALS after so many passes over the fit period."""
    split = time_split(dataset)
    _, items = features_for(dataset, recipe, split.fit)
    purchases = Purchases.of(split.fit, split.validation_start, recipe.half_life_days)
    learner = AlternatingRidge(purchases, items, recipe, split.validation_start, seed=3)
    for _ in range(passes):
        learner.step()
    return learner

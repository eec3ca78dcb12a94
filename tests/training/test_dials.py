"""Every dial of every learner acts: turning it changes what is learned, and those named idle change nothing."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import make_split
from recsys.models.hyperparameters import LEARNERS, Hyperparameters, Learner, dials_of
from recsys.training.fit import fit
from recsys.training.train import validate
from recsys.training.windows import features_for
from recsys.views.dials.recipe_form import (
    DIALS,
    WEIGHTS,
    Columns,
    choices_for,
    dials_for,
    idle_dials,
    idle_words,
    weights_for,
)

PLAIN = Hyperparameters(components=6, epochs=2, threads=1, adapt=(), start="random", windows=1, variety=0.0, words=20)
WORDS = ("round", "small", "blue", "fresh", "old", "light", "plain")
TURNED: dict[str, Any] = {
    "components": 7, "half_life_days": 5.0, "regularisation": 0.3, "sharing": 10.0, "damping": 0.5,
    "popularity_penalty": 0.0, "popularity_lift": 0.2, "drift": 0.9, "learning_rate": 0.1, "dropout": 0.1,
    "learning_schedule": "adadelta", "max_sampled": 2, "item_alpha": 0.01, "user_alpha": 0.01, "start": "als",
    "identity": False, "category_levels": ("department",), "brand": False, "user_attributes": (), "threads": 2,
    "engine": "library", "bands": (), "words": 0, "category_weight": 3.0, "brand_weight": 3.0, "bands_weight": 3.0,
    "words_weight": 3.0,
}  # fmt: skip
DECIDED = ("epochs", "patience", "variety", "windows")
"""They act through what the validation periods decide."""

NOWHERE = ("learner", "popularity", "adapt")
"""Which learner it is; a dial of the finished model; and what validation may move."""


@pytest.fixture(scope="module")
def described(small_dataset: Dataset) -> Dataset:
    """The small shop with titles that have words in common."""
    titles = [f"{title}, {WORDS[n % len(WORDS)]}" for n, title in enumerate(small_dataset.items["title"])]
    return replace(small_dataset, items=small_dataset.items.assign(title=titles))


@pytest.mark.parametrize("learner", LEARNERS)
def test_every_dial_acts_or_is_named_idle(described: Dataset, learner: Learner) -> None:
    recipe = replace(PLAIN, learner=learner)
    plain = embeddings(described, recipe)
    assert np.array_equal(plain, embeddings(described, recipe)), "the same dials give the same"
    for name, value in TURNED.items():
        changed = embeddings(described, replace(recipe, **{name: value}))
        if name in ("threads", "engine") and name in dials_of(learner):
            continue  # the same steps in another order: they may give the same
        same = changed.shape == plain.shape and np.array_equal(changed, plain)
        assert same == (name not in dials_of(learner)), f"{name} of {learner}"


def test_every_hyperparameter_is_among_them() -> None:
    assert {field.name for field in fields(Hyperparameters)} == {*TURNED, *DECIDED, *NOWHERE}
    for learner in LEARNERS:
        assert {dial.name for dial in dials_for(learner)} <= set(dials_of(learner))
        assert set(dials_of(learner)) <= {dial.name for dial in DIALS} | {
            *choices_for(learner), "learning_schedule", "threads", "engine", "windows",
        }  # fmt: skip


def test_what_validation_decides_obeys_its_dials(small_dataset: Dataset) -> None:
    recipe = replace(PLAIN, epochs=6, patience=2)
    whole = validate(small_dataset, recipe)
    assert len(validate(small_dataset, replace(recipe, epochs=1)).curve) == 1
    assert len(validate(small_dataset, replace(recipe, patience=6)).curve) == 6 >= len(whole.curve)
    wide = validate(small_dataset, replace(recipe, variety=0.5, adapt=("popularity_lift",)))
    assert wide.kept["coverage"] >= whole.kept["coverage"]
    assert wide.settled.popularity_lift < whole.settled.popularity_lift, "range is bought with the lift"
    assert validate(small_dataset, replace(recipe, windows=2)).windows == 2


@pytest.mark.parametrize("learner", LEARNERS)
def test_what_the_page_calls_idle_on_bare_data_changes_nothing_there(learner: Learner) -> None:
    rng = np.random.default_rng(0)
    pairs = [(f"u{user}", f"i{item}") for user in range(30) for item in rng.choice(40, 12, replace=False)]
    bare = Dataset.from_raw("bare", pd.DataFrame(pairs, columns=["user_id", "item_id"]))
    assert not bare.timed and not bare.summary()["brands"]
    columns = Columns((), (), len(pairs), 30, 40, brand=False, timed=False, titled=False)
    recipe = replace(PLAIN, learner=learner)
    idle = idle_dials(recipe, columns)
    plain = embeddings(bare, recipe)
    for dial in dials_for(learner):
        if dial.name in TURNED:
            changed = embeddings(bare, replace(recipe, **{dial.name: TURNED[dial.name]}))
            same = changed.shape == plain.shape and np.array_equal(changed, plain)
            assert same == (dial.name in idle), f"{dial.name} of {learner}"
    features = {"brand", "category_levels", "user_attributes", "bands", "words", *WEIGHTS}
    assert not features & set(choices_for(learner, columns)) and not weights_for(recipe, columns)
    for name in ("bands", "words", *WEIGHTS):
        assert np.array_equal(plain, embeddings(bare, replace(recipe, **{name: TURNED[name]}))), name
    assert not idle or idle_words(idle).startswith("Idle here and not shown: ")


def test_a_weight_of_the_one_group_there_is_changes_nothing_and_is_not_shown(small_dataset: Dataset) -> None:
    columns = Columns(("department", "shelf"), (), 1, 1, 1, numbers=("price",))
    alone = replace(PLAIN, category_levels=(), brand=False, words=0)
    assert weights_for(alone, columns) == () and set(weights_for(PLAIN, columns)) == set(WEIGHTS)
    plain = embeddings(small_dataset, alone)
    assert np.allclose(plain, embeddings(small_dataset, replace(alone, bands_weight=3.0)), atol=1e-4)


def embeddings(dataset: Dataset, recipe: Hyperparameters) -> np.ndarray:
    """What LightFM holds for all items and users after two passes."""
    split = make_split(dataset)
    users, items = features_for(dataset, recipe, split.fit)
    lightfm, _ = fit(split.fit, split.validation_start, users, items, recipe, 2, start_epochs=2, seed=1)
    whole = (users.matrix @ lightfm.user_embeddings, items.matrix @ lightfm.item_embeddings)
    return np.concatenate([np.ravel(part) for part in whole] + [items.matrix @ lightfm.item_biases])

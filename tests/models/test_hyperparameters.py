"""The recipe: checked when it is made, readable from text, the same after a round trip."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.errors import InvalidInput
from recsys.models.hyperparameters import (
    ADAPTABLE,
    LEARNERS,
    PRESETS,
    RANGES,
    WHOLE,
    Hyperparameters,
    Learner,
    acting,
    dials_of,
    preset,
)
from tests.strategies import PROPERTY


@PROPERTY
@given(st.sampled_from(sorted(RANGES)), st.floats(allow_nan=True, allow_infinity=True))
def test_values_outside_their_range_are_named_with_it(name: str, value: float) -> None:
    limits = RANGES[name]
    if limits.low <= value <= limits.high:
        return
    with pytest.raises(InvalidInput, match=f"{name} is .*; it must .* between {limits.low:g} and {limits.high:g}"):
        Hyperparameters(**{name: value})


@pytest.mark.parametrize("name", sorted(RANGES))
def test_the_ends_of_a_range_are_in_it(name: str) -> None:
    for end in (RANGES[name].low, RANGES[name].high):
        value = int(end) if name in WHOLE else end
        assert getattr(Hyperparameters(**{name: value}), name) == value


@pytest.mark.parametrize("name", WHOLE)
def test_counts_are_whole(name: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name} is 2.5; it must be a whole number"):
        Hyperparameters(**{name: 2.5})


@pytest.mark.parametrize("name", sorted(RANGES))
def test_text_and_flags_are_no_numbers(name: str) -> None:
    for value in ("32", None, True):
        with pytest.raises(InvalidInput, match=name):
            Hyperparameters(**{name: value})


@pytest.mark.parametrize("name, value", [("learner", "hinge"), ("learning_schedule", "sgd"), ("engine", "warp9")])
def test_unknown_choices_list_those_there_are(name: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name} is '{value}'; choose one of "):
        Hyperparameters(**{name: value})


def test_what_is_idle_for_a_learner_has_no_value() -> None:
    recipe = preset("default").to_dict()
    assert acting(recipe, "regularisation") == recipe["regularisation"]
    assert acting(recipe, "learning_rate") is None
    assert acting(recipe | {"learner": "warp"}, "learning_rate") == recipe["learning_rate"]
    assert acting({"no_components": 32}, "no_components") == 32  # of an older version


def test_some_item_feature_must_stay() -> None:
    with pytest.raises(InvalidInput, match="No item features are left"):
        Hyperparameters(identity=False, category_levels=(), brand=False)


@pytest.mark.parametrize("name", PRESETS)
def test_a_recipe_survives_json(name: str) -> None:
    recipe = preset(name).with_settings({"category_levels": "department,shelf", "user_attributes": "none"})
    assert Hyperparameters.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_settings_are_read_by_type() -> None:
    changed = Hyperparameters().with_settings(
        {"components": "24", "learning_rate": "0.1", "identity": "no", "brand": "True", "category_levels": "a, b",
         "learner": "bpr"}
    )  # fmt: skip
    assert (changed.components, changed.learning_rate, changed.identity, changed.brand) == (24, 0.1, False, True)
    assert (changed.category_levels, changed.learner) == (("a", "b"), "bpr")


@pytest.mark.parametrize(
    "key, text, words",
    [
        ("components", "ten", "components='ten' is not a whole number"),
        ("components", "1.5", "components='1.5' is not a whole number"),
        ("learning_rate", "fast", "learning_rate='fast' is not a number"),
        ("learning_rate", "nan", "learning_rate is nan; it must lie between"),
        ("loss", "bpr", "loss is called learner now"),
        ("identity", "maybe", "identity='maybe' is not true or false"),
        ("colour", "red", "No hyperparameter 'colour'; the names are learner, components"),
    ],
)
def test_settings_that_cannot_be_read_are_named(key: str, text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words.replace("(", "[(]")):
        Hyperparameters().with_settings({key: text})


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InvalidInput, match="No preset 'huge'; choose one of fast, default, best"):
        preset("huge")
    with pytest.raises(InvalidInput, match="No hyperparameter 'colour'"):
        Hyperparameters.from_dict({"colour": "red"})


def test_recipes_of_earlier_versions_are_read() -> None:
    """There the loss was the learner, and a decomposition of the purchases could be its start."""
    old = {"loss": "bpr", "components": 24, "start": "svd", "start_views": 2, "start_power": 0.25, "epochs": 3}
    found = Hyperparameters.from_dict(old)
    assert (found.learner, found.components, found.epochs, found.start) == ("bpr", 24, 3, "als")
    assert Hyperparameters.from_dict({"loss": "warp", "components": 24}).start == "random"


def test_what_is_set_is_not_moved_by_validation() -> None:
    recipe = Hyperparameters().with_settings({"regularisation": "3"})
    assert not recipe.adapts("regularisation") and recipe.adapts("sharing") and recipe.adapts("popularity_lift")
    assert Hyperparameters().with_settings({"sharing": "10", "adapt": "all"}).adapts("sharing")
    with pytest.raises(InvalidInput, match="adapt names 'drift'; choose from all, damping, half_life_days, pop"):
        Hyperparameters(adapt=("drift",))


@pytest.mark.parametrize("learner", LEARNERS)
def test_what_validation_may_move_acts(learner: Learner) -> None:
    assert set(ADAPTABLE[learner]) <= set(dials_of(learner)) <= set(vars(Hyperparameters()))

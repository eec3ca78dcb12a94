"""Feature matrices: rows sum to one, columns mean what they say, unknown names are refused with those there are."""

import numpy as np
import pytest

from recsys.dataset.dataset import Dataset
from recsys.errors import InvalidInput
from recsys.models.features import Features, item_features, user_features
from recsys.models.hyperparameters import Hyperparameters


@pytest.fixture(scope="module")
def items(small_dataset: Dataset) -> Features:
    return item_features(small_dataset, Hyperparameters(bands=()))


@pytest.fixture(scope="module")
def users(small_dataset: Dataset) -> Features:
    return user_features(small_dataset, Hyperparameters())


def test_rows_sum_to_one(items: Features, users: Features) -> None:
    for features in (items, users):
        assert features.matrix.dtype == np.float32
        assert np.asarray(features.matrix.sum(axis=1)).ravel() == pytest.approx(1.0)


def test_an_item_is_itself_its_categories_and_its_brand(small_dataset: Dataset, items: Features) -> None:
    for row in (0, 77, 159):
        numbers, weights = items.row(row)
        named = {(items.kinds[i], items.values[i]) for i in numbers}
        table = small_dataset.items.iloc[row]
        assert named == {
            ("identity", table["item_id"]), ("department", table["department"]), ("shelf", table["shelf"]),
            ("brand", table["brand"]),
        }  # fmt: skip
        assert weights == pytest.approx(0.25)


def test_unknown_attributes_are_left_out(small_dataset: Dataset, users: Features) -> None:
    ages = small_dataset.users["age"]
    for row in range(20):
        numbers, _ = users.row(row)
        assert len(numbers) == (2 if isinstance(ages.iloc[row], str) else 1)


def test_without_identity_leaves_what_is_shared(items: Features) -> None:
    marked = np.zeros(items.matrix.shape[0], dtype=bool)
    marked[[3, 5]] = True
    less = items.without_identity_of(marked)
    for row in range(10):
        numbers, weights = less.row(row)
        assert ("identity" in items.kinds[numbers]) == (not marked[row])
        assert weights.sum() == pytest.approx(1.0)
    assert less.matrix.shape == items.matrix.shape
    assert items.row(3)[1] == pytest.approx(0.25)


@pytest.mark.parametrize(
    "recipe, kinds",
    [
        (Hyperparameters(category_levels=(), brand=False, bands=()), {"identity"}),
        (Hyperparameters(identity=False, category_levels=("shelf",), brand=False, bands=()), {"shelf"}),
        (Hyperparameters(identity=False, category_levels=(), bands=()), {"brand"}),
        (Hyperparameters(category_levels=("department",)), {"identity", "department", "brand", "price"}),
    ],
)
def test_the_recipe_chooses(small_dataset: Dataset, recipe: Hyperparameters, kinds: set[str]) -> None:
    assert set(item_features(small_dataset, recipe).kinds) == kinds


def test_unknown_columns_are_named(small_dataset: Dataset) -> None:
    with pytest.raises(InvalidInput, match="No category level 'aisle'; the dataset has department, shelf"):
        item_features(small_dataset, Hyperparameters(category_levels=("aisle",)))
    with pytest.raises(InvalidInput, match="No user attribute 'income'; the dataset has age"):
        user_features(small_dataset, Hyperparameters(user_attributes=("income",)))


def test_the_row_of_somebody_new(users: Features) -> None:
    numbers, weights = users.row_for({"age": "25-44"})
    assert weights.tolist() == [1.0]
    assert users.values[numbers].tolist() == ["25-44"]
    assert not len(users.row_for({})[0])
    assert users.knows("age", "45+")
    assert not users.knows("identity", "u001")
    with pytest.raises(InvalidInput, match="no attribute 'income'; it knows age"):
        users.row_for({"income": "1"})
    with pytest.raises(InvalidInput, match="no attribute 'identity'"):
        users.row_for({"identity": "u001"})
    with pytest.raises(InvalidInput, match=r"age '99' is not known to the model; it knows 19-24, 25-44, 45\+"):
        users.row_for({"age": "99"})


def test_columns_and_names_must_match(items: Features) -> None:
    with pytest.raises(InvalidInput, match="feature columns but"):
        Features(items.matrix, items.kinds[:-1], items.values)

"""Bands of numbers and words of titles: what becomes a feature, how it is called, and what new products get."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsys.dataset.dataset import Dataset
from recsys.errors import InvalidInput
from recsys.models import item_bands, title_words
from recsys.models.added_items import with_added_items
from recsys.models.features import WORDS, Features, item_features
from recsys.models.hyperparameters import Hyperparameters
from recsys.recommend.explain import reasons_for, vector_of_user
from recsys.training.train import train
from recsys.training.windows import features_for

N = 40
BARE = Hyperparameters(category_levels=(), brand=False, components=6, epochs=2, windows=1, adapt=(), threads=1)


@pytest.fixture(scope="module")
def shop() -> Dataset:
    """Forty products at 1 to 40, the last without a price; all are soap, five of lavender; three are never sold."""
    rng = np.random.default_rng(0)
    pairs = [(f"u{u}", f"i{i:02d}") for u in range(30) for i in rng.choice(N - 3, 12, replace=False)]
    events = pd.DataFrame(pairs, columns=["user_id", "item_id"])
    events["timestamp"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 200, len(events)), unit="D")
    items = pd.DataFrame({
        "item_id": [f"i{i:02d}" for i in range(N)],
        "title": [f"{'Organic ' * (i % 2)}soap no. {i} {'Lavender' * (i % 8 == 0)}" for i in range(N)],
        "price": [float(i + 1) for i in range(N - 1)] + [None],
        "grams": [250 if i % 2 else 500 for i in range(N)],
    })  # fmt: skip
    return Dataset.from_pandas(events, items, name="soap", numbers=["grams"])


def named(features: Features, row: int) -> dict[tuple[str, str], float]:
    numbers, weights = features.row(row)
    return {(str(features.kinds[n]), str(features.values[n])): float(w) for n, w in zip(numbers, weights, strict=True)}


def test_bands_hold_equally_many_and_say_their_limits() -> None:
    numbers = np.array([*range(1, 81), np.nan], dtype=np.float64)
    lowest = item_bands.lowest_of_bands(numbers)
    matrix = item_bands.entries(numbers, lowest)
    assert np.asarray(matrix.sum(axis=0)).ravel().tolist() == pytest.approx([10.0] * 8, abs=1)
    assert matrix[80].nnz == 0, "what is not known is in no band"
    words = item_bands.in_words(lowest)
    assert words[0] == f"below {lowest[1]:g}" and words[-1] == f"{lowest[-1]:g} and more" and len(set(words)) == 8
    row = int(np.flatnonzero(numbers == lowest[3])[0])
    assert words[matrix[row].indices[0]] == f"{lowest[3]:g} to {lowest[4]:g}", "a number at the limit lies above it"


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([3.0, 3.0, np.nan], []),
        ([np.nan], []),
        ([], []),
        ([1.0, 2.0, 2.0, 1.0], ["below 2", "2 and more"]),
        ([0.0, np.inf, 1.0], ["below 1", "1 and more"]),
        ([20240101.0, 20240102.0, 20240103.0], ["below 20240102", "20240102 to 20240103", "20240103 and more"]),
        ([1.00001, 1.00002, 1.00003], ["below 1.00002", "1.00002 to 1.00003", "1.00003 and more"]),
    ],
)
def test_few_numbers_are_bands_of_their_own(numbers: list[float], words: list[str]) -> None:
    lowest = item_bands.lowest_of_bands(np.array(numbers))
    assert (item_bands.in_words(lowest) if len(lowest) else []) == words


def test_words_are_chosen_by_how_many_items_have_them() -> None:
    texts = ["the red lamp"] * 6 + ["the blue lamp, LAMP 12"] * 7 + ["the chair"] * 60 + ["the Äpfel"] * 4
    words, rarity = title_words.vocabulary(texts, 10)
    assert words == ["blue", "lamp", "red"], "all have one, four are too few, numbers are no words"
    assert rarity[words.index("red")] == pytest.approx(np.log(77 / 6))
    assert title_words.vocabulary(texts, 1)[0] == ["lamp"]
    rows = title_words.entries(["a red lamp", "chair", "lamp lamp"], {"blue": 0, "lamp": 1, "red": 2}, rarity)
    assert np.asarray(rows.sum(axis=1)).ravel() == pytest.approx([1, 0, 1])
    assert rows[0, 2] > rows[0, 1] > 0, "the rarer word says more"


def test_the_table_gives_bands_and_words(shop: Dataset) -> None:
    assert shop.summary()["numbers"] == ["price", "grams"]
    features = item_features(shop, Hyperparameters(category_levels=(), brand=False, bands=("all",), words=50))
    assert set(features.kinds) == {"identity", "price", "grams", WORDS}
    assert np.asarray(features.matrix.sum(axis=1)).ravel() == pytest.approx(1.0)
    first = named(features, 0)
    assert first.keys() >= {("grams", "500 and more"), (WORDS, "lavender")}
    assert ("price" in {kind for kind, _ in named(features, N - 1)}) is False, "no price, no band"
    assert first["grams", "500 and more"] == pytest.approx(first["identity", "i00"]) == pytest.approx(0.25)


def test_groups_weigh_what_the_recipe_says(shop: Dataset) -> None:
    recipe = replace(BARE, bands=("price",), words=50, bands_weight=3, words_weight=2)
    weights = {kind: weight for (kind, _), weight in named(item_features(shop, recipe), 0).items()}
    assert weights == pytest.approx({"identity": 1 / 6, "price": 3 / 6, WORDS: 2 / 6})


def test_when_a_product_was_first_sold_is_a_band_of_the_period(shop: Dataset) -> None:
    pairs = shop.interactions()
    _, items = features_for(shop, Hyperparameters(brand=False, category_levels=(), bands=("first_sold",)), pairs)
    first = pd.Series(pairs.first).groupby(pairs.counts.indices).min()
    newest, oldest = int(first.idxmax()), int(first.idxmin())
    bands = [next(value for kind, value in named(items, row) if kind == "first_sold") for row in (newest, oldest)]
    assert bands[0].startswith("below ") and bands[1].endswith(" and more days before")
    assert all(kind != "first_sold" for kind, _ in named(items, N - 1)), "never sold"


def test_columns_that_are_not_there_or_hold_no_numbers_are_named(shop: Dataset) -> None:
    with pytest.raises(InvalidInput, match="No column of numbers 'weight'; the dataset has price, grams, first_sold"):
        item_features(shop, Hyperparameters(bands=("weight",)))
    events = pd.DataFrame({"user_id": ["a"], "item_id": ["x"]})
    with pytest.raises(InvalidInput, match="grams holds 'heavy' in row 0, which is no number"):
        Dataset.from_pandas(events, pd.DataFrame({"item_id": ["x"], "grams": ["heavy"]}), numbers=["grams"])
    with pytest.raises(InvalidInput, match="no column 'grams'"):
        Dataset.from_pandas(events, pd.DataFrame({"item_id": ["x"]}), numbers=["grams"])


@pytest.mark.parametrize("learner", ["als", "softmax", "warp"])
def test_reasons_name_band_and_words_and_new_products_get_them(shop: Dataset, learner: str) -> None:
    recipe = replace(BARE, learner=learner, bands=("price",), words=50)
    model = train(shop, recipe, seed=1)
    user = vector_of_user(model, 3)
    for row in (0, 7, N - 1):
        reasons = reasons_for(model, row, user)
        score = float(model.scores([3])[0, row])
        assert sum(reason.value for reason in reasons if reason.additive) == pytest.approx(score, abs=1e-4)
    kinds = {reason.kind: reason.name for reason in reasons_for(model, 0, user)}
    assert kinds["number"].startswith("price: below ") and kinds["words"] == "words: lavender"
    new = model.items.iloc[[8]].assign(item_id="new", title="A lavender soap")
    wider = with_added_items(model, new)
    got = named(wider.item_features, N)
    assert {kind for kind, _ in got} == {"price", WORDS} and sum(got.values()) == pytest.approx(1)
    of_old = {key for key in named(model.item_features, 8) if key[0] != "identity"}
    assert set(got) == of_old, "as the product that it is a copy of"
    later = with_added_items(wider, new.assign(item_id="newer", price=1e9))
    assert any(value.endswith(" and more") for kind, value in named(later.item_features, N + 1) if kind == "price")

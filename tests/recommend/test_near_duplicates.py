"""Products that differ in nothing but their size: told from others, capped in every list, and no list breaks its k."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.models.model import Model
from recsys.recommend.near_duplicates import NearDuplicates, kind_of
from recsys.recommend.recommender import Recommender
from recsys.recommend.rules import Boost, Rules
from tests.strategies import PROPERTY

SIZES = ("4 oz", "12 oz", "2 lb", "6 ct")


def sized(model: Model) -> Model:
    """The small shop with four sizes of every product: items of one department and shelf in fours."""
    items = model.items.copy()
    order = items.groupby(["department", "shelf"]).cumcount().to_numpy()
    items["title"] = [f"Sort {n // 4}, {SIZES[n % 4]}" for n in order]
    return replace(model, items=items)


@pytest.fixture(scope="module")
def shop(live: Recommender) -> Recommender:
    return Recommender(sized(live.model))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Baby food - beginner, 4 oz", "Baby food - beginner, 6 OZ"),
        ("Bananas 2 lb bag", "Bananas 3 lb bag"),
        ("Cola, pack of 6", "Cola, pack of 12"),
        ("Cola 12 x 330 ml", "Cola 6 x 330 ml"),
        ("Deli meats · no. 1000002", "Deli meats · no. 1000003"),
        ("Flags, 8 x12 in", "Flags, 11 x 16 in"),
        ("Frame 10x15", "Frame 13×18"),
        ("Crème 250 ml", "Crème 0,5 l"),
        ("Кофе 250 g", "Кофе 1 kg"),
    ],
)
def test_sizes_and_running_numbers_make_no_other_kind(one: str, other: str) -> None:
    assert kind_of(one) == kind_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Rocky 2", "Rocky 3"),
        ("Product 12", "Product 13"),
        ("Milk 2%", "Milk 1%"),
        ("12", "13"),
        ("Hemd 2 größen", "Hemd 3 größen"),
        ("咖啡 甲", "咖啡 乙"),
        ("हिन्दी", "हान्दा"),
    ],
)
def test_other_numbers_do(one: str, other: str) -> None:
    assert kind_of(one) != kind_of(other)


def test_titles_that_are_all_different_or_name_kinds_alone_cap_nothing(live: Recommender, shop: Recommender) -> None:
    assert live.near_duplicates.idle
    assert not shop.near_duplicates.idle
    same = shop.items.assign(title="Thing", department="all", shelf="all")
    assert NearDuplicates.of(same, ("department", "shelf")).idle
    grown = live.near_duplicates.with_items(live.items.head(1), live.model.category_levels)
    assert not grown.idle
    assert grown.kinds[-1] == grown.kinds[0]


@pytest.mark.parametrize("most", [1, 2, 3])
@pytest.mark.parametrize("rules", [None, Rules(popularity=0.9), Rules(diversity=0.4)])
def test_lists_are_the_ranking_without_what_exceeds_the_cap(shop: Recommender, most: int, rules: Rules | None) -> None:
    capped, free = replace(shop, most_alike=most), replace(shop, most_alike=0)
    kinds = dict(zip(shop.model.item_ids, shop.near_duplicates.kinds.tolist(), strict=True))
    for user in ("u001", "u017", "u050"):
        found = [item.item_id for item in capped.recommend(user, 10, rules=rules).items]
        counts = np.unique([kinds[item] for item in found], return_counts=True)[1]
        assert len(found) == 10
        assert counts.max() <= most
        if rules is None or rules.diversity == 0:
            expected: list[str] = []
            for item in free.recommend(user, 1000, rules=rules).items:
                if [kinds[x] for x in expected].count(kinds[item.item_id]) < most:
                    expected.append(item.item_id)
            assert found == expected[:10]


def test_all_users_at_once_get_what_each_gets_alone(shop: Recommender) -> None:
    """Also where kinds are too few for k, and near-duplicates fill the list."""
    for k in (3, 10, 60, 150):
        rows, _ = shop.top_k_for_all(k)
        for user in (0, 33, 77):
            alone = shop.recommend(str(shop.users["user_id"].iat[user]), k)
            assert [shop.model.item_ids[row] for row in rows[user] if row >= 0] == [x.item_id for x in alone.items]
            assert len(alone.items) == min(k, len(shop.items) - len(shop.model.history.counts[user].indices))


def test_the_rules_of_a_merchandiser_set_another_cap(shop: Recommender) -> None:
    free = replace(shop, most_alike=0).recommend("u001", 10).items
    assert shop.recommend("u001", 10, rules=Rules(most_alike=0)).items == free
    assert Rules.from_dict({"most_alike": 2}).most_alike == 2


@st.composite
def rule_sets(draw: st.DrawFn) -> Rules:
    some = st.lists(st.sampled_from([f"{i:05d}" for i in range(160)]), max_size=8)
    departments = st.sampled_from(((), ("Dairy",), ("Dairy", "Garden"), ("Drinks",)))
    return Rules(
        only_categories=draw(departments),
        never_categories=draw(st.sampled_from(((), ("Bakery",)))),
        only_brands=draw(st.sampled_from(((), ("Store brand",)))),
        never_items=tuple(draw(some)),
        min_price=draw(st.sampled_from((None, 2.0))),
        hide_popular=draw(st.sampled_from((0, 20))),
        pins=tuple(draw(some)),
        boosts=draw(st.sampled_from(((), (Boost("category", "Dairy", 2.0),)))),
        popularity=draw(st.sampled_from((0.0, 1.0, 2.0))),
        most_per_category=draw(st.sampled_from((None, 1, 2))),
        diversity=draw(st.sampled_from((0.0, 0.5, 1.0))),
        most_alike=draw(st.sampled_from((None, 0, 1, 2))),
    )


@PROPERTY
@given(
    rule_sets(), st.integers(1, 12), st.sampled_from(("discover", "again", "all")),
    st.sampled_from((None, "Dairy", "Garden")), st.sampled_from(("u001", "u044")),
)  # fmt: skip
def test_no_list_is_longer_than_k_or_shows_a_product_twice(
    shop: Recommender, rules: Rules, k: int, lane: str, category: str | None, user: str
) -> None:
    found = [item.item_id for item in shop.recommend(user, k, lane, category, rules=rules).items]  # type: ignore[arg-type]
    assert len(found) <= k
    assert len(set(found)) == len(found)
    if category:
        rows = shop.model.item_rows(found)
        assert set(shop.items["department"].iloc[rows]) <= {category}
    if lane == "discover" and category is None:
        at_once = shop.top_k_of(np.array([shop.model.user_row(user)]), k, rules=rules)[0][0]
        assert [shop.model.item_ids[row] for row in at_once if row >= 0] == found


def test_five_pins_and_three_places_give_three_rows(live: Recommender) -> None:
    pins = tuple(x.item_id for x in live.recommend("u001", 12).items[5:10])
    assert [x.item_id for x in live.recommend("u001", 3, rules=Rules(pins=pins)).items] == list(pins[:3])
    twice = Rules(pins=(pins[0], pins[0], pins[1]))
    assert [x.item_id for x in live.recommend("u001", 3, rules=twice).items][:2] == list(pins[:2])

"""What the map is made of: names of regions, selections, shoppers, odd ones, two models, posters, samples."""

import io
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from recsys import columns as c
from recsys.errors import InvalidInput, NotFound
from recsys.item_map import poster, scene, view
from recsys.item_map.colours import Groups, Numbers, colouring, colourings, groups_of
from recsys.item_map.compare import compare
from recsys.item_map.oddities import misplaced, odd
from recsys.item_map.points import ItemMap, open_map
from recsys.item_map.regions import density, names, regions
from recsys.item_map.sample import rows_to_draw
from recsys.item_map.selection import area_of, ids_in, ids_of, look_into, save_rule, why_no_rule, within
from recsys.item_map.shopper import shopper_on_map
from recsys.item_map.zoom_steps import zoom_steps
from recsys.projection.settings import MapSettings
from recsys.recommend.recommender import Recommender
from recsys.recommend.rules import Rules
from recsys.services.map_job import draw
from recsys.services.training_service import train_and_store
from recsys.services.workbench.rule_sets import RuleSets
from recsys.services.workbench.target_user import known
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.utils import palette
from recsys.views.shopper_history import category_colours
from recsys.views.what_if import what_if
from tests.conftest import SMALL_RECIPE
from tests.homes import copy_home


@pytest.fixture(scope="module")
def mapped(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    home = copy_home(trained_home, tmp_path_factory.mktemp("mapped") / "home")
    workspace = Workspace(Settings.from_environment(home))
    draw(workspace, str(workspace.live_id()), MapSettings(), seed=0, reduce=lambda rows, _: rows[:, :2])
    return workspace


@pytest.fixture(scope="module")
def item_map(mapped: Workspace) -> ItemMap:
    return open_map(mapped, mapped.load())


def islands() -> tuple[np.ndarray, pd.Series]:
    """Three islands, each of a category, and one stray of another in each."""
    rng = np.random.default_rng(0)
    centres = np.array([[-0.7, -0.7], [0.7, -0.6], [0.0, 0.7]])
    places = (centres[np.arange(300) % 3] + rng.normal(scale=0.05, size=(300, 2))).astype(np.float32)
    category = np.array(["Tea", "Paint", "Shoes"], dtype=object)[np.arange(300) % 3]
    category[:3] = "Everywhere"
    return places, pd.Series(category)


def test_regions_are_the_hills_and_are_called_by_what_they_hold() -> None:
    places, category = islands()
    found, tops = regions(places, 5.0)
    assert len(tops) == 3
    assert all(len(set(found[i::3])) == 1 for i in range(3))
    everything = pd.Series(["Goods"] * 300)
    said = names(places, [everything, category])
    assert {name.text for name in said} == {"Tea", "Paint", "Shoes"}, "what is everywhere says nothing"
    tea = next(name for name in said if name.text == "Tea")
    assert abs(tea.x + 0.7) < 0.1 and abs(tea.y + 0.7) < 0.1 and tea.items == 100
    assert density(places, 2.0).sum() == pytest.approx(300, rel=0.01)


def test_two_regions_of_one_category_are_told_apart() -> None:
    places, category = islands()
    wide = category.replace({"Tea": "Drinks", "Paint": "Drinks"})
    narrow = pd.Series([f"{x} {n // 3 % 10}" for n, x in enumerate(category)])
    said = names(places, [wide, narrow])
    assert [name.text for name in said].count("Drinks") == 1
    assert len({name.text for name in said}) == 3


def test_names_do_not_lie_over_each_other(item_map: ItemMap) -> None:
    for zoomed in (False, True):
        said = scene.region_names(item_map, "small" if zoomed else "large")
        assert said
        for i, one in enumerate(said):
            for other in said[i + 1 :]:
                near = abs(one.y - other.y) < 0.01 and abs(one.x - other.x) < 0.01
                assert not near
    assert scene.region_names(item_map, "none") == ()
    assert names(np.zeros((0, 2), np.float32), []) == ()


def test_groups_are_the_largest_and_the_rest(item_map: ItemMap) -> None:
    many = groups_of(pd.Series([f"c{i % 5000}" for i in range(10_000)]), "Many")
    assert len(many.names) == 13
    assert many.names[-1] == "Other"
    assert np.bincount(many.codes).sum() == 10_000
    one = groups_of(pd.Series(["<b>one</b>"] * 5), "One")
    assert one.names == ("<b>one</b>",)
    assert isinstance(colouring(item_map, "department"), Groups)
    assert {"exposure", "trend", "price"} <= set(colourings(item_map))
    with pytest.raises(NotFound, match="'mood'"):
        colouring(item_map, "mood")


@given(st.integers(3, 9), st.floats(0.2, 1.0))
def test_within_a_regular_polygon_is_within_its_circle(corners: int, size: float) -> None:
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    polygon = size * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = np.random.default_rng(corners).uniform(-1, 1, size=(300, 2))
    inside = within(points, polygon)
    radius = np.hypot(points[:, 0], points[:, 1])
    assert not inside[radius > size].any()
    assert inside[radius < size * np.cos(np.pi / corners) - 1e-9].all()


def test_a_selection_says_what_it_holds_and_who_buys_it(mapped: Workspace, item_map: ItemMap) -> None:
    model = item_map.live.model
    ids = [str(x) for x in model.items["item_id"][model.items["department"] == "Dairy"]]
    found = look_into(item_map, ids, "$")
    assert found.mix[["category", "share"]].to_numpy().tolist() == [["Dairy", 1.0]]
    assert found.mix["of_all"].iloc[0] == pytest.approx(0.25)
    rows = model.item_rows(ids)
    has = np.asarray((model.history.counts[:, rows] > 0).sum(axis=1)).ravel()
    assert found.audience["products"].sum() == has.sum()
    assert len(found.audience) == (has > 0).sum()
    assert found.audience["spent"].sum() == pytest.approx(found.items["spent"].sum(), abs=0.5)
    assert found.buyers["lift"].is_monotonic_decreasing
    assert look_into(item_map, [], "$").summary.startswith("0 products")


def test_events_name_items_and_reach_what_was_not_drawn(item_map: ItemMap) -> None:
    points = item_map.points
    event = {"selection": {"points": [{"customdata": ["00003", "x"]}, {"x": 1}], "box": [], "lasso": []}}
    assert ids_of(event, points) == ["00003"]
    event["selection"]["box"] = [{"x": [1.1, -1.1], "y": [-1.1, 1.1]}]
    assert set(ids_of(event, points, np.array([3]))) == set(points.item_ids)


def test_a_selection_becomes_a_rule_set(mapped: Workspace) -> None:
    stored = save_rule(mapped, "from the map", ["00001", "00002"], 1.5)
    assert [(b.name, b.strength) for b in RuleSets(mapped.database).get(stored.name).boosts] == [
        ("00001", 1.5), ("00002", 1.5)
    ]  # fmt: skip
    with pytest.raises(InvalidInput, match="0 are selected"):
        save_rule(mapped, "none", [], 1.0)


def test_a_shopper_lies_near_what_they_like_and_what_if_moves_them(item_map: ItemMap) -> None:
    found = shopper_on_map(item_map, item_map.live, "u001")
    model = item_map.live.model
    assert found.taste is not None and found.moved is None
    user = model.user_row("u001")
    assert set(found.history) == set(model.history.counts[user].indices)
    shelf = model.items["department"].to_numpy()
    liked = pd.Series(shelf[found.history]).value_counts().index[0]
    other = next(name for name in ("Bakery", "Dairy", "Drinks", "Garden") if name != liked)
    many = [str(x) for x in model.items["item_id"][model.items["department"] == other]][:20]
    asked = shopper_on_map(item_map, item_map.live, "u001", many)
    assert asked.moved is not None and asked.moved != found.taste
    assert not set(asked.then) & set(model.item_rows(many))
    assert "20 more products" in asked.summary
    with pytest.raises(NotFound, match="nobody"):
        shopper_on_map(item_map, item_map.live, "nobody")


def test_what_if_on_the_map_is_that_of_the_shopper_page_and_obeys_the_rules(item_map: ItemMap) -> None:
    live, model = item_map.live, item_map.live.model
    plus = [model.item_ids[row] for row in live.top_k_of(np.array([model.user_row("u001")]), 1)[0][0]]
    plain = shopper_on_map(item_map, live, "u001", plus)
    banned = model.item_ids[int(plain.then[0])]
    rules = Rules(never_items=(banned,))
    ruled = shopper_on_map(item_map, live, "u001", plus, rules)
    assert banned not in {model.item_ids[row] for row in (*ruled.then, *ruled.recommended)}
    asked = what_if(live, known(live, "u001"), plus=plus, rules=rules)
    assert [model.item_ids[row] for row in ruled.then] == [item.item_id for item in asked.answer.items]
    new = {item.item_id for item in asked.answer.items} - {
        item.item_id for item in what_if(live, known(live, "u001"), rules=rules).answer.items
    }
    assert new and f"{len(new)} of 10 recommendations would be others" in ruled.summary


def test_planted_wrong_categories_are_found() -> None:
    rng = np.random.default_rng(4)
    kinds = np.array([f"kind{'abcdefghij'[i]}" for i in range(10)], dtype=object)
    truth = rng.integers(0, 10, 2000)
    words_of = [[f"{'abcdefghij'[k]}word{'abcdefghij'[w]}" for w in range(10)] for k in range(10)]
    titles = np.array([" ".join(rng.choice(words_of[k], 3)) + " plain" for k in truth], dtype=object)
    planted = rng.choice(2000, 50, replace=False)
    given_kind = kinds[truth].copy()
    given_kind[planted] = kinds[(truth[planted] + rng.integers(1, 10, 50)) % 10]
    strength, better = misplaced(titles, given_kind)
    top = np.argsort(-strength)[:50]
    assert np.isin(top, planted).mean() >= 0.95
    assert (better[planted] == kinds[truth[planted]]).mean() > 0.95


def test_odd_lists_of_a_tidy_shop(item_map: ItemMap) -> None:
    assert len(odd(item_map, "wrong")) == 0, "its titles name their departments"
    alone = odd(item_map, "alone")
    assert alone["strength"].is_monotonic_increasing
    twice = odd(item_map, "twice")
    assert not set(twice["item_id"]) & set(twice["instead"])
    assert np.isneginf(misplaced(np.array(["a", "b"], object), np.array(["x", "x"], object))[0]).all()


def test_a_map_turned_over_is_the_same_map(item_map: ItemMap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsys.item_map.compare.identical", lambda *_: False)
    points = item_map.points
    turned = type(points)(**{**vars(points), "x": -points.y, "y": points.x})
    other = ItemMap(item_map.live, turned, {}, nearest=item_map.nearest)
    same = compare(item_map, other)
    assert same.table["moved"].max() < 0.1
    assert (same.table["kept"] == 100).all()
    away = type(points)(**{**vars(points), "item_ids": np.array([f"no{i}" for i in range(len(points))], object)})
    with pytest.raises(InvalidInput, match="0 products in common"):
        compare(item_map, ItemMap(item_map.live, away, {}))


@pytest.mark.parametrize("by", ["department", "popularity", "exposure"])
def test_posters_carry_title_legend_and_date(item_map: ItemMap, by: str) -> None:
    asked = {"title": "<Our> range", "theme": "dark", "day": date(2024, 5, 3), "regions": "large", "model": "<Spring>"}
    svg = scene.take_along(item_map, by, "svg", **asked).decode()
    assert "&lt;Our&gt; range" in svg
    assert "3 May 2024" in svg
    assert "model &lt;Spring&gt;" in svg
    assert scene.colours(item_map, by).title in svg
    assert svg.count("<circle") > 160
    html = scene.take_along(item_map, by, "html", **asked).decode()
    assert "3 May 2024" in html and "cdn.plot.ly" not in html.split("<body>")[1][:2000]
    if by == "department":
        image = Image.open(io.BytesIO(scene.take_along(item_map, by, "png", **asked)))
        assert image.size == (2 * poster.WIDTH, 2 * poster.HEIGHT)
        assert len(image.convert("RGB").getcolors(1 << 24)) > 100


def test_samples_keep_rare_categories_whole() -> None:
    categories = np.array(["rare"] * 30 + ["common"] * 10_000 + ["large"] * 5_000, dtype=object)
    rows = rows_to_draw(categories, 1000, always=np.array([15_029]))
    assert rows is not None
    kept = pd.Series(categories[rows]).value_counts()
    assert kept["rare"] == 30
    assert kept["common"] == 485
    assert 15_029 in rows
    assert rows_to_draw(categories, 20_000) is None


def test_titles_with_markup_are_shown_as_text(item_map: ItemMap, mapped: Workspace) -> None:
    points = item_map.points
    hostile = type(points)(
        **{**vars(points), "titles": np.array(["<img src=x onerror=alert(1)>"] * len(points), object)}
    )
    changed = ItemMap(item_map.live, hostile, {})
    figure = scene.scene(changed, "department", view.find(mapped, "")).figure
    assert "<img" not in figure.to_json().replace("\\u003c", "<")


def test_badges_say_how_faithful_the_map_is(item_map: ItemMap, live: Recommender) -> None:
    texts = [badge.text for badge in view.badges(item_map)]
    assert any(text.startswith("Trustworthy") for text in texts)
    assert any("true neighbours kept" in text for text in texts)
    assert view.badges(ItemMap(live, item_map.points, {})) == ()


def test_what_is_drawn_over_the_map_has_colours_of_its_own_and_the_rest_is_dimmed(item_map: ItemMap) -> None:
    def apart(one: str, other: str) -> float:
        return sum((int(one[i : i + 2], 16) - int(other[i : i + 2], 16)) ** 2 for i in (1, 3, 5)) ** 0.5

    own = (palette.BOUGHT, palette.RECOMMENDED, palette.RECOMMENDED_THEN, palette.FOUND, palette.TASTE)
    assert min(apart(one, other) for one in own for other in palette.CATEGORIES) > 60
    assert min(apart(one, other) for one in own for other in own if one != other) > 90
    found = view.Found(None, None, "")
    plain = scene.scene(item_map, "department", found).figure
    drawn = scene.scene(item_map, "department", found, shopper=shopper_on_map(item_map, item_map.live, "u001")).figure
    base = len(plain.data)
    for before, after in zip(plain.data, drawn.data[:base], strict=True):
        assert apart(after.marker.color, "#FFFFFF") < 0.3 * apart(before.marker.color, "#FFFFFF") + 2
    layers = {trace.marker.color for trace in drawn.data[base:]}
    assert layers == {palette.BOUGHT, palette.RECOMMENDED, palette.TASTE}


def test_what_has_not_changed_is_the_quietest_of_a_trend(item_map: ItemMap) -> None:
    trend = colouring(item_map, "trend") if item_map.trend is not None else Numbers("x", np.ones(3), middle=1.0)
    assert isinstance(trend, Numbers) and trend.middle == 1.0
    loud = [max(rgb) - min(rgb) for rgb in ([int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in palette.DIVERGING)]
    assert loud.index(min(loud)) == len(loud) // 2
    shown = scene.scene(item_map, "trend", view.Found(None, None, "")).figure
    scale = next(trace.marker for trace in shown.data if trace.marker.showscale)
    labels = dict(zip(scale.colorbar.ticktext, scale.colorbar.tickvals, strict=True))
    assert labels["1"] == pytest.approx(255 / 2)


def test_identical_models_have_not_moved(mapped: Workspace, item_map: ItemMap) -> None:
    twin = train_and_store(mapped, "small", SMALL_RECIPE, seed=1).model.id
    places = np.random.default_rng(0).uniform(-1, 1, (len(item_map.points), 2)).astype(np.float32)
    ids = [str(item) for item in item_map.points.item_ids]
    mapped.store.save_map(twin, pd.DataFrame({"item_id": ids, "x": places[:, 0], "y": places[:, 1]}))
    found = compare(item_map, open_map(mapped, mapped.load(twin)))
    assert "identical" in found.summary
    assert (found.table["moved"] == 0).all()
    draw(mapped, twin, MapSettings(), seed=0)
    assert mapped.store.map_manifest(twin)["facts"]["moved"] == 0


def test_an_area_of_the_link_holds_what_the_lasso_held(item_map: ItemMap) -> None:
    angle = np.linspace(0, 2 * np.pi, 300, endpoint=False)
    lasso = {"x": (0.5 * np.cos(angle)).tolist(), "y": (0.5 * np.sin(angle)).tolist()}
    area = area_of({"selection": {"box": [{"x": [0.9, 0.6], "y": [-1, 1]}], "lasso": [lasso]}})
    assert len(area) < 1500
    places = item_map.points.places
    inside = (np.linalg.norm(places, axis=1) <= 0.5) | ((places[:, 0] >= 0.6) & (places[:, 0] <= 0.9))
    wrong = set(ids_in(area, item_map.points)) ^ set(item_map.points.item_ids[inside])
    assert len(wrong) <= 2
    with pytest.raises(InvalidInput, match="cannot be read"):
        ids_in("0,0 1,oops", item_map.points)


def test_a_rule_of_too_many_is_refused_before_it_is_made() -> None:
    assert why_no_rule(["a"]) == ""
    assert "1,921 are selected" in why_no_rule(["a"] * 1921)


def test_the_pointer_finds_a_picture_or_a_tile(item_map: ItemMap) -> None:
    pictures = np.array([f"https://shop.example/{n}.jpg" for n in range(len(item_map.points))], dtype=object)
    nothing = view.Found(None, None, "")
    drawn = scene.scene(replace(item_map, points=replace(item_map.points, images=pictures)), "department", nothing)
    departments = item_map.live.items["department"]
    colours = category_colours(departments)
    points = [trace for trace in drawn.figure.data if trace.customdata is not None]
    seen = {row[0]: (row[2], row[5]) for trace in points for row in trace.customdata}
    tiles = drawn.figure.layout.meta["tiles"]
    for row, item in enumerate(item_map.points.item_ids):
        category, picture = seen[item]
        assert picture == pictures[row]
        letter, colour, _ = tiles[category]
        assert letter == category[0]
        assert colour == colours[departments.iloc[row]]
    plain = scene.scene(item_map, "department", nothing)
    assert all(len(row) == 5 for trace in plain.figure.data if trace.customdata is not None for row in trace.customdata)


def test_the_way_to_a_product_leads_over_its_categories_and_comes_nearer(item_map: ItemMap) -> None:
    model = item_map.live.model
    for row in range(0, len(item_map.points), 7):
        steps = zoom_steps(item_map, row)
        assert [steps[0].key, steps[-1].key] == ["whole", "product"]
        assert all(a.window.half > b.window.half for a, b in pairwise(steps))
        for step in steps[1:]:
            assert abs(item_map.points.x[row] - step.window.x) <= step.window.half
            assert abs(item_map.points.y[row] - step.window.y) <= step.window.half
        for step in steps[1:-1]:
            names_ = item_map.live.items[step.key].iloc[step.rows]
            assert set(names_) == {step.title} == {model.categories[row][model.category_levels.index(step.key)]}
            inside = np.abs(item_map.points.places[step.rows] - (step.window.x, step.window.y)).max(axis=1)
            assert (inside <= step.window.half).mean() >= 0.9
    assert len({len(zoom_steps(item_map, row)) for row in range(len(item_map.points))} - {2}), "some have categories"


def test_all_hits_of_a_search_are_lit_and_the_rest_is_dimmed(mapped: Workspace, item_map: ItemMap) -> None:
    word = str(item_map.live.items[c.TITLE].iat[0]).split()[0]
    found = view.find(mapped, word, limit=2)
    assert found.products is not None and found.rows is not None
    assert len(found.products) == 2 < len(found.rows) == int(item_map.live.model.items_with_words(word).sum())
    drawn = scene.scene(item_map, "department", found).figure
    (lit,) = (trace for trace in drawn.data if trace.name.startswith("Found"))
    assert len(lit.x) == len(found.rows)
    plain = scene.scene(item_map, "department", view.Found(None, None, ""), theme="dark").figure
    dark = scene.scene(item_map, "department", found, theme="dark").figure
    for before, after in zip(plain.data, dark.data, strict=False):
        assert after.marker.color == palette.towards(before.marker.color, "#0E1412", 0.72)
    nothing = view.find(mapped, "no such words")
    assert nothing.rows is None

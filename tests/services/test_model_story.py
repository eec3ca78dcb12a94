"""The story of a model is what lists and purchases say, counted here a second time; and it says why there is none."""

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys.dataset.dataset import Dataset
from recsys.models.hyperparameters import Hyperparameters
from recsys.recommend.recommender import Recommender
from recsys.services.model_card import shopper_examples, surprising_pairs
from recsys.services.model_card.card import card_of, html_of
from recsys.services.model_card.story import Story, story
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.training.train import train
from tests.conftest import SMALL_RECIPE
from tests.homes import copy_home
from tests.shops import checkerboard

ALS = Hyperparameters(components=16, epochs=4, threads=1)
START = np.datetime64("2024-01-01")


@pytest.fixture(scope="module")
def told(workspace: Workspace) -> Story:
    return story(workspace)


def accuracy(listed: list[str], bought: set[str]) -> float:
    """NDCG@10 by its formula."""
    gain = sum(1 / math.log2(place + 1) for place, item in enumerate(listed, 1) if item in bought)
    return gain / sum(1 / math.log2(place + 1) for place in range(1, min(10, len(bought)) + 1))


def counted(live: Recommender, data: Dataset) -> dict[str, tuple[list[str], list[str], set[str]]]:
    """Every judged shopper's list, bestsellers and new purchases, from the events themselves."""
    events = data.events.assign(
        user_id=data.users["user_id"].to_numpy()[data.events["user_id"]],
        item_id=data.items["item_id"].to_numpy()[data.events["item_id"]],
    )
    before = events["timestamp"] < pd.Timestamp(live.manifest.split.test_start)
    had = events[before].groupby("user_id")["item_id"].agg(set).to_dict()
    later = events[~before].groupby("user_id")["item_id"].agg(set).to_dict()
    buyers = Counter(item for items in had.values() for item in items)
    most = sorted(data.items["item_id"], key=lambda item: (-buyers[item], item))
    return {
        user: (
            [x.item_id for x in live.recommend(user).items],
            [item for item in most if item not in had[user]][:10],
            later[user] - had[user],
        )
        for user in had
        if later.get(user, set()) - had[user]
    }


def test_it_tells_what_lists_and_purchases_say(told: Story, live: Recommender, small_dataset: Dataset) -> None:
    truth = counted(live, small_dataset)
    ours = {user: accuracy(listed, bought) for user, (listed, _, bought) in truth.items()}
    theirs = {user: accuracy(popular, bought) for user, (_, popular, bought) in truth.items()}
    found = told.shoppers
    assert found is not None
    better, worse = (sum(sign * (ours[u] - theirs[u]) > 0 for u in truth) for sign in (1, -1))
    assert (found.better, found.worse, found.equal) == (better, worse, len(truth) - better - worse)
    assert better > worse and found.headline().startswith("It serves more shoppers better than bestsellers do")
    for one in (*found.best, *found.ahead, *found.worst):
        listed, popular, bought = truth[one.user_id]
        assert [item for item, _ in one.shown] == listed, "the list of the page that the link leads to"
        assert {x.item_id for x in one.bought} == bought
        assert one.accuracy == pytest.approx(ours[one.user_id])
        assert one.bestsellers == pytest.approx(theirs[one.user_id])
        for x in one.bought:
            assert x.place == (listed.index(x.item_id) + 1 if x.item_id in listed else None)
            assert x.bestseller == (popular.index(x.item_id) + 1 if x.item_id in popular else None)
    assert [x.accuracy for x in found.best] == pytest.approx(sorted(ours.values(), reverse=True)[:3])
    assert max(x.accuracy for x in found.worst) <= sorted(ours.values())[3 + 3 + 3]
    for one in found.ahead:
        assert any(x.place and not x.bestseller for x in one.bought)
    names = [x.user_id for x in (*found.best, *found.ahead, *found.worst)]
    assert len(names) == len(set(names)) == 9
    alone = sum(bool(set(listed) & bought) and not set(popular) & bought for listed, popular, bought in truth.values())
    assert f"The model alone found something for {alone}," in found.evidence
    assert f"{len(truth)} shoppers bought something for the first time in the held-out period, from " in found.evidence


def test_a_purchase_that_no_bestseller_list_can_find() -> None:
    """The planted truth: everything is equally popular, and each lacks the one product of their own number."""
    side = Recommender(train(checkerboard(40), replace(SMALL_RECIPE, learner="als", components=16), seed=0))
    from recsys.dataset.splitting import split_again

    class NoLinks:
        def of_shopper(self, user_id: str) -> tuple[()]:
            return ()

    split = split_again(checkerboard(40), side.manifest.split)
    found = shopper_examples.shopper_examples(side, split, NoLinks())  # type: ignore[arg-type]  # links are no matter
    assert found is not None
    for one in (*found.best, *found.ahead):
        assert [x.item_id for x in one.bought] == [one.user_id], "the withheld diagonal"
        assert one.bought[0].place == 1


def substitutes() -> Dataset:
    """Two tastes of sixty shoppers each. Who likes the first buys either tea or coffee, nobody both, of two categories;
    all of them buy the eight products of their taste."""
    rows = []
    for user in range(120):
        own = ["tea" if user % 4 < 2 else "coffee"] if user % 2 == 0 else []
        for n, item in enumerate([f"{'ab'[user % 2]}{n}" for n in range(8)] + own):
            if (user + 3 * n) % 7 or item in own:
                rows.append((f"u{user:03d}", item, START + np.timedelta64((user * 7 + n * 11) % 200, "D")))
    names = sorted({row[1] for row in rows})
    kinds = {"tea": "Leaves", "coffee": "Beans"}
    items = pd.DataFrame({"item_id": names, "title": [f"Product {name}" if name not in kinds else name.title()
                          for name in names], "kind": [kinds.get(name, "Other") for name in names]})  # fmt: skip
    return Dataset.from_raw(
        "substitutes", pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"]), items=items,
        category_levels=["kind"],
    )  # fmt: skip


def test_products_that_the_same_people_buy_instead_of_each_other_are_a_pair() -> None:
    model = train(substitutes(), replace(ALS, components=2), seed=1)  # as many as there are tastes
    found = surprising_pairs.surprising_pairs(model)
    pair = next(x for x in found.pairs if {x.one.item_id, x.other.item_id} == {"tea", "coffee"})
    assert pair.both == 0
    tea, coffee = (int(model.popularity[model.item_rows([name])[0]]) for name in ("tea", "coffee"))
    assert {pair.one.buyers, pair.other.buyers} == {tea, coffee} and tea >= surprising_pairs.FEWEST_BUYERS
    assert pair.by_chance == pytest.approx(tea * coffee / 120)
    directions = {name: model.item_embeddings[model.item_rows([name])[0]] for name in ("tea", "coffee")}
    cosine = np.dot(*directions.values()) / np.prod([np.linalg.norm(x) for x in directions.values()])
    assert pair.likeness == pytest.approx(cosine, abs=1e-5) and pair.likeness > 0.5
    nearest = [x.item_id for x in Recommender(model).similar(pair.one.item_id, 10)]
    assert nearest[pair.place - 1] == pair.other.item_id, "its place on the Product page"
    assert "Tea" in pair.words() and "though nobody had both" in pair.words() and "Leaves" in pair.words()
    assert not any("Product" in x.one.title and "Product" in x.other.title for x in found.pairs), "titles share a word"


def test_larger_shops_are_drawn_from_and_that_is_said(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    everybody = story(workspace).shoppers
    monkeypatch.setattr(shopper_examples, "MOST_SCORES", 20 * 160)
    monkeypatch.setattr(surprising_pairs, "MOST_COSINES", 5 * 160)
    found = story(workspace)
    assert everybody is not None and found.shoppers is not None
    of = everybody.better + everybody.worse + everybody.equal
    assert f"20 shoppers, drawn from {of}, bought" in found.shoppers.evidence
    assert found.shoppers.better + found.shoppers.worse + found.shoppers.equal == 20
    assert "5 drawn from" in found.looked_at


def home_of(data: Dataset, folder: Path) -> Workspace:
    workspace = Workspace(Settings.from_environment(folder))
    workspace.store.save_dataset(data)
    train_and_store(workspace, data.name, ALS, seed=1, promote=True)
    return workspace


def rows_of(users: int, items: int, events: int, *, timed: bool, days: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"user_id": rng.integers(0, users, events).astype(str), "item_id": rng.integers(0, items, events).astype(str)}
    )
    return table.assign(timestamp=START + rng.integers(0, days, events).astype("timedelta64[D]")) if timed else table


def test_five_products(tmp_path: Path) -> None:
    found = story(home_of(Dataset.from_raw("five", rows_of(40, 5, 120, timed=True)), tmp_path))
    assert found.shoppers is not None
    assert "only the order tells anything" in found.shoppers.evidence
    assert all(len(x.shown) <= 5 for x in (*found.shoppers.best, *found.shoppers.worst))
    assert not found.shoppers.ahead, "a list of everything misses nothing"


def test_no_times_and_no_categories(tmp_path: Path) -> None:
    home = home_of(Dataset.from_raw("plain", rows_of(60, 40, 900, timed=False)), tmp_path)
    found = story(home)
    assert found.shoppers is not None and found.shoppers.best
    assert "set aside at random" in found.shoppers.evidence and "held-out period" not in found.shoppers.evidence
    for example in found.pairs:
        assert example.pair.one.category == "" and "(" not in example.pair.words()
    assert "What it learned" in html_of(card_of(home))


def test_without_anything_held_out_it_says_why(trained_home: Path, tmp_path: Path) -> None:
    first = rows_of(30, 12, 300, timed=True, days=100)
    again = first.assign(timestamp=START + np.timedelta64(230, "D"))  # nobody buys anything new at the end
    between = pd.DataFrame([(str(u), str(u % 12)) for u in range(30)], columns=["user_id", "item_id"])
    everything = pd.concat([first, again, between.assign(timestamp=START + np.timedelta64(150, "D"))])
    found = story(home_of(Dataset.from_raw("same", everything), tmp_path / "same"))
    assert found.shoppers is None
    assert "nobody with a history bought anything for the first time" in found.note

    home = Workspace(Settings.from_environment(copy_home(trained_home, tmp_path / "gone")))
    home.store.delete_dataset("small")
    gone = story(home)
    assert gone.shoppers is None and "small" in gone.note
    assert gone.looked_at, "pairs need no purchases that were held out"
    assert gone.note in html_of(card_of(home)).replace("&#39;", "'")


def test_links_lead_to_the_model_that_is_told_of(trained_home: Path, tmp_path: Path) -> None:
    home = Workspace(Settings.from_environment(copy_home(trained_home, tmp_path / "home")))
    found = story(home).shoppers
    assert found is not None
    one = found.best[0]
    assert [(x.page, dict(x.query)) for x in one.links] == [
        ("shopper", {"shopper": one.user_id, "since": "true", "rules": "off"}),
        ("map", {"shopper": one.user_id}),
    ]
    assert one.links[0].words() == f"Shopper page, shopper {one.user_id}"
    other = train_and_store(home, "small", SMALL_RECIPE, seed=2).model.id
    aside = story(home, other)
    assert "The pages answer from the live model" in aside.seen and aside.shoppers is not None
    assert [(x.page, x.query["against"]) for x in aside.shoppers.best[0].links] == [("shopper", f"model:{other}")]


def test_worse_than_bestsellers_is_said() -> None:
    none: tuple[()] = ()
    worse = shopper_examples.ShopperExamples("", 3, 1_200, 5, none, none, none)
    assert worse.headline() == "Bestsellers serve more shoppers better than this model does (1,200) than worse (3)."
    assert "as many shoppers better than bestsellers do as worse (7)" in replace(worse, better=7, worse=7).headline()

"""The workbench below its pages: finding shoppers, leaving items out, comparing lists and models, taking it along."""

import io
import shlex
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import time_split
from recsys.errors import InvalidInput, NotFound
from recsys.models.fold_in import fold_in
from recsys.progress import OnProgress, Progress
from recsys.recommend.leave_one_out import fold_in_without, leave_one_out
from recsys.recommend.recommender import Recommender
from recsys.recommend.rules import Rules
from recsys.services.dials.popularity_dial import turn_and_store
from recsys.services.export import csv_bytes, curl_known, curl_new, excel_bytes
from recsys.services.search.user_search import LATELY_DAYS, NEW_DAYS, Search, UserSearch
from recsys.services.workbench import list_comparison
from recsys.services.workbench.list_comparison import compare, moves, rank_biased_overlap
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.views.product import audience
from recsys.views.product_cards import two_lines
from recsys.views.rule_cost import dial_alone, priced, reach_words
from tests.homes import copy_home

# Finding


@pytest.fixture(scope="module")
def stored(workspace: Workspace) -> Dataset:
    return workspace.dataset("small")


@pytest.fixture(scope="module")
def finder(live: Recommender, stored: Dataset) -> UserSearch:
    return UserSearch(live.model, stored)


@pytest.fixture(scope="module")
def past(small_dataset: Dataset) -> pd.DataFrame:
    """Every event before the cut, with outside ids: for answers worked out another way."""
    cut = time_split(small_dataset).test_start
    events = small_dataset.events[small_dataset.events["timestamp"] < cut]
    return events.assign(
        user_id=small_dataset.users["user_id"].to_numpy()[events["user_id"]],
        item=small_dataset.items["item_id"].to_numpy()[events["item_id"]],
        title=small_dataset.items["title"].to_numpy()[events["item_id"]],
        department=small_dataset.items["department"].to_numpy()[events["item_id"]],
        shelf=small_dataset.items["shelf"].to_numpy()[events["item_id"]],
        days=(cut - events["timestamp"]).dt.total_seconds() / 86400,
    )


def users_of(finder: UserSearch, live: Recommender, search: Search) -> set[str]:
    return set(live.users["user_id"].iloc[finder.rows(search)])


def test_what_is_told_of_a_shopper_is_so(finder: UserSearch, past: pd.DataFrame) -> None:
    table = finder.find(Search(), limit=200).table.set_index("user_id")
    own = past.groupby("user_id")
    assert table["purchases"].to_dict() == own.size().to_dict()
    assert table["products"].to_dict() == own["item"].nunique().to_dict()
    assert table["spent"].to_dict() == pytest.approx(own["value"].sum().to_dict(), rel=1e-5)
    assert table["last"].to_dict() == own["timestamp"].max().to_dict()


@pytest.mark.parametrize(
    ("text", "first"),
    [("U007", "u007"), ("user 017", "u017"), ("u0999", "u099"), ("<b>u011</b>", "u011"), ("12", None)],
)
def test_ids_like_one_that_nobody_has(finder: UserSearch, text: str, first: str | None) -> None:
    found, alike = finder.near(text, 5)
    assert alike
    shown = found.table["user_id"].tolist()
    assert len(shown) <= 5
    assert all("12" in user for user in shown) if first is None else shown[0] == first


def test_where_no_id_is_alike_those_who_buy_most_are_offered(finder: UserSearch) -> None:
    for text in ("xyz", "", "***", "[("):
        found, alike = finder.near(text, 5)
        assert not alike
        assert found.table["purchases"].tolist() == sorted(finder.purchases.astype(int), reverse=True)[:5]


def test_by_what_they_bought_and_not_lately(finder: UserSearch, live: Recommender, past: pd.DataFrame) -> None:
    title = past["title"].mode()[0]
    text = (past["title"] + " " + past["department"] + " " + past["shelf"]).str.lower()
    mine = past[[all(word in line for word in title.lower().split()) for line in text]]
    assert users_of(finder, live, Search(bought=title)) == set(mine["user_id"])
    newest = mine.groupby("user_id")["days"].min()
    expected = set(newest[newest > LATELY_DAYS].index)
    assert expected
    assert users_of(finder, live, Search(bought=title, not_lately=True)) == expected
    page = finder.find(Search(bought=title)).table
    assert page["bought_last"].is_monotonic_decreasing


def test_by_behaviour(finder: UserSearch, live: Recommender, past: pd.DataFrame) -> None:
    own = past.groupby("user_id")
    assert users_of(finder, live, Search(behaviour="new")) == set(own["days"].max()[lambda d: d <= NEW_DAYS].index)
    assert users_of(finder, live, Search(behaviour="lapsed")) == set(own["days"].min()[lambda d: d > LATELY_DAYS].index)
    pairs = past.drop_duplicates(["user_id", "item"])
    share = pairs.groupby("user_id")["department"].agg(lambda d: d.value_counts(normalize=True).iloc[0])
    assert users_of(finder, live, Search(behaviour="one")) == set(share[share >= 0.8].index)
    loyal = users_of(finder, live, Search(behaviour="loyal"))
    assert loyal
    assert min(own.size()[list(loyal)]) >= own.size().quantile(0.8) - 1


def test_hard_to_serve_are_those_without_a_hit(finder: UserSearch, live: Recommender, small_dataset: Dataset) -> None:
    split = time_split(small_dataset)
    found = finder.find(Search(behaviour="hard"), limit=200).table
    assert len(found)
    for user_id, missed in zip(found["user_id"], found["missed"], strict=True):
        row = live.model.user_row(user_id)
        later = set(split.test.counts[row].indices) - set(split.training.counts[row].indices)
        shown = set(live.model.item_rows([item.item_id for item in live.recommend(user_id).items]).tolist())
        assert len(later) == missed > 0
        assert not later & shown


def test_pages_and_turns(finder: UserSearch, live: Recommender) -> None:
    search = Search(attributes={"age": "45+"})
    whole = finder.find(search, limit=200)
    assert set(whole.table["age"]) == {"45+"}
    assert finder.find(search, limit=5, start=5).table["user_id"].tolist() == whole.table["user_id"].tolist()[5:10]
    assert whole.total == len(whole.table)
    first, last = whole.table["user_id"].iloc[[0, -1]]
    assert finder.neighbour(last, 1, search) == first
    assert finder.neighbour(first, -1, search) == last
    assert finder.neighbour("nobody", 1, search) == first
    assert finder.any(3, search) in set(whole.table["user_id"])
    assert finder.find(Search(query="u01"), limit=1).table["user_id"].tolist() == ["u010"]
    assert finder.find(Search(query="011"), limit=1).table["user_id"].tolist() == ["u011"]


def test_finding_nobody(finder: UserSearch, live: Recommender) -> None:
    assert finder.find(Search(bought="caviar")).total == 0
    with pytest.raises(NotFound, match="take a condition away"):
        finder.any(1, Search(bought="caviar"))
    with pytest.raises(InvalidInput, match="No user attribute 'shoe'"):
        finder.find(Search(attributes={"shoe": "42"}))
    with pytest.raises(InvalidInput, match="No behaviour 'odd'"):
        finder.find(Search(behaviour="odd"))
    with pytest.raises(InvalidInput, match="no longer stored"):
        UserSearch(live.model).find(Search(behaviour="hard"))


# Leaving out


def test_nothing_left_out_is_the_fold_in_itself(live: Recommender) -> None:
    model = live.model
    for user in (1, 17, 63):
        items = model.history.counts.indices[model.history.of_user(user)].astype(np.int64)
        start = model.lightfm.user_embeddings[-1] / 2
        whole = fold_in(items, model.item_embeddings, model.item_biases, start=start)
        found = fold_in_without(
            items, np.zeros(0, np.int64), model.item_embeddings, model.item_biases, start=start
        )  # fmt: skip
        np.testing.assert_allclose(found[0], whole, atol=2e-4)


def test_many_left_out_at_once_are_each_left_out_alone(live: Recommender) -> None:
    model = live.model
    items = model.history.counts.indices[model.history.of_user(5)].astype(np.int64)
    together = fold_in_without(items, np.array([0, 3, 4]), model.item_embeddings, model.item_biases)
    for place, left_out in enumerate([0, 3, 4], start=1):
        alone = fold_in_without(items, np.array([left_out]), model.item_embeddings, model.item_biases)
        np.testing.assert_allclose(together[place], alone[1], atol=2e-4)


def test_those_of_the_same_kind_speak_for_an_item() -> None:
    rng = np.random.default_rng(0)
    kinds = np.repeat([0, 1], 150)
    vectors = (np.eye(2)[kinds] * 2 - 1 + rng.normal(0, 0.15, (300, 2))).astype(np.float32)
    biases = np.zeros(300, np.float32)
    history = np.array([0, 1, 2, 150, 151])
    found = leave_one_out(7, history, vectors, biases)
    assert set(found.items[:3]) == {0, 1, 2}
    assert (found.falls[:3] > 0).all()
    assert found.clear[:3].any()
    assert found.falls[3:].max() < found.falls[:3].min()
    assert set(leave_one_out(7, history, vectors, biases, most=2).items) <= {0, 1, 2}
    assert len(leave_one_out(7, np.zeros(0, np.int64), vectors, biases).items) == 0


# Comparing


def test_rank_biased_overlap_on_known_values() -> None:
    assert rank_biased_overlap("abc", "abc") == pytest.approx(1.0)
    assert rank_biased_overlap("abc", "xyz") == 0.0
    assert rank_biased_overlap("", "") == 1.0
    assert rank_biased_overlap("", "ab") == 0.0
    # Depth 1 agrees 0 of 1, depth 2 agrees 2 of 2; p = 0.9: 0.1/0.9 * (0 + 0.81) + 0.81.
    assert rank_biased_overlap("ab", "ba") == pytest.approx(0.1 / 0.9 * 0.81 + 0.81)
    assert rank_biased_overlap("abcd", "dbca") < rank_biased_overlap("abcd", "abdc")


@given(a=st.lists(st.integers(0, 12), unique=True, max_size=9), b=st.lists(st.integers(0, 12), unique=True, max_size=9))
@settings(max_examples=80, deadline=None)
def test_rank_biased_overlap_is_symmetric_and_bounded(a: list[int], b: list[int]) -> None:
    value = rank_biased_overlap(a, b)
    assert 0 <= value <= 1 + 1e-9
    assert value == pytest.approx(rank_biased_overlap(b, a))
    assert rank_biased_overlap(a, a) == pytest.approx(1.0)


def test_moves_say_what_became_of_each_item(live: Recommender) -> None:
    items = live.recommend("u001", 5).items
    now = tuple(item._replace(rank=rank) for rank, item in enumerate([items[2], *items[:2]], start=1))
    found = moves(live, items, now)
    assert found.table["move"].tolist() == ["▲ 2", "▼ 1", "▼ 1"]
    assert found.gone["item_id"].tolist() == [items[3].item_id, items[4].item_id]
    assert found.overlap == pytest.approx(3 / 5)
    assert moves(live, items, items).summary == "Nothing changes."
    assert moves(live, (), items).table["move"].tolist() == ["new"] * 5


def test_a_model_does_not_differ_from_itself(live: Recommender, stored: Dataset) -> None:
    found = compare(live, live, stored)
    assert (found.users, found.overlap, found.rbo) == (120, 1.0, pytest.approx(1.0))
    assert (found.measures["difference"] == 0).all()
    assert found.measures["a"].iloc[0] == pytest.approx(
        live.manifest["metrics"]["lanes"]["discover"]["model"]["ndcg"]["value"], abs=1e-6
    )
    assert compare(live, live).note.startswith("The data they were trained on")


# Taking along

NASTY = ["=1+1", "+1", "-1", "@x", "\t=1", "<b>bold</b>", "عطر", "x" * 500, "plain, with comma", '"quoted"']


def test_no_cell_of_a_csv_is_a_formula() -> None:
    table = pd.DataFrame({"title": NASTY, "score": np.linspace(-1, 1, len(NASTY)), "=head": 1})
    back = pd.read_csv(io.BytesIO(csv_bytes(table)))
    assert not back["title"].str.startswith(("=", "+", "-", "@", "\t")).any()
    assert back["score"].tolist() == pytest.approx(table["score"].tolist())
    assert back["title"].iloc[6] == "عطر"
    assert "'=head" in back.columns


def test_no_cell_of_a_workbook_is_a_formula() -> None:
    table = pd.DataFrame(
        {"title": [*NASTY, None], "at": pd.Timestamp("2024-05-01"), "n": [*range(len(NASTY)), np.nan], "yes": True}
    )
    with zipfile.ZipFile(io.BytesIO(excel_bytes({"One: [list]": table, "Two": table.head(0)}))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in sheet
        assert "hyperlink" not in sheet
        texts = book.read("xl/sharedStrings.xml").decode()
        assert "=1+1" in texts
        assert "x" * 500 in texts


@pytest.mark.parametrize("user", ["1001", "a b/c", "x'; rm -rf ~ #", "$(id)"])
def test_commands_are_quoted(user: str) -> None:
    parts = shlex.split(curl_known("http://localhost:8000", user, {"k": 5, "category": ["A&B", "C"], "rules": None}))
    assert len(parts) == 2
    assert parts[1].endswith("/recommendations?k=5&category=A%26B&category=C")
    body: dict[str, Any] = {"history": [user], "user": {}, "rules": None}
    parts = shlex.split(curl_new("http://localhost:8000", body))
    assert parts[-2] == "-d"
    assert user in parts[-1]


# What a page waits for, and what it shows


@pytest.mark.parametrize(
    "work",
    [
        lambda home, live, told: priced(home, live.model.id, Rules(diversity=0.2), on_progress=told),
        lambda home, live, told: dial_alone(home, live.model.id, on_progress=told),
        lambda home, live, told: reach_words(live, Rules(diversity=0.2), on_progress=told),
        lambda home, live, told: audience(live, "00007", on_progress=told),
        lambda home, live, told: list_comparison.compare(live, live, home.dataset("small"), on_progress=told),
        lambda home, live, told: turned_and_gone(home, live.model.id, told),
    ],
    ids=["price", "dial", "reach", "audience", "compare", "turn"],
)
def test_a_wait_says_how_far_it_is(
    work: Callable[[Workspace, Recommender, OnProgress], object], trained_home: Path, tmp_path: Path
) -> None:
    home = Workspace(Settings.from_environment(copy_home(trained_home, tmp_path / "home")))
    said: list[Progress] = []
    work(home, home.load(), said.append)
    far = [progress.fraction for progress in said]
    assert far == sorted(far)
    assert 0 <= far[0] < far[-1] < 1
    assert all(progress.step for progress in said)


def turned_and_gone(home: Workspace, model_id: str, told: OnProgress) -> None:
    made = turn_and_store(home, model_id, 0.5, on_progress=told)
    assert made.id in home.store.models()


def test_titles_begin_with_what_differs() -> None:
    titles = [
        "Bananas, 40 lb · no. 1",
        "Bananas, 40 lb · no. 2",
        "Bananas",
        "Bananas, 8 oz",
        "Milk, 1 gal · Brand",
    ]
    assert two_lines(titles) == [
        ("no. 1", "Bananas, 40 lb"), ("no. 2", "Bananas, 40 lb"), ("Bananas", ""), ("8 oz", "Bananas"),
        ("Milk", "1 gal · Brand"),
    ]  # fmt: skip
    assert two_lines(["Tea", "Tea"]) == [("Tea", ""), ("Tea", "")]

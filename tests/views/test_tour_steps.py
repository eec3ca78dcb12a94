"""The steps of the tour: which apply in a home, what they say, and where somebody stands whose step is gone."""

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from recsys import access
from recsys.dataset.dataset import Dataset
from recsys.services.promotion import delete_model, promote
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.views.home.example_shopper import Example, example
from recsys.views.tour import FIRST, NO_SECOND, Step, standing, steps
from tests.conftest import SMALL_RECIPE
from tests.homes import copy_home
from tests.shops import checkerboard

ALL = ["shopper", "why", "what-if", "rules", "map", "train", "compare", "promote"]
MOST_LETTERS = 270
"""Of a step's text: what fits on a phone above the page."""


@pytest.fixture(autouse=True)
def nobody_asks() -> Iterator[None]:
    before = access._ask
    access.ask_with(lambda: None)
    yield
    access._ask = before


@pytest.fixture
def home(trained_home: Path, tmp_path: Path) -> Workspace:
    return Workspace(Settings.from_environment(copy_home(trained_home, tmp_path / "home")))


def of(home: Workspace) -> tuple[Step, ...]:
    return steps(home, example(home))


def applying(found: tuple[Step, ...]) -> list[str]:
    return [step.name for step in found if not step.missing]


def missing(found: tuple[Step, ...], name: str) -> str:
    return next(step.missing for step in found if step.name == name)


def test_with_one_model_there_is_nothing_to_compare_or_promote(workspace: Workspace) -> None:
    found = of(workspace)
    assert [step.name for step in found] == ALL
    assert applying(found) == ALL[:6]
    assert missing(found, "compare") == missing(found, "promote") == NO_SECOND
    assert "Compare and promote follow" in found[5].text


def test_the_steps_are_about_the_shopper_that_home_shows(workspace: Workspace) -> None:
    shown = example(workspace)
    assert shown is not None
    found = of(workspace)
    assert {step.values["shopper"] for step in found if "shopper" in step.values} == {shown.user_id}
    assert found[1].link == {"shopper": shown.user_id, "section": "Why"}


def test_a_second_model_adds_the_steps_about_it_and_their_end_is_said(home: Workspace) -> None:
    other = train_and_store(home, "small", SMALL_RECIPE, seed=2).model.id
    found = of(home)
    assert applying(found) == ALL
    assert "Compare and promote follow" not in found[5].text
    assert found[6].values["against"] == [f"model:{other}"]
    assert found[7].link == {"model": other}
    delete_model(home, other)
    stands = standing(of(home), "compare")
    assert (stands.step.name, stands.place, stands.of, stands.next) == ("train", 6, 6, None)
    assert stands.note == f"“Compare” is left out: {NO_SECOND}."


def test_after_the_promotion_the_second_model_is_the_one_before(home: Workspace) -> None:
    before = str(home.live_id())
    other = train_and_store(home, "small", SMALL_RECIPE, seed=2).model.id
    promote(home, other)
    assert of(home)[7].link == {"model": before}


def test_a_model_on_other_data_is_no_second_model(home: Workspace) -> None:
    home.store.save_dataset(checkerboard())
    train_and_store(home, "checkerboard", SMALL_RECIPE)
    assert applying(of(home)) == ALL[:6]


@pytest.mark.parametrize(
    ("role", "left"), [("viewer", ["train", "promote"]), ("merchandiser", ["promote"]), ("admin", [])]
)
def test_what_a_role_may_not_do_is_left_out(home: Workspace, role: access.Role, left: list[str]) -> None:
    train_and_store(home, "small", SMALL_RECIPE, seed=2)
    access.ask_with(lambda: access.Visitor(role, ""))
    found = of(home)
    assert applying(found) == [name for name in ALL if name not in left]
    for name in left:
        assert "needs the role" in missing(found, name)


def test_without_a_map_that_step_is_left_out(home: Workspace) -> None:
    for file in (home.settings.home / "maps").rglob("*"):
        if file.is_file():
            file.unlink()
    for folder in (home.settings.home / "maps").iterdir():
        folder.rmdir()
    assert "map" not in applying(of(home))
    stands = standing(of(home), "map")
    assert stands.step.name == "train"
    assert "no map yet" in stands.note


def test_without_the_data_nothing_is_promised_that_needs_them(home: Workspace) -> None:
    home.store.delete_dataset("small")
    found = of(home)
    assert applying(found) == ["shopper", "why", "what-if", "map"]
    assert "has not seen" not in found[0].text


def test_a_shopper_without_purchases_has_none_to_take_away(home: Workspace) -> None:
    late = pd.DataFrame({"user_id": ["late"], "item_id": ["000"], "timestamp": [pd.Timestamp("2024-06-25")]})
    shop = checkerboard()
    users, items = (shop.users["user_id"].to_numpy(), shop.items["item_id"].to_numpy())
    events = shop.events.assign(user_id=users[shop.events["user_id"]], item_id=items[shop.events["item_id"]])
    columns = ["user_id", "item_id", "timestamp"]
    home.store.save_dataset(Dataset.from_raw("late", pd.concat([events[columns], late])))
    live = train_and_store(home, "late", SMALL_RECIPE, promote=True)
    assert not live.model.history.counts[[live.model.user_index.get_loc("late")]].nnz
    found = steps(home, Example("late", (), (("000", True),), "", None))
    assert "no purchase of shopper late" in missing(found, "what-if")
    assert applying(found)[:3] == ["shopper", "why", "rules"]


def test_data_without_times_and_categories_have_a_tour(home: Workspace) -> None:
    rows = [(f"{u:03d}", f"{i:03d}") for u in range(30) for i in range(30) if u % 2 == i % 2 and (u * i) % 7]
    home.store.save_dataset(Dataset.from_raw("bare", pd.DataFrame(rows, columns=["user_id", "item_id"])))
    train_and_store(home, "bare", SMALL_RECIPE, promote=True)
    found = of(home)
    assert applying(found) == ["shopper", "why", "what-if", "rules", "train"]
    assert "“What was set aside of theirs”" in found[0].text


def test_texts_are_short(home: Workspace) -> None:
    train_and_store(home, "small", SMALL_RECIPE, seed=2)
    for step in of(home):
        assert len(step.text) <= MOST_LETTERS, step.name
        assert 2 <= len(re.findall(r"[.:;](?= |$)", step.text)) <= 4, step.name


def test_every_step_is_followed_by_the_next_one(workspace: Workspace) -> None:
    found = of(workspace)
    stands = standing(found, FIRST)
    seen = []
    while True:
        assert stands.note == ""
        seen.append(stands.step.name)
        assert (stands.place, stands.of) == (len(seen), 6)
        assert (stands.back.name if stands.back else None) == (seen[-2] if seen[1:] else None)
        if stands.next is None:
            break
        stands = standing(found, stands.next.name)
    assert seen == ALL[:6]


def test_a_step_that_nobody_knows_begins_anew_and_is_said(workspace: Workspace) -> None:
    stands = standing(of(workspace), "3")
    assert stands.step.name == FIRST
    assert "no step “3”" in stands.note

"""What a promotion would change: figures paired over the same shoppers, and a guard that finds harm."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

from recsys.api.app import create_api
from recsys.dataset.splitting import split_again
from recsys.errors import InsiderError
from recsys.evaluation.evaluate import evaluate
from recsys.evaluation.significance import LEVEL, compare
from recsys.services import promotion_figures
from recsys.services.freshness import freshness
from recsys.services.promotion import rollback
from recsys.services.promotion_preview import preview
from recsys.services.training_service import train_and_store
from recsys.services.workbench.expectations import Expectation, Expectations
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.utils import formatting as fmt
from tests.commands import run
from tests.conftest import SMALL_RECIPE
from tests.homes import copy_home


@pytest.fixture(scope="module")
def home(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("preview") / "home"
    copy_home(trained_home, folder)
    return Workspace(Settings.from_environment(folder))


def test_a_ruined_candidate_is_found_worse_and_an_equal_one_is_not(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotion_figures, "MIN_SEGMENT", 20)
    bad = train_and_store(home, "small", replace(SMALL_RECIPE, epochs=1, learning_rate=0.0001), seed=9).model.id
    found = preview(home, bad)
    assert found.warnings and any("all shoppers" in text for text in found.warnings)
    assert found.kept is not None and found.kept < 0.7
    assert found.measures[0].verdict == "worse"
    unhealthy = [text for text in found.warnings if text.startswith("Against the strongest simple method: Worse than")]
    assert unhealthy == list(found.unhealthy)
    command = run("models", "promote", bad, environment={"INSIDER_HOME": str(home.settings.home)})
    assert command.exit_code == 0
    assert unhealthy[0] in command.stderr.replace("\n", " ")
    rollback(home)
    back = preview(home, str(home.live_id()), live_id=bad)
    assert back.measures[0].difference == pytest.approx(-found.measures[0].difference)
    assert set(back.warnings) == set(back.unhealthy)
    assert {row.group for row in found.segments} >= {"Activity"}


def test_verdicts_are_those_of_the_paired_test_and_allow_for_the_number_of_segments(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotion_figures, "MIN_SEGMENT", 5)
    found = preview(home, train_and_store(home, "small", SMALL_RECIPE, seed=8).model.id)
    both = [home.load(x).model for x in (found.candidate, str(found.live))]
    split = split_again(home.dataset("small"), both[0].manifest.split)
    judged = [evaluate(model, split.training.counts, split.judged, only=("ndcg",)) for model in both]
    expected = compare(*judged)
    row = found.measures[0]
    assert (row.difference, row.low, row.high, row.p_value, row.verdict) == (
        expected.difference, expected.low, expected.high, expected.p_value, expected.verdict,
    )  # fmt: skip
    assert len(found.segments) > 3
    for row in found.segments:
        assert (row.verdict != "cannot tell") == (row.p_value < LEVEL / len(found.segments))


def test_exposure_adds_up(home: Workspace) -> None:
    other = train_and_store(home, "small", SMALL_RECIPE, seed=4).model.id
    found = preview(home, other)
    assert (found.items["candidate"] - found.items["live"] == found.items["change"]).all()
    assert found.shoppers["shared"].is_monotonic_increasing
    assert found.shoppers["shared"].between(0, 1).all()


def test_the_preview_says_first_what_will_change(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = train_and_store(home, "small", replace(SMALL_RECIPE, epochs=1, learning_rate=0.0001), seed=9).model
    live = home.load().model
    found = preview(home, bad.id)
    split = split_again(home.dataset("small"), live.manifest.split)
    old, new = (evaluate(m, split.training.counts, split.judged, only=("ndcg",)) for m in (live, bad))
    assert found.coverage == ((old.shown > 0).mean(), (new.shown > 0).mean())
    other = [set(a) != set(b) for a, b in zip(old.lists.tolist(), new.lists.tolist(), strict=True)]
    assert found.changed == pytest.approx(np.mean(other))
    assert found.headline.startswith("Accuracy falls by ")
    said = [fmt.measured(value, is_share=True) for value in found.coverage]
    assert found.coverage[0] != found.coverage[1]
    went = "falls" if found.coverage[1] < found.coverage[0] else "rises"
    assert f"catalogue coverage {went} from {said[0]} to {said[1]} of all products" in found.headline
    assert f"{found.changed:.0%} of shoppers get another list" in found.headline


def test_an_identical_model_is_said_to_be_identical(home: Workspace) -> None:
    user = str(home.load().users["user_id"].iloc[3])
    Expectations(home.database).save(Expectation("Nobody", user=user, must_show=("no such product",)))
    twin = train_and_store(home, "small", SMALL_RECIPE, seed=1).model.id
    found = preview(home, twin)
    assert found.identical and "Nothing will change" in found.headline and not found.warnings
    other = preview(home, train_and_store(home, "small", SMALL_RECIPE, seed=12).model.id)
    assert not other.identical
    assert [x.broken for x in other.expectations] == [()], "the live model fails it as well"
    assert not any("Expectation" in warning for warning in other.warnings)
    assert "no expectation is newly broken" in other.headline
    Expectations(home.database).delete("Nobody")


def test_itself_and_nothing_live_are_said(home: Workspace) -> None:
    assert "live already" in preview(home, str(home.live_id())).note


def test_fresh_and_stale(home: Workspace) -> None:
    now = freshness(home)
    assert not now.stale and now.new_events == 0 and "no purchases newer" in now.words()
    assert freshness(home, "other").stale
    data = home.dataset("small")
    events = data.events.copy()
    latest = events.sample(400, random_state=0).assign(timestamp=events["timestamp"].max() + np.timedelta64(1, "D"))
    home.store.save_dataset(
        replace(
            data,
            events=pd.concat([events, latest]).sort_values(
                ["user_id", "item_id", "timestamp"], kind="stable", ignore_index=True
            ),
        )
    )
    later = freshness(home)
    assert later.new_events == 400 and later.stale and "more purchases" in later.reasons[0]


def test_expectations_are_asked_before_a_promotion(trained_home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "home"
    copy_home(trained_home, folder)
    home = Workspace(Settings.from_environment(folder))
    other = train_and_store(home, "small", SMALL_RECIPE, seed=6)
    user = str(other.users["user_id"].iloc[3])
    before = {item.item_id for item in home.load().recommend(user).items}
    shown = next(item.item_id for item in other.recommend(user).items if item.item_id not in before)
    Expectations(home.database).save(Expectation("Ann", user=user, must_not=(shown,)))
    found = preview(home, other.model.id)
    assert [(x.name, x.ok) for x in found.expectations] == [("Ann", False)]
    assert any(text.startswith("Expectation Ann:") for text in found.warnings)
    assert "expectation is newly broken" in found.headline


@pytest.mark.parametrize("gone", [False, True], ids=["a byte was changed", "its folder is gone"])
def test_a_damaged_live_version_is_named_and_the_one_before_answers(
    trained_home: Path, tmp_path: Path, gone: bool
) -> None:
    folder = tmp_path / "home"
    copy_home(trained_home, folder)
    home = Workspace(Settings.from_environment(folder))
    good = str(home.live_id())
    bad = train_and_store(home, "small", SMALL_RECIPE, seed=6, promote=True).model.id
    assert not home.damaged_live()
    file, named = folder / "models" / bad / "item_embeddings.npy", bad if gone else "item_embeddings.npy"
    if gone:
        shutil.rmtree(file.parent)
    else:
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
    fresh = Workspace(Settings.from_environment(folder))
    with pytest.raises(InsiderError, match=named):
        fresh.load(bad)
    assert fresh.load().model.id == good
    assert fresh.load().model.id == good, "and again, without reading the damaged one anew"
    assert all(word in fresh.damaged_live() for word in (bad, named, good))
    environment = {"INSIDER_HOME": str(folder)}
    for command in (
        ("recommend", "u001"),
        ("events", "show"),
        ("models",),
        ("models", "show", "live"),
        ("similar", "00001"),
    ):
        told = run(*command, "--json", environment=environment)
        assert told.exit_code == 0, (command, told.stderr)
    with TestClient(create_api(fresh)) as client:
        assert client.get("/v1/model").json()["id"] == client.get("/readyz").json()["model"] == good
        assert client.get("/v1/users/u001/recommendations").json()["model"] == good
    assert rollback(fresh) == good and not fresh.damaged_live()


@pytest.mark.parametrize("learning_rate, promoted", [("0.0001", False), ("0.1", True)])
def test_the_command_promotes_only_what_is_not_worse(
    trained_home: Path, tmp_path: Path, learning_rate: str, promoted: bool
) -> None:
    folder = tmp_path / "home"
    copy_home(trained_home, folder)
    home = Workspace(Settings.from_environment(folder))
    before = home.live_id()
    epochs = "1" if not promoted else "8"
    options = ["components=8", f"epochs={epochs}", "max_sampled=50", "threads=1", "learner=warp", "bands="]
    options.append(f"learning_rate={learning_rate}")
    command = ["train", "--dataset", "small", "--seed", "2", "--promote", "--unless-worse", "--json"]
    command += [x for option in options for x in ("--set", option)]
    ran = run(*command, environment={"INSIDER_HOME": str(folder)})
    assert ran.exit_code == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["promoted"] is promoted
    assert home.live_id() == (told["model"] if promoted else before)

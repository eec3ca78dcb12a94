"""What a promotion would change: figures paired over the same shoppers, and a guard that finds harm."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys import promotion as module
from recsys.freshness import freshness
from recsys.promotion import preview
from recsys.settings import Settings
from recsys.workspace import Workspace
from tests.conftest import SMALL_RECIPE


@pytest.fixture(scope="module")
def home(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("preview") / "home"
    shutil.copytree(trained_home, folder)
    return Workspace(Settings.from_environment(folder))


def test_a_ruined_candidate_is_found_worse_and_an_equal_one_is_not(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MIN_SEGMENT", 20)
    bad = home.train_now("small", replace(SMALL_RECIPE, epochs=1, learning_rate=0.0001), seed=9).model.id
    found = preview(home, bad)
    assert found.warnings and any("all shoppers" in text for text in found.warnings)
    assert found.kept is not None and found.kept < 0.7
    assert found.measures[0].verdict == "worse"
    back = preview(home, str(home.live_id()), live_id=bad)
    assert back.measures[0].difference == pytest.approx(-found.measures[0].difference)
    assert not back.warnings
    assert {row.group for row in found.segments} >= {"Activity"}


def test_exposure_adds_up(home: Workspace) -> None:
    other = home.train_now("small", SMALL_RECIPE, seed=4).model.id
    found = preview(home, other)
    assert (found.items["candidate"] - found.items["live"] == found.items["change"]).all()
    assert found.shoppers["shared"].is_monotonic_increasing
    assert found.shoppers["shared"].between(0, 1).all()


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

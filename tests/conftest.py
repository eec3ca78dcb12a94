"""Fixtures shared by all tests. Expensive ones are built once per session and never changed."""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("INSIDER_ROUGH_RUNS", "0")

import pytest
from playwright.sync_api import Browser
from streamlit.components.v2 import manifest_scanner

from recsys import access
from recsys.dataset.dataset import Dataset
from recsys.models.hyperparameters import Hyperparameters
from recsys.projection.projection import item_map
from recsys.recommend.recommender import Recommender
from recsys.services.datasets import import_demo
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from tests.clusters import running_cluster
from tests.homes import gave_up_locks
from tests.serving import chromium
from tests.shops import planted_shop

SMALL_RECIPE = Hyperparameters(
    learner="warp",
    components=8,
    epochs=8,
    max_sampled=50,
    threads=1,
    learning_rate=0.1,
    patience=3,
    variety=0.0,
    bands=(),
)
"""Without bands: the prices of the planted shop are drawn at random. `tests/models/test_item_columns.py` has them."""


@pytest.fixture(autouse=True)
def nobody_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest gives every test the same session; a visitor settled in one must not be that of the next."""
    monkeypatch.setattr(access, "sessions", access.Sessions())


@pytest.fixture(scope="session", autouse=True)
def components_looked_for_once() -> Iterator[None]:
    """Each AppTest looks through every installed package for components of Streamlit: 0.4 s, and always the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session")
def small_dataset() -> Dataset:
    return planted_shop()


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory, small_dataset: Dataset) -> Path:
    """An INSIDER_HOME with the dataset `small` and one live model that has a map. Copy it before changing it."""
    home = tmp_path_factory.mktemp("home")
    workspace = Workspace(Settings.from_environment(home))
    workspace.store.save_dataset(small_dataset)
    live = train_and_store(workspace, "small", SMALL_RECIPE, seed=1, promote=True)
    ids = [str(item) for item in live.items["item_id"]]
    workspace.store.save_map(live.model.id, item_map(ids, live.item_embeddings, reduce=lambda rows, _: rows[:, :2]))
    return home


@pytest.fixture(autouse=True)
def databases_keep_their_locks(request: pytest.FixtureRequest) -> Iterator[None]:
    """The test that gives up the locks on a shared home is named, not those after it that find its database broken."""
    yield
    for name in ("trained_home", "demo_home"):
        if name in request.fixturenames:
            assert not gave_up_locks(request.getfixturevalue(name)), "copy homes by `copy_home`"


@pytest.fixture(scope="session")
def workspace(trained_home: Path) -> Workspace:
    return Workspace(Settings.from_environment(trained_home))


@pytest.fixture(scope="session")
def live(workspace: Workspace) -> Recommender:
    return workspace.load()


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in data with a model that was hardly trained: its ids and categories are what counts here. Copy it
    before changing it."""
    home = tmp_path_factory.mktemp("demo")
    workspace = Workspace(Settings.from_environment(home))
    import_demo(workspace)
    quick = Hyperparameters(components=4, epochs=1, max_sampled=5, half_life_days=0)
    train_and_store(workspace, "demo", quick, promote=True)
    return home


@pytest.fixture(scope="session")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Dask scheduler with two workers, each a process of its own."""
    with running_cluster(tmp_path_factory.mktemp("dask")) as cluster:
        yield cluster.address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One real browser for all tests marked `browser`."""
    with chromium() as started:
        yield started

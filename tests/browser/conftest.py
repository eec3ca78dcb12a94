"""What the browser tests share: one server over the small shop, and one over a shop that is hard to show truthfully."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from recsys.projection.projection import item_map
from recsys.recommend.rules import Rules
from recsys.services.map_job import EXPOSURE, TREND, exposure, trend
from recsys.services.training_service import train_and_store
from recsys.services.workbench.rule_sets import RuleSets
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from tests.conftest import SMALL_RECIPE
from tests.serving import page_of, running_app
from tests.shops import planted_shop

PATIENCE = 120_000
"""Milliseconds: a busy machine is no fault of the page."""

expect.set_options(timeout=PATIENCE)

PICTURES = "https://pictures.example/"
PIXEL = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
SHELVES = {"Dairy shelf 0": "Cheese", "Dairy shelf 1": "Cheeses", "Bakery shelf 0": "Coffee shop sweet goods"}
FIVE = "Five pins"
N_ITEMS = 520
"""More than a rule takes."""


@dataclass(frozen=True)
class Trust:
    """A served home.

    Attributes:
        other, twin: models that are not live; the twin was trained as the live one was, and its map was drawn anew.
    """

    home: Workspace
    url: str
    other: str
    twin: str


@pytest.fixture(scope="session")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trust]:
    """A shop with categories of nearly the same name, long titles that end alike, and pictures; three models."""
    shop = planted_shop("trust", n_users=60, n_items=N_ITEMS)
    items = shop.items.assign(
        shelf=[SHELVES.get(str(shelf), str(shelf)) for shelf in shop.items["shelf"]],
        title=[f"One product line with a name that is far too long for any chart, no. {i}" for i in range(N_ITEMS)],
        image_url=[f"{PICTURES}{i}.png" if i % 2 else None for i in range(N_ITEMS)],
    )
    home = Workspace(Settings.from_environment(tmp_path_factory.mktemp("trust")))
    home.store.save_dataset(dataclasses.replace(shop, items=items))
    live = train_and_store(home, "trust", SMALL_RECIPE, seed=1, promote=True)
    other = train_and_store(home, "trust", SMALL_RECIPE.with_settings({"epochs": "2"}), seed=2).model.id
    twin = train_and_store(home, "trust", SMALL_RECIPE, seed=1).model.id
    new = [item.item_id for item in live.recommend("u001", 15).items]
    RuleSets(home.database).save(FIVE, Rules(pins=tuple(new[-5:])))
    ids = [str(item) for item in live.items["item_id"]]
    details = pd.DataFrame({"item_id": ids, EXPOSURE: exposure(live.model), TREND: trend(home, live.model)})
    for model, columns in ((live.model.id, (0, 1)), (twin, (2, 3))):
        drawn = item_map(ids, live.item_embeddings, reduce=lambda rows, _, at=columns: rows[:, at])
        home.store.save_map(model, drawn, details=details)
    with running_app(home.settings.home, tmp_path_factory.mktemp("trust-app") / "log") as url:
        yield Trust(home, url, other, twin)


@pytest.fixture(scope="session")
def home(trust: Trust) -> Workspace:
    return trust.home


@pytest.fixture(scope="session")
def url(trust: Trust) -> str:
    return trust.url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with page_of(browser, height=1400) as opened:
        opened.set_default_timeout(PATIENCE)
        with pictures_answered(opened):
            yield opened


@contextmanager
def pictures_answered(page: Page) -> Iterator[None]:
    """Answer for the host of the pictures. `page.route` would do it as well, and switch off the browser's cache."""
    protocol = page.context.new_cdp_session(page)

    def answer(paused: dict[str, Any]) -> None:
        picture = {"responseCode": 200, "responseHeaders": [{"name": "Content-Type", "value": "image/gif"}]}
        protocol.send("Fetch.fulfillRequest", {"requestId": paused["requestId"], "body": PIXEL, **picture})

    protocol.on("Fetch.requestPaused", answer)
    protocol.send("Fetch.enable", {"patterns": [{"urlPattern": f"{PICTURES}*"}]})
    yield
    protocol.detach()


@pytest.fixture(scope="session")
def small_url(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the small shop is served; for tests that change nothing in it."""
    with running_app(trained_home, tmp_path_factory.mktemp("small-app") / "log") as address:
        yield address

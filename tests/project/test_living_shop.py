"""A shop whose log grows: after any events, announced items and new users, whatever reads a model works, and all of it
gives one answer."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest
from typer.main import get_command

from recsys.api.app import create_api
from recsys.cli.app import app as command_line
from recsys.dataset.event_kinds import weight_of
from recsys.item_map import scene
from recsys.item_map import view as map_view
from recsys.item_map.points import open_map
from recsys.item_map.shopper import shopper_on_map
from recsys.projection.projection import item_map
from recsys.recommend.rules import Boost, Rules
from recsys.services.freshness import freshness
from recsys.services.search.user_history import user_history
from recsys.services.search.user_search import BEHAVIOURS, Search, UserSearch
from recsys.services.training_service import train_and_store
from recsys.services.workbench import target_user
from recsys.services.workbench.rule_sets import RuleSets
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings
from recsys.views import compare, explanation, models, product, quality, rule_cost, shopper, shopper_history
from recsys.views.home.overview import overview
from recsys.views.what_if import rules_preview, what_if
from tests.commands import run
from tests.conftest import SMALL_RECIPE
from tests.homes import copy_home
from tests.shops import planted_shop

KNOWN, STRANGERS = ("u001", "u040"), ("visitor", "later visitor")
SOLD, NEW, UNHEARD = ("00001", "00005"), ("new-1", "new-2"), "never announced"
RULES = "Push the new"

EVENTS = st.fixed_dictionaries(
    {"user_id": st.sampled_from(KNOWN + STRANGERS), "item_id": st.sampled_from((*SOLD, *NEW, UNHEARD))},
    optional={
        "timestamp": st.sampled_from(("2024-02-01T10:00:00Z", "2024-07-21T10:00:00Z", "2025-01-01T00:00:00Z")),
        "event": st.sampled_from(("view", "purchase", "refund", "sniffed")),
        "value": st.sampled_from((0.0, 3.5)),
    },
)
ITEMS = st.fixed_dictionaries(
    {"item_id": st.sampled_from((*NEW, SOLD[0]))},
    optional={
        "title": st.just("New"), "price": st.just(2.5), "brand": st.sampled_from(("Store brand", "Nobody's")),
        "category": st.sampled_from((["Garden"], ["Dairy", "Dairy shelf 1"], ["Nowhere", "Neither"])),
    },
)  # fmt: skip
USERS = st.fixed_dictionaries(
    {
        "user_id": st.sampled_from(("announced", *STRANGERS, KNOWN[0])),
        "attributes": st.sampled_from(({}, {"age": "45+"})),
    }
)
SENT = st.fixed_dictionaries(
    {}, optional={
        "events": st.lists(EVENTS, min_size=1, max_size=6), "items": st.lists(ITEMS, min_size=1, max_size=2),
        "users": st.lists(USERS, min_size=1, max_size=2),
    },
).filter(bool)  # fmt: skip

ALL_OF_IT: list[dict[str, Any]] = [
    {"items": [{"item_id": "new-1", "title": "Rake", "category": ["Garden", "Garden shelf 1"], "price": 2.5}]},
    {
        "events": [
            {"user_id": "u001", "item_id": "00005"}, {"user_id": "u001", "item_id": "new-1"},
            {"user_id": "visitor", "item_id": "new-1"}, {"user_id": "visitor", "item_id": "00001", "event": "view"},
            {"user_id": "visitor", "item_id": UNHEARD}, {"user_id": "later visitor", "item_id": UNHEARD},
            {"user_id": "u040", "item_id": "00001", "timestamp": "2024-02-01T10:00:00Z"},
        ],
        "users": [{"user_id": "announced", "attributes": {"age": "45+"}}],
        "items": [{"item_id": "new-2"}],
    },
]  # fmt: skip


@pytest.fixture(scope="module")
def two_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two models of a small shop, one of them live and mapped."""
    folder = tmp_path_factory.mktemp("living")
    workspace = Workspace(Settings.from_environment(folder))
    workspace.store.save_dataset(planted_shop(n_users=60, n_items=80))
    train_and_store(workspace, "small", SMALL_RECIPE, seed=2, baselines=False)
    live = train_and_store(workspace, "small", SMALL_RECIPE, seed=1, promote=True, baselines=False)
    ids = [str(item) for item in live.items["item_id"]]
    drawn = item_map(ids, live.item_embeddings, reduce=lambda rows, _: rows[:, :2])
    workspace.store.save_map(live.model.id, drawn)
    return folder


class Shop:
    """A copy of the home, its API, and the commands over it."""

    def __init__(self, origin: Path, folder: Path) -> None:
        self.home = copy_home(origin, folder)
        self.workspace = Workspace(Settings.from_environment(self.home))
        self.api = TestClient(create_api(self.workspace), base_url="http://127.0.0.1", client=("127.0.0.1", 5000))
        live = self.workspace.live_id()
        self.other = next(name for name in self.workspace.store.models() if name != live)

    def send(self, sent: Mapping[str, Any]) -> None:
        answer = self.api.post("/v1/events", json=dict(sent))
        assert answer.status_code == 200, answer.text

    def command(self, *words: str) -> Any:
        done = run(*words, environment={"INSIDER_HOME": str(self.home)})
        assert done.exit_code == 0, (words, done.stderr, done.exception)
        return done

    def users(self) -> list[str]:
        activity = self.workspace.load().activity
        assert activity is not None
        return list(dict.fromkeys([*KNOWN, "u007", *activity.new_users()]))


@pytest.fixture
def shop(two_models: Path, tmp_path: Path) -> Shop:
    return Shop(two_models, tmp_path / "home")


def lines(items: Any) -> list[tuple[str, float]]:
    return [(item["item_id"], round(item["score"], 9)) for item in items]


def logged(shop: Shop, user: str) -> set[str]:
    """What somebody had, by the log."""
    events = shop.workspace.event_log.of_user("small", user)
    return {item for _, item, _, _, kind in events if weight_of(kind)[0] > 0}


def one_answer_everywhere(shop: Shop) -> None:
    """The same list by the command line, the API, its batch, the file of everybody and the page."""
    users = shop.users()
    out = shop.home / "all.parquet"
    counted = json.loads(shop.command("batch", "--out", str(out), "-k", "5", "--json").stdout)["users"]
    table = pd.read_parquet(out)
    batch = shop.api.post("/v1/recommendations/batch", json={"user_ids": users, "k": 5}).json()["answers"]
    for user, of_batch in zip(users, batch, strict=True):
        answer = shop.api.get(f"/v1/users/{user}/recommendations?k=5").json()
        assert of_batch == answer
        rows = table[table["user_id"] == user].sort_values("rank")
        assert lines(rows.to_dict("records")) == lines(answer["items"]), user
        shown = shopper.view(shop.workspace, user, k=5, rules=RuleSets(shop.workspace.database).asked(None)).recommended
        assert shown["item_id"].tolist() == [item["item_id"] for item in answer["items"]]
        past = shop.api.get(f"/v1/users/{user}/history").json()["items"]
        learned = {row["item_id"] for row in past if not row["after_cut"]} | logged(shop, user)
        assert not learned & {item["item_id"] for item in answer["items"]}, "what they had is not recommended"
    for user in users[-2:]:
        said = json.loads(shop.command("recommend", user, "-k", "5", "--json").stdout)
        assert said == shop.api.get(f"/v1/users/{user}/recommendations?k=5").json()
    known = shop.workspace.load().model.rows_of_users
    assert counted == len(known) + sum(user not in known for user in users)


def every_route_answers(shop: Shop) -> None:
    """All that is read, for everybody and everything that the live model or the log knows."""
    known = shop.workspace.load().model.rows_of_items
    document = shop.api.get("/openapi.json").json()["paths"]
    asked = 0
    for path in (path for path, methods in document.items() if "get" in methods):
        items = [item for item in (*SOLD, *NEW) if item in known] if "{item_id}" in path else [""]
        for user in shop.users() if "{user_id}" in path else [""]:
            for item in items:
                answer = shop.api.get(path.format(user_id=user, item_id=item), params=QUERIES.get(path, {}))
                assert answer.status_code == 200, (path, user, item, answer.text)
                asked += 1
    assert asked > len(QUERIES)


QUERIES: dict[str, dict[str, Any]] = {
    "/v1/users/{user_id}/recommendations": {"lane": "all", "explain": True, "rules": RULES},
    "/v1/users": {"query": "visitor"},
    "/v1/items": {"query": "new"},
}


def every_view_shows(shop: Shop) -> None:
    """What the pages show, beside the lists."""
    workspace, live = shop.workspace, shop.workspace.load()
    rules, drawn = RuleSets(workspace.database).get(RULES), open_map(workspace, live)
    others = [compare.MODEL + shop.other, compare.RULES + RULES]
    for user in shop.users():
        subject = target_user.known(live, user)
        later = shopper_history.later_of(workspace, live, user)
        shopper_history.table(live, subject, later)
        spoken = shopper_history.timeline(workspace, live, subject)
        if spoken is not None:
            assert spoken.weeks["purchases"].sum() == user_history(workspace, user)["count"].sum()
        for item in subject.recommend(live, 3, "all").items:
            explanation.why(live, subject, item, rules=rules)
            explanation.item_influences(live, subject, item.item_id)
        what_if(live, subject, plus=live.model.item_ids[-1:])
        rules_preview(live, subject, rules)
        assert not compare.side_by_side(workspace, subject, others).problems or user not in KNOWN
        on_map = shopper_on_map(drawn, live, user, list(SOLD))
        assert on_map.taste is not None or not len(on_map.history)
    for other in others:
        told = compare.everybody(workspace, live.model.id, other)
        assert len(told.measures), told.note
    for item in (name for name in (*SOLD, *NEW) if name in live.model.rows_of_items):
        assert product.view(workspace, item).item_id == item
        product.audience(live, item)
        found = map_view.find(workspace, item)
        assert (found.focus is None) == (item in live.announced_items())
        scene.scene(drawn, "popularity", found)
    finder = UserSearch(live.trained, workspace.dataset_of(live.model.id))
    assert [finder.find(Search(behaviour=name)) for name in BEHAVIOURS]
    rule_cost.priced(workspace, live.model.id, rules)
    overview(workspace)
    models.versions(workspace)
    quality.view(workspace)
    freshness(workspace)


def rules_that_name(shop: Shop) -> None:
    """A rule set that names whatever is new by now."""
    fresh = tuple(sorted(shop.workspace.load().announced_items()))
    rules = Rules(pins=fresh[:1], boosts=tuple(Boost("item", name, 1.0) for name in fresh), diversity=0.2)
    RuleSets(shop.workspace.database).save(RULES, rules if fresh else Rules(pins=SOLD[:1]))


FEW = settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@FEW
@given(sent=st.lists(SENT, min_size=1, max_size=3), open_before=st.booleans())
@example(sent=ALL_OF_IT, open_before=True)
def test_whatever_is_sent_everything_that_reads_works_and_agrees(
    two_models: Path, tmp_path_factory: pytest.TempPathFactory, sent: list[dict[str, Any]], open_before: bool
) -> None:
    shop = Shop(two_models, tmp_path_factory.mktemp("shop") / "home")
    if open_before:
        open_map(shop.workspace, shop.workspace.load())
    for part in sent:
        shop.send(part)
    rules_that_name(shop)
    one_answer_everywhere(shop)
    every_route_answers(shop)
    every_view_shows(shop)


NOT_HERE = {
    "serve": "never ends", "tune": "trains as `train` does, many times",
    "dataset import": "reads files", "dataset demo": "reads other data", "dataset delete": "takes the data away",
    "note": "reads no model", "keys create": "reads no model", "keys list": "reads no model",
    "keys rotate": "reads no model", "keys revoke": "reads no model", "keys delete": "reads no model",
    "rules save": "in `every_view_shows`", "restore": "needs an empty home",
}  # fmt: skip

COMMANDS: dict[str, Callable[[Shop], list[str]]] = {
    "dataset list": lambda shop: [],
    "dataset show": lambda shop: ["small"],
    "events show": lambda shop: [],
    "runs": lambda shop: [],
    "expectations": lambda shop: [],
    "evaluate": lambda shop: ["--baselines"],
    "recommend": lambda shop: ["visitor", "--lane", "all", "--explain"],
    "similar": lambda shop: ["new-1"],
    "batch": lambda shop: ["--out", str(shop.home / "b.parquet"), "--rules", RULES],
    "quality": lambda shop: [],
    "rules": lambda shop: [],
    "rules show": lambda shop: [RULES],
    "rules price": lambda shop: [RULES],
    "rules serve": lambda shop: [RULES],
    "rules undo": lambda shop: [],
    "models": lambda shop: [],
    "models show": lambda shop: ["live"],
    "models log": lambda shop: [],
    "models report": lambda shop: ["live", "--out", str(shop.home / "report.html")],
    "models preview": lambda shop: [shop.other],
    "models dial": lambda shop: ["live", "0.5"],
    "train": lambda shop: ["--dataset", "small", "--preset", "fast", "--set", "components=8", "--promote"],
    "models rollback": lambda shop: [],
    "models promote": lambda shop: [shop.other],
    "rules delete": lambda shop: [RULES],
    "models prune": lambda shop: ["--keep", "9"],
    "models delete": lambda shop: [next(x for x in shop.workspace.store.models() if x != shop.workspace.live_id())],
    "backup": lambda shop: [str(shop.home.parent / "backup.zip")],
    "events forget": lambda shop: ["visitor"],
}


def commands(group: Any, before: str = "") -> Iterator[str]:
    """Names of all commands, those that only hold others left out."""
    for name, command in group.commands.items():
        inner = getattr(command, "commands", {})
        if not inner or command.invoke_without_command:
            yield before + name
        if inner:
            yield from commands(command, f"{before}{name} ")


def test_every_command_is_here_or_has_a_reason_not_to_be() -> None:
    assert set(commands(get_command(command_line))) == COMMANDS.keys() | NOT_HERE.keys()


def test_every_command_works_over_a_log_with_everything_in_it(shop: Shop) -> None:
    for part in ALL_OF_IT:
        shop.send(part)
    rules_that_name(shop)
    for name, more in COMMANDS.items():
        if name == "rules delete":
            shop.command("rules", "serve", "off")
        shop.command(*name.split(), *more(shop))
        if name == "train":
            one_answer_everywhere(shop)
            shop.send(ALL_OF_IT[1])
            shop.command("evaluate")
            one_answer_everywhere(shop)


@pytest.mark.parametrize("page", ["home", "shopper", "item", "map", "models", "quality", "runs", "train", "data"])
def test_every_page_draws_over_a_log_with_everything_in_it(
    shop: Shop, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ALL_OF_IT:
        shop.send(part)
    monkeypatch.setenv("INSIDER_HOME", str(shop.home))
    monkeypatch.setenv("INSIDER_OPEN_DASHBOARD", "1")
    drawn = AppTest.from_file(str(PROJECT_ROOT / "pages" / "main.py"), default_timeout=60).run()
    asked = {"shopper": {"shopper": "visitor"}, "item": {"item": "new-1"}, "map": {"item": "new-1", "shopper": "u001"}}
    for key, value in asked.get(page, {}).items():
        drawn.query_params[key] = value
    drawn.switch_page(f"{page}.py").run()
    assert not drawn.exception, drawn.exception

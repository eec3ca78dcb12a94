"""Events: durable, stored once, in the next answer of their user, in the next training, gone when forgotten."""

import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from benchmarks.kill import events_survive
from recsys.api.app import create_api
from recsys.api.schemas import EventIn
from recsys.dataset.event_kinds import is_unwanted
from recsys.models.hyperparameters import Hyperparameters
from recsys.services.freshness import not_learned
from recsys.services.quality_assessment import evaluate_stored
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.storage.database import Database
from recsys.storage.event_log import Conflict, Event, EventLog, Mark
from recsys.views import shopper
from tests.conftest import SMALL_RECIPE
from tests.homes import copy_home

EVENTS = "/v1/events"
NOW = datetime(2024, 7, 20, 12)


@pytest.fixture
def home(trained_home: Path, tmp_path: Path) -> Workspace:
    """A copy of the trained home, with a log of its own."""
    return Workspace(Settings.from_environment(copy_home(trained_home, tmp_path / "home")))


def client_of(workspace: Workspace, **options: Any) -> TestClient:
    return TestClient(
        create_api(workspace), base_url="http://127.0.0.1", client=("127.0.0.1", 5000), raise_server_exceptions=False,
        **options,
    )  # fmt: skip


@pytest.fixture
def client(home: Workspace) -> TestClient:
    return client_of(home)


def had(user: str, item: str, **more: Any) -> dict[str, Any]:
    return {"user_id": user, "item_id": item, "timestamp": "2024-07-20T12:00:00Z", **more}


def item_ids(client: TestClient, user: str, **query: Any) -> list[str]:
    found = client.get(f"/v1/users/{user}/recommendations", params=query)
    assert found.status_code == 200, found.text
    return [item["item_id"] for item in found.json()["items"]]


# In the answers


def test_an_event_is_in_the_next_answer_of_its_user_and_of_nobody_else(client: TestClient) -> None:
    before = client.get("/v1/users/u001/recommendations")
    other = client.get("/v1/users/u002/recommendations")
    first = before.json()["items"][0]["item_id"]
    assert client.post(EVENTS, json={"events": [had("u001", first)]}).json()["accepted"] == 1
    after = client.get("/v1/users/u001/recommendations", headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.json()["path"] == "folded"
    assert first not in [item["item_id"] for item in after.json()["items"]]
    assert first in item_ids(client, "u001", lane="again", k=100)
    same = client.get("/v1/users/u002/recommendations", headers={"If-None-Match": other.headers["etag"]})
    assert same.status_code == 304


def test_events_move_a_known_user_towards_what_they_had(home: Workspace, client: TestClient) -> None:
    live = home.load()
    garden = [str(x) for x in live.items.loc[live.items["department"] == "Garden", "item_id"]]

    def share() -> float:
        found = client.get("/v1/users/u001/recommendations", params={"k": 20}).json()["items"]
        return float(np.mean([item["category"][0] == "Garden" for item in found]))

    user = live.model.user_row("u001")
    taste = live.model.history.counts[user].indices
    before = share()
    assert "Garden" not in {live.items["department"].iloc[i] for i in taste[:3]} or before < 1.0
    assert client.post(EVENTS, json={"events": [had("u001", item) for item in garden[:25]]}).status_code == 200
    assert share() > before


def test_somebody_new_gets_answers_of_their_own(home: Workspace, client: TestClient) -> None:
    live = home.load()
    assert client.get("/v1/users/visitor/recommendations").status_code == 404
    dairy = [str(x) for x in live.items.loc[live.items["department"] == "Dairy", "item_id"]][:6]
    client.post(EVENTS, json={"events": [had("visitor", item) for item in dairy]})
    answer = client.get("/v1/users/visitor/recommendations", params={"explain": True}).json()
    assert answer["path"] == "folded"
    assert not {item["item_id"] for item in answer["items"]} & set(dairy)
    assert sum(item["category"][0] == "Dairy" for item in answer["items"]) >= 7
    for item in answer["items"]:
        parts = [reason["value"] for reason in item["reasons"] if reason["additive"]]
        assert sum(parts) == pytest.approx(item["score"], abs=1e-4)
    same = live.recommend_for(dairy)
    assert [item["item_id"] for item in answer["items"]] == [item.item_id for item in same.items]
    history = client.get("/v1/users/visitor/history").json()
    assert {item["item_id"] for item in history["items"]} == set(dairy)
    assert client.get("/v1/users", params={"query": "visi"}).json()["users"][0]["products"] == 6


def test_somebody_announced_gets_answers_by_what_is_known_of_them(home: Workspace, client: TestClient) -> None:
    client.post(EVENTS, json={"users": [{"user_id": "young", "attributes": {"age": "19-24"}}]})
    answer = client.get("/v1/users/young/recommendations").json()
    assert answer["path"] == "cold"
    expected = home.load().recommend_for(user={"age": "19-24"})
    assert [item["item_id"] for item in answer["items"]] == [item.item_id for item in expected.items]
    odd = client.post(EVENTS, json={"users": [{"user_id": "x", "attributes": {"shoe_size": "44"}}]})
    assert odd.status_code == 422
    assert "shoe_size" in odd.json()["detail"]
    client.post(EVENTS, json={"users": [{"user_id": "odd", "attributes": {"age": "never heard of"}}]})
    assert client.get("/v1/users/odd/recommendations").json()["path"] == "popular"


def test_a_new_item_is_recommended_by_its_categories(home: Workspace, client: TestClient) -> None:
    live = home.load()
    shelf = live.items[live.items["department"] == "Drinks"].iloc[0]
    new = {"item_id": "new-1", "title": "Brand new", "category": [shelf["department"], shelf["shelf"]],
           "brand": shelf["brand"], "price": 2.5}  # fmt: skip
    assert client.get("/v1/items/new-1").status_code == 404
    unknown = client.post(EVENTS, json={"events": [had("u001", "new-1")]}).json()["unknown_items"]
    assert unknown == ["new-1"]
    assert client.post(EVENTS, json={"items": [new]}).status_code == 200
    found = client.get("/v1/items/new-1").json()
    assert (found["title"], found["category"], found["price"]) == ("Brand new", new["category"], 2.5)
    near = client.get("/v1/items/new-1/similar", params={"k": 5}).json()["items"]
    assert [item["category"][0] for item in near].count("Drinks") >= 4
    for query in ({"k": 160}, {"k": 160, "category": "Drinks", "explain": True}):
        assert "new-1" in item_ids(client, "u002", **query)
    assert "new-1" not in item_ids(client, "u001", k=160), "an event from before the announcement counts from now on"
    assert client.get("/v1/items", params={"query": "brand new"}).json()["items"][0]["item_id"] == "new-1"
    too_deep = client.post(EVENTS, json={"items": [{**new, "category": ["a", "b", "c"]}]})
    assert too_deep.status_code == 422
    assert "department, shelf" in too_deep.json()["detail"]


def test_a_new_item_of_which_nothing_is_known_is_harmless(client: TestClient) -> None:
    items = [{"item_id": "bare"}, {"item_id": "odd", "category": ["never heard of", ""], "brand": "nor of this"}]
    assert client.post(EVENTS, json={"items": items, "events": [had("u001", "bare")]}).status_code == 200
    assert client.get("/v1/items/bare").json()["title"] == "bare"
    assert client.get("/v1/items/odd/similar").status_code == 200
    assert len(item_ids(client, "u001")) == 10


def test_page_and_api_answer_alike_for_a_user_with_events(home: Workspace, client: TestClient) -> None:
    live = home.load()
    first = live.recommend("u007", 2).items[0].item_id
    client.post(EVENTS, json={"events": [had("u007", first), had("u007", "00003")]})
    for lane in ("discover", "again", "all"):
        view = shopper.view(home, "u007", k=8, lane=lane)
        assert view.answer.path == "folded"
        assert item_ids(client, "u007", k=8, lane=lane) == list(view.recommended["item_id"])
        for item in view.answer.items[:3]:
            assert shopper.why(home.load(), "u007", item).sentence


def test_history_tells_what_happened_since(home: Workspace, client: TestClient) -> None:
    before = {x["item_id"]: x for x in client.get("/v1/users/u001/history?limit=1000").json()["items"]}
    item = next(iter(before))
    client.post(EVENTS, json={"events": [had("u001", item, value=2.5), had("u001", "never-heard-of")]})
    found = {x["item_id"]: x for x in client.get("/v1/users/u001/history?limit=1000").json()["items"]}
    assert found[item]["count"] == before[item]["count"] + 1
    assert found[item]["value"] == pytest.approx(before[item]["value"] + 2.5, abs=1e-3)
    assert found[item]["last"] == "2024-07-20T12:00:00"
    assert found["never-heard-of"]["after_cut"] is True
    assert len(found) == len(before) + 1


def test_another_process_sees_events_at_once(home: Workspace, client: TestClient) -> None:
    other = client_of(Workspace(home.settings))
    first = item_ids(other, "u003")[0]
    for n in range(1, 6):
        client.post(EVENTS, json={"events": [had("u003", first), had("new", f"{n:05d}")]})
        assert first not in item_ids(other, "u003")
        assert other.get("/v1/users/new/history").json()["total"] == n


def test_a_worker_that_is_first_asked_after_an_event_sees_it(home: Workspace, client: TestClient) -> None:
    parent = Workspace(home.settings)
    before = parent.event_log.version()
    parent.before_fork()
    client.post(EVENTS, json={"events": [had("u001", "00003")]})
    assert parent.event_log.version() != before, "a new connection counts from where every connection does"


def test_a_restart_loses_nothing(home: Workspace, client: TestClient) -> None:
    client.post(EVENTS, json={"events": [had("u001", "00001"), had("fresh", "00002")],
                              "items": [{"item_id": "new-1", "category": ["Dairy"]}]})  # fmt: skip
    again = client_of(Workspace(home.settings))
    for url in ("/v1/users/u001/recommendations?k=50", "/v1/users/fresh/recommendations", "/v1/items/new-1"):
        assert again.get(url).json() == client.get(url).json()


# Stored once


def test_the_same_event_is_stored_once(home: Workspace, client: TestClient) -> None:
    body = {"events": [had("u001", "00001", id="order-1"), had("u001", "00002", id="order-2")]}
    assert client.post(EVENTS, json=body).json()["accepted"] == 2
    again = client.post(EVENTS, json=body).json()
    assert (again["accepted"], again["duplicates"]) == (0, 2)
    twice = {"events": [had("u001", "00003", id="order-3")] * 2}
    assert client.post(EVENTS, json=twice).json()["accepted"] == 1
    headers = {"Idempotency-Key": "request-1"}
    unnamed = {"events": [had("u001", "00004"), had("u001", "00004")]}
    assert client.post(EVENTS, json=unnamed, headers=headers).json()["accepted"] == 2
    assert client.post(EVENTS, json=unnamed, headers=headers).json()["duplicates"] == 2
    assert home.event_log.size("small")["events"] == 5


def test_a_key_used_for_another_event_is_a_conflict_and_stores_nothing(home: Workspace, client: TestClient) -> None:
    client.post(EVENTS, json={"events": [had("u001", "00001", id="order-1")]})
    answer = client.post(EVENTS, json={"events": [had("u001", "00007", id="x"), had("u001", "00009", id="order-1")]})
    assert answer.status_code == 409
    assert "order-1" in answer.json()["detail"]
    assert home.event_log.size("small")["events"] == 1
    inside = {"events": [had("u001", "00001", id="y"), had("u001", "00002", id="y")]}
    assert client.post(EVENTS, json=inside).status_code == 409


def test_eight_writers_with_the_same_events_store_each_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log.sqlite'}"
    batch = [Event(f"k{n}", "u", f"i{n}", NOW) for n in range(200)]
    accepted: list[int] = []

    def write(log: EventLog, seed: int) -> None:
        order = np.random.default_rng(seed).permutation(200)
        accepted.extend(log.append("d", [batch[i] for i in order[s : s + 20]]).accepted for s in range(0, 200, 20))

    threads = [threading.Thread(target=write, args=(EventLog(Database(url)), seed)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(accepted) == 200
    assert EventLog(Database(url)).size("d")["events"] == 200


def test_logs_of_datasets_are_apart(tmp_path: Path) -> None:
    log = EventLog(Database(f"sqlite:///{tmp_path / 'log.sqlite'}"))
    for name in ("a", "b"):
        assert log.append(name, [Event("k", "u", name, NOW)]).accepted == 1
    assert log.of_user("a", "u")[0][1] == "a"
    with pytest.raises(Conflict, match="'k'"):
        log.append("a", [Event("k", "u", "other", NOW)])
    assert log.forget("a", "u") == 1
    assert log.size("b")["events"] == 1
    assert log.head("c") == Mark()


@pytest.mark.parametrize(
    ("event", "word"),
    [
        ({"item_id": "00001"}, "user_id is missing"),
        ({"user_id": "", "item_id": "00001"}, "user_id"),
        ({"user_id": "u001", "item_id": 7}, "item_id is 7"),
        ({"user_id": "u\x00", "item_id": "00001"}, "user_id"),
        ({"user_id": "u001", "item_id": "00001", "timestamp": "yesterday"}, "timestamp"),
        ({"user_id": "u001", "item_id": "00001", "timestamp": "2124-01-01"}, "between 1970 and now"),
        ({"user_id": "u001", "item_id": "00001", "quantity": -1}, "for pieces that came back send the event 'return'"),
        ({"user_id": "u001", "item_id": "00001", "quantity": 0}, "quantity is 0: a quantity lies above 0"),
        ({"user_id": "(not set)", "item_id": "00001"}, "'(not set)': that stands for a missing value"),
        ({"user_id": "Not Set", "item_id": "00001"}, "that stands for nobody"),
        ({"user_id": "u001", "item_id": "00001", "quantity": 2_000_000}, "quantity"),
        ({"user_id": "u001", "item_id": "00001", "value": -5}, "for money that goes back send the event 'refund'"),
        ({"user_id": "u001", "item_id": "00001", "timestamp": "03/04/2024 10:00"}, "timestamp"),
        ({"user_id": "u001", "item_id": "00001", "timestamp": "2024-01-03 10:00 XYZ"}, "timestamp"),
        ({"user_id": "u001", "item_id": "00001", "value": "NaN"}, "value"),
        ({"user_id": "u001", "item_id": "00001", "id": "x" * 201}, "id"),
        ({"user_id": "u001", "item_id": "00001", "colour": "red"}, "colour"),
    ],
)
def test_an_event_that_cannot_be_used_is_named_and_none_is_stored(
    home: Workspace, client: TestClient, event: dict[str, Any], word: str
) -> None:
    answer = client.post(EVENTS, json={"events": [had("u001", "00001"), event]})
    assert answer.status_code == 422, answer.text
    assert word in answer.json()["detail"]
    assert answer.json()["errors"][0]["field"].startswith("events.1")
    assert home.event_log.size("small")["events"] == 0


TIMES = {
    1704299784: "16:36:24", 1704299784123: "16:36:24", 1704299784000000: "16:36:24", "1704299784000000000": "16:36:24",
    "2024-01-03 16:36:24 +0200": "14:36:24", "2024-01-03 16:36:24 EST": "21:36:24", "20240103": "00:00:00",
    "Wed, 03 Jan 2024 16:36:24 +0000": "16:36:24", "03.01.2024 16:36": "16:36:00",
    "Jan 3, 2024, 4:36:24 PM": "16:36:24",
    "2024-01-03T16:36:24+02:00": "14:36:24", "2024-01-03 16": "16:00:00",
}  # fmt: skip


@pytest.mark.parametrize("written", TIMES)
def test_times_mean_what_they_mean_in_an_import(written: str | int) -> None:
    event = EventIn.model_validate({"user_id": "u", "item_id": "i", "timestamp": written})
    assert event.timestamp is not None and f"{event.timestamp:%Y-%m-%d %H:%M:%S}" == f"2024-01-03 {TIMES[written]}"


def test_money_that_goes_back_is_told_with_a_refund(client: TestClient) -> None:
    events = [had("u001", "00001", event=kind, value=-5) for kind in ("refund", "order.refunded", "wc-refunded")]
    assert client.post(EVENTS, json={"events": events}).json()["accepted"] == 3


def test_nothing_said_is_an_error(client: TestClient) -> None:
    assert client.post(EVENTS, json={}).status_code == 422
    assert client.post(EVENTS, json={"events": [had("u", "i")] * 1001}).status_code == 422


@pytest.mark.parametrize("name", ["'; DROP TABLE events; --", "../../etc/passwd", "grün 日本 🛒", "a/b?c#d%", "00123"])
def test_odd_ids_are_kept_to_the_letter(client: TestClient, name: str) -> None:
    from urllib.parse import quote

    client.post(EVENTS, json={"events": [had(name, "00001")], "items": [{"item_id": name, "category": ["Dairy"]}]})
    path = quote(name, safe="")
    assert client.get(f"/v1/users/{path}/recommendations").json()["user"] == name
    assert client.get(f"/v1/items/{path}").json()["item_id"] == name


# Forgotten, and learned


def test_what_is_forgotten_is_gone_everywhere(home: Workspace, client: TestClient) -> None:
    other = client_of(Workspace(home.settings))
    plain = item_ids(client, "u001")
    client.post(EVENTS, json={"events": [had("u001", plain[0]), had("visitor", "00001")]})
    assert item_ids(other, "u001") != plain
    assert home.event_log.forget("small", "u001") == 1
    for one in (client, other):
        assert item_ids(one, "u001") == plain
        assert one.get("/v1/users/u001/recommendations").json()["path"] == "known"
        assert one.get("/v1/users/visitor/recommendations").json()["path"] == "folded"


def test_the_next_training_learns_from_the_log(home: Workspace, client: TestClient) -> None:
    quick = Hyperparameters(components=4, epochs=2, max_sampled=5, threads=1)
    early = [had("visitor", f"{n:05d}", timestamp="2024-02-01T10:00:00Z") for n in range(8)]
    late = [had("visitor", "00050", timestamp="2024-07-10T10:00:00Z"), had("u001", "new-1")]
    client.post(EVENTS, json={"events": early + late, "items": [{"item_id": "new-1", "category": ["Dairy"]}]})
    assert not_learned(home, "small") == 10
    trained = train_and_store(home, "small", quick, promote=True)
    assert not_learned(home, "small") == 0
    row = trained.model.user_row("visitor")
    assert trained.model.history.counts[row].sum() == 8, "learned: what lies before the held-out period"
    assert "new-1" in trained.model.item_index
    answer = client.get("/v1/users/visitor/recommendations", params={"k": 150}).json()
    assert answer["model"] == trained.model.id
    assert answer["path"] == "folded", "the held-out event is worked in, though it is in the data"
    assert "00050" not in [item["item_id"] for item in answer["items"]]
    history = client.get("/v1/users/visitor/history").json()["items"]
    assert {x["item_id"]: x["count"] for x in history} == {f"{n:05d}": 1 for n in range(8)} | {"00050": 1}
    evaluate_stored(home, trained.model.id)
    again = Workspace(home.settings)
    evaluate_stored(again, trained.model.id)
    client.post(EVENTS, json={"events": [had("visitor", "00051")]})
    assert not_learned(home, "small") == 1
    evaluate_stored(home, trained.model.id), "what came later changes nothing about what it was trained on"


def test_events_of_today_on_old_data_do_not_break_the_training(home: Workspace, client: TestClient) -> None:
    assert client.post(EVENTS, json={"events": [{"user_id": "u001", "item_id": "00001"}]}).status_code == 200
    before = home.load().manifest["split"]
    dataset = home.dataset("small")
    assert dataset.period[1] > datetime.now() - timedelta(days=2)
    trained = train_and_store(home, "small", Hyperparameters(components=4, epochs=1, max_sampled=5, threads=1))
    assert trained.manifest["split"]["test_start"] == before["test_start"]


def test_an_export_that_contains_logged_events_does_not_double_them(home: Workspace) -> None:
    stored = home.store.load_dataset("small")
    one = stored.events.iloc[0]
    user, item = str(stored.users["user_id"][one["user_id"]]), str(stored.items["item_id"][one["item_id"]])
    home.event_log.append("small", [Event("k", user, item, one["timestamp"].to_pydatetime())])
    assert len(home.dataset("small").events) == len(stored.events)


# Killed


def test_what_was_acknowledged_is_there_once_after_kill_9(trained_home: Path) -> None:
    """Two kills here; twenty with `python -m benchmarks kill`."""
    found = events_survive(trained_home, kills=2, seed=3)
    assert found.acknowledged > 100
    assert found.lost == 0
    assert found.doubled == 0


# What is no event, and what is no like


@pytest.mark.parametrize("name", ["nan", "NaN", "NULL", "null", "None", "<NA>", " ", "\u3000", " nan "])
@pytest.mark.parametrize("where", ["user_id", "item_id"])
def test_ids_that_stand_for_a_missing_value_are_refused_as_by_imports(
    client: TestClient, home: Workspace, name: str, where: str
) -> None:
    for sent in (
        {"events": [had("u001", "00001") | {where: name}]},
        {"items": [{"item_id": name}]} if where == "item_id" else {"users": [{"user_id": name, "attributes": {}}]},
    ):
        refused = client.post(EVENTS, json=sent)
        assert refused.status_code == 422, refused.text
        assert where in refused.json()["detail"] and "missing value" in refused.json()["detail"]
    assert home.event_log.head("small") == Mark()


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("items", "price", False), ("items", "price", True), ("events", "value", True), ("events", "quantity", False),
        ("events", "timestamp", "0001-01-01T00:00:00+14:00"), ("events", "timestamp", "9999-12-31T23:59:59-12:00"),
        ("events", "timestamp", "0001-01-01T00:00:00Z"), ("events", "timestamp", True), ("events", "timestamp", 1e300),
        ("events", "timestamp", -1e18),
    ],
)  # fmt: skip
def test_values_of_another_kind_and_times_at_the_edge_are_refused(
    client: TestClient, part: str, field: str, value: Any
) -> None:
    entry = had("u001", "00001") if part == "events" else {"item_id": "new-1"}
    refused = client.post(EVENTS, json={part: [entry | {field: value}]})
    assert refused.status_code == 422, refused.text
    assert field in refused.json()["detail"]


@pytest.mark.parametrize("kind", ["refund", "order_refunded", "return", "remove from cart"])
def test_what_takes_something_back_is_no_like(client: TestClient, home: Workspace, kind: str) -> None:
    before = client.get("/v1/users/u001/recommendations", params={"k": 11}).json()["items"]
    liked = before[0]["item_id"]
    assert client.post(EVENTS, json={"events": [had("u001", liked, event=kind)]}).json()["accepted"] == 1
    after = client.get("/v1/users/u001/recommendations").json()["items"]
    kept = before[1:] if is_unwanted(kind) else before[:10]
    assert [(x["item_id"], x["score"]) for x in after] == [(x["item_id"], x["score"]) for x in kept]
    client.post(EVENTS, json={"events": [had("only took back", liked, event=kind)]})
    assert client.get("/v1/users/only took back/recommendations").json()["path"] == "popular"
    assert "only took back" not in home.dataset("small").user_index


def test_what_a_shopper_does_not_want_is_not_shown_until_they_have_it_again(
    client: TestClient, home: Workspace
) -> None:
    """Neither now nor after the next training, which learns nothing of it; nobody else is concerned."""
    first, other = item_ids(client, "u001")[0], item_ids(client, "u002")
    again = item_ids(client, "u001", lane="again", k=100)[0]
    told = [had("u001", first, event="dislike"), had("u001", again, event="Order Refunded")]
    client.post(EVENTS, json={"events": told})

    def shown(user: str) -> set[str]:
        return {*item_ids(client, user, k=200), *item_ids(client, user, lane="again", k=100)}

    assert not {first, again} & shown("u001") and item_ids(client, "u002") == other
    newer = train_and_store(home, "small", SMALL_RECIPE, seed=2, promote=True)
    assert newer.model.manifest.log[0] >= 2, "the log is in what it learned from"
    assert not {first, again} & shown("u001")
    client.post(EVENTS, json={"events": [had("u001", first), had("u001", again)]})
    assert {first, again} <= set(item_ids(client, "u001", lane="again", k=100)), "they had it again"


def test_an_unknown_item_does_not_lose_the_rest_of_a_history(client: TestClient) -> None:
    history = ["00001", "new today", "00005", "new today", "newer"]
    answer = client.post("/v1/recommendations", json={"history": history, "k": 3}).json()
    known = client.post("/v1/recommendations", json={"history": ["00001", "00005"], "k": 3}).json()
    assert answer["unknown_items"] == ["new today", "newer"]
    assert (answer["path"], answer["items"]) == ("folded", known["items"])
    nothing = client.post("/v1/recommendations", json={"history": ["newer"], "k": 3})
    assert (nothing.status_code, nothing.json()["path"], len(nothing.json()["items"])) == (200, "popular", 3)


def test_an_unknown_user_does_not_lose_the_others_of_a_batch(client: TestClient) -> None:
    asked = {"user_ids": ["u001", "signed up today", "u002", "signed up today"], "k": 2}
    found = client.post("/v1/recommendations/batch", json=asked).json()
    assert [answer["user"] for answer in found["answers"]] == ["u001", "u002"]
    assert found["unknown_users"] == ["signed up today"]
    refused = client.post("/v1/recommendations/batch", json=asked | {"category": ["No such"]})
    assert refused.status_code == 404, "what holds for all of them is still refused"

"""The HTTP API over a trained home: every route, every error, and that it says the same as the package."""

import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import jsonschema
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.routing import BaseRoute

from recsys.api.app import create_api
from recsys.api.problems import MAX_BODY_BYTES, MEDIA_TYPE
from recsys.api.response_cache import OVERHEAD_BYTES, CachedResponse, ResponseCache
from recsys.api.routes.recommendations import OneUser
from recsys.dataset.dataset import Dataset
from recsys.models.hyperparameters import Hyperparameters
from recsys.progress import Progress
from recsys.recommend.recommender import MAX_K, Recommender
from recsys.services.promotion import promote, rollback
from recsys.services.search.user_history import user_history
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.storage.event_log import Event
from recsys.storage.model_names import ModelNames
from recsys.views.dials.account import account
from tests.homes import copy_home
from tests.shops import planted_shop

K_RULE = f"must be a whole number from 1 to {MAX_K}"
TINY = Hyperparameters(components=4, epochs=2, max_sampled=5, threads=1)
RELAXED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def client_of(workspace: Workspace) -> TestClient:
    return TestClient(create_api(workspace), raise_server_exceptions=False)


@pytest.fixture(scope="module")
def api(workspace: Workspace) -> TestClient:
    return client_of(workspace)


@pytest.fixture
def own_home(trained_home: Path, tmp_path: Path) -> Path:
    """A copy of the trained home that a test may change."""
    return copy_home(trained_home, tmp_path / "home")


@pytest.fixture
def empty_home(tmp_path: Path) -> Workspace:
    return Workspace(Settings.from_environment(tmp_path / "empty"))


def assert_problem(response: Any, status: int, *words: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == MEDIA_TYPE
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["title"]
    assert body["type"]
    assert unquote(body["instance"]) == unquote(response.request.url.path)
    for word in words:
        assert word in body["detail"]
    assert "Traceback" not in response.text
    return body


# Answers


def test_recommendations_are_those_of_the_package(api: TestClient, live: Recommender) -> None:
    for user in ("u001", "u017", "u100"):
        for lane in ("discover", "again", "all"):
            query = {"k": 7, "lane": lane, "category": ["Dairy", "Drinks"], "explain": True}
            found = api.get(f"/v1/users/{user}/recommendations", params=query)
            assert found.status_code == 200
            assert found.json() == live.recommend(user, 7, lane, ["Dairy", "Drinks"], True).to_dict()


def test_defaults_are_ten_new_items(api: TestClient, live: Recommender) -> None:
    found = api.get("/v1/users/u001/recommendations").json()
    assert found == live.recommend("u001").to_dict()
    assert len(found["items"]) == 10
    assert found["lane"] == "discover"


def test_reasons_sum_to_the_score(api: TestClient) -> None:
    for item in api.get("/v1/users/u003/recommendations", params={"explain": True}).json()["items"]:
        parts = [reason["value"] for reason in item["reasons"] if reason["additive"]]
        assert sum(parts) == pytest.approx(item["score"], abs=1e-4)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"history": ["00001", "00005"], "k": 4}, "folded"),
        ({"user": {"age": "25-44"}}, "cold"),
        ({"history": ["00002"], "user": {"age": "45+"}, "category": ["Drinks"], "explain": True}, "folded"),
        ({}, "popular"),
    ],
)
def test_somebody_new_gets_what_the_package_says(
    api: TestClient, live: Recommender, body: dict[str, Any], path: str
) -> None:
    found = api.post("/v1/recommendations", json=body)
    assert found.status_code == 200
    assert found.json() == live.recommend_for(**body).to_dict() | {"unknown_items": []}
    assert found.json()["path"] == path
    assert not {item["item_id"] for item in found.json()["items"]} & set(body.get("history", ()))


def test_a_batch_is_the_single_answers_in_the_order_asked(api: TestClient, live: Recommender) -> None:
    users = ["u009", "u001", "u055", "u001"]
    found = api.post("/v1/recommendations/batch", json={"user_ids": users, "k": 3, "lane": "all"}).json()
    assert found["model"] == live.model.id
    assert found["answers"] == [live.recommend(user, 3, "all").to_dict() for user in users]


def test_history_is_complete_and_recent_first(api: TestClient, workspace: Workspace) -> None:
    found = api.get("/v1/users/u001/history", params={"limit": 1000}).json()
    table = user_history(workspace, "u001")
    assert found["total"] == len(table) == len(found["items"])
    assert [item["item_id"] for item in found["items"]] == list(table["item_id"])
    assert [item["count"] for item in found["items"]] == list(table["count"])
    assert [item["after_cut"] for item in found["items"]] == list(table["after_cut"])
    assert found["items"][0]["category"] == [table["department"][0], table["shelf"][0]]
    last = [item["last"] for item in found["items"]]
    assert last == sorted(last, reverse=True)
    few = api.get("/v1/users/u001/history", params={"limit": 2}).json()
    assert few["items"] == found["items"][:2]
    assert few["total"] == found["total"]


def test_users_are_found_by_part_of_their_id(api: TestClient) -> None:
    found = api.get("/v1/users", params={"query": "u01", "limit": 1000}).json()["users"]
    assert [user["user_id"] for user in found] == [f"u01{n}" for n in range(10)]
    assert found[0]["attributes"] == {}, "u010 has no known age"
    assert found[1]["attributes"]["age"] in ("19-24", "25-44", "45+")
    assert found[1]["purchases"] >= found[1]["products"] > 0
    assert api.get("/v1/users", params={"query": "nobody"}).json() == {"users": [], "next": None}
    assert len(api.get("/v1/users", params={"limit": 3}).json()["users"]) == 3


def test_items_are_found_by_words(api: TestClient, live: Recommender) -> None:
    found = api.get("/v1/items", params={"query": "dairy shelf", "limit": 1000}).json()["items"]
    assert {item["category"][0] for item in found} == {"Dairy"}
    assert len(found) == 40
    popularity = [item["popularity"] for item in found]
    assert popularity == sorted(popularity, reverse=True)
    one = api.get(f"/v1/items/{found[0]['item_id']}").json()
    assert one == found[0]
    assert api.get("/v1/items", params={"query": "nothing of the kind"}).json()["items"] == []


def test_similar_items_are_those_of_the_package(api: TestClient, live: Recommender) -> None:
    found = api.get("/v1/items/00001/similar", params={"k": 5}).json()
    assert [(x["item_id"], x["score"]) for x in found["items"]] == [
        (x.item_id, x.score) for x in live.similar("00001", 5)
    ]
    assert "00001" not in [x["item_id"] for x in found["items"]]


def test_model_says_what_is_live(api: TestClient, live: Recommender) -> None:
    found = api.get("/v1/model").json()
    assert found["id"] == live.model.id
    assert found["dataset"] == "small"
    assert found["users"] == 120
    assert found["items"] == 160
    assert found["has_map"] is True
    assert found["metrics"]["lanes"]["discover"]["model"]["ndcg"]["value"] > 0
    assert found["recipe"]["components"] == live.model.recipe.components
    assert found["training"] == account(live.manifest).to_dict()
    assert found["training"]["told"][0] == live.manifest.plan.stopped
    assert found["name"] == ""


def test_model_says_what_people_call_it(trained_home: Path, tmp_path: Path) -> None:
    copy_home(trained_home, tmp_path / "home")
    workspace = Workspace(Settings.from_environment(tmp_path / "home"))
    ModelNames(workspace.database).give(str(workspace.live_id()), "Spring, <more> variety")
    assert TestClient(create_api(workspace)).get("/v1/model").json()["name"] == "Spring, <more> variety"


def test_alive_and_ready(api: TestClient, live: Recommender) -> None:
    assert api.get("/healthz").json() == {"status": "ok"}
    assert api.get("/readyz").json() == {"status": "ready", "model": live.model.id}


# Errors

USER = "/v1/users/u001/recommendations"
NEW = "/v1/recommendations"
BATCH = "/v1/recommendations/batch"


@pytest.mark.parametrize(
    ("users", "k", "explain", "status"),
    [
        (100, 500, False, 200),
        (101, 500, False, 422),
        (20, 500, True, 200),
        (100, 1000, True, 422),
        (21, 500, True, 422),
    ],
)
def test_a_batch_holds_so_many_items_and_no_more(
    api: TestClient, users: int, k: int, explain: bool, status: int
) -> None:
    """Users x k, with reasons fewer: 100 explained lists of 1,000 took 142 MB and 1.2 GB of memory."""
    answer = api.post(BATCH, json={"user_ids": ["u001"] * users, "k": k, "explain": explain})
    assert answer.status_code == status
    if status == 422:
        assert "send fewer users at a time" in answer.json()["detail"]
        assert len(answer.content) < 5000


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("/v1/users/nobody/recommendations", ["'nobody'"]),
        ("/v1/users/nobody/history", ["'nobody'"]),
        ("/v1/users//history", ["''"]),
        ("/v1/items/99999", ["'99999'"]),
        ("/v1/items/99999/similar", ["'99999'"]),
        (USER + "?category=Diary", ["'Diary'", "'Dairy'"]),
        ("/v1/users/u001", ["/v1/users/u001", "/docs"]),
        ("/v1", ["/docs"]),
        ("/v2/model", ["/v2/model"]),
        ("/v1/nothing", ["/v1/nothing"]),
    ],
)
def test_what_does_not_exist_is_named(api: TestClient, url: str, words: list[str]) -> None:
    assert_problem(api.get(url), 404, *words)


@pytest.mark.parametrize(
    ("url", "body", "word"),
    [
        (NEW, {"category": ["Diary"]}, "'Dairy'"),
    ],
)
def test_what_does_not_exist_is_named_in_bodies(api: TestClient, url: str, body: Any, word: str) -> None:
    assert_problem(api.post(url, json=body), 404, word)


@pytest.mark.parametrize("k", ["0", "-1", "10001", "ten", "", "1.5", "1e3", "true", "9" * 400])
@pytest.mark.parametrize("url", [USER, "/v1/items/00001/similar"])
def test_a_bad_k_is_named_with_its_range(api: TestClient, url: str, k: str) -> None:
    body = assert_problem(api.get(url, params={"k": k}), 422, f"k is {k[:50]!r}"[:20], K_RULE)
    assert [(e["place"], e["field"]) for e in body["errors"]] == [("query", "k")]


@pytest.mark.parametrize("k", [0, -1, 10_001, "ten", "10", 1.5, None, True, [3], {}])
def test_a_bad_k_in_a_body_is_named_with_its_range(api: TestClient, k: Any) -> None:
    for url, rest in ((NEW, {}), (BATCH, {"user_ids": ["u001"]})):
        body = assert_problem(api.post(url, json={**rest, "k": k}), 422, "k is ", K_RULE)
        assert [(e["place"], e["field"]) for e in body["errors"]] == [("body", "k")]


@pytest.mark.parametrize(
    ("method", "url", "body", "field", "words"),
    [
        ("GET", USER + "?lane=sideways", None, "lane", ["'sideways'", "discover", "again", "all"]),
        ("GET", USER + "?explain=perhaps", None, "explain", ["'perhaps'"]),
        ("GET", USER + "?K=5", None, "K", ["'K'"]),
        ("GET", "/v1/users?limit=0", None, "limit", ["limit is '0'", "from 1 to 1000"]),
        ("GET", "/v1/items?limit=1001", None, "limit", ["limit is '1001'", "from 1 to 1000"]),
        ("GET", "/v1/users/u001/history?limit=many", None, "limit", ["limit is 'many'"]),
        ("POST", NEW, {"histroy": ["00001"]}, "histroy", ["'histroy'"]),
        ("POST", NEW, {"history": "00001"}, "history", ["history is '00001'"]),
        ("POST", NEW, {"history": ["00001", 7]}, "history.1", ["history.1 is 7"]),
        ("POST", NEW, {"history": ["00001"] * 10_001}, "history", ["10000"]),
        ("POST", NEW, {"user": {"age": 44}}, "user.age", ["user.age is 44"]),
        ("POST", NEW, {"explain": "yes"}, "explain", ["explain is 'yes'"]),
        ("POST", NEW, [], "", ["body"]),
        ("POST", BATCH, {}, "user_ids", ["user_ids is missing"]),
        ("POST", BATCH, {"user_ids": []}, "user_ids", ["at least 1"]),
        ("POST", BATCH, {"user_ids": ["u001"] * 1001}, "user_ids", ["1000"]),
    ],
)
def test_unusable_fields_are_listed(
    api: TestClient, method: str, url: str, body: Any, field: str, words: list[str]
) -> None:
    response = api.request(method, url, json=body) if method == "POST" else api.get(url)
    found = assert_problem(response, 422, *words)
    assert [e["field"] for e in found["errors"]] == [field]


def test_every_unusable_field_is_listed_at_once(api: TestClient) -> None:
    found = assert_problem(api.get(USER, params={"k": "ten", "lane": "sideways"}), 422, "k is 'ten'", "'sideways'")
    assert {e["field"] for e in found["errors"]} == {"k", "lane"}


def test_an_unknown_attribute_or_value_is_named(api: TestClient) -> None:
    assert_problem(api.post(NEW, json={"user": {"shoe_size": "44"}}), 422, "shoe_size", "age")
    assert_problem(api.post(NEW, json={"user": {"age": "44"}}), 422, "44")


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 422),
        (b"", 422),
        (b"\xff\xfe\x00", 422),
        (b"[" * 200_000, 422),
        (b'{"history": ["\\ud800"]}', 422),
        (b'{"k": NaN}', 422),
        (b'{"k": 1e400}', 422),
        (b"\xe4\xf6\xfc", 422),
    ],
)
def test_a_body_that_is_no_json_is_a_problem(api: TestClient, content: bytes, status: int) -> None:
    assert_problem(api.post(NEW, content=content, headers={"content-type": "application/json"}), status)


def test_a_body_that_is_too_large_is_refused(api: TestClient) -> None:
    too_many = b"x" * (MAX_BODY_BYTES + 1)
    assert_problem(api.post(NEW, content=too_many), 413, "1,000,000")
    in_pieces = (too_many[start : start + 65536] for start in range(0, len(too_many), 65536))
    assert_problem(api.post(NEW, content=in_pieces), 413, "1,000,000")


def test_the_largest_body_is_taken(api: TestClient) -> None:
    head, tail = b'{"history": [', b' "00001"]}'
    response = api.post(
        NEW, content=head + b" " * (MAX_BODY_BYTES - len(head) - len(tail)) + tail,
        headers={"content-type": "application/json"},
    )  # fmt: skip
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("method", "url", "allowed"),
    [
        ("POST", "/v1/model", "GET"),
        ("DELETE", "/v1/users/u001/history", "GET"),
        ("PUT", "/v1/items/00001", "GET"),
        ("GET", "/v1/recommendations", "POST"),
        ("PATCH", "/healthz", "GET"),
        ("POST", "/docs", "GET"),
    ],
)
def test_a_wrong_method_is_told_the_right_one(api: TestClient, method: str, url: str, allowed: str) -> None:
    response = api.request(method, url)
    assert_problem(response, 405, method, allowed)
    assert allowed in response.headers["allow"]


def test_an_error_nobody_foresaw_says_nothing_of_the_inside(workspace: Workspace) -> None:
    app = create_api(workspace)

    @app.get("/v1/broken")
    def broken() -> None:
        raise ValueError("a secret of the inside")

    client = TestClient(app, raise_server_exceptions=False)
    response = client.get("/v1/broken")
    assert_problem(response, 500)
    assert "secret" not in response.text
    assert "ValueError" not in response.text
    assert 'route="/v1/broken",status="500"} 1.0' in client.get("/metrics").text


# No model, damaged model, another model


@pytest.mark.parametrize("url", ["/v1/model", USER, "/v1/users", "/v1/items", "/v1/items/1", "/readyz"])
def test_without_a_model_it_says_what_to_do(empty_home: Workspace, url: str) -> None:
    client = client_of(empty_home)
    response = client.get(url)
    body = assert_problem(response, 503, "No model is live", "train --promote")
    assert body["type"].endswith("no-model")
    assert int(response.headers["retry-after"]) > 0
    assert client.get("/healthz").status_code == 200
    assert "insider_model_live 0.0" in client.get("/metrics").text
    assert not empty_home.settings.home.exists(), "asking must create nothing"


def test_while_the_first_model_is_made_it_says_how_far(empty_home: Workspace) -> None:
    runs = empty_home.job_store
    run = runs.create("demo", "demo", {}, seed=0, promote=True)
    runs.claim(run, 1)
    runs.report(run, Progress("Reading the built-in purchases", 0.42, seconds_left=35.0))
    client = client_of(empty_home)
    for url in ("/readyz", USER):
        body = assert_problem(client.get(url), 503, "42%", "35 s", "Reading the built-in purchases")
        assert body["progress"] == {
            "state": "running", "step": "Reading the built-in purchases", "fraction": 0.42, "seconds_left": 35.0,
        }  # fmt: skip
    runs.finish(run, "failed", message="The disk is full.")
    assert_problem(client.get("/readyz"), 503, "failed", "The disk is full.", "train --promote")


def test_a_damaged_model_is_refused_and_the_log_names_it(own_home: Path, caplog: pytest.LogCaptureFixture) -> None:
    home = Workspace(Settings.from_environment(own_home))
    model_id = home.live_id()
    path = own_home / "models" / str(model_id) / "item_biases.npy"
    changed = bytearray(path.read_bytes())
    changed[-1] ^= 1
    path.write_bytes(bytes(changed))
    client = client_of(home)
    for url in (USER, "/readyz", "/v1/model"):
        assert_problem(client.get(url), 503, "damaged", "the server's log says which file")
        assert str(model_id) in caplog.text and "item_biases.npy" in caplog.text
    assert client.get("/healthz").status_code == 200


def test_answers_move_to_the_next_model_and_carry_its_tag(own_home: Path) -> None:
    home = Workspace(Settings.from_environment(own_home))
    client = client_of(home)
    before = client.get(USER)
    tag = before.headers["etag"]
    same = client.get(USER, headers={"If-None-Match": f'"other", {tag}'})
    assert same.status_code == 304
    assert same.content == b""
    assert same.headers["etag"] == tag

    home.store.save_model(dataclasses.replace(home.load().model, id="next"))
    promote(home, "next")
    after = client.get(USER, headers={"If-None-Match": tag})
    assert after.status_code == 200
    assert after.headers["etag"] != tag
    assert after.json()["model"] == "next"
    rollback(home)
    assert client.get(USER, headers={"If-None-Match": tag}).status_code == 304


def test_an_error_is_no_304(api: TestClient) -> None:
    tag = api.get(USER).headers["etag"]
    assert_problem(api.get(USER, params={"k": 0}, headers={"If-None-Match": tag}), 422)
    assert_problem(api.get("/v1/items/99999", headers={"If-None-Match": tag}), 404)


# Around the answers


def test_an_answer_is_given_again_until_something_changes(own_home: Path) -> None:
    home = Workspace(Settings.from_environment(own_home))
    client, fresh = client_of(home), TestClient(create_api(home))
    url = USER + "?k=5&lane=all&explain=true"
    first = client.get(url)
    again = client.get(url)
    assert again.json() == first.json()
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    text = client.get("/metrics").text
    assert 'insider_answers_total{lane="all",path="known"} 2.0' in text
    assert 'route="/v1/users/{user_id}/recommendations",status="200"} 2.0' in text
    assert "insider_items_given_total 10.0" in text
    home.event_log.append("small", [Event("k", "u001", first.json()["items"][0]["item_id"], datetime(2024, 7, 20))])
    assert client.get(url).json() == fresh.get(url).json() != first.json()
    home.store.save_model(dataclasses.replace(home.load().model, id="next"))
    promote(home, "next")
    assert client.get(url).json()["model"] == "next"


def test_kept_answers_take_no_more_than_they_may() -> None:
    kept = ResponseCache(20 * (len("/10") + 900 + OVERHEAD_BYTES))
    scopes = [{"method": "GET", "path": f"/{n}", "query_string": b""} for n in range(30)]
    for scope in scopes:
        kept.put(scope, CachedResponse("t", lambda: "t", [], b"x" * 900, BaseRoute(), lambda: None))
    assert [kept.find(scope) is not None for scope in scopes] == [False] * 10 + [True] * 20
    assert kept.find({**scopes[-1], "method": "HEAD"}) is None
    kept.put(scopes[0], CachedResponse("t", lambda: "t", [], b"x" * 2000, BaseRoute(), lambda: None))
    assert kept.find(scopes[0]) is None, "one answer must not push out all others"
    long = {**scopes[0], "query_string": b"x" * 62_000}
    kept.put(long, CachedResponse("t", lambda: "t", [], b"x", BaseRoute(), lambda: None))
    assert kept.find(long) is None, "the question is kept too, and counts"
    kept.put(scopes[0], CachedResponse("t", lambda: "changed", [], b"x", BaseRoute(), lambda: None))
    assert kept.find(scopes[0]) is None


@pytest.mark.parametrize("url", [USER, "/healthz", "/v1/nothing", USER + "?k=0", "/docs", "/openapi.json", "/metrics"])
def test_security_headers_are_everywhere(api: TestClient, url: str) -> None:
    headers = api.get(url).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src" in headers["content-security-policy"]
    assert headers["cache-control"]


def test_large_answers_are_compressed(api: TestClient) -> None:
    large = api.get(USER, params={"k": 50}, headers={"Accept-Encoding": "gzip"})
    assert large.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in api.get("/healthz", headers={"Accept-Encoding": "gzip"}).headers


def test_metrics_count_by_route_template_and_path(workspace: Workspace) -> None:
    client = client_of(workspace)
    for user in ("u001", "u002", "nobody"):
        client.get(f"/v1/users/{user}/recommendations")
    client.post(NEW, json={"history": ["00001"]})
    client.get("/v1/nothing")
    client.request("BREW", "/v1/model")
    text = client.get("/metrics").text
    route = "/v1/users/{user_id}/recommendations"
    assert f'insider_requests_total{{method="GET",route="{route}",status="200"}} 2.0' in text
    assert f'insider_requests_total{{method="GET",route="{route}",status="404"}} 1.0' in text
    assert f'insider_request_seconds_count{{route="{route}"}} 3.0' in text
    assert 'insider_answers_total{lane="discover",path="known"} 2.0' in text
    assert 'insider_answers_total{lane="discover",path="folded"} 1.0' in text
    assert 'route="unmatched",status="404"} 1.0' in text
    assert 'method="other"' in text
    assert "insider_model_live 1.0" in text
    assert "u001" not in text


def test_eight_threads_on_a_fresh_workspace_agree(trained_home: Path, live: Recommender) -> None:
    client = client_of(Workspace(Settings.from_environment(trained_home)))
    users = [f"u{n:03d}" for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda user: client.get(f"/v1/users/{user}/recommendations").json(), users * 3))
    assert found == [live.recommend(user).to_dict() for user in users * 3]


ODD_IDS = [
    "a/b",
    "a/history",
    "recommendations",
    "100%",
    "x?y#z",
    "grün tee",
    "日本",
    "a b",
    "<b>&amp;",
    "00123",
    "'; --",
]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """A shop whose first users and items have awkward ids."""
    shop = planted_shop("odd", n_users=40, n_items=60)
    events = shop.events.assign(user_id=shop.users["user_id"].to_numpy()[shop.events["user_id"]],
                                item_id=shop.items["item_id"].to_numpy()[shop.events["item_id"]])  # fmt: skip
    users = {f"u{n:03d}": name for n, name in enumerate(ODD_IDS)}
    items = {f"{n:05d}": name for n, name in enumerate(ODD_IDS)}
    renamed = Dataset.from_raw(
        "odd",
        events.assign(user_id=events["user_id"].replace(users), item_id=events["item_id"].replace(items)),
        items=pd.DataFrame(shop.items).assign(item_id=shop.items["item_id"].replace(items)),
        category_levels=shop.category_levels,
    )
    home = Workspace(Settings.from_environment(tmp_path_factory.mktemp("odd")))
    home.store.save_dataset(renamed)
    train_and_store(home, "odd", TINY, promote=True)
    return client_of(home)


@pytest.mark.parametrize("name", ODD_IDS)
def test_ids_are_kept_to_the_letter(odd: TestClient, name: str) -> None:
    path = quote(name, safe="")
    assert odd.get(f"/v1/users/{path}/recommendations").json()["user"] == name
    assert odd.get(f"/v1/users/{path}/history").json()["total"] > 0
    assert odd.get(f"/v1/items/{path}").json()["item_id"] == name
    assert odd.get(f"/v1/items/{path}/similar").json()["item"] == name
    assert odd.get("/v1/users", params={"query": name}).json()["users"][0]["user_id"] == name
    assert odd.get("/v1/items", params={"query": name}).json()["items"][0]["item_id"] == name
    assert odd.post(NEW, json={"history": [name]}).json()["path"] == "folded"
    assert odd.post(BATCH, json={"user_ids": [name]}).json()["answers"][0]["user"] == name


TEXT = st.text(st.characters(codec="utf-8"), max_size=40)


@RELAXED
@given(user=TEXT, k=TEXT, category=TEXT)
def test_any_text_gets_an_answer_or_a_problem(api: TestClient, user: str, k: str, category: str) -> None:
    for url in (f"/v1/users/{quote(user, safe='')}/recommendations", f"/v1/items/{quote(user, safe='')}/similar"):
        for query in ({}, {"k": k}, {"category": category}):
            response = api.get(url, params=query)
            assert response.status_code in (200, 404, 422)
            if response.status_code != 200:
                assert_problem(response, response.status_code)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
FIELDS = st.dictionaries(st.sampled_from(["history", "user", "k", "lane", "category", "explain", "user_ids"]), JSON)


@RELAXED
@given(body=JSON | FIELDS)
def test_any_body_gets_an_answer_or_a_problem(api: TestClient, body: Any) -> None:
    for url in (NEW, BATCH):
        response = api.post(url, json=body)
        assert response.status_code in (200, 404, 422)
        if response.status_code != 200:
            assert_problem(response, response.status_code)


# The description


def test_the_page_for_reading_needs_nothing_from_elsewhere(api: TestClient) -> None:
    page = api.get("/docs").text
    assert "://" not in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        assert f"docs/assets/{asset}" in page
        assert api.get(f"/docs/assets/{asset}").status_code == 200
    assert_problem(api.get("/docs/assets/../api.py"), 404)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_every_route_is_described(api: TestClient) -> None:
    document = api.get("/openapi.json").json()
    found = {(method, path) for method, path, _ in operations(document)}
    assert found == {
        ("GET", "/v1/users"), ("GET", "/v1/users/{user_id}/recommendations"), ("GET", "/v1/users/{user_id}/history"),
        ("GET", "/v1/items"), ("GET", "/v1/items/{item_id}"), ("GET", "/v1/items/{item_id}/similar"),
        ("GET", "/v1/model"), ("POST", "/v1/recommendations"), ("POST", "/v1/recommendations/batch"),
        ("POST", "/v1/events"),
        ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics"),
    }  # fmt: skip
    for method, path, operation in operations(document):
        assert operation["tags"], path
        assert operation["summary"], path
        assert operation["description"], path
        for parameter in operation.get("parameters", []):
            assert parameter.get("description") or parameter["schema"].get("description"), (path, parameter["name"])
        for status, answer in operation["responses"].items():
            if status != "200":
                assert list(answer["content"]) == [MEDIA_TYPE], (method, path, status)
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_problems_are_as_described(api: TestClient) -> None:
    document = api.get("/openapi.json").json()
    schema = {"$ref": "#/components/schemas/Problem", "components": document["components"]}
    for response in (api.get("/v1/users/x/history"), api.get(USER, params={"k": 0}), api.post("/v1/model")):
        jsonschema.validate(response.json(), schema)
    for method, path, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status != "200":
                jsonschema.validate(answer["content"][MEDIA_TYPE]["example"], schema)
                assert answer["content"][MEDIA_TYPE]["example"]["status"] == int(status), (method, path)


@pytest.fixture
def demo(demo_home: Path, tmp_path: Path) -> TestClient:
    """A copy, and somebody on this machine itself, who may write."""
    home = Workspace(Settings.from_environment(copy_home(demo_home, tmp_path / "demo")))
    return TestClient(create_api(home), base_url="http://127.0.0.1", client=("127.0.0.1", 5000))


def parameter_examples(parameter: dict[str, Any]) -> list[Any]:
    named = [example["value"] for example in parameter.get("examples", {}).values()]
    return named or parameter["schema"].get("examples", [])


@pytest.mark.real_data
def test_every_example_works_on_the_built_in_data(demo: TestClient) -> None:
    document = demo.get("/openapi.json").json()
    executed = 0
    for method, path, operation in operations(document):
        query, filled = {}, path
        for parameter in operation.get("parameters", []):
            if parameter["name"] == "cursor":
                continue  # no example can work: it comes from the answer before
            value = parameter_examples(parameter)
            assert value, f"{path}: {parameter['name']} has no example"
            if parameter["in"] == "path":
                filled = filled.replace("{" + parameter["name"] + "}", quote(value[0], safe=""))
            else:
                query[parameter["name"]] = value[0]
        bodies: list[Any] = [None]
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]["application/json"]
            bodies = [example["value"] for example in content["examples"].values()]
        for body in bodies:
            response = demo.request(method, filled, params=query, json=body)
            assert response.status_code == 200, (path, response.text)
            executed += 1
            if response.headers["content-type"] == "application/json":
                schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
                jsonschema.validate(response.json(), {**schema, "components": document["components"]})
                if "items" in response.json():
                    assert response.json()["items"], f"{path}: the example finds nothing"
    assert executed == 18


def test_the_short_way_gives_what_the_route_gives(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request to the two ways: the same status, body and headers but for the request's id."""
    queries = ["", "k=3", "k=3&lane=again", "lane=all&explain=true", "explain=1&k=0", "k=3&k=4", "k=", "lane=x", "a=1",
               "k=%33", "category=Food", "rules=off", "explain=yes"]  # fmt: skip
    users = ["u001", "u002", "nobody", "a%2Fb", "", "u001/recommendations"]

    def answers(quick: bool) -> list[Any]:
        with monkeypatch.context() as patch:
            if not quick:
                patch.setattr(OneUser, "quick", lambda _self, _scope: None)
            client = TestClient(create_api(workspace))
        found = []
        for user in users:
            for query in queries:
                answer = client.get(f"/v1/users/{user}/recommendations?{query}")
                headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
                found.append((user, query, answer.status_code, headers, answer.json()))
        return found

    taken: list[bool] = []
    real = OneUser.quick
    monkeypatch.setattr(
        OneUser, "quick", lambda self, scope: (found := real(self, scope), taken.append(bool(found)))[0]
    )
    short = answers(True)
    assert short == answers(False)
    assert sum(taken) >= 10, "the short way is taken for usual requests"

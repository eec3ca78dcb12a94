"""What a server is called, where a setting says so: other names are refused before anything looks at the request."""

from dataclasses import replace
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from recsys.access import Sessions
from recsys.server.front import Front
from recsys.settings import Settings


async def page(_: Request) -> Response:
    return PlainTextResponse("here")


async def stream(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("here")
    await socket.close()


def client(home: Path, *hosts: str) -> TestClient:
    settings = replace(Settings.from_environment(home), hosts=hosts)
    inner = Starlette(routes=[Route("/{path:path}", page, methods=["GET", "POST"]), WebSocketRoute("/stream", stream)])
    return TestClient(Front(inner, settings, Sessions(), lambda: 0))


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "shop.example.evil.example", ""])
def test_a_server_with_names_answers_to_no_other(tmp_path: Path, host: str) -> None:
    shop = client(tmp_path, "shop.example")
    for path in ("/", "/v1/model", "/_stcore/health"):
        answer = shop.get(path, headers={"Host": host})
        assert answer.status_code >= 400 and answer.json()["type"].endswith("wrong-host")
        assert "INSIDER_HOSTS" in answer.json()["detail"]
    with pytest.raises(WebSocketDisconnect), shop.websocket_connect("/stream", headers={"Host": host}):
        pass


@pytest.mark.parametrize("host", ["shop.example", "SHOP.example:443", "localhost:8000", "127.0.0.1:8000", "[::1]:8000"])
def test_it_answers_to_its_names_and_addresses(tmp_path: Path, host: str) -> None:
    shop = client(tmp_path, "shop.example")
    assert shop.get("/", headers={"Host": host}).text == "here"
    with shop.websocket_connect("/stream", headers={"Host": host}) as socket:
        assert socket.receive_text() == "here"


def test_pages_of_other_sites_change_nothing(tmp_path: Path) -> None:
    shop = client(tmp_path)
    foreign = {"Host": "shop.example", "Origin": "https://evil.example"}
    answer = shop.post("/_stcore/anything", headers=foreign)
    assert answer.status_code >= 400 and answer.json()["type"].endswith("wrong-origin")
    with pytest.raises(WebSocketDisconnect), shop.websocket_connect("/stream", headers=foreign):
        pass
    assert shop.post("/_stcore/anything", headers={**foreign, "Origin": "https://shop.example"}).text == "here"

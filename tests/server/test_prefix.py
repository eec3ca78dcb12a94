"""Behind a proxy that shows the server below a path, in a real browser: one takes the path away, one does not."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.serving import page_of, running_app, wait_until

PREFIX = "/insider"


@contextmanager
def proxy(to: str, *, strips: bool) -> Iterator[str]:
    """A proxy of bytes: it rewrites the path and adds a header to the first request of a connection, which it makes the
    only one; then it passes on what comes, WebSockets too."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, _, rest = head.partition(b" ")
        if not rest.startswith(PREFIX.encode()):
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            writer.close()
            return
        path = rest.removeprefix(PREFIX.encode()) if strips else rest
        line, _, headers = path.partition(b"\r\n")
        kept = headers if b"upgrade: websocket" in headers.lower() else b"Connection: close\r\n" + headers
        there = await asyncio.open_connection(urlsplit(to).hostname, urlsplit(to).port)
        there[1].write(method + b" " + line + b"\r\nX-Forwarded-For: 203.0.113.9\r\n" + kept)
        await asyncio.gather(_pass(reader, there[1]), _pass(there[0], writer), return_exceptions=True)

    loop, listener = asyncio.new_event_loop(), socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        loop.run_until_complete(asyncio.start_server(serve, sock=listener))
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}{PREFIX}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    writer.close()


@pytest.mark.browser
@pytest.mark.parametrize("strips", [True, False], ids=["path taken away", "path left"])
def test_dashboard_and_docs_work_below_a_path(
    strips: bool, trained_home: Path, tmp_path: Path, browser: Browser
) -> None:
    settings = {"STREAMLIT_SERVER_BASE_URL_PATH": "insider", "INSIDER_BASE_PATH": PREFIX}
    with running_app(trained_home, tmp_path / "log", settings) as to, proxy(to, strips=strips) as url:
        # a server answers before its model is loaded: the first to ask for a list, the first case here, waits for that
        wait_until(lambda: httpx.get(f"{to}/readyz", timeout=60).status_code == 200, "the model is loaded", seconds=120)
        with httpx.Client(timeout=60, follow_redirects=True) as caller:
            assert caller.get(f"{url}/").status_code == 200
            assert caller.get(f"{url}/healthz").json() == {"status": "ok"}
            assert caller.get(f"{url}/v1/users/u001/recommendations?k=2").status_code == 200
        with page_of(browser) as page:
            page.goto(f"{url}/docs")
            expect(page.get_by_text("What to show a known user")).to_be_visible(timeout=60_000)
            page.get_by_text("Is the process alive").click()
            page.get_by_role("button", name="Try it out").click()
            with page.expect_response(f"{url}/healthz") as answer:
                page.get_by_role("button", name="Execute").click()
            assert answer.value.json() == {"status": "ok"}
            for place in ("/models", "/"):
                page.goto(f"{url}{place}")
                expect(page.get_by_role("link", name="Models").first).to_be_visible(timeout=60_000)
                expect(page.get_by_text("Live").first).to_be_visible(timeout=60_000)

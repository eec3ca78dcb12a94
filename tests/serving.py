"""The app as a process of its own, and a real browser, for tests that go the way a user goes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Error, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-quic"]


@contextmanager
def running_app(home: Path, log: Path, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Serve a home on a free port until the block ends; gives the address. The log is shown when it does not start."""
    command = [sys.executable, "-m", "recsys", "serve", "--port", "0", "--json"]
    with stopped_at_the_end(
        command, log, os.environ | {"INSIDER_HOME": str(home)} | dict(environment or {})
    ) as process:
        assert process.stdout is not None
        document = b""
        while not document.rstrip().endswith(b"}"):
            line = process.stdout.readline()
            assert line, f"The app ended before it listened: {log.read_text()}"
            document += line
        url = str(json.loads(document)["url"])
        wait_until(lambda: httpx.get(f"{url}/healthz", timeout=5).status_code == 200, "the app answers", seconds=60)
        yield url


@contextmanager
def stopped_at_the_end(
    command: list[str], log: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is told to end with the block, and killed when it does not."""
    with log.open("wb") as errors:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def free_port() -> int:
    """A port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Any, what: str, *, seconds: float) -> None:
    """Wait for a condition; an HTTP error while the app is starting counts as "not yet"."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.25)
    raise AssertionError(f"Waited {seconds:g} s in vain until {what}.")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


SPARE: dict[Browser, list[Page]] = {}
"""Pages that a test is done with. The next one takes them, as compiling Streamlit and Plotly anew costs seconds."""


@contextmanager
def page_of(browser: Browser, *, width: int = 1280, height: int = 1000, dark: bool = False) -> Iterator[Page]:
    """The page of a visitor who was never here; the test fails when a script in it throws or a traceback is shown.

    A page that failed a test is not used again. Until it is closed, two pages never share cookies.
    """
    spare = SPARE.setdefault(browser, [])
    page = spare.pop() if spare else browser.new_context(accept_downloads=True).new_page()
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(media="null", color_scheme="dark" if dark else "light")
    page.set_default_timeout(30_000)
    thrown: list[str] = []

    def note(error: Error) -> None:
        thrown.append(str(error))

    page.on("pageerror", note)
    try:
        yield page
        assert not thrown, thrown
        assert page.get_by_text("Traceback").count() == 0
        assert page.get_by_test_id("stException").count() == 0
    except BaseException:
        page.context.close()
        raise
    page.remove_listener("pageerror", note)
    _forget(page)
    spare.append(page)


def _forget(page: Page) -> None:
    """Leave the server, and take away what it stored in the browser and what the test has set."""
    page.evaluate("() => { try { localStorage.clear(); sessionStorage.clear(); } catch { /* a page without any */ } }")
    page.context.clear_cookies()
    page.unroute_all()
    page.goto("about:blank")


def progress_told(page: Page) -> Callable[[], list[str]]:
    """Watch the page's bars of progress from now on; gives the way to ask what they have said, also when gone again."""
    page.evaluate(
        """() => {
          window.told = [];
          const note = () =>
            document.querySelectorAll("[data-testid=stProgress]").forEach(bar => told.push(bar.innerText));
          new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true });
        }"""
    )
    return lambda: page.evaluate("told")

"""Signing in through OpenID Connect, in a real browser against a real issuer: who has a role gets in."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from benchmarks.kill import free_port, stop_server
from recsys.settings import PROJECT_ROOT
from tests.homes import copy_home
from tests.serving import page_of

FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-quic"]
SECRETS = """[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "a long random text"
client_id = "insider"
client_secret = "secret"
server_metadata_url = "http://127.0.0.1:{issuer}/.well-known/openid-configuration"
"""


@pytest.fixture
def dashboard(trained_home: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a dashboard that asks people to sign in."""
    port, issuer = free_port(), free_port()
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text(SECRETS.format(port=port, issuer=issuer))
    home = copy_home(trained_home, tmp_path / "home")
    environment = os.environ | {
        "HOME": str(tmp_path),
        "INSIDER_HOME": str(home),
        "INSIDER_ROLES": "admin=ann@shop.example",
    }
    commands = (["tests/issuer.py", str(issuer)], ["-m", "recsys", "serve", "--port", str(port)])
    servers = [
        subprocess.Popen([sys.executable, *command], cwd=PROJECT_ROOT, env=environment, start_new_session=True)
        for command in commands
    ]
    try:
        for url in (f"http://127.0.0.1:{issuer}/jwks", f"http://127.0.0.1:{port}/readyz"):
            _wait_for(url)
        yield f"http://127.0.0.1:{port}"
    finally:
        for server in servers:
            stop_server(server)


@pytest.mark.browser
def test_who_has_a_role_gets_in_and_nobody_else(dashboard: str, browser: Browser) -> None:
    for who, sees in (("ann@shop.example", "In figures"), ("eve@other.example", "No access")):
        with page_of(browser) as page:
            page.goto(f"{dashboard}/shopper")
            button = page.get_by_role("button", name="Sign in")
            expect(button).to_be_visible(timeout=60_000)
            assert page.get_by_text("Recommended").count() == 0
            button.click()
            page.get_by_role("link", name=who).click(timeout=30_000)
            expect(page.get_by_text(sees).first).to_be_visible(timeout=60_000)


def _wait_for(url: str, seconds: float = 90) -> None:
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            if urllib.request.urlopen(url, timeout=5).status == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{url} did not answer.")

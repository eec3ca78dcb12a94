"""The whole road in a real browser: an empty home, the built-in data, a first model, a household, the map."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.serving import ROOT, page_of, running_app, wait_until

HOUSEHOLD = "1001"
MINUTES = 60


@pytest.mark.browser
@pytest.mark.real_data
def test_from_an_empty_home_to_recommendations_and_the_map(browser: Browser, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running_app(home, tmp_path / "app.log") as url, page_of(browser) as page:
        page.goto(f"{url}/shopper?shopper={HOUSEHOLD}&k=10")
        expect(page.get_by_text("Preparing the first recommendations")).to_be_visible()
        expect(page.get_by_role("link", name="Train")).to_be_visible()
        expect(page.get_by_test_id("stProgress")).to_be_visible()
        not_yet = httpx.get(f"{url}/v1/users/{HOUSEHOLD}/recommendations")
        assert not_yet.status_code == 503
        assert not_yet.headers["content-type"] == "application/problem+json"

        expect(page.get_by_role("heading", name=f"Shopper {HOUSEHOLD}")).to_be_visible(timeout=8 * MINUTES * 1000)
        assert f"shopper={HOUSEHOLD}" in page.url
        expect(page.get_by_text("Bought so far").first).to_be_visible()

        served = httpx.get(f"{url}/v1/users/{HOUSEHOLD}/recommendations", params={"k": 10}).json()
        told = subprocess.run(
            [sys.executable, "-m", "recsys", "recommend", HOUSEHOLD, "--json"],
            cwd=ROOT, env=os.environ | {"INSIDER_HOME": str(home), "PATH": ""}, capture_output=True, check=True,
        )  # fmt: skip
        assert json.loads(told.stdout)["items"] == served["items"]
        titles = [item["title"] for item in served["items"]]

        links = page.get_by_role("list", name=f"Recommendations for {HOUSEHOLD}").get_by_role("link")
        ids = [f"item?item={item['item_id']}" for item in served["items"]]
        wait_until(
            lambda: [link.get_attribute("href") for link in links.all()] == ids,
            "the page lists what the API answers", seconds=30,
        )  # fmt: skip

        wait_until(lambda: httpx.get(f"{url}/v1/model").json()["has_map"], "the map is drawn", seconds=5 * MINUTES)
        page.get_by_role("tab", name="Why").click()
        page.get_by_role("link", name="See it on the map").click()
        expect(page).to_have_url(re.compile(r"/map\?item="))
        expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=60_000)
        expect(page.get_by_text(titles[0]).first).to_be_visible()

        page.goto(f"{url}/docs")
        expect(page.get_by_text("What to show a known user")).to_be_visible()

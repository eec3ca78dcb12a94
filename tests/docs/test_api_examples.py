"""What docs/api.md shows is done here as it stands; and a stranger gets recommendations with nothing but /docs."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from benchmarks.kill import free_port, start_server, stop_server
from tests.homes import copy_home
from tests.serving import ROOT, page_of

PAGE = (ROOT / "docs" / "api.md").read_text()
INDENTED = [
    "\n".join(line[4:] for line in block.splitlines())
    for block in re.findall(r"(?:^    .*\n?|^\n(?=    ))+", PAGE, re.MULTILINE)
]
COMMANDS = [
    line.strip()
    for block in INDENTED
    for line in block.replace("\\\n", " ").splitlines()
    if line.strip().startswith("curl")
]
COMMANDS = [re.sub(r" #.*$", "", line) for line in COMMANDS]
BODIES = [block for block in INDENTED if block.lstrip().startswith("{")]
PROGRAMS = [block for block in INDENTED if "import Client" in block]

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def url(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = copy_home(demo_home, tmp_path_factory.mktemp("examples") / "home")
    port = free_port()
    server = start_server(home, port)
    yield f"http://localhost:{port}"
    stop_server(server)


def test_the_examples_are_found() -> None:
    assert len(COMMANDS) == PAGE.count("curl ") >= 4
    assert len(BODIES) == 1
    assert len(PROGRAMS) == 1


def test_the_examples_answer(url: str) -> None:
    """In their order: the visitor of the second example is known by the event of the third."""
    for command in COMMANDS:
        words = shlex.split(command.replace("localhost:8000", url.removeprefix("http://")))
        done = subprocess.run([*words, "--fail-with-body", "-sS"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        answer = json.loads(done.stdout)
        assert answer.get("items") or answer.get("accepted") == 1, command
    for body in BODIES:
        answer = httpx.post(f"{url}/v1/events", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 200, answer.text
    for program in PROGRAMS:
        names: dict[str, object] = {}
        exec(compile(program.replace("http://localhost:8000", url), "api.md", "exec"), names)
        assert names["answer"]["items"]  # type: ignore[index]  # a dictionary


@pytest.mark.browser
def test_a_stranger_gets_recommendations_for_a_new_shopper_with_docs_alone(browser: Browser, url: str) -> None:
    """Opens the page, reads what there is, tries an example out, and sees the items."""
    with page_of(browser, dark=True) as page:
        page.goto(f"{url}/docs")
        assert "dark-mode" in (page.locator("html").get_attribute("class") or "")
        page.get_by_text("A new shopper:").first.wait_for()
        block = page.locator(".opblock", has_text="What to show somebody new")
        block.locator(".opblock-summary-control").click()
        block.get_by_role("button", name="Try it out").click()
        for example in ("by what they had", "by what is known of them", "by nothing at all"):
            block.locator(".examples-select-element").first.select_option(label=example)
            with page.expect_response(lambda answer: answer.url.endswith("/v1/recommendations")) as found:
                block.get_by_role("button", name="Execute").click()
            assert found.value.status == 200, found.value.text()
            assert found.value.json()["items"]
            shown = block.locator(".live-responses-table .highlight-code").first
            shown.get_by_text("item_id").first.wait_for()

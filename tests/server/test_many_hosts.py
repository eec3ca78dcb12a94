"""Two hosts, each with a server process, on one PostgreSQL and one home: what one of them does, the other one shows.

As root each host has a name and process numbers of its own (`unshare`), so that neither sees a process of the other.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.storage import audit
from tests.homes import copy_home
from tests.postgres import needs_postgresql, server
from tests.serving import ROOT, page_of, wait_until

pytestmark = needs_postgresql
WITHIN = 8.0
"""Seconds after which every host must answer with what was promoted on another one: one to ask, the rest to load it on
a machine that runs other tests as well."""

PROMOTING = """
import sys
from recsys.services.promotion import promote, rollback
from recsys.services.workspace import Workspace
home = Workspace()
versions = home.store.models()
while True:
    for version in versions:
        promote(home, version, who="killed")
        print("promoted", flush=True)
    rollback(home, who="killed")
"""


@dataclass
class Host:
    """A machine: its name, and what every process of it is started with."""

    name: str
    environment: dict[str, str]

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """A process of Python on this host."""
        command = [sys.executable, *arguments]
        if os.geteuid() == 0:
            apart = ["unshare", "--uts", "--pid", "--fork", "--mount-proc", "sh", "-c"]
            command = [*apart, f'hostname {self.name} && exec "$@"', "sh", *command]
        return subprocess.Popen(
            command, cwd=ROOT, env=os.environ | self.environment, stdout=subprocess.PIPE, text=True, **options
        )

    def run(self, *arguments: str) -> None:
        """A command of the command line on this host, to its end."""
        process = self.start("-m", "recsys", *arguments, stderr=subprocess.PIPE)
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said


def end(process: subprocess.Popen[str], how: signal.Signals) -> None:
    """End a host's process; the others of that host go with it."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    inner = int(children[0]) if os.geteuid() == 0 and children else process.pid
    with suppress(ProcessLookupError):
        os.kill(inner, how)
    process.wait(60)
    assert process.stdout is not None
    process.stdout.close()


@contextmanager
def serving(host: Host, log: Path) -> Iterator[str]:
    """The server of a host until the block ends; gives its address."""
    with log.open("w") as errors:
        process = host.start("-m", "recsys", "serve", "--port", "0", "--json", stderr=errors)
    try:
        assert process.stdout is not None
        document = ""
        while not document.rstrip().endswith("}"):
            line = process.stdout.readline()
            assert line, log.read_text()
            document += line
        url = str(json.loads(document)["url"])
        wait_until(lambda: httpx.get(f"{url}/readyz", timeout=5).status_code == 200, "it answers", seconds=60)
        yield url
    finally:
        end(process, signal.SIGTERM)


@dataclass
class Shop:
    """Two hosts that serve, and what they share."""

    first: str
    home: Workspace
    hosts: tuple[Host, Host]
    urls: tuple[str, str]

    def fresh(self) -> Workspace:
        """The home as a process that starts now sees it."""
        return Workspace(self.home.settings)


@pytest.fixture(scope="module")
def shop(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = copy_home(trained_home, tmp_path_factory.mktemp("hosts") / "home")
    (folder / "insider.sqlite").unlink()
    old = Workspace(Settings.from_environment(folder))
    model = old.load().model
    old.store.save_model(replace(model, id="second", manifest=model.manifest.with_facts(id="second", files={})))
    old.before_fork()
    (folder / "insider.sqlite").unlink(missing_ok=True)
    with server() as database:
        settings = {"INSIDER_HOME": str(folder), "INSIDER_DATABASE_URL": database, "OMP_NUM_THREADS": "1"}
        one, two = Host("host-a", settings), Host("host-b", settings)
        logs = folder.parent
        with serving(one, logs / "a.log") as first, serving(two, logs / "b.log") as second:
            home = Workspace(replace(Settings.from_environment(folder), database_url=database))
            yield Shop(model.id, home, (one, two), (first, second))


def live_at(url: str) -> str:
    return str(httpx.get(f"{url}/v1/model", timeout=10).json()["id"])


def answers_with(url: str, model: str) -> bool:
    found = httpx.get(f"{url}/v1/users/u001/recommendations", timeout=10).json()
    return bool(found["model"] == model == live_at(url))


def test_a_promotion_on_one_host_is_answered_with_on_the_other_and_taken_back_from_there(shop: Shop) -> None:
    (one, two), (a, b) = shop.hosts, shop.urls
    for url in (a, b):
        assert answers_with(url, shop.first)
    one.run("models", "promote", "second")
    for url in (a, b):
        wait_until(lambda url=url: answers_with(url, "second"), f"{url} has seen the promotion", seconds=WITHIN)
    two.run("models", "rollback")
    for url in (a, b):
        wait_until(lambda url=url: answers_with(url, shop.first), f"{url} has gone back", seconds=WITHIN)
    lines = audit.entries(shop.home.database)[:2]
    assert [(x.action, x.subject, x.before) for x in lines] == [
        ("rollback", shop.first, "second"), ("promote", "second", shop.first),
    ]  # fmt: skip


def test_an_event_that_one_host_took_changes_what_the_other_one_answers(shop: Shop) -> None:
    a, b = shop.urls

    def shown(url: str) -> list[str]:
        found = httpx.get(f"{url}/v1/users/u002/recommendations", params={"k": 5}, timeout=10).json()
        return [item["item_id"] for item in found["items"]]

    bought = shown(b)[0]
    event = {"user_id": "u002", "item_id": bought, "timestamp": "2024-07-20T12:00:00Z"}
    assert httpx.post(f"{a}/v1/events", json={"events": [event]}, timeout=10).is_success
    wait_until(lambda: bought not in shown(b), "what was bought at the other host is not recommended", seconds=WITHIN)
    assert bought not in shown(a)
    history = httpx.get(f"{b}/v1/users/u002/history", timeout=10).json()
    assert bought in json.dumps(history)


@pytest.mark.browser
def test_a_training_that_one_host_does_is_seen_on_the_pages_of_the_other(shop: Shop, browser: Browser) -> None:
    a, b = shop.urls
    with page_of(browser) as here, page_of(browser) as there:
        here.goto(f"{a}/train")
        here.get_by_role("button", name="Train", exact=True).click()
        expect(here.get_by_role("heading", name=re.compile(r"Training \d+"))).to_be_visible(timeout=30_000)
        job = shop.home.job_store.newest(1)[0]
        assert job.kind == "train"
        heading = here.get_by_role("heading", name=re.compile(r"Training \d+")).inner_text()
        there.goto(f"{b}/train")
        expect(there.get_by_role("heading", name=heading)).to_be_visible(timeout=30_000)
        expect(there.get_by_role("button", name="Promote")).to_be_visible(timeout=120_000)
    ended = shop.home.job_store.get(job.id)
    assert ended.state == "done" and ended.model in shop.home.store.models()
    if os.geteuid() == 0:
        assert shop.home.job_store.process(job.id) is None, "it was no process of this host"
    shop.hosts[1].run("models", "promote", str(ended.model))
    for url in (a, b):
        wait_until(lambda url=url: answers_with(url, str(ended.model)), "both answer from it", seconds=WITHIN)


def test_a_host_that_is_killed_while_it_promotes_leaves_nothing_half(shop: Shop) -> None:
    rng, seen = random.Random(7), set()
    for _ in range(8):
        process = shop.hosts[1].start("-c", PROMOTING)
        assert process.stdout is not None
        for _ in range(rng.randint(2, 5)):
            assert process.stdout.readline() == "promoted\n"
        time.sleep(rng.uniform(0.0, 0.1))
        end(process, signal.SIGKILL)
        home = shop.fresh()
        live, last = home.live_id(), audit.entries(home.database)[0]
        assert last.subject == live
        home.before_fork()
        seen.add(live)
        for url in shop.urls:
            wait_until(lambda url=url, live=live: answers_with(url, str(live)), "all say the same", seconds=WITHIN)
    made = [line for line in audit.entries(shop.home.database, 1000) if line.who == "killed"]
    assert len(seen) > 1 and len(made) > 8, "it was killed at different moments, and had promoted before"
    shop.hosts[0].run("models", "promote", shop.first)
    for url in shop.urls:
        wait_until(lambda url=url: answers_with(url, shop.first), "a change goes on from there", seconds=WITHIN)


def test_an_import_of_another_host_is_not_swept_away(shop: Shop, tmp_path: Path) -> None:
    """What it works on lies in the shared home, and its process cannot be seen from here."""
    work = shop.home.settings.home / "importing"
    theirs, left = work / "1@12345@host-c_0a1b2c3d", work / "1@12345@host-d_0a1b2c3d"
    for folder in (theirs, left):
        folder.mkdir(parents=True)
        (folder / "piece").write_text("rows")
    os.utime(left, (time.time() - 2 * 86400,) * 2)
    rows = [f"u{n % 30},i{n * 7 % 23},2024-01-{1 + n % 28:02d}" for n in range(600)]
    (tmp_path / "events.csv").write_text("\n".join(["user_id,item_id,timestamp", *rows]))
    shop.hosts[1].run("dataset", "import", "other", "--events", str(tmp_path / "events.csv"))
    assert [path.name for path in work.iterdir()] == [theirs.name]

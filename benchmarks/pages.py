"""Server work of the Shopper page: a new shopper, a what-if, a search, the reasons; and the page's script as a whole.

`python -m benchmarks pages [--home FOLDER] [--users N --items N --events N] [--runs N]`

By default on a copy of the home with the built-in data (`INSIDER_HOME`). With `--users` a shop of that size is made
(random purchases and a random model, since only the size matters) and looked at in the same way, without the script.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._homes import copy_home
from benchmarks._large import make
from recsys.services.search.user_search import Search, UserSearch
from recsys.services.workbench.target_user import known
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings
from recsys.views import shopper, shopper_history
from recsys.views import what_if as preview
from recsys.views.explanation import item_influences, why

TARGETS = {"small": (0.150, 0.050), "large": (0.400, 0.100)}
"""Seconds for a new shopper and for a what-if: on the built-in data, on a million users and 100,000 items."""


def run(options: Sequence[str]) -> list[dict[str, Any]]:
    """Medians over `--runs` shoppers drawn at random."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks pages")
    parser.add_argument("--home", default=None)
    parser.add_argument("--users", type=int, default=0)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--runs", type=int, default=25)
    asked = parser.parse_args(list(options))
    with _home(asked) as home:
        workspace = Workspace(Settings.from_environment(home))
        size = "large" if asked.users else "small"
        results = _domain(workspace, size, asked.runs)
        return results if asked.users else results + _script(home, workspace, asked.runs)


def _domain(workspace: Workspace, size: str, runs: int) -> list[dict[str, Any]]:
    live = workspace.load()
    dataset = workspace.dataset(str(live.manifest["dataset"]))
    rng = np.random.default_rng(0)
    had = np.flatnonzero(np.diff(live.model.history.counts.indptr) > 0)
    users = live.users["user_id"].iloc[rng.choice(had, runs + 1, replace=False)].tolist()
    finder = UserSearch(live.model, dataset)
    title = str(live.items["title"].iloc[int(live.model.popularity.argmax())])

    def everything(user: str) -> None:
        view = shopper.view(workspace, user)
        shopper.history(live, view, since=True)
        shopper_history.timeline(workspace, live, view.subject)

    def change(user: str) -> None:
        subject = known(live, user)
        preview.what_if(live, subject, without=subject.person.history[:1])

    def reasons(user: str) -> None:
        why(live, user, live.recommend(user).items[0])

    def leaving_out(user: str) -> None:
        item_influences(live, known(live, user), live.recommend(user).items[0].item_id)

    new, what_if = TARGETS[size]
    return [
        _result("a new shopper: history, list, truth, weeks, mix", _median(everything, users), runs, new),
        _result("a what-if: one item taken away, both lists", _median(change, users), runs, what_if),
        _result("why: the score in parts", _median(reasons, users), runs),
        _result("why: their products left out, one at a time", _median(leaving_out, users), runs),
        _result("find by behaviour", _median(lambda _: finder.find(Search(behaviour="lapsed")), users), runs),
        _result("find by what was bought", _median(lambda _: finder.find(Search(bought=title)), users), runs),
        _result("find by part of an id", _median(lambda user: finder.find(Search(query=user[1:])), users), runs),
    ]


def _script(home: Path, workspace: Workspace, runs: int) -> list[dict[str, Any]]:
    """The page's script from a change to its last element, without network and browser."""
    from streamlit.testing.v1 import AppTest

    os.environ["INSIDER_HOME"] = str(home)
    live = workspace.load()
    rng = np.random.default_rng(1)
    users = live.users["user_id"].iloc[rng.choice(len(live.users), runs + 1, replace=False)].tolist()
    app = AppTest.from_file(str(PROJECT_ROOT / "pages" / "main.py"), default_timeout=120).run()
    app = app.switch_page("shopper.py").run()

    def another(user: str) -> None:
        app.text_input(key="shopper").set_value(user).run()
        if app.exception:
            sys.exit(f"The page failed on shopper {user}.")

    return [_result("the page's script for a new shopper", _median(another, users), runs, TARGETS["small"][0])]


def _median(action: Callable[[str], object], users: Sequence[str]) -> float:
    action(users[0])
    taken = []
    for user in users[1:]:
        began = time.perf_counter()
        action(user)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _result(name: str, seconds: float, runs: int, target: float | None = None) -> dict[str, Any]:
    return {
        "name": name, "ours": seconds, "theirs": None, "unit": "s", "ratio": None, "target": target,
        "met": None if target is None else seconds <= target, "runs": runs,
    }  # fmt: skip


@contextmanager
def _home(asked: argparse.Namespace) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="insider-pages-") as folder:
        home = Path(folder) / "home"
        if asked.users:
            make(home, asked.users, asked.items, asked.events)
        else:
            source = Settings.from_environment(asked.home).home
            if not source.exists():
                sys.exit(f"{source} does not exist: give a home with a live model, or --users for a generated shop.")
            copy_home(source, home)
        yield home

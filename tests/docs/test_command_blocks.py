"""Every command that README and docs show runs here, in the order of its page, or has a reason why it does not.

The commands of README.md are run by test_readme.py, the calls of docs/api.md by test_api_examples.py, the tutorials for
engineers and data scientists by test_tutorials.py.
"""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from recsys.recommend.rules import Rules
from recsys.services.workbench.rule_sets import write
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings
from recsys.storage.api_keys import ApiKeyStore
from tests.commands import run
from tests.homes import copy_home

ELSEWHERE = ("api.md", "reference.md", "engineer.md", "data_scientist.md")
PAGES = sorted(path for path in (PROJECT_ROOT / "docs").rglob("*.md") if path.name not in ELSEWHERE)
PROGRAMS = "python|pip|make|curl|docker|dask|buildah|apt-get|debootstrap|mkdir|printf|tar|pg_dump|streamlit|export|"
STARTS = re.compile(rf"(\w+=\S+ )*({PROGRAMS}container=|0 4 )")

IMAGE = "builds or runs an image, which takes an image builder"
WITHOUT = {
    "docker": IMAGE, "buildah": IMAGE, "debootstrap": IMAGE, "apt-get": IMAGE, "mkdir": IMAGE, "printf": IMAGE,
    "tar": IMAGE, "export BUILDAH": IMAGE, "container=": IMAGE,
    "pg_dump": "PostgreSQL's own program",
    "dask": "tests/cluster starts a scheduler and workers",
    "INSIDER_SCHEDULER": "tests/cluster trains, and tests/services/test_batch_partitions.py writes the lists",
    "python -m benchmarks": "takes minutes to hours; tests/project/test_benchmarks.py runs short forms",
    "export AWS_": "credentials; tests/ingest/test_object_stores.py sets them",
    "python -m recsys dataset import shop --events s3://": "tests/ingest/test_object_stores.py imports from a store",
    "export INSIDER_ROLES": "a setting; tests/pages/test_access.py uses it",
}  # fmt: skip
"""How commands begin that are not run here, and why not."""

SMALLER = {"--trials 40": "--trials 1", "--timeout 1800": "--timeout 60", "0 4 * * * ": "", "--preset fast": "",
           "INSIDER_HOME=/srv/insider": "", "/new/home": "new-home"}  # fmt: skip
"""What is put in the place of words of a page, so that a command takes seconds and stays in the folder of the test."""


def lines(page: Path) -> list[str]:
    """The commands of a page: all lines of shell blocks, and what looks like a command in an indented block."""
    text = page.read_text()
    fenced = [block for _, block in re.findall(r"^```(sh|bash)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]
    rest = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    indented = [line[4:] for line in rest.splitlines() if re.match(r" {4}\S", line) and STARTS.match(line[4:])]
    shell = "".join(fenced).replace("\\\n", " ").splitlines()
    return [line.strip() for line in (*shell, *indented) if line.strip() and not line.startswith("#")]


def reason(line: str) -> str | None:
    return next((why for start, why in WITHOUT.items() if line.startswith(start)), None)


COMMANDS = {page: [line for line in lines(page) if reason(line) is None] for page in PAGES}


@pytest.fixture
def shop(trained_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A home with what the pages speak of, in a folder with the files they name."""
    folder = copy_home(trained_home, tmp_path / "home")
    monkeypatch.setenv("INSIDER_HOME", str(folder))
    monkeypatch.chdir(tmp_path)
    Path("rules.json").write_text(write(Rules(never_items=("00001",))))
    Path("christmas.json").write_text(write(Rules(pins=("00002",))))
    Path("orders-1.csv").write_text("user_id,item_id,timestamp\n" + "".join(
        f"{u},{i},2024-0{1 + (u + i) % 6}-0{1 + u % 9}T10:00:00Z\n" for u in range(30) for i in range(12) if (u + i) % 3
    ))  # fmt: skip
    Path("products.tsv").write_text(
        "item_id\ttitle\tcategory\n" + "".join(f"{i}\tP {i}\tC{i % 3}\n" for i in range(12))
    )
    Path("customers.csv").write_text("user_id,age\n" + "".join(f"{u},{20 + u % 40}\n" for u in range(30)))
    return Workspace(Settings.from_environment(folder))


def test_the_commands_are_found() -> None:
    assert sum(map(len, COMMANDS.values())) > 25
    for page in PAGES:
        for line in lines(page):
            assert reason(line) or "python -m recsys " in line, f"{page.name}: nobody runs {line!r}"
    for start in WITHOUT:
        assert any(line.startswith(start) for page in PAGES for line in lines(page)), f"no page shows {start!r}"


@pytest.mark.parametrize("page", [page for page, found in COMMANDS.items() if found], ids=lambda page: page.name)
def test_the_commands_of_a_page_run(page: Path, shop: Workspace) -> None:
    key = ""
    for line in COMMANDS[page]:
        for words, instead in (*SMALLER.items(), ("1f2e3d4c5b6a", key), ("orders-*.csv.gz", "orders-*.csv")):
            line = line.replace(words, instead)
        line = re.sub(r"\bID\b", str(shop.live_id()), line)
        given = shlex.split(line)
        environment = dict(word.split("=", 1) for word in given[: given.index("python")])
        arguments = given[given.index("python") + 3 :]
        if page.name == "backup.md" and arguments[0] == "backup":
            arguments.append("--overwrite")  # the page shows it twice
        if arguments[0] in ("train", "tune"):
            arguments += ["--dataset", "small"]  # the built-in data take minutes
        done = run(*arguments, environment=environment)
        assert done.exit_code == 0, (page.name, line, done.stdout, done.stderr)
        if arguments[:2] == ["keys", "create"]:
            key = ApiKeyStore(shop.database).all()[0].id


def test_the_python_of_the_pages_runs(shop: Workspace, tmp_path: Path) -> None:
    seen = set()
    rng = np.random.default_rng(0)
    pairs = sparse.coo_matrix((rng.random((20, 30)) < 0.2).astype(np.float32))
    names = {"interactions": pairs, "user_features": None, "item_features": None, "sample_weight": None}
    for page in (PROJECT_ROOT / "docs").glob("*.md"):
        for block in re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            exec(compile(block, page.name, "exec"), dict(names))
            seen.add(page.name)
    assert seen == {"performance.md"}
    tuned = run("tune", "--dataset", "small", "--trials", "1", "--name", "spring")
    assert tuned.exit_code == 0, tuned.stderr
    text = (PROJECT_ROOT / "docs" / "training.md").read_text()
    found = re.search(r"^( {4}import optuna\n(?: {4}.*\n)+)", text, re.MULTILINE)
    assert found is not None
    block = found[1].replace("    ", "").replace("data/store", str(shop.settings.home))
    exec(compile(block, "training.md", "exec"), {})

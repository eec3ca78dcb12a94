"""What the README says is done here: its commands in their order on one empty home, its calls, its Python."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.serving import ROOT, free_port, running_app, stopped_at_the_end, wait_until

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
LINES = [
    line.strip()
    for language, block in BLOCKS
    if language == "sh"
    for line in block.replace("\\\n", " ").splitlines()
    if line.strip()
]
RECSYS = [line for line in LINES if line.startswith("python -m recsys")]
CURL = [line for line in LINES if line.startswith("curl")]
SERVES = [line for line in LINES if " serve" in line or line in ("make run", "streamlit run app.py")]
INSTALLS = ["python3 -m venv .venv && . .venv/bin/activate", "pip install -r requirements.txt"]

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home that the README's own commands have filled, with the environment pointing at it."""
    folder, work = tmp_path_factory.mktemp("readme"), tmp_path_factory.mktemp("work")
    (work / "data").symlink_to(ROOT / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INSIDER_HOME", str(folder))
        patch.setenv("PYTHONPATH", str(ROOT))
        for line in RECSYS:
            if line not in SERVES:
                done = subprocess.run(
                    [sys.executable, *shlex.split(line)[1:]], cwd=work, capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
                assert done.stdout, line
        yield folder


def test_every_command_of_the_readme_is_known_here() -> None:
    assert RECSYS
    assert CURL
    assert set(LINES) == {*RECSYS, *CURL, *SERVES, *INSTALLS}


def test_the_calls_and_the_python_answer(home: Path, tmp_path: Path) -> None:
    with running_app(home, tmp_path / "log") as url:
        for line in CURL:
            words = shlex.split(line.replace("localhost:8000", url))
            done = subprocess.run([*words, "--fail-with-body", "-sS"], capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
            assert '"model"' in done.stdout
        for language, block in BLOCKS:
            if language == "python":
                exec(compile(block.replace("http://localhost:8000", url), "README.md", "exec"), {})


def test_streamlit_run_serves_dashboard_and_api(home: Path, tmp_path: Path) -> None:
    port = free_port()
    with stopped_at_the_end(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
        tmp_path / "log",
        dict(os.environ),
    ):
        url = f"http://localhost:{port}"
        wait_until(lambda: httpx.get(f"{url}/readyz", timeout=5).status_code == 200, "the app is ready", seconds=60)
        assert httpx.get(f"{url}/_stcore/health").text == "ok"
        assert "<title>" in httpx.get(url).text
        table = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
        listening = [row.split()[1] for row in table.splitlines() if row.split()[3] == "0A"]
        assert [at for at in listening if at.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"], "loopback alone"

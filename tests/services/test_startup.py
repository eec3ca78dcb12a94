"""What processes that were killed have left is put right by the next start."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from recsys.services.promotion import promote
from recsys.services.startup import put_right
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings
from recsys.storage import audit
from tests.homes import copy_home

KILLED = """
import os, sys
from recsys.services import promotion
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.storage.store import Store

def and_die(change):
    def changed(self, *given):
        if sys.argv[3] == "after":
            change(self, *given)
        os._exit(9)
    return changed

for name in ("set_live", "roll_back", "delete_model"):
    setattr(Store, name, and_die(getattr(Store, name)))
home = Workspace(Settings.from_environment(sys.argv[1]))
action = sys.argv[2]
if action == "rollback":
    promotion.rollback(home, who="Ann")
else:
    getattr(promotion, {"promote": "promote", "delete": "delete_model"}[action])(home, "second", who="Ann", note="Why")
"""


@pytest.fixture
def home(trained_home: Path, tmp_path: Path) -> Workspace:
    """A home with two versions, `first` live before `second` or only `first`."""
    folder = copy_home(trained_home, tmp_path / "home")
    return Workspace(Settings.from_environment(folder))


def with_second(home: Workspace) -> str:
    """A second version, the same under another name; gives the id of the first."""
    model = home.load().model
    home.store.save_model(replace(model, id="second", manifest=model.manifest.with_facts(id="second", files={})))
    return model.id


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("action", ["promote", "rollback", "delete"])
def test_a_kill_between_a_change_and_its_line_in_the_audit_log_loses_no_line(
    home: Workspace, action: str, moment: str
) -> None:
    first = with_second(home)
    if action == "rollback":
        promote(home, "second")
    lines = len(audit.entries(home.database))
    command = [sys.executable, "-c", KILLED, str(home.settings.home), action, moment]
    assert subprocess.run(command, cwd=PROJECT_ROOT, check=False).returncode == 9
    assert len(audit.entries(home.database)) == lines, "the transaction of the killed process is gone"
    for _ in range(2):
        put_right(Workspace(home.settings))
    found = audit.entries(home.database)
    assert len(found) == lines + (moment == "after")
    if moment == "after":
        subject = first if action == "rollback" else "second"
        assert (found[0].action, found[0].subject, found[0].who) == (action, subject, "Ann")
    assert home.live_id() == ("second" if (action, moment) in (("promote", "after"), ("rollback", "before")) else first)
    assert not (home.settings.home / "live.intended.json").exists()


def test_leftovers_of_interrupted_writes_are_swept(home: Workspace) -> None:
    folder = home.settings.home
    old = time.time() - 2 * 86400
    left = [folder / x for x in ("models/.writing-1/a.npy", "datasets/.deleted-2/b", "importing/1@0_ab/c", ".live-3",
                                 ".restoring-4/models/d", "uploads/5/e.csv")]  # fmt: skip
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("left")
        os.utime(path, (old, old))
        if path.parent != folder:
            os.utime(path.parent, (old, old))
            os.utime(folder / path.relative_to(folder).parts[0], (old, old))
    fresh = folder / "models" / ".writing-now"
    fresh.mkdir()
    put_right(Workspace(home.settings))
    assert not [path for path in left if path.exists()]
    assert fresh.exists(), "somebody may be writing it"

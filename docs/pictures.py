"""Takes the pictures of every page and writes docs/pictures.md, which shows them.

    python -m docs.pictures [HOME] [NAME...]

HOME is a folder with a live model, its map and its quality report, and another model. Without it, one is made in a
temporary folder: the built-in data, the live model of preset `default`, and one with half of its components (some
minutes). Names take those pictures alone. Needs the test packages and Chromium.
"""

import io
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from PIL import Image
from playwright.sync_api import Page

from recsys.models.hyperparameters import Hyperparameters, preset
from recsys.presentation.pictures import suggested
from recsys.presentation.slides import Presentations
from recsys.progress import Progress
from recsys.services.datasets import import_demo
from recsys.services.jobs import start_training
from recsys.services.quality_assessment import assess
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from tests.accessibility import LOOKS, WAIT, settled
from tests.serving import chromium, page_of, running_app

FOLDER = Path(__file__).resolve().parent
IMAGES = FOLDER / "pictures"
PAGE = FOLDER / "pictures.md"
QUALITY = 72
"""Of the WebP files, out of 100: text stays sharp, a picture takes about 50 kB."""

INTRODUCTION = """\
# Pictures of every page

Taken by `python -m docs.pictures` (`make docs`) from the built-in data and the preset `default`: on a desk and on a
phone, light and dark.
"""


@dataclass(frozen=True)
class Shot:
    """What is taken: a page, or a part of one.

    Attributes:
        address: with "{other}" for a model that is not live.
        tall: pixels of the window on a desk; a phone shows `PHONE`.
        looks: widths and whether it is dark.
    """

    name: str
    title: str
    address: str
    tall: int = 1000
    looks: tuple[tuple[int, bool], ...] = LOOKS


DRAFT = json.dumps(
    {
        "never_categories": ["Cat food"],
        "diversity": 0.3,
        "boosts": [{"of": "category", "name": "Produce", "strength": 1}],
    }
)
DESK = ((1280, False),)
PHONE = 1400
SHOTS = (
    Shot("home", "Home", "/"),
    Shot("shopper", "Shopper", "/shopper?shopper=1001&since=true", 1100),
    Shot("product", "Product", "/item?item=1082185", 1300),
    Shot("data", "Data", "/data"),
    Shot("train", "Train", "/train", 1100),
    Shot("runs", "Runs", "/runs", 1100),
    Shot("models", "Models", "/models?model={live}&story=true", 1500),
    Shot("quality", "Quality", "/quality", 1300),
    Shot("map", "Map", "/map"),
    Shot("present", "Present", "/present", 1100),
    Shot("shopper-why", "Shopper: why", "/shopper?shopper=1001&section=Why", 1150, DESK),
    Shot("shopper-what-if", "Shopper: what if", "/shopper?shopper=1001&section=What+if", 1000, DESK),
    Shot("shopper-rules", "Shopper: rules", f"/shopper?shopper=1001&section=Rules&priced=true&draft={quote(DRAFT)}",
         1500, DESK),
    Shot("shopper-compare", "Shopper: compare", "/shopper?shopper=1001&section=Compare&against=model:{other}", 1100,
         DESK),
    Shot("map-shopper", "Map: a shopper among the products", "/map?shopper=1001", 1000, DESK),
    Shot("models-change", "Models: what would change", "/models?model={other}&change=true", 1300, DESK),
)  # fmt: skip


def main(home: Path | None, names: list[str]) -> None:
    """Take the pictures, and write the page that shows them."""
    IMAGES.mkdir(exist_ok=True)
    with _home(home) as folder, tempfile.TemporaryDirectory() as work:
        workspace = Workspace(Settings.from_environment(folder))
        live = str(workspace.live_id())
        other = next(x for x in workspace.store.models() if x != live)
        with running_app(folder, Path(work) / "log") as url, chromium() as browser, page_of(browser) as opened:
            for shot in SHOTS:
                if not names or shot.name in names:
                    address = shot.address.replace("{live}", quote(live)).replace("{other}", quote(other))
                    take(opened, url + address, shot)
    PAGE.write_text(page())


def take(page: Page, address: str, shot: Shot) -> None:
    """The pictures of a page in every look, each when everything on it is drawn."""
    page.set_default_timeout(WAIT)
    for width, dark in shot.looks:
        page.set_viewport_size({"width": width, "height": shot.tall if width > 500 else PHONE})
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.goto(address)  # anew in each look: slides and the map are drawn for the colours and the width they find
        page.get_by_role("heading", level=1).first.wait_for()
        _drawn(page)
        target = IMAGES / file_of(shot, width, dark)
        Image.open(io.BytesIO(page.screenshot())).save(target, "WEBP", quality=QUALITY, method=6)
        print(f"{target.relative_to(FOLDER.parent)}: {target.stat().st_size / 1000:.0f} kB", flush=True)


def _drawn(page: Page) -> None:
    page.wait_for_function(
        "[...document.querySelectorAll('[data-testid=stPlotlyChart]')]"
        ".every((chart) => !chart.checkVisibility() || chart.querySelector('.main-svg'))"
    )
    page.wait_for_timeout(1000)  # until charts and lists have their new sizes
    settled(page)


def file_of(shot: Shot, width: int, dark: bool) -> str:
    """The name of the file of a picture."""
    return f"{shot.name}-{width}-{'dark' if dark else 'light'}.webp"


def page() -> str:
    """docs/pictures.md."""
    parts = [INTRODUCTION]
    for shot in SHOTS:
        parts.append(f"## {shot.title}\n")
        for width in sorted({width for width, _ in shot.looks}, reverse=True):
            where = "on a desk" if width > 500 else "on a phone"
            images = [
                f'<img src="pictures/{file_of(shot, width, dark)}" width="{_shown(shot, width)}" '
                f'alt="{shot.title}, {where}, {"dark" if dark else "light"}">'
                for dark in (False, True)
                if (width, dark) in shot.looks
            ]
            parts.append("\n".join(images) + "\n")
    return "\n".join(parts)


def _shown(shot: Shot, width: int) -> str:
    return "240" if width < 500 else "49%" if len(shot.looks) > 1 else "90%"


@contextmanager
def _home(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Settings.from_environment(Path(folder)))
        data, recipe = import_demo(workspace), preset("default")
        _train(workspace, data.name, recipe, promote=True)
        live = str(workspace.live_id())
        _train(workspace, data.name, replace(recipe, components=64), promote=False)
        assess(workspace, live, on_progress=_told)
        _until(lambda: not workspace.job_store.newest(1, active=True), workspace)
        Presentations(workspace).save("How good it is", suggested(workspace))
        yield Path(folder)


def _train(workspace: Workspace, dataset: str, recipe: Hyperparameters, *, promote: bool) -> None:
    """Train as the Train page does: in a job. The map and the rough runs that follow it go on in jobs of their own."""
    job = start_training(workspace, dataset, recipe, promote=promote)
    _until(lambda: not workspace.job_store.get(job.id).active, workspace)
    if (ended := workspace.job_store.get(job.id)).state != "done":
        raise SystemExit(ended.message)


def _until(done: Callable[[], bool], workspace: Workspace) -> None:
    while not done():
        for running in workspace.job_store.newest(1, active=True):
            _told(Progress(running.step, running.fraction))
        time.sleep(5)


def _told(progress: Progress) -> None:
    print(f"{progress.fraction:4.0%} {progress.step}", file=sys.stderr)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    folder_given = Path(arguments.pop(0)) if arguments and Path(arguments[0]).is_dir() else None
    main(folder_given, arguments)

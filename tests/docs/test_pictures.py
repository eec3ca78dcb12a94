"""The pictures of the docs: all that the page shows are there, no others, and all of them together are small."""

import re

from PIL import Image

from docs import pictures
from recsys.settings import PROJECT_ROOT

MOST_BYTES = 6_000_000


def test_the_page_shows_every_picture_and_no_other() -> None:
    assert pictures.PAGE.read_text() == pictures.page(), "run `python -m docs.pictures`"
    shown = re.findall(r'src="pictures/([^"]+)"', pictures.PAGE.read_text())
    assert len(shown) == len(set(shown)) == sum(len(shot.looks) for shot in pictures.SHOTS)
    assert set(shown) == {path.name for path in pictures.IMAGES.iterdir()}
    assert re.findall(r"docs/pictures/[\w-]+\.webp", (PROJECT_ROOT / "README.md").read_text())


def test_every_page_of_the_dashboard_is_shown_in_every_look() -> None:
    pages = re.findall(r'"(\w+)\.py",\s*title="(\w+)"', (PROJECT_ROOT / "pages" / "main.py").read_text())
    assert len(pages) == 10
    whole = {shot.title for shot in pictures.SHOTS if len(shot.looks) == 4}
    assert {title for _, title in pages} <= whole


def test_they_are_small_and_as_wide_as_they_say() -> None:
    files = list(pictures.IMAGES.iterdir())
    assert sum(path.stat().st_size for path in files) < MOST_BYTES
    for path in files:
        with Image.open(path) as image:
            assert image.format == "WEBP"
            assert f"-{image.width}-" in path.name


def test_make_docs_runs_what_is_there() -> None:
    makefile = (PROJECT_ROOT / "Makefile").read_text()
    programs = re.findall(r"python -m docs\.(\w+)", makefile)
    assert programs == ["reference", "architecture", "pictures"]
    assert all((PROJECT_ROOT / "docs" / f"{program}.py").is_file() for program in programs)
    assert re.search(r"^# make docs  ", makefile, re.MULTILINE)

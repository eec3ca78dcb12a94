"""The documentation is complete: every command, option, setting and benchmark is told of in README.md or docs/."""

import re
from pathlib import Path

import pytest

from docs import architecture
from docs.figures import folders
from docs.reference import PAGE, commands, options, reference
from recsys.settings import PROJECT_ROOT

DOCS = PROJECT_ROOT / "docs"
PAGES = [PROJECT_ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted((DOCS / "tutorials").glob("*.md"))]
TEXT = "\n".join(path.read_text() for path in PAGES)
SOURCES = [*(PROJECT_ROOT / "recsys").rglob("*.py"), *(PROJECT_ROOT / "pages").rglob("*.py"), PROJECT_ROOT / "app.py"]
SETTINGS = sorted({name for path in SOURCES for name in re.findall(r"\bINSIDER_[A-Z_]+[A-Z]\b", path.read_text())})


def test_the_commands_are_found() -> None:
    names = [name for name, _ in commands()]
    assert {"dataset demo", "train", "evaluate", "recommend", "similar", "models", "models rollback", "serve"} <= set(
        names
    )
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name, command", [pytest.param(n, c, id=n) for n, c in commands()])
def test_every_command_and_option_is_told_of(name: str, command: object) -> None:
    assert re.search(rf"(python -m recsys |`){re.escape(name)}\b", TEXT), f"no page tells of {name!r}"
    for option in (max(param.opts, key=len) for param in options(command)):
        assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", TEXT), f"no page tells of {name} {option}"


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_told_of(name: str) -> None:
    assert name in TEXT, f"no page tells of {name}"


@pytest.mark.parametrize("path", PAGES, ids=[str(path.relative_to(PROJECT_ROOT)) for path in PAGES])
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text()):
        if not re.match(r"[a-z]+:", target):
            assert (path.parent / target).exists(), f"{path.name} links to {target}, which is not there"


def test_the_index_of_the_docs_leads_to_every_page() -> None:
    linked = re.findall(r"\]\(([^)]+)\)", (DOCS / "README.md").read_text())
    there = {str(path.relative_to(DOCS)) for path in PAGES if DOCS in path.parents} | {"notebook.ipynb"}
    assert there - {"README.md"} <= set(linked)


def test_commands_in_the_pages_exist() -> None:
    known = {name for name, _ in commands()}
    firsts = {name.split()[0] for name in known}
    for path in PAGES:
        for line in re.findall(r"python -m recsys ([a-z]+(?: [a-z]+)?)", path.read_text()):
            words = line.split()
            assert words[0] in firsts, f"{path.name}: no command {line!r}"


def test_the_reference_is_what_the_program_says() -> None:
    assert PAGE.read_text() == reference(), "docs/reference.md is out of date: run `python -m docs.reference`"


def test_the_changelog_tells_of_this_version() -> None:
    assert "Unreleased" in (PROJECT_ROOT / "CHANGELOG.md").read_text()


def test_the_architecture_is_that_of_the_import_contract() -> None:
    assert architecture.PAGE.read_text() == architecture.page(), "run `python -m docs.architecture`"
    paths = re.findall(r"`(recsys/\w[\w/]*\.py)`", architecture.ROADS)
    assert len(paths) == 5 and all((PROJECT_ROOT / path).is_file() for path in paths)


def test_no_folder_has_more_than_twenty_modules() -> None:
    assert {name: count for name, count in folders().items() if count > 20} == {}

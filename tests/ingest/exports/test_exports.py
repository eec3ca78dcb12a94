"""Well-known exports are imported with the fewest words, and every column is taken for what it is."""

from pathlib import Path

import pytest

from recsys.ingest.config import ImportPlan
from recsys.ingest.pipeline import import_dataset
from recsys.storage.store import Store
from tests.ingest.exports.shapes import ITEMS, ROWS, SHAPES, USERS, Shape, workbook


def write(folder: Path, shape: Shape) -> dict[str, tuple[str, ...]]:
    """The files of a shape below a folder; gives the paths of each part."""
    for name, text in shape.files.items():
        if name.endswith(".xlsx"):
            workbook(folder / name, text, sheets=2 if name.startswith("retail2") else 1)
        else:
            (folder / name).write_text(text, encoding="utf-8")
    parts = {"events": shape.events, "items": shape.items, "users": shape.users}
    return {part: tuple(str(folder / name) for name in names) for part, names in parts.items()}


@pytest.mark.parametrize("name", SHAPES)
def test_an_export_is_read_as_a_stranger_would_have_it(tmp_path, name):
    shape = SHAPES[name]
    report = import_dataset(Store(tmp_path / "home"), ImportPlan("x", **write(tmp_path, shape), **shape.options))
    taken: dict[str, dict[str, str]] = {}
    for column in report["columns"]:
        if column["taken_as"]:
            taken.setdefault(column["file"], {})[column["column"]] = column["taken_as"]
    assert taken == shape.takes
    stored = {"users": USERS, "items": ITEMS, "events": ROWS} | dict(shape.stored)
    assert {key: report[key] for key in stored} == stored
    assert report["rejected"]["rows"] == 0, report["rejected"]
    assert (report["period"] or [None])[0] == shape.first
    if shape.levels:
        assert tuple(report["categories"]) == shape.levels

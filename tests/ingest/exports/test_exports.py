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


def test_no_column_of_any_shape_had_to_be_named():
    """With the test above: all 186 columns that are used are known without a mapping, and none wrongly."""
    assert sum(len(columns) for shape in SHAPES.values() for columns in shape.takes.values()) >= 186
    said = {option for shape in SHAPES.values() for option in shape.options}
    assert said == {"timestamp_format", "min_rating"}, (
        "of dunnhumby the day of its DAY 1; of ratings, from which one counts"
    )


TOGETHER = {
    "Instacart": ("order_products__prior.csv", "orders.csv"),
    "RetailRocket": ("item_properties_part1.csv",),
}
"""Shapes with files that are joined, or turned from a row for each property into a row for each item."""


@pytest.mark.parametrize("name", TOGETHER)
def test_lines_that_cannot_be_read_of_files_put_together_are_counted_and_named(tmp_path, name):
    shape = SHAPES[name]
    paths = write(tmp_path, shape)
    for file in TOGETHER[name]:
        lines = (tmp_path / file).read_text().splitlines()
        lines[4:4] = ["too,many," + lines[2], "few"]
        (tmp_path / file).write_text("\n".join(lines) + "\n")
    report = import_dataset(Store(tmp_path / "home"), ImportPlan("x", **paths, **shape.options))
    first = {(x["file"], x["line"], x["reason"], x["value"][:8]) for x in report["rejected"]["first"]}
    many, few = ("more fields than the header", "too,many"), ("fewer fields than the header", "few")
    assert first == {(file, 5 + n, *found) for file in TOGETHER[name] for n, found in enumerate((many, few))}
    assert report["rejected"]["rows"] == 2 * len(TOGETHER[name])
    rows = report["rows"]
    in_events = 2 * len(TOGETHER[name]) if name == "Instacart" else 0
    assert rows["rejected"] == in_events and rows["read"] == ROWS + in_events
    assert rows["read"] == rows["used"] + rows["rejected"] + rows["left_out"]
    put_together = next(x for x in report["files"] if TOGETHER[name][0] in x["file"])
    assert put_together["rejected"] == 2 * len(TOGETHER[name])
    stored = {"users": USERS, "items": ITEMS, "events": ROWS} | dict(shape.stored)
    assert {key: report[key] for key in stored} == stored, "all other lines are used"


def test_an_order_that_stands_twice_does_not_double_its_lines(tmp_path):
    shape = SHAPES["Instacart"]
    paths = write(tmp_path, shape)
    orders = tmp_path / "orders.csv"
    orders.write_text(orders.read_text() + "\n".join(orders.read_text().splitlines()[1:4]) + "\n")
    report = import_dataset(Store(tmp_path / "home"), ImportPlan("x", **paths, **shape.options))
    assert report["events"] == ROWS == report["rows"]["read"]

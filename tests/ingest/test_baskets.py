# ruff: noqa: E501  # rows as they stand in files
"""Several products in a row: lists in a cell, or a column for each; each is an event, or it is said."""

import json
from datetime import timedelta

import pytest

from tests.ingest.test_cases import EVENTS, ITEMS, PLAIN, START, run, taken, text

BASKETS = [
    (f"u{n * 5 % 8}", [f"P{(n * 3 + k * k + n // 7) % 10}" for k in range(1 + n % 4)], START + timedelta(days=2 * n))
    for n in range(80)
]
EACH = sorted((u, i) for u, items, _ in BASKETS for i in items)
TWO = [(u, items[:2] if len(items) > 1 else [items[0], "P4"], t) for u, items, t in BASKETS]


def pairs(dataset) -> list[tuple[str, str]]:
    users, items = dataset.users["user_id"].tolist(), dataset.items["item_id"].tolist()
    return sorted(
        (users[u], items[i]) for u, i in zip(dataset.events["user_id"], dataset.events["item_id"], strict=True)
    )


CELLS = {
    "commas": lambda items: '"' + ",".join(items) + '"', "commas and blanks": lambda items: '"' + ", ".join(items) + '"',
    "pipes": "|".join, "semicolons": ";".join, "blanks": " ".join,
    "JSON": lambda items: '"' + json.dumps(items).replace('"', '""') + '"', "Python": lambda items: '"' + repr(items) + '"',
    "braces": lambda items: '"{' + ",".join(items) + '}"', "lines": lambda items: '"' + "\n".join(items) + '"',
    "objects": lambda items: '"' + json.dumps([{"product_id": x, "price": 9.5} for x in items]).replace('"', '""') + '"',
}  # fmt: skip


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("header", ["item_id", "products"])
def test_lists_of_products_in_a_cell(tmp_path, name, header):
    lines = [f"{u},{CELLS[name](items)},{t},99.90" for u, items, t in BASKETS]
    report, dataset = run(tmp_path, {"events.csv": text(*lines, header=f"user_id,{header},timestamp,order_total")})
    assert pairs(dataset) == EACH, report["columns"]
    assert report["rows"]["read"] == report["rows"]["used"] == len(EACH)
    assert any(f"80 rows became {len(EACH)}" in x for x in report["warnings"])
    assert taken(report)["order_total"] is None
    assert dataset.events["timestamp"].min() == START


@pytest.mark.parametrize("form", ["{} x 2", "2x {}", "{} (2)", "{}:2", "{} × 2"])
def test_pieces_beside_the_products_of_a_cell(tmp_path, form):
    lines = [f"{u},{'; '.join(form.format(x) for x in items)},{t}" for u, items, t in BASKETS]
    report, dataset = run(tmp_path, {"events.csv": text(*lines, header="user_id,items,timestamp")})
    assert pairs(dataset) == EACH and set(dataset.events["quantity"]) == {2.0}, report["columns"]


def test_columns_that_list_as_many_parts_go_along(tmp_path):
    lines = [
        f"{u},{'|'.join(i)},{'|'.join('3' for _ in i)},{'|'.join(f'Thing {x}' for x in i)},{t}" for u, i, t in BASKETS
    ]
    report, dataset = run(tmp_path, {"events.csv": text(*lines, header="user_id,skus,quantity,product_name,timestamp")})
    assert pairs(dataset) == EACH and set(dataset.events["quantity"]) == {3.0}, report["columns"]
    assert dataset.items["title"].tolist() == [f"Thing P{n}" for n in range(10)]


def test_lists_in_json_lines_and_with_a_catalogue_that_has_the_parts(tmp_path):
    rows = [json.dumps({"user_id": u, "items": items, "timestamp": f"{t}"}) for u, items, t in BASKETS]
    _, dataset = run(tmp_path / "one", {"events.jsonl": "\n".join(rows)})
    assert pairs(dataset) == EACH
    rare = [(f"u{n % 8}", [f"R{2 * n}", f"R{2 * n + 1}"]) for n in range(40)]
    lines = [f"{u},{';'.join(items)},{START + timedelta(days=n)}" for n, (u, items) in enumerate(rare + rare[:5])]
    items = text(*(f"R{n},T{n},K{n % 3}" for n in range(80)), header="item_id,title,category")
    report, dataset = run(tmp_path / "two", {"events.csv": text(*lines), "items.csv": items})
    assert len(dataset.events) == 90, report["columns"]


WIDE = {
    "item_1,item_2,item_3,item_4": "{0}", "product1,product2,product3,product4": "{0}", "Item 0,Item 1,Item 2,Item 3": "{0}",
    "item,item,item,item": "{0}", "sku_1,qty_1,sku_2,qty_2,sku_3,qty_3,sku_4,qty_4": "{0},2",
}  # fmt: skip


@pytest.mark.parametrize("header", WIDE)
def test_a_column_for_each_product(tmp_path, header):
    blank = WIDE[header].replace("{0}", "").replace("2", "")
    lines = [
        f"{u},{t},45.00," + ",".join([WIDE[header].format(x) for x in items] + [blank] * (4 - len(items)))
        for u, items, t in BASKETS
    ]
    report, dataset = run(tmp_path, {"events.csv": text(*lines, header=f"user_id,timestamp,total,{header}")})
    assert pairs(dataset) == EACH, report["columns"]
    assert any(f"80 rows became {len(EACH)}" in x for x in report["warnings"])
    assert taken(report)["total"] is None
    if "qty" in header:
        assert set(dataset.events["quantity"]) == {2.0}


ALIKE = {
    "colours": [f"{('Mug', 'Cup', 'Jug')[n % 3]}, {('red', 'blue')[n // 3 % 2]}" for n in range(10)],
    "numbers with blanks": [f"123 45{n} 789" for n in range(10)],
    "a variant behind a bar": [f"SKU{n // 2}|{'SM'[n % 2]}" for n in range(10)],
    "words": [f"Tea {('cup', 'pot', 'jug')[n % 3]} {n}" for n in range(10)],
}  # fmt: skip


@pytest.mark.parametrize("name", ALIKE)
def test_ids_with_marks_in_them_are_no_lists(tmp_path, name):
    ids = dict(zip(ITEMS, ALIKE[name], strict=True))
    lines = [f'{u},"{ids[i]}",{t}' for u, i, t in EVENTS]
    report, dataset = run(tmp_path, {"events.csv": text(*lines)})
    assert set(dataset.items["item_id"]) == set(ALIKE[name]) and report["rows"]["used"] == 80


def test_a_second_number_of_the_same_product_is_no_second_product(tmp_path):
    lines = [f"{x},E{x.split(',')[1]}" for x in PLAIN]
    report, dataset = run(
        tmp_path, {"events.csv": text(*lines, header="user_id,sku_1,timestamp,sku_2")}, mapping={"item_id": ("sku_1",)}
    )
    assert len(dataset.events) == 80 and taken(report)["sku_2"] is None


def test_what_may_be_lists_is_said(tmp_path):
    lines = [f"u{(n + n // 50) % 8},A{n % 50};B{n % 50},{START + timedelta(days=n)}" for n in range(80)]
    report, _ = run(tmp_path, {"events.csv": text(*lines)})
    assert report["items"] == 50 and any("if they list products, write one a row" in x for x in report["warnings"])


BESIDE = {
    "user_id,item_id,related_products,timestamp": '{0},{1},"i1,i2,i3",{2}',
    "user_id,sku,sku_2,timestamp": "{0},{1},X{1},{2}",
    "user_id,item_id,recommended_item_1,recommended_item_2,timestamp": "{0},{1},i1,i2,{2}",
    "user_id,item_id,item_category_1,item_category_2,timestamp": "{0},{1},A,A,{2}",
}


@pytest.mark.parametrize("header", BESIDE)
def test_lists_beside_the_product_are_no_baskets(tmp_path, header):
    report, dataset = run(tmp_path, {"events.csv": text(*(BESIDE[header].format(*x) for x in EVENTS), header=header)})
    assert len(dataset.events) == 80 and set(dataset.items["item_id"]) == set(ITEMS), taken(report)

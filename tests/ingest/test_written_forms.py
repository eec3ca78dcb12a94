# ruff: noqa: E501  # rows as they stand in files
"""Tables as programs print them, quotes of other kinds, rows as lists, exports of databases and query languages."""

import json
from datetime import datetime
from typing import Any

import pytest

from recsys.errors import InvalidInput
from tests.ingest.test_cases import EVENTS, HEADER, ITEMS, PLAIN, START, run, taken, text
from tests.ingest.test_odd_rows import told

USERS = {f"u{n}" for n in range(8)}
RULE = "+------+------+---------------------+"


def lines(of: Any) -> str:
    return "\n".join(of(u, i, t) for u, i, t in EVENTS) + "\n"


def seconds(t: datetime) -> int:
    return int((t - datetime(1970, 1, 1)).total_seconds())


FORMS = {
    "a table of a client for SQL": "\n".join([RULE, "| user_id | item_id | timestamp |", RULE, *(f"| {u} | {i} | {t} |" for u, i, t in EVENTS), RULE, ""]),
    "a table in Markdown": "| user_id | item_id | timestamp |\n|---|---|---|\n" + lines(lambda u, i, t: f"| {u} | {i} | {t} |"),
    "a table of psql": " user_id | item_id | timestamp \n---------+---------+---------\n" + lines(lambda u, i, t: f" {u}      | {i}      | {t}") + "(80 rows)\n",
    "a column of a fixed width": text(*(f"{u:<10},{i:<8},{t}" for u, i, t in EVENTS)),
    "single quotes": "'user_id','item_id','title','timestamp'\n" + lines(lambda u, i, t: f"'{u}','{i}','Tea, big','{t}'"),
    "typographic quotes": f"{HEADER}\n" + lines(lambda u, i, t: f"“{u}”,„{i}“,“{t}”"),
    "lists in lines": lines(lambda u, i, t: json.dumps([u, i, f"{t}"])),
    "lists with names": json.dumps(HEADER.split(",")) + "\n" + lines(lambda u, i, t: json.dumps([u, i, f"{t}"])),
    "a list of lists without names": json.dumps([[u, i, f"{t}"] for u, i, t in EVENTS]),
    "DynamoDB": lines(lambda u, i, t: json.dumps({"Item": {"user_id": {"S": u}, "product_id": {"S": i}, "created_at": {"N": str(seconds(t))}}})),
    "GraphQL": json.dumps({"data": {"orders": {"edges": [
        {"node": {"createdAt": f"{t.isoformat()}Z", "customer": {"id": u}, "lineItems": {"edges": [{"node": {"product": {"id": i}}}]}}} for u, i, t in EVENTS]}}}),
    "MongoDB": lines(lambda u, i, t: json.dumps({"_id": {"$oid": "5f"}, "userId": {"$oid": u}, "sku": i, "createdAt": {"$date": {"$numberLong": str(seconds(t) * 1000)}}})),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_ids_are_what_a_person_would_read(tmp_path, form):
    report, dataset = run(tmp_path, {"events.txt": FORMS[form]})
    assert set(dataset.users["user_id"]) == USERS, taken(report)
    assert set(dataset.items["item_id"]) == set(ITEMS)
    assert dataset.events["timestamp"].min() == START and report["rows"]["used"] == 80


@pytest.mark.parametrize(
    "content", ["<?xml version='1.0'?>\n<a><b>1</b></a>", "<html><table><tr><td>user_id</td></tr></table></html>"]
)
def test_xml_and_pages_are_refused_by_their_name(tmp_path, content):
    with pytest.raises(InvalidInput, match="is XML or a page"):
        run(tmp_path, {"events.xls": content})


def test_blanks_around_all_ids_of_a_catalogue_are_no_part_of_them(tmp_path):
    items = text(*(f" {i} ,Tea {i}" for i in ITEMS), header="sku,title")
    report, _ = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": items})
    assert report["catalogue"]["items_only_in_events"] == 0
    assert "the blanks around its values are no part of them" in report["columns"][3]["because"]


def test_words_in_columns_about_something_else_are_not_said(tmp_path):
    words = ("gift card", "visa", "manual"), ("new", "used", "refurbished")
    lines = [f"{x},{words[0][n % 3]},{words[1][n % 3]}" for n, x in enumerate(PLAIN)]
    report, _ = run(tmp_path, {"events.csv": text(*lines, header=f"{HEADER},payment_method,condition")})
    assert taken(report)["condition"] is None and not told(report, "take them out")


def test_a_header_in_angle_brackets_is_no_page(tmp_path):
    report, _ = run(tmp_path, {"events.csv": text(*PLAIN, header="<user_id>,<item_id>,<timestamp>")})
    assert report["rows"]["used"] == 80 and set(taken(report).values()) == {"user_id", "item_id", "timestamp"}


def test_a_cost_stands_for_no_price_where_that_of_a_sale_is_empty(tmp_path):
    cells = (f"{i},4.00,{'9.00' if n % 2 else ''}" for n, i in enumerate(ITEMS))
    _, dataset = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": text(*cells, header="id,cost,sale_price")})
    assert dataset.items["price"].isna().tolist() == [True, False] * 5


def test_numbers_of_categories_flags_and_days_since_1970(tmp_path):
    cells = (f'{i},"{1 + n % 2},{3 + n % 3}",{("Oui", "Non")[n % 2]}' for n, i in enumerate(ITEMS))
    items = text(*cells, header="id,category_ids,actif")
    _, dataset = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": items})
    assert dataset.items["category"][0] == "1|3" and dataset.items["available"].tolist() == ["true", "false"] * 5
    days = text(*(f"{u},{i},{seconds(t) // 86400}" for u, i, t in EVENTS), header="user_id,item_id,day")
    with pytest.raises(InvalidInput, match="'days since 1970-01-01'"):
        run(tmp_path / "two", {"events.csv": days})
    stated = "days since 1970-01-01"
    _, dataset = run(tmp_path / "three", {"events.csv": days}, timestamp_format=stated)
    assert dataset.events["timestamp"].min() == START.replace(hour=0, minute=0, second=0)


def test_the_price_of_a_sale_goes_before_the_other_one_where_there_is_one(tmp_path):
    cells = (f"{i},12.00,{'9.00' if n % 2 else ''}" for n, i in enumerate(ITEMS))
    items = text(*cells, header="id,regular_price,sale_price")
    report, dataset = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": items})
    assert dataset.items["price"].tolist() == [12, 9] * 5
    assert taken(report, "items") == {"id": "item_id", "regular_price": "price", "sale_price": "price"}


@pytest.mark.parametrize(("cells", "prices"), [(("1.299", "899"), [1299, 899]), (("1.299", "2"), [1.299, 2])])
def test_points_before_three_digits_beside_hundreds_are_thousands(tmp_path, cells, prices):
    items = text(*(f"{i};{cells[n % 2]}" for n, i in enumerate(ITEMS)), header="id;Preis")
    _, dataset = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": items})
    assert dataset.items["price"].tolist()[:2] == pytest.approx(prices)


def test_tags_in_titles_stock_of_all_places_and_what_is_gone(tmp_path):
    cells = (f"{i},<b>Tea</b> {i} &lt;3,{n % 2},{n % 3 % 2}" for n, i in enumerate(ITEMS))
    items = text(*cells, header="id,title,total_stock,deleted")
    report, dataset = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": items})
    assert dataset.items["title"][3] == "Tea i3 <3" and dataset.items["available"].tolist() == ["false", "true"] * 5
    assert told(report, "'deleted' says yes or no and is not used")

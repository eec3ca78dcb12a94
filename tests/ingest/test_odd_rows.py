# ruff: noqa: E501  # rows as they stand in files
"""What rows and ids may mean that is not plain: said at the top of the report, or left out for a reason."""

import pytest

from recsys.dataset.event_kinds import weight_of
from recsys.ingest.files.lines.wrapped_lines import are_wrapped, unwrapped
from tests.ingest.test_cases import EVENTS, HEADER, ITEMS, PLAIN, START, run, taken, text
from tests.ingest.test_foreign_files import with_column

USERS = {f"u{n}" for n in range(8)}


def told(report, *words: str) -> bool:
    return any(all(word in line for word in words) for line in report["warnings"])


IDS = {
    "a blank behind": (lambda i, n: f"{i} " if n % 2 else i, "blanks or invisible characters"),
    "a blank that does not break": (lambda i, n: f"{i}\u00a0" if n % 2 else i, "blanks or invisible characters"),
    "a sign of no width": (lambda i, n: f"\u200b{i}" if n % 2 else i, "blanks or invisible characters"),
    "zeros lost": (lambda i, n: f"{'00' if n % 2 else ''}{i[1]}7", "zeros in front"),
    "upper and lower case": (lambda i, n: i.upper() if n % 2 else i, "upper and lower case"),
    "a point and a zero in some": (lambda i, n: f"A{i}.0" if n % 2 else f"A{i}", "'.0' behind"),
}  # fmt: skip


@pytest.mark.parametrize("name", IDS)
def test_ids_that_differ_by_little_are_kept_and_said(tmp_path, name):
    turned, words = IDS[name]
    lines = [f"{u},{turned(i, n // 3)},{t}" for n, (u, i, t) in enumerate(EVENTS)]
    report, _ = run(tmp_path, {"events.csv": text(*lines)})
    assert report["items"] > 10 and told(report, "item id", words, "count as different items"), report["warnings"]
    assert not told(report, "user id")


def test_plain_ids_and_ids_with_blanks_amid_them_are_not_said(tmp_path):
    lines = [f"{u},007 {i} x,{t}" for u, i, t in EVENTS]
    report, _ = run(tmp_path, {"events.csv": text(*lines)})
    assert report["warnings"] == []


def test_lines_of_totals_and_of_names_amid_the_rows_are_left_out(tmp_path):
    lines = [*PLAIN[:40], f"Grand Total,All,{START}", HEADER, *PLAIN[40:], f"u1,Summe,{START}"]
    report, dataset = run(tmp_path, {"events.csv": text(*lines)})
    assert set(dataset.users["user_id"]) == USERS and set(dataset.items["item_id"]) == set(ITEMS)
    assert report["left_out"] == {"lines of totals": 2} and report["rejected"]["rows"] == 1
    again = [x.rsplit(",", 1)[0] for x in (*PLAIN[:40], HEADER, *PLAIN[40:])]
    report, dataset = run(tmp_path / "two", {"events.csv": text(*again, header="user_id,item_id")})
    assert set(dataset.users["user_id"]) == USERS
    assert report["left_out"] == {"lines with the names of the columns": 1}


MARKS = {
    "is_test": ("true", "false", "false"), "is_cancelled": ("1", "0", "0"), "refunded": ("yes", "no", "no"),
    "cancelled_at": ("2024-01-05 10:00", "", ""), "return_date": ("2024-02-05", "", ""), "returned_quantity": ("1", "0", "0"),
    "storniert": ("x", "", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", MARKS)
def test_columns_that_mark_rows_as_no_purchases_are_said_and_not_proposed_as_a_rating(tmp_path, name):
    report, _ = run(tmp_path, {"events.csv": with_column(name, MARKS[name])})
    assert told(report, f"'{name}' marks 27 of the first 80 rows"), report["warnings"]
    assert not told(report, "rating") and taken(report)[name] is None


def test_kinds_of_documents(tmp_path):
    assert weight_of("Credit note") == weight_of("Gutschrift") == weight_of("nota de crédito") == (0, True)
    assert weight_of("Invoice") == weight_of("Rechnung") == (5, True)
    report, _ = run(tmp_path, {"events.csv": with_column("document_type", ("Invoice", "Credit note"))})
    assert report["rows"]["used"] == 40 and taken(report)["document_type"] == "event"


@pytest.mark.parametrize(
    ("header", "cells"), [("price", ("$10.00", "10.00 €")), ("price,currency", ("10,EUR", "1500,JPY"))]
)
def test_money_in_several_currencies_is_said(tmp_path, header, cells):
    report, _ = run(tmp_path, {"events.csv": with_column(header, cells)})
    assert told(report, "several currencies")


def test_lines_of_orders_that_are_no_products_and_guests_of_a_visit_each_are_said(tmp_path):
    more = [f"{u},POSTAGE,{t}" for u, _, t in EVENTS] + [f"guest_{n},i{n % 10},{START}" for n in range(30)]
    report, _ = run(tmp_path, {"events.csv": text(*PLAIN, *more)})
    assert told(report, "'POSTAGE'", "no product") and told(report, "30 users", "'guest_0'")


def test_the_same_file_twice_and_exports_that_overlap_are_said(tmp_path):
    report, _ = run(tmp_path / "one", {"events.csv": text(*PLAIN), "events.copy.csv": text(*PLAIN)})
    assert told(report, "holds the same as") and told(report, "100% of the events stand alike in two files")
    files = {"events.csv": text(*PLAIN), "events.b.csv": text(*PLAIN[60:])}
    report, _ = run(tmp_path / "two", files)
    assert told(report, "40% of the events stand alike in two files")
    report, _ = run(tmp_path / "three", files, drop_duplicates=True)
    assert report["events"] == 80
    report, _ = run(tmp_path / "four", {"events.csv": text(*PLAIN[:40]), "events.b.csv": text(*PLAIN[40:])})
    assert report["warnings"] == []


def test_a_file_with_a_header_alone_beside_others_is_no_obstacle(tmp_path):
    report, _ = run(tmp_path, {"events.csv": text(*PLAIN), "events.b.csv": HEADER + "\n"})
    assert report["rows"]["used"] == 80


def test_lines_quoted_as_a_whole(tmp_path):
    lines = [f'"{x.rsplit(",", 1)[0]},""Mug, big"",{x.rsplit(",", 1)[1]}"' for x in PLAIN]
    for header in ('"user_id,item_id,title,timestamp"', "user_id,item_id,title,timestamp"):
        report, dataset = run(tmp_path, {"events.csv": text(*lines, header=header)})
        assert report["rows"]["used"] == 80 and set(dataset.users["user_id"]) == USERS
        assert set(dataset.items["title"]) == {"Mug, big"} and told(report, "quoted as a whole")
    assert unwrapped('"a","b"') == '"a","b"' and not are_wrapped('"a";"b"\n"c";"d"\n')


def test_signs_as_web_pages_write_them_and_texts_in_a_wrong_encoding(tmp_path):
    items = text(
        *(f"{i},Tea &amp; cup &#8211; {i},Größe".replace("Größe", "GrÃ¶ÃŸe") for i in ITEMS),
        header="item_id,title,brand",
    )
    report, dataset = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": items})
    assert dataset.items["title"].tolist() == [f"Tea & cup – {i}" for i in ITEMS]
    assert told(report, "'GrÃ¶ÃŸe'", "'Größe'", "UTF-8")


def test_products_without_a_title_shoppers_that_disagree_and_prices_that_are_none_are_said(tmp_path):
    items = text(
        *(f"{i},{f'T {i}' if n % 2 else ''},10 - 20" for n, i in enumerate(ITEMS)), header="item_id,title,price"
    )
    users = text(*(f"u{n % 8},{'DE' if n < 8 else 'FR'}" for n in range(16)), header="user_id,country")
    report, _ = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": items, "users.csv": users})
    assert told(report, "5 items of the catalogue have no title") and told(report, "8 users", "disagree")
    assert told(report, "'price'", "10 - 20")


def test_of_several_pictures_in_a_cell_the_first_counts(tmp_path):
    cells = ("https://x.example/w_1,h_2/{0}.jpg,https://x.example/b.jpg", "https://x.example/w_1,h_2/{0}.jpg | //x.example/b.jpg",
             "[''https://x.example/w_1,h_2/{0}.jpg'', ''https://x.example/b.jpg'']", "https://x.example/w_1,h_2/{0}.jpg")  # fmt: skip
    rows = [f'{i},T {i},"{cells[n % 4].format(i)}"'.replace("''", '""') for n, i in enumerate(ITEMS)]
    _, dataset = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": text(*rows, header="item_id,title,images")})
    assert dataset.items["image_url"].tolist() == [f"https://x.example/w_1,h_2/{i}.jpg" for i in ITEMS]


def test_rows_with_money_below_nothing_are_no_purchases_and_rows_without_a_user_are_said(tmp_path):
    report, _ = run(tmp_path / "one", {"events.csv": with_column("amount_paid", ("-10", "10", "10", "10"))})
    assert report["left_out"] == {"rows with money below 0: refunds or discounts": 20}
    lines = [f"{'' if n % 4 == 3 else u},{i},{t}" for n, (u, i, t) in enumerate(EVENTS)]
    report, _ = run(tmp_path / "two", {"events.csv": text(*lines)})
    assert told(report, "20 of 80 rows of the events were rejected", "no user_id", "fill it down")


def test_zones_in_a_column_of_their_own_are_said(tmp_path):
    report, _ = run(tmp_path, {"events.csv": with_column("timezone", ("America/New_York", "Europe/Berlin"))})
    assert told(report, "'timezone' tells the zone of each time")

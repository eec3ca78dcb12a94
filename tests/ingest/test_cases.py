# ruff: noqa: E501  # rows as they stand in files
"""Small inputs after public bug reports: each kind of trouble in several places, with the right value."""

import gzip
import json
import zipfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recsys.errors import InvalidInput
from recsys.ingest.cells.any_time import any_time
from recsys.ingest.cells.numbers import any_number, decimal_comma
from recsys.ingest.cells.vocabulary import availability
from recsys.ingest.config import ImportPlan, parse_mapping
from recsys.ingest.files.encoding import guess
from recsys.ingest.pipeline import import_dataset
from recsys.storage.store import Store

START = datetime(2024, 1, 3, 16, 36, 24)
EVENTS = [
    (f"u{n * 5 % 8}", f"i{(n * 3 + n // 8 * 7) % 10}", START + timedelta(days=2 * n, minutes=7 * n)) for n in range(80)
]
HEADER = "user_id,item_id,timestamp"
PLAIN = [f"{u},{i},{t}" for u, i, t in EVENTS]
ITEMS = [f"i{n}" for n in range(10)]


def text(*lines: str, header: str = HEADER) -> str:
    return "\n".join([header, *lines]) + "\n"


def run(folder: Path, files: Mapping[str, str | bytes], **options: Any) -> tuple[dict[str, Any], Any]:
    """Import files named events..., items..., users...; the report and the dataset."""
    parts: dict[str, list[str]] = {"events": [], "items": [], "users": []}
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        parts[name.split(".")[0].split("/")[0]].append(str(path))
    plan = ImportPlan("x", **{part: tuple(paths) for part, paths in parts.items()}, **options)
    store = Store(folder / "home")
    report = import_dataset(store, plan)
    rows = report["rows"]
    assert rows["read"] == rows["used"] + rows["rejected"] + rows["left_out"]
    for file in report["files"]:
        if lines := file.get("lines"):
            assert lines["lines"] == sum(n for key, n in lines.items() if key != "lines"), lines
    return report, store.load_dataset("x")


def taken(report: dict[str, Any], part: str = "events") -> dict[str, str | None]:
    return {x["column"]: x["taken_as"] for x in report["columns"] if x["part"] == part}


def quoted(lines: list[str], odd: Mapping[int, str]) -> list[str]:
    """Lines with a title, some of them with an odd one."""
    return [f"{x.rsplit(',', 1)[0]},{odd.get(n, 'Mug')},{x.rsplit(',', 1)[1]}" for n, x in enumerate(lines)]


TITLED = "user_id,item_id,title,timestamp"
WAYS: dict[str, tuple[str | bytes, int, int]] = {
    "sep= line": ("sep=;\n" + text(*PLAIN).replace(",", ";"), 80, 0),
    "title lines": ("Sales report\n\n" + text(*PLAIN), 80, 0),
    "comment lines": ("# made by X\n# page 1, of 2\n" + text(*PLAIN), 80, 0),
    "mixed line ends": ("".join(x + ("\r\n", "\n", "\r")[n % 3] for n, x in enumerate([HEADER, *PLAIN])), 80, 0),
    "old Mac line ends": ("\r".join([HEADER, *PLAIN]), 80, 0),
    "UTF-16 without a mark": (text(*PLAIN).encode("utf-16-le"), 80, 0),
    "zero bytes": (text(*PLAIN).replace("u1,", "u1\0,", 2), 80, 0),
    "stray quote first": (text(*quoted(PLAIN, {0: '"Best" mug'}), header=TITLED), 80, 0),
    "stray quotes deep": (text(*quoted(PLAIN, {40: '"Best, "big" one"', 60: 'TV 40"'}), header=TITLED), 80, 0),
    "quotes never close": (text(*quoted(PLAIN, {10: '"Mug', 50: '"Mug'}), header=TITLED), 78, 2),
    "quote swallows some": (text(*quoted(PLAIN, {10: '"Mug', 14: '"Mug"'}), header=TITLED), 79, 1),
    "fields over lines": (text(*quoted(PLAIN, {10: '"Mug\nwith, a\n\nhandle"'}), header=TITLED), 80, 0),
    "blank before quotes": (text(*(", ".join(f'"{y}"' for y in x.split(",")) for x in PLAIN)), 80, 0),
    "gzip": (gzip.compress(text(*PLAIN).encode()), 80, 0),
    "a JSON list": (json.dumps([dict(zip(HEADER.split(","), x.split(","), strict=True)) for x in PLAIN], indent=1), 80, 0),
    "a wrapped list": (
        json.dumps({"count": 80, "orders": [dict(zip(HEADER.split(","), x.split(","), strict=True)) for x in PLAIN]}), 80, 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_files_are_read_to_the_last_line(tmp_path, way):
    content, used, rejected = WAYS[way]
    report, dataset = run(tmp_path, {"events.csv": content})
    assert (report["rows"]["used"], report["rows"]["rejected"]) == (used, rejected), report["rejected"]
    assert dataset.events["timestamp"].min() == START
    assert set(dataset.users["user_id"]) == {f"u{n}" for n in range(8)}


def test_the_same_name_in_two_folders_an_archive_and_skipped_lines(tmp_path):
    files = {
        "events/part-0.csv": text(*PLAIN, header="Cust,Art,When"),
        "items/part-0.csv": text("i0,T0", "i1,T1", header="Art,Name"),
    }
    given = parse_mapping(["user_id=Cust", "item_id=Art", "timestamp=When"])
    report, _ = run(tmp_path, files, mapping=given)
    assert [x["file"] for x in report["files"]] == ["events/part-0.csv", "items/part-0.csv"]
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", text(*PLAIN[:40]))
        archive.writestr("b.csv", text(*PLAIN[40:]))
    report, _ = run(tmp_path, {"events.zip": (tmp_path / "two.zip").read_bytes()})
    assert report["rows"]["used"] == 80
    report, _ = run(tmp_path, {"events.csv": "u,i,t\n" + text(*PLAIN)}, skip=1)
    assert report["files"][0]["lines"]["above"] == 1


@pytest.mark.parametrize("encoding", ["cp1251", "cp1250", "shift_jis", "gb18030", "cp1253"])
def test_encodings_are_recognised_and_said(tmp_path, encoding):
    words = {"cp1251": "Чайник стеклянный", "cp1250": "Łyżka, żółty kubek", "shift_jis": "マグカップ大", "gb18030": "马克杯茶壶",
             "cp1253": "Τσαγιέρα γυάλινη"}[encoding]  # fmt: skip
    title = words.replace(",", "")
    items = text(*(f"{x},{title} {x}" for x in ITEMS), header="item_id,title").encode(encoding)
    report, dataset = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": items})
    assert dataset.items["title"].tolist() == [f"{title} {x}" for x in ITEMS]
    assert any("is a guess" in x and title[:5] in x for x in report["warnings"])
    assert guess("Größe, süß, weiß, Übergröße".encode("cp1252")).encoding == "cp1252"


@pytest.mark.parametrize(
    "line", ["K-1;54,30 €", "K-1;54,30\xa0€", "K-1;€54.30", "K-1;£54.30", "Überhose, Größe: weiß;1 €"]
)
def test_the_sign_of_a_currency_tells_no_encoding(line):
    found = guess("\n".join([line] * 9).encode("cp1252"))
    assert (found.encoding, found.example) == ("cp1252", line)


TIMES = {
    "2024-01-03 16:36:24 +0200": "14:36:24", "2024-01-03 16:36:24 Z": "16:36:24", "2024-01-03T16:36:24+02:00": "14:36:24",
    "2024-01-03 16:36:24 EST": "21:36:24", "2024-01-03 16:36:24 EDT": "20:36:24", "2024-01-03 16:36:24 CEST": "14:36:24",
    "2024-01-03 16:36:24 PDT": "23:36:24", "2024-01-03 16:36:24 BST": "15:36:24", "Jan 3, 2024, 2:25:54 AM": "02:25:54",
    "Jan 3, 2024, 2:25:54\u202fPM": "14:25:54", "Wed, 03 Jan 2024 16:36:24 +0000": "16:36:24",
    "Wed Jan  3 16:36:24 2024": "16:36:24", "Wed Jan 3 16:36:24 UTC 2024": "16:36:24", "03-JAN-24 04.36.24.000000 PM": "16:36:24",
    "03/Jan/2024:16:36:24 +0000": "16:36:24", "3 janvier 2024 16:36": "16:36:00", "3. Januar 2024, 16:36 Uhr": "16:36:00",
    "3 de enero de 2024 16:36": "16:36:00", "3 gennaio 2024 16:36": "16:36:00", "3 stycznia 2024 16:36": "16:36:00",
    "3 januari 2024 16:36": "16:36:00", "3 de janeiro de 2024 16:36": "16:36:00", "January 3rd, 2024 at 4:36 PM": "16:36:00",
    "03/01/2024 16:36:24 +0100": "15:36:24", "20240103T163624Z": "16:36:24", "1704299784": "16:36:24", "1704299784000": "16:36:24",
    "/Date(1704299784000)/": "16:36:24", "2024-01-03T16:36:24.123Z[Europe/Berlin]": "16:36:24",
    "Wed Jan 03 2024 16:36:24 GMT+0100 (Central European Standard Time)": "15:36:24", "2024-01-03 16": "16:00:00",
    "2024-01-03T16Z": "16:00:00", "03/01/2024 16": "16:00:00", "2024-01-03-16.36.24.000000": "16:36:24",
    "2024-01-03-16-36-24": "16:36:24", "2024-01-03_16:36:24": "16:36:24", "03 Jan 24 04:36p": "16:36:00", "2024-W01-3": "00:00:00", "2024W013": "00:00:00",
}  # fmt: skip


@pytest.mark.parametrize("written", TIMES)
def test_times_in_any_form(written):
    found = any_time(written, day_first=True)
    assert found is not None and f"{found.replace(microsecond=0)}" == f"2024-01-03 {TIMES[written]}"


@pytest.mark.parametrize(
    "written", ["soon", "12:30", "2024-13-45", "0", "99", "2024-01-03 25:00", "1.2.3", "2024-01-03 10:00 XYZ"]
)
def test_what_is_no_time_is_none(written):
    assert any_time(written, day_first=True) is None


COLUMNS = {
    "Shopify": ("Created at", lambda t: f"{t} +0200", -7200), "summer time": ("wann", lambda t: f"{t} {'EDT' if 3 < t.month < 11 else 'EST'}", None),
    "RFC 2822": ("sent", lambda t: f'"{t:%a, %d %b %Y %H:%M:%S} +0000"', 0), "spreadsheet": ("Datum", lambda t: f"{(t - datetime(1899, 12, 30)) / timedelta(days=1):.9f}", 0),
    "mixed units": ("fecha", lambda t: str(int((t - datetime(1970, 1, 1)).total_seconds()) * (1000 if t.day % 2 else 1)), 0),
    "day and clock": ("Date,Time", lambda t: f"{t:%d.%m.%Y},{t:%H:%M:%S}", 0), "Dutch": ("besteld", lambda t: f"{t.day} mei {t.year} {t:%H:%M:%S}", None),
    "days": ("DAY", lambda t: str((t - datetime(2024, 1, 1)).days), None),
}  # fmt: skip


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_of_times_whatever_their_name(tmp_path, name):
    header, written, offset = COLUMNS[name]
    content = text(*(f"{u},{i},{written(t)}" for u, i, t in EVENTS), header=f"user_id,item_id,{header}")
    stated = "days since 2024-01-01" if name == "days" else None
    report, dataset = run(tmp_path, {"events.csv": content}, timestamp_format=stated)
    assert report["rows"] == {"read": 80, "used": 80, "rejected": 0, "left_out": 0}
    assert set(taken(report).values()) == {"user_id", "item_id", "timestamp"}
    if offset is not None:
        assert dataset.events["timestamp"].min() == START + timedelta(seconds=offset)
    if name == "summer time":
        assert any("EDT" in x for x in report["warnings"])


def test_stray_times_are_set_aside_and_said(tmp_path):
    odd = ["u1,i1,2099-12-31 00:00:00", "u2,i2,1971-01-01 00:00:00"]
    report, dataset = run(tmp_path, {"events.csv": text(*PLAIN, *odd)})
    assert report["rows"]["left_out"] == 2
    assert list(report["left_out"]) == ["events later than today", "events long before all others (before 2024-01-03)"]
    assert dataset.period[0] == START


NUMBERS = {
    "$1,234.50": 1234.5, "1.234,50 €": 1234.5, "1 234,5": 1234.5, "1'234.50": 1234.5, "CHF 12.5": 12.5, "(12.00)": -12, "12,-": 12,
    "0,5 kg": 0.5, "500 g": 0.5, "R$ 1.234,00": 1234, "12,99 zł": 12.99, "1\u202f234,50\u00a0€": 1234.5, "abc": None, "1.5.2": None, "": None,
}  # fmt: skip


def test_numbers_as_shops_write_them():
    assert {x: any_number(x, comma="," in x and "." not in x) for x in NUMBERS} == NUMBERS
    assert decimal_comma(["1,50", "2,00"]) and decimal_comma(["0,734 kg"]) and not decimal_comma(["1,234", "5"])
    assert any_number("1.234", comma=True) == 1234 and any_number("1,234", comma=False) == 1234


@pytest.mark.parametrize("word", ["NULL", "\\N", "NA", "nan", "—", "n/a", ""])
@pytest.mark.parametrize("column", ["price", "quantity", "rating"])
def test_a_missing_number_leaves_the_event(tmp_path, word, column):
    content = text(*(f"{x},{word if n % 4 == 0 else 3}" for n, x in enumerate(PLAIN)), header=f"{HEADER},{column}")
    report, _ = run(tmp_path, {"events.csv": content})
    assert report["rows"]["used"] == 80


def test_what_is_said_beats_what_is_guessed(tmp_path):
    header = f"{HEADER},quantity,line_price,total"
    content = text(*(f"{x},2,10,{99 if n % 3 == 0 else ''}" for n, x in enumerate(PLAIN)), header=header)
    report, dataset = run(tmp_path, {"events.csv": content}, mapping=parse_mapping(["price=line_price"]))
    assert dataset.events["value"].unique().tolist() == [20.0]
    assert taken(report)["total"] is None


def test_an_outlier_does_not_decide_the_scale_of_ratings(tmp_path):
    content = text(*(f"{x},{99 if n == 5 else 1 + n % 5}" for n, x in enumerate(PLAIN * 2)), header=f"{HEADER},rating")
    report, _ = run(tmp_path, {"events.csv": content})
    assert report["min_rating"] == 3
    assert report["left_out"]["ratings far from the scale of 1 to 5"] == 1


@pytest.mark.parametrize("word", ["NA", "(not set)", "guest", "0", "-1", "undefined", "N/A"])
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_user_who_is_nobody_is_set_aside(tmp_path, word, form):
    table = pd.DataFrame(EVENTS, columns=HEADER.split(",")).astype(str)
    nobody = table.assign(user_id=word)
    table = pd.concat([table, nobody], ignore_index=True)
    path = tmp_path / "made"
    table.to_parquet(path) if form == "parquet" else (
        table.to_json(path, orient="records", lines=True) if form == "jsonl" else table.to_csv(path, index=False))  # fmt: skip
    report, dataset = run(tmp_path, {f"events.{form}": path.read_bytes()})
    assert set(dataset.users["user_id"]) == {f"u{n}" for n in range(8)}
    assert report["rows"]["used"] == 80
    assert report["left_out"] or report["rejected"]["by_reason"] == {"no user_id": 80}


def test_removals_weigh_nothing(tmp_path):
    kinds = ("Product Viewed", "Order Completed", "Product Removed", "Order Cancelled", "refunded", "returned")
    report, _ = run(
        tmp_path, {"events.csv": text(*(f"{x},{kinds[n % 6]}" for n, x in enumerate(PLAIN)), header=f"{HEADER},event")}
    )
    assert {x["kind"]: x["weight"] for x in report["kinds"]} == dict(
        zip(map(str.lower, kinds), (1, 5, 0, 0, 0, 0), strict=True)
    )


@pytest.mark.parametrize(
    ("header", "words", "field"),
    [
        ("Lagerstand", ("auf Lager", "ausverkauft"), "available"),
        ("x1", ("auf Lager", "ausverkauft"), "available"),
        ("etat", ("en stock", "épuisé"), "available"),
        ("x1", ("https://schema.org/InStock", "https://schema.org/OutOfStock"), "available"),
        ("giftable", ("yes", "no"), "category"),
        ("finish", ("matt", "sold out look"), "category"),
        ("pic 1", ("https://a.example/1.jpg", "https://a.example/2.PNG?w=3"), "image_url"),
        ("manual", ("https://a.example/1.pdf", "https://a.example/2.pdf"), None),
    ],
)
def test_stock_and_pictures_are_known_by_what_they_hold(tmp_path, header, words, field):
    rows = [f"{item},Mug {n},{words[n % 2]}" for n, item in enumerate(ITEMS)]
    report, dataset = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": text(*rows, header=f"id,title,{header}")})
    assert taken(report, "items")[header] == field
    if field == "available":
        assert dataset.items["available"].tolist() == ["true", "false"] * 5


def test_availability_in_many_words(tmp_path):
    words = {"in_stock": True, "out_of_stock": False, "OutOfStock": False, "https://schema.org/InStock": True, "sold out": False,
             "discontinued": False, "preorder": True, "backorder": True, "0": False, "-3": False, "12": True, "ausverkauft": False,
             "en stock": True, "maybe": None}  # fmt: skip
    assert {word: availability(word) for word in words} == words
    rows = [f"{item},T,{('in_stock', 'out_of_stock', 'odd word')[n % 3]}" for n, item in enumerate(ITEMS)]
    report, dataset = run(
        tmp_path, {"events.csv": text(*PLAIN), "items.csv": text(*rows, header="id,title,availability")}
    )
    assert dataset.items["available"].tolist() == [("true", "false", "false")[n % 3] for n in range(10)]
    assert any("'odd word' is not known" in x for x in report["warnings"])
    rows = [f"{item},T,{('yes', '')[n % 2]}" for n, item in enumerate(ITEMS)]
    _, dataset = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": text(*rows, header="id,title,in_stock")})
    assert dataset.items["available"].tolist() == ["true", "false"] * 5


CATEGORIES = {
    "JSON text": ('"[""Toys"", ""G{0}""]"', ["Toys|G1"]), "Python text": ("\"['Toys', 'G{0}']\"", ["Toys|G1"]),
    "several": ("Toys|G{0}", ["Toys|G1"]), "deep path": ("A > B > C{0} > D > E > F", ["A", "B", "C1", "D", "E", "F"]),
    "slashes": ("Home/Room {0}/Shelf {0}", ["Home", "Room 1", "Shelf 1"]), "dots": ("home.room_{0}.shelf", ["home", "room_1", "shelf"]),
    "missing": ("NULL", ["uncategorised"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CATEGORIES)
def test_categories_as_lists_and_paths(tmp_path, name):
    written, expected = CATEGORIES[name]
    rows = [f"{item},T{n},{written.format(n % 3)}" for n, item in enumerate(ITEMS)]
    _, dataset = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": text(*rows, header="item_id,title,category")})
    if name == "missing":
        assert not dataset.category_levels or set(dataset.items[dataset.category_levels[0]]) == {"uncategorised"}
        return
    assert [dataset.items[level].iloc[1] for level in dataset.category_levels] == expected


def test_wider_levels_come_first_whatever_their_order(tmp_path):
    rows = [f"{item},T,Kind {n % 4},Dept {n % 2}" for n, item in enumerate(ITEMS)]
    _, dataset = run(
        tmp_path, {"events.csv": text(*PLAIN), "items.csv": text(*rows, header="item_id,title,category,product group")}
    )
    assert dataset.category_levels == ("product_group", "category")


def test_a_mapping_belongs_to_a_part(tmp_path):
    orders = text(*(f"{n},{x}" for n, x in enumerate(PLAIN)), header="id,user_id,product_id,created_at")
    products = text(*(f"{item},Tee {item},C" for item in ITEMS), header="id,name,category")
    files = {"events.csv": orders, "items.csv": products}
    for mapping in ([], ["items.item_id=id"]):
        report, dataset = run(tmp_path, files, mapping=parse_mapping(mapping))
        assert (dataset.n_items, report["catalogue"]["items_only_in_events"]) == (10, 0)
        assert dataset.items["title"].tolist() == [f"Tee {item}" for item in ITEMS]
    with pytest.raises(InvalidInput, match=r"one user only.*'product_id'.*--map items.item_id='id'|do not meet"):
        run(tmp_path, files, mapping=parse_mapping(["item_id=id"]))


MEETINGS = {
    "case": (lambda x: x.upper(), "upper and lower case"), "zeros": (lambda x: f"00{x[1:]}", "do not meet"),
    "nothing": (lambda x: f"z{hash(x) % 7}q", "do not meet"),
}  # fmt: skip


@pytest.mark.parametrize("name", MEETINGS)
def test_files_that_do_not_meet_are_refused(tmp_path, name):
    turned, said = MEETINGS[name]
    items = text(*(f"{turned(item)},T" for item in ITEMS), header="item_id,title")
    with pytest.raises(InvalidInput, match=f"0 of 10.*{said}|{said}.*0 of 10") as caught:
        run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": items})
    assert "--map" in str(caught.value)
    assert Store(tmp_path / "home").datasets() == []
    report, _ = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": items}, anyway=True)
    assert "do not meet" in report["warnings"][0]


def test_floats_and_decimals_that_are_ids_meet_whole_numbers(tmp_path):
    events = text(*(f"{u[1:]}.0,{i[1:]}.000000000,{t}" for u, i, t in EVENTS))
    table = pa.table(
        {
            "item_id": pa.array(range(10), pa.float64()),
            "title": pa.array([f"T{n}".encode() for n in range(10)], pa.binary()),
        }
    )
    pq.write_table(table, tmp_path / "made")
    _, dataset = run(tmp_path, {"events.csv": events, "items.parquet": (tmp_path / "made").read_bytes()})
    assert dataset.items["item_id"].tolist() == [str(n) for n in range(10)]
    assert dataset.items["title"].tolist() == [f"T{n}" for n in range(10)]
    assert dataset.users["user_id"].tolist() == [str(n) for n in range(8)]


def test_item_and_user_columns_of_the_events_are_read_and_others_are_said(tmp_path):
    rows = [
        f"{u},{i},{t},Thing {i},Group {int(i[1:]) % 2},{20 + int(u[1:])},note {n}" for n, (u, i, t) in enumerate(EVENTS)
    ]
    report, dataset = run(tmp_path, {"events.csv": text(*rows, header=f"{HEADER},title,category,age,remark")})
    assert taken(report) == {"user_id": "user_id", "item_id": "item_id", "timestamp": "timestamp", "title": "title",
                             "category": "category", "age": "attribute", "remark": None}  # fmt: skip
    assert dataset.items["title"].tolist() == [f"Thing {i}" for i in ITEMS]
    assert dataset.category_levels == ("category",)
    assert all(x["because"] for x in report["columns"])


UNLEARNABLE = {
    "one item each": (text(*(f"u{n % 9},i{n % 9},{t}" for n, (_, _, t) in enumerate(EVENTS))), {}, "No user has two different items"),
    "two items, no times": (text(*(f"u{n % 9},i{n % 9 + n // 9 % 2},x" for n in range(36)), header="user_id,item_id,note"), {}, "nobody has 3"),
    "nothing after filters": (text(*PLAIN), {"min_users": 50}, "Nothing is left to learn from"),
    "each event its own item": (text(*(f"{u},{n},{t}" for n, (u, _, t) in enumerate(EVENTS))), {}, "Every item has one user only"),
    "a hole in the times": (
        text(*(f"{u},{i},{t if n < 75 else datetime(2024, 12, 1) + timedelta(hours=n)}" for n, (u, i, t) in enumerate(EVENTS))), {}, "leave nothing to choose by",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNLEARNABLE)
def test_data_that_cannot_be_learned_from_are_refused_at_import(tmp_path, name):
    content, options, said = UNLEARNABLE[name]
    with pytest.raises(InvalidInput, match=said):
        run(tmp_path, {"events.csv": content}, **options)
    assert Store(tmp_path / "home").datasets() == []

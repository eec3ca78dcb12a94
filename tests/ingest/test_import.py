"""Importing: any dialect is read to the letter; what cannot be used is counted and located; nothing is half stored."""

import csv
import gzip
import json
import random
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from recsys.errors import InvalidInput
from recsys.ingest import duckdb_session
from recsys.ingest.cells import timestamps
from recsys.ingest.config import ImportPlan
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.pipeline import import_dataset
from recsys.ingest.report_words import sections
from recsys.storage.store import Store


def run(folder: Path, *events: Path, name: str = "shop", **options: Any) -> dict[str, Any]:
    plan = ImportPlan(name, events=tuple(map(str, events)), **options)
    return import_dataset(Store(folder / "home"), plan)


def stored(folder: Path, name: str = "shop"):
    return Store(folder / "home").load_dataset(name)


def pairs_of(dataset) -> Counter:
    users = dataset.users["user_id"].to_numpy()[dataset.events["user_id"]]
    items = dataset.items["item_id"].to_numpy()[dataset.events["item_id"]]
    return Counter(zip(users, items, strict=True))


def lines(path: Path, *rows: str, header: str = "user_id,item_id,timestamp") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


GOOD = [f"u{u},i{i},2024-01-{1 + (u * 7 + i) % 28:02d}" for u in range(4) for i in range(4)]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return lines(tmp_path / "good.csv", *GOOD)


ids = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda x: x.strip() and x not in ("nan", "NaN", "NULL", "null", "None", "<NA>", "\\N")
)
latin_ids = st.text("abcdefghistnrSTABER äöü", min_size=1, max_size=12).filter(str.strip)


def reads_as_utf_8(text: str) -> bool:
    """Whether Latin-1 bytes could be meant as UTF-8: then nobody can tell."""
    return not text.encode("latin-1").decode("utf-8", "ignore").isascii()


@st.composite
def tables(draw):
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "latin-1", "utf-16"]))
    of = latin_ids if encoding == "latin-1" else ids
    users = draw(st.lists(of, min_size=2, max_size=5, unique=True))
    items = draw(st.lists(of, min_size=3, max_size=5, unique=True))
    rows = draw(st.lists(st.tuples(st.sampled_from(users), st.sampled_from(items)), min_size=1, max_size=30))
    rows += [(users[0], items[0]), (users[0], items[1]), (users[0], items[2]), (users[1], items[0])]
    assume(encoding != "latin-1" or not reads_as_utf_8("".join(x for row in rows for x in row)))
    return encoding, rows


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tables(),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.sampled_from([("user_id", "item_id"), ("CustomerID", "StockCode"), ("visitorid", "product_id"),
                     ("user_id:token", "item_id:token")]),
)  # fmt: skip
def test_any_dialect_gives_the_same_ids_and_counts(tmp_path, table, separator, quoting, newline, packed, header):
    encoding, rows = table
    path = tmp_path / f"events.csv{'.gz' if packed else ''}"
    with (gzip.open if packed else open)(path, "wt", encoding=encoding, newline="") as out:
        writer = csv.writer(out, delimiter=separator, quoting=quoting, lineterminator=newline)
        writer.writerow((*header, "quantity"))
        writer.writerows((*row, 1) for row in rows)
    report = run(tmp_path, path)
    assert report["rejected"]["rows"] == 0, report["rejected"]
    assert pairs_of(stored(tmp_path)) == Counter(rows)
    assert report["events"] == len(rows)
    assert stored(tmp_path).fingerprint == report["fingerprint"]


@pytest.mark.parametrize("form", ["parquet", "jsonl", "gz"])
def test_other_forms_give_the_same_dataset(tmp_path, good, form):
    expected = run(tmp_path, good)["fingerprint"]
    table = pd.read_csv(good, dtype=str)
    path = tmp_path / f"events.{form}"
    if form == "parquet":
        table.to_parquet(path)
    elif form == "jsonl":
        table.to_json(path, orient="records", lines=True)
    else:
        path.write_bytes(gzip.compress(good.read_bytes()))
    assert run(tmp_path, path)["fingerprint"] == expected


def test_ids_are_kept_to_the_letter(tmp_path):
    odd = ["00123", " a b ", "12345678901234567890", "ÄÖ", "1e5", "1.0", "True", "日本"]
    path = tmp_path / "odd.jsonl"
    path.write_text("\n".join(json.dumps({"user_id": u, "item_id": i}) for u in odd for i in odd))
    run(tmp_path, path)
    assert set(stored(tmp_path).users["user_id"]) == set(odd)
    assert set(stored(tmp_path).items["item_id"]) == set(odd)


def test_importing_twice_gives_the_same_fingerprint(tmp_path, good):
    shuffled = list(GOOD)
    random.Random(1).shuffle(shuffled)
    one = run(tmp_path, good)["fingerprint"]
    assert run(tmp_path, good, name="again")["fingerprint"] == one
    assert run(tmp_path, lines(tmp_path / "shuffled.csv", *shuffled), name="third")["fingerprint"] == one
    assert run(tmp_path, lines(tmp_path / "more.csv", *GOOD, GOOD[0]), name="more")["fingerprint"] != one


def test_several_files_and_a_glob_are_one_dataset(tmp_path, good):
    whole = run(tmp_path, good)["fingerprint"]
    lines(tmp_path / "part-1.csv", *GOOD[:8])
    lines(tmp_path / "part-2.csv", *(x.replace(",", ";") for x in GOOD[8:]), header="visitorid;sku;date")
    assert run(tmp_path, tmp_path / "part-*.csv")["fingerprint"] == whole


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("iso", lambda t: t.isoformat()),
        ("offset", lambda t: (t + pd.Timedelta(hours=2)).isoformat() + "+02:00"),
        ("zulu", lambda t: t.isoformat() + "Z"),
        ("s", lambda t: str(int(t.timestamp()))),
        ("s.0", lambda t: f"{t.timestamp():.1f}"),
        ("ms", lambda t: str(int(t.timestamp() * 1000))),
        ("us", lambda t: str(int(t.timestamp() * 1_000_000))),
        ("day first", lambda t: f"{t:%d/%m/%Y %H:%M}"),
        ("month first", lambda t: f"{t:%m/%d/%Y %H:%M}"),
        ("12 hours", lambda t: f"{t:%m/%d/%y %I:%M %p}"),
        ("dots", lambda t: f"{t:%d.%m.%Y %H:%M}"),
        ("slashes", lambda t: f"{t:%Y/%m/%d %H:%M}"),
        ("compact", lambda t: f"{t:%Y%m%d%H%M%S}"),
        ("words", lambda t: f"{t:%d %b %Y %H:%M}"),
    ],
)
def test_times_are_read_as_written(tmp_path, form, written):
    times = [pd.Timestamp("2024-01-05 10:20") + pd.Timedelta(days=9 * n, hours=n) for n in range(16)]
    rows = [f'u{n % 4},i{n // 4},"{written(t)}"' for n, t in enumerate(times)]
    report = run(tmp_path, lines(tmp_path / "times.csv", *rows))
    assert report["rejected"]["rows"] == 0
    assert sorted(stored(tmp_path).events["timestamp"]) == sorted(times)


def test_day_or_month_is_asked_for_when_nothing_settles_it(tmp_path):
    path = lines(tmp_path / "a.csv", *(f"u{n % 3},i{n % 2},0{1 + n % 9}/0{1 + n % 7}/2024" for n in range(20)))
    with pytest.raises(InvalidInput, match=r"day or month first.*--timestamp-format '%d/%m/%Y'|day or month first"):
        run(tmp_path, path)
    report = run(tmp_path, path, timestamp_format="%m/%d/%Y")
    assert report["period"][0].startswith("2024-01-01")
    assert "as stated" in report["files"][0]["timestamps"]


def test_a_row_far_down_settles_day_and_month(tmp_path):
    rows = [f"u{n % 3},i{n % 2},0{1 + n % 9}/0{1 + n % 7}/2024" for n in range(25_000)]
    report = run(tmp_path, lines(tmp_path / "a.csv", *rows, "u1,i1,01/25/2024"))
    assert report["files"][0]["timestamps"].startswith("month/day/year, settled by 1 of")


def test_rejects_are_counted_and_located(tmp_path):
    rows = [
        *GOOD[:3],
        ",i1,2024-01-02",  # 5
        '"u\n1",,2024-01-02',  # 6 and 7
        "",  # 8
        "u1,i1,soon",  # 9
        "u1,i1",  # 10
        "u1,i1,9999-01-01",  # 11
        "u1,i1,0000-01-01",  # 12
        "nan,i1,2024-01-01",  # 13
        '=HYPERLINK("http://x"),i1,2024-01-01,surplus,more',  # 14
        *GOOD[3:],
    ]
    report = run(tmp_path, lines(tmp_path / "bad.csv", *rows))
    found = {(x["line"], x["reason"]) for x in report["rejected"]["first"]}
    assert found == {
        (5, "no user_id"),
        (6, "no item_id"),
        (9, "timestamp cannot be read"),
        (10, "fewer fields than the header"),
        (11, "timestamp before 1970-01-01 or after 2100-01-01"),
        (12, "timestamp before 1970-01-01 or after 2100-01-01"),
        (13, "no user_id"),
        (14, "more fields than the header"),
    }
    assert report["events"] == len(GOOD)
    assert report["rows_read"] == len(GOOD) + 8
    path = Store(tmp_path / "home").dataset_file("shop", "rejects.csv")
    assert path is not None
    with path.open(newline="") as stream:
        cells = list(csv.reader(stream))
    assert len(cells) == 9
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in cells for cell in row)


def test_kinds_weights_ratings_and_returns(tmp_path):
    header = "user_id,item_id,timestamp,event,quantity"
    rows = [f"{x},view,1" for x in GOOD] + [
        "u0,i0,2024-02-01,purchase,2",
        "u0,i1,2024-02-01,Add to cart,1",
        "u0,i2,2024-02-01,remove_from_cart,1",
        "u1,i0,2024-02-01,stare,1",
        "u1,i1,2024-02-01,purchase,0",
        "u9,i1,2024-02-01,purchase,3",
        "u9,i1,2024-02-02,purchase,-3",
        "u9,i2,2024-02-02,purchase,2",
        "u9,i2,2024-02-02,purchase,-1",
        "u1,i1,2024-02-02,purchase,2000000",
    ]
    path = lines(tmp_path / "kinds.csv", *rows, header=header)
    report = run(tmp_path, path, weights={"view": 0.5})
    assert {x["kind"]: (x["weight"], x["known"]) for x in report["kinds"]} == {
        "view": (0.5, True), "purchase": (5.0, True), "add to cart": (3.0, True), "remove_from_cart": (0.0, True),
        "stare": (1.0, False),
    }  # fmt: skip
    assert report["left_out"] == {
        "events of kind remove_from_cart, which count nothing": 1,
        "rows with a quantity of 0": 1,
        "returns": 2,
        "purchases that were returned in full": 1,
    }
    assert report["rejected"]["by_reason"] == {"quantity beyond 1,000,000": 1}
    dataset = stored(tmp_path)
    pairs = dataset.interactions()
    assert pairs.strength is not None
    row, item = dataset.user_row("u0"), dataset.item_row("i0")
    assert pairs.counts[row, item] == 2
    assert pairs.strength[pairs.of_user(row)][0] == 5.0
    assert "u9" in set(dataset.users["user_id"])
    assert pairs.counts[dataset.user_row("u9")].nnz == 1


def test_ratings_below_the_middle_are_left_out(tmp_path):
    rows = [f"u{n % 4},i{n % 3},{1 + n % 5}" for n in range(60)]
    path = lines(tmp_path / "r.csv", *rows, header="userId,movieId,rating")
    assert run(tmp_path, path)["left_out"] == {"ratings below 3": 24}
    assert run(tmp_path, path, min_rating=5)["events"] == 12


def test_filters_go_on_until_all_have_enough(tmp_path):
    rows = [f"u{u},i{i},2024-01-01" for u in range(5) for i in range(5)]
    rows += ["u0,rare,2024-01-01", "lonely,rare,2024-01-01", "lonely,i0,2024-01-01"]
    report = run(tmp_path, lines(tmp_path / "f.csv", *rows), min_users=3, min_items=2)
    assert report["left_out"] == {"users with fewer than 2 items": 1, "items with fewer than 3 users": 1}
    dataset = stored(tmp_path)
    assert (dataset.n_users, dataset.n_items, len(dataset.events)) == (5, 5, 25)
    report = run(tmp_path, lines(tmp_path / "g.csv", *rows, "last,rare,2024-01-01"), min_users=4)
    assert report["left_out"] == {"users of whom no item was left": 1, "items with fewer than 4 users": 1}


def test_catalogue_and_users(tmp_path, good):
    items = tmp_path / "items.csv"
    items.write_text(
        "product_id;Name;Department;Subcategory;price;in_stock\n"
        'i0;"<script>alert(1)</script>";Toys;Games|Puzzles;1,50;yes\ni1;**bold**;Toys;;abc;no\ni1;other;Toys;;2,00;no\n'
        "cold;=HYPERLINK(1);Garden;Pots;2,25;yes\n"
    )
    users = tmp_path / "users.csv"
    users.write_text("user_id,age,birthday\nu0,18-24,a\nu1,25-44,b\nu2,25-44,c\nnobody,18-24,d\n")
    report = run(tmp_path, good, items=(str(items),), users=(str(users),))
    facts = report["catalogue"]
    assert (facts["items_only_in_events"], facts["items_only_in_catalogue"]) == (2, 1)
    assert (facts["catalogue_items_twice"], facts["catalogue_items_that_disagree"]) == (1, 1)
    assert (facts["prices_not_readable"], facts["users_without_events"]) == (1, 1)
    dataset = stored(tmp_path)
    assert dataset.category_levels == ("department", "subcategory")
    assert dataset.user_attributes == ("age", "birthday")
    table = dataset.items.set_index("item_id")
    assert table.loc["i0", "title"] == "<script>alert(1)</script>"
    assert table.loc["i0", "price"] == 1.5
    assert table.loc["i1", "title"] == "**bold**"
    assert table.loc["i1", "subcategory"] == "uncategorised"
    assert table.loc["i2", "title"] == "i2"
    assert table["available"].to_dict()["i1"] == "false"
    assert report["items_without_events"] == 1


def test_items_that_only_the_catalogue_knows_shift_no_event(tmp_path, good):
    before = pairs_of(run(tmp_path, good) and stored(tmp_path))
    items = lines(tmp_path / "items.csv", "a0,Before all", "i1,Known", "i1a,Between", "z,After", header="item_id,title")
    run(tmp_path, good, items=(str(items),))
    assert stored(tmp_path).n_items == 7
    assert pairs_of(stored(tmp_path)) == before


def test_returns_take_pieces_and_money_off_the_latest_purchases(tmp_path):
    header = "user_id,item_id,timestamp,event,quantity,value"
    rows = [f"{x},view,1,0" for x in GOOD] + [
        "a,i0,2024-02-01,purchase,2,20",
        "a,i0,2024-02-02,purchase,3,36",
        "a,i0,2024-02-03,purchase,-4,-40",  # takes all of the second and one of the first
        "b,i1,2024-02-01,purchase,3,30",
        "b,i1,2024-01-01,view,1,0",
        "b,i1,2024-02-02,purchase,-1,0",
        "c,i2,2024-02-01,purchase,1,10",
        "c,i2,2024-02-02,purchase,-5,-50",  # more than was bought here
        "c,i3,2024-02-02,purchase,1,7",
    ]
    path = lines(tmp_path / "r.csv", *rows, header=header)
    report = run(tmp_path, path)
    assert report["left_out"] == {"returns": 3, "purchases that were returned in full": 2}
    assert report["returned_in_part"] == 2
    assert ("Purchases that were returned in part", "2, kept with what remained") in {
        fact for section in sections(report) for fact in section.facts
    }
    dataset = stored(tmp_path)
    found = dataset.events.assign(
        user=dataset.users["user_id"].to_numpy()[dataset.events["user_id"]],
        item=dataset.items["item_id"].to_numpy()[dataset.events["item_id"]],
    )
    bought = found[found["weight"] == 5][["user", "item", "quantity", "value"]].to_numpy().tolist()
    assert bought == [["a", "i0", 1.0, 10.0], ["b", "i1", 2.0, 20.0], ["c", "i3", 1.0, 7.0]]
    assert len(found[(found["user"] == "b") & (found["weight"] == 1)]) == 1
    run(tmp_path, path, returns="ignore")
    assert stored(tmp_path).events["value"].sum() == 20 + 36 + 30 + 10 + 7


def test_many_ways_of_writing_kinds_and_missing_ids(tmp_path):
    kinds = [f"{' ' * n}{kind}" for n in range(15) for kind in ("View", "purchase")]
    rows = [f"{x},{kinds[n % 30]}" for n, x in enumerate(GOOD * 2)]
    rows += [f"{' ' * n},i1,2024-01-01,view" for n in range(1, 30)]
    report = run(tmp_path, lines(tmp_path / "k.csv", *rows, header="user_id,item_id,timestamp,event"))
    assert report["rejected"]["by_reason"] == {"no user_id": 29}
    assert {x["kind"]: x["events"] for x in report["kinds"]} == {"view": 16, "purchase": 16}
    many = lines(
        tmp_path / "m.csv", *(f"{x},{n}" for n, x in enumerate(GOOD * 4)), header="user_id,item_id,timestamp,event"
    )
    with pytest.raises(InvalidInput, match="more than 50 different values"):
        run(tmp_path, many, mapping={"event": ("event",)})
    report = run(tmp_path, many)
    assert [x["because"] for x in report["columns"] if x["column"] == "event"] == ["not used: looks like numbers"]


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.datetimes().map(str),
        st.datetimes(pd.Timestamp("1960-01-01"), pd.Timestamp("2110-01-01")).map(lambda t: t.isoformat(" ", "seconds")),
        st.text("0123456789-: TZ+.", min_size=8, max_size=22),
        st.from_regex(r"\A\d{4}-\d\d?-\d\d?([ T]\d\d?:\d\d?:\d\d?(Z|[+-]\d\d(:\d\d)?|\.\d+| UTC)?)?\Z"),
    )
)
def test_the_fast_way_of_reading_iso_times_gives_the_same(text):
    fast = timestamps.Reading("iso", "").sql("x")
    whole = "CAST(try_cast(x AS TIMESTAMPTZ) AS TIMESTAMP)"
    db = iso_reader()
    quoted = text.replace("'", "''")
    got, expected = db.one(f"SELECT epoch_us({fast}), epoch_us({whole}) FROM (SELECT '{quoted}' AS x)")
    assert got == expected or expected is None  # other forms are read beyond what DuckDB casts


@lru_cache(maxsize=1)
def iso_reader() -> DuckSession:
    return DuckSession(None, memory_mb=100)


def test_an_import_goes_beyond_its_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(duckdb_session.DuckSession.__init__, "__kwdefaults__", {"memory_mb": 60, "threads": 1})
    rows = [
        f"user-{n * 7919 % 30_000},a long name of item {(n + n // 30_000) % 5_000},2024-01-{1 + n % 28:02d}"
        for n in range(600_000)
    ]
    path = lines(tmp_path / "b.csv", *rows)
    report = run(tmp_path, path)
    assert (report["events"], report["users"], report["items"]) == (600_000, 30_000, 5_000)


def test_categories_from_columns_of_the_events_and_from_paths(tmp_path):
    rows = [f'{x},"Home > Kitchen > Pans"' for x in GOOD]
    path = lines(tmp_path / "e.csv", *rows, header="user_id,item_id,timestamp,where")
    run(tmp_path, path, mapping={"category": ("where",)})
    dataset = stored(tmp_path)
    assert dataset.category_levels == ("category", "category_2", "category_3")
    assert set(dataset.items["category_3"]) == {"Pans"}


def test_backslashes_before_quotes_are_understood(tmp_path):
    rows = [f'"{x.split(",")[0]}","a \\"big\\" {x.split(",")[1]}","2024-01-0{1 + n % 9}"' for n, x in enumerate(GOOD)]
    run(tmp_path, lines(tmp_path / "b.csv", *rows))
    assert stored(tmp_path).items["item_id"].tolist() == [f'a "big" i{n}' for n in range(4)]


def test_a_missing_column_is_named_with_those_there(tmp_path):
    path = lines(tmp_path / "m.csv", "a,b,1", header="shoper_r,artcle_n,when")
    with pytest.raises(
        InvalidInput, match=r"m\.csv has no column that looks like user_id.*'shoper_r'.*--map events.user_id="
    ):
        run(tmp_path, path)
    with pytest.raises(InvalidInput, match=r"no column 'shoper_ref'.*Nearest: 'shoper_r'"):
        run(tmp_path, path, mapping={"user_id": ("shoper_ref",)})


BAD_FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "blank": (b"\n\n\n", "is empty"),
    "header only": (b"user_id,item_id\n", "no rows"),
    "one column": (b"user_id\nu1\n", "one column only"),
    "binary": (bytes(range(256)) * 50, "no text"),
    "noise": (random.Random(3).randbytes(9000).replace(b"\0", b"\1"), "no text|column"),
    "zip": (b"PK\x03\x04" + b"x" * 100, "ZIP archive"),
    "cut gzip": (gzip.compress(random.Random(2).randbytes(5000))[:2000], "damaged or cut short"),
    "cut parquet": (b"PAR1" + b"x" * 100, "damaged Parquet"),
    "json list": (b'[{"user_id": 1}]', "looks like (the )?item.id"),
    "broken json": (b'{"user_id": 1\n{"item', "is not whole"),
    "one user": (b"user_id,item_id\nu,a\nu,b\n", "one user only"),
    "one item": (b"user_id,item_id\nu,a\nv,a\n", "one item only"),
    "one each": (b"user_id,item_id\nu,a\nv,b\n", "No user has two different items"),
    "all rejected": (b"user_id,item_id\n,a\n,b\n", "No row of the events can be used: 2 with no user_id"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files_are_refused_in_words_and_store_nothing(tmp_path, case):
    content, message = BAD_FILES[case]
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=message):
        run(tmp_path, path)
    assert Store(tmp_path / "home").datasets() == []
    assert not list((tmp_path / "home").glob("importing/*"))


def test_a_bomb_is_refused(tmp_path):
    path = tmp_path / "bomb.csv.gz"
    with gzip.open(path, "wb", compresslevel=9) as out:
        out.write(b"user_id,item_id\n")
        for _ in range(300):
            out.write(b"a,b\n" * 250_000)
    with pytest.raises(InvalidInput, match="unpacks to more than 200 times"):
        run(tmp_path, path)


def test_a_huge_line_and_open_quotes_are_rejected_not_fatal(tmp_path):
    path = lines(tmp_path / "h.csv", *GOOD, "u1,i1," + "9" * 5_000_000, *(x.replace("i", "j") for x in GOOD))
    report = run(tmp_path, path)
    assert report["rejected"]["by_reason"] == {"line longer than 4 MB": 1}
    assert report["events"] == 2 * len(GOOD)
    path = lines(tmp_path / "q.csv", *GOOD, 'u1,"i1,2024-01-01')
    report = run(tmp_path, path)
    assert report["rejected"]["rows"] == 1
    assert report["rejected"]["first"][0]["line"] == len(GOOD) + 2


def test_lines_that_are_no_json_object_are_rejected(tmp_path):
    whole = [json.dumps(dict(zip(("user_id", "item_id", "timestamp"), x.split(","), strict=True))) for x in GOOD]
    path = tmp_path / "e.jsonl"
    path.write_text("\n".join([*whole[:5], "{oops", "[1, 2]", '"text"', "7", '{"user_id": "u1"', *whole[5:], "{}"]))
    report = run(tmp_path, path)
    assert report["rejected"]["by_reason"] == {"line is no JSON object": 5, "no user_id": 1}
    assert [x["line"] for x in report["rejected"]["first"]] == [6, 7, 8, 9, 10, 22]
    assert report["events"] == len(GOOD)


def test_a_form_of_times_that_is_none_is_told(tmp_path, good):
    with pytest.raises(InvalidInput, match="--timestamp-format '%Q' is no form of times"):
        run(tmp_path, good, timestamp_format="%Q")


def test_absurd_numbers_are_rejected(tmp_path):
    rows = [f"{x},1,2.50,4" for x in GOOD]
    absurd = (
        "1e300,1,4",
        "-9e9,1,4",
        "1,1e300,4",
        "1,-2e9,4",
        "1,1,1e300",
        "1e5,9e8,4",
        "inf,1,4",
        "1,much,4",
        "1,1,x",
    )
    rows += [f"u1,i1,2024-01-01,{x}" for x in absurd]
    header = "user_id,item_id,timestamp,quantity,price,rating"
    report = run(tmp_path, lines(tmp_path / "absurd.csv", *rows, header=header), min_rating=1)
    assert report["rejected"]["by_reason"] == {
        "value beyond 1,000,000,000": 3, "quantity beyond 1,000,000": 2, "rating beyond 1,000,000": 1,
        "quantity is no number": 1, "value is no number": 1, "rating is no number": 1,
    }  # fmt: skip
    assert report["events"] == len(GOOD)


def test_mixed_separators_are_rejected_by_line(tmp_path):
    mixed = [x.replace(",", ";") for x in GOOD[:3]]
    report = run(tmp_path, lines(tmp_path / "mixed.csv", *GOOD, *mixed))
    assert report["rejected"]["by_reason"] == {"fewer fields than the header": 3}
    assert [(x["line"], x["value"]) for x in report["rejected"]["first"]] == [(18 + n, x) for n, x in enumerate(mixed)]
    assert report["events"] == len(GOOD)


def test_the_report_is_told_in_words(tmp_path, good):
    told = {section.title: dict(section.facts) for section in sections(run(tmp_path, good))}
    assert told["Found"]["Events"] == "16 of 16 rows"
    assert told["Not used"] == {"Nothing": "every row was used"}
    assert "test" in told["Training"]["Learns from"]

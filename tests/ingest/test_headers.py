"""Where the names of columns stand, what they say of money, and which of several sheets has the table."""

import io
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import xlsxwriter

from recsys.ingest.cells.categories import writing
from tests.ingest.test_cases import EVENTS, HEADER, ITEMS, PLAIN, START, run, taken, text
from tests.ingest.test_odd_rows import told

DAY = START.replace(hour=0, minute=0, second=0)
MINUTE = START.replace(second=0)


def workbook(path: Path, sheets: dict[str, list[list[object]]], form: str = "dd.mm.yyyy hh:mm") -> bytes:
    """A workbook with sheets of rows; times are dates of the workbook."""
    with xlsxwriter.Workbook(str(path)) as book:
        how = book.add_format({"num_format": form})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for r, row in enumerate(rows):
                for n, cell in enumerate(row):
                    sheet.write_datetime(r, n, cell, how) if isinstance(cell, datetime) else sheet.write(r, n, cell)
    return path.read_bytes()


def test_the_sheets_that_have_the_columns_of_the_part_are_read(tmp_path):
    head = ["Date commande", "N° client", "Réf. produit", "Quantité"]
    rows = [[t.replace(second=0), u, i, 2] for u, i, t in EVENTS]
    sheets = {
        "Résumé": [["Mois", "Total"], ["Janvier", 40]],
        "Produits": [["Réf. produit", "Libellé"], *([i, f"Tasse {i}"] for i in ITEMS)],
        "Janvier": [head, *rows[:40]],
        "Février": [head, *rows[40:]],
    }
    content = workbook(tmp_path / "book.xlsx", sheets)
    report, dataset = run(tmp_path, {"events.xlsx": content, "items.xlsx": content})
    assert report["rows"]["used"] == 80 and dataset.events["timestamp"].min() == MINUTE
    assert dataset.items["title"].tolist() == [f"Tasse {i}" for i in ITEMS]
    assert told(report, "sheet 'Résumé' is not read")


@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_names_of_columns_over_several_lines(tmp_path, form):
    names = ["Kunden\nNr.", "Artikel-\nnummer", "Bestell-\ndatum", "Menge\n(Stk.)", "Preis\nin EUR"]
    if form == "xlsx":
        rows = [[u, i, t.replace(hour=0, minute=0, second=0), 2, 4.5] for u, i, t in EVENTS]
        content = workbook(tmp_path / "book.xlsx", {"Liste": [["Liste"], names, *rows]}, "dd.mm.yyyy")
    else:
        head = ";".join(f'"{x}"' for x in names)
        content = text(*(f"{u};{i};{t:%d.%m.%Y};2;4,50" for u, i, t in EVENTS), header=f"Liste\n{head}").encode()
    report, dataset = run(tmp_path, {f"events.{form}": content})
    assert report["rows"]["used"] == 80 and dataset.events["timestamp"].min() == DAY
    assert set(dataset.events["quantity"]) == {2.0} and set(dataset.events["value"]) == {9.0}
    assert told(report, "names of its columns go over")


def test_names_of_groups_above_the_names_of_columns(tmp_path):
    head = "Customer,,Product,,,Order,\nID,City,ID,Name,Category,Date,Qty"
    report, dataset = run(
        tmp_path, {"events.csv": text(*(f"{u},Rome,{i},Tea {i},Drinks,{t},2" for u, i, t in EVENTS), header=head)}
    )
    assert report["rows"]["used"] == 80 and set(dataset.events["quantity"]) == {2.0}
    assert dataset.items["title"].tolist() == [f"Tea {i}" for i in ITEMS]


def test_of_a_name_that_stands_twice_the_column_that_tells_of_the_item_is_taken(tmp_path):
    lines = [f"{n},{u},Mr {u},{i},Tea {i},{t}" for n, (u, i, t) in enumerate(EVENTS)]
    report, dataset = run(
        tmp_path, {"events.csv": text(*lines, header="Order ID,Customer ID,Name,Product ID,Name,Date")}
    )
    assert taken(report)["Name_2"] == "title" and dataset.items["title"][2] == "Tea i2"


@pytest.mark.parametrize("header", ["kod", "Nr.", "Code"])
def test_a_number_of_something_is_the_id_of_a_catalogue(tmp_path, header):
    items = text(*(f"{i};9,50" for i in ITEMS), header=f"{header};cena")
    report, dataset = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": items})
    assert taken(report, "items")[header] == "item_id" and set(dataset.items["price"]) == {9.5}


def test_money_in_hundredths_is_divided_and_said(tmp_path):
    lines = [f"{x},1250" for x in PLAIN]
    items = text(*(f"{i},1299" for i in ITEMS), header="id,price_cents")
    report, dataset = run(tmp_path, {"events.csv": text(*lines, header=f"{HEADER},total_cents"), "items.csv": items})
    assert set(dataset.events["value"]) == {12.5} and dataset.items["price"].round(2).tolist() == [12.99] * 10
    assert told(report, "'price_cents' is in hundredths") and told(report, "'total_cents' is in hundredths")


def test_a_column_named_as_what_can_be_sold_is_no_title(tmp_path):
    words = [f"Ships in {n} days" for n in range(9)]
    items = text(*(f"{i},{x}" for i, x in zip(ITEMS, [*words, "Sold out"], strict=True)), header="id,availability")
    _, dataset = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": items})
    assert dataset.items["available"].tolist() == [*["true"] * 9, "false"]


def test_some_ids_that_would_meet_were_they_written_alike_are_said(tmp_path):
    ids = {i: f"{'00' if n % 2 else '12'}{n}{n}" for n, i in enumerate(ITEMS)}
    events = text(*(f"{u},{ids[i]},{t}" for u, i, t in EVENTS))
    items = text(*(f"{int(x)},Tea {x}" for x in ids.values()), header="item_id,title")
    report, _ = run(tmp_path, {"events.csv": events, "items.csv": items})
    assert told(report, "5 items of the events would be in items.csv", "lost the zeros in front")
    plain = text(*(f"{x},Tea {x}" for x in list(ids.values())[:7]), header="item_id,title")
    report, _ = run(tmp_path / "two", {"events.csv": events, "items.csv": plain})
    assert not told(report, "written alike")


def test_clocks_with_points_years_of_two_digits_in_front_and_times_cut_short(tmp_path):
    lines = [f"{t:%d/%m/%Y};{t:%H.%M};{u};{i}" for u, i, t in EVENTS]
    _, dataset = run(tmp_path / "one", {"events.csv": text(*lines, header="Data ordine;Ora;Cliente;Codice prodotto")})
    assert dataset.events["timestamp"].min() == MINUTE
    _, dataset = run(tmp_path / "two", {"events.csv": text(*(f"{u},{i},{t:%y-%m-%d}" for u, i, t in EVENTS))})
    assert dataset.events["timestamp"].min() == DAY
    seconds = [(t - datetime(1970, 1, 1)) / timedelta(seconds=1) for *_, t in EVENTS]
    cut = [f"{u},{i},{s / 1e9:.5f}E+12" for (u, i, _), s in zip(EVENTS, seconds, strict=True)]
    report, _ = run(tmp_path / "three", {"events.csv": text(*cut)})
    assert told(report, "shortened by a spreadsheet")


def test_a_list_of_objects_of_numbers_is_read_to_the_last_digit(tmp_path):
    rows = ",".join(f'{{"user": {10**18 + int(u[1])}, "item": {2**53 + int(i[1])}, "at": "{t}"}}' for u, i, t in EVENTS)
    _, dataset = run(tmp_path, {"events.json": f"[{rows}]"})
    assert dataset.items["item_id"].tolist() == [str(2**53 + n) for n in range(10)]


def test_an_archive_with_all_parts_and_files_with_a_header_alone(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("orders.csv", text(*PLAIN))
        archive.writestr("products.csv", text(*(f"{i},Tea {i}" for i in ITEMS), header="item_id,title"))
        archive.writestr("customers.csv", text(*(f"u{n},{'fm'[n % 2]}" for n in range(8)), header="user_id,gender"))
    whole = packed.getvalue()
    report, dataset = run(tmp_path, {"events.zip": whole, "items.zip": whole, "users.zip": whole})
    assert report["rows"]["used"] == 80 and dataset.items["title"][1] == "Tea i1" and dataset.users["gender"][1] == "m"
    assert told(report, "products.csv is not read: it has no columns of events")
    report, _ = run(tmp_path / "two", {"events.csv": text(*PLAIN), "items.csv": "item_id,title\n"})
    assert told(report, "items.csv has a header but no rows")


def test_forms_of_times_among_others_and_columns_named_like_times(tmp_path):
    forms = ("{:%Y-%m-%d %H:%M:%S}", "{:%d.%m.%Y %H:%M:%S}", "{:%d/%m/%Y %H:%M:%S}")
    lines = [f"{u},{i},{forms[n % 5 % 3].format(t)}" for n, (u, i, t) in enumerate(EVENTS)]
    report, dataset = run(tmp_path, {"events.csv": text(*lines)})
    assert report["rows"]["used"] == 80 and sorted(dataset.events["timestamp"]) == sorted(t for *_, t in EVENTS)
    content = text(*(f"{u},{i},{t:%m/%Y}" for u, i, t in EVENTS), header="user_id,item_id,Monat")
    _, dataset = run(tmp_path / "two", {"events.csv": content})
    assert dataset.events["timestamp"].min() == datetime(2024, 1, 1)
    content = text(*(f"{u},{i},{t:%b-%y}" for u, i, t in EVENTS), header="user_id,item_id,month")
    report, _ = run(tmp_path / "three", {"events.csv": content})
    assert told(report, "no column of times", "named like one: 'month', such as 'Jan-24'")


PATHS = (
    ("Home", "Kitchen", "Mugs"), ("Home", "Kitchen", "Pots"), ("Home", "Bath", "Towels"), ("Garden", "Tools", "Rakes"),
    ("Garden", "Plants", "Roses"),
)  # fmt: skip


@pytest.mark.parametrize("mark", [">", "/", "|", " → ", "\\", "//", " -> ", ":", " › ", " &gt; ", "each"])
def test_marks_between_the_parts_of_a_path(tmp_path, mark):
    def cell(path: tuple[str, ...]) -> str:
        if mark == "each":
            return f'"{path[0]}, {path[0]} > {path[1]}, {" > ".join(path)}"'
        return mark.join(path)

    items = text(*(f"{i},{cell(PATHS[n % 5])}" for n, i in enumerate(ITEMS)), header="id,cat")
    _, dataset = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": items})
    levels = ["category", "category_2", "category_3"]
    assert [tuple(x) for x in dataset.items[levels].to_numpy()] == [PATHS[n % 5] for n in range(10)]


def test_several_names_on_a_level_are_no_path():
    assert writing(["Comedy|Drama", "Comedy|Romance", "Drama|Romance", "Action|Drama", "Comedy"]).levels == 1
    assert writing(["Size: S", "Size: M", "Colour: red", "Plain"]).levels == 1
    assert writing(["Audio/Video / TV", "Audio/Video / Radio", "Garden / Tools", "Garden / Plants"]).path == " / "


def test_lines_that_leave_out_empty_fields_at_their_end(tmp_path):
    lines = [f"{x},,fine" if n % 4 == 0 else x for n, x in enumerate(PLAIN)]
    report, _ = run(tmp_path, {"events.csv": text(*lines, header=f"{HEADER},coupon,note")})
    assert report["rows"]["used"] == 80 and list(taken(report)) == [*HEADER.split(","), "coupon", "note"]
    assert told(report, "fewer fields than the header")


def test_numbers_of_orders_in_german_join_lines_and_orders(tmp_path):
    lines = (f"B{n};{i};2" for n, (_, i, _) in enumerate(EVENTS))
    orders = (f"B{n};{u};{t:%d.%m.%Y %H:%M:%S}" for n, (u, _, t) in enumerate(EVENTS))
    parts = {
        "events.lines.csv": text(*lines, header="Bestellnummer;Artikelnummer;Menge"),
        "events.orders.csv": text(*orders, header="Bestellnummer;Kundennummer;Bestelldatum"),
    }
    report, dataset = run(tmp_path, parts)
    assert report["rows"]["used"] == 80 and dataset.n_users == 8 and set(dataset.events["quantity"]) == {2.0}

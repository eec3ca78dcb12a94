# ruff: noqa: E501  # rows as they stand in files
"""Files of shops in eight languages and of many systems: what their headers, numbers and words are taken for."""

import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from recsys.dataset.event_kinds import weight_of
from recsys.ingest.cells.numbers import any_number
from recsys.ingest.cells.vocabulary import availability
from recsys.ingest.column_names import KNOWN, rank
from recsys.ingest.files.encoding import guess
from recsys.ingest.header_words import field_of, of_order
from tests.ingest.test_cases import EVENTS, HEADER, ITEMS, PLAIN, run, taken, text

HEADERS = {
    "user_id": "Código do Cliente|Code client|Codice Cliente|ID klienta|N° client|Nº de cliente|Kunden-Nr|Kd.-Nr.|Klantnummer|KUNNR|Klaviyo Profile ID|domain_userid|user.id|relationships.profile.data.id",
    "item_id": "Codice Articolo|Kod produktu|Réf. produit|Artikel-Nr.|Código de artículo|Código do Produto|MATNR|ti_sku|idaction_sku|product.id|line_items[].product.id|Art.Nr|righe[].articolo.codice|Product2Id",
    "title": "Artikelbezeichnung|Nazwa produktu|Libellé article|Descripción del artículo|Descrizione Articolo|Descrição do Produto|product.name|items[].name|righe[].articolo.descrizione|lineItems[].name.en|lineItems.label",
    "quantity": "Stückzahl|Qté facturée|Product Quantity|Number of items|Nombre d'articles|Quantity_SKU|qty.$numberInt",
    "price": "VK Brutto|Prix unitaire HT|Cena brutto|Stukprijs|Product Unit Price|Price (tax excl.)|Precio de venta (IVA incl.)|price.amount",
    "value": "Montant HT|Wartość brutto|Gesamtpreis netto|Net Sales|Totalbetrag|importo riga",
    "category": "Famille d'articles|Categoria Merceologica|Kategoria produktu|Hauptwarengruppe|product.category.name|Category Ids Sku",
    "available": "Product Visible?|Current Stock Level|Stan magazynowy|disponible",
    None: "Customer Order Number|Montant TVA|Discount Amount|Shipping price|customer name|relationships.profile.data.type|parent_sku|event.id|seller id|old price|Customer group|order type",
}  # fmt: skip


@pytest.mark.parametrize("field", HEADERS)
def test_headers_are_read_by_their_words(field):
    fields = [x for x in KNOWN if x != "timestamp"]
    for header in HEADERS[field].split("|"):
        ranks = {x: place for x in fields if (place := rank(header, x)) is not None}
        assert (min(ranks, key=lambda x: ranks[x]) if ranks else None) == field, (header, ranks)


def test_a_word_that_is_not_known_may_change_the_meaning():
    assert field_of("Product price") == "price" and field_of("Product price points") is None
    assert of_order("Order total") and not of_order("Order line total")


@pytest.mark.parametrize(
    ("kind", "weight"),
    [("Produktansicht", 1), ("Merkzettel", 3), ("Kauf", 5), ("Stornierung", 0), ("ajout panier", 3), ("suppression du panier", 0),
     ("añadido al carrito", 3), ("cancelación", 0), ("aggiunto al carrello", 3), ("rimosso dal carrello", 0), ("bekeken", 1),
     ("verwijderd uit winkelwagen", 0), ("adicionado ao carrinho", 3), ("removido do carrinho", 0), ("dodanie do koszyka", 3),
     ("usunięcie z koszyka", 0), ("ecommerce.order_placed", 5), ("Payment", 5), ("add_payment_info", 3), ("thumbs_down", 0),
     ("prodview", 1), ("scadd", 3), ("scremove", 0), ("sccheckout", 3), ("checkout_step", 3), ("checkout.completed", 5),
     ("viewcontent", 1), ("placeanorder", 5), ("completepayment", 5), ("tracktransaction", 5), ("viewbasket", 3),
     ("addedtocartobjectids", 3), ("convertedobjectids", 5), ("orderrefunded", 0), ("productremovedfromwishlist", 0),
     ("order.created", 5), ("Fulfilled Order", 5), ("Verlanglijstje", 3), ("ecommerceorder", 5), ("ecommerceabandonedcart", 0)],
)  # fmt: skip
def test_kinds_of_events_in_eight_languages(kind, weight):
    assert weight_of(kind) == (weight, True)


STATES = {
    5: "Awaiting Fulfillment|Awaiting Payment|wc-processing|wc-on-hold|ready for pickup|pending_payment|holded|Paiement accepté|"
    "En cours de préparation|Komplett abgeschlossen|Teilweise ausgeliefert|In Bearbeitung|In lavorazione|In behandeling|"
    "Em processamento|En proceso|Nowe|W trakcie realizacji|Opłacone|partially_refunded|Partially Refunded|teilweise erstattet",
    0: "wc-refunded|wc-failed|Erreur de paiement|Storniert / Abgelehnt|Anulowane|Zwrócone|Devuelta|partial_refund|Terugbetaald",
}  # fmt: skip


@pytest.mark.parametrize("weight", STATES)
def test_states_of_orders_in_eight_languages(weight):
    states = STATES[weight].split("|")
    assert {x: weight_of(x) for x in states} == dict.fromkeys(states, (weight, True))
    assert not weight_of("carton")[1] and not weight_of("refurbished")[1], "words of something else are no states"


def test_states_that_leave_open_what_came_back_are_said(tmp_path):
    report, _ = run(tmp_path, {"events.csv": with_column("Financial Status", ("paid", "partially_refunded"))})
    assert report["rows"]["used"] == 80
    assert any("'partially_refunded' does not tell which products came back" in x for x in report["warnings"])
    report, _ = run(tmp_path, {"events.csv": with_column("state", ("complete", "closed", "canceled", "holded"))})
    assert any("--weight closed=0" in x for x in report["warnings"]) and report["rows"]["used"] == 60


@pytest.mark.parametrize(
    ("word", "sold"),
    [("not available", False), ("nur noch 2 Stück", True), ("z. Zt. nicht lieferbar", False), ("En rupture", False),
     ("Disponible sous 48h", True), ("Sin existencias", False), ("Niet leverbaar", False), ("Pré-venda", True),
     ("Only 3 left in stock - order soon.", True), ("Currently unavailable.", False), ("onbackorder", True), ("> 10", True),
     ("EOL", False), ("matt", None), ("no name", None), ("Ships in 3-5 days", True), ("Coming soon", False), ("Lieferzeit 3-5 Tage", True),
     ("Demnächst wieder verfügbar", False), ("Expédié sous 24h", True), ("Précommande", True), ("Sur commande", True),
     ("Bientôt disponible", False), ("Duża ilość", True), ("Ostatnie sztuki", True), ("Wycofany", False), ("Su ordinazione", True),
     ("In arrivo", False), ("Disponibilità immediata", True), ("Fuori produzione", False), ("Binnenkort leverbaar", False),
     ("Bajo pedido", True), ("Próximamente", False), ("Últimas unidades", True), ("Fora de linha", False), ("Sob encomenda", True), ("-3 Stk.", False)],
)  # fmt: skip
def test_availability_by_its_words(word, sold):
    assert availability(word) is sold


def test_what_is_not_available_is_not_sold_though_the_words_mean_no_value_elsewhere(tmp_path):
    for header, words in (("availability", ("available", "not available")), ("dostępność", ("dostępny", "brak"))):
        items = text(*(f"{x},{words[n % 2]}" for n, x in enumerate(ITEMS)), header=f"id,{header}")
        _, dataset = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": items})
        assert dataset.items["available"].tolist() == ["true", "false"] * 5


NUMBERS = {"￥1,200": 1200, "980円": 980, "3:-": 3, "1.234,–": 1234, "ab 9,90 €": 9.9, "９．９０": 9.9, "x3": 3, "3 stars": 3,
           "★★★☆☆": 3, "12,00-": -12, "₹1,00,000": 100000, "CHF 1’234.50": 1234.5, "CHF 9.--": 9, "1 pc": 1, "3 sztuki": 3, "2 uds.": 2,
           "1.009,90 € inkl. 19% MwSt.": 1009.9, "12.50 per piece": 12.5, "Rs. 450": 450}  # fmt: skip


def test_numbers_of_many_shops():
    assert {x: any_number(x, comma=",9" in x or ",00-" in x) for x in NUMBERS} == NUMBERS


def test_a_comma_before_three_digits_is_told_by_the_other_columns_and_the_separator(tmp_path):
    for header, cells in (("Menge;Betrag", "2,000;19,00"), ("Menge", "2,000")):
        lines = [f"{x.replace(',', ';')};{cells}" for x in PLAIN]
        _, dataset = run(tmp_path, {"events.csv": text(*lines, header="user_id;item_id;timestamp;" + header)})
        assert dataset.events["quantity"].unique().tolist() == [2.0]
    prices = ["1,200", "980", "12,000"]
    items = text(*(f"{x};{prices[n % 3]}" for n, x in enumerate(ITEMS)), header="id;price")
    _, dataset = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": items})
    assert dataset.items["price"].tolist()[:3] == [1200, 980, 12000]


@pytest.mark.parametrize("word", ["n. a.", "k. A.", "N/D", "...", "non renseigné", "brak", "nd", "sob consulta"])
def test_words_for_no_number_leave_the_event(tmp_path, word):
    content = text(
        *(f"{x},{word if n % 2 else 3}" for n, x in enumerate(PLAIN)), header="user_id,item_id,timestamp,amount"
    )
    report, _ = run(tmp_path, {"events.csv": content})
    assert report["rows"]["used"] == 80 and taken(report)["amount"] is not None


def test_an_outlier_does_not_decide_the_scale_of_few_ratings(tmp_path):
    content = text(
        *(f"{x},{500 if n == 5 else 1 + n % 5}" for n, x in enumerate(PLAIN)), header="user_id,item_id,timestamp,rating"
    )
    report, _ = run(tmp_path, {"events.csv": content})
    assert report["min_rating"] == 3


@pytest.mark.parametrize(
    "name", ["Guest Customer", "walk-in", "NOT LOGGED IN", "anónimo", "0000000000", "99999999", "guest@shop.example"]
)
def test_more_users_who_are_nobody(tmp_path, name):
    everybody = [f"{name},{item},{t}" for _, item, t in EVENTS]
    report, dataset = run(tmp_path, {"events.csv": text(*PLAIN, *everybody)})
    assert set(dataset.users["user_id"]) == {f"u{n}" for n in range(8)} and report["rows"]["left_out"] == 80


def table(how: str) -> str | list:
    rows = [dict(zip(("user_id", "item_id", "timestamp"), x.split(","), strict=True)) for x in PLAIN]
    return {
        "lists of columns": {name: [row[name] for row in rows] for name in rows[0]},
        "objects of columns": {name: {str(n): row[name] for n, row in enumerate(rows)} for name in rows[0]},
        "rows by number": {str(n): row for n, row in enumerate(rows)},
        "columns and data": {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]},
        "a list of lists": [list(rows[0]), *(list(row.values()) for row in rows)],
    }[how]


@pytest.mark.parametrize(
    "how", ["lists of columns", "objects of columns", "rows by number", "columns and data", "a list of lists"]
)
def test_tables_as_programs_write_them_in_json(tmp_path, how):
    report, _ = run(tmp_path, {"events.json": json.dumps(table(how))})
    assert report["rows"] == {"read": 80, "used": 80, "rejected": 0, "left_out": 0}


def test_a_tar_archive_and_a_text_beside_the_data(tmp_path):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in (("x/orders.csv", text(*PLAIN)), ("x/README.txt", "About.\nNothing.\n")):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content.encode()))
    report, _ = run(tmp_path, {"events.tar.gz": packed.getvalue()})
    assert report["rows"]["used"] == 80
    assert any("README.txt is not read" in x for x in report["warnings"])


def test_fields_over_lines_in_every_row_and_titles_with_commas_above_the_header(tmp_path):
    long = text(
        *(f'{x.rsplit(",", 1)[0]},"Mug,\r\nbig",{x.rsplit(",", 1)[1]}' for x in PLAIN),
        header="user_id,item_id,title,timestamp",
    )
    report, dataset = run(tmp_path, {"events.csv": long})
    assert report["rows"]["used"] == 80 and dataset.items["title"][0] == "Mug,\nbig"
    report, _ = run(tmp_path, {"events.csv": "Shop, Inc., report\nMade on Jan 3, 2024, 10:00\n" + text(*PLAIN)})
    assert report["rows"]["used"] == 80 and report["files"][0]["lines"]["above"] == 2


def test_ids_as_spreadsheets_are_told_to_keep_them(tmp_path):
    items = text(*(f'"=""{x}""",T{x}' for x in ITEMS), header="id,title")
    report, dataset = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": items})
    assert report["catalogue"]["items_only_in_events"] == 0 and dataset.items["title"][0] == "Ti0"


def test_a_catalogue_whose_ids_are_in_another_column_keeps_all_else(tmp_path):
    items = text(
        *(f"{900 + n},{x},T{x},{n % 3}" for n, x in enumerate(ITEMS)), header="product_id,article code xyz,title,stock"
    )
    report, _ = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": items})
    assert taken(report, "items") == {
        "product_id": None,
        "article code xyz": "item_id",
        "title": "title",
        "stock": "available",
    }


def test_korean_is_no_japanese():
    assert guess("찻잔 세트".encode("euc_kr")).encoding == "euc_kr"
    assert guess("马克杯茶壶".encode("gb18030")).encoding == "gb18030"


ORDERS = {
    "German": ("Belegdatum;Kundennummer;Artikelnummer;Bezeichnung;Menge;Einzelpreis;Gesamtpreis;Land",
               "timestamp user_id item_id title quantity price value attribute"),
    "French": ("Date pièce;Code client;Code article;Libellé article;Qté facturée;Prix unitaire HT;Montant HT;Pays",
               "timestamp user_id item_id title quantity price value attribute"),
    "Polish": ("Data zamówienia;ID klienta;Kod produktu;Nazwa produktu;Ilość;Cena brutto;Wartość brutto;Kraj",
               "timestamp user_id item_id title quantity price value attribute"),
    "Dutch": ("Besteldatum;Klantnummer;Artikelnummer;Omschrijving;Aantal;Stukprijs;Totaalbedrag;Land",
              "timestamp user_id item_id title quantity price value attribute"),
    "Portuguese": ("Data do Pedido;Código do Cliente;Código do Produto;Descrição do Produto;Quantidade;Preço Unitário;Valor Total;País",
                   "timestamp user_id item_id title quantity price None attribute"),
    "Italian": ("Data Ordine;Codice Cliente;Codice Articolo;Descrizione Articolo;Quantità;Prezzo Unitario;Importo;Paese",
                "timestamp user_id item_id title quantity price value attribute"),
    "Spanish": ("Fecha de pedido;Código de cliente;Código de artículo;Descripción del artículo;Cantidad;Precio unitario;Importe;País",
                "timestamp user_id item_id title quantity price value attribute"),
    "SAP": ("ERDAT;KUNNR;MATNR;ARKTX;KWMENG;NETPR;NETWR;LAND", "timestamp user_id item_id title quantity None value attribute"),
}  # fmt: skip


@pytest.mark.parametrize("language", ORDERS)
def test_orders_of_eight_systems_need_no_mapping(tmp_path, language):
    header, fields = ORDERS[language]
    lines = [f"{t:%d.%m.%Y};{u};{i};Thing {i};2;9,50;19,00;XY" for u, i, t in EVENTS]
    report, dataset = run(tmp_path, {"events.csv": text(*lines, header=header)})
    assert taken(report) == {
        x: None if y == "None" else y for x, y in zip(header.split(";"), fields.split(), strict=True)
    }
    assert dataset.events["value"].unique().tolist() == [19.0] and len(dataset.users) == 8


def test_packed_jsonl_with_objects_of_objects(tmp_path):
    rows = [
        {
            "_source": {
                "user": {"id": u},
                "product": {"id": i, "category": {"name": "K"}},
                "@timestamp": f"{t:%Y-%m-%dT%H:%M:%S}Z",
            }
        }
        for u, i, t in EVENTS
    ]
    report, _ = run(tmp_path, {"events.jsonl.gz": gzip.compress("\n".join(map(json.dumps, rows)).encode())})
    assert taken(report) == {"_source.user.id": "user_id", "_source.product.id": "item_id",
                             "_source.product.category.name": "category", "_source.@timestamp": "timestamp"}  # fmt: skip
    assert Path(report["files"][0]["file"]).name == "events.jsonl.gz"


@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_lines_of_blanks_are_accounted_for_once_and_the_lines_of_others_stay_right(tmp_path, separator):
    lines = [line.replace(",", separator) for line in PLAIN]
    odd = {
        5: "",
        10: "   ",
        20: separator * 2,
        30: f" {separator} {separator}",
        40: f"u1{separator}m1{separator}99.99.99",
    }
    for place, line in sorted(odd.items(), reverse=True):
        lines.insert(place, line)
    report, _ = run(tmp_path, {"events.csv": text(*lines, header=HEADER.replace(",", separator))})
    (file,) = report["files"]
    assert (file["lines"]["empty"], report["rows"]["used"], report["rows"]["rejected"]) == (4, 80, 1)
    assert not [note for note in file["notes"] if "not known" in note] and report["warnings"] == []
    assert [x["line"] for x in report["rejected"]["first"]] == [40 + 4 + 2]
    items = text(*(f"{i}{separator}T {i}" for i in ITEMS), f" {separator} ", " ", header=f"item_id{separator}title")
    report, _ = run(tmp_path / "two", {"events.csv": text(*PLAIN), "items.csv": items})
    assert report["files"][1]["lines"]["empty"] == 2 and report["files"][1]["rejected"] == 0
    assert report["catalogue"]["catalogue_rows_without_id"] == 0
    rows = [json.dumps(dict(zip(HEADER.split(","), x.split(","), strict=True))) for x in PLAIN]
    report, _ = run(tmp_path / "three", {"events.jsonl": "\n".join([*rows[:9], "", "  ", *rows[9:]])})
    assert (report["rows"]["used"], report["rows"]["rejected"]) == (80, 0)


def test_a_word_before_a_number_is_no_currency(tmp_path):
    assert any_number("Tea 3") is None and any_number("TOP 3") is None and any_number("Mug 12") is None
    assert any_number("CHF 3") == any_number("chf 3") == any_number("3 Eur") == 3


def with_column(name: str, values: tuple[str, ...]) -> str:
    """Events with one more column, its values in turn."""
    return text(*(f"{line},{values[n % len(values)]}" for n, line in enumerate(PLAIN)), header=f"{HEADER},{name}")


@pytest.mark.parametrize(
    ("name", "states"),
    [("order_status", ("completed", "cancelled", "refunded", "pending")), ("Bestellstatus", ("abgeschlossen", "storniert", "versandt", "retourniert")),
     ("statut", ("terminée", "annulée", "expédiée", "remboursé")), ("estado", ("completado", "cancelado", "enviado", "devuelto"))],
)  # fmt: skip
def test_orders_that_were_cancelled_or_came_back_are_known_by_their_state(tmp_path, name, states):
    report, _ = run(tmp_path, {"events.csv": with_column(name, states)})
    assert taken(report)[name] == "event"
    assert (report["rows"]["used"], sum(report["left_out"].values())) == (40, 40), report["left_out"]


@pytest.mark.parametrize("values", [("1", "0"), ("True", "False"), ("ja", "nein")])
def test_a_column_that_says_yes_or_no_is_said_and_counts_as_the_rating(tmp_path, values):
    report, _ = run(tmp_path / "one", {"events.csv": with_column("liked", values)})
    assert [x for x in report["warnings"] if "'liked' says yes or no" in x and "(--map events.rating=liked)" in x]
    assert not [x for x in report["warnings"] if "category" in x]
    report, _ = run(
        tmp_path / "two", {"events.csv": with_column("liked", values)}, mapping={"events.rating": ("liked",)}
    )
    assert (report["rows"]["used"], report["left_out"]) == (40, {"ratings below 0.5": 40})


def test_ids_that_a_spreadsheet_has_shortened_are_said(tmp_path):
    lines = [
        f"{line.split(',')[0]},{'4.00123E+12' if n % 3 else line.split(',')[1]},{line.split(',')[2]}"
        for n, line in enumerate(PLAIN)
    ]
    report, _ = run(tmp_path, {"events.csv": text(*lines)})
    assert [x for x in report["warnings"] if "1 item id such as '4.00123E+12' was shortened by a spreadsheet" in x]


def test_what_is_not_kept_of_shoppers_is_said_and_a_blank_beside_yes_is_no(tmp_path):
    users = text(
        *(f"u{n},{'true' if n % 2 else ''},DE,{'mf'[n % 2]}" for n in range(8)),
        header="user_id,newsletter,country,gender",
    )
    report, dataset = run(tmp_path, {"events.csv": text(*PLAIN), "users.csv": users})
    assert dataset.user_attributes == ("newsletter", "gender")
    assert dataset.users["newsletter"].value_counts().to_dict() == {"true": 4, "false": 4}
    assert taken(report, "users") == {
        "user_id": "user_id",
        "newsletter": "attribute",
        "country": "attribute",
        "gender": "attribute",
    }
    assert [x["because"] for x in report["columns"] if x["column"] == "country"] == [
        "every other column of this file is one; not kept: 1 different value"
    ]


def test_rows_of_a_catalogue_that_disagree_are_said(tmp_path):
    items = text(*(f"{i},{word} {i}" for word in ("Old", "New") for i in ITEMS), header="item_id,title")
    report, dataset = run(tmp_path, {"events.csv": text(*PLAIN), "items.csv": items})
    assert (
        "10 items of the catalogue stand in several rows that disagree: of each column the first value counts"
        in report["warnings"]
    )
    assert set(dataset.items["title"]) == {f"Old {i}" for i in ITEMS}


def test_files_of_an_archive_may_have_their_columns_in_another_order(tmp_path):
    turned = [",".join((t, u, i)) for u, i, t in (line.split(",") for line in PLAIN[40:])]
    with zipfile.ZipFile(tmp_path / "events.zip", "w") as archive:
        archive.writestr("january.csv", text(*PLAIN[:40]))
        archive.writestr("february.csv", text(*turned, header="timestamp,user_id,item_id"))
    report, dataset = run(tmp_path, {"events.zip": (tmp_path / "events.zip").read_bytes()})
    assert (report["rows"]["used"], dataset.n_users, dataset.n_items) == (80, 8, 10)


def test_cancelled_invoices_are_taken_back_whatever_the_sign_of_their_quantity(tmp_path):
    bought = [f"{536365 + n},{x},3,2.50" for n, x in enumerate(PLAIN)]
    gone = [f"C{537000 + n},{x},{'' if n % 2 else '-'}3,2.50" for n, x in enumerate(PLAIN[:20])]
    for name in ("InvoiceNo", "Invoice"):
        header = f"{name},{HEADER},Quantity,Price"
        report, dataset = run(tmp_path / name, {"events.csv": text(*bought, *gone, header=header)})
        assert report["left_out"] == {"returns": 20, "purchases that were returned in full": 20}
        assert len(dataset.events) == 60 and "cancelled" in report["columns"][0]["because"]
    plain = [x.rsplit(",", 2)[0] for x in (*bought, *gone)]
    report, _ = run(tmp_path / "three", {"events.csv": text(*plain, header=f"InvoiceNo,{HEADER}")})
    assert any("'InvoiceNo' begins with C in 20 of the first 100 rows" in x for x in report["warnings"])
    letters = text(*(f"C{n + 5000},{x},1" for n, x in enumerate(PLAIN)), header=f"invoice,{HEADER},quantity")
    assert run(tmp_path / "four", {"events.csv": letters})[0]["rows"]["used"] == 80


MAGENTO = "item_id,parent_item_id,order_id,customer_id,created_at,product_id,sku,product_type,qty_ordered,price"


@pytest.mark.parametrize("header", [MAGENTO, MAGENTO.replace("parent_item_id", "nothing")])
def test_a_product_and_its_variant_in_two_rows_are_one_event(tmp_path, header):
    lines = []
    for n, (u, i, t) in enumerate(EVENTS):
        row, sku = 2 * n + 1, f"{n},{u},{t},4{i[1]},MG-{i}-RED"
        kind = ("configurable", "bundle")[n % 5 == 0] if n % 4 else "simple"
        lines.append(f"{row},,{sku},{kind},1.0000,29.00")
        if n % 4:
            lines.append(
                f"{row + 1},{row if header == MAGENTO else ''},{sku.replace(',4', ',9', 1)},simple,1.0000,0.00"
            )
    report, dataset = run(tmp_path, {"events.csv": text(*lines, header=header)})
    assert report["left_out"] == {"rows that are part of another row": 60}
    assert report["rows"]["used"] == 80 and dataset.items["item_id"].tolist() == [f"4{n}" for n in range(10)]
    assert set(dataset.events["value"]) == {29.0}


@pytest.mark.parametrize("first", ["ti", "oi", "xyz"])
def test_columns_that_begin_like_the_id_of_the_item_are_known_by_the_rest_of_their_name(tmp_path, first):
    """As in exports of Snowplow, and of tables of a database whose columns begin alike."""
    lines = [f"{x},Thing {x.split(',')[1]},K{n % 2},2,9.50,EUR" for n, x in enumerate(PLAIN)]
    lines = [",".join((*x.split(",")[:4], f"K{int(x.split(',')[1][1:]) % 2}", *x.split(",")[5:])) for x in lines]
    parts = (f"{first}_{x}" for x in ("name", "category", "quantity", "price", "currency"))
    report, dataset = run(
        tmp_path, {"events.csv": text(*lines, header=f"user_id,{first}_sku,timestamp,{','.join(parts)}")}
    )
    found = {x.removeprefix(f"{first}_"): y for x, y in taken(report).items()}
    assert found == {"user_id": "user_id", "sku": "item_id", "timestamp": "timestamp", "name": "title",
                     "category": "category", "quantity": "quantity", "price": "price", "currency": None}  # fmt: skip
    assert dataset.items["title"].tolist() == [f"Thing {i}" for i in ITEMS]

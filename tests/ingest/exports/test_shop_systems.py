# ruff: noqa: E501  # rows as they stand in exports
"""Exports of shop systems and trackers, nested or not: events, quantities and titles, without a mapping."""

import json
from datetime import datetime
from typing import Any

import pytest

from tests.ingest.test_cases import EVENTS, run, taken, text
from tests.ingest.test_odd_rows import told


def lines(of: Any) -> str:
    return "\n".join(json.dumps(of(n, u, i, t)) for n, (u, i, t) in enumerate(EVENTS)) + "\n"


def rows(header: str, of: Any) -> str:
    return text(*(of(n, u, i, t) for n, (u, i, t) in enumerate(EVENTS)), header=header)


def seconds(t: datetime) -> int:
    return int((t - datetime(1970, 1, 1)).total_seconds())


MATOMO = json.dumps(
    [
        {"idVisit": str(n), "visitorId": u, "serverTimestamp": seconds(t),
         "actionDetails": [{"type": "ecommerceOrder", "orderId": f"o{n}", "revenue": 18.0, "timestamp": seconds(t),
                            "itemDetails": [{"itemSKU": i, "itemName": f"Tea {i}", "price": 9, "quantity": "2"}]}]}
        for n, (u, i, t) in enumerate(EVENTS)
    ]
)  # fmt: skip
COMMERCETOOLS = json.dumps(
    {"limit": 500, "results": [
        {"id": f"o{n}", "createdAt": f"{t.isoformat()}Z", "customerId": u, "orderState": "Complete", "totalPrice": {"centAmount": 9900},
         "lineItems": [{"id": f"l{n}", "productId": i, "name": {"en": f"Tea {i}"}, "variant": {"sku": f"S{i}"},
                        "price": {"value": {"centAmount": 900}}, "quantity": 2, "totalPrice": {"centAmount": 1800}}]}
        for n, (u, i, t) in enumerate(EVENTS)
    ]}
)  # fmt: skip
SYSTEMS = {
    "Matomo": ("events.json", MATOMO),
    "commercetools": ("events.json", COMMERCETOOLS),
    "RudderStack": ("events.jsonl", lines(lambda n, u, i, t: {
        "event": "Order Completed", "userId": u, "anonymousId": f"a{u}", "originalTimestamp": f"{t.isoformat()}Z", "properties": {
            "order_id": n, "total": 99, "products": [{"product_id": i, "name": f"Tea {i}", "price": 9, "quantity": 2}]}})),
    "WooCommerce": ("events.json", json.dumps([
        {"id": 700 + n, "status": "processing", "date_created": t.isoformat(), "customer_id": u, "billing": {"email": f"{u}@x.example"}, "total": "99",
         "line_items": [{"id": n, "name": f"Tea {i}", "product_id": i, "variation_id": 0, "quantity": 2, "total": "18.00"}], "tax_lines": []}
        for n, (u, i, t) in enumerate(EVENTS)])),
    "Shopware": ("events.csv", rows(
        "id;orderNumber;orderDateTime;orderCustomer.customerNumber;lineItems.payload.productNumber;lineItems.label;lineItems.quantity;lineItems.unitPrice;stateMachineState.technicalName",
        lambda n, u, i, t: f"{n:032x};1{n:04d};{t.isoformat()}.000+00:00;{u};{i};Tea {i};2;9;in_progress")),
    "PrestaShop": ("events.csv", rows(
        "ID commande;Référence;Nouveau client;id_customer;Client;Product_id;Nom du produit;Quantité;Total payé;État;Date",
        lambda n, u, i, t: f"{n};REF{n};0;{u};J. Dupont;{i};Tea {i};2;18,00 €;Paiement accepté;{t:%d/%m/%Y %H:%M:%S}")),
    "Salesforce": ("events.csv", rows(
        '"OrderItem.Id","Order.AccountId","Product2Id","Product2.Name","Quantity","UnitPrice","Order.CreatedDate"',
        lambda n, u, i, t: f'"802{n:015d}","{u}","{i}","Tea {i}","2.0","9.0","{t.isoformat()}.000+0000"')),
    "OXID": ("events.csv", rows(
        "OXID|OXORDERID|OXAMOUNT|OXARTID|OXTITLE|OXBPRICE|OXSTORNO|OXORDERDATE|OXUSERID",
        lambda n, u, i, t: f"a{n}|o{n}|2|{i}|Tea {i}|9|0|{t}|{u}")),
    "Magento": ("events.csv", rows(
        '"increment_id","created_at","customer_email","sku","name","qty_invoiced","row_total","status"',
        lambda n, u, i, t: f'"{100000001 + n}","{t:%b} {t.day}, {t.year}, {t:%I:%M:%S %p}","{u}","{i}","Tea {i}","2.0000","18.0000","complete"')),
}  # fmt: skip


@pytest.mark.parametrize("name", SYSTEMS)
def test_orders_of_shop_systems_need_no_mapping(tmp_path, name):
    file, content = SYSTEMS[name]
    report, dataset = run(tmp_path, {file: content})
    assert report["rows"]["used"] == 80, (report["rejected"], report["left_out"])
    users, items = dataset.users["user_id"].tolist(), dataset.items["item_id"].tolist()
    events = dataset.events
    found = {
        (users[u], items[i], str(t)) for u, i, t in events[["user_id", "item_id", "timestamp"]].itertuples(index=False)
    }
    assert found == {(u, i, str(t)) for u, i, t in EVENTS}, taken(report)
    assert set(events["quantity"]) == {2.0} and set(events["value"]) == {18.0}, taken(report)
    assert dataset.items["title"].tolist() == [f"Tea {i}" for i in items]


GUESTS = {"": "names nobody", "0": "names nobody", "guest": "names nobody"}


@pytest.mark.parametrize("nobody", GUESTS)
def test_who_a_guest_was_is_told_by_another_column_and_said(tmp_path, nobody):
    content = rows(
        "order_id,customer_id,billing_email,sku,ordered_at",
        lambda n, u, i, t: f"{n},{u if n % 4 else nobody},{u}@x.example,{i},{t}",
    )
    report, dataset = run(tmp_path, {"events.csv": content})
    assert set(dataset.users["user_id"]) == {f"u{n}" for n in (1, 2, 3, 5, 6, 7)} | {"u0@x.example", "u4@x.example"}
    assert report["rows"]["used"] == 80 and told(
        report, "'customer_id' names nobody", "'billing_email' stands for the user"
    )


@pytest.mark.parametrize(
    ("column", "words", "said"),
    [
        ("order_type", ("regular", "test"), "'test'"),
        ("line_type", ("product", "shipping"), "'shipping'"),
        ("art", ("Ware", "Versand"), "'Versand'"),
    ],
)
def test_words_that_mark_rows_as_no_purchases_are_said(tmp_path, column, words, said):
    content = rows(f"user_id,item_id,timestamp,{column}", lambda n, u, i, t: f"{u},{i},{t},{words[n % 4 == 0]}")
    report, _ = run(tmp_path, {"events.csv": content})
    assert told(report, f"{column!r} says {said} in 20 of the first 80 rows")

# ruff: noqa: E501  # headers and rows as they stand in exports
"""Each export: its files, the fewest words that import it, and what every column must be taken for."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import xlsxwriter

USERS, ITEMS, ROWS = 8, 10, 80


@dataclass(frozen=True)
class One:
    """One invented purchase: number of the row, of the user and of the item, and when."""

    n: int
    u: int
    i: int
    t: datetime


PURCHASES = [
    One(
        n,
        n * 5 % USERS,
        (n * 3 + n // USERS * 7) % ITEMS,
        datetime(2024, 1, 3, 8) + timedelta(days=2 * n, minutes=7 * n),
    )
    for n in range(ROWS)
]
WORDS = ("Tea cup", "Milk jug", "Bread knife", "Soup bowl", "Cake tin", "Egg timer", "Oven glove", "Salt mill", "Fish pan",
         "Wine glass")  # fmt: skip
GROUPS = ("Kitchen", "Table")


@dataclass(frozen=True)
class Shape:
    """An export.

    Attributes:
        files: name to the text of the file.
        events, items, users: names of files.
        takes: name of a file to its columns that are taken, each with the field.
        stored: of the dataset: users, items, events, where they are not 8, 10 and 80.
        options: what a stranger has to say besides.
        first: the first event's time as stored; None where there is none.
    """

    files: Mapping[str, str]
    events: tuple[str, ...]
    takes: Mapping[str, Mapping[str, str]]
    items: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    stored: Mapping[str, int] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    levels: tuple[str, ...] = ()
    first: str | None = "2024-01-03T08:00:00"


def rows(of: Callable[[One], str], header: str = "") -> str:
    """A file of one line for each purchase."""
    return "\n".join([*([header] if header else []), *map(of, PURCHASES)]) + "\n"


def catalogue(of: Callable[[int], str], header: str = "") -> str:
    """A file of one line for each item."""
    return "\n".join([*([header] if header else []), *(of(i) for i in range(ITEMS))]) + "\n"


def epoch(x: One) -> int:
    return int((x.t - datetime(1970, 1, 1)).total_seconds())


def workbook(path: Path, text: str, sheets: int = 1) -> None:
    """A text with commas as a workbook, its rows dealt out to sheets with the same header."""
    header, *lines = [line.split(",") for line in text.strip().split("\n")]
    with xlsxwriter.Workbook(str(path)) as book:
        for number in range(sheets):
            sheet = book.add_worksheet(f"Year {2009 + number}")
            for r, line in enumerate([header, *lines[number::sheets]]):
                for column, cell in enumerate(line):
                    if r and header[column] == "InvoiceDate":
                        moment = datetime.strptime(cell, "%m/%d/%Y %H:%M")
                        sheet.write_datetime(r, column, moment, book.add_format({"num_format": "dd/mm/yyyy hh:mm"}))
                    elif r and header[column] in ("Quantity", "UnitPrice", "Price", "CustomerID", "Customer ID"):
                        sheet.write_number(r, column, float(cell))
                    else:
                        sheet.write_string(r, column, cell)


UCI = rows(
    lambda x: (
        f"{536365 + x.n},{85000 + x.i}A,{WORDS[x.i]},{1 + x.n % 3},{x.t:%m/%d/%Y %H:%M},2.55,{17850 + x.u},United Kingdom"
    ),
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
)
UCI_TAKES = {"StockCode": "item_id", "Description": "title", "Quantity": "quantity", "InvoiceDate": "timestamp",
             "UnitPrice": "price", "CustomerID": "user_id", "Country": "attribute"}  # fmt: skip
UCI_2 = UCI.replace("InvoiceNo", "Invoice").replace("UnitPrice", "Price").replace("CustomerID", "Customer ID")
UCI_2_TAKES = {{"UnitPrice": "Price", "CustomerID": "Customer ID"}.get(x, x): y for x, y in UCI_TAKES.items()}

SHOPIFY = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,Taxes,"
    "Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,Lineitem price,"
    "Lineitem compare at price,Lineitem sku,Lineitem requires shipping,Lineitem taxable,Lineitem fulfillment status,Vendor,Id"
)


def shopify(x: One) -> str:
    at = f"{x.t:%Y-%m-%d %H:%M:%S} +0000"
    return (
        f"#{1001 + x.n},u{x.u}@shop.example,paid,{at},fulfilled,{at},no,EUR,19.90,4.90,3.18,24.80,,0.00,Standard,{at},1,"
        f"{WORDS[x.i]},19.90,,SKU-{x.i:03d},true,true,fulfilled,Acme,{450789469 + x.n}"
    )


def ga4(x: One) -> str:
    return json.dumps(
        {
            "event_date": f"{x.t:%Y%m%d}", "event_timestamp": epoch(x) * 1_000_000,
            "event_name": ("view_item", "add_to_cart", "purchase")[x.n % 3], "user_pseudo_id": f"{x.u}.17",
            "event_params": [{"key": "page", "value": {"string_value": "x"}}], "device": {"category": "mobile"},
            "geo": {"country": "Spain"}, "platform": "WEB",
            "items": [{"item_id": f"P{x.i}", "item_name": WORDS[x.i], "item_brand": "Acme",
                       "item_category": GROUPS[x.i % 2], "price": 9.5, "quantity": 1}],
        }
    )  # fmt: skip


def segment(x: One) -> str:
    at = f"{x.t:%Y-%m-%dT%H:%M:%S}.000Z"
    item = {"product_id": f"P{x.i}", "sku": f"S{x.i}", "name": WORDS[x.i], "category": GROUPS[x.i % 2], "price": 9.5}
    head = {"messageId": f"m{x.n}", "anonymousId": f"a{x.u}", "userId": f"u{x.u}", "type": "track", "timestamp": at}
    return json.dumps(head | {"event": ("Product Viewed", "Product Added")[x.n % 2], "properties": item})


SHAPES: dict[str, Shape] = {
    "UCI Online Retail": Shape({"retail.csv": UCI}, ("retail.csv",), {"retail.csv": UCI_TAKES}),
    "UCI Online Retail II": Shape({"retail2.csv": UCI_2}, ("retail2.csv",), {"retail2.csv": UCI_2_TAKES}),
    "UCI Online Retail, workbook": Shape({"retail.xlsx": UCI}, ("retail.xlsx",), {"retail.xlsx": UCI_TAKES}),
    "UCI Online Retail II, workbook": Shape(
        {"retail2.xlsx": UCI_2}, ("retail2.xlsx",),
        {f"retail2.xlsx, sheet Year {year}": UCI_2_TAKES for year in (2009, 2010)},
    ),
    "RetailRocket": Shape(
        {
            "events.csv": rows(
                lambda x: f"{epoch(x) * 1000},{100 + x.u},{('view', 'addtocart', 'transaction')[x.n % 3]},{200 + x.i},",
                "timestamp,visitorid,event,itemid,transactionid",
            ),
            "item_properties_part1.csv": "timestamp,itemid,property,value\n" + "".join(
                f"{1431226800000 + n},{200 + i},{name},{value}\n"
                for i in range(ITEMS)
                for n, (name, value) in enumerate(
                    [("categoryid", 1338), ("categoryid", 10 + i % 3), ("888", f"n{i}.000 1135780"), ("available", i % 2)]
                )
            ),
        },
        ("events.csv",),
        {"events.csv": {"timestamp": "timestamp", "visitorid": "user_id", "event": "event", "itemid": "item_id"},
         "item_properties_part1.csv": {"itemid": "item_id", "categoryid": "category", "available": "available"}},
        items=("item_properties_part1.csv",), levels=("category",),
    ),
    "REES46": Shape(
        {
            "2024-Jan.csv": rows(
                lambda x: f"{x.t:%Y-%m-%d %H:%M:%S} UTC,{('view', 'cart', 'purchase')[x.n % 3]},{1003461 + x.i},"
                f"{2053013555631882655 + x.i % 2},electronics.{('phone', 'audio.head')[x.i % 2]},xiaomi,489.07,{520088904 + x.u},"
                f"4d3b30da-a5e4-49df-b1a8-ba5943f1dd{x.n:02d}",
                "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session",
            )
        },
        ("2024-Jan.csv",),
        {"2024-Jan.csv": {"event_time": "timestamp", "event_type": "event", "product_id": "item_id", "price": "price",
                          "category_code": "category", "brand": "brand", "user_id": "user_id"}},
    ),
    "H&M": Shape(
        {
            "transactions_train.csv": rows(
                lambda x: f"{x.t:%Y-%m-%d},000058a12d5b43e67d225668fa1f8d618c13dc232df0cad8ffe7ad4a1091e31{x.u},0{663713001 + x.i},"
                f"0.0508305084745762,2",
                "t_dat,customer_id,article_id,price,sales_channel_id",
            ),
            "articles.csv": catalogue(
                lambda i: f"0{663713001 + i},0{108775 + i},{WORDS[i]},{253 + i % 4},Type {i % 4},Garment {i % 2},1010016,Solid,09,"
                f"Black,Divided {i % 2},Group {i % 3},\"Nice, {WORDS[i].lower()} of its kind.\"",
                "article_id,product_code,prod_name,product_type_no,product_type_name,product_group_name,graphical_appearance_no,"
                "graphical_appearance_name,colour_group_code,colour_group_name,index_group_name,garment_group_name,detail_desc",
            ),
            "customers.csv": "customer_id,FN,Active,club_member_status,fashion_news_frequency,age,postal_code\n" + "".join(
                f"000058a12d5b43e67d225668fa1f8d618c13dc232df0cad8ffe7ad4a1091e31{u},1.0,1.0,ACTIVE,NONE,{20 + u},5204{u}\n"
                for u in range(USERS)
            ),
        },
        ("transactions_train.csv",),
        {
            "transactions_train.csv": {"t_dat": "timestamp", "customer_id": "user_id", "article_id": "item_id",
                                       "price": "price"},
            "articles.csv": {"article_id": "item_id", "prod_name": "title", "product_type_name": "category",
                             "product_group_name": "category", "index_group_name": "category",
                             "garment_group_name": "category"},
            "customers.csv": {"customer_id": "user_id", "FN": "attribute", "Active": "attribute",
                              "club_member_status": "attribute",
                              "age": "attribute", "postal_code": "attribute"},
        },
        items=("articles.csv",), users=("customers.csv",), first="2024-01-03T00:00:00",
        levels=("product_group_name", "index_group_name", "garment_group_name", "product_type_name"),
    ),
    "Olist": Shape(
        {
            "olist_order_items_dataset.csv": rows(
                lambda x: f"o{x.n:031d},1,p{x.i:031d},s{x.n % 3:031d},{x.t:%Y-%m-%d %H:%M:%S},58.90,13.29",
                "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value",
            ),
            "olist_orders_dataset.csv": rows(
                lambda x: f"o{x.n:031d},c{x.u:031d},delivered,{x.t:%Y-%m-%d %H:%M:%S},{x.t:%Y-%m-%d} 23:00:00,,,",
                "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,"
                "order_delivered_customer_date,order_estimated_delivery_date",
            ),
            "olist_products_dataset.csv": catalogue(
                lambda i: f"p{i:031d},{GROUPS[i % 2].lower()},40,287,1,225,16,10,14",
                "product_id,product_category_name,product_name_lenght,product_description_lenght,product_photos_qty,"
                "product_weight_g,product_length_cm,product_height_cm,product_width_cm",
            ),
        },
        ("olist_order_items_dataset.csv", "olist_orders_dataset.csv"),
        {
            "olist_order_items_dataset.csv with olist_orders_dataset.csv": {
                "product_id": "item_id", "price": "price", "customer_id": "user_id",
                "order_purchase_timestamp": "timestamp",
            },
            "olist_products_dataset.csv": {"product_id": "item_id", "product_category_name": "category"},
        },
        items=("olist_products_dataset.csv",), levels=("category",),
    ),
    "Instacart": Shape(
        {
            "order_products__prior.csv": rows(
                lambda x: f"{x.n + 2},{33120 + x.i},1,{x.n % 2}", "order_id,product_id,add_to_cart_order,reordered"
            ),
            "orders.csv": rows(
                lambda x: f"{x.n + 2},{202279 + x.u},prior,{x.n % 9 + 1},{x.n % 7},0{x.n % 9},8.0",
                "order_id,user_id,eval_set,order_number,order_dow,order_hour_of_day,days_since_prior_order",
            ),
            "products.csv": catalogue(
                lambda i: f"{33120 + i},{WORDS[i]},{86 + i % 2},{16 + i % 2}",
                "product_id,product_name,aisle_id,department_id",
            ),
        },
        ("order_products__prior.csv", "orders.csv"),
        {
            "order_products__prior.csv with orders.csv": {"product_id": "item_id", "user_id": "user_id"},
            "products.csv": {"product_id": "item_id", "product_name": "title", "aisle_id": "category",
                             "department_id": "category"},
        },
        items=("products.csv",), first=None,
    ),
    "Ta-Feng": Shape(
        {
            "ta_feng_all_months_merged.csv": rows(
                lambda x: f"{x.t.month}/{x.t.day}/{x.t.year},{1104905 + x.u},25-29,115,{110411 + x.i % 3},{4710199010372 + x.i},"
                "2,24,30",
                "TRANSACTION_DT,CUSTOMER_ID,AGE_GROUP,PIN_CODE,PRODUCT_SUBCLASS,PRODUCT_ID,AMOUNT,ASSET,SALES_PRICE",
            )
        },
        ("ta_feng_all_months_merged.csv",),
        {"ta_feng_all_months_merged.csv": {
            "TRANSACTION_DT": "timestamp", "CUSTOMER_ID": "user_id", "AGE_GROUP": "attribute", "PIN_CODE": "attribute",
            "PRODUCT_SUBCLASS": "category", "PRODUCT_ID": "item_id", "AMOUNT": "quantity", "SALES_PRICE": "value"}},
        first="2024-01-03T00:00:00", levels=("category",),
    ),
    "dunnhumby": Shape(
        {
            "transaction_data.csv": rows(
                lambda x: f"{2375 + x.u},{26984851472 + x.n},{1 + (x.t - PURCHASES[0].t).days},{1004906 + x.i},1,1.39,364,-0.6,1631,1,0,0",
                "household_key,BASKET_ID,DAY,PRODUCT_ID,QUANTITY,SALES_VALUE,STORE_ID,RETAIL_DISC,TRANS_TIME,WEEK_NO,COUPON_DISC,"
                "COUPON_MATCH_DISC",
            ),
            "product.csv": catalogue(
                lambda i: f"{1004906 + i},{2 + i % 3},{('GROCERY', 'MEAT')[i % 2]},National,FRZN {i % 3},ICE {i % 5},22 LB",
                "PRODUCT_ID,MANUFACTURER,DEPARTMENT,BRAND,COMMODITY_DESC,SUB_COMMODITY_DESC,CURR_SIZE_OF_PRODUCT",
            ),
        },
        ("transaction_data.csv",),
        {
            "transaction_data.csv": {"household_key": "user_id", "DAY": "timestamp", "PRODUCT_ID": "item_id",
                                     "QUANTITY": "quantity", "SALES_VALUE": "value"},
            "product.csv": {"PRODUCT_ID": "item_id", "DEPARTMENT": "category", "BRAND": "brand",
                            "COMMODITY_DESC": "category", "SUB_COMMODITY_DESC": "category"},
        },
        items=("product.csv",), options={"timestamp_format": "days since 2024-01-02"}, first="2024-01-03T00:00:00",
        levels=("department", "commodity_desc", "sub_commodity_desc"),
    ),
    "Shopify orders and products": Shape(
        {
            "orders_export.csv": rows(shopify, SHOPIFY),
            "products_export.csv": catalogue(
                lambda i: f"{WORDS[i].lower().replace(' ', '-')},{WORDS[i]},<p>A {WORDS[i]}</p>,Acme,Home & Garden > {GROUPS[i % 2]},"
                f"{GROUPS[i % 2]},tag,TRUE,Title,Default,SKU-{i:03d},10,19.90,https://cdn.example/{i}.jpg,active",
                "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,"
                "Variant Inventory Qty,Variant Price,Image Src,Status",
            ),
        },
        ("orders_export.csv",),
        {
            "orders_export.csv": {"Email": "user_id", "Lineitem sku": "item_id", "Created at": "timestamp",
                                  "Lineitem quantity": "quantity", "Lineitem price": "price"},
            "products_export.csv": {"Variant SKU": "item_id", "Title": "title", "Vendor": "brand",
                                    "Product Category": "category", "Type": "category", "Variant Price": "price",
                                    "Image Src": "image_url", "Status": "available"},
        },
        items=("products_export.csv",),
    ),
    "WooCommerce": Shape(
        {
            "orders.csv": rows(
                lambda x: f"{1000 + x.n},{x.t:%Y-%m-%d %H:%M},completed,{20 + x.u},u{x.u}@shop.example,WOO-{x.i},{WORDS[x.i]},1,24.5,24.5",
                "Order Number,Order Date,Order Status,Customer User ID,Email (Billing),SKU,Item Name,Quantity,Item Cost,"
                "Order Total Amount",
            ),
            "wc-product-export.csv": catalogue(
                lambda i: f"{10 + i},simple,WOO-{i},{WORDS[i]},1,0,visible,,1,{i % 3},24.5,\"Home > {GROUPS[i % 2]}, Home > Sale\"",
                "ID,Type,SKU,Name,Published,Is featured?,Visibility in catalog,Short description,In stock?,Stock,Regular price,Categories",
            ),
        },
        ("orders.csv",),
        {
            "orders.csv": {"Order Date": "timestamp", "Customer User ID": "user_id", "SKU": "item_id",
                           "Quantity": "quantity", "Item Cost": "price"},
            "wc-product-export.csv": {"SKU": "item_id", "Name": "title", "In stock?": "available", "Regular price": "price", "Categories": "category"},
        },
        items=("wc-product-export.csv",),
    ),
    "Magento": Shape(
        {
            "orders.csv": rows(
                lambda x: f"{100000 + x.n},{x.t:%b} {x.t.day}, {x.t.year} {x.t:%I:%M:%S %p}".replace(",", ";", 1).replace(", ", " ")
                .replace(";", ",") + f",{40 + x.u},MG-{x.i},1.0000,29.0000",
                "increment_id,created_at,customer_id,sku,qty_ordered,price",
            ),
            "catalog_product.csv": catalogue(
                lambda i: f"MG-{i},Default,simple,\"Default Category/{GROUPS[i % 2]}/Sub {i % 4}\",base,{WORDS[i]},29.0000,1,100.0000,"
                f"{i % 2}",
                "sku,attribute_set_code,product_type,categories,product_websites,name,price,product_online,qty,is_in_stock",
            ),
        },
        ("orders.csv",),
        {
            "orders.csv": {"created_at": "timestamp", "customer_id": "user_id", "sku": "item_id",
                           "qty_ordered": "quantity", "price": "price"},
            "catalog_product.csv": {"sku": "item_id", "categories": "category", "name": "title", "price": "price",
                                    "is_in_stock": "available"},
        },
        items=("catalog_product.csv",), levels=("category", "category_2", "category_3"),
    ),
    "GA4": Shape(
        {"ga4.json": rows(ga4)}, ("ga4.json",),
        {"ga4.json": {"event_timestamp": "timestamp", "event_name": "event", "user_pseudo_id": "user_id",
                      "geo.country": "attribute", "items[].item_id": "item_id", "items[].item_name": "title",
                      "items[].item_brand": "brand", "items[].item_category": "category", "items[].price": "price",
                      "items[].quantity": "quantity"}},
        levels=("category",),
    ),
    "Segment": Shape(
        {"segment.jsonl": rows(segment)}, ("segment.jsonl",),
        {"segment.jsonl": {"timestamp": "timestamp", "event": "event", "userId": "user_id",
                           "properties.product_id": "item_id", "properties.name": "title",
                           "properties.category": "category", "properties.price": "price"}},
        levels=("category",),
    ),
    "Google Merchant feed": Shape(
        {
            "events.csv": rows(lambda x: f"u{x.u},G{x.i},{x.t:%Y-%m-%dT%H:%M:%SZ}", "user_id,item_id,timestamp"),
            "feed.tsv": catalogue(
                lambda i: f"G{i}\t{WORDS[i]}\tA fine {WORDS[i]}\thttps://s.example/{i}\thttps://s.example/{i}.jpg\t"
                f"{('in_stock', 'out_of_stock', 'preorder')[i % 3]}\t12.50 EUR\tAcme\tHome & Garden > {GROUPS[i % 2]}\tnew",
                "id\ttitle\tdescription\tlink\timage_link\tavailability\tprice\tbrand\tgoogle_product_category\tcondition",
            ),
        },
        ("events.csv",),
        {
            "events.csv": {"user_id": "user_id", "item_id": "item_id", "timestamp": "timestamp"},
            "feed.tsv": {"id": "item_id", "title": "title", "image_link": "image_url", "availability": "available",
                         "price": "price", "brand": "brand", "google_product_category": "category"},
        },
        items=("feed.tsv",), levels=("category", "category_2"),
    ),
    "Amazon reviews": Shape(
        {
            "reviews.jsonl": rows(
                lambda x: json.dumps({"rating": 4.0 + x.n % 2, "title": "Good", "text": f"Nice {x.n}", "images": [],
                                      "asin": f"B00{x.i}", "parent_asin": f"B00{x.i}", "user_id": f"AG{x.u}",
                                      "timestamp": epoch(x) * 1000, "helpful_vote": 0, "verified_purchase": True})
            ),
            "meta.jsonl": catalogue(
                lambda i: json.dumps({"main_category": "Home", "title": WORDS[i], "average_rating": 4.1, "rating_number": 9,
                                      "price": 9.99, "store": "Acme", "categories": ["Home", GROUPS[i % 2]],
                                      "parent_asin": f"B00{i}", "bought_together": None})
            ),
        },
        ("reviews.jsonl",),
        {
            "reviews.jsonl": {"rating": "rating", "asin": "item_id", "user_id": "user_id", "timestamp": "timestamp"},
            "meta.jsonl": {"main_category": "category", "title": "title", "price": "price", "categories": "category",
                           "parent_asin": "item_id"},
        },
        items=("meta.jsonl",), options={"min_rating": 1.0},
    ),
    "MovieLens .dat": Shape(
        {
            "ratings.dat": rows(lambda x: f"{1 + x.u}::{1193 + x.i}::{1 + x.n % 5}::{epoch(x)}"),
            "movies.dat": catalogue(lambda i: f"{1193 + i}::{WORDS[i]} (199{i})::{('Drama', 'Comedy|Crime', 'Crime')[i % 3]}"),
        },
        ("ratings.dat",),
        {
            "ratings.dat": {"column1": "user_id", "column2": "item_id", "column3": "rating", "column4": "timestamp"},
            "movies.dat": {"column1": "item_id", "column2": "title", "column3": "category"},
        },
        items=("movies.dat",), options={"min_rating": 1.0}, levels=("category",),
    ),
    "Book-Crossing": Shape(
        {
            "BX-Book-Ratings.csv": rows(
                lambda x: f'"{276725 + x.u}";"034545104{x.i}";"{(0, 5, 8, 10, 0, 7, 9)[x.n % 7]}"', '"User-ID";"ISBN";"Book-Rating"'
            ),
            "BX-Books.csv": catalogue(
                lambda i: f'"034545104{i}";"{WORDS[i]}";"An Author";"2002";"Acme Press";"http://i.example/{i}S.jpg";'
                f'"http://i.example/{i}M.jpg";"http://i.example/{i}L.jpg"',
                '"ISBN";"Book-Title";"Book-Author";"Year-Of-Publication";"Publisher";"Image-URL-S";"Image-URL-M";"Image-URL-L"',
            ),
        },
        ("BX-Book-Ratings.csv",),
        {
            "BX-Book-Ratings.csv": {"User-ID": "user_id", "ISBN": "item_id", "Book-Rating": "rating"},
            "BX-Books.csv": {"ISBN": "item_id", "Book-Title": "title", "Image-URL-L": "image_url"},
        },
        items=("BX-Books.csv",), options={"min_rating": 0.0}, first=None,
    ),
    "Yoochoose": Shape(
        {"yoochoose-buys.dat": rows(lambda x: f"{420374 + x.u},{x.t:%Y-%m-%dT%H:%M:%S}.000Z,{214537888 + x.i},12462,1")},
        ("yoochoose-buys.dat",),
        {"yoochoose-buys.dat": {"column1": "user_id", "column2": "timestamp", "column3": "item_id"}},
    ),
    "Diginetica": Shape(
        {
            "train-item-views.csv": rows(
                lambda x: f"{1 + x.u};NA;{81766 + x.i};526309;{x.t:%Y-%m-%d}", "sessionId;userId;itemId;timeframe;eventdate"
            )
        },
        ("train-item-views.csv",),
        {"train-item-views.csv": {"sessionId": "user_id", "itemId": "item_id", "eventdate": "timestamp"}},
        first="2024-01-03T00:00:00",
    ),
    "Last.fm": Shape(
        {
            "userid-timestamp-artid-artname-traid-traname.tsv": rows(
                lambda x: f"user_00000{x.u}\t{x.t:%Y-%m-%dT%H:%M:%SZ}\tf1b1cf71-bd35-4e99-8624-24a6e15f133{x.i}\tArtist {x.i}\t\tSong {x.i}"
            )
        },
        ("userid-timestamp-artid-artname-traid-traname.tsv",),
        {"userid-timestamp-artid-artname-traid-traname.tsv": {"column1": "user_id", "column2": "timestamp",
                                                              "column3": "item_id"}},
    ),
}  # fmt: skip

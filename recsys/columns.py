"""The one vocabulary of column names: tables in memory, Parquet files and messages all use these."""

USER = "user_id"
ITEM = "item_id"
TIMESTAMP = "timestamp"
QUANTITY = "quantity"
VALUE = "value"
WEIGHT = "weight"

COUNT = "count"
FIRST = "first"
LAST = "last"

TITLE = "title"
CATEGORY = "category"
BRAND = "brand"
PRICE = "price"
AVAILABLE = "available"

X = "x"
Y = "y"

UNCATEGORISED = "uncategorised"
"""Shown where an item has no value on a category level."""

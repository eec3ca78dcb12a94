"""Tables and results as values that JSON can carry."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from recsys import columns as c

Record = dict[str, Any]


def records(table: pd.DataFrame) -> list[Record]:
    """One dictionary per row: missing values as None, times in ISO format, numbers and flags as Python's own."""
    columns = {str(name): [value(x) for x in table[name]] for name in table}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def with_category(rows: list[Record], levels: tuple[str, ...]) -> list[Record]:
    """The same rows with the columns of `levels` gathered in one list, widest first."""
    return [
        {key: row[key] for key in row if key not in levels} | {c.CATEGORY: [row[level] for level in levels]}
        for row in rows
    ]


def jsonable(x: Any) -> Any:
    """A result with everything in it, however deep, as JSON can carry it; what is not finite becomes None.

    Dataclasses become objects of their fields.
    """
    if is_dataclass(x) and not isinstance(x, type):
        return {field.name: jsonable(getattr(x, field.name)) for field in fields(x)}
    if isinstance(x, Mapping):
        return {str(key): jsonable(part) for key, part in x.items()}
    if isinstance(x, (list, tuple, np.ndarray)):
        return [jsonable(part) for part in x]
    return value(x)


def value(x: Any) -> Any:
    """One cell."""
    if isinstance(x, np.generic):
        x = x.item()
    if isinstance(x, datetime):
        return None if x is pd.NaT else x.isoformat()
    if x is None or x is pd.NA or (isinstance(x, float) and not np.isfinite(x)):
        return None
    return x

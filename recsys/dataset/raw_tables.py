"""Columns of DataFrames that come from outside, checked: what cannot be used is named, with its row and the mend."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c
from recsys.errors import InvalidInput

UNITS = (("s", 1e8, 1e11), ("ms", 1e11, 1e14), ("us", 1e14, 1e17), ("ns", 1e17, 9.2e18))
"""Units of times that are numbers since 1970, each with the numbers it stands for: years 1973 to 5138 in seconds."""


def check_columns(table: pd.DataFrame, needed: Iterable[str], what: str) -> None:
    """InvalidInput, naming the first column that is missing, unless the table has all of them."""
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise InvalidInput(
            f"The {what} have no column {missing[0]!r}; they have {', '.join(map(str, table.columns)) or 'none'}. "
            f"Rename the one that holds it: table.rename(columns={{...: {missing[0]!r}}})."
        )


def ids(table: pd.DataFrame, key: str, what: str) -> pd.Series:
    """The ids of a table as text.

    Raises:
        InvalidInput: the column is missing, or a row has none.
    """
    check_columns(table, [key], what)
    missing = table[key].isna().to_numpy()
    if missing.any():
        raise InvalidInput(
            f"Row {int(np.argmax(missing))} of the {what} has no {key} ({int(missing.sum()):,} rows have none). "
            f"Take them out: table.dropna(subset=[{key!r}])."
        )
    return table[key].astype(str)


def times(events: pd.DataFrame) -> NDArray[np.datetime64]:
    """datetime64[s] (n,) in UTC, NaT where there is none. Numbers are seconds to nanoseconds since 1970.

    Raises:
        InvalidInput: a value is no time, or the numbers fit no unit.
    """
    if c.TIMESTAMP not in events:
        return np.full(len(events), np.datetime64("NaT"), dtype="datetime64[s]")
    given = events[c.TIMESTAMP]
    if not pd.api.types.is_datetime64_any_dtype(given):
        numbers = pd.to_numeric(given, errors="coerce")
        if given.notna().any() and (numbers.notna() | given.isna()).all():
            return _since_1970(numbers)
    read = pd.to_datetime(given, utc=True, errors="coerce")
    _refuse(given, read.isna() & given.notna(), c.TIMESTAMP, "which is no time: write 2024-01-31T17:05:00")
    return np.asarray(read.dt.tz_localize(None).to_numpy().astype("datetime64[s]"))


def numbers(events: pd.DataFrame, column: str, default: float, lowest: float = -np.inf) -> NDArray[np.float32]:
    """float32 (n,); `default` where the column is missing or empty.

    Raises:
        InvalidInput: a value is no finite number, or lies below `lowest`.
    """
    if column not in events:
        return np.full(len(events), default, dtype=np.float32)
    found = pd.to_numeric(events[column], errors="coerce")
    _refuse(events[column], (found.isna() & events[column].notna()) | np.isinf(found), column, "which is no number")
    _refuse(events[column], found < lowest, column, f"which is below {lowest:g}")
    return found.fillna(default).to_numpy(dtype=np.float32)


def item_numbers(items: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """float64 (n,); NaN where nothing is known.

    Raises:
        InvalidInput: a value is no finite number.
    """
    found = pd.to_numeric(items[column], errors="coerce")
    _refuse(items[column], (found.isna() & items[column].notna()) | np.isinf(found), column, "which is no number")
    return found.to_numpy(dtype=np.float64, na_value=np.nan)


def _since_1970(numbers: pd.Series) -> NDArray[np.datetime64]:
    known = numbers[numbers.notna()]
    low, high = float(known.min()), float(known.max())
    for unit, least, most in UNITS:
        if least <= low and high < most:
            whole = numbers.fillna(0).round().astype(np.int64).to_numpy().astype(f"datetime64[{unit}]")
            return np.where(numbers.notna(), whole.astype("datetime64[s]"), np.datetime64("NaT", "s"))
    raise InvalidInput(
        f"{c.TIMESTAMP} holds numbers from {low:g} to {high:g}, which are neither seconds nor milliseconds since 1970 "
        "throughout. Make times of them first: pandas.to_datetime(column, unit=..., origin=...)."
    )


def _refuse(given: pd.Series, wrong: Any, column: str, why: str) -> None:
    wrong = np.asarray(wrong, dtype=bool)
    if wrong.any():
        row = int(np.argmax(wrong))
        value = given.iloc[row]
        shown = value.item() if isinstance(value, np.generic) else value
        raise InvalidInput(f"{column} holds {shown!r} in row {row}, {why}.")

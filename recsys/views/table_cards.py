"""Rows of a table as cards, for screens too narrow for its columns: a title, and what the other columns say."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from recsys import columns as c
from recsys.utils import formatting as fmt

DAY = "D MMM YYYY"
"""How a time is written where its column does not say."""
TIMES = {"YYYY": "%Y", "YY": "%y", "MMM": "%b", "HH": "%H", "mm": "%M"}
NUMBER = re.compile(r"%([+ 0-]*)(,?)(\.\d+)?([dfg])")


@dataclass(frozen=True)
class Column:
    """A column that is shown.

    Attributes:
        title: what it is called; empty where its values speak for themselves.
        form: how its numbers or times are written: as printf does ("%.1f%%"), "localized", or as in "D MMM YYYY".
        pinned: whether it says what a row is about.
    """

    name: str
    title: str
    form: str = ""
    help: str = ""
    pinned: bool = False


@dataclass(frozen=True)
class Fact:
    """What one column says of a row."""

    title: str
    text: str
    help: str = ""


@dataclass(frozen=True)
class TableCard:
    """One row; `row` is its place in the table."""

    row: int
    title: str
    facts: tuple[Fact, ...]


def as_frame(data: Any) -> pd.DataFrame:
    """What a page gives a table, as a frame: a frame itself, columns by name, or rows."""
    return pd.DataFrame(data)


def shown_columns(
    table: pd.DataFrame, config: Mapping[str, Any], order: Sequence[str] | None = None
) -> tuple[Column, ...]:
    """The columns that are shown, in their order, as the `column_config` of `st.dataframe` says."""
    found = []
    for name in order or table.columns:
        said = config.get(name, {})
        if said is None or name not in table:
            continue
        said = {"label": said} if isinstance(said, str) else said
        label = said.get("label")
        form = (said.get("type_config") or {}).get("format") or ""
        found.append(
            Column(name, str(name) if label is None else label, form, said.get("help") or "", bool(said.get("pinned")))
        )
    return tuple(found)


def table_cards(table: pd.DataFrame, columns: Sequence[Column], most: int) -> tuple[TableCard, ...]:
    """The first `most` rows as cards. A card leaves out what is not known of its row."""
    if not columns or not len(table):
        return ()
    about = _about(table, columns)
    others = [column for column in columns if column is not about]
    found = []
    for row, (_, values) in enumerate(table.head(most).iterrows()):
        said = {column.name: written(values[column.name], column.form) for column in columns}
        title = said[about.name] or fmt.NOTHING
        if title.isdecimal():  # a number alone says nothing: "Training 12", "Shopper 1001"
            title = f"{about.title} {title}".strip()
        marks = [said[column.name] for column in others if not column.title and said[column.name]]
        facts = [Fact(x.title, said[x.name], x.help) for x in others if x.title and said[x.name]]
        found.append(TableCard(row, " · ".join([title, *marks]), tuple(facts)))
    return tuple(found)


def _about(table: pd.DataFrame, columns: Sequence[Column]) -> Column:
    """The column that says what a row is about: the pinned one, a title, else the first with words in it."""
    words = [column for column in columns if column.title and not pd.api.types.is_numeric_dtype(table[column.name])]
    wanted = [column for column in columns if column.pinned], [x for x in columns if x.name == c.TITLE], words, columns
    return next(found[0] for found in wanted if found)


def written(value: Any, form: str = "") -> str:
    """A value as text; empty for what is not known."""
    if isinstance(value, list | tuple | np.ndarray):
        return ", ".join(written(part) for part in value)
    if value is None or pd.isna(value):
        return ""
    if isinstance(value, bool | np.bool_):
        return "Yes" if value else "No"
    if isinstance(value, date):
        return _time(value, form or DAY)
    if isinstance(value, int | float | np.number):
        return _number(float(value), form)
    return str(value).strip()


def _time(value: date, form: str) -> str:
    parts = re.split(r"(YYYY|YY|MMM|HH|mm|D)", form)
    return "".join(str(value.day) if part == "D" else value.strftime(TIMES.get(part, part)) for part in parts)


def _number(value: float, form: str) -> str:
    if form == "localized" or not form:
        text = f"{value:,.4f}" if form else f"{value:.4f}"
        return text.rstrip("0").rstrip(".")

    def put(found: re.Match[str]) -> str:
        flags, comma, digits, kind = found.groups()
        return format(round(value) if kind == "d" else value, f"{flags}{comma}{digits or ''}{kind}")

    return "%".join(NUMBER.sub(put, part) for part in form.split("%%"))

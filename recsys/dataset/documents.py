"""What is known of a stored dataset without reading it, as JSON holds it: its summary, and the report of its import."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pandas as pd

from recsys import columns as c
from recsys.dataset.item_columns import number_columns

Notes = Mapping[str, Any]
"""What somebody noted of a dataset: "source", "about", "titles", rows "left_out" by reason, ..."""


class AttributeSummary(TypedDict):
    """How many values an attribute of users has, and the share of users of whom it is known."""

    values: int
    known: float


class DatasetSummary(TypedDict):
    """Counts, period, density, repeat rate and category sizes.

    Keys:
        pairs: pairs of a user and an item with at least one event; `density` is their share of all, `repeat_rate` the
            share of them with more than one event.
        period: first and last moment, ISO 8601; None without times.
        categories: by level, how many names it has. `brands`: of the items; `numbers`: names of columns of numbers of
            the items; `titled`: whether some item has a title; older datasets do not say.
    """

    name: str
    fingerprint: str
    users: int
    items: int
    items_without_events: int
    events: int
    pairs: int
    density: float
    repeat_rate: float
    period: list[str] | None
    categories: dict[str, int]
    brands: NotRequired[int]
    numbers: NotRequired[list[str]]
    titled: NotRequired[bool]
    user_attributes: dict[str, AttributeSummary]
    notes: Notes


def summarised(
    name: str,
    fingerprint: str,
    users: pd.DataFrame,
    items: pd.DataFrame,
    *,
    items_without_events: int,
    events: int,
    pairs: int,
    repeated: int,
    period: tuple[pd.Timestamp, pd.Timestamp] | None,
    category_levels: tuple[str, ...],
    user_attributes: tuple[str, ...],
    notes: Notes,
) -> DatasetSummary:
    """The summary of tables of users and items, and of counts of their events.

    Args:
        repeated: pairs with more than one event.
        period: first and last moment; None without times.
    """
    return {
        "name": name,
        "fingerprint": fingerprint,
        "users": len(users),
        "items": len(items),
        "items_without_events": items_without_events,
        "events": events,
        "pairs": pairs,
        "density": pairs / (len(users) * len(items)),
        "repeat_rate": repeated / pairs,
        "period": None if period is None else [moment.isoformat() for moment in period],
        "categories": {level: int(items[level].nunique()) for level in category_levels},
        "brands": int(items[c.BRAND].nunique()) if c.BRAND in items else 0,
        "numbers": list(number_columns(items)),
        "titled": bool((items[c.TITLE] != items[c.ITEM]).any()),
        "user_attributes": {
            attribute: {"values": int(users[attribute].nunique()), "known": float(users[attribute].notna().mean())}
            for attribute in user_attributes
        },
        "notes": dict(notes),
    }


class RowAccount(TypedDict):
    """Rows of the events: read = used + rejected + left_out."""

    read: int
    used: int
    rejected: int
    left_out: int


class ColumnReport(TypedDict):
    """A column of a file: which field it was taken for (None: not used), and why."""

    part: str
    file: str
    column: str
    taken_as: str | None
    because: str


class FileReport(TypedDict):
    """A file, or a sheet or table of one: how it is written, and where its rows and lines went.

    Keys:
        mapping: field to columns.
        timestamps: how its times were read, in words; None without any.
        lines: of a text file, how many are what: lines = above + header + rows + within_fields + empty.
    """

    file: str
    part: str
    bytes: int
    written: str
    notes: list[str]
    rows: int
    rejected: int
    mapping: NotRequired[dict[str, list[str]]]
    timestamps: NotRequired[str | None]
    lines: NotRequired[dict[str, int]]


class KindReport(TypedDict):
    """A kind of events; `known` is whether anything settles its weight."""

    kind: str
    events: int
    weight: float
    known: bool


class RejectedRow(TypedDict):
    """A row that could not be used."""

    file: str
    line: int
    reason: str
    value: str


class RejectedRows(TypedDict):
    """How many rows could not be used, for which reasons, and the first of them."""

    rows: int
    by_reason: dict[str, int]
    first: list[RejectedRow]


class Suspect(TypedDict):
    """A user with so many events that it may be a program."""

    user_id: str
    events: int


class Outliers(TypedDict):
    """What is out of the ordinary; quantities only where events have them."""

    suspects: list[Suspect]
    largest_quantity: NotRequired[float | None]
    quantity_99_9_percent: NotRequired[float | None]


class LongTail(TypedDict):
    """How concentrated demand is: shares of the items, most popular first, against shares of the pairs."""

    items: list[float]
    pairs: list[float]
    half_of_pairs_on_items: int
    top_1_percent: float
    items_with_one_user: int


class CategorySize(TypedDict):
    """A category on the two widest levels."""

    path: list[str]
    items: int
    pairs: int


class TrainingPeriods(TypedDict):
    """What a training would learn from, in `words`; the moments for a split of kind "time"."""

    kind: str
    words: str
    validation_start: NotRequired[str]
    test_start: NotRequired[str]


class ImportReport(DatasetSummary):
    """What an import found and what it did with it.

    Keys:
        left_out: rows by reason. `returned_in_part`: purchases of which some pieces came back.
        min_rating: ratings below were left out; None without ratings.
        items_per_user, users_per_item: `{"middle", "high", "most"}`: median, 90% quantile and maximum.
        catalogue: counts of the item files. `columns_left_out`: columns of users that make no attribute, and why.
        coverage: share of the items of which a field is known.
    """

    source: str
    warnings: list[str]
    rows: RowAccount
    columns: list[ColumnReport]
    files: list[FileReport]
    rows_read: int
    rejected: RejectedRows
    left_out: dict[str, int]
    returned_in_part: int
    kinds: list[KindReport]
    min_rating: float | None
    filters: dict[str, int]
    duplicates: int
    outliers: Outliers
    items_per_user: dict[str, float]
    users_per_item: dict[str, float]
    long_tail: LongTail
    catalogue: dict[str, int]
    columns_left_out: dict[str, str]
    coverage: dict[str, float]
    tree: list[CategorySize]
    training: TrainingPeriods


class DatasetDocument(TypedDict):
    """What is stored of a dataset beside its tables; `report` where it was imported from files."""

    name: str
    category_levels: list[str]
    user_attributes: list[str]
    notes: Notes
    summary: DatasetSummary
    report: NotRequired[ImportReport]


class DatasetManifest(DatasetDocument):
    """The same as it is read back: `files` by SHA-256, and a checksum over all of it."""

    files: dict[str, str]
    checksum: str

"""Who bought what, and what the items and users are: checked once, then never changed."""

import hashlib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from recsys import columns as c
from recsys.dataset import frame_columns, raw_tables
from recsys.dataset.documents import DatasetSummary, summarised
from recsys.dataset.frame_columns import EVENT_COLUMNS
from recsys.errors import InvalidInput, NotFound

HASHED = 65_536
"""Rows whose hashes are made at once: few enough to stay in the processor's cache."""


@dataclass(frozen=True)
class Interactions:
    """What each user did with each item within a period, one entry per (user, item) pair.

    Attributes:
        counts: CSR float32 (n_users, n_items), number of events; indices sorted, no explicit zeros.
        first, last: datetime64[s] of the first and last event, aligned with `counts.data`.
        value: float32 sum of money, aligned with `counts.data`.
        strength: float32 largest weight among the events of the pair (a purchase says more than a view), aligned with
            `counts.data`; None where all events weigh the same.

    In data without timestamps `first` and `last` are NaT.
    """

    counts: sparse.csr_matrix
    first: NDArray[np.datetime64]
    last: NDArray[np.datetime64]
    value: NDArray[np.float32]
    strength: NDArray[np.float32] | None = None

    def of_user(self, user: int) -> slice:
        """The slice of `counts.data` (and `first`, `last`, `value`) that belongs to one user."""
        return slice(int(self.counts.indptr[user]), int(self.counts.indptr[user + 1]))


@dataclass(frozen=True)
class Dataset:
    """Users, items and events of one shop.

    Outside ids are text; inside, users and items are the row numbers of their tables. Only this class translates.

    Attributes:
        name: the name it is stored under.
        users: one row per user: `user_id` and the columns of `user_attributes` (text, missing as None).
        items: one row per item: `item_id`, `title`, the columns of `category_levels`, optional `brand`, `description`,
            `price` and other columns of numbers.
        events: one row per event, sorted by (user, item, timestamp): `user_id` and `item_id` as int32 row
            numbers, `timestamp` datetime64[s] (NaT in all rows of data without times), `quantity` float32, `value`
            float32, and where kinds of events differ in weight, `weight` float32.
        category_levels: columns of `items` from the widest to the narrowest, e.g. department, category, type.
        user_attributes: categorical columns of `users` that are known for some users.
        notes: free facts about the origin: source, licence, what was left out and why.
    """

    name: str
    users: pd.DataFrame
    items: pd.DataFrame
    events: pd.DataFrame
    category_levels: tuple[str, ...] = ()
    user_attributes: tuple[str, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for table, label, key in ((self.users, "users", c.USER), (self.items, "items", c.ITEM)):
            if table[key].duplicated().any():
                twice = table[key][table[key].duplicated()].iloc[0]
                raise InvalidInput(f"{key} {twice!r} stands twice in the {label} table; keep one row of it.")
        missing = [x for x in EVENT_COLUMNS if x not in self.events.columns]
        if missing:
            raise InvalidInput(f"The events lack the column {missing[0]!r}; they have {list(self.events.columns)}.")
        if len(self.events) == 0:
            raise InvalidInput(f"Dataset {self.name!r} has no events; it needs at least one user with one item.")
        timeless = int(self.events[c.TIMESTAMP].isna().sum())
        if 0 < timeless < len(self.events):
            raise InvalidInput(
                f"{timeless:,} of {len(self.events):,} events have no timestamp; give all of them or none."
            )

    @classmethod
    def from_raw(
        cls,
        name: str,
        events: pd.DataFrame,
        *,
        items: pd.DataFrame | None = None,
        users: pd.DataFrame | None = None,
        category_levels: Sequence[str] = (),
        user_attributes: Sequence[str] = (),
        notes: Mapping[str, Any] | None = None,
    ) -> "Dataset":
        """Build a dataset from tables that use outside ids.

        Args:
            events: `user_id`, `item_id`, optional `timestamp` (times, text, or seconds to nanoseconds since 1970),
                `quantity` (1), `value` (0) and `weight` (0 or more).
            items: `item_id`, optional `title` and the category levels; items without events are kept as cold items.
            users: `user_id` and attributes; users without events are dropped.

        Raises:
            InvalidInput: a column is missing, or a value cannot be used; it is named, with its row.
        """
        events = events.assign(**{key: raw_tables.ids(events, key, "events") for key in (c.USER, c.ITEM)})
        for table, names, what in ((items, category_levels, "items"), (users, user_attributes, "users")):
            if names:
                raw_tables.check_columns(pd.DataFrame() if table is None else table, names, what)
        item_table = _table(items, events[c.ITEM], c.ITEM, keep_unseen=True)
        user_table = _table(users, events[c.USER], c.USER, keep_unseen=False)
        if c.TITLE not in item_table:
            item_table[c.TITLE] = item_table[c.ITEM]
        item_table[c.TITLE] = item_table[c.TITLE].fillna(item_table[c.ITEM])
        for level in category_levels:
            item_table[level] = item_table[level].fillna(c.UNCATEGORISED).astype(str)
        coded = pd.DataFrame(
            {
                c.USER: pd.Index(user_table[c.USER]).get_indexer(events[c.USER]).astype(np.int32),
                c.ITEM: pd.Index(item_table[c.ITEM]).get_indexer(events[c.ITEM]).astype(np.int32),
                c.TIMESTAMP: raw_tables.times(events),
                c.QUANTITY: raw_tables.numbers(events, c.QUANTITY, 1.0),
                c.VALUE: raw_tables.numbers(events, c.VALUE, 0.0),
                **({c.WEIGHT: raw_tables.numbers(events, c.WEIGHT, 1.0, lowest=0.0)} if c.WEIGHT in events else {}),
            }
        )
        coded = coded.sort_values([c.USER, c.ITEM, c.TIMESTAMP], kind="stable", ignore_index=True)
        return cls(name, user_table, item_table, coded, tuple(category_levels), tuple(user_attributes), notes or {})

    @classmethod
    def from_pandas(
        cls,
        events: pd.DataFrame,
        items: pd.DataFrame | None = None,
        users: pd.DataFrame | None = None,
        *,
        name: str = "data",
        category_levels: Sequence[str] | None = None,
        user_attributes: Sequence[str] | None = None,
        numbers: Sequence[str] = (),
    ) -> "Dataset":
        """Build a dataset from DataFrames. Ids are kept as text, to the letter.

        Args:
            events: one row for each thing a user did: `user_id`, `item_id`, optional `timestamp`, `quantity`, `value`,
                and `weight` (how much the event says; larger is more) or `event`, its kind, which gives the weight as
                in an import: a view 1, a cart 3, a purchase 5. Rows of kinds that weigh 0 (refunds, removals) are left
                out and counted in `notes["left_out"]`.
            items: `item_id`, optional `title`, `description`, `brand`, `price`, `image_url`; other columns of text are
                category levels. A cell may hold several categories, separated by "|".
            users: `user_id`; every other column of text, or of few values, is an attribute.
            name: the name it is stored under.
            category_levels: columns of `items` that are categories, widest first; by default all columns of text that
                are no other field, those with fewer names first.
            user_attributes: columns of `users` to learn from; by default all that hold at most 100 values.
            numbers: columns of `items` that hold numbers to learn from in bands, beside `price`.

        Columns that are not used are named in a `UserWarning` and in `notes["columns_left_out"]`.

        Raises:
            InvalidInput: a column that is needed is missing, or a value cannot be used; it is named.
        """
        frame_columns.check_ids(events, items, users)
        events, left_out_rows = frame_columns.weighted(events)
        used = frame_columns.UsedColumns.of(items, users, category_levels, user_attributes, numbers)
        left_out = used.left_out(events, items, users)
        if left_out:
            warnings.warn(f"Columns that are not used: {', '.join(left_out)}.", UserWarning, stacklevel=2)
        return cls.from_raw(
            name,
            events,
            items=used.of_items(items),
            users=used.of_users(users),
            category_levels=used.levels,
            user_attributes=used.attributes,
            notes={
                **({"columns_left_out": left_out} if left_out else {}),
                **({"left_out": left_out_rows} if left_out_rows else {}),
            },
        )

    @property
    def n_users(self) -> int:
        """How many users."""
        return len(self.users)

    @property
    def n_items(self) -> int:
        """How many items."""
        return len(self.items)

    @cached_property
    def user_index(self) -> pd.Index:
        """The outside ids of users, in table order."""
        return pd.Index(self.users[c.USER])

    @cached_property
    def item_index(self) -> pd.Index:
        """The outside ids of items, in table order."""
        return pd.Index(self.items[c.ITEM])

    def user_row(self, user_id: str) -> int:
        """Row number of a user; NotFound when there is none."""
        row = self.user_index.get_indexer(pd.Index([str(user_id)]))[0]
        if row < 0:
            raise NotFound(f"No user {user_id!r} in dataset {self.name!r}.")
        return int(row)

    def item_row(self, item_id: str) -> int:
        """Row number of an item; NotFound when there is none."""
        row = self.item_index.get_indexer(pd.Index([str(item_id)]))[0]
        if row < 0:
            raise NotFound(f"No item {item_id!r} in dataset {self.name!r}.")
        return int(row)

    @cached_property
    def timed(self) -> bool:
        """Whether the events have timestamps."""
        return bool(self.events[c.TIMESTAMP].notna().any())

    @property
    def period(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """Time of the first and of the last event; NaT where there are no times."""
        times = self.events[c.TIMESTAMP]
        return times.min(), times.max()

    def interactions(
        self, start: np.datetime64 | pd.Timestamp | None = None, end: np.datetime64 | pd.Timestamp | None = None
    ) -> Interactions:
        """Events with `start <= timestamp < end`, gathered per (user, item) pair."""
        times = self.events[c.TIMESTAMP].to_numpy().astype("datetime64[s]")
        keep = np.ones(len(times), dtype=bool)
        if start is not None:
            keep &= times >= pd.Timestamp(start).to_datetime64()
        if end is not None:
            keep &= times < pd.Timestamp(end).to_datetime64()
        return self.gathered(keep)

    def gathered(self, keep: NDArray[np.bool_]) -> Interactions:
        """The events marked in `keep` (n_events,), per (user, item) pair."""
        times = self.events[c.TIMESTAMP].to_numpy().astype("datetime64[s]")
        rows = self.events[c.USER].to_numpy()[keep].astype(np.int64)
        cols = self.events[c.ITEM].to_numpy()[keep]
        times = times[keep]
        keys = rows * self.n_items + cols
        starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else np.zeros(0, dtype=np.int64)
        ends = np.r_[starts[1:], len(keys)] - 1 if len(keys) else starts
        indptr = np.zeros(self.n_users + 1, dtype=np.int64)
        np.cumsum(np.bincount(rows[starts], minlength=self.n_users), out=indptr[1:])
        counts = sparse.csr_matrix(
            ((ends - starts + 1).astype(np.float32), cols[starts].astype(np.int32), indptr.astype(np.int32)),
            shape=(self.n_users, self.n_items),
        )
        value = self.events[c.VALUE].to_numpy()[keep]
        sums = np.add.reduceat(value, starts) if len(starts) else np.zeros(0)
        strength = None
        if c.WEIGHT in self.events:
            weight = self.events[c.WEIGHT].to_numpy(dtype=np.float32)[keep]
            strength = np.maximum.reduceat(weight, starts) if len(starts) else weight
        return Interactions(counts, times[starts], times[ends], sums.astype(np.float32), strength)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the content (not the name): equal data, equal fingerprint; ties models to data."""
        tables = ([table] for table in (self.users, self.items, self.events))
        return fingerprint_of(tables, self.category_levels, self.user_attributes)

    def summary(self) -> DatasetSummary:
        """Counts, period, density, repeat rate and category sizes, ready for JSON."""
        pairs = self.interactions().counts
        return summarised(
            self.name,
            self.fingerprint,
            self.users,
            self.items,
            items_without_events=int((np.bincount(pairs.indices, minlength=self.n_items) == 0).sum()),
            events=len(self.events),
            pairs=int(pairs.nnz),
            repeated=int((pairs.data > 1).sum()),
            period=self.period if self.timed else None,
            category_levels=self.category_levels,
            user_attributes=self.user_attributes,
            notes=self.notes,
        )


class Hashed(NamedTuple):
    """Rows of a table of which only the hashes are at hand.

    Attributes:
        columns: names of the table's columns.
        hashes: uint64 (n,), as `pandas.util.hash_pandas_object` makes them of the rows, without the index.
    """

    columns: tuple[str, ...]
    hashes: NDArray[np.uint64]


def fingerprint_of(
    tables: Iterable[Iterable[pd.DataFrame | Hashed]], category_levels: Sequence[str], user_attributes: Sequence[str]
) -> str:
    """The fingerprint of users, items and events, each given in one piece or in many: the pieces do not change it."""
    digest = hashlib.sha256()
    for pieces in tables:
        for number, piece in enumerate(pieces):
            if number == 0:
                digest.update(",".join(map(str, piece.columns)).encode())
            if isinstance(piece, Hashed):
                digest.update(piece.hashes.tobytes())
                continue
            for start in range(0, len(piece), HASHED):
                rows = piece.iloc[start : start + HASHED]
                digest.update(pd.util.hash_pandas_object(rows, index=False).to_numpy().tobytes())
    digest.update(repr((tuple(category_levels), tuple(user_attributes))).encode())
    return digest.hexdigest()


def as_stored(events: pd.DataFrame) -> pd.DataFrame:
    """Events from a file, with times to the second, whatever wrote it."""
    return events.assign(**{c.TIMESTAMP: events[c.TIMESTAMP].astype("datetime64[s]")})


def _table(given: pd.DataFrame | None, seen: pd.Series, key: str, *, keep_unseen: bool) -> pd.DataFrame:
    """The table of users or items: every id that has events, and (for items) those that only the table knows."""
    ids = pd.Index(seen.unique())
    if given is None:
        return pd.DataFrame({key: ids.sort_values().to_numpy(dtype=object)})
    given = given.assign(**{key: raw_tables.ids(given, key, "users" if key == c.USER else "items")})
    given = given.drop_duplicates(key)
    wanted = ids.union(pd.Index(given[key])) if keep_unseen else ids
    table = given.set_index(key).reindex(wanted.sort_values())
    table.index.name = key
    return table.reset_index()

"""The file of events of a dataset: staged rows sorted, handed on piece by piece, and written while that goes on."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c
from recsys.choosing import Kept
from recsys.duck import Duck, OnFraction

if TYPE_CHECKING:
    import pyarrow as pa

PIECE = 1_000_000
_RISING = (c.USER, c.ITEM, c.TIMESTAMP)
"""Columns that are written as differences: half the size, and read three times as fast as the numbers themselves."""


def write_events(
    db: Duck, kept: Kept, path: Path, *, drop_duplicates: bool, on_wait: OnFraction = lambda _: None
) -> Iterator[pd.DataFrame]:
    """Sort the rows that are kept by user, item, time and the rest, and write them to `path` as Parquet.

    Users and items become the places of their ids in the tables `users` and `items`, sorted by id.

    Args:
        on_wait: called while the rows are sorted; may raise to end it.

    Yields:
        the rows, in order, as a stored dataset has them.
    """
    import pyarrow.parquet as pq

    for table, key, seen in (("user_rows", c.USER, "seen_users"), ("item_rows", c.ITEM, "seen_items")):
        source = "users" if key == c.USER else "items"
        db.run(
            f"CREATE TABLE {table} AS SELECT h, place FROM {seen} JOIN (SELECT {key} AS id, "
            f"row_number() OVER (ORDER BY {key}) - 1 AS place FROM {source}) USING (id)"
        )
    columns = "".join(f", {sql} AS {name}" for name, sql in kept.columns.items())
    query = (
        f"SELECT {'DISTINCT' if drop_duplicates else ''} (us.place << 32) | it.place AS pair{columns} "
        f"FROM staged JOIN user_rows us ON u = us.h JOIN item_rows it ON i = it.h WHERE {kept.condition} ORDER BY ALL"
    )
    writer: pq.ParquetWriter | None = None
    written: Future[None] | None = None
    with ThreadPoolExecutor(1) as beside:
        try:
            for rows in db.stream(query, PIECE, on_wait):
                events = _frame(rows, kept.weights)
                table = _table(events)
                if writer is None:
                    rest = [name for name in table.column_names if name not in _RISING]
                    writer = pq.ParquetWriter(
                        path, table.schema, compression="lz4", use_dictionary=rest,
                        column_encoding=dict.fromkeys(_RISING, "DELTA_BINARY_PACKED"),
                    )  # fmt: skip
                if written:
                    written.result()
                written = beside.submit(writer.write_table, table)
                yield events
            if written:
                written.result()
        finally:
            if writer:
                beside.submit(writer.close).result()


def _frame(rows: "pa.Table", weights: Sequence[float]) -> pd.DataFrame:
    """Events as a stored dataset has them."""
    n = len(rows)

    def numbers(name: str, default: float) -> NDArray[np.float32]:
        if name in rows.column_names:
            return np.asarray(rows.column(name).to_numpy(), dtype=np.float32)
        return np.full(n, default, dtype=np.float32)

    halves = rows.column("pair").to_numpy().astype("<i8", copy=False).view("<i4").reshape(-1, 2)
    if "ts" in rows.column_names:
        times = rows.column("ts").to_numpy().astype("datetime64[s]")
    else:
        times = np.full(n, np.datetime64("NaT"), dtype="datetime64[s]")
    found = {
        c.USER: np.ascontiguousarray(halves[:, 1]),
        c.ITEM: np.ascontiguousarray(halves[:, 0]),
        c.TIMESTAMP: times,
        c.QUANTITY: numbers("q", 1.0),
        c.VALUE: numbers("v", 0.0),
    }
    if "heavy" in rows.column_names:
        found[c.WEIGHT] = np.array(weights, dtype=np.float32)[rows.column("heavy").to_numpy()]
    return pd.DataFrame(found, copy=False)


def _table(events: pd.DataFrame) -> "pa.Table":
    """The same, as the file has them: Parquet knows no times to the second."""
    import pyarrow as pa

    columns = {name: pa.array(events[name].to_numpy()) for name in events.columns}
    columns[c.TIMESTAMP] = pa.array(events[c.TIMESTAMP].to_numpy().astype("datetime64[ms]"))
    return pa.table(columns)

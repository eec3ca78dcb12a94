"""The file of events of a dataset: gathered rows sorted, counted and hashed piece by piece, and written meanwhile."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recsys import columns as c
from recsys.dataset.dataset import Hashed
from recsys.dataset.frame_columns import EVENT_COLUMNS
from recsys.ingest.duckdb_session import OnFraction
from recsys.ingest.events.event_sort import KERNELS, PIECE, KeptRows, UserBlock
from recsys.ingest.events.statistics import ImportStatistics
from recsys.utils.numba_modules import numba_module

if TYPE_CHECKING:
    import pyarrow as pa

_FIELDS = ("ts", "q", "v", "heavy")
_RISING = (c.USER, c.ITEM, c.TIMESTAMP)
"""Columns that are written as differences: half the size, and read three times as fast as the numbers themselves."""


def write_events(
    rows: KeptRows, survey: ImportStatistics, path: Path, *, once: bool, on_fraction: OnFraction = lambda _: None
) -> Iterator[Hashed]:
    """Sort the rows by user, item, time, quantity, value and weight, and write them to `path` as Parquet.

    Args:
        survey: counts them.
        once: rows that are equal in everything count as one.
        on_fraction: hears how far the gathering is; may raise to end it.

    Yields:
        the hashes of the events as a stored dataset has them, in order.
    """
    import pyarrow.parquet as pq

    writer: pq.ParquetWriter | None = None
    written: Future[None] | None = None
    with ThreadPoolExecutor(1) as beside:
        try:
            for block in rows.blocks(on_fraction):
                for table, hashed in _pieces(block, rows, survey, once=once):
                    if writer is None:
                        rest = [name for name in table.column_names if name not in _RISING]
                        writer = pq.ParquetWriter(
                            path, table.schema, compression="lz4", use_dictionary=rest,
                            column_encoding=dict.fromkeys(_RISING, "DELTA_BINARY_PACKED"),
                        )  # fmt: skip
                    if written:
                        written.result()
                    written = beside.submit(writer.write_table, table)
                    yield hashed
            if written:
                written.result()
        finally:
            if writer:
                beside.submit(writer.close).result()


def _pieces(
    block: UserBlock, rows: KeptRows, survey: ImportStatistics, *, once: bool
) -> Iterator[tuple["pa.Table", Hashed]]:
    """The events of a block in order, about a million at a time, and their hashes."""
    kernels: Any = numba_module(KERNELS)
    starts, n = block.starts, len(block.words)
    spare = np.empty((int(np.diff(starts).max()) + 1, block.words.shape[1]), dtype=np.uint64)
    names = list(rows.kept.columns)
    places = np.array([names.index(name) if name in names else -1 for name in _FIELDS], dtype=np.int64)
    weights = np.array(rows.kept.weights if "heavy" in names else (), dtype=np.float32)
    done = 0
    for begin in range(0, n, PIECE):
        end = min(begin + PIECE, n)
        users = int(np.searchsorted(starts, end, side="left"))
        kernels.sort_rows(block.words, starts, done, users, spare)
        done = users
        pairs = np.empty((2, end - begin), dtype=np.int32)
        times = np.empty(end - begin if "ts" in names else 0, dtype=np.int64)
        floats = np.empty((3 if len(weights) else 2, end - begin), dtype=np.float32)
        floats[0], floats[1] = 1.0, 0.0
        hashes = np.empty(end - begin, dtype=np.uint64)
        m = kernels.unpack_rows(
            block.words, starts, block.first_user, begin, end, rows.real, places, weights, once, pairs, times, floats,
            hashes, survey.users_of_item, survey.items_of_user, survey.events_of_user, survey.counted,
        )  # fmt: skip
        yield _table(pairs[:, :m], times[:m], floats[:, :m]), Hashed(_names(weighted=len(weights) > 0), hashes[:m])


def _names(*, weighted: bool) -> tuple[str, ...]:
    return (*EVENT_COLUMNS, c.WEIGHT) if weighted else EVENT_COLUMNS


def _table(pairs: Any, times: Any, floats: Any) -> "pa.Table":
    """Events as the file has them: Parquet knows no times to the second."""
    import pyarrow as pa

    n = pairs.shape[1]
    when = pa.array(times, pa.int64()).cast(pa.timestamp("ms")) if len(times) else pa.nulls(n, pa.timestamp("ms"))
    columns = [*map(pa.array, pairs), when, *map(pa.array, floats)]
    return pa.table(columns, names=_names(weighted=len(floats) > 2))

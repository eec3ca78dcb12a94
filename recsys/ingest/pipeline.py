"""From files to a stored dataset: out of core, all or nothing, with a report of what was found and not used."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c
from recsys.dataset.dataset import Hashed, fingerprint_of
from recsys.dataset.documents import DatasetDocument, ImportReport
from recsys.dataset.event_kinds import KIND_WEIGHTS
from recsys.ingest import catalog, id_overlap, minimum_data, report
from recsys.ingest.columns.recognition import recognise_all
from recsys.ingest.config import ImportPlan
from recsys.ingest.duckdb_session import DuckSession, OnFraction
from recsys.ingest.events import event_sort, overlapping_files
from recsys.ingest.events.event_sort import KeptRows, RowBuffers
from recsys.ingest.events.event_writer import write_events
from recsys.ingest.events.filtering import choose
from recsys.ingest.events.staging import stage
from recsys.ingest.events.statistics import ImportStatistics
from recsys.ingest.files.addresses import is_address
from recsys.ingest.files.found_files import FoundFile, find, shown_names
from recsys.ingest.files.prepare import prepare
from recsys.ingest.files.prepare_all import prepare_all
from recsys.ingest.files.sources import Inputs, Source
from recsys.ingest.ids import odd_ids, rounded_ids, text_encoder
from recsys.ingest.ids.text_encoder import TextEncoder
from recsys.ingest.read_data import ReadData
from recsys.ingest.rejects import FILE, collect
from recsys.ingest.schema import PARTS, check_columns
from recsys.progress import OnProgress, Progress
from recsys.storage.artifacts import check_name
from recsys.storage.store import Store
from recsys.storage.work_folder import work_folder
from recsys.utils.numba_modules import numba_module

LOOK, READ, CHOOSE, WRITE, KEEP = (
    "Looking through the files", "Reading the events", "Choosing what counts",
    "Sorting, counting and writing the events", "Storing the dataset",
)  # fmt: skip
_SPANS = {LOOK: (0.0, 0.1), READ: (0.1, 0.55), CHOOSE: (0.55, 0.6), WRITE: (0.6, 0.97), KEEP: (0.97, 1)}
FETCH = "Fetching the files"
FETCHING = 0.3
"""Share of fetching files of other machines in the progress of an import that does."""

GATHERING = 0.3
"""Share of gathering in the time that gathering, sorting, counting and writing take."""


def import_dataset(
    store: Store, plan: ImportPlan, on_progress: OnProgress = lambda _: None, *, addresses: bool = False
) -> ImportReport:
    """Read, check and store; gives the report.

    Needs memory for DuckDB's share (1 GB) and a piece of a million events, whatever the size of the data; disk space
    below the home for about as much as the files hold. Nothing is stored when anything fails, or the process dies.

    Args:
        addresses: whether paths of the plan may be addresses such as `s3://bucket/folder`; only where a person at a
            terminal has named them.

    Raises:
        InvalidInput: names the file, the column or the value, and the mend.
        StorageProblem: no buffers.
        whatever `on_progress` raises: ends the import.
    """
    check_name(plan.name)
    store.sweep()

    begin = 0.0

    def tell(step: str, fraction: float = 0.0) -> None:
        low, high = _SPANS[step]
        on_progress(Progress(step, begin + (1 - begin) * (low + (high - low) * min(fraction, 1.0))))

    with work_folder(store.home) as work, ThreadPoolExecutor(1) as beside:
        for kernels in (text_encoder.KERNELS, event_sort.KERNELS):
            beside.submit(numba_module, kernels)
        if addresses and any(is_address(path) for path in plan.paths):
            begin = FETCHING
        found = _files(plan, work, lambda x: on_progress(Progress(FETCH, begin * x)), addresses=begin > 0)
        tell(LOOK)
        inputs = _inputs(plan, found, work, lambda fraction: tell(LOOK, fraction))
        check_columns(plan.mapping, {part: {s.shown: s.columns for s in found} for part, found in inputs.parts.items()})
        db = inputs.database or DuckSession(work / "duck")
        try:
            recognised = recognise_all(db, inputs, plan.mapping)
            tell(READ)
            n = len(recognised.events)
            staged = stage(db, recognised.events, plan, lambda k: lambda x: tell(READ, (k + x) / n))
            tell(CHOOSE)
            kept = choose(db, plan, staged)
            buffers = beside.submit(RowBuffers.of, kept, work)
            tables = catalog.build(db, staged, recognised)
            id_notes = id_overlap.check(db, recognised, tables, anyway=plan.anyway)
            id_notes += [*overlapping_files.notes(db, staged), *rounded_ids.notes(db), *odd_ids.notes(db)]
            catalog.write(db, "users", work / "users.parquet")
            catalog.write(db, "items", work / "items.parquet")
            items, users = (tuple(x.source for x in entries) for entries in (recognised.items, recognised.users))
            rejects = collect(db, staged, items, users, work / FILE)
            tell(WRITE)
            read = ReadData(plan, inputs, recognised, staged, kept, tables, rejects, tuple(id_notes))
            manifest = _manifest(db, read, buffers, work, lambda x: tell(WRITE, x))
        finally:
            db.close()
        tell(KEEP)
        files = {name: work / name for name in ("users.parquet", "items.parquet", "events.parquet", FILE)}
        store.save_dataset_files(manifest, files)
    return manifest["report"]


Files = dict[str, list[FoundFile]]


def _files(plan: ImportPlan, work: Path, on_fraction: OnFraction, *, addresses: bool) -> Files:
    """The files of each part; those of other machines are fetched."""
    if addresses:
        from recsys.ingest.files.remote_files import find_or_fetch

        return find_or_fetch({part: getattr(plan, part) for part in PARTS}, work / "fetched", on_fraction)
    return {part: find(getattr(plan, part)) for part in PARTS}


def _inputs(plan: ImportPlan, files: Files, work: Path, on_fraction: OnFraction) -> Inputs:
    names = shown_names([file for found in files.values() for file in found])
    total = max(sum(file.path.stat().st_size for found in files.values() for file in found), 1)
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        on_fraction(done / total)

    def prepared(part: str, file: FoundFile) -> Sequence[Source]:
        how = replace(plan.reading, part=part)
        return prepare(file.path, work, shown=names[file], reading=how, on_bytes=count)

    found = {part: prepare_all(files[part], partial(prepared, part)) for part in PARTS}
    if plan.events_sql and plan.database:
        from recsys.ingest.files.sql_source import read_query

        db = DuckSession(work / "duck")
        try:
            source = read_query(db, plan.database, plan.events_sql)
        except BaseException:
            db.close()
            raise
        return Inputs((source,), found["items"], found["users"], db)
    return Inputs(found["events"], found["items"], found["users"])


def _manifest(
    db: DuckSession, read: ReadData, buffers: "Future[RowBuffers]", work: Path, on_fraction: OnFraction
) -> DatasetDocument:
    plan, staged, kept, tables = read.plan, read.staged, read.kept, read.tables
    users, items = (pd.read_parquet(work / f"{part}.parquet") for part in ("users", "items"))
    survey = ImportStatistics(len(users), len(items))
    user_places = _places(db, staged.ids.users, users[c.USER], "seen_users")
    item_places = _places(db, staged.ids.items, items[c.ITEM], "seen_items")
    rows = KeptRows(db, kept, user_places, item_places, len(users), buffers)

    def counted() -> Iterator[Hashed]:
        path = work / "events.parquet"

        def gathered(share: float) -> None:
            on_fraction(GATHERING * share)

        for piece in write_events(rows, survey, path, once=plan.drop_duplicates, on_fraction=gathered):
            yield piece
            on_fraction(GATHERING + (1 - GATHERING) * survey.events / kept.events)

    fingerprint = fingerprint_of(([users], [items], counted()), tables.category_levels, tables.user_attributes)
    filtered = plan.min_users > 1 or plan.min_items > 1 or plan.drop_duplicates
    if survey.events != kept.events and not filtered:
        raise RuntimeError(f"{survey.events:,} events were written where {kept.events:,} were chosen.")
    minimum_data.check(db, read, survey, items)
    summary = report.summary(plan.name, fingerprint, users, items, survey, tables)
    found = report.build(db, read, survey, users, items, summary)
    kinds = {KIND_WEIGHTS: {kind["kind"]: kind["weight"] for kind in kept.kinds} | dict(plan.weights)}
    notes = {"source": found["source"], "left_out": found["left_out"]}
    summary["notes"] = notes
    return {
        "name": plan.name,
        "category_levels": list(tables.category_levels),
        "user_attributes": list(tables.user_attributes),
        "notes": {**notes, **(kinds if any(kinds.values()) else {})},
        "summary": summary,
        "report": found,
    }


def _places(db: DuckSession, known: TextEncoder, ids: "pd.Series[str]", table: str) -> NDArray[np.int32]:
    """The number of an id in the table `staged`, to its row among the users or items; -1 where it is left out."""
    import pyarrow as pa

    texts = pa.array(ids, pa.string())
    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    numbers = np.concatenate([known.numbers(chunk) for chunk in chunks])
    places = np.full(len(known), -1, dtype=np.int32)
    places[numbers] = np.arange(len(ids), dtype=np.int32)
    seen = np.zeros(len(known), dtype=bool)
    seen[db.arrow(f"SELECT h FROM {table}").column("h").to_numpy()] = True
    places[~seen] = -1
    return places

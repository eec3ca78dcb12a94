"""Files looked at before they are imported: how they are written and what each column would be taken for.

    from recsys.ingest.inspection import inspect

    for file in inspect(plan, work):
        file.part, file.name             # "items", "products.csv"
        file.written, file.encoding      # "comma-separated, Latin-1", "Latin-1"; file.separator, file.skip, file.notes
        for column in file.columns:
            column.name, column.values   # "Product name", ("Tea cup", "Mug", ...): its first different values
            column.taken_as              # "title", or None when the column would not be used
            column.because               # "by its name", "by its content", "as you said", "not used: looks like dates"
        file.lacking                     # "item_id" where a needed field was found in no column; "" otherwise

`plan.mapping` settles what a user has said already, `{"items.item_id": ("id",)}`; whatever it does not settle is
recognised by names and contents, exactly as `import_dataset` does it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from recsys.ingest.columns.recognise import Column, Recognised
from recsys.ingest.columns.recognition import recognise_all
from recsys.ingest.config import ImportPlan
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.files.found_files import FoundFile, find, shown_names
from recsys.ingest.files.prepare import prepare
from recsys.ingest.files.prepare_all import prepare_all
from recsys.ingest.files.sources import Inputs, Source
from recsys.ingest.schema import NEEDED, PARTS

FIRST_ROWS = 50


@dataclass(frozen=True)
class InspectedFile:
    """A file as an import would read it.

    Attributes:
        part: "events", "items" or "users".
        name: as messages and reports call it.
        written: its form in words; encoding: for people; separator and skip: of text files, "" and 0 otherwise.
        notes: what was done to read it, and what was guessed, in words.
        columns: all of its columns, in order.
        rows: its first rows, as text; None where a row has no value.
        lacking: a needed field that no column was found for; "" where there is none.
    """

    part: str
    name: str
    written: str
    encoding: str
    separator: str
    skip: int
    notes: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    lacking: str = ""


def inspect(plan: ImportPlan, work: Path) -> tuple[InspectedFile, ...]:
    """Look at all files of a plan.

    Args:
        work: a folder for copies of files that are packed or in another encoding; the caller removes it.

    Raises:
        InvalidInput: a file that cannot be read at all.
    """
    files = {part: find(getattr(plan, part)) for part in PARTS}
    names = shown_names([file for found in files.values() for file in found])

    def prepared(part: str, file: FoundFile) -> Sequence[Source]:
        how = replace(plan.reading, part=part)
        return prepare(file.path, work, shown=names[file], reading=how)

    parts = {part: prepare_all(found, partial(prepared, part)) for part, found in files.items()}
    db = DuckSession(None, memory_mb=300)
    try:
        return inspected(db, Inputs(parts["events"], parts["items"], parts["users"]), plan)
    finally:
        db.close()


def inspected(db: DuckSession, inputs: Inputs, plan: ImportPlan) -> tuple[InspectedFile, ...]:
    """The same of files that are prepared already."""
    found = recognise_all(db, inputs, plan.mapping, strict=False)
    return tuple(inspected_file(db, entry) for entry in found.all)


def inspected_file(db: DuckSession, entry: Recognised) -> InspectedFile:
    """One recognised file, with its first rows."""
    source = entry.source
    wanted = ", ".join(source.expression(column) for column in source.columns)
    rows = db.rows(f"SELECT {wanted} FROM {source.scan()} LIMIT {FIRST_ROWS}")
    lacking = next((name for name in NEEDED[entry.part] if not entry.mapped.get(name)), "")
    separator, skip = (source.dialect.separator, source.dialect.skip) if source.dialect else ("", 0)
    return InspectedFile(
        entry.part, source.shown, source.describe(), source.encoding, separator, skip, source.notes, entry.columns,
        tuple(map(tuple, rows)), lacking,
    )  # fmt: skip

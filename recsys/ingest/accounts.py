"""What became of every line and row that was read: used, rejected or left out; the sums are exact."""

from dataclasses import dataclass

from recsys import columns as c
from recsys.dataset.documents import ColumnReport, FileReport
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.events.statistics import ImportStatistics
from recsys.ingest.files.sources import Source
from recsys.ingest.read_data import ReadData
from recsys.utils import formatting


@dataclass(frozen=True)
class Account:
    """Rows of the events: read = used + rejected + left_out."""

    read: int
    used: int
    rejected: int
    left_out: int


def account(db: DuckSession, read: ReadData, survey: ImportStatistics) -> Account:
    """Rows of the events, counted where each is decided on.

    Raises:
        RuntimeError: the counts do not agree, which is a fault of this program.
    """
    staged, good = db.one("SELECT count(*), count(*) FILTER (reason = 0) FROM staged")
    lines = db.one("SELECT count(*) FROM rejected_lines WHERE part = 'events'")[0]
    rejected = read.rejects.of_part("events")
    left_out = (good - read.kept.events) + (read.kept.events - survey.events)
    found = Account(staged + lines, survey.events, rejected, left_out)
    if found.read != found.used + found.rejected + found.left_out:
        raise RuntimeError(f"{found.read:,} rows were read, but {found} does not add up.")
    return found


def files(db: DuckSession, read: ReadData) -> list[FileReport]:
    """Every file: how it was read, its columns by field, and where its lines went."""
    events = dict(db.rows("SELECT file, count(*) FROM staged GROUP BY 1"))
    found: list[FileReport] = []
    for number, entry in enumerate(read.staged.sources):
        reading = entry.reading.words if entry.reading else None
        notes = (*entry.source.notes, *(entry.reading.notes if entry.reading else ()))
        entry_of_file = _file(db, read, entry.source, "events", number, events.get(number, 0), notes)
        entry_of_file["mapping"] = {name: list(columns) for name, columns in entry.mapped.items()}
        entry_of_file["timestamps"] = reading
        found.append(entry_of_file)
    for part, entries in (("items", read.recognised.items), ("users", read.recognised.users)):
        for number, other in enumerate(entries):
            rows = read.tables.rows.get((part, number), 0)
            entry_of_file = _file(db, read, other.source, part, number, rows, other.source.notes)
            entry_of_file["mapping"] = {name: list(columns) for name, columns in other.mapped.items()}
            found.append(entry_of_file)
    return found


def _file(
    db: DuckSession, read: ReadData, source: Source, part: str, number: int, rows: int, notes: tuple[str, ...]
) -> FileReport:
    unread = db.one(f"SELECT count(*) FROM rejected_lines WHERE part = '{part}' AND file = {number}")[0]
    found: FileReport = {
        "file": source.shown, "part": part, "bytes": source.size, "written": source.describe(), "notes": list(notes),
        "rows": rows + unread, "rejected": read.rejects.of_files.get((part, number), 0),
    }  # fmt: skip
    if source.kind != "text" or source.lines is None or source.dialect is None:
        return found
    head = source.dialect.skip + source.dialect.header
    rest = source.lines - head - rows - unread - source.continued
    blank = _blank_lines(source, head) if rest else 0
    lines = {"lines": source.lines, "above": source.dialect.skip, "header": int(source.dialect.header),
             "rows": rows + unread, "within_fields": source.continued, "empty": blank}  # fmt: skip
    missing = rest - blank
    if missing:
        unknown = formatting.plural(abs(missing), "line")
        found["notes"].append(f"what became of {unknown} of {source.shown} is not known: look at it closely")
    found["lines"] = lines
    return found


def _blank_lines(source: Source, above: int) -> int:
    """Lines without a value below the header, but those that stand in place of one that could not be read."""
    with source.open() as stream:
        blank = sum(source.is_blank_line(line) for number, line in enumerate(stream, start=1) if number > above)
    return blank - len(source.unread)


def columns(read: ReadData) -> list[ColumnReport]:
    """Every column of every file: what it was taken for and why, or why it is not used."""
    found: list[ColumnReport] = []
    for entry in read.recognised.all:
        for column in entry.columns:
            because, why = column.because, read.tables.left_out.get(column.name)
            if column.taken_as == c.ATTRIBUTE and why:
                because = f"{because}; not kept: {why}"
            found.append({"part": entry.part, "file": entry.source.shown, "column": column.name,
                          "taken_as": column.taken_as, "because": because})  # fmt: skip
    return found

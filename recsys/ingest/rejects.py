"""Rows that could not be used: where they stand, what they say, and a file of them that is safe to open."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from recsys.ingest.duckdb_session import DuckSession, text
from recsys.ingest.events.event_rows import REASONS
from recsys.ingest.events.staging import Staged
from recsys.ingest.files.dialect import Dialect
from recsys.ingest.files.sources import UNREAD, Source
from recsys.utils.spreadsheet import safe_cell

SHOWN = 100
LONGEST = 500
FILE = "rejects.csv"

_OF_THE_READER = {
    "missing columns": "fewer fields than the header",
    "too many columns": "more fields than the header",
    "unquoted value": "quotes that do not close",
    "line size over maximum": "line longer than 4 MB",
    "invalid encoding": "bytes that are no UTF-8",
    "invalid unicode": "bytes that are no UTF-8",
}


@dataclass(frozen=True)
class Reject:
    """One row that was not used. `line` counts from 1, the header included; rows of Parquet and databases from 1."""

    file: str
    line: int
    reason: str
    value: str


@dataclass(frozen=True)
class Rejects:
    """How many rows were rejected for which reason, the first of them, and how many of each part and file (number)."""

    by_reason: dict[str, int]
    first: tuple[Reject, ...]
    of_files: dict[tuple[str, int], int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many rows could not be used."""
        return sum(self.by_reason.values())

    def of_part(self, part: str) -> int:
        """How many rows of a part were rejected."""
        return sum(n for (name, _), n in self.of_files.items() if name == part)


def collect(
    db: DuckSession, staged: Staged, items: tuple[Source, ...], users: tuple[Source, ...], path: Path
) -> Rejects:
    """Find the line of every rejected row, write all of them to `path` as CSV, and count them by reason."""
    counts: Counter[str] = Counter()
    first: list[Reject] = []
    of_files: Counter[tuple[str, int]] = Counter()
    found = {("events", number): _of_events(db, staged, number) for number in range(len(staged.sources))}
    for part, sources in (("items", items), ("users", users)):
        found |= {(part, number): _of_lines(db, part, number, source) for number, source in enumerate(sources)}
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(("file", "line", "reason", "value"))
        for place, reject in ((place, reject) for place, rejects in found.items() for reject in rejects):
            counts[reject.reason] += 1
            of_files[place] += 1
            if len(first) < SHOWN:
                first.append(reject)
            writer.writerow((safe_cell(str(reject.file)), reject.line, reject.reason, safe_cell(str(reject.value))))
    return Rejects(dict(counts.most_common()), tuple(first), dict(of_files))


def _of_events(db: DuckSession, staged: Staged, number: int) -> Iterator[Reject]:
    entry = staged.sources[number]
    places = db.connection.cursor().execute(
        f"SELECT rowid - {entry.first_row} + 1 FROM staged WHERE reason > 0 AND file = {number} ORDER BY rowid"
    )
    first = places.fetchone()
    bad: Iterator[tuple[int, int, str]] = iter(())
    if first is not None:
        values = db.connection.cursor().execute(entry.rejected())
        rows = chain((first,), _fetched(places))
        bad = ((row, reason, value) for (row,), (reason, value, *_) in zip(rows, _fetched(values), strict=True))
    source = entry.source
    if source.kind == "text":
        yield from _located(source, _lines(db, "events", number), bad)
    else:
        yield from _of_parts(db, source)
        for row, reason, value in bad:
            shown, place = source.place_of(int(row))
            yield Reject(shown, place, REASONS[reason], str(value or ""))


def _of_lines(db: DuckSession, part: str, number: int, source: Source) -> Iterator[Reject]:
    if source.kind == "text":
        yield from _located(source, _lines(db, part, number), iter(()))
    yield from _of_parts(db, source)


def _of_parts(db: DuckSession, source: Source) -> Iterator[Reject]:
    """Lines that could not be read of the files that a source was made of."""
    for file in source.made_of:
        lines = db.connection.cursor().execute(
            f"SELECT line, reason, value FROM {UNREAD} WHERE path = {text(str(file.path))} ORDER BY line"
        )
        yield from _located(file, _fetched(lines), iter(()))


def _lines(db: DuckSession, part: str, number: int) -> Iterator[tuple[int, str, str | None]]:
    cursor = db.connection.cursor()
    cursor.execute(
        f"SELECT line, reason, value FROM rejected_lines WHERE part = {text(part)} AND file = {number} ORDER BY line"
    )
    return _fetched(cursor)


def _fetched(cursor: Any) -> Iterator[Any]:
    while rows := cursor.fetchmany(10_000):
        yield from rows


def _located(
    source: Source, unread: Iterator[tuple[int, str, str | None]], bad: Iterator[tuple[int, int, str]]
) -> Iterator[Reject]:
    """Walk through a text file, record by record, and tell where the rejected ones begin.

    Args:
        unread: number of a record in the file (from 1, header and empty lines included), why the reader refused it, and
            its text, where the file as it is read does not have it.
        bad: number of a row among those the reader gave (from 1), code of the reason, value.
    """
    next_unread, next_bad = next(unread, None), next(bad, None)
    row = 0
    above = source.dialect.skip + source.dialect.header if source.dialect else 0
    for record, (line, content) in enumerate(_records(source), start=1):
        if next_unread is None and next_bad is None:
            return
        if next_unread is not None and record == next_unread[0]:
            reason = _OF_THE_READER.get(next_unread[1], next_unread[1])
            yield Reject(source.shown, line, reason, next_unread[2] or _shown(content))
            next_unread = next(unread, None)
        elif record <= above or source.is_blank_line(content):
            continue
        else:
            row += 1
            if next_bad is not None and row == next_bad[0]:
                value = next_bad[2] or _shown(content)
                yield Reject(source.shown, line, REASONS[next_bad[1]], value)
                next_bad = next(bad, None)
    while next_unread is not None:
        reason = _OF_THE_READER.get(next_unread[1], next_unread[1])
        yield Reject(source.shown, int(next_unread[0]), reason, next_unread[2] or "")
        next_unread = next(unread, None)
    while next_bad is not None:
        yield Reject(source.shown, int(next_bad[0]) + above, REASONS[next_bad[1]], next_bad[2] or "")
        next_bad = next(bad, None)


def _records(source: Source) -> Iterator[tuple[int, bytes]]:
    """First line and content of every record: a quoted field may go over several lines, if it is closed again."""
    held: list[bytes] = []
    held_from = 0
    with source.open() as stream:
        for number, line in enumerate(stream, start=1):
            inside = source.dialect is not None and _ends_inside(line, source.dialect, inside=bool(held))
            if held or inside:
                held_from = held_from if held else number
                held.append(line)
                if inside:
                    continue
                yield held_from, b"".join(held)
                held = []
            else:
                yield number, line
    if held:
        yield held_from, b"".join(held)


def _ends_inside(line: bytes, dialect: Dialect, *, inside: bool) -> bool:
    """Whether a line ends within quotes, begun outside or inside of them; quotes amid an unquoted field are text."""
    quote, separator = dialect.quote.encode(), dialect.separator.encode()
    if not quote or quote not in line:
        return inside
    if dialect.escape != dialect.quote:
        line = line.replace(dialect.escape.encode() + quote, b"")
    if not inside and line.count(quote) % 2 == 0:
        return False
    place = 0
    while True:
        if inside:
            place = line.find(quote, place)
            if place < 0:
                return True
            inside = False
            place += 1
            if line[place : place + 1] == quote:
                inside = True
                place += 1
        elif line[place : place + 1] == quote:
            inside = True
            place += 1
        else:
            place = line.find(separator, place)
            if place < 0:
                return False
            place += len(separator)


def _shown(content: bytes) -> str:
    line = content[:LONGEST].decode("utf-8", "replace").rstrip("\r\n")
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "�", line)

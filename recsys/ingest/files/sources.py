"""Files to import: found, looked through once, and put into a form that the reader takes."""

import gzip
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import IO, Literal

from recsys.ingest import duckdb_session
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.files.dialect import Dialect
from recsys.ingest.files.found_files import EMPTY_PARTITION
from recsys.ingest.files.json_files import Place
from recsys.ingest.files.quotes import Unread

LONGEST_LINE = 4 << 20
LINE = "line"
BLANKS = " \t\r\n"
ELEMENT = "element"
IS_OBJECT = f"CASE WHEN json_valid({LINE}) THEN json_type({LINE}) = 'OBJECT' ELSE false END"
"""SQL: whether a line is a whole JSON object."""

UNREAD = "unread_of_files"
"""Table of the lines that could not be read of files that were put together: path, line, reason, value."""

FILE_NAME = "insider_file_name"
"""Column with the path of the file that a row is of, where files are read together."""

LIST, BYTES, FLOAT, DECIMAL, OBJECTS = "list", "bytes", "float", "decimal", "objects"
"""Types of columns of Parquet that are read in a way of their own."""

Kind = Literal["text", "json", "parquet", "table"]


@dataclass(frozen=True)
class Reading:
    """What a user says of how files are written, beyond what they show.

    Attributes:
        header: whether the first line names the columns.
        separator: between fields.
        encoding: of text files, as Python names it.
        skip: lines above the header.
        sheet: the name of the only sheet of workbooks to read.
        part: what the files are of: "events", "items" or "users"; "" where that is not known.
    """

    header: bool | None = None
    separator: str | None = None
    encoding: str | None = None
    skip: int | None = None
    sheet: str | None = None
    part: str = ""


@dataclass(frozen=True)
class Source:
    """One file, ready to read.

    Attributes:
        shown: its name, for messages and reports.
        path: what is read: the file itself, or a copy in UTF-8.
        size: bytes of the file as given.
        encoding: how the file as given is written, for people.
        columns: names of the columns, as people see them.
        dialect: of a text file.
        places: of files of objects, and of Parquet with objects in columns: where the values of a column are.
        rows_of: of these, the list whose objects become rows; empty where there is none.
        kinds: of Parquet, columns to their type in words of DuckDB, where they are no plain text.
        lines: of a text file; None for others.
        continued: line ends of a text file within fields.
        unread: records that were no rows, with an empty line in the copy in place of each.
        notes: what was done to read it, in words.
        made_of: of a table, the files whose lines that could not be read are counted with it (`UNREAD`).
        partitions: columns that the folders above it tell, to the value; none of them is a column of the file.
        schema: of Parquet, its columns and types as text: files with equal ones can be read together.
        rows: of Parquet, how many it has.
        together: Parquet files that are read as one, in their order; `path` is the first of them.
    """

    shown: str
    path: Path
    kind: Kind
    size: int
    encoding: str
    columns: tuple[str, ...]
    dialect: Dialect | None = None
    places: Mapping[str, Place] = field(default_factory=dict)
    rows_of: tuple[str, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    lines: int | None = None
    unread: tuple[Unread, ...] = ()
    continued: int = 0
    notes: tuple[str, ...] = ()
    made_of: tuple["Source", ...] = ()
    partitions: Mapping[str, str | None] = field(default_factory=dict)
    schema: str = ""
    rows: int = 0
    together: tuple["Source", ...] = ()

    def scan(self, *, rejects: bool = False) -> str:
        """SQL of the table function that gives its rows; of text files as text, columns named c0, c1..."""
        if self.kind == "table":
            return str(self.path)
        if self.kind == "parquet":
            paths = ", ".join(duckdb_session.file(source.path) for source in self.together or (self,))
            named = f", filename='{FILE_NAME}'" if self.together and self.partitions else ""
            return self._with_rows(f"read_parquet([{paths}], hive_partitioning=false{named})", _struct(self.rows_of))
        path = duckdb_session.file(self.path)
        d = self.dialect or Dialect("\x01", "", "", False, (LINE,))
        names = [f"c{n}" for n in range(len(d.columns))] if self.dialect else [LINE]
        shape = ", ".join(f"{duckdb_session.name(column)}: 'VARCHAR'" for column in names)
        packed = "gzip" if self.path.suffix == ".gz" else "none"
        keep = (
            ", store_rejects=true, rejects_limit=0, rejects_line_size_limit=2000" if rejects else ", ignore_errors=true"
        )
        escape = duckdb_session.text(d.escape)
        scan = (
            f"read_csv({path}, auto_detect=false, delim={duckdb_session.text(d.separator)}, "
            f"quote={duckdb_session.text(d.quote)}, escape={escape}, header=false, skip={d.skip + d.header}, "
            f"columns={{{shape}}}, strict_mode=true, compression='{packed}', max_line_size={LONGEST_LINE}, "
            f"nullstr=''{keep})"
        )
        scan = f"(FROM {scan} WHERE {_not_blank(names, self._blanks)})"
        if not self.rows_of:
            return scan
        inside = f"json_extract(CASE WHEN {IS_OBJECT} THEN {LINE} END, {duckdb_session.text(_json_path(self.rows_of))})"
        return self._with_rows(scan, f"""from_json({inside}, '["JSON"]')""")

    @property
    def _blanks(self) -> str:
        """What a blank line may hold: blanks, quotes and separators."""
        d = self.dialect
        return BLANKS if d is None else "".join(dict.fromkeys(BLANKS + d.quote + d.separator))

    def is_blank_line(self, line: bytes) -> bool:
        """Whether a line of a text file is no row, as nothing but blanks, quotes and separators is in it."""
        return not line.strip(self._blanks.encode())

    def blank_sql(self, text: str) -> str:
        """SQL of the same of a whole line."""
        return f"trim({text}, {duckdb_session.text(self._blanks)}) = ''"

    def _with_rows(self, scan: str, listed: str) -> str:
        """SQL of a row for each object of a list; rows without one stay."""
        if not self.rows_of:
            return scan
        return f"(SELECT *, unnest(CASE WHEN len({listed}) > 0 THEN {listed} ELSE [NULL] END) AS {ELEMENT} FROM {scan})"

    def expression(self, column: str) -> str:
        """SQL of one of its columns, as text."""
        if column in self.partitions:
            return self._partition(column)
        if self.kind == "json":
            place = self.places.get(column, Place((column,)))
            inside = ELEMENT if place.in_list else f"CASE WHEN {IS_OBJECT} THEN {LINE} END"
            return f"json_extract_string({inside}, {duckdb_session.text(_json_path(place.keys))})"
        if self.kind in ("parquet", "table"):
            place = self.places.get(column, Place((column,)))
            return as_text(_struct(((ELEMENT,) if place.in_list else ()) + place.keys), self.kinds.get(column, ""))
        return f"c{self.columns.index(column)}"

    def _partition(self, column: str) -> str:
        """SQL of what the folders tell: of many files, from the name of the file that a row is of."""
        if not self.together:
            value = self.partitions[column]
            return "CAST(NULL AS VARCHAR)" if value is None else duckdb_session.text(value)
        folder = duckdb_session.text(f"(?s)(?:.*/|^){re.escape(column)}=([^/]*)/")
        value = f"url_decode(regexp_extract({FILE_NAME}, {folder}, 1))"
        return f"nullif({value}, '{EMPTY_PARTITION}')"

    def place_of(self, row: int) -> tuple[str, int]:
        """Name of the file that a row (from 1) is of, and its number there."""
        number = bisect_left(self._rows_up_to, row)
        if number == len(self.together):
            return self.shown, row
        source = self.together[number]
        return source.shown, row - self._rows_up_to[number] + source.rows

    @cached_property
    def _rows_up_to(self) -> list[int]:
        """Rows of the files that are read together, up to the end of each."""
        return list(accumulate(source.rows for source in self.together))

    def describe(self) -> str:
        """ "semicolon-separated, ISO-8859-1, gzip"."""
        if self.kind == "parquet":
            return f"Parquet, {len(self.together):,} files" if self.together else "Parquet"
        if self.kind == "table":
            return self.made_of[0].describe() if self.made_of else "rows of a database"
        how = "JSON lines" if self.dialect is None else self.dialect.describe()
        return f"{how}, {self.encoding}{', gzip' if self.shown.endswith('.gz') else ''}"

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Its bytes, unpacked."""
        with opened(self.path, packed=self.path.suffix == ".gz") as stream:
            yield stream


@dataclass(frozen=True)
class Inputs:
    """What the plan's paths and query turned out to be."""

    events: tuple[Source, ...]
    items: tuple[Source, ...]
    users: tuple[Source, ...]
    database: DuckSession | None = None

    @property
    def parts(self) -> dict[str, tuple[Source, ...]]:
        """The files by part."""
        return {"events": self.events, "items": self.items, "users": self.users}


def _not_blank(columns: Sequence[str], blanks: str) -> str:
    """SQL: whether a row holds more than blanks, quotes and separators; most do in a field that begins with a letter or
    a digit, which is seen at once."""
    begin = " OR ".join(f"{x} >= '0'" for x in columns)
    return f"{begin} OR " + " OR ".join(f"trim({x}, {duckdb_session.text(blanks)}) <> ''" for x in columns)


def move_rejects(db: DuckSession, source: Source, table: str, before: str) -> None:
    """Move what the reader of a text file has refused into a table, one row per line of the file: line, reason, and no
    text, after the columns `before` (SQL); blank lines are no rows."""
    if not db.one("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'reject_errors'")[0]:
        return
    db.rows(
        f"INSERT INTO {table} SELECT {before}, line, arg_min(lower(CAST(error_type AS VARCHAR)), byte_position), NULL "
        f"FROM reject_errors WHERE NOT coalesce({source.blank_sql('csv_line')}, false) GROUP BY line"
    )
    db.rows("DELETE FROM reject_errors")
    db.rows("DELETE FROM reject_scans")


@contextmanager
def opened(path: Path, *, packed: bool) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked where it is."""
    with gzip.open(path) if packed else path.open("rb") as stream:
        yield stream  # type: ignore[misc]  # a GzipFile reads like any other


def as_text(sql: str, kind: str) -> str:
    """SQL from a column to text: lists with "|" between, bytes as UTF-8, whole floats and decimals without zeros."""
    if kind == LIST:
        return f"array_to_string({sql}, '|')"
    if kind == OBJECTS:
        return f"CAST(to_json({sql}) AS VARCHAR)"
    if kind == BYTES:
        return f"try(decode({sql}))"
    if kind in (FLOAT, DECIMAL):
        whole = f"abs({sql}) < 1e18 AND {sql} = floor({sql})"
        return f"CASE WHEN {whole} THEN CAST(CAST({sql} AS HUGEINT) AS VARCHAR) ELSE CAST({sql} AS VARCHAR) END"
    return f"CAST({sql} AS VARCHAR)"


def _json_path(keys: Sequence[str]) -> str:
    return "$" + "".join('."' + key.replace("\\", "\\\\").replace('"', '\\"') + '"' for key in keys)


def _struct(keys: Sequence[str]) -> str:
    return ".".join(duckdb_session.name(key) for key in keys)

"""Files to import: found, looked through once, and put into a form that the reader takes."""

import codecs
import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from recsys.errors import InvalidInput
from recsys.ingest import duckdb_session
from recsys.ingest.dialect import Dialect, detect, unique
from recsys.ingest.duckdb_session import DuckSession

CHUNK = 1 << 20
LOOKED_AT = 1 << 18
"""Bytes looked through at once: few enough to stay in the processor's cache."""

SAMPLE = 1 << 18
MAX_UNPACKED_RATIO = 200
ALWAYS_UNPACKED = 256 << 20
"""A packed file that grows by more than the ratio, beyond this many bytes, is taken for a trap."""

LONGEST_LINE = 4 << 20
LINE = "line"
IS_OBJECT = f"CASE WHEN json_valid({LINE}) THEN json_type({LINE}) = 'OBJECT' ELSE false END"
"""SQL: whether a line is a whole JSON object."""

_MAGIC = {
    b"PK\x03\x04": "a ZIP archive (or an Excel workbook)", b"BZh": "a bzip2 archive", b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive", b"\xd0\xcf\x11\xe0": "an old Excel workbook", b"%PDF": "a PDF",
    b"7z\xbc\xaf": "a 7-Zip archive", b"SQLite format 3": "an SQLite database",
}  # fmt: skip
_BEYOND_ASCII = bytes(range(128, 256))
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

Kind = Literal["text", "json", "parquet", "table"]
OnBytes = Callable[[int], None]


@dataclass(frozen=True)
class Source:
    """One file, ready to read.

    Attributes:
        shown: its name, for messages and reports.
        path: what is read: the file itself, or a copy in UTF-8.
        size: bytes of the file as given.
        encoding: how the file as given is written.
        dialect: of a text file.
        columns: names of the columns, as people see them.
        lists: columns of a Parquet file that hold lists.
    """

    shown: str
    path: Path
    kind: Kind
    size: int
    encoding: str
    columns: tuple[str, ...]
    dialect: Dialect | None = None
    lists: tuple[str, ...] = ()

    def scan(self, *, rejects: bool = False) -> str:
        """SQL of the table function that gives its rows; of text files as text, columns named c0, c1..."""
        if self.kind == "table":
            return str(self.path)
        path = duckdb_session.text(self.path)
        if self.kind == "parquet":
            return f"read_parquet({path})"
        d = self.dialect or Dialect("\x01", "", "", False, (LINE,))
        names = [f"c{n}" for n in range(len(d.columns))] if self.dialect else [LINE]
        shape = ", ".join(f"{duckdb_session.name(column)}: 'VARCHAR'" for column in names)
        packed = "gzip" if self.path.suffix == ".gz" else "none"
        keep = (
            ", store_rejects=true, rejects_limit=0, rejects_line_size_limit=2000" if rejects else ", ignore_errors=true"
        )
        return (
            f"read_csv({path}, auto_detect=false, delim={duckdb_session.text(d.separator)}, "
            f"quote={duckdb_session.text(d.quote)}, escape={duckdb_session.text(d.escape)}, "
            f"header={str(d.header).lower()}, columns={{{shape}}}, strict_mode=true, "
            f"compression='{packed}', max_line_size={LONGEST_LINE}, nullstr=''{keep})"
        )

    def expression(self, column: str) -> str:
        """SQL of one of its columns, as text."""
        if self.kind == "json":
            key = column.replace("\\", "\\\\").replace('"', '\\"')
            path = f'$."{key}"'
            return f"json_extract_string(CASE WHEN {IS_OBJECT} THEN {LINE} END, {duckdb_session.text(path)})"
        if self.kind in ("parquet", "table"):
            sql = duckdb_session.name(column)
            return f"array_to_string({sql}, '|')" if column in self.lists else f"CAST({sql} AS VARCHAR)"
        return f"c{self.columns.index(column)}"

    def describe(self) -> str:
        """ "semicolon-separated, ISO-8859-1, gzip"."""
        if self.kind == "parquet":
            return "Parquet"
        if self.kind == "table":
            return "rows of a database"
        how = "JSON lines" if self.dialect is None else self.dialect.describe()
        return f"{how}, {self.encoding}{', gzip' if self.shown.endswith('.gz') else ''}"

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Its bytes, unpacked."""
        with gzip.open(self.path) if self.path.suffix == ".gz" else self.path.open("rb") as stream:
            yield stream  # type: ignore[misc]  # a GzipFile reads like any other


@dataclass(frozen=True)
class Inputs:
    """What the plan's paths and query turned out to be."""

    events: tuple[Source, ...]
    items: tuple[Source, ...]
    users: tuple[Source, ...]
    database: DuckSession | None = None


def find(patterns: Sequence[str]) -> list[Path]:
    """Files from paths and globs, in the order given, each once.

    Raises:
        InvalidInput: a path that does not exist, is a folder, or a glob that matches nothing.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        path = Path(pattern).expanduser()
        if any(mark in pattern for mark in "*?[") and not path.exists():
            matches = sorted(x for x in Path(path.anchor or ".").glob(_relative(path)) if x.is_file())
            if not matches:
                raise InvalidInput(f"No file matches {pattern}; check the path.")
            found |= dict.fromkeys(matches)
        elif path.is_dir():
            raise InvalidInput(f"{pattern} is a folder; name files in it, for example {pattern.rstrip('/')}/*.csv")
        elif not path.is_file():
            raise InvalidInput(f"There is no file {pattern}; check the path.")
        else:
            found[path] = None
    return list(found)


def _relative(path: Path) -> str:
    return str(path.relative_to(path.anchor)) if path.anchor else str(path)


def prepare(
    path: Path,
    work: Path,
    *,
    shown: str | None = None,
    header: bool | None = None,
    separator: str | None = None,
    on_bytes: OnBytes = lambda _: None,
) -> Source:
    """Look through a file: what it is, how it is encoded, which columns it has.

    Args:
        work: folder for a copy in UTF-8, when the file is in another encoding.
        on_bytes: hears how many bytes more were looked through.

    Raises:
        InvalidInput: names the file and what is wrong: empty, an archive, no text, damaged, or a trap.
    """
    where = shown or path.name
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            start = stream.read(16)
        if size == 0:
            raise InvalidInput(f"{where} is empty; it needs a line with column names and at least one line of data.")
        if start.startswith(b"PAR1"):
            return _parquet(path, where, size)
        for magic, what in _MAGIC.items():
            if start.startswith(magic):
                raise InvalidInput(f"{where} is {what}; unpack or export it to CSV, JSON lines or Parquet first.")
        packed = start.startswith(b"\x1f\x8b")
        encoding, sample = _look_through(path, where, size, packed, on_bytes)
        target = path
        if encoding not in ("utf-8", "utf-8-sig") or packed != (path.suffix == ".gz"):
            target = _transcoded(path, work, encoding, packed)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInput(f"{where} cannot be read: {error}. Is it damaged or cut short?") from error
    label = {"utf-8-sig": "UTF-8", "utf-8": "UTF-8", "cp1252": "Latin-1", "utf-16": "UTF-16"}[encoding]
    body = sample.lstrip("\ufeff").lstrip()
    if body.startswith("["):
        raise InvalidInput(f"{where} is one JSON list; write it as JSON lines instead: one object a line.")
    if body.startswith("{"):
        keys = _json_keys(body, where)
        return Source(where, target, "json", size, label, keys)
    dialect = detect(sample.lstrip("\ufeff"), where, header=header, separator=separator)
    return Source(where, target, "text", size, label, dialect.columns, dialect)


def _look_through(path: Path, where: str, size: int, packed: bool, on_bytes: OnBytes) -> tuple[str, str]:
    """Encoding of a file, and its first lines as text; all of it is read once."""
    sample = b""
    encoding = ""
    decoder = codecs.getincrementaldecoder("utf-8")()
    valid, broken, total = 0, 0, 0
    with gzip.open(path) if packed else path.open("rb", buffering=0) as stream:
        held = bytearray(LOOKED_AT)
        while read := stream.readinto(held):
            chunk = held if read == LOOKED_AT else held[:read]
            if total == 0:
                encoding = next((name for bom, name in _BOMS if chunk.startswith(bom)), "")
            total += len(chunk)
            if packed and total > max(ALWAYS_UNPACKED, MAX_UNPACKED_RATIO * size):
                raise InvalidInput(
                    f"{where} unpacks to more than {MAX_UNPACKED_RATIO} times its size, which no real export does. "
                    "Unpack it yourself if you trust it."
                )
            if len(sample) < SAMPLE:
                sample += chunk[:SAMPLE]
            on_bytes(0 if packed else len(chunk))
            if encoding == "utf-16":
                continue
            if b"\0" in chunk:
                raise InvalidInput(f"{where} is no text: it holds zero bytes. Export it as CSV, JSON lines or Parquet.")
            if not chunk.isascii() or decoder.getstate()[0]:
                good, bad = _count(decoder, bytes(chunk))
                valid, broken = valid + good, broken + bad
    on_bytes(size if packed else 0)
    encoding = encoding or ("cp1252" if 2 * broken > valid else "utf-8")
    if 2 * broken > valid and _mostly_control(sample):
        raise InvalidInput(f"{where} is no text that could be read. Export it as CSV, JSON lines or Parquet.")
    errors = "replace" if encoding == "utf-8" else "strict"
    text = _decoded(sample, encoding) if errors == "strict" else sample.decode("utf-8", "replace")
    if total > len(sample):
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    return encoding, text


def _count(decoder: codecs.IncrementalDecoder, chunk: bytes) -> tuple[int, int]:
    """How many characters beyond ASCII a piece holds, and how many bytes of it are no UTF-8."""
    plain = len(chunk.translate(None, delete=_BEYOND_ASCII))
    try:
        return max(len(decoder.decode(chunk)) - plain, 0), 0
    except UnicodeDecodeError:
        decoder.reset()
        text = chunk.decode("utf-8", "replace")
        broken = text.count("\ufffd")
        return len(text) - plain - broken, broken


def _mostly_control(sample: bytes) -> bool:
    return sum(byte < 32 and byte not in (9, 10, 13) for byte in sample) > len(sample) / 100


def _decoded(data: bytes, encoding: str) -> str:
    if encoding == "cp1252":
        return data.decode("cp1252", "cp1252-or-latin-1")
    if encoding == "utf-16":
        data = data[: len(data) // 2 * 2]
    return data.decode(encoding, "replace")


def _latin_1_byte(error: UnicodeError) -> tuple[str, int]:
    """The five bytes that Windows-1252 leaves open, as Latin-1 has them."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("cp1252-or-latin-1", _latin_1_byte)


def _transcoded(path: Path, work: Path, encoding: str, packed: bool) -> Path:
    """A copy in UTF-8."""
    work.mkdir(parents=True, exist_ok=True)
    target = work / f"utf8-{len(list(work.glob('utf8-*')))}"
    errors = "cp1252-or-latin-1" if encoding == "cp1252" else "replace"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    with gzip.open(path) if packed else path.open("rb") as stream, target.open("wb") as out:
        while chunk := stream.read(CHUNK):
            out.write(chunk if encoding in ("utf-8", "utf-8-sig") else decoder.decode(chunk).encode())
        if encoding not in ("utf-8", "utf-8-sig"):
            out.write(decoder.decode(b"", final=True).encode())
    return target


def _json_keys(sample: str, where: str) -> tuple[str, ...]:
    keys: dict[str, None] = {}
    for line in sample.splitlines()[:1000]:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            keys |= dict.fromkeys(row)
    if not keys:
        raise InvalidInput(f"{where} begins like JSON, but no line of it is a whole object; write one object a line.")
    return tuple(keys)


def _parquet(path: Path, where: str, size: int) -> Source:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except pa.ArrowException as error:
        raise InvalidInput(f"{where} is a damaged Parquet file: {str(error).splitlines()[0]}") from error
    lists = tuple(field.name for field in schema if pa.types.is_list(field.type) or pa.types.is_large_list(field.type))
    if len(unique(schema.names)) < 1:
        raise InvalidInput(f"{where} has no columns.")
    return Source(where, path, "parquet", size, "binary", tuple(schema.names), lists=lists)

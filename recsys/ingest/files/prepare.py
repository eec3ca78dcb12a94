"""From a file of any kind to sources: what it is, which columns it has, and copies where the reader needs them."""

import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from recsys.errors import InvalidInput
from recsys.ingest.column_names import ids_as_in
from recsys.ingest.files import (
    archives,
    encoding,
    header_lines,
    json_files,
    json_lists,
    nested_lists,
    quotes,
    spreadsheets,
)
from recsys.ingest.files.dialect import Dialect, detect
from recsys.ingest.files.lines import ragged_lines, wrapped_lines
from recsys.ingest.files.parquet_files import parquet
from recsys.ingest.files.sources import Reading, Source, opened
from recsys.ingest.files.text_look import SAMPLE, OnBytes, TextLook, look_through, rewritten
from recsys.utils.formatting import plural

_MAGIC = {
    b"%PDF": "a PDF", b"7z\xbc\xaf": "a 7-Zip archive", b"SQLite format 3": "an SQLite database",
    b"Rar!": "a RAR archive",
}  # fmt: skip
_BESIDE_DATA = re.compile(r"(?i)read_?me|licen[sc]e|about|notes?|\.(md|txt)$")
"""Members of an archive that may be no data."""

_TAGGED = re.compile(r"<(\?xml|!doctype|!--|html\b|table\b)|<\w+[^<>,;|\t]*>\s*<", re.I)
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"


def prepare(
    path: Path,
    work: Path,
    *,
    shown: str | None = None,
    reading: Reading | None = None,
    on_bytes: OnBytes = lambda _: None,
) -> tuple[Source, ...]:
    """Look through a file: what it is, how it is encoded, which columns it has.

    Args:
        work: folder for copies of files that are packed, in another encoding, or not as a reader expects them.
        on_bytes: hears how many bytes more were looked through.

    Returns:
        one source; several for an archive, or a workbook with several sheets of the same columns.

    Raises:
        InvalidInput: names the file and what is wrong: empty, no text, damaged, or a trap.
    """
    where, how = shown or path.name, reading or Reading()
    work.mkdir(parents=True, exist_ok=True)
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            start = stream.read(16)
        if size == 0:
            raise InvalidInput(f"{where} is empty; it needs a line with column names and at least one line of data.")
        if start.startswith(b"PAR1"):
            return (parquet(path, where, size),)
        for magic, what in _MAGIC.items():
            if start.startswith(magic):
                raise InvalidInput(f"{where} is {what}; unpack or export it to CSV, JSON lines or Parquet first.")
        if archives.is_tar(path):
            return _of_archive(path, archives.untarred, work, where, how, on_bytes)
        if start.startswith(b"PK\x03\x04") and archives.is_zip_of_data(path):
            return _of_archive(path, archives.unzipped, work, where, how, on_bytes)
        if start.startswith((b"PK\x03\x04", _OLD_WORKBOOK)):
            return _of_workbook(path, work, where, how, on_bytes)
        for magic, kind in archives.PACKED.items():
            if start.startswith(magic):
                on_bytes(size)
                copy = archives.unpacked(path, kind, work, where)
                return tuple(replace(s, size=size) for s in prepare(copy, work, shown=where, reading=how))
        return (_of_text(path, work, where, how, on_bytes),)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInput(f"{where} cannot be read: {error}. Is it damaged or cut short?") from error


def _of_archive(
    path: Path,
    unpacked: Callable[[Path, Path, str], list[tuple[str, Path]]],
    work: Path,
    where: str,
    how: Reading,
    on_bytes: OnBytes,
) -> tuple[Source, ...]:
    """The files in an archive, where they have the same columns or there is one only."""
    found: list[Source] = []
    folder = work / f"archive-{len(list(work.glob('archive-*')))}"
    folder.mkdir(parents=True)
    on_bytes(path.stat().st_size)
    left: list[str] = []
    for name, member in unpacked(path, folder, where):
        try:
            found += prepare(member, folder, shown=f"{where}/{name}", reading=how)
        except InvalidInput as error:
            if not _BESIDE_DATA.search(name):
                raise
            left.append(f"{name} is not read: {error}")
    if not found:
        raise InvalidInput(f"{where} holds no file of data: {left[0]}")
    found[0] = replace(found[0], notes=(*found[0].notes, *left))
    found, more = _of_part(found, how.part)
    found[0] = replace(found[0], notes=(*found[0].notes, *more))
    if any(sorted(source.columns) != sorted(found[0].columns) for source in found):
        names = ", ".join(source.shown.removeprefix(f"{where}/") for source in found[:5])
        raise InvalidInput(f"{where} holds files with other columns each ({names}); unpack it and name those to read.")
    return tuple(found)


def _of_part(found: list[Source], part: str) -> tuple[list[Source], tuple[str, ...]]:
    """The files of an archive that have the ids of the part, where these have the same columns and others do not; and
    what is to be said of the others."""
    alike = {tuple(sorted(source.columns)) for source in found}
    fitting = [source for source in found if ids_as_in(source.columns, part) == 2]
    if not part or len(alike) < 2 or len({tuple(sorted(source.columns)) for source in fitting}) != 1:
        return found, ()
    left = [source for source in found if source not in fitting]
    return fitting, tuple(f"{source.shown} is not read: it has no columns of {part}" for source in left)


def _of_workbook(path: Path, work: Path, where: str, how: Reading, on_bytes: OnBytes) -> tuple[Source, ...]:
    tables, notes = spreadsheets.sheets(path, work, where, how.sheet, how.part)
    on_bytes(path.stat().st_size)
    several = len(tables) > 1 or how.sheet
    found = []
    plain = replace(how, separator=",", encoding="utf-8")
    for number, (name, copy) in enumerate(tables):
        source = _of_text(copy, work, f"{where}, sheet {name}" if several else where, plain, lambda _: None)
        more = notes if number == 0 else ()
        found.append(replace(source, size=path.stat().st_size, encoding="workbook", notes=(*source.notes, *more)))
    return tuple(found)


def _of_text(path: Path, work: Path, where: str, how: Reading, on_bytes: OnBytes) -> Source:
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    looked = look_through(path, where, packed, how.encoding, on_bytes)
    target, notes, lines = path, list(looked.notes), looked.lines
    if looked.rewritten or packed != (path.suffix == ".gz"):
        target, lines = rewritten(path, work, looked, packed)
    size = path.stat().st_size
    label = encoding.label(looked.encoding)
    body = looked.sample.lstrip("\ufeff").lstrip()
    if _TAGGED.match(body):
        raise InvalidInput(f"{where} is XML or a page (HTML), which is not read; export it as CSV, JSON or a workbook.")
    if body.startswith("[") and json_lists.are_lists(body):
        return _of_lists(target, work, where, looked, how, size)
    if body.startswith("{") or (body.startswith("[") and body[1:].lstrip()[:1] in ("{", "]", "", "[")):
        return _of_objects(target, work, where, body, label, tuple(notes), size, lines)
    if wrapped_lines.are_wrapped(body):
        target, body = _unwrapped(target, work), "\n".join(map(wrapped_lines.unwrapped, body.split("\n")))
        looked = replace(looked, sample=body)
        notes.append("its lines were quoted as a whole; these quotes were taken off")
    over = header_lines.joined(looked.sample) if looked.quotes else None
    if over:
        target, looked, how = _with_one_header_line(target, work, looked, how, over)
        notes.append(f"the names of its columns go over {over[1]} lines, and were joined")
    sample = looked.sample.lstrip("\ufeff")
    dialect = detect(sample, where, header=how.header, separator=how.separator, skip=how.skip)
    if how.skip is None and (n := ragged_lines.width(sample, dialect)):
        target, sample = _padded(target, work, sample, n, dialect)
        dialect = detect(sample, where, header=how.header, separator=how.separator)
        notes.append("lines with fewer fields than the header have empty ones at their end")
    if dialect.skip and not over:
        first = f", the first reads {dialect.above!r}" if dialect.above else ""
        passed = "1 line above the header is" if dialect.skip == 1 else f"{dialect.skip} lines above the header are"
        notes.append(f"{passed} passed over{first}")
    source = Source(where, target, "text", size, label, dialect.columns, dialect, lines=lines, notes=tuple(notes))
    return _with_quotes(source, work) if looked.quotes and dialect.quote and len(dialect.separator) == 1 else source


def _of_lists(path: Path, work: Path, where: str, looked: TextLook, how: Reading, size: int) -> Source:
    """Rows as JSON lists, read as a text file that is made of them."""
    target = work / f"lists-{len(list(work.glob('lists-*')))}"
    with opened(path, packed=path.suffix == ".gz") as stream:
        json_lists.to_csv(stream, target, where)
    source = _of_text(target, work, where, replace(how, separator=",", encoding="utf-8"), lambda _: None)
    notes = (*looked.notes, "its rows are lists, which were written as lines with commas", *source.notes)
    return replace(source, size=size, notes=notes)


def _unwrapped(path: Path, work: Path) -> Path:
    target = work / f"unwrapped-{len(list(work.glob('unwrapped-*')))}"
    with opened(path, packed=path.suffix == ".gz") as stream:
        wrapped_lines.unwrap(stream, target)
    return target


def _padded(path: Path, work: Path, sample: str, n: int, dialect: Dialect) -> tuple[Path, str]:
    """A copy of a file whose lines leave out empty fields at their end, with them; and its first lines."""
    target = work / f"padded-{len(list(work.glob('padded-*')))}"
    with opened(path, packed=path.suffix == ".gz") as stream:
        ragged_lines.pad(stream, target, n, dialect)
    return target, "\n".join(ragged_lines.padded(line, n, dialect) for line in sample.split("\n"))


def _with_one_header_line(
    path: Path, work: Path, looked: TextLook, how: Reading, over: tuple[int, int, str]
) -> tuple[Path, TextLook, Reading]:
    """A copy of a file whose names of columns go over several lines, what was seen of it, and how it is to be read."""
    place, n, names = over
    target = work / f"header-{len(list(work.glob('header-*')))}"
    with opened(path, packed=path.suffix == ".gz") as stream:
        header_lines.write_joined(stream, target, place, n, names)
    lines = looked.sample.split("\n")
    lines[place : place + n] = [*[""] * (n - 1), names]
    skip = how.skip if how.skip is None else how.skip + n - 1
    return target, replace(looked, sample="\n".join(lines)), replace(how, skip=skip)


def _with_quotes(source: Source, work: Path) -> Source:
    """A source whose quotes a strict reader can follow: a copy of the file where it could not."""
    dialect = source.dialect
    if dialect is None:
        return source
    with source.open() as stream:
        if quotes.regular(stream, dialect):
            return source
    target = work / f"quotes-{len(list(work.glob('quotes-*')))}"
    with source.open() as stream:
        found = quotes.repair(stream, dialect, target)
    notes = list(source.notes)
    if found.mended:
        notes.append(f"{plural(found.mended, 'line')} with quotes within a field; the quotes were read as text")
    if found.continued:
        notes.append(f"{plural(found.continued, 'line end')} within quotes, read as part of a field")
    if found.unread:
        unread = plural(len(found.unread), "line")
        notes.append(f"{unread} with a quote that does not close, rejected alone; the lines below were read")
    return replace(source, path=target, unread=found.unread, continued=found.continued, notes=tuple(notes))


def _of_objects(
    path: Path, work: Path, where: str, body: str, label: str, notes: tuple[str, ...], size: int, lines: int
) -> Source:
    sample = body
    if not json_files.is_lines(body):
        target = work / f"objects-{len(list(work.glob('objects-*')))}"
        with opened(path, packed=path.suffix == ".gz") as stream:
            lines = json_files.to_lines(stream, target, where)
        path, notes = target, (*notes, f"its {lines:,} objects were written one a line; row numbers count objects")
        with target.open(encoding="utf-8") as text:
            sample = text.read(SAMPLE)
    objects = json_files.objects_in(sample)
    if not objects:
        raise InvalidInput(f"{where} begins like JSON, but no line of it is a whole object; write one object a line.")
    outer = nested_lists.outer_list(objects)
    if outer:
        target = work / f"unfolded-{len(list(work.glob('unfolded-*')))}"
        with opened(path, packed=path.suffix == ".gz") as stream:
            lines = nested_lists.unfold(stream, target, outer)
        path, notes = target, (*notes, f"each object of its list {'.'.join(outer)!r} was written one a line")
        with target.open(encoding="utf-8") as text:
            objects = json_files.objects_in(text.read(SAMPLE))
    shape = json_files.shape_of(objects)
    if shape.rows_of:
        notes = (*notes, f"each object of its list {'.'.join(shape.rows_of)!r} is a row")
    columns = tuple(shape.columns)
    return Source(
        where, path, "json", size, label, columns, places=shape.columns, rows_of=shape.rows_of, lines=lines, notes=notes
    )

"""Workbooks of Excel and LibreOffice: their sheets as text files."""

import csv
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from recsys.errors import InvalidInput
from recsys.ingest.column_names import ids_as_in
from recsys.ingest.files.archives import ALWAYS_UNPACKED, MAX_UNPACKED_RATIO, too_large

LOOKED_AT = 20
"""Rows of a sheet among which the one with most cells is taken for its header."""


def sheets(
    path: Path, work: Path, where: str, sheet: str | None, part: str = ""
) -> tuple[list[tuple[str, Path]], tuple[str, ...]]:
    """Sheets of a workbook as CSV files below a folder, and what is to be said of those that are not read.

    Without a name, the first sheet with the columns that the part needs is read, or else the first with two columns or
    more, and all others with the same columns.

    Raises:
        InvalidInput: no workbook, none of its sheets holds a table, or none has the name.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    _check_size(path, where)
    try:
        book = CalamineWorkbook.from_path(str(path))
        names = list(book.sheet_names)
        if sheet is not None and sheet not in names:
            raise InvalidInput(f"{where} has no sheet {sheet!r}; it has {', '.join(map(repr, names))}.")
        wanted = names if sheet is None else [sheet]
        tables = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=True) for name in wanted}
    except PasswordError as error:
        raise InvalidInput(f"{where} is locked with a password; save it without one.") from error
    except CalamineError as error:
        raise InvalidInput(f"{where} is a workbook that cannot be read: {error}. Save it as CSV.") from error
    found: list[tuple[str, Path]] = []
    left: list[str] = []
    headers = {name: _header(rows) for name, rows in tables.items()}
    first = max((x for x in headers.values() if len(x) > 1), key=lambda x: ids_as_in(x, part), default=())
    for name, rows in tables.items():
        if not first or headers[name] != first:
            left.append(name)
            continue
        target = work / f"sheet-{len(list(work.glob('sheet-*')))}"
        _write(rows, target)
        found.append((name, target))
    if not found:
        raise InvalidInput(f"{where} is a workbook without a table: none of its sheets has two columns.")
    notes = tuple(f"sheet {name!r} is not read: it has other columns (--sheet NAME reads it)" for name in left)
    return found, notes


def _check_size(path: Path, where: str) -> None:
    """Refuse a workbook that unpacks beyond bounds."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        total = sum(info.file_size for info in archive.infolist())
    if total > max(ALWAYS_UNPACKED, MAX_UNPACKED_RATIO * path.stat().st_size):
        raise too_large(where)


def _header(rows: Sequence[Sequence[Any]]) -> tuple[str, ...]:
    """The row with most cells among the first ones."""
    filled = [tuple(str(cell).strip() for cell in row if cell not in ("", None)) for row in rows[:LOOKED_AT]]
    return max(filled, key=len, default=())


def _write(rows: Sequence[Sequence[Any]], target: Path) -> None:
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        for row in rows:
            writer.writerow([_text(cell) for cell in row])


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e16 else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return str(cell).replace("\r\n", "\n").replace("\r", "\n")

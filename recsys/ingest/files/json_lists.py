"""Rows written as JSON lists, one a line or all within one: as a text file with commas."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from recsys.errors import InvalidInput
from recsys.ingest.files.json_files import MOST_HELD

LOOKED_AT = 20


def are_lists(sample: str) -> bool:
    """Whether a text is rows as lists: `["u1", "i1"]` in each line, or a list of such."""
    if sample.lstrip().startswith("[["):
        return True
    lines = [x for x in sample.split("\n") if x.strip()][:LOOKED_AT]
    return len(lines) > 1 and all(_list(x) is not None for x in lines[:-1])


def to_csv(stream: IO[bytes], target: Path, where: str) -> int:
    """Write the rows as a text file; gives how many. Lines that are no lists stay as they are.

    Raises:
        InvalidInput: a list of lists that is not whole.
    """
    n = 0
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        for row in _rows(stream, where):
            n += 1
            if isinstance(row, list):
                writer.writerow([_text(cell) for cell in row])
            else:
                out.write(f"{row}\n")
    return n


def _rows(stream: IO[bytes], where: str) -> Iterator[Any]:
    start = stream.read(64)
    stream.seek(0)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").replace(b"\n", b"").replace(b" ", b"")[:2] == b"[[":
        try:
            rows = json.loads(stream.read(MOST_HELD).decode("utf-8-sig", "replace"))
        except ValueError as error:
            raise InvalidInput(f"{where} begins like a JSON list of lists, but is not whole: {error}.") from error
        yield from (row for row in rows if isinstance(row, list))
        return
    for line in stream:
        text = line.decode("utf-8-sig", "replace").strip()
        yield (_list(text) or text) if text else text


def _list(line: str) -> list[Any] | None:
    try:
        found = json.loads(line.strip().rstrip(","))
    except ValueError:
        return None
    return found if isinstance(found, list) and len(found) > 1 else None


def _text(cell: Any) -> Any:
    return json.dumps(cell, ensure_ascii=False) if isinstance(cell, (dict, list, bool)) else cell

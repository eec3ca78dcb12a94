"""Text files whose lines leave out empty fields at their end, as some spreadsheets write them."""

from pathlib import Path
from typing import IO

from recsys.ingest.column_names import is_known_header
from recsys.ingest.files.dialect import Dialect, split

LOOKED_AT = 2000


def width(sample: str, dialect: Dialect) -> int:
    """How many fields the first line names where most lines below have fewer, and none more; 0 otherwise."""
    lines = [line for line in sample.split("\n") if line.strip()][:LOOKED_AT]
    names = split(lines[0], dialect) if lines else []
    if len(names) <= len(dialect.columns) or sum(map(is_known_header, names)) < 2:
        return 0
    return len(names) if all(len(split(line, dialect)) <= len(names) for line in lines) else 0


def padded(line: str, n: int, dialect: Dialect) -> str:
    """A line with empty fields at its end, up to a number of fields."""
    there = len(split(line, dialect)) if line.strip() else n
    return line + dialect.separator * max(n - there, 0)


def pad(stream: IO[bytes], target: Path, n: int, dialect: Dialect) -> None:
    """Write a copy of a file in which every line has as many fields."""
    with target.open("w", encoding="utf-8", newline="\n") as out:
        for line in stream:
            out.write(padded(line.decode("utf-8", "replace").rstrip("\r\n"), n, dialect) + "\n")

"""Lines that were quoted as a whole, as some programs save them: `"u1,""Tea cup"",2024-01-03"`."""

from pathlib import Path
from typing import IO

from recsys.ingest.files.csv_cells import cells_of
from recsys.ingest.files.dialect import SEPARATORS

LOOKED_AT = 200
MOSTLY = 0.8


def are_wrapped(sample: str) -> bool:
    """Whether most lines of a text are one field in quotes that holds several."""
    lines = [line for line in sample.split("\n") if line.strip()][:LOOKED_AT]
    return len(lines) > 1 and sum(map(_is_wrapped, lines)) > MOSTLY * len(lines)


def _is_wrapped(line: str) -> bool:
    return unwrapped(line) != line


def unwrapped(line: str) -> str:
    """A line without the quotes around all of it; others as they are."""
    plain = line.strip()
    if len(plain) < 2 or plain[0] != '"' or plain[-1] != '"':
        return line
    cells, closed = cells_of(plain, "\x00", '"', '"')
    return cells[0] if closed and cells and any(x in cells[0] for x in SEPARATORS) else line


def unwrap(stream: IO[bytes], target: Path) -> None:
    """A copy of a text in UTF-8 with each line unwrapped."""
    with target.open("w", encoding="utf-8", newline="\n") as out:
        for line in stream:
            out.write(unwrapped(line.decode("utf-8", "replace").rstrip("\n")) + "\n")

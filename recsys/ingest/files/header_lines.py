"""Names of columns over several lines: a line end within a name, or names of groups in the line above."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from recsys.ingest.column_names import is_known_header, says_little

MOST_ABOVE, MOST_JOINED = 50, 12
"""Lines above the names, and lines that they may go over."""


def joined(sample: str) -> tuple[int, int, str] | None:
    """The first lines with names that go over several of them: the place of the first, how many, and the names in one
    line; None where there is no such line.

    Args:
        sample: the first lines of a file.
    """
    lines = sample.split("\n")
    for place, line in enumerate(lines[:MOST_ABOVE]):
        if line.count('"') % 2 == 0:
            continue
        for n in range(2, MOST_JOINED + 1):
            text = " ".join(x.strip() for x in lines[place : place + n])
            if text.count('"') % 2 == 0 and place + n <= len(lines):
                names = text.split('"')
                cells = [y for x in names for y in (x.split(names[2][:1]) if names[2][:1].strip() else [x])]
                return (place, n, text) if sum(map(is_known_header, cells)) > 1 else None
        return None
    return None


def write_joined(stream: IO[bytes], target: Path, place: int, n: int, names: str) -> None:
    """A copy of a file with its names in one line, below empty ones: all other lines keep their numbers."""
    with target.open("wb") as out:
        for number, line in enumerate(stream):
            if place <= number < place + n:
                out.write(f"{names}\n".encode() if number == place + n - 1 else b"\n")
            else:
                out.write(line)


def grouped(every: Sequence[str], first: int, cells_of: Callable[[str], Sequence[str]]) -> tuple[str, ...]:
    """The names of the columns, where the line `first` names groups of them and the next one the columns; else none.

    A name that says little by itself, or stands twice, has the name of its group in front: `Product ID`.
    """
    if first + 1 >= len(every):
        return ()
    groups, names = ([x.strip() for x in cells_of(line)] for line in every[first : first + 2])
    if len(groups) != len(names) or all(groups) or not all(names) or not groups[0]:
        return ()
    known = [sum(map(is_known_header, x)) for x in (groups, names)]
    if known[1] < max(known[0], len(names) / 2):
        return ()
    found, group = [], ""
    for above, name in zip(groups, names, strict=True):
        group = above or group
        vague = names.count(name) > 1 or says_little(name)
        found.append(f"{group} {name}" if vague else name)
    return tuple(found)

"""How a text file is written: separator, quotes, header, found out from its first lines."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from recsys.errors import InvalidInput
from recsys.ingest.schema import is_known_header

SEPARATORS = (",", ";", "\t", "|", "::")
NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", "::": "double colon"}
LONGEST_SAMPLED = 100_000
STRAY_QUOTES = 0.2
"""Quotes mean nothing when that makes this share more of the lines readable."""

_NUMBER_OR_DATE = re.compile(r"[-+]?\d+([.,]\d+)?([eE][-+]?\d+)?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?")


@dataclass(frozen=True)
class Dialect:
    """How to read one text file.

    Attributes:
        separator: between fields.
        quote: around fields, or "" where quotes mean nothing.
        escape: before a quote within quotes; the quote itself where it is doubled.
        header: whether the first line names the columns.
        columns: names of the columns; "column1", "column2"... without a header.
    """

    separator: str
    quote: str
    escape: str
    header: bool
    columns: tuple[str, ...]

    def describe(self) -> str:
        """ "semicolon-separated, quoted with \\"" in words."""
        head = "" if self.header else ", without a header line"
        return f"{NAMES.get(self.separator, repr(self.separator))}-separated{head}"


def detect(sample: str, where: str, *, header: bool | None = None, separator: str | None = None) -> Dialect:
    """The dialect of a file from its first lines.

    Args:
        sample: whole lines from the start.
        where: name of the file, for messages.
        header, separator: what the user has said already.

    Raises:
        InvalidInput: no separator cuts the lines into two columns or more, or the file is empty.
    """
    lines = [line for line in sample.splitlines() if line.strip() and len(line) <= LONGEST_SAMPLED]
    if not lines:
        what = "has no lines that could be read" if sample.strip() else "is empty"
        raise InvalidInput(f"{where} {what}; it needs a line with column names and at least one line of data.")
    best: tuple[float, int, Dialect, list[list[str]]] | None = None
    for candidate in [separator] if separator else SEPARATORS:
        for quote in ('"', ""):
            escape = escape_of(sample, candidate, quote)
            rows = split(lines, candidate, quote, escape)
            width = len(rows[0]) if rows else 0
            if width < 2:
                continue
            share = sum(1 + "".join(row).count("\n") for row in rows if len(row) == width) / len(lines)
            found = Dialect(candidate, quote, escape, True, ())
            if best is None or (share, width) > (
                best[0] + (STRAY_QUOTES if best[2].separator == candidate else 0),
                best[1],
            ):
                best = (share, width, found, rows)
    if best is None:
        tried = ", ".join(NAMES[x] for x in SEPARATORS) if separator is None else repr(separator)
        raise InvalidInput(
            f"{where} has one column only (separators tried: {tried}); its first line is {lines[0][:80]!r}. "
            "Events need a column of users and one of items; a catalogue or customers an id and something about it."
        )
    _, width, found, rows = best
    has_header = looks_like_header(rows) if header is None else header
    names = tuple(unique(rows[0])) if has_header else tuple(f"column{n + 1}" for n in range(width))
    return replace(found, header=has_header, columns=names)


def escape_of(sample: str, separator: str, quote: str) -> str:
    """What stands before a quote within quotes: a backslash where the text shows one amid a field, else the quote."""
    amid = rf'\\"(?!"|\r|\n|$|{re.escape(separator)})'
    return "\\" if quote and '""' not in sample and re.search(amid, sample) else quote


def split(lines: Sequence[str], separator: str, quote: str, escape: str) -> list[list[str]]:
    """Lines as rows of fields; nothing where the reader gives up."""
    if len(separator) > 1:
        return [line.split(separator) for line in lines]
    try:
        reader = csv.reader(
            (line + "\n" for line in lines), delimiter=separator, quotechar=quote or None,
            escapechar=escape if escape != quote else None, doublequote=escape == quote,
            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        )  # fmt: skip
        return [row for row in reader if row]
    except csv.Error:
        return []


def looks_like_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names columns: known names, or nothing that is a number, a date or empty."""
    first = [cell.strip() for cell in rows[0]]
    if any(is_known_header(cell) for cell in first):
        return True
    if any(cell == "" or _NUMBER_OR_DATE.fullmatch(cell) for cell in first) or len(set(first)) < len(first):
        return False
    below = [{row[n].strip() for row in rows[1:] if n < len(row)} for n in range(len(first))]
    return not any(cell in seen for cell, seen in zip(first, below, strict=True))


def unique(headers: Sequence[str]) -> list[str]:
    """Headers without blanks around them; empty and repeated ones get a number, as case does not tell columns apart."""
    found: list[str] = []
    taken: set[str] = set()
    for number, header in enumerate(headers, start=1):
        base = header.strip().strip("\ufeff") or f"column{number}"
        name, again = base, 2
        while name.lower() in taken:
            name, again = f"{base}_{again}", again + 1
        taken.add(name.lower())
        found.append(name)
    return found

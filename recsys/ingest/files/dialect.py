"""How a text file is written: separator, quotes, header and what stands above it, found out from its first lines."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from recsys.errors import InvalidInput
from recsys.ingest.column_names import is_known_header
from recsys.ingest.files import header_lines
from recsys.ingest.files.csv_cells import as_it_stands, cells_of

SEPARATORS = (",", ";", "\t", "|", "::", "^", "\x01", "~")
BLANK = " "
NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", "::": "double colon", " ": "blank", "^": "caret",
         "\x01": "Ctrl-A", "~": "tilde"}  # fmt: skip
LONGEST_SAMPLED = 100_000
LOOKED_AT = 2000
"""Lines among which the separator is looked for."""

STRAY_QUOTES = 0.2
"""Quotes mean nothing when that makes this share more of the lines readable."""

MOST_QUOTED = 0.9
"""Share of lines in single quotes from which on these are taken for quotes."""

OPEN = 0.1
"""Share of lines with an open quote from which on fields are taken to go over several lines."""

MOST_LINES = 200
MOST_TITLES = 8
MOST_ABOVE = 50
"""Lines that may stand above the header."""

_NUMBER_OR_DATE = re.compile(r"[-+]?\d+([.,]\d+)?([eE][-+]?\d+)?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?")
_SEP_LINE = re.compile(r'"?sep=(.|\\t)"?\s*', re.I)


@dataclass(frozen=True)
class Dialect:
    """How to read one text file.

    Attributes:
        separator: between fields.
        quote: around fields, or "" where quotes mean nothing.
        escape: before a quote within quotes; the quote itself where it is doubled.
        header: whether the first line that counts names the columns.
        columns: names of the columns; "column1", "column2"... without a header.
        skip: lines above the header, or above the first row where there is none.
        above: the first of those lines.
    """

    separator: str
    quote: str
    escape: str
    header: bool
    columns: tuple[str, ...]
    skip: int = 0
    above: str = ""

    def describe(self) -> str:
        """ "semicolon-separated, without a header line" in words."""
        head = "" if self.header else ", without a header line"
        return f"{NAMES.get(self.separator, repr(self.separator))}-separated{head}"


def detect(
    sample: str, where: str, *, header: bool | None = None, separator: str | None = None, skip: int | None = None
) -> Dialect:
    """The dialect of a file from its first lines.

    Args:
        sample: whole lines from the start.
        where: name of the file, for messages.
        header, separator, skip: what the user has said already.

    Raises:
        InvalidInput: no separator cuts the lines into two columns or more, or the file is empty.
    """
    every = [line.rstrip("\r") for line in sample.split("\n")]
    above = skip or 0
    if skip is None and every and (stated := _SEP_LINE.fullmatch(every[0])):
        above, separator = 1, separator or stated[1].replace("\\t", "\t")
    lines = [line for line in every[above:] if line.strip() and len(line) <= LONGEST_SAMPLED][:LOOKED_AT]
    if not lines:
        what = "has no lines that could be read" if sample.strip() else "is empty"
        raise InvalidInput(f"{where} {what}; it needs a line with column names and at least one line of data.")
    found = _best(lines, sample, [separator] if separator else SEPARATORS)
    if separator is None and (found is None or found[0] < 0.5):
        blank = _best(lines, sample, [BLANK])
        found = blank if blank and blank[0] > 0.95 and (found is None or blank[0] > found[0]) else found
    if found is None:
        tried = ", ".join(NAMES[x] for x in SEPARATORS[:5]) if separator is None else repr(separator)
        raise InvalidInput(
            f"{where} has one column only (separators tried: {tried}); its first line is {lines[0][:80]!r}. "
            "Events need a column of users and one of items; a catalogue or customers an id and something about it."
        )
    _, width, dialect = found
    first = _first_line(every, above, width, dialect, stated=skip is not None)
    rows = [cells for line in every[first:] if line.strip() and len(cells := split(line, dialect)) == width]
    has_header = looks_like_header(rows) if header is None else header
    groups = header_lines.grouped(every, first, lambda line: split(line, dialect)) if header is None else ()
    if groups:
        return replace(dialect, header=True, columns=tuple(unique(groups)), skip=first + 1, above=every[first][:80])
    names = tuple(unique(_uncommented(rows[0]))) if has_header else tuple(f"column{n + 1}" for n in range(width))
    shown = next((line.strip() for line in every[:first] if line.strip()), "")[:80]
    return replace(dialect, header=has_header, columns=names, skip=first, above=shown)


def _best(lines: Sequence[str], sample: str, separators: Sequence[str]) -> tuple[float, int, Dialect] | None:
    """The share of lines that have as many fields as most, that number, and the dialect."""
    best: tuple[float, int, Dialect] | None = None
    for separator in separators:
        if not any(separator in line for line in lines):
            continue
        for quote in ("'",) if _are_in_single_quotes(lines, separator) else ('"', ""):
            dialect = Dialect(separator, quote, escape_of(sample, separator, quote), True, ())
            records = _records(lines, dialect)
            widths = Counter(len(split(record, dialect)) for record in records)
            width = max(widths, key=lambda n: (widths[n] * (n > 1), n))
            if width < 2:
                continue
            share = widths[width] / len(records)
            least = best[0] + (STRAY_QUOTES if best[2].separator == separator else 0) if best else 0.0
            if best is None or (share, width) > (least, best[1]):
                best = (share, width, dialect)
    return best


def _are_in_single_quotes(lines: Sequence[str], separator: str) -> bool:
    """Whether almost all lines are fields in single quotes."""
    inside = [x[:1] == x[-1:] == "'" and f"'{separator}'" in x for x in map(str.strip, lines)]
    return sum(inside) > MOST_QUOTED * len(lines)


def _records(lines: Sequence[str], dialect: Dialect) -> Sequence[str]:
    """Lines, or, where many of them open a quote that they do not close, those that belong together as one."""
    marks = (dialect.separator, dialect.quote, dialect.escape)
    if not dialect.quote or len(dialect.separator) > 1:
        return lines
    unclosed = [dialect.quote in line and not cells_of(line, *marks)[1] for line in lines]
    if sum(unclosed) < OPEN * len(lines):
        return lines
    found, place = [], 0
    while place < len(lines):
        end = place + 1
        if unclosed[place]:
            ends = range(place + 2, min(place + MOST_LINES, len(lines)) + 1)
            end = next((n for n in ends if cells_of("\n".join(lines[place:n]), *marks)[1]), end)
        found.append("\n".join(lines[place:end]))
        place = end
    return found


def _first_line(every: Sequence[str], above: int, width: int, dialect: Dialect, *, stated: bool) -> int:
    """The place of the header, or of the first row: what stands above has other fields, most of them empty, or is a
    comment."""
    if stated:
        return above
    lines = [n for n, line in enumerate(every) if n >= above and _is_full(split(line, dialect), width)]
    full = _from_known(lines, [sum(map(is_known_header, split(every[n], dialect))) for n in lines[:MOST_TITLES]])
    for n in full[: MOST_ABOVE + 1]:
        if n > above + MOST_ABOVE:
            break
        cells = split(every[n], dialect)
        if every[n].lstrip().startswith("#") and not sum(map(is_known_header, _uncommented(cells))):
            continue
        return n
    return above


def _from_known(full: Sequence[int], known: Sequence[int]) -> Sequence[int]:
    """Lines from the header on, where one of the first holds names that are known, and none before it does: titles
    above it may have commas too."""
    first = next((n for n, names in enumerate(known) if names > 1), 0)
    return full[first:] if not any(known[:first]) else full


def _is_full(cells: Sequence[str], width: int) -> bool:
    return len(cells) == width and sum(bool(cell.strip()) for cell in cells) >= max(2, width / 3)


def _uncommented(cells: Sequence[str]) -> list[str]:
    return [cells[0].lstrip().lstrip("#").lstrip(), *cells[1:]]


def escape_of(sample: str, separator: str, quote: str) -> str:
    """What stands before a quote within quotes: a backslash where the text shows one amid a field, else the quote."""
    amid = rf'\\"(?!"|\r|\n|$|{re.escape(separator)})'
    return "\\" if quote and '""' not in sample and re.search(amid, sample) else quote


def split(line: str, dialect: Dialect) -> list[str]:
    """The fields of a line for itself; a quote that does not close, or is amid a field, is text."""
    if not dialect.quote or dialect.quote not in line or len(dialect.separator) > 1:
        return line.split(dialect.separator)
    cells, closed = cells_of(line, dialect.separator, dialect.quote, dialect.escape)
    if cells is not None and closed:
        return cells
    return as_it_stands(line, dialect.separator, dialect.quote) or line.split(dialect.separator)


def looks_like_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names columns: known names, or nothing that is a number, a date or empty."""
    first = [cell.strip() for cell in rows[0]]
    known = sum(map(is_known_header, _uncommented(first)))
    numbers = sum(bool(_NUMBER_OR_DATE.fullmatch(cell)) for cell in first)
    if known > numbers:
        return True
    if any(cell == "" for cell in first) or numbers or len(set(first)) < len(first):
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

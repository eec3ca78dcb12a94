"""Text files with stray quotes: each line is read by itself where a strict reader would lose it, or those after it."""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from recsys.ingest.files.csv_cells import as_it_stands, cells_of
from recsys.ingest.files.dialect import Dialect
from recsys.utils.numba_modules import numba_module

KERNELS = "ingest.files.quote_kernels"
PIECE = 1 << 18
MOST_LINES = 500
MOST_LETTERS = 1 << 16
"""A field within quotes goes over at most so many lines and letters; a quote that closes later is a stray one."""

SHAPED = 200
UNCLOSED = "quote that does not close"

_DATE = re.compile(r"\d{1,4}[-/.:]\d{1,2}[-/.:]\d.*")
_NUMBER = re.compile(r"[-+]?[\d.,]+")


@dataclass(frozen=True)
class Unread:
    """A record that cannot be read: its number in the file as it is read, from 1 on, why not, and its text."""

    record: int
    reason: str
    value: str


@dataclass(frozen=True)
class Repaired:
    """What was done to a file whose quotes a strict reader trips over.

    Attributes:
        unread: records that could not be read; the copy has an empty line in place of each.
        mended: lines whose quotes were taken as they stand.
        continued: line ends within fields.
    """

    unread: tuple[Unread, ...]
    mended: int
    continued: int


def regular(stream: IO[bytes], dialect: Dialect) -> bool:
    """Whether a strict reader reads every line of a file for itself: no stray quotes, no line ends within quotes."""
    kernels = numba_module(KERNELS)
    found = np.zeros(4, dtype=np.int64)
    separator, quote = dialect.separator.encode()[-1], dialect.quote.encode()[0]
    escape = (dialect.escape or dialect.quote).encode()[0]
    mark = dialect.quote.encode()
    while chunk := stream.read(PIECE):
        if found[2] != 2 and mark not in chunk:
            found[2] = 0 if chunk[-1] in (10, separator) else 1
            continue
        kernels.look_at_quotes(np.frombuffer(chunk, np.uint8), separator, quote, escape, found)
        if found[0] or found[1]:
            return False
    return bool(found[2] != 2)


def repair(stream: IO[bytes], dialect: Dialect, target: Path) -> Repaired:
    """Write a copy that a strict reader reads as a patient person would."""
    return _Repair(dialect, target).run(stream)


class _Repair:
    def __init__(self, dialect: Dialect, target: Path) -> None:
        self.dialect, self.target = dialect, target
        self.marks = (dialect.separator, dialect.quote, dialect.escape)
        self.width = len(dialect.columns)
        self.shapes: list[set[str]] = [set() for _ in dialect.columns]
        self.shaped = 0
        self.unread: list[Unread] = []
        self.mended = self.continued = self.record = 0

    def run(self, stream: IO[bytes]) -> Repaired:
        lines = io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="\n")
        ahead: deque[str] = deque()
        with self.target.open("w", encoding="utf-8", newline="") as out:
            for number, line in enumerate(_taken(lines, ahead), start=1):
                self.record += 1
                if number <= self.dialect.skip or self.dialect.quote not in line:
                    if number > self.dialect.skip + 1:
                        self._learn(line.split(self.dialect.separator))
                    out.write(line + "\n")
                else:
                    out.write(self._line(line, lines, ahead) + "\n")
        lines.detach()
        return Repaired(tuple(self.unread), self.mended, self.continued)

    def _line(self, line: str, lines: Iterator[str], ahead: deque[str]) -> str:
        """What the copy has for a line with quotes, and for those that it takes with it."""
        cells, closed = cells_of(line, *self.marks)
        if closed and cells is not None:
            self._learn(cells)
            return line if self._strict(line) else self._written(cells)
        if not closed and (whole := self._joined(line, lines, ahead)) is not None:
            return whole
        for literal in (as_it_stands(line, *self.marks[:2]), line.split(self.dialect.separator)):
            if literal is not None and len(literal) == self.width and (closed or self.dialect.quote not in line[:1]):
                if not closed:
                    break
                self.mended += 1
                return self._written(literal)
        self.unread.append(Unread(self.record, UNCLOSED, line[:500]))
        return ""

    def _joined(self, line: str, lines: Iterator[str], ahead: deque[str]) -> str | None:
        """A record that goes over several lines, if it is one: its quote closes, and the lines within are no rows."""
        text, taken = line, 0
        while taken < MOST_LINES and len(text) < MOST_LETTERS:
            if taken == len(ahead):
                more = next(lines, None)
                if more is None:
                    return None
                ahead.append(more.rstrip("\r\n"))
            following = ahead[taken]
            if self._looks_like_a_row(following):
                return None
            text = f"{text}\n{following}"
            taken += 1
            if self.dialect.quote in following:
                cells, closed = cells_of(text, *self.marks)
                if closed:
                    if cells is None or len(cells) != self.width:
                        return None
                    for _ in range(taken):
                        ahead.popleft()
                    self.continued += taken
                    return text if self._strict(text) else self._written(cells)
        return None

    def _strict(self, text: str) -> bool:
        """Whether no blank stands between a separator and an opening quote, which a strict reader does not expect."""
        d = self.dialect
        return not re.search(rf"(^|{re.escape(d.separator)}) +{re.escape(d.quote)}", text)

    def _learn(self, cells: list[str]) -> None:
        if self.shaped < SHAPED and len(cells) == self.width:
            self.shaped += 1
            for shapes, cell in zip(self.shapes, cells, strict=True):
                shapes.add(_shape(cell))

    def _looks_like_a_row(self, line: str) -> bool:
        cells, closed = cells_of(line, *self.marks)
        if cells is None or not closed:
            cells = line.split(self.dialect.separator)
        if len(cells) != self.width:
            return False
        if not self.shaped:
            return self.width > 2
        alike = sum(_shape(cell) in shapes for shapes, cell in zip(self.shapes, cells, strict=True))
        return alike >= max(min(2, self.width), 0.7 * self.width)

    def _written(self, cells: list[str]) -> str:
        d = self.dialect
        if len(d.separator) > 1:
            return d.separator.join(cells)
        out = io.StringIO()
        csv.writer(
            out, delimiter=d.separator, quotechar=d.quote, escapechar=d.escape if d.escape != d.quote else None,
            doublequote=d.escape == d.quote, lineterminator="",
        ).writerow(cells)  # fmt: skip
        return out.getvalue()


def _shape(cell: str) -> str:
    text = cell.strip()
    if not text:
        return "empty"
    if _NUMBER.fullmatch(text):
        return "number"
    if _DATE.fullmatch(text):
        return "date"
    return "text" if " " in text else "code" if any(x.isdigit() for x in text) else "word"


def _taken(lines: Iterator[str], ahead: deque[str]) -> Iterator[str]:
    """Lines without their ends: those read ahead first."""
    while True:
        if ahead:
            yield ahead.popleft()
            continue
        line = next(lines, None)
        if line is None:
            return
        yield line.rstrip("\r\n")

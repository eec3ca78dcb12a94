"""How a text file is written: all of its bytes are read once, and it is copied where the reader needs it."""

import codecs
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recsys.errors import InvalidInput
from recsys.ingest.files import archives, encoding
from recsys.ingest.files.archives import ALWAYS_UNPACKED, MAX_UNPACKED_RATIO
from recsys.ingest.files.sources import opened

CHUNK = 1 << 20
LOOKED_AT = 1 << 18
"""Bytes looked through at once: few enough to stay in the processor's cache."""

SAMPLE = 1 << 18
MOST_ZEROS = 0.01
"""Share of zero bytes up to which a text is read without them."""

_BEYOND_ASCII = bytes(range(128, 256))

OnBytes = Callable[[int], None]


@dataclass(frozen=True)
class TextLook:
    """What looking through a text file told: its encoding, its first lines as text, its lines, whether it has quotes,
    and whether a copy is to be made of it."""

    encoding: str
    sample: str
    lines: int
    quotes: bool
    rewritten: bool
    notes: tuple[str, ...]


@dataclass
class _Counts:
    """What is counted while the bytes of a text file go by."""

    total: int = 0
    feeds: int = 0
    returns: int = 0
    both: int = 0
    zeros: int = 0
    valid: int = 0
    broken: int = 0
    quotes: bool = False
    last: int = 10
    beyond: bytes = b""

    def add(self, chunk: bytes | bytearray, decoder: codecs.IncrementalDecoder) -> None:
        seen = np.frombuffer(chunk, np.uint8)
        self.total += len(chunk)
        self.feeds += int(np.count_nonzero(seen == 10))
        self.quotes = self.quotes or b'"' in chunk
        if b"\r" in chunk:
            self.returns += chunk.count(b"\r")
            self.both += chunk.count(b"\r\n") + (self.last == 13 and chunk[0] == 10)
        elif self.last == 13 and chunk[0] == 10:
            self.both += 1
        if b"\0" in chunk:
            self.zeros += chunk.count(b"\0")
        self.last = chunk[-1]
        if not chunk.isascii() or decoder.getstate()[0]:
            good, bad = _count(decoder, bytes(chunk))
            self.valid, self.broken = self.valid + good, self.broken + bad
            if bad and len(self.beyond) < encoding.MOST_LOOKED_AT:
                self.beyond += bytes(chunk)

    @property
    def lines(self) -> int:
        single = self.returns - self.both
        return self.feeds + single + (self.last not in (10, 13))


def look_through(path: Path, where: str, packed: bool, stated: str | None, on_bytes: OnBytes) -> TextLook:
    """How a text file is written; all of it is read once."""
    size, sample, counts = path.stat().st_size, b"", _Counts()
    decoder = codecs.getincrementaldecoder("utf-8")()
    settled = ""
    with gzip.open(path) if packed else path.open("rb", buffering=0) as stream:
        held = bytearray(LOOKED_AT)
        while read := stream.readinto(held):
            chunk = held if read == LOOKED_AT else held[:read]
            if counts.total == 0:
                settled = encoding.of_the_start(bytes(chunk[:4096]))
            counts.add(chunk, decoder)
            if packed and counts.total > max(ALWAYS_UNPACKED, MAX_UNPACKED_RATIO * size):
                raise archives.too_large(where)
            if len(sample) < SAMPLE:
                sample += chunk[:SAMPLE]
            on_bytes(0 if packed else len(chunk))
    on_bytes(size if packed else 0)
    return _look_of(where, sample, counts, settled, stated)


def _look_of(where: str, sample: bytes, counts: _Counts, settled: str, stated: str | None) -> TextLook:
    notes: list[str] = []
    wide = settled.startswith(("utf-16", "utf-32"))
    if counts.zeros and not wide and counts.zeros > MOST_ZEROS * counts.total:
        raise InvalidInput(f"{where} is no text: it holds zero bytes. Export it as CSV, JSON lines or Parquet.")
    if not settled and 2 * counts.broken > counts.valid and _mostly_control(sample):
        raise InvalidInput(f"{where} is no text that could be read. Export it as CSV, JSON lines or Parquet.")
    found = encoding.named(stated) if stated else settled
    if stated and found == "utf-8-sig" and settled not in ("", "utf-8-sig"):
        found = settled
    if not found and 2 * counts.broken > counts.valid:
        guess = encoding.guess(counts.beyond or sample)
        found = guess.encoding
        notes.append(
            f"the encoding {encoding.label(found)} is a guess: a line of it reads {guess.example!r}; --encoding NAME "
            "says otherwise"
        )
    found = found or "utf-8"
    if found.startswith("utf-8") and counts.broken:
        notes.append(f"{counts.broken:,} bytes are no UTF-8 and read as �")
    mixed = counts.returns > 0 and not (counts.both == counts.returns == counts.feeds)
    if wide:
        mixed = False
    if mixed and counts.feeds:
        notes.append("its lines end in different ways; all were read")
    if counts.zeros and not wide:
        notes.append(f"{counts.zeros:,} zero bytes were taken out")
    plain = found in ("utf-8", "utf-8-sig")
    rewritten = not plain or mixed or (counts.zeros > 0 and not wide)
    text = _decoded(sample, found)
    if counts.total > len(sample):
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    text = text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
    return TextLook(found, text, counts.lines, counts.quotes or wide, rewritten, tuple(notes))


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


def _decoded(data: bytes, name: str) -> str:
    width = 4 if name.startswith("utf-32") else 2 if name.startswith("utf-16") else 1
    return data[: len(data) // width * width].decode(name, encoding.errors_of(name))


def rewritten(path: Path, work: Path, looked: TextLook, packed: bool) -> tuple[Path, int]:
    """A copy in UTF-8 with plain line ends and without zero bytes; gives its lines too."""
    target = work / f"utf8-{len(list(work.glob('utf8-*')))}"
    decoder = codecs.getincrementaldecoder(looked.encoding)(encoding.errors_of(looked.encoding))
    lines, ended, held = 0, True, ""
    with opened(path, packed=packed) as stream, target.open("wb") as out:
        while True:
            chunk = stream.read(CHUNK)
            text = held + decoder.decode(chunk, final=not chunk)
            held = "\r" if text.endswith("\r") and chunk else ""
            text = text.removesuffix(held) if held else text
            text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
            lines += text.count("\n")
            ended = text.endswith("\n") if text else ended
            out.write(text.encode())
            if not chunk:
                return target, lines + (not ended)

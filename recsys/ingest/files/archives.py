"""Files in archives: what is in them, unpacked within bounds."""

import bz2
import lzma
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from recsys.errors import InvalidInput

CHUNK = 1 << 20
MAX_UNPACKED_RATIO = 200
ALWAYS_UNPACKED = 256 << 20
"""A packed file that grows by more than the ratio, beyond this many bytes, is taken for a trap."""

MOST_MEMBERS = 200
PACKED = {b"BZh": "bz2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4"}
_DATA = (".csv", ".tsv", ".txt", ".tab", ".dat", ".data", ".json", ".jsonl", ".ndjson", ".parquet", ".xlsx", ".psv",
         ".gz", ".item", ".user", ".base", ".inter")  # fmt: skip


def too_large(where: str) -> InvalidInput:
    """The error for a file that unpacks to far more than its size."""
    return InvalidInput(
        f"{where} unpacks to more than {MAX_UNPACKED_RATIO} times its size, which no real export does. "
        "Unpack it yourself if you trust it."
    )


def is_zip_of_data(path: Path) -> bool:
    """Whether a ZIP archive holds files for themselves, rather than being a workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" not in archive.namelist() and "content.xml" not in archive.namelist()
    except zipfile.BadZipFile:
        return True


def unzipped(path: Path, work: Path, where: str) -> list[tuple[str, Path]]:
    """The files of data in a ZIP archive, unpacked into a folder: their names and where they are.

    Raises:
        InvalidInput: damaged, with a password, without files of data, or a trap.
    """
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if _is_data(info)]
            if not members:
                names = ", ".join(info.filename for info in archive.infolist()[:5])
                raise InvalidInput(f"{where} is a ZIP archive without a file of data (it holds {names or 'nothing'}).")
            if len(members) > MOST_MEMBERS:
                raise InvalidInput(f"{where} holds {len(members):,} files, more than {MOST_MEMBERS}; unpack it first.")
            if any(info.flag_bits & 1 for info in members):
                raise InvalidInput(f"{where} is locked with a password; unpack it first.")
            left = max(ALWAYS_UNPACKED, MAX_UNPACKED_RATIO * size)
            found = []
            for number, info in enumerate(sorted(members, key=lambda info: info.filename)):
                target = work / f"unzipped-{number}{PurePosixPath(info.filename).suffix.lower()}"
                with archive.open(info) as stream:
                    left = _copy(stream, target, left, where)
                found.append((info.filename, target))
            return found
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise InvalidInput(f"{where} is a ZIP archive that cannot be read: {error}. Is it damaged?") from error


def _is_data(info: zipfile.ZipInfo) -> bool:
    name = PurePosixPath(info.filename)
    hidden = any(part.startswith((".", "__MACOSX")) for part in name.parts)
    plain = name.suffix.lower() in _DATA or not name.suffix
    return not info.is_dir() and not hidden and plain and info.file_size > 0


def unpacked(path: Path, kind: str, work: Path, where: str) -> Path:
    """A file packed with bzip2, xz, Zstandard or LZ4, unpacked into a folder."""
    target = work / f"unpacked-{len(list(work.glob('unpacked-*')))}"
    try:
        with _opened(path, kind) as stream:
            _copy(stream, target, max(ALWAYS_UNPACKED, MAX_UNPACKED_RATIO * path.stat().st_size), where)
    except (OSError, EOFError, lzma.LZMAError, ValueError) as error:
        raise InvalidInput(f"{where} cannot be unpacked: {error}. Is it damaged or cut short?") from error
    return target


@contextmanager
def _opened(path: Path, kind: str) -> Iterator[Any]:
    if kind == "bz2":
        with bz2.open(path) as stream:
            yield stream
    elif kind == "xz":
        with lzma.open(path) as packed:
            yield packed
    else:
        import pyarrow as pa

        with pa.CompressedInputStream(pa.OSFile(str(path)), kind) as arrow:
            yield arrow


def _copy(stream: IO[bytes] | Any, target: Path, left: int, where: str) -> int:
    """Write what a stream holds to a file; gives how many bytes more may be unpacked."""
    with target.open("wb") as out:
        while chunk := stream.read(CHUNK):
            left -= len(chunk)
            if left < 0:
                raise too_large(where)
            out.write(chunk)
    return left

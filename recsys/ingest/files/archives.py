"""Files in archives: what is in them, unpacked within bounds."""

import bz2
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
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

_TAR = (".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz")


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
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: info for info in archive.infolist() if not info.is_dir() and info.file_size > 0}
            if any(info.flag_bits & 1 for info in members.values()):
                raise InvalidInput(f"{where} is locked with a password; unpack it first.")
            return _members(list(members), lambda name: archive.open(members[name]), path, work, where)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise InvalidInput(f"{where} is a ZIP archive that cannot be read: {error}. Is it damaged?") from error


def untarred(path: Path, work: Path, where: str) -> list[tuple[str, Path]]:
    """The same of a tar archive, packed or not.

    Raises:
        InvalidInput: damaged, without files of data, or a trap.
    """
    try:
        with tarfile.open(path) as archive:
            members, total = {}, 0
            for info in archive:
                total += info.size
                if total > _bound(path):
                    raise too_large(where)
                if info.isfile() and info.size > 0:
                    members[info.name] = info
            return _members(list(members), lambda name: archive.extractfile(members[name]), path, work, where)
    except (tarfile.TarError, EOFError) as error:
        raise InvalidInput(f"{where} is a tar archive that cannot be read: {error}. Is it damaged?") from error


def _bound(path: Path) -> int:
    return max(ALWAYS_UNPACKED, MAX_UNPACKED_RATIO * path.stat().st_size)


def is_tar(path: Path) -> bool:
    """Whether a file is a tar archive, packed or not."""
    return path.name.lower().endswith(_TAR) and tarfile.is_tarfile(path)


def _members(
    names: Sequence[str], opened: Callable[[str], Any], path: Path, work: Path, where: str
) -> list[tuple[str, Path]]:
    """The files of data among the members of an archive, unpacked into a folder within bounds."""
    data = sorted(name for name in names if _is_data(name))
    if not data:
        there = ", ".join(names[:5]) or "nothing"
        raise InvalidInput(f"{where} is an archive without a file of data (it holds {there}).")
    if len(data) > MOST_MEMBERS:
        raise InvalidInput(f"{where} holds {len(data):,} files, more than {MOST_MEMBERS}; unpack it first.")
    left = _bound(path)
    found = []
    for number, name in enumerate(data):
        target = work / f"member-{number}{PurePosixPath(name).suffix.lower()}"
        with opened(name) as stream:
            left = _copy(stream, target, left, where)
        found.append((name, target))
    return found


def _is_data(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return not hidden and (path.suffix.lower() in _DATA or not path.suffix)


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

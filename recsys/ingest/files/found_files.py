"""Files to import, found from paths, folders and globs: where they lie, what to call them, what their folders tell."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from recsys.errors import InvalidInput
from recsys.ingest.files.addresses import is_address, without_secrets

EMPTY_PARTITION = "__HIVE_DEFAULT_PARTITION__"
"""What stands in the name of a folder for a value that is not there."""

_TABLES = {"_delta_log": "a Delta Lake table", ".hoodie": "a Hudi table"}
_ICEBERG = ".metadata.json"


@dataclass(frozen=True)
class FoundFile:
    """One file to import.

    Attributes:
        path: what is read.
        place: the folders and the name it was found under; of a file that was fetched, those of its address.
    """

    path: Path
    place: tuple[str, ...]

    @classmethod
    def at(cls, path: Path) -> "FoundFile":
        """A file of this machine."""
        return cls(path, Path(os.path.abspath(path)).parts)  # noqa: PTH100  links keep their own names

    @cached_property
    def partitions(self) -> Mapping[str, str | None]:
        """What the folders directly above it tell, as in `date=2024-01-01/part-0.parquet`: column to value."""
        found: dict[str, str | None] = {}
        for folder in reversed(self.place[:-1]):
            name, equals, value = folder.partition("=")
            if not name or not equals:
                break
            found.setdefault(name, None if value == EMPTY_PARTITION else unquote(value))
        return dict(reversed(found.items()))


def find(patterns: Sequence[str]) -> list[FoundFile]:
    """Files from paths, folders and globs of this machine, in the order given, each once.

    Raises:
        InvalidInput: a path that does not exist, a glob or a folder without a file, or an address.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        if is_address(pattern):
            raise InvalidInput(
                f"{without_secrets(pattern)} is no path of this machine. Addresses are read by the command line alone: "
                "python -m recsys dataset import"
            )
        found |= dict.fromkeys(_files_of(pattern))
    return [FoundFile.at(path) for path in found]


def _files_of(pattern: str) -> list[Path]:
    path = Path(pattern).expanduser()
    if any(mark in pattern for mark in "*?[") and not path.exists():
        matches = sorted(Path(path.anchor or ".").glob(_relative(path)))
        files = [file for match in matches for file in ([match] if match.is_file() else files_below(match))]
        if not files:
            raise InvalidInput(f"No file matches {pattern}; check the path.")
        return list(files)
    if path.is_dir():
        files = files_below(path)
        if not files:
            raise InvalidInput(f"The folder {pattern} holds no file of data; check the path.")
        return files
    if not path.is_file():
        raise InvalidInput(f"There is no file {pattern}; check the path.")
    return [path]


def files_below(folder: Path) -> list[Path]:
    """The files of data in a folder and in the folders within, by their names.

    Raises:
        InvalidInput: the folder is a table whose files alone do not tell which rows it has.
    """
    below = sorted(path for path in folder.rglob("*") if path.is_file())
    parts = [path.relative_to(folder).parts for path in below]
    check_no_table(parts, str(folder))
    return [path for path, names in zip(below, parts, strict=True) if is_data(names) and path.stat().st_size > 0]


def is_data(parts: Sequence[str]) -> bool:
    """Whether a file below a folder is meant as data: what begins with a point or an underscore is not, such as
    `_SUCCESS`."""
    return not any(part.startswith((".", "_")) and "=" not in part for part in parts)


def check_no_table(files: Iterable[Sequence[str]], shown: str) -> None:
    """Refuse the folder of a table that keeps files of rows that were deleted or replaced.

    Raises:
        InvalidInput: it is one.
    """
    for parts in files:
        what = next((_TABLES[part] for part in parts if part in _TABLES), None)
        if what is None and parts[-1].endswith(_ICEBERG):
            what = "an Iceberg table"
        if what:
            raise InvalidInput(
                f"{shown} is {what}: its files hold rows that were deleted or replaced as well. Export the rows it has "
                "now as Parquet, and import these."
            )


def shown_names(files: Sequence[FoundFile]) -> dict[FoundFile, str]:
    """What to call files: their name, with as many folders before it as tell them apart."""
    left, length = list(dict.fromkeys(files)), 1
    found: dict[FoundFile, str] = {}
    places = {file.place for file in files}
    while left:
        alike = Counter(place[-length:] for place in places)
        apart = {file for file in left if alike[file.place[-length:]] == 1 or length >= len(file.place)}
        found |= {file: "/".join(file.place[-length:]) for file in apart}
        left, length = [file for file in left if file not in apart], length + 1
    return found


def _relative(path: Path) -> str:
    return str(path.relative_to(path.anchor)) if path.anchor else str(path)

"""All files of a part, prepared: with what their folders tell, and many Parquet files that are alike as one."""

import filecmp
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from recsys.ingest.files.found_files import FoundFile
from recsys.ingest.files.sources import Source

APART = 10
"""So many Parquet files with the same columns are told of one by one; more are read and told of as one."""


def prepare_all(files: Iterable[FoundFile], prepared: Callable[[FoundFile], Sequence[Source]]) -> tuple[Source, ...]:
    """The sources of a part.

    Args:
        prepared: makes the sources of one file.
    """
    found: list[Source] = []
    alike: dict[object, list[Source]] = {}
    seen: dict[int, list[tuple[FoundFile, str]]] = {}
    for file in files:
        for source in prepared(file):
            whole = source.kind == "parquet" and not source.rows_of and source.path == file.path
            one = _with_twin(_with_folders(source, file), file, seen)
            found.append(one)
            alike.setdefault((one.schema, one.columns) if whole else len(found), []).append(one)
    return tuple(source for group in alike.values() for source in ([_one(group)] if len(group) > APART else group))


def _with_twin(source: Source, file: FoundFile, seen: dict[int, list[tuple[FoundFile, str]]]) -> Source:
    """A source with a note where another file before it holds the very same bytes."""
    alike = seen.setdefault(file.path.stat().st_size, [])
    twin = next(
        (name for other, name in alike if other is not file and filecmp.cmp(other.path, file.path, False)), None
    )
    alike.append((file, source.shown))
    if twin is None:
        return source
    return replace(
        source, notes=(*source.notes, f"holds the same as {twin}: its rows count twice; name one of the two")
    )


def _with_folders(source: Source, file: FoundFile) -> Source:
    """A source with a column for each folder above it that tells one, unless the file has such a column itself."""
    told = {name: value for name, value in file.partitions.items() if name not in source.columns}
    if not told:
        return source
    return replace(source, columns=(*source.columns, *told), partitions=told)


def _one(group: Sequence[Source]) -> Source:
    first = group[0]
    shown = f"{first.shown} and {len(group) - 1:,} more"
    return replace(
        first, shown=shown, size=sum(x.size for x in group), rows=sum(x.rows for x in group), together=tuple(group)
    )

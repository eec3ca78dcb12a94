"""Lists of products within lists, as visits have actions: an object for each one of the outer list."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from recsys import columns as c
from recsys.ingest.column_names import rank
from recsys.ingest.files.json_files import Place, lists_in, shape_of


def outer_list(objects: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Where the list is whose objects hold the lists of items; nothing where items are told elsewhere."""
    shape = shape_of(objects)
    if shape.rows_of or _tells_items(shape.columns):
        return ()
    for keys in lists_in(objects):
        inside = [x for one in objects for x in _at(one, keys) if isinstance(x, dict)]
        if inside and any(_tells_items(found) for found in lists_in(inside).values()):
            return keys
    return ()


def unfold(stream: IO[bytes], target: Path, keys: Sequence[str]) -> int:
    """Write an object for each object of a list in those of a file, with all that stands around it; gives how many.
    Lines that are no objects stay as they are."""
    n = 0
    with target.open("w", encoding="utf-8", newline="\n") as out:
        for line in stream:
            text = line.decode("utf-8", "replace")
            try:
                one = json.loads(text)
            except ValueError:
                one = None
            found = _at(one, keys) if isinstance(one, dict) else []
            for element in found:
                out.write(json.dumps(_with(one, keys, element), ensure_ascii=False) + "\n")
            if not found:
                out.write(text.rstrip("\n") + "\n")
            n += max(len(found), 1)
    return n


def _tells_items(columns: Mapping[str, Place]) -> bool:
    return any(rank(name, c.ITEM) is not None for name in columns)


def _at(one: Mapping[str, Any], keys: Sequence[str]) -> list[Any]:
    found: Any = one
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, list) else []


def _with(one: Mapping[str, Any], keys: Sequence[str], element: Any) -> dict[str, Any]:
    """The object with one element in place of the list."""
    rest = _with(one[keys[0]], keys[1:], element) if len(keys) > 1 else element
    return {**one, keys[0]: rest}

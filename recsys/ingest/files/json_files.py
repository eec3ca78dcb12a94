"""JSON files: lists, objects over several lines and wrapped lists as one object a line; and where its values are."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from recsys import columns as c
from recsys.errors import InvalidInput
from recsys.ingest.column_names import rank

LOOKED_AT = 1000
DEEPEST = 8
MOST_HELD = 512 << 20
"""Bytes of one object, or one wrapped list, that are held in memory."""


@dataclass(frozen=True)
class Place:
    """Where the values of a column are.

    Attributes:
        keys: from the outermost on.
        in_list: whether in the objects of the list, each of which becomes a row of its own.
    """

    keys: tuple[str, ...]
    in_list: bool = False


@dataclass(frozen=True)
class Shape:
    """The columns of a file of objects, and the list of objects in them that becomes rows, if one does."""

    columns: Mapping[str, Place]
    rows_of: tuple[str, ...] = ()


def shape_of(objects: Sequence[Mapping[str, Any]]) -> Shape:
    """Columns of objects within objects: `user.id`; and of a list of objects: `items[].item_id`.

    A list of objects becomes rows where the names in it tell items and those outside do not, or less so.
    """
    outside: dict[str, Place] = {}
    lists: dict[tuple[str, ...], dict[str, Place]] = {}
    for one in objects:
        _walk(one, (), outside, lists, False)
    chosen: tuple[str, ...] = ()
    best = min((r for name in outside if (r := rank(name, c.ITEM)) is not None), default=None)
    for keys, inside in lists.items():
        place = min((r for name in inside if (r := rank(name, c.ITEM)) is not None), default=None)
        if place is not None and not chosen and (best is None or _filled(objects, keys) > 0):
            chosen = keys
    as_text = {".".join(keys): Place(keys) for keys in lists if keys != chosen}
    return Shape(outside | as_text | (lists[chosen] if chosen else {}), chosen)


def lists_in(objects: Sequence[Mapping[str, Any]]) -> dict[tuple[str, ...], dict[str, Place]]:
    """The lists of objects in some objects: where each is, to the columns in it."""
    lists: dict[tuple[str, ...], dict[str, Place]] = {}
    for one in objects:
        _walk(one, (), {}, lists, False)
    return lists


def _filled(objects: Sequence[Mapping[str, Any]], keys: tuple[str, ...]) -> int:
    def of(one: Any) -> Any:
        for key in keys:
            one = one.get(key) if isinstance(one, dict) else None
        return one

    return sum(bool(of(one)) for one in objects)


def _walk(
    value: Mapping[str, Any],
    keys: tuple[str, ...],
    found: dict[str, Place],
    lists: dict[tuple[str, ...], dict[str, Place]],
    in_list: bool,
    before: str = "",
) -> None:
    for key, content in value.items():
        here = (*keys, key)
        name = f"{before}{key}"
        if isinstance(content, dict) and len(here) < DEEPEST:
            if content:
                _walk(content, here, found, lists, in_list, f"{name}.")
        elif isinstance(content, list) and content and isinstance(content[0], dict) and not in_list:
            inside = lists.setdefault(here, {})
            for one in content[:20]:
                if isinstance(one, dict):
                    _walk(one, (), inside, lists, True, f"{name}[].")
        else:
            found.setdefault(name, Place(here, in_list))


def is_lines(sample: str) -> bool:
    """Whether a text that begins like an object has one object a line."""
    lines = [line for line in sample.split("\n") if line.strip()][:20]
    whole = sum(_is_object(line) for line in lines)
    return whole > 0 and (whole > 1 or len(lines) == 1 or _is_object(lines[0])) and not _is_wrapped(lines)


def _is_wrapped(lines: Sequence[str]) -> bool:
    """Whether the only line is an object around a list of objects."""
    if len(lines) != 1 or not _is_object(lines[0]):
        return False
    return rows_in(json.loads(lines[0])) is not None


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def to_lines(stream: IO[bytes], target: Path, where: str, on_object: Callable[[int], None] = lambda _: None) -> int:
    """Write one object a line; gives how many.

    Raises:
        InvalidInput: the text is no JSON, or holds no objects.
    """
    n = 0
    with target.open("w", encoding="utf-8", newline="\n") as out:
        for one in _objects(stream, where):
            for row in (rows_in(one) if n == 0 else None) or [one]:
                if isinstance(row, dict):
                    out.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
                    n += 1
    if not n:
        raise InvalidInput(f"{where} is JSON without objects; a list of objects, or one object a line, is needed.")
    return n


def rows_in(one: Mapping[str, Any]) -> list[Any] | None:
    """The rows of a table that is written as one object: a list of objects beside few other things, columns and data, a
    list or an object of values for each column, an object for each row; None where it is one row."""
    lists = [x for x in one.values() if isinstance(x, list) and len(x) > 1 and isinstance(x[0], dict)]
    if len(lists) == 1 and len(one) <= 4:
        return lists[0]
    if isinstance(one.get("columns"), list) and isinstance(one.get("data"), list):
        return [dict(zip(one["columns"], row, strict=False)) for row in one["data"] if isinstance(row, list)]
    parts = list(one.values())
    if len(parts) < 2 or not isinstance(parts[0], (list, dict)):
        return None
    if not all(isinstance(x, type(parts[0])) and len(x) > 1 for x in parts if x is not None):
        return None
    if isinstance(parts[0], list) and len({len(x) for x in parts}) == 1 and not isinstance(parts[0][0], list):
        return [dict(zip(one, row, strict=True)) for row in zip(*parts, strict=True)]
    if not isinstance(parts[0], dict):
        return None
    if all(key.isdigit() for key in one):
        return parts
    if all(key.isdigit() for part in parts for key in part):
        return [{name: part.get(key) for name, part in one.items()} for key in parts[0]]
    return None


def _objects(stream: IO[bytes], where: str) -> Iterator[dict[str, Any]]:
    """Objects of a text one after the other, in a list or not."""
    decoder = json.JSONDecoder()
    held, number = "", 0
    while True:
        chunk = stream.read(1 << 20).decode("utf-8", "replace")
        held += chunk
        place = 0
        while True:
            while place < len(held) and held[place] in " \t\r\n,[]\ufeff":
                place += 1
            if place == len(held):
                break
            try:
                one, place = decoder.raw_decode(held, place)
            except ValueError as error:
                if chunk and len(held) - place < MOST_HELD:
                    break
                raise InvalidInput(
                    f"{where} begins like JSON, but its object number {number + 1} is not whole: {error}. "
                    "No line of it is a whole object either; write one object a line."
                ) from error
            number += 1
            if isinstance(one, dict):
                yield one
        held = held[place:]
        if not chunk:
            return


def objects_in(sample: str) -> list[dict[str, Any]]:
    """The objects of the first lines."""
    found = []
    for line in sample.split("\n")[:LOOKED_AT]:
        try:
            one = json.loads(line)
        except ValueError:
            continue
        if isinstance(one, dict):
            found.append(one)
    return found

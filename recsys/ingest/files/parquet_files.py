"""Parquet files: columns of any type as text, and objects within columns."""

from pathlib import Path
from typing import Any

from recsys import columns as c
from recsys.errors import InvalidInput
from recsys.ingest.column_names import rank
from recsys.ingest.files.json_files import DEEPEST, Place
from recsys.ingest.files.sources import BYTES, DECIMAL, FLOAT, LIST, OBJECTS, Source


def parquet(path: Path, where: str, size: int) -> Source:
    """A Parquet file as a source; objects within columns as columns such as `user.id` and `items[].item_id`.

    Raises:
        InvalidInput: the file is damaged or has no columns.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except pa.ArrowException as error:
        raise InvalidInput(f"{where} is a damaged Parquet file: {str(error).splitlines()[0]}") from error
    outside: dict[str, tuple[Place, str]] = {}
    lists: dict[tuple[str, ...], dict[str, tuple[Place, str]]] = {}
    for field in schema:
        _walk(field.name, field.type, (field.name,), outside, lists, False)
    named = any(rank(name, c.ITEM) is not None for name in outside)
    chosen = next(
        (keys for keys, inside in lists.items() if not named and any(rank(x, c.ITEM) is not None for x in inside)), ()
    )
    as_json = {".".join(keys): (Place(keys), OBJECTS) for keys in lists if keys != chosen}
    found = outside | as_json | (lists[chosen] if chosen else {})
    if not found:
        raise InvalidInput(f"{where} has no columns.")
    notes = (f"each object of its list {'.'.join(chosen)!r} is a row",) if chosen else ()
    return Source(
        where, path, "parquet", size, "binary", tuple(found),
        places={name: place for name, (place, _) in found.items()},
        rows_of=chosen, kinds={name: kind for name, (_, kind) in found.items() if kind}, notes=notes,
        schema=schema.to_string(show_field_metadata=False, show_schema_metadata=False), rows=rows,
    )  # fmt: skip


def _walk(
    name: str,
    kind: Any,
    keys: tuple[str, ...],
    found: dict[str, tuple[Place, str]],
    lists: dict[tuple[str, ...], dict[str, tuple[Place, str]]],
    in_list: bool,
) -> None:
    import pyarrow as pa

    listed = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if pa.types.is_struct(kind) and len(keys) < DEEPEST:
        for field in kind:
            _walk(f"{name}.{field.name}", field.type, (*keys, field.name), found, lists, in_list)
    elif listed and pa.types.is_struct(kind.value_type) and not in_list:
        inside = lists.setdefault(keys, {})
        for field in kind.value_type:
            _walk(f"{name}[].{field.name}", field.type, (field.name,), inside, lists, True)
    else:
        found[name] = (Place(keys, in_list), _word(kind, listed))


def _word(kind: Any, listed: bool) -> str:
    import pyarrow as pa

    types = pa.types
    if listed:
        return LIST
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return BYTES
    if types.is_floating(kind):
        return FLOAT
    return DECIMAL if types.is_decimal(kind) else ""

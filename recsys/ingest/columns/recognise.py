"""Which column of a file holds which field: by what a user said, by its name, by its content; each with the reason."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from recsys import columns as c
from recsys.ingest.columns import catalog_columns, event_columns, id_columns, time_columns
from recsys.ingest.columns.column_content import Content
from recsys.ingest.columns.file_columns import FileColumns
from recsys.ingest.columns.marked_rows import MarkedRows, marked_rows
from recsys.ingest.files.sources import Source
from recsys.ingest.schema import FIELDS, NEEDED, GivenMapping, Mapped, NoColumn, columns_there, given_here

FIRST_VALUES = 5
"""Values of a column that are shown."""

FINDERS: dict[str, Callable[[FileColumns], None]] = {
    c.USER: id_columns.find_user,
    c.ITEM: id_columns.find_item,
    c.TIMESTAMP: time_columns.find_time,
    c.EVENT: event_columns.find_event,
    c.RATING: partial(event_columns.find_number, name=c.RATING),
    c.QUANTITY: partial(event_columns.find_number, name=c.QUANTITY),
    c.PRICE: event_columns.find_price,
    c.VALUE: event_columns.find_value,
    c.TITLE: catalog_columns.find_title,
    c.BRAND: partial(catalog_columns.find_text, name=c.BRAND),
    c.IMAGE_URL: catalog_columns.find_image,
    c.AVAILABLE: catalog_columns.find_available,
    c.CATEGORY: catalog_columns.find_categories,
    c.ATTRIBUTE: catalog_columns.find_attributes,
}
"""How the columns of each field are found, in the order in which fields take columns."""


@dataclass(frozen=True)
class Column:
    """A column of a file: what it was taken for and why.

    Attributes:
        taken_as: the field, or None when it is not used.
        because: the reason, in words.
        values: its first different values.
    """

    name: str
    taken_as: str | None
    because: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recognised:
    """A file with its columns recognised.

    Attributes:
        mapped: field to columns.
        columns: all columns of the file, in order.
        whole: columns of ids that are whole numbers with zeros behind a point, which are no part of the id.
        wrapped: columns of ids that are written `="00123"` or `'00123`, for a spreadsheet to keep them as they are.
        contents: the first values of each column.
        stated: fields that the user settled.
        marked: columns that mark rows which are no purchase of their own; of events alone.
        padded: columns of ids with blanks around all of them, which are no part of the id.
    """

    source: Source
    part: str
    mapped: Mapped
    columns: tuple[Column, ...]
    whole: frozenset[str] = frozenset()
    wrapped: frozenset[str] = frozenset()
    contents: Mapping[str, Content] = field(default_factory=dict)
    stated: frozenset[str] = frozenset()
    marked: MarkedRows = field(default_factory=MarkedRows)
    padded: frozenset[str] = frozenset()


def recognise(
    source: Source,
    part: str,
    contents: Mapping[str, Content],
    given: GivenMapping,
    *,
    named: bool,
    passed_over: Mapping[str, str] | None = None,
) -> Recognised:
    """The fields of a file; a needed one may be lacking, see `check_needed`.

    Args:
        contents: the first values of each column.
        given: the mapping that a user gave.
        named: whether what is said without a part may concern this file though it does not name its columns.
        passed_over: columns that are taken for nothing unless the user says so, with the reason.
    """
    said = given_here(given, part, source.columns, named=named)
    file = FileColumns(source, part, contents, said, passed_over or {})
    if part == "events" and not file.has_header():
        id_columns.take_by_position(file)
    for name, find in FINDERS.items():
        if name in FIELDS[part] and name not in said and name not in file.mapped:
            find(file)
    left = file.left if part == "events" else []
    marked = marked_rows(left, contents, with_quantity=c.QUANTITY in file.mapped)
    file.hints |= marked.hints()
    ids = (*file.mapped.get(c.USER, ()), *file.mapped.get(c.ITEM, ()))
    forms = ("whole", "wrapped", "padded")
    whole, wrapped, padded = (frozenset(x for x in ids if getattr(contents[x], how)) for how in forms)
    for x in padded:
        file.why[x] = (file.why[x][0], f"{file.why[x][1]}; the blanks around its values are no part of them")
    outcomes = tuple(_outcome(file, name) for name in source.columns)
    return Recognised(source, part, file.mapped, outcomes, whole, wrapped, contents, frozenset(said), marked, padded)


def _outcome(file: FileColumns, name: str) -> Column:
    """What became of a column of the file."""
    content = file.contents[name]
    taken, because = file.why.get(name, (None, ""))
    if taken is None:
        because = f"not used: {file.hints.get(name, content.describe())}"
    return Column(name, taken, because, tuple(content.different[:FIRST_VALUES]))


def check_needed(entry: Recognised) -> None:
    """Refuse a file without a field that is needed.

    Raises:
        NoColumn: lists the columns there are and the nearest names.
    """
    for needed in NEEDED[entry.part]:
        if not entry.mapped.get(needed):
            there = _what_is_there(entry.source, entry.contents, needed)
            raise NoColumn(entry.source.shown, needed, there, entry.part)


def _what_is_there(source: Source, contents: Mapping[str, Content], wanted: str) -> str:
    seen = [
        f"{name!r} (such as {contents[name].different[0]!r})"
        for name in source.columns[:12]
        if contents[name].different
    ]
    return columns_there(source.columns, wanted) + (f" Their values: {', '.join(seen)}." if seen else "")

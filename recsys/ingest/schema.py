"""The fields of events, items and users, and what a user says of which column holds which."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from recsys import columns as c
from recsys.errors import InvalidInput

PARTS = ("events", "items", "users")
EVENT_FIELDS = (c.USER, c.ITEM, c.TIMESTAMP, c.EVENT, c.QUANTITY, c.VALUE, c.PRICE, c.RATING)
ITEM_FIELDS = (c.ITEM, c.TITLE, c.CATEGORY, c.BRAND, c.PRICE, c.IMAGE_URL, c.AVAILABLE)
CATALOGUE_FIELDS = (c.DESCRIPTION, c.NUMBER)
"""Fields of items that a file of items alone may have, and that are taken where somebody says so alone."""

USER_FIELDS = (c.USER, c.ATTRIBUTE)
FIELDS: Mapping[str, tuple[str, ...]] = {
    "events": tuple(dict.fromkeys((*EVENT_FIELDS, *ITEM_FIELDS, *USER_FIELDS))),
    "items": (*ITEM_FIELDS, *CATALOGUE_FIELDS),
    "users": USER_FIELDS,
}
"""Part to the fields that its files may have: events may carry those of items and users too."""

NEEDED = {"events": (c.USER, c.ITEM), "items": (c.ITEM,), "users": (c.USER,)}

MEANING: Mapping[str, str] = {
    c.USER: "Who: customer, visitor, household",
    c.ITEM: "What: product, article, film",
    c.TIMESTAMP: "When",
    c.EVENT: "Kind of event: view, cart, purchase",
    c.QUANTITY: "How many; negative for a return",
    c.VALUE: "Money paid",
    c.RATING: "Rating given",
    c.TITLE: "Name to show",
    c.CATEGORY: "Category; several columns are levels, the widest first",
    c.BRAND: "Brand",
    c.DESCRIPTION: "Text whose words may be learned from",
    c.NUMBER: "Another number to learn from in bands: weight, year; several columns are several numbers",
    c.PRICE: "Price of one",
    c.IMAGE_URL: "Address of a picture",
    c.AVAILABLE: "Whether it can be sold",
    c.ATTRIBUTE: "What is known of a user: age group, region",
}

Mapped = dict[str, tuple[str, ...]]
"""Field to the columns that hold it. Several columns of a timestamp are a day and a time of the day; several of an id
count in turn, the first that is not empty."""

GivenMapping = Mapping[str, Sequence[str]]
"""The same, as a user said it; `items.item_id` is the field in one part, `item_id` in every file with the column."""


class NoColumn(InvalidInput):
    """No column of a file seems to hold a field that is needed.

    Attributes:
        where, field, part: the file, the field, and the part that the file belongs to.
    """

    def __init__(self, where: str, field: str, there: str, part: str) -> None:
        super().__init__(
            f"{where} has no column that looks like {field}. {there} Say which one it is: --map {part}.{field}=COLUMN"
        )
        self.where, self.field, self.part = where, field, part


def given_here(
    given: GivenMapping, part: str, headers: Sequence[str], *, named: bool = True
) -> dict[str, tuple[str, ...]]:
    """What a user said that concerns one file: field to columns of it; no columns leaves the field out.

    Args:
        given: as a user said it. What is said of the part goes before what is said of every file.
        headers: columns of the file.
        named: whether the file names its columns itself; `column1` of a file without a header is meant only where the
            part is named too.
    """
    found: dict[str, tuple[str, ...]] = {}
    for key, wanted in sorted(given.items(), key=lambda entry: "." in entry[0]):
        stated, field = _part_and_field(key)
        if field not in FIELDS[part] or stated not in (None, part):
            continue
        if stated is None and wanted and not named:
            continue
        here = tuple(column for column in wanted if column in headers)
        if here or not wanted:
            found[field] = here
    return found


def check_columns(given: GivenMapping, files: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
    """Refuse columns that no file has.

    Args:
        files: part to the name of every file, to its headers.
    """
    for key, wanted in given.items():
        part, field = _part_and_field(key)
        among = {name: headers for p, found in files.items() if part in (None, p) for name, headers in found.items()}
        if part is not None and wanted and not among:
            raise InvalidInput(f"--map {key}={wanted[0]}: there is no file of {part}; name one with --{part} FILE.")
        for column in wanted:
            if not any(column in headers for headers in among.values()):
                where, headers = next(iter(among.items()))
                place = where if len(among) == 1 else "No file"
                has = "has no column" if len(among) == 1 else "has a column"
                found = headers if len(among) == 1 else list(dict.fromkeys(x for h in among.values() for x in h))
                raise InvalidInput(f"{place} {has} {column!r} for {field}. {columns_there(found, column)}")


def check_given(given: GivenMapping) -> None:
    """Refuse parts and fields that exist nowhere, and fields that their part does not have."""
    known = dict.fromkeys((*EVENT_FIELDS, *ITEM_FIELDS, *CATALOGUE_FIELDS, *USER_FIELDS))
    for key in given:
        part, field = _part_and_field(key)
        if part is not None and field in known and field not in FIELDS[part]:
            raise InvalidInput(f"There is no field {field!r} of {part}. Fields: {', '.join(FIELDS[part])}.")
        if field not in known:
            near = get_close_matches(field, known, n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise InvalidInput(
                f"There is no field {key!r} to map.{hint} Fields: {', '.join(known)}; a part may stand before, as in "
                "items.item_id."
            )


def _part_and_field(key: str) -> tuple[str | None, str]:
    part, point, field = key.partition(".")
    return (part, field) if point and part in PARTS else (None, key)


def level_name(header: str, taken: Sequence[str]) -> str:
    """A column header as the name of a category level or attribute: lower case, no collision with other columns."""
    name = re.sub(r"\W+", "_", header.partition(":")[0].strip().lower()).strip("_") or "category"
    reserved = {c.ITEM, c.USER, c.TITLE, c.BRAND, c.PRICE, c.IMAGE_URL, c.AVAILABLE, c.DESCRIPTION, *taken}
    candidate, number = name, 2
    while candidate in reserved:
        candidate, number = f"{name}_{number}", number + 1
    return candidate


def columns_there(headers: Sequence[str], wanted: str) -> str:
    """The columns that a file has, and those whose names are near to one, in words."""
    shown = ", ".join(map(repr, headers[:30])) + (", ..." if len(headers) > 30 else "")
    lower = {header.lower(): header for header in headers}
    near = [lower[x] for x in get_close_matches(wanted.lower(), lower, n=3, cutoff=0.5)]
    hint = f" Nearest: {', '.join(map(repr, near))}." if near else ""
    return f"Columns found: {shown}.{hint}"

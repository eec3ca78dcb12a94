"""Which columns hold the ids of users and items."""

from collections.abc import Sequence

from recsys import columns as c
from recsys.ingest import column_names as names
from recsys.ingest.columns.column_content import MOSTLY
from recsys.ingest.columns.file_columns import BY_CONTENT, BY_NAME, BY_POSITION, FileColumns
from recsys.ingest.header_words import is_code


def find_user(file: FileColumns) -> None:
    """The user: a column named so; in a file of users also one named id."""
    found = _ids(file, c.USER)
    if not found and file.part == "users":
        found = [x for x in file.left if names.simple(x) == "id"]
    if not found and file.part == "users":
        found = [x for x in file.left if is_code(x) and file.contents[x].unique]
    if not found and file.part == "users" and not file.has_header():
        file.take(c.USER, [x for x in file.left if file.contents[x].unique][:1], BY_CONTENT)
    if found:
        _take_with_second(file, c.USER, found)


def find_item(file: FileColumns) -> None:
    """The item: a column named so; in a catalogue also one named id, in events also a title; without a header, in a
    catalogue, the first column whose values are all different."""
    found = _ids(file, c.ITEM)
    if file.part == "items":
        found += [x for x in file.left if names.simple(x) in names.CATALOGUE_ID and x not in found]
        found.sort(key=lambda x: file.contents[x].empty)
        found = found or [x for x in file.left if is_code(x) and file.contents[x].unique]
    if not found and file.part == "events":
        found = [x for x in file.named(c.TITLE) if not file.contents[x].unique]
    found.sort(key=lambda x: file.contents[x].several_words)
    if file.part == "events":
        unlike = [x for x in found if not _new_each_row(file, x)]
        found = unlike or found
    if not found and file.part == "items" and not file.has_header():
        file.take(c.ITEM, [x for x in file.left if file.contents[x].unique][:1], BY_CONTENT)
    elif found:
        _take_with_second(file, c.ITEM, found)


def take_by_position(file: FileColumns) -> None:
    """Without a header: the first column of ids is the user, the next the item, beside times or ratings."""
    if {c.USER, c.ITEM} & set(file.said):
        return
    time = next((x for x in file.left if file.contents[x].times > MOSTLY or file.contents[x].epochs), None)
    rating = next((x for x in reversed(file.left) if x != time and _is_rating(file, x)), None)
    if time is None and rating is None:
        return
    ids = [x for x in file.left if x not in (time, rating) and _is_id(file, x)]
    if len(ids) < 2:
        return
    file.take(c.USER, ids[:1], BY_POSITION)
    file.take(c.ITEM, ids[1:2], BY_POSITION)
    if time:
        file.take(c.TIMESTAMP, (time,), BY_CONTENT)
    if rating:
        file.take(c.RATING, (rating,), BY_CONTENT)


def _ids(file: FileColumns, name: str) -> list[str]:
    """Columns left that are named as this id and hold neither times nor money."""
    found = []
    for x in file.named(name):
        content = file.contents[x]
        sold = content.money and not content.integers and not file.has_id_name(x)
        if content.times > MOSTLY or sold:
            continue
        found.append(x)
    return found


def _take_with_second(file: FileColumns, name: str, found: Sequence[str]) -> None:
    """Take the likeliest column; where it is often empty and another one is not, that one too, for those rows."""
    first = found[0]
    share = file.contents[first].share_filled if name == c.ITEM else file.contents[first].share_of_somebody
    second = next((x for x in found[1:] if file.contents[x].share_filled > max(share, 0.5) + 0.1), None)
    if share == 0 and second:
        file.take(name, (second,), f"{BY_NAME}; {first!r} is empty")
    elif second and share < 0.9:
        file.take(name, (first, second), BY_NAME)
        file.why[second] = (name, f"{BY_NAME}, where {first!r} is empty")
    else:
        file.take(name, (first,))


def _new_each_row(file: FileColumns, name: str) -> bool:
    """Whether a column has another value in every row, as numbers of rows and of receipts have."""
    content = file.contents[name]
    return len(content.filled) >= 50 and len(content.different) == len(content.filled)


def _is_id(file: FileColumns, name: str) -> bool:
    """Whether the values of a column could be ids: no spaces, no money, no kinds of events, more than one."""
    content = file.contents[name]
    plain = sum(" " not in x.strip() for x in content.looked_at) >= MOSTLY * len(content.looked_at)
    return (
        not content.empty and plain and not content.money and not (content.kinds > 0.7) and len(content.different) > 1
    )


def _is_rating(file: FileColumns, name: str) -> bool:
    """Whether the values of a column are a few numbers from 0 to 10, repeated often."""
    content = file.contents[name]
    if not content.plain_numbers or not 2 <= len(content.different) <= 21:
        return False
    found = [float(x.replace(",", ".")) for x in content.different]
    return min(found) >= 0 and max(found) <= 10 and len(content.filled) > 4 * len(found)

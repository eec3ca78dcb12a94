"""Which columns tell what an item is, or who a user is."""

from collections.abc import Callable

from recsys import columns as c
from recsys.ingest import column_names as names
from recsys.ingest.category_columns import NO_CATEGORIES, WIDTHS
from recsys.ingest.columns.column_content import MOSTLY, Content
from recsys.ingest.columns.file_columns import BY_CONTENT, BY_NAME, FileColumns

_VAGUE_STATES = (
    "status",
    "stan",
    "active",
    "published",
    "enabled",
    "productstatus",
    "state",
    "visible",
    "aktiv",
    "actif",
    "activo",
    "attivo",
    "actief",
    "ativo",
    "aktywny",
    "sichtbar",
)
_VAGUE_KINDS = ("type", "group", "class", "line", "collection", "typ", "tipo", "soort", "groep", "grupo", "gruppo")
"""Names of columns that mean a state of the item, or a category, where their values fit."""


ENOUGH_USERS = 20
"""With fewer users than this a column may hold another value for each by chance."""


def find_title(file: FileColumns) -> None:
    """The title: a column named so; in a catalogue also one whose values read like titles."""
    find_text(file, c.TITLE)
    if c.TITLE not in file.mapped:
        named = [x for x in file.named(c.ITEM) if file.contents[x].several_words and file.tells_of(x, c.ITEM)]
        file.take(c.TITLE, named[:1])
    if c.TITLE in file.mapped or file.part == "events":
        return
    found = [x for x in file.left if file.contents[x].titles and not _named_otherwise(x)]
    if not found and not file.has_header():
        found = [x for x in file.left if file.contents[x].texts and file.contents[x].unique]
    if found:
        file.take(c.TITLE, found[:1], BY_CONTENT)


def _named_otherwise(name: str) -> bool:
    """Whether a column is named as something else that is known of an item."""
    return any(names.rank(name, x) is not None for x in (c.CATEGORY, c.BRAND, c.IMAGE_URL, c.AVAILABLE, c.PRICE))


def find_text(file: FileColumns, name: str) -> None:
    """A field of words: the first column named so that holds words and says the same in all rows of an item."""
    for x in file.named(name):
        content = file.contents[x]
        if content.empty or content.times > MOSTLY or content.plain_numbers or not file.tells_of(x, c.ITEM):
            continue
        file.take(name, (x,))
        return


def find_image(file: FileColumns) -> None:
    """The address of a picture."""
    for x in file.named(c.IMAGE_URL):
        if file.contents[x].addresses and file.tells_of(x, c.ITEM):
            file.take(c.IMAGE_URL, (x,))
            return
    _take_by_content(file, c.IMAGE_URL, lambda content: content.pictures)


def find_available(file: FileColumns) -> None:
    """Whether the item can be bought."""
    for x in file.named(c.AVAILABLE):
        content = file.contents[x]
        vague = names.simple(x) in _VAGUE_STATES
        if content.empty or (vague and content.availability < 1) or (file.part == "events" and vague):
            continue
        if file.tells_of(x, c.ITEM):
            file.take(c.AVAILABLE, (x,))
            return
    _take_by_content(file, c.AVAILABLE, lambda content: content.stock)


def _take_by_content(file: FileColumns, name: str, fits: Callable[[Content], bool]) -> None:
    """Take the only column of a catalogue whose values fit, whatever it is called."""
    found = [x for x in file.left if fits(file.contents[x])] if file.part == "items" else []
    if len(found) == 1:
        file.take(name, found, BY_CONTENT)


def find_categories(file: FileColumns) -> None:
    """The category levels, widest first; names of categories before their numbers."""
    found = []
    for x in file.named(c.CATEGORY):
        content = file.contents[x]
        if content.empty or content.times > MOSTLY or content.addresses or not file.tells_of(x, c.ITEM):
            continue
        vague = names.simple(x) in _VAGUE_KINDS and len(content.different) < 2
        if vague or all(value.strip().lower() in NO_CATEGORIES for value in content.different):
            file.hints[x] = f"no categories: {content.different[0]!r}"
            continue
        found.append(x)
    words = [x for x in found if not file.contents[x].plain_numbers]
    for x in found:
        if words and x not in words:
            file.hints[x] = f"numbers of categories; {words[0]!r} names them"
    found = words or found
    if not found and file.part == "items":
        found = [
            x
            for x in file.left
            if file.contents[x].few and file.contents[x].texts and len(file.contents[x].filled) >= 10
        ]
        file.take(c.CATEGORY, found, BY_CONTENT) if found else None
        return
    if found:
        order = sorted(found, key=_width)
        file.take(c.CATEGORY, order)


def _own_texts(content: Content) -> bool:
    """Whether a column of users holds names or other texts, each its own; too few values say nothing."""
    return content.unique and content.texts and len(content.filled) >= ENOUGH_USERS


def find_attributes(file: FileColumns) -> None:
    """What is known of users: in a file of users every column left, in events those named so."""
    if file.part == "users":
        file.hints |= dict.fromkeys(file.named(c.USER), "another id of users")
        own = [x for x in file.left if _own_texts(file.contents[x])]
        file.hints |= dict.fromkeys(own, "texts, each its own: nothing is shared")
        found = [x for x in file.left if not file.contents[x].empty and x not in file.hints]
        because = "every other column of this file is one"
    else:
        found = [
            x
            for x in file.left
            if names.simple(x) in names.ATTRIBUTES and not file.contents[x].empty and file.tells_of(x, c.USER)
        ]
        because = BY_NAME
    if found:
        file.take(c.ATTRIBUTE, found, because)


def _width(header: str) -> int:
    """The place of a category level among the known ones, widest first."""
    simple = names.simple(header)
    return next((n for n, level in enumerate(WIDTHS) if simple in level), len(WIDTHS))

"""Messages that name options of commands, users and items, for a page: there they name what is on the page."""

import re

from recsys.utils import formatting as fmt

PART_TITLES = {"events": "Events", "items": "Products", "users": "Shoppers"}
_COLUMN = r"(?:'[^']*'|\"[^\"]*\"|\w+)"
_WORDS: tuple[tuple[str, str], ...] = (
    (r"^No user (['\"].*['\"]) in model '([^']*)'\.", r"Model \2 knows no shopper \1."),
    (r"^No item (['\"].*['\"]) in model '([^']*)'\.", r"Model \2 knows no product \1."),
    (r"--encoding NAME says otherwise", "say another one under “Encoding” where it is wrong"),
    (r"--encoding (?=['\"])", "Encoding "),
    (r"\(--sheet NAME reads it\)", "(“Sheet” chooses the one that is read)"),
    (r"set it with --weight [^=)]+=NUMBER", "set it under “Weights and filters” of an import"),
    (r"--weight .+?=0 leaves (it|them) out", r"the weight 0 under “Weights and filters” leaves \1 out"),
    (r"--weight .+?=NUMBER \(0 leaves it out\)", "“Weights and filters” changes that; 0 leaves it out"),
    (r"--drop-duplicates counts them once", "“Count equal rows once” counts them once"),
    (r"--anyway stores it all the same", "“Store it although files do not fit together” stores it all the same"),
    (r"Loosen --min-users and --min-items", "Lower the two numbers under “Weights and filters”"),
    (r"add one with --(items|users)", r"add a file under “\1”"),
    (r"name one with --(events|items|users) FILE", r"add one under “\1”"),
    (r"--timestamp-format (?=['\"])", "“Form of the times” "),
    (r"--skip (?=\d)", "“Lines above the header” "),
)


def page_words(message: str) -> str:
    """A message in the words of the pages.

    Options of the import become the boxes that do the same; what the message says beside them stays as it is.
    """
    text = message
    for pattern, words in _WORDS:
        text = re.sub(pattern, words, text)
    text = re.sub(r"--map (\w+)=(?=[\s).]|$)", _as_not_used, text)
    text = re.sub(rf"--map (?:(events|items|users)\.)?(\w+)=({_COLUMN})", _as_a_box, text)
    text = re.sub(r"(?<=”) (?=choose “)", " and ", text)
    return re.sub(r"“(events|items|users)”", lambda found: f"“{PART_TITLES[found[1]]}”", text)


_LABELS = {
    "Items and users": "Products and shoppers", "Users": "Shoppers", "Items": "Products",
    "Items per user": "Products per shopper", "Users per item": "Shoppers per product",
    "Items in several rows": "Products in several rows", "Users without events, not kept":
    "Shoppers without events, not kept",
}  # fmt: skip
_NOUNS = {"user": "shopper", "users": "shoppers", "item": "product", "items": "products"}
_NOUN = re.compile(r"""'[^']*'|"[^"]*"|(?<![\w./-])(users?|items?)(?![\w.=/-])""")
"""A noun to say otherwise; what stands in quotes is as the shop writes it."""

AS_WRITTEN = ("Files", "Kinds of events", "Accounts")
"""Sections of the report of an import that name files, columns and kinds as a shop writes them."""


def report_label(title: str) -> str:
    """A heading or label of the report of an import, for a page."""
    return _LABELS.get(title, title)


def report_value(value: str, section: str) -> str:
    """What stands beside a label of the report, for a page."""
    text = page_words(value)
    return text if section in AS_WRITTEN else _NOUN.sub(lambda found: _NOUNS.get(found[0], found[0]), text)


def _as_not_used(found: re.Match[str]) -> str:
    return f"choose “Not used” for what is taken as “{fmt.label(found[1])}”"


def _as_a_box(found: re.Match[str]) -> str:
    part, field, column = found.groups()
    which = "a column" if column == "COLUMN" else f"column {column}"
    return f"choose “{fmt.label(field)}” for {which}" + (f" of “{PART_TITLES[part]}”" if part else "")

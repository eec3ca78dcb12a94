"""The fields of events, items and users, and which column of a file is likely to hold them."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from recsys import columns as c
from recsys.errors import InvalidInput

EVENT_FIELDS = (c.USER, c.ITEM, c.TIMESTAMP, c.EVENT, c.QUANTITY, c.VALUE, c.PRICE, c.RATING)
ITEM_FIELDS = (c.ITEM, c.TITLE, c.CATEGORY, c.BRAND, c.PRICE, c.IMAGE_URL, c.AVAILABLE)
USER_FIELDS = (c.USER, c.ATTRIBUTE)
SEVERAL = (c.CATEGORY, c.ATTRIBUTE)
"""Fields that may be given as several columns: levels of categories from the widest on; attributes in any order."""

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
    c.PRICE: "Price of one",
    c.IMAGE_URL: "Address of a picture",
    c.AVAILABLE: "Whether it can be sold",
    c.ATTRIBUTE: "What is known of a user: age group, region",
}

_KNOWN: Mapping[str, tuple[str, ...]] = {
    c.USER: (
        "userid", "user", "customerid", "customer", "visitorid", "visitor", "householdid", "household", "householdkey",
        "clientid", "client", "memberid", "member", "shopperid", "shopper", "buyerid", "buyer", "accountid", "custid",
        "customerno", "customernumber", "reviewerid", "uid", "personid", "profileid", "sessionid", "cardid",
    ),
    c.ITEM: (
        "itemid", "item", "productid", "product", "stockcode", "sku", "articleid", "article", "asin", "parentasin",
        "movieid", "bookid", "isbn", "contentid", "goodsid", "productcode", "itemcode", "articlenumber", "iid", "upc",
        "ean", "gtin", "materialid", "variantid",
    ),
    c.TIMESTAMP: (
        "timestamp", "time", "datetime", "date", "invoicedate", "eventtime", "orderdate", "createdat", "purchasedate",
        "transactiondate", "transactiontimestamp", "eventdate", "eventtimestamp", "ts", "tdat", "unixtime",
        "unixreviewtime", "ordertimestamp", "day", "purchasedat", "orderedat", "reviewtime",
    ),
    c.EVENT: (
        "event", "eventtype", "action", "behavior", "behaviour", "behaviortype", "interaction", "eventname", "type",
    ),
    c.QUANTITY: ("quantity", "qty", "amount", "units", "count", "pieces", "numberofitems"),
    c.VALUE: (
        "value", "salesvalue", "sales", "revenue", "total", "totalprice", "linetotal", "spend", "paid", "money",
        "salesamount",
    ),
    c.RATING: ("rating", "stars", "score", "overall", "ratingvalue"),
    c.TITLE: ("title", "name", "itemname", "productname", "description", "prodname", "itemtitle", "producttitle"),
    c.CATEGORY: (
        "department", "departmentname", "productcategory", "category", "categories", "categoryname", "subcategory",
        "producttype", "producttypename", "productgroupname", "class", "subclass", "productsubclass", "type", "genre",
        "genres", "categorycode", "categoryid", "itemcategory", "maincategory", "aisle",
    ),
    c.BRAND: ("brand", "brandname", "manufacturer", "maker", "vendor"),
    c.PRICE: ("price", "unitprice", "listprice", "cost"),
    c.IMAGE_URL: ("imageurl", "image", "picture", "pictureurl", "img", "imgurl"),
    c.AVAILABLE: ("available", "instock", "active", "availability"),
}  # fmt: skip
_LEVELS = (
    ("department", "departmentname", "maincategory", "productgroupname"),
    ("category", "categories", "categoryname", "productcategory", "categorycode", "categoryid", "class", "aisle"),
    ("subcategory", "type", "producttype", "producttypename", "subclass", "productsubclass"),
)
"""Order of category columns, widest first."""

_ALL_KNOWN = frozenset(name for names in _KNOWN.values() for name in names)

Mapped = dict[str, tuple[str, ...]]
"""Field to the columns that hold it."""

GivenMapping = Mapping[str, Sequence[str]]
"""The same, as a user said it."""


def simple(header: str) -> str:
    """A header without case, blanks, punctuation and RecBole's type: "Customer ID" and "customer_id:token" agree."""
    return re.sub(r"[^a-z0-9]", "", header.lower().partition(":")[0])


def is_known_header(text: str) -> bool:
    """Whether a cell reads like the name of a column."""
    return simple(text) in _ALL_KNOWN


def suggest(headers: Sequence[str], part: str) -> Mapped:
    """Which column probably holds which field.

    Args:
        part: "events", "items" or "users".

    Returns:
        The fields found. In users, every other column is an attribute.
    """
    wanted = {"events": EVENT_FIELDS, "items": ITEM_FIELDS, "users": (c.USER,)}[part]
    left = {header: simple(header) for header in headers}
    found: Mapped = {}
    for field in wanted:
        matches = [h for known in _KNOWN[field] for h, s in left.items() if s == known]
        if not matches:
            continue
        chosen = sorted(dict.fromkeys(matches), key=_level_of) if field in SEVERAL else matches[:1]
        found[field] = tuple(chosen)
        for header in chosen:
            del left[header]
    if part == "users" and left:
        found[c.ATTRIBUTE] = tuple(left)
    return found


class NoColumn(InvalidInput):
    """No column of a file seems to hold a field that is needed.

    Attributes:
        where, field: the file and the field.
    """

    def __init__(self, where: str, field: str, there: str) -> None:
        super().__init__(
            f"{where} has no column that looks like {field}. {there} Say which one it is: --map {field}=COLUMN"
        )
        self.where, self.field = where, field


def mapping(headers: Sequence[str], part: str, given: GivenMapping, where: str, *, extra: bool = False) -> Mapped:
    """The suggestion, with what the user said on top; checked.

    Args:
        given: field to columns, as the user said; a field without columns is left out. Columns that this file does
            not have count for other files.
        where: name of the file, for messages.
        extra: events that also carry fields of items and users.

    Raises:
        NoColumn: a needed field that no column seems to hold; lists the columns there are and the nearest names.
    """
    fields = {"events": EVENT_FIELDS, "items": ITEM_FIELDS, "users": USER_FIELDS}[part]
    if extra:
        fields = tuple(dict.fromkeys((*fields, *ITEM_FIELDS, *USER_FIELDS)))
    found = suggest(headers, part)
    for field, wanted in given.items():
        here = tuple(column for column in wanted if column in headers)
        if field not in fields or (wanted and not here):
            continue
        for other, taken in list(found.items()):
            rest = tuple(x for x in taken if x not in here)
            if rest:
                found[other] = rest
            else:
                del found[other]
        if here:
            found[field] = here
        else:
            found.pop(field, None)
    for field in NEEDED[part]:
        if field not in found:
            raise NoColumn(where, field, _there(headers, field))
    return found


def check_columns(given: GivenMapping, files: Mapping[str, Sequence[str]]) -> None:
    """Refuse columns that no file has.

    Args:
        files: name of every file, to its headers.
    """
    for field, wanted in given.items():
        for column in wanted:
            if not any(column in headers for headers in files.values()):
                where, headers = next(iter(files.items()))
                place = where if len(files) == 1 else "No file"
                has = "has no column" if len(files) == 1 else "has a column"
                found = headers if len(files) == 1 else list(dict.fromkeys(x for h in files.values() for x in h))
                raise InvalidInput(f"{place} {has} {column!r} for {field}. {_there(found, column)}")


def check_given(given: GivenMapping) -> None:
    """Refuse fields that exist nowhere."""
    known = dict.fromkeys((*EVENT_FIELDS, *ITEM_FIELDS, *USER_FIELDS))
    for field in given:
        if field not in known:
            near = get_close_matches(field, known, n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise InvalidInput(f"There is no field {field!r} to map.{hint} Fields: {', '.join(known)}.")


def level_name(header: str, taken: Sequence[str]) -> str:
    """A column header as the name of a category level or attribute: lower case, no collision with other columns."""
    name = re.sub(r"\W+", "_", header.partition(":")[0].strip().lower()).strip("_") or "category"
    reserved = {c.ITEM, c.USER, c.TITLE, c.BRAND, c.PRICE, c.IMAGE_URL, c.AVAILABLE, *taken}
    candidate, number = name, 2
    while candidate in reserved:
        candidate, number = f"{name}_{number}", number + 1
    return candidate


def _level_of(header: str) -> int:
    return next((n for n, level in enumerate(_LEVELS) if simple(header) in level), len(_LEVELS))


def _there(headers: Sequence[str], wanted: str) -> str:
    shown = ", ".join(map(repr, headers[:30])) + (", ..." if len(headers) > 30 else "")
    lower = {header.lower(): header for header in headers}
    near = [lower[x] for x in get_close_matches(wanted.lower(), lower, n=3, cutoff=0.5)]
    hint = f" Nearest: {', '.join(map(repr, near))}." if near else ""
    return f"Columns found: {shown}.{hint}"

"""Events with several products in a row: lists in a cell, or a column for each product. Each product becomes a row."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from recsys import columns as c
from recsys.ingest import column_names as names
from recsys.ingest import duckdb_session
from recsys.ingest.cells.lists_of_items import APART, COUNTS, PARTS, Listing, likely_marks, listing, parts_of
from recsys.ingest.columns.column_content import HALF, MOSTLY, Content
from recsys.ingest.columns.recognise import Recognised
from recsys.ingest.columns.reshaped import table_of, text_table
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.files.sources import Source

LISTS = (
    "items", "products", "articles", "skus", "goods", "movies", "books", "basket", "cart", "lineitems", "orderitems",
    "itemlist", "productlist", "itemids", "productids", "skulist", "artikel", "produkte", "produits", "productos",
    "articulos", "prodotti", "articoli", "producten", "artikelen", "produtos", "produkty", "warenkorb", "panier",
    "carrito", "carrello", "winkelwagen", "koszyk", "contents", "contentids",
)  # fmt: skip
"""Names of columns that hold several products, beside the names of one."""

_OF_A_ROW = (c.QUANTITY, c.VALUE, c.PRICE)
_NUMBERED = re.compile(r"(.*?[^\d])(\d{1,3})")
_TOLD = (c.QUANTITY, c.VALUE, c.PRICE, c.TITLE, c.CATEGORY, c.BRAND)


@dataclass(frozen=True)
class Basket:
    """Where the products of a row are.

    Attributes:
        columns: one with lists, or one for each product.
        how: of lists; None where each product has a column.
        beside: name of the first to all columns that go along: one for each product as well, or lists of as many parts.
        fields: what the columns of products, and those beside them, are for certain.
    """

    columns: tuple[str, ...]
    how: Listing | None = None
    beside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def find(entry: Recognised, known: Callable[[], Collection[str]]) -> tuple[Basket | None, str]:
    """Where the products of a row are, if there are several for certain; and what is to be said where it is doubtful.

    Args:
        entry: a file of events, recognised as if each row had one product.
        known: gives the ids of the catalogue.
    """
    wide = _wide(entry)
    if wide is not None:
        return wide, ""
    taken = entry.mapped.get(c.ITEM, ())
    likely = taken[:1]
    if c.ITEM not in entry.stated and not any(names.rank(x, c.ITEM) is not None for x in taken):
        likely = (*(x for x in entry.source.columns if names.simple(x) in LISTS), *likely)
    for column in likely:
        values = entry.contents[column].filled
        how = listing(values, known)
        if how is not None:
            return Basket((column,), how, _lists_beside(entry, column, how), {c.ITEM: (column,)}), ""
        marks = [x for x in likely_marks(values) if x != " "]
        if marks and len(set(values)) > HALF * len(values):
            said = (
                f"most cells of {column!r} hold {marks[0]!r}, such as {values[0][:80]!r}, and are read as one product "
                "each, as their parts hardly repeat; if they list products, write one a row, or give the catalogue"
            )
            return None, said
    return None, ""


def _lists_beside(entry: Recognised, column: str, how: Listing) -> dict[str, tuple[str, ...]]:
    """Other columns whose cells list as many parts as the products, in every row with several."""
    sizes = [0 if x is None else len(parts_of(x, how.form)) for x in entry.contents[column].values]
    found: dict[str, tuple[str, ...]] = {}
    for other in entry.source.columns:
        values = entry.contents[other].values
        pairs = [(n, x) for n, x in zip(sizes, values, strict=True) if n > 1 and x is not None]
        if other != column and pairs and all(len(parts_of(x, how.mark)) == n for n, x in pairs):
            found[other] = (other,)
    return found


def _wide(entry: Recognised) -> Basket | None:
    """Columns such as `item_1`, `item_2`, or one name several times, each for one of the products of a row."""
    groups: dict[str, dict[int, str]] = {}
    for x in entry.source.columns:
        if found := _NUMBERED.fullmatch(x.strip()):
            groups.setdefault(found[1].strip(" _-.#"), {})[int(found[2])] = x
    for x in entry.source.columns:
        if x in groups:  # `item`, `item_2`, `item_3`: one name that stands several times
            groups[x].setdefault(1, x)
    best = [
        stem for stem, columns in groups.items()
        if len(columns) > 1 and min(columns) <= 1 and _is_item(stem) and _share_ids(entry, list(columns.values()))
    ]  # fmt: skip
    said = entry.mapped.get(c.ITEM, ()) if c.ITEM in entry.stated else ()
    if not best or (said and said[0] not in groups[best[0]].values()):
        return None
    stem = min(best, key=lambda x: names.rank(x, c.ITEM) or 0)
    numbers = sorted(groups[stem])
    products = tuple(groups[stem][n] for n in numbers)
    beside, fields = {}, {c.ITEM: products[:1]}
    for other, columns in groups.items():
        name = next((x for x in _TOLD if names.rank(other, x) is not None), None)
        if other != stem and numbers[0] in columns and name is not None:
            first = columns[numbers[0]]
            beside[first] = tuple(columns.get(n, "") for n in numbers)
            fields.setdefault(name, (first,))
    return Basket(products, None, beside, fields)


def _is_item(stem: str) -> bool:
    return names.rank(stem, c.ITEM) is not None or names.rank(stem, c.TITLE) is not None


def _share_ids(entry: Recognised, columns: list[str]) -> bool:
    """Whether the values of the columns after the first are those of others of them as well: other ids are not."""
    held = [set(entry.contents[x].different) for x in columns]
    filled = [x for x in held if x]
    if len(filled) < 2 or any(entry.contents[x].times > MOSTLY or entry.contents[x].money for x in columns):
        return False
    shared = [len(mine & set().union(*(x for x in filled if x is not mine))) / len(mine) for mine in filled]
    return sum(shared) >= HALF * len(shared)


def unfold(db: DuckSession, entry: Recognised, basket: Basket, number: int) -> tuple[Source, dict[str, str]]:
    """The events with a row for each product, as a table; and columns that are of the whole row, with the reason why
    they tell nothing of one product."""
    source, q = entry.source, duckdb_session.name
    raw = text_table(db, [source], f"baskets_{number}")
    first, table = basket.columns[0], f"unfolded_{number}"
    gone = {x for columns in (basket.columns, *basket.beside.values()) for x in columns} - {first, *basket.beside}
    kept = tuple(x for x in source.columns if x not in gone)
    single = [x for x in kept if x != first and x not in basket.beside]
    counts = "" if basket.how is None or not basket.how.counted else "pieces"
    while counts in source.columns:
        counts = f"{counts}_"
    if basket.how is None:
        structs = ", ".join(_struct(basket, place) for place in range(len(basket.columns)))
        lists = f"[x FOR x IN [{structs}] IF x.i IS NOT NULL AND trim(x.i) <> '']"
        each = f"CASE WHEN len({lists}) > 0 THEN {lists} ELSE [NULL] END"
        inner = f"SELECT *, unnest({each}) AS one_ FROM {raw}"
        named = [f"one_.i AS {q(first)}", *(f"one_.b{n} AS {q(x)}" for n, x in enumerate(basket.beside))]
    else:
        inner = _with_lists(raw, basket, basket.how, counts)
        named = [f"i_ AS {q(first)}", *(f"b{n}_ AS {q(x)}" for n, x in enumerate(basket.beside))]
        named += [f"nullif(n_, '') AS {q(counts)}"] if counts else []
    chosen = {first: named[0], **dict(zip(basket.beside, named[1:], strict=False))}
    wanted = [chosen.get(x, q(x)) for x in kept] + (named[-1:] if counts else [])
    db.run(f"CREATE TABLE {table} AS SELECT {', '.join(wanted)} FROM ({inner})")
    before, after = (db.one(f"SELECT count(*) FROM {x}")[0] for x in (raw, table))
    db.rows(f"DROP TABLE {raw}")
    where = f"{first!r} to {basket.columns[-1]!r}" if basket.how is None else f"{first!r}"
    note = f"several products stand in a row ({where}): each is an event; {before:,} rows became {after:,}"
    counted = source.made_of if source.kind == "table" else (source,)
    columns = (*kept, *([counts] if counts else []))
    found = table_of(table, source.shown, columns, [source], (*source.notes, note), counted)
    return found, {x: "it is of the whole row, not of one product" for x in single if _of_a_row(x, entry.contents[x])}


def _struct(basket: Basket, place: int) -> str:
    """SQL of one product of a row, with what stands beside it."""
    q = duckdb_session.name
    others = [columns[place] for columns in basket.beside.values()]
    beside = "".join(f", 'b{n}': {q(x) if x else 'CAST(NULL AS VARCHAR)'}" for n, x in enumerate(others))
    return f"{{'i': {q(basket.columns[place])}{beside}}}"


def _with_lists(raw: str, basket: Basket, how: Listing, counts: str) -> str:
    """SQL of the rows, once for each part of the list: i_ the product, b0_... what stands beside it, n_ how many."""
    q, form = duckdb_session.name, duckdb_session.text(how.form)
    apart = duckdb_session.text(APART)

    def parts(function: str, column: str, written: str) -> str:
        return f"string_split({function}({q(column)}, {written}), {apart})"

    mine = parts(PARTS, basket.columns[0], form)
    lists = [f"CASE WHEN len({mine}) > 0 THEN {mine} ELSE [NULL] END AS i_"]
    for n, other in enumerate(basket.beside):
        theirs = parts(PARTS, other, duckdb_session.text(how.mark))
        lists.append(f"CASE WHEN len({theirs}) = len({mine}) THEN {theirs} END AS b{n}_")
    if counts:
        lists.append(f"{parts(COUNTS, basket.columns[0], form)} AS n_")
    opened = ", ".join(f"unnest({x.rpartition(' AS ')[2]}) AS {x.rpartition(' AS ')[2]}" for x in lists)
    return f"SELECT * REPLACE ({opened}) FROM (SELECT *, {', '.join(lists)} FROM {raw})"


def _of_a_row(name: str, content: Content) -> bool:
    return content.rows_with_numbers > HALF and any(names.rank(name, x) is not None for x in _OF_A_ROW)


def doubtful(entry: Recognised, said: str) -> Recognised:
    """The file with a note on what may be several products."""
    return replace(entry, source=replace(entry.source, notes=(*entry.source.notes, said)))

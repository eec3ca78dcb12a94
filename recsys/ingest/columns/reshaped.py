"""Files that must be joined or turned before they are read: order lines beside orders, item properties one a row."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from recsys import columns as c
from recsys.errors import InvalidInput
from recsys.ingest import column_names as names
from recsys.ingest import duckdb_session
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.files.sources import UNREAD, Inputs, Source, move_rejects

KEYS = (
    "idorder", "orderkey", "idcommande", "idpedido", "idordine", "numerocommande", "numeropedido", "numeroordine",
    "ordernummer", "bestelnummer", "numerzamowienia", "vbeln", "belegnummer", "belegnr", "auftragsnr", "bestellnr",
    "orderid", "basketid", "transactionid", "invoiceno", "invoice", "invoiceid", "cartid", "sessionid", "ordernumber",
    "orderno", "purchaseid", "incrementid", "bestellnummer", "auftragsnummer", "commandeid",
)  # fmt: skip
"""Names of the column that order lines and orders share, the likeliest first."""

_OF_ANYTHING = (
    "reference", "referencia", "riferimento", "referentie", "ref", "symbol", "indeks", "handle", "bestellnummer",
    "bestellnr", "ordernummer", "bestelnummer",
)  # fmt: skip
"""Names of ids of items that number orders as well."""

_PROPERTIES = ("property", "attribute", "key", "field", "propertyname", "attributename", "attributecode")
_VALUES = ("value", "propertyvalue", "attributevalue")
_TOLD = (c.TITLE, c.CATEGORY, c.BRAND, c.PRICE, c.IMAGE_URL, c.AVAILABLE)
MOST_PROPERTIES = 5000


def reshaped(db: DuckSession, inputs: Inputs) -> Inputs:
    """The same inputs, with files that belong together as one source, a table of the database.

    Events whose files know items but no users are joined with those that know users but no items, by the column of the
    order that both have. Catalogues with a property and its value in each row get a column for each property.

    Raises:
        InvalidInput: order lines and orders share no column that names the order.
    """
    return replace(inputs, events=_joined(db, inputs.events), items=_wide(db, inputs.items))


def _knows(source: Source, field: str) -> bool:
    return any(
        names.rank(column, field) is not None and names.simple(column) not in _OF_ANYTHING for column in source.columns
    )


def _joined(db: DuckSession, events: tuple[Source, ...]) -> tuple[Source, ...]:
    lines = [s for s in events if _knows(s, c.ITEM) and not _knows(s, c.USER)]
    orders = [s for s in events if _knows(s, c.USER) and not _knows(s, c.ITEM)]
    if not lines or not orders or any(s.kind == "table" for s in events):
        return events
    found = []
    heads = text_table(db, orders, "order_heads")
    for number, source in enumerate(lines):
        alike = [x for x in source.columns if _same(x, orders[0])]
        key = next((x for name in KEYS for x in alike if names.simple(x) == name), None)
        if key is None:
            raise InvalidInput(
                f"{source.shown} knows items and {orders[0].shown} users, but no column names the order in both. "
                f"Give them one name, such as order_id. Columns found: {', '.join(map(repr, source.columns))} and "
                f"{', '.join(map(repr, orders[0].columns))}."
            )
        other = _same(key, orders[0]) or key
        kept = [x for x in orders[0].columns if x != other and x not in source.columns]
        mine = text_table(db, [source], f"order_lines_{number}")
        table = f"joined_{number}"
        wanted = ", ".join([*(f"l.{duckdb_session.name(x)}" for x in source.columns),
                            *(f"h.{duckdb_session.name(x)}" for x in kept)])  # fmt: skip
        db.run(
            f"CREATE TABLE {table} AS SELECT {wanted} FROM {mine} l "
            f"LEFT JOIN (SELECT * FROM {heads} QUALIFY row_number() OVER "
            f"(PARTITION BY {duckdb_session.name(other)} ORDER BY rowid) = 1) h "
            f"ON l.{duckdb_session.name(key)} = h.{duckdb_session.name(other)}"
        )
        db.rows(f"DROP TABLE {mine}")
        shown = f"{source.shown} with {' and '.join(x.shown for x in orders)}"
        notes = (*source.notes, f"its rows were joined with those of {orders[0].shown} by {key!r}")
        found.append(table_of(table, shown, (*source.columns, *kept), [source, *orders], notes,
                               [source] if number else [source, *orders]))  # fmt: skip
    others = [s for s in events if s not in lines and s not in orders]
    return (*found, *others)


def _same(column: str, other: Source) -> str | None:
    return next((x for x in other.columns if names.simple(x) == names.simple(column)), None)


def _wide(db: DuckSession, items: tuple[Source, ...]) -> tuple[Source, ...]:
    """Catalogues with a row for each property of an item, all of them together as one with a column for each."""
    long = [s for s in items if _long_form(s)]
    if not long:
        return items
    shape = _long_form(long[0])
    if shape is None:
        return items
    item, name, value, when = shape
    table = text_table(db, long, "properties")
    q = duckdb_session.name
    there = [
        str(x) for (x,) in db.rows(f"SELECT DISTINCT {q(name)} FROM {table} LIMIT {MOST_PROPERTIES}") if x is not None
    ]
    known = [x for x in sorted(there) if any(names.rank(x, field) is not None for field in _TOLD)]
    order = f"coalesce(try_cast({q(when)} AS DOUBLE), epoch(try_cast({q(when)} AS TIMESTAMP)), 0)" if when else "rowid"
    last = "".join(
        f", arg_max({q(value)}, ({order}, rowid)) FILTER ({q(name)} = {duckdb_session.text(x)}) AS {q(x)}"
        for x in known
    )
    db.run(f"CREATE TABLE wide_items AS SELECT {q(item)}{last} FROM {table} GROUP BY 1")
    db.rows(f"DROP TABLE {table}")
    note = f"each row is one property of an item; the last value of {len(known):,} of {len(there):,} properties is read"
    shown = " and ".join(s.shown for s in long)
    wide = table_of("wide_items", shown, (item, *known), long, (*long[0].notes, note), long)
    return (wide, *(s for s in items if s not in long))


def _long_form(source: Source) -> tuple[str, str, str, str | None] | None:
    """Columns of the item, the property, its value and its time, if a catalogue has a row for each property."""

    def named(among: Sequence[str]) -> str | None:
        return next((x for x in source.columns if names.simple(x) in among), None)

    item = next((x for x in source.columns if names.rank(x, c.ITEM) is not None), None)
    name, value = named(_PROPERTIES), named(_VALUES)
    if item is None or name is None or value is None or len(source.columns) > 6:
        return None
    return item, name, value, next((x for x in source.columns if names.rank(x, c.TIMESTAMP) is not None), None)


def text_table(db: DuckSession, sources: Sequence[Source], name: str) -> str:
    """Rows of files with the same columns, as text, in a table; lines that cannot be read go to the table `UNREAD`."""
    db.rows(f"CREATE TABLE IF NOT EXISTS {UNREAD} (path VARCHAR, line BIGINT, reason VARCHAR, value VARCHAR)")
    for number, source in enumerate(sources):
        wanted = ", ".join(
            f"{source.expression(x) if x in source.columns else 'NULL'} AS {duckdb_session.name(x)}"
            for x in sources[0].columns
        )
        begin = f"INSERT INTO {name}" if number else f"CREATE OR REPLACE TABLE {name} AS"
        db.run(f"{begin} SELECT {wanted} FROM {source.scan(rejects=source.kind == 'text')}")
        path = duckdb_session.text(str(source.path))
        db.rows(f"DELETE FROM {UNREAD} WHERE path = {path}")
        for unread in source.unread:
            values = (
                f"{path}, {unread.record}, {duckdb_session.text(unread.reason)}, {duckdb_session.text(unread.value)}"
            )
            db.rows(f"INSERT INTO {UNREAD} VALUES ({values})")
        move_rejects(db, source, UNREAD, path)
    return name


def table_of(
    table: str,
    shown: str,
    columns: Sequence[str],
    sources: Sequence[Source],
    notes: tuple[str, ...],
    counted: Sequence[Source],
) -> Source:
    """A table as a source; `counted` are the files whose lines that could not be read are counted with it."""
    size = sum(source.size for source in sources)
    return Source(
        shown, Path(table), "table", size, sources[0].encoding, tuple(columns), notes=notes, made_of=tuple(counted)
    )

"""Items: one row each, from the catalogue and from columns of the events."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recsys import columns as c
from recsys.ingest import duckdb_session
from recsys.ingest.cells.categories import category_sql, writing
from recsys.ingest.cells.html_entities import plain_text_sql
from recsys.ingest.cells.numbers import no_number_sql, number_sql
from recsys.ingest.cells.vocabulary import CAN_BE_SOLD, NO_OF_YES, no_value_sql
from recsys.ingest.columns.recognise import Recognised
from recsys.ingest.columns.recognition import Recognition, id_text
from recsys.ingest.customers import build_users
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.events.event_rows import has_commas
from recsys.ingest.events.staging import Staged, insert_files
from recsys.ingest.header_words import in_cents
from recsys.ingest.ids.id_encoder import id_sql
from recsys.ingest.schema import level_name

LONGEST = 500
"""Titles and values are cut to this many characters."""

LOOKED_AT = 20_000
"""Different categories from which it is told how they are written."""

WORDS_SHOWN = 20

_SEVERAL = "regexp_matches({0}, '[,;|\\s]\\s*[\"'']?(https?:)?//|^\\[')"
_FIRST = "nullif(regexp_extract({0}, '((?:https?:)?//.*?)(?:$|[\"''\\]\\s|;]|,\\s|,[\"'']|,https?:|,//)', 1), '')"
"""SQL: whether a cell holds several addresses of pictures, and the first of them."""

_TEXTS = (c.TITLE, c.BRAND, c.DESCRIPTION, c.IMAGE_URL, c.AVAILABLE)


@dataclass(frozen=True)
class Tables:
    """What was made of items and users.

    Attributes:
        category_levels, user_attributes: columns of the tables, as in a Dataset.
        facts: counts for the report.
        left_out: columns of users that make no attribute, and why.
        unknown_words: words of availability that are not known, to the items that have them.
        rows: part and number of a file to its rows, as read.
    """

    category_levels: tuple[str, ...]
    user_attributes: tuple[str, ...]
    facts: dict[str, int]
    left_out: dict[str, str]
    unknown_words: dict[str, int] = field(default_factory=dict)
    rows: dict[tuple[str, int], int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Level:
    """A category level: its name, and SQL of its value from the raw column of `known_items`."""

    name: str
    sql: str


@dataclass(frozen=True)
class _Number:
    """A column of numbers: its field, and its header; "" for that of the price, which each file names its own way."""

    field: str
    header: str = ""


def build(db: DuckSession, staged: Staged, recognised: Recognition) -> Tables:
    """Make the tables `items` and `users`, from `seen_items` and `seen_users`."""
    facts: dict[str, int] = {}
    rows: dict[tuple[str, int], int] = {}
    headers, texts, numbers = _raw_items(db, recognised.items, staged, rows)
    _gather(db, [f"r{n}" for n in range(len(headers))], [*texts, *(f"n{n}" for n in range(len(numbers)))])
    levels = _levels(db, headers, any(c.CATEGORY in x.stated for x in (*recognised.items, *recognised.events)))
    _items(db, levels, texts, numbers)
    _count(db, facts, c.TITLE in texts)
    unknown = _unknown_words(db) if c.AVAILABLE in texts else {}
    attributes, left_out = build_users(db, recognised.users, staged, facts, rows)
    return Tables(tuple(level.name for level in levels), attributes, facts, left_out, unknown, rows)


def write(db: DuckSession, table: str, path: Path) -> None:
    """One of the tables as Parquet."""
    key = c.ITEM if table == "items" else c.USER
    db.run(
        f"COPY (SELECT * FROM {table} ORDER BY {key}) TO {duckdb_session.text(path)} (FORMAT parquet, COMPRESSION zstd)"
    )


def _raw_items(
    db: DuckSession, entries: Sequence[Recognised], staged: Staged, rows: dict[tuple[str, int], int]
) -> tuple[list[str], list[str], list[_Number]]:
    """Make `raw_items`: item_id and what its rows say, as text or number, maybe several rows per item.

    Returns:
        headers of category columns, of which number n is the column rn; texts there are; columns of numbers, of which
        number n is the column nn.
    """
    from_events = {name: {h: x for x, (f, h) in staged.extras.items() if f == name} for name in (*_TEXTS, c.CATEGORY)}
    headers = list(
        dict.fromkeys([h for x in entries for h in x.mapped.get(c.CATEGORY, ())] + [*from_events[c.CATEGORY]])
    )
    texts = [name for name in _TEXTS if any(name in x.mapped for x in entries) or from_events[name]]
    numbers = [_Number(c.PRICE)] if any(c.PRICE in x.mapped for x in entries) else []
    numbers += [_Number(c.NUMBER, h) for h in dict.fromkeys(h for x in entries for h in x.mapped.get(c.NUMBER, ()))]
    shape = [f"r{n} VARCHAR" for n in range(len(headers))] + [f"{x} VARCHAR" for x in texts]
    shape += [f"n{n} DOUBLE" for n in range(len(numbers))]
    db.rows(f"CREATE TABLE raw_items ({', '.join([f'{c.ITEM} VARCHAR', 'told BOOLEAN', 'bad_price BOOLEAN', *shape])})")
    insert_files(db, "items", entries, lambda entry: _select(db, entry, headers, texts, numbers), rows)
    parts = [
        f"arg_min({from_events[c.CATEGORY][h]}, rowid)" if h in from_events[c.CATEGORY] else "NULL" for h in headers
    ]
    parts += [
        f"left(arg_min({next(iter(from_events[x].values()))}, rowid), {LONGEST})" if from_events[x] else "NULL"
        for x in texts
    ]
    if any(part != "NULL" for part in parts):
        wanted = "".join(f", e{n}" for n in range(len(parts))) + ", NULL" * len(numbers)
        made = ", ".join(f"{part} AS e{n}" for n, part in enumerate(parts))
        db.run(
            f"INSERT INTO raw_items SELECT id, false, false{wanted} FROM (SELECT i, {made} FROM staged "
            "WHERE reason = 0 GROUP BY i) JOIN item_ids ON h = i"
        )
    return headers, texts, numbers


def _select(
    db: DuckSession, entry: Recognised, headers: Sequence[str], texts: Sequence[str], numbers: Sequence[_Number]
) -> str:
    source, part = entry.source, entry.mapped
    columns = [source.expression(h) if h in part.get(c.CATEGORY, ()) else "NULL" for h in headers]
    columns += [
        f"left({_said(name, f'trim({source.expression(part[name][0])})')}, {LONGEST})" if name in part else "NULL"
        for name in texts
    ]
    bad = ["false"]
    for column in numbers:
        found = [h for h in part.get(column.field, ()) if column.header in ("", h)]
        if not found:
            columns.append("NULL")
            continue
        header, raw = found[0], source.expression(found[0])
        if len(found) > 1:
            raw = f"coalesce({', '.join(no_value_sql(source.expression(h)) for h in found)})"
        number = number_sql(raw, comma=has_commas(db, entry, header))
        number = f"({number}) / 100" if column.field == c.PRICE and in_cents(header) else number
        columns.append(f"CASE WHEN {number} >= 0 THEN {number} END" if column.field == c.PRICE else number)
        bad += [f"coalesce({number} < 0, false)"] if column.field == c.PRICE else []
        bad.append(no_number_sql(raw, number))
    scan = source.scan(rejects=source.kind == "text")
    told = ", ".join(["true", " OR ".join(bad), *columns])
    return f"SELECT {id_sql(id_text(entry, c.ITEM))}, {told} FROM {scan}"


def _said(name: str, text: str) -> str:
    """SQL of a text that says something; words for no value such as `not available` do, of what can be sold."""
    if name == c.IMAGE_URL:
        return f"CASE WHEN {_SEVERAL} THEN {_FIRST} ELSE {no_value_sql('{0}')} END".replace("{0}", text)
    if name != c.AVAILABLE:
        return no_value_sql(text)
    return f"CASE WHEN {CAN_BE_SOLD}({text}) IS NULL THEN {no_value_sql(text)} ELSE {text} END"


def _gather(db: DuckSession, raw: Sequence[str], others: Sequence[str]) -> None:
    """Make `known_items`: of each item the first value of each column, and how many rows tell of it."""
    names = [*raw, *others]
    first = "".join(f", arg_min({x}, rowid) AS {x}" for x in names)
    differ = " OR ".join(f"count(DISTINCT {x}) FILTER (told) > 1" for x in names) or "false"
    db.run(
        f"CREATE TABLE known_items AS SELECT {c.ITEM}, count(*) FILTER (told) AS n, ({differ}) AS differ{first} "
        f"FROM raw_items WHERE {c.ITEM} IS NOT NULL GROUP BY {c.ITEM}"
    )


def _levels(db: DuckSession, headers: Sequence[str], stated: bool) -> list[_Level]:
    """The category levels, the widest first: by how many names each has, unless the user gave the order."""
    blocks: list[tuple[int, list[_Level]]] = []
    taken: list[str] = []
    for number, header in enumerate(headers):
        values = db.rows(f"SELECT DISTINCT r{number} FROM known_items WHERE r{number} IS NOT NULL LIMIT {LOOKED_AT}")
        how = writing(sorted(str(x) for (x,) in values))
        base = c.CATEGORY if len(headers) == 1 else level_name(header, taken)
        block = []
        for place in range(1, how.levels + 1):
            name = base if place == 1 else level_name(f"{base}_{place}", taken)
            taken.append(name)
            block.append(_Level(name, f"left({category_sql(f'r{number}', how, place)}, {LONGEST})"))
        wide = db.one(f"SELECT count(DISTINCT {block[0].sql}) FROM known_items")[0]
        blocks.append((wide, block))
    if not stated:
        blocks.sort(key=lambda entry: entry[0])
    return [level for wide, block in blocks for level in block]


def _items(db: DuckSession, levels: Sequence[_Level], texts: Sequence[str], numbers: Sequence[_Number]) -> None:
    """Make `items`: those that somebody knows or bought."""
    columns = [
        f"coalesce({plain_text_sql('k.title')}, {c.ITEM}) AS title" if c.TITLE in texts else f"{c.ITEM} AS title"
    ]
    columns += [
        f"coalesce({x.sql}, {duckdb_session.text(c.UNCATEGORISED)}) AS {duckdb_session.name(x.name)}" for x in levels
    ]
    columns += [f"{plain_text_sql(f'k.{x}')} AS {x}" for x in texts if x in (c.BRAND, c.DESCRIPTION)]
    columns += [f"k.{x}" for x in texts if x == c.IMAGE_URL]
    taken = [level.name for level in levels]
    for place, number in enumerate(numbers):
        taken.append(level_name(number.header, taken) if number.header else number.field)
        columns.append(f"k.n{place} AS {duckdb_session.name(taken[-1])}")
    if c.AVAILABLE in texts:
        flags = ", ".join(duckdb_session.text(x) for x in NO_OF_YES)
        words = f"lower(trim({c.AVAILABLE}))"
        others = db.one(
            f"SELECT count(*) FROM known_items WHERE {c.AVAILABLE} IS NOT NULL AND {words} NOT IN ({flags})"
        )[0]
        blank = "CASE WHEN k.n > 0 THEN 'false' ELSE 'true' END" if not others else "'true'"
        columns.append(
            f"CASE WHEN k.{c.AVAILABLE} IS NULL THEN {blank} "
            f"ELSE coalesce({CAN_BE_SOLD}(k.{c.AVAILABLE}), 'false') END AS {c.AVAILABLE}"
        )
    db.run(
        f"CREATE TABLE items AS SELECT {c.ITEM}, {', '.join(columns)} FROM known_items k "
        f"FULL JOIN (SELECT id AS {c.ITEM} FROM seen_items) s USING ({c.ITEM}) WHERE k.n > 0 OR s.{c.ITEM} IS NOT NULL"
    )


def _count(db: DuckSession, facts: dict[str, int], titles: bool) -> None:
    twice, disagree, known = db.one(
        "SELECT count(*) FILTER (n > 1), count(*) FILTER (n > 1 AND differ), count(*) FILTER (n > 0) FROM known_items"
    )
    facts["catalogue_items"] = known
    facts["catalogue_items_twice"] = twice
    facts["catalogue_items_that_disagree"] = disagree
    facts["catalogue_rows_without_id"] = db.one(f"SELECT count(*) FROM raw_items WHERE told AND {c.ITEM} IS NULL")[0]
    facts["prices_not_readable"] = db.one("SELECT count(*) FROM raw_items WHERE bad_price")[0]
    if titles:
        facts["catalogue_items_without_title"] = db.one(
            "SELECT count(*) FROM known_items WHERE n > 0 AND title IS NULL"
        )[0]
    told = f"(SELECT {c.ITEM} FROM known_items WHERE n > 0)"
    facts["items_only_in_events"] = db.one(f"SELECT count(*) FROM seen_items WHERE id NOT IN {told}")[0]
    facts["items_only_in_catalogue"] = db.one(
        f"SELECT count(*) FROM {told} WHERE {c.ITEM} NOT IN (SELECT id FROM seen_items)"
    )[0]


def _unknown_words(db: DuckSession) -> dict[str, int]:
    """Words of availability that are not known, to the items that have them."""
    rows: list[tuple[Any, ...]] = db.rows(
        f"SELECT {c.AVAILABLE}, count(*) FROM known_items WHERE {c.AVAILABLE} IS NOT NULL AND "
        f"{CAN_BE_SOLD}({c.AVAILABLE}) IS NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {WORDS_SHOWN}"
    )
    return {str(word): int(n) for word, n in rows}

"""Items and users: one row each, from their files and from columns of the events."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recsys import columns as c
from recsys.ingest import duckdb_session
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.id_encoder import id_sql
from recsys.ingest.schema import GivenMapping, Mapped, level_name, mapping
from recsys.ingest.sources import Source
from recsys.ingest.staging import Staged, comma_sql, keep_rejects, number_sql

MOST_VALUES = 200
"""A column of users with more different values than this is no attribute: nothing is shared."""

MOST_LEVELS = 4
NOT_AVAILABLE = ("false", "no", "n", "f", "0", "0.0", "out of stock", "inactive")
LONGEST = 500
"""Titles and values are cut to this many characters."""


@dataclass(frozen=True)
class Tables:
    """What was made of items and users.

    Attributes:
        category_levels, user_attributes: columns of the tables, as in a Dataset.
        facts: counts for the report.
        left_out: columns of users that make no attribute, and why.
    """

    category_levels: tuple[str, ...]
    user_attributes: tuple[str, ...]
    facts: dict[str, int]
    left_out: dict[str, str]


def build(
    db: DuckSession, staged: Staged, items: Sequence[Source], users: Sequence[Source], given: GivenMapping
) -> Tables:
    """Make the tables `items` and `users`, from `seen_items` and `seen_users`."""
    facts: dict[str, int] = {}
    levels, others = _item_columns(db, items, staged, given)
    _merge_items(db, levels, others, facts)
    attributes, left_out = _users(db, users, staged, given, facts)
    return Tables(levels, attributes, facts, left_out)


def write(db: DuckSession, table: str, path: Path) -> None:
    """One of the tables as Parquet."""
    key = c.ITEM if table == "items" else c.USER
    db.run(
        f"COPY (SELECT * FROM {table} ORDER BY {key}) TO {duckdb_session.text(path)} (FORMAT parquet, COMPRESSION zstd)"
    )


def _item_columns(
    db: DuckSession, sources: Sequence[Source], staged: Staged, given: GivenMapping
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Make `raw_items` (item_id and every column, as text or number, maybe several rows per item)."""
    mapped = [mapping(s.columns, "items", given, s.shown) for s in sources]
    from_events = {name: [x for x, (f, _) in staged.extras.items() if f == name] for name in (c.TITLE, c.CATEGORY,
                   c.BRAND, c.IMAGE_URL, c.AVAILABLE)}  # fmt: skip
    levels: dict[str, str] = {}
    for header in [h for part in mapped for h in part.get(c.CATEGORY, ())] + [
        header for name, header in staged.extras.values() if name == c.CATEGORY
    ]:
        if header not in levels:
            levels[header] = level_name(header, list(levels.values()))
    if len(levels) == 1:
        levels = dict.fromkeys(levels, c.CATEGORY)
    texts = [
        x for x in (c.TITLE, c.BRAND, c.IMAGE_URL, c.AVAILABLE) if any(x in part for part in mapped) or from_events[x]
    ]
    with_price = any(c.PRICE in part for part in mapped)
    shape = [f"{duckdb_session.name(x)} VARCHAR" for x in (*levels.values(), *texts)] + (
        ["price DOUBLE"] if with_price else []
    )
    db.rows(f"CREATE TABLE raw_items ({c.ITEM} VARCHAR, {', '.join(['bad_price BOOLEAN', *shape])})")
    for number, (source, part) in enumerate(zip(sources, mapped, strict=True)):
        db.run(f"INSERT INTO raw_items {_items_select(db, source, part, levels, texts, with_price)}")
        keep_rejects(db, "items", number)
    if not sources and (staged.extras or levels):
        columns = {h: x for x, (name, h) in staged.extras.items() if name == c.CATEGORY}
        parts = [_category_sql(f"arg_min({columns[header]}, rowid)") for header in levels]
        parts += [f"left(arg_min({from_events[name][0]}, rowid), {LONGEST})" for name in texts]
        if parts:
            wanted = ", ".join(f"e{n}" for n in range(len(parts)))
            made = ", ".join(f"{part} AS e{n}" for n, part in enumerate(parts))
            db.run(
                f"INSERT INTO raw_items SELECT id, false, {wanted} FROM (SELECT i, {made} FROM staged "
                "WHERE reason = 0 GROUP BY i) JOIN item_ids ON h = i"
            )
    names = _split_paths(db, tuple(levels.values()))
    return names, (*texts, *([c.PRICE] if with_price else []))


def _items_select(
    db: DuckSession, source: Source, part: Mapped, levels: dict[str, str], texts: Sequence[str], with_price: bool
) -> str:
    columns = [
        _category_sql(source.expression(header)) if header in part.get(c.CATEGORY, ()) else "NULL" for header in levels
    ]
    columns += [
        f"left(nullif(trim({source.expression(part[name][0])}), ''), {LONGEST})" if name in part else "NULL"
        for name in texts
    ]
    bad = "false"
    if c.PRICE in part:
        raw = source.expression(part[c.PRICE][0])
        price = number_sql(raw, decimal_comma=comma_sql(db, source, part[c.PRICE][0]))
        columns.append(f"CASE WHEN isfinite({price}) AND {price} >= 0 THEN {price} END")
        bad = f"{raw} IS NOT NULL AND coalesce(NOT isfinite({price}) OR {price} < 0, true)"
    elif with_price:
        columns.append("NULL")
    scan = source.scan(rejects=source.kind == "text")
    more = "".join(f", {x}" for x in columns)
    return f"SELECT {id_sql(source.expression(part[c.ITEM][0]))}, {bad}{more} FROM {scan}"


def _category_sql(text: str) -> str:
    """One or several names, several separated by "|" without blanks around; NULL where there is none."""
    parts = f"list_filter(list_transform(string_split({text}, '{c.SEPARATOR}'), lambda x: trim(x)), lambda x: x <> '')"
    return f"left(nullif(array_to_string({parts}, '{c.SEPARATOR}'), ''), {LONGEST})"


def _split_paths(db: DuckSession, levels: tuple[str, ...]) -> tuple[str, ...]:
    """One column of paths such as "Home > Kitchen > Pans" becomes a column for every level."""
    if len(levels) != 1:
        return levels
    column = duckdb_session.name(levels[0])
    paths, known, deepest = db.one(
        f"SELECT count(*) FILTER (contains({column}, '>')), count({column}), max(len(string_split({column}, '>'))) "
        "FROM raw_items"
    )
    if not known or paths < known / 2:
        return levels
    names = [levels[0]] + [f"{levels[0]}_{n}" for n in range(2, min(deepest, MOST_LEVELS) + 1)]
    for number, name in enumerate(names[1:], start=2):
        db.rows(f"ALTER TABLE raw_items ADD COLUMN {duckdb_session.name(name)} VARCHAR")
        db.rows(
            f"UPDATE raw_items SET {duckdb_session.name(name)} = "
            f"nullif(trim(string_split({column}, '>')[{number}]), '')"
        )
    db.rows(f"UPDATE raw_items SET {column} = nullif(trim(string_split({column}, '>')[1]), '')")
    return tuple(names)


def _merge_items(db: DuckSession, levels: Sequence[str], others: Sequence[str], facts: dict[str, int]) -> None:
    names = [duckdb_session.name(x) for x in (*levels, *others)]
    first = "".join(f", arg_min({x}, rowid) AS {x}" for x in names)
    differ = " OR ".join(f"count(DISTINCT {x}) > 1" for x in names) or "false"
    db.run(
        f"CREATE TABLE known_items AS SELECT {c.ITEM}, count(*) AS n, ({differ}) AS differ{first} FROM raw_items "
        f"WHERE {c.ITEM} IS NOT NULL GROUP BY {c.ITEM}"
    )
    columns = [f"coalesce(k.title, {c.ITEM}) AS title" if c.TITLE in others else f"{c.ITEM} AS title"]
    columns += [
        f"coalesce(k.{duckdb_session.name(x)}, {duckdb_session.text(c.UNCATEGORISED)}) AS {duckdb_session.name(x)}"
        for x in levels
    ]
    columns += [f"k.{duckdb_session.name(x)}" for x in others if x not in (c.TITLE, c.AVAILABLE)]
    if c.AVAILABLE in others:
        no = ", ".join(duckdb_session.text(x) for x in NOT_AVAILABLE)
        columns.append(f"CASE WHEN lower(k.{c.AVAILABLE}) IN ({no}) THEN 'false' ELSE 'true' END AS {c.AVAILABLE}")
    db.run(
        f"CREATE TABLE items AS SELECT {c.ITEM}, {', '.join(columns)} FROM known_items k "
        f"FULL JOIN (SELECT id AS {c.ITEM} FROM seen_items) s USING ({c.ITEM})"
    )
    twice, disagree = db.one("SELECT count(*) FILTER (n > 1), count(*) FILTER (n > 1 AND differ) FROM known_items")
    facts["catalogue_items"] = db.one("SELECT count(*) FROM known_items")[0]
    facts["catalogue_items_twice"] = twice
    facts["catalogue_items_that_disagree"] = disagree
    facts["catalogue_rows_without_id"] = db.one(f"SELECT count(*) FROM raw_items WHERE {c.ITEM} IS NULL")[0]
    facts["prices_not_readable"] = db.one("SELECT count(*) FROM raw_items WHERE bad_price")[0]
    facts["items_only_in_events"] = db.one(
        f"SELECT count(*) FROM seen_items WHERE id NOT IN (SELECT {c.ITEM} FROM known_items)"
    )[0]
    facts["items_only_in_catalogue"] = db.one(
        f"SELECT count(*) FROM known_items WHERE {c.ITEM} NOT IN (SELECT id FROM seen_items)"
    )[0]


def _users(
    db: DuckSession, sources: Sequence[Source], staged: Staged, given: GivenMapping, facts: dict[str, int]
) -> tuple[tuple[str, ...], dict[str, str]]:
    mapped = [mapping(s.columns, "users", given, s.shown) for s in sources]
    headers = dict.fromkeys(h for part in mapped for h in part.get(c.ATTRIBUTE, ()))
    from_events = {h: x for x, (name, h) in staged.extras.items() if name == c.ATTRIBUTE}
    names: dict[str, str] = {}
    for header in (*headers, *from_events):
        names[header] = level_name(header, list(names.values()))
    shape = "".join(f", {duckdb_session.name(name)} VARCHAR" for name in names.values())
    db.rows(f"CREATE TABLE raw_users ({c.USER} VARCHAR{shape})")
    for number, (source, part) in enumerate(zip(sources, mapped, strict=True)):
        columns = "".join(
            f", left({id_sql(source.expression(h))}, {LONGEST})" if h in part.get(c.ATTRIBUTE, ()) else ", NULL"
            for h in names
        )
        scan = source.scan(rejects=source.kind == "text")
        db.run(f"INSERT INTO raw_users SELECT {id_sql(source.expression(part[c.USER][0]))}{columns} FROM {scan}")
        keep_rejects(db, "users", number)
    if from_events:
        columns = "".join(
            f", {f'arg_min({from_events[header]}, rowid)' if header in from_events else 'NULL'} AS e{n}"
            for n, header in enumerate(names)
        )
        wanted = "".join(f", e{n}" for n in range(len(names)))
        db.run(
            f"INSERT INTO raw_users SELECT id{wanted} FROM (SELECT u{columns} FROM staged WHERE reason = 0 GROUP BY u) "
            "JOIN user_ids ON h = u"
        )
    left_out: dict[str, str] = {}
    for header, name in list(names.items()):
        values = db.one(f"SELECT count(DISTINCT {duckdb_session.name(name)}) FROM raw_users")[0]
        if not 2 <= values <= MOST_VALUES:
            left_out[header] = f"{values:,} different values"
            del names[header]
    first = "".join(f", arg_min({duckdb_session.name(x)}, rowid) AS {duckdb_session.name(x)}" for x in names.values())
    picked = "".join(f", k.{duckdb_session.name(x)}" for x in names.values())
    db.run(
        f"CREATE TABLE users AS SELECT s.{c.USER}{picked} FROM (SELECT id AS {c.USER} FROM seen_users) s LEFT JOIN "
        f"(SELECT {c.USER}{first} FROM raw_users WHERE {c.USER} IS NOT NULL GROUP BY {c.USER}) k USING ({c.USER})"
    )
    facts["users_without_events"] = db.one(
        f"SELECT count(DISTINCT {c.USER}) FROM raw_users WHERE {c.USER} NOT IN (SELECT id FROM seen_users)"
    )[0]
    return tuple(names.values()), left_out

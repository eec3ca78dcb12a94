"""Users: one row each, from their files and from columns of the events."""

from collections.abc import Sequence

from recsys import columns as c
from recsys.ingest import duckdb_session
from recsys.ingest.cells.vocabulary import NO_OF_YES, no_value_sql
from recsys.ingest.columns.recognise import Recognised
from recsys.ingest.columns.recognition import id_text
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.events.staging import Staged, insert_files
from recsys.ingest.ids.id_encoder import id_sql
from recsys.ingest.schema import level_name
from recsys.utils import formatting

MOST_VALUES = 200
"""A column of users with more different values than this is no attribute: nothing is shared."""

LONGEST = 500


def build_users(
    db: DuckSession,
    entries: Sequence[Recognised],
    staged: Staged,
    facts: dict[str, int],
    rows: dict[tuple[str, int], int],
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Make the table `users`; gives the names of attributes, and columns that make none, with the reason."""
    from_events = {h: x for x, (name, h) in staged.extras.items() if name == c.ATTRIBUTE}
    names: dict[str, str] = {}
    for header in dict.fromkeys([*(h for x in entries for h in x.mapped.get(c.ATTRIBUTE, ())), *from_events]):
        names[header] = level_name(header, list(names.values()))
    shape = "".join(f", {duckdb_session.name(name)} VARCHAR" for name in names.values())
    db.rows(f"CREATE TABLE raw_users ({c.USER} VARCHAR{shape})")
    insert_files(db, "users", entries, lambda entry: _select(entry, names), rows)
    if entries:
        facts["users_told"] = db.one(f"SELECT count(DISTINCT {c.USER}) FROM raw_users")[0]
        facts["user_rows_without_id"] = db.one(f"SELECT count(*) FROM raw_users WHERE {c.USER} IS NULL")[0]
        facts["users_met"] = db.one(
            f"SELECT count(DISTINCT {c.USER}) FROM raw_users WHERE {c.USER} IN (SELECT id FROM seen_users)"
        )[0]
    if entries and names:
        differ = " OR ".join(f"count(DISTINCT {duckdb_session.name(x)}) > 1" for x in names.values())
        told = f"SELECT 1 FROM raw_users WHERE {c.USER} IS NOT NULL GROUP BY {c.USER} HAVING {differ}"
        facts["users_that_disagree"] = db.one(f"SELECT count(*) FROM ({told})")[0]
    if from_events:
        _from_events(db, from_events, names)
    left_out = _without_attributes(db, names)
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


def _select(entry: Recognised, names: dict[str, str]) -> str:
    source = entry.source
    columns = "".join(
        f", left({no_value_sql(source.expression(h))}, {LONGEST})"
        if h in entry.mapped.get(c.ATTRIBUTE, ())
        else ", NULL"
        for h in names
    )
    scan = source.scan(rejects=source.kind == "text")
    return f"SELECT {id_sql(id_text(entry, c.USER))}{columns} FROM {scan}"


def _from_events(db: DuckSession, from_events: dict[str, str], names: dict[str, str]) -> None:
    columns = "".join(
        f", {f'arg_min({from_events[header]}, rowid)' if header in from_events else 'NULL'} AS e{n}"
        for n, header in enumerate(names)
    )
    wanted = "".join(f", e{n}" for n in range(len(names)))
    db.run(
        f"INSERT INTO raw_users SELECT id{wanted} FROM (SELECT u{columns} FROM staged WHERE reason = 0 GROUP BY u) "
        "JOIN user_ids ON h = u"
    )


def _without_attributes(db: DuckSession, names: dict[str, str]) -> dict[str, str]:
    """Take columns out of which nothing is shared: too many different values, or one.

    Where the only value is a word for yes, a blank is the word for no.
    """
    left_out: dict[str, str] = {}
    for header, name in list(names.items()):
        column = duckdb_session.name(name)
        values, only, blank = db.one(
            f"SELECT count(DISTINCT {column}), any_value({column}), count(*) FILTER ({column} IS NULL) FROM raw_users"
        )
        no = NO_OF_YES.get(str(only).strip().lower())
        if values == 1 and blank and no:
            db.rows(f"UPDATE raw_users SET {column} = {duckdb_session.text(no)} WHERE {column} IS NULL")
        elif not 2 <= values <= MOST_VALUES:
            left_out[header] = formatting.plural(values, "different value")
            del names[header]
    return left_out

"""The ids in files of events, gathered once: rows then carry a number for each instead of text."""

from collections.abc import Sequence
from dataclasses import dataclass

from recsys import columns as c
from recsys import duck
from recsys.duck import Duck, OnFraction
from recsys.errors import InvalidInput
from recsys.fields import Mapped
from recsys.sources import Source

MOST_KINDS = 50
MISSING = ("nan", "NaN", "NULL", "null", "None", "<NA>", "\\N")
"""What programs write for a missing value; as an id they count as empty."""

MOST_LISTED = 20
"""Ways of writing a missing id, or kinds of events before blanks and case are taken off, that a statement may list."""


@dataclass(frozen=True)
class Identities:
    """All ids of the events, each once, in the tables `user_ids` and `item_ids`: id, and h, a hash that no other has.

    Attributes:
        salts: of the hashes of users and of items: the first number with which no two ids have the same.
        missing: texts that stand for a missing user or item; None where there are too many to list.
        kinds: kinds of events; the first is the empty one.
        written: kinds as they stand in the files, to their place in `kinds`.
    """

    salts: tuple[int, int]
    missing: tuple[tuple[str, ...] | None, tuple[str, ...] | None]
    kinds: tuple[str, ...]
    written: dict[str, int]

    def user_sql(self, text: str) -> str:
        """SQL of the hash of a user's id; NULL where there is none."""
        return self._hash(text, 0)

    def item_sql(self, text: str) -> str:
        """SQL of the hash of an item's id; NULL where there is none."""
        return self._hash(text, 1)

    def kind_sql(self, text: str) -> str:
        """SQL of the place in `kinds`."""
        if not self.written:
            return "0"
        if len(self.written) > MOST_LISTED:
            cases = " ".join(f"WHEN {duck.text(kind)} THEN {place}" for place, kind in enumerate(self.kinds))
            return f"CASE coalesce(lower(trim({text})), '') {cases} END"
        cases = " ".join(f"WHEN {duck.text(kind)} THEN {place}" for kind, place in self.written.items())
        return f"CASE {text} {cases} ELSE 0 END"

    def _hash(self, text: str, side: int) -> str:
        missing = self.missing[side]
        if missing is None:
            return f"CASE WHEN {id_sql(text)} IS NOT NULL THEN {hash_sql(text, self.salts[side])} END"
        no = f"{text} IS NULL" + (f" OR {text} IN ({', '.join(map(duck.text, missing))})" if missing else "")
        return f"CASE WHEN {no} THEN NULL ELSE {hash_sql(text, self.salts[side])} END"


def gather(db: Duck, sources: Sequence[Source], mapped: Sequence[Mapped], on_fraction: OnFraction) -> Identities:
    """Read the ids and kinds of all sources, and make `user_ids` and `item_ids`.

    Raises:
        InvalidInput: the column of kinds holds more than `MOST_KINDS`.
    """
    with_kinds = any(c.EVENT in part for part in mapped)
    scans = []
    for source, part in zip(sources, mapped, strict=True):
        kind = source.expression(part[c.EVENT][0]) if c.EVENT in part else "NULL"
        user, item = (source.expression(part[x][0]) for x in (c.USER, c.ITEM))
        scans.append(f"SELECT {user} AS u, {item} AS i, CAST({kind} AS VARCHAR) AS k FROM {source.scan()}")
    sets = "(u), (i)" + (", (k)" if with_kinds else "")
    db.run(
        f"CREATE TABLE found AS SELECT u, i, {'k' if with_kinds else 'NULL'} AS k "
        f"FROM ({' UNION ALL '.join(scans)}) GROUP BY GROUPING SETS ({sets})",
        on_fraction,
    )
    kinds, written = _kinds(db) if with_kinds else (("",), {})
    sides = [_side(db, column, table) for column, table in (("u", "user_ids"), ("i", "item_ids"))]
    db.rows("DROP TABLE found")
    return Identities((sides[0][0], sides[1][0]), (sides[0][1], sides[1][1]), kinds, written)


def id_sql(text: str) -> str:
    """An id to the letter; NULL where there is none."""
    missing = ", ".join(duck.text(x) for x in MISSING)
    return f"CASE WHEN trim({text}) = '' OR {text} IN ({missing}) THEN NULL ELSE {text} END"


def hash_sql(text: str, salt: int) -> str:
    """SQL of 64 bits that stand for a text."""
    return f"hash({text}, {salt})" if salt else f"hash({text})"


def _side(db: Duck, column: str, table: str) -> tuple[int, tuple[str, ...] | None]:
    lacking = db.rows(
        f"SELECT {column} FROM found WHERE {column} IS NOT NULL AND {id_sql(column)} IS NULL LIMIT {MOST_LISTED + 1}"
    )
    salt = 0
    while True:
        db.run(
            f"CREATE OR REPLACE TABLE {table} AS SELECT {column} AS id, {hash_sql(column, salt)} AS h FROM found "
            f"WHERE {id_sql(column)} IS NOT NULL"
        )
        if db.one(f"SELECT count(DISTINCT h) = count(*) FROM {table}")[0]:
            return salt, None if len(lacking) > MOST_LISTED else tuple(row[0] for row in lacking)
        salt += 1


def _kinds(db: Duck) -> tuple[tuple[str, ...], dict[str, int]]:
    rows = db.rows(
        f"SELECT DISTINCT lower(trim(k)) AS kind FROM found WHERE trim(k) <> '' ORDER BY 1 LIMIT {MOST_KINDS + 1}"
    )
    if len(rows) > MOST_KINDS:
        raise InvalidInput(
            f"The column mapped to event holds more than {MOST_KINDS} different values, such as {rows[0][0]!r} and "
            f"{rows[1][0]!r}: no kinds of events. Name another one (--map event=COLUMN) or none (--map event=)."
        )
    kinds = ("", *(str(kind) for (kind,) in rows))
    places = {kind: place for place, kind in enumerate(kinds)}
    written = db.rows(
        f"SELECT DISTINCT k, lower(trim(k)) FROM found WHERE trim(k) <> '' ORDER BY k LIMIT {MOST_LISTED + 1}"
    )
    return kinds, {str(raw): places[str(kind)] for raw, kind in written}

"""Whether the ids of the catalogue and of the customers are those of the events."""

from collections.abc import Sequence

from recsys import columns as c
from recsys.errors import InvalidInput
from recsys.ingest.catalog import Tables
from recsys.ingest.columns.recognise import Recognised
from recsys.ingest.columns.recognition import Recognition
from recsys.ingest.duckdb_session import DuckSession
from recsys.utils import formatting

FEW = 0.5
"""Share of the items with events that the catalogue has, below which it is said."""

SOME = 0.02
"""Share of them that would be in it were they written alike, from which on it is said though most are."""

_CAUSES = (
    ("lower({})", "they differ in upper and lower case"),
    ("trim({})", "one of the files has blanks around its ids"),
    ("regexp_replace({}, '\\.0+$', '')", "one of the files writes whole numbers with a point, such as 22000.0"),
    ("ltrim({}, '0')", "one of the files has lost the zeros in front of its ids"),
    (
        "coalesce(CAST(try_cast(try_cast({0} AS DOUBLE) AS HUGEINT) AS VARCHAR), {0})",
        "one of the files has long numbers as a spreadsheet shortens them, such as 1.23E+10",
    ),
    ("nfc_normalize({})", "they are written in different forms of Unicode"),
    ("lower(regexp_replace({}, '[^A-Za-z0-9]', '', 'g'))", "they differ in punctuation"),
    ("regexp_extract({}, '(\\d+)$', 1)", "one of the files has letters in front of its numbers"),
)  # fmt: skip
_CERTAIN = 6
"""So many of these change nothing that tells ids apart."""


def check(db: DuckSession, recognised: Recognition, tables: Tables, *, anyway: bool) -> list[str]:
    """What is to be said of files that hardly meet.

    Raises:
        InvalidInput: the catalogue, or the customers, have no id of the events, and `anyway` is not given.
    """
    notes: list[str] = []
    sides = (
        (recognised.items, c.ITEM, "seen_items", "SELECT item_id AS id FROM known_items WHERE n > 0"),
        (
            recognised.users,
            c.USER,
            "seen_users",
            "SELECT DISTINCT user_id AS id FROM raw_users WHERE user_id IS NOT NULL",
        ),
    )
    for entries, field, seen, known in sides:
        if not entries:
            continue
        wanted, there = db.one(f"SELECT (SELECT count(*) FROM {seen}), (SELECT count(*) FROM ({known}))")
        met = db.one(f"SELECT count(*) FROM {seen} WHERE id IN ({known})")[0]
        if met >= FEW * min(wanted, there):
            notes += _nearly(db, entries, field, seen, known, wanted)
            continue
        said = _said(db, entries, recognised.events, field, seen, known, met, wanted, there)
        if met == 0 and not anyway:
            raise InvalidInput(f"{said} Nothing was stored; --anyway stores it all the same.")
        notes.append(said)
    return notes


def _nearly(
    db: DuckSession, entries: Sequence[Recognised], field: str, seen: str, known: str, wanted: int
) -> list[str]:
    """What is to be said where most ids meet, and of the others many would, were they written alike."""
    mine = f"SELECT id FROM {seen} WHERE id NOT IN ({known})"
    theirs = f"SELECT id FROM ({known}) WHERE id NOT IN (SELECT id FROM {seen})"
    what = field.removesuffix("_id")
    for form, cause in _CAUSES[:_CERTAIN] if db.one(f"SELECT count(*) > 0 FROM ({mine})")[0] else ():
        written = form.format("id")
        n, one, other = db.one(
            f"SELECT count(*), min(a.id), min_by(b.id, a.id) FROM ({mine}) a JOIN (SELECT {written} AS x, min(id) AS "
            f"id FROM ({theirs}) GROUP BY 1) b ON {form.format('a.id')} = b.x WHERE b.x <> ''"
        )
        if n and n >= SOME * wanted:
            shown = entries[0].source.shown
            ids = f"{formatting.plural(n, what)} of the events would be in {shown}, were they written alike"
            return [f"{ids}: the events have {one!r}, {shown} has {other!r}; likely cause: {cause}"]
    return []


def _said(
    db: DuckSession,
    entries: Sequence[Recognised],
    events: Sequence[Recognised],
    field: str,
    seen: str,
    known: str,
    met: int,
    wanted: int,
    there: int,
) -> str:
    what, part = ("item", "items") if field == c.ITEM else ("user", "users")
    files = " and ".join(x.source.shown for x in entries[:3])
    mine = _columns(events, field)
    theirs = _columns(entries, field)
    one = db.one(f"SELECT min(id) FROM {seen} WHERE id NOT IN ({known})")[0]
    other = db.one(f"SELECT min(id) FROM ({known}) WHERE id NOT IN (SELECT id FROM {seen})")[0]
    count = f"{met:,} of {formatting.plural(wanted, what)} of the events"
    found = (
        f"The events and {files} do not meet: {count} are in it" if met == 0 else f"{count} only are in {files}"
    ) + f" (the events have {one!r}, in column {mine}; {files} has {other!r}, in column {theirs})."
    for form, cause in _CAUSES:
        alike = db.one(
            f"SELECT count(*) FROM (SELECT DISTINCT {form.format('id')} AS x FROM {seen}) WHERE x <> '' AND x IN "
            f"(SELECT {form.format('id')} FROM ({known}))"
        )[0]
        if alike > max(2 * met, 0.5 * min(wanted, there)):
            return (
                f"{found} Likely cause: {cause}; {alike:,} would meet. Write the ids alike in both files (export "
                f"the column as text), or name other columns: --map events.{field}=COLUMN --map {part}.{field}=COLUMN."
            )
    return f"{found} Name the columns that hold the same ids: --map events.{field}=COLUMN --map {part}.{field}=COLUMN."


def _columns(entries: Sequence[Recognised], field: str) -> str:
    return " and ".join(dict.fromkeys(repr(x) for entry in entries for x in entry.mapped.get(field, ())))

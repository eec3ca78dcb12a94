"""The columns of all files of an import, recognised together: ids of the catalogue are those that the events have."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from recsys import columns as c
from recsys.ingest import column_names as names
from recsys.ingest import duckdb_session
from recsys.ingest.columns import baskets
from recsys.ingest.columns.column_content import Content
from recsys.ingest.columns.recognise import Recognised, check_needed, recognise
from recsys.ingest.columns.reshaped import reshaped
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.files.sources import Inputs, Source
from recsys.ingest.ids.id_encoder import id_sql
from recsys.ingest.schema import ITEM_FIELDS, GivenMapping

LOOKED_AT = 2000
"""Rows of each file from which its columns are recognised."""

COMPARED = 50_000
_WRAPPER = r"""^="(.*)"$|^'|^[“„«](.*)[“”»]$|'$"""
MEETS = 0.5
"""Share of the items of the events that another column of the catalogue must have, to be taken instead."""


@dataclass(frozen=True)
class Recognition:
    """The files of each part, with their columns."""

    events: tuple[Recognised, ...]
    items: tuple[Recognised, ...]
    users: tuple[Recognised, ...]

    @property
    def all(self) -> tuple[Recognised, ...]:
        """The files of all parts."""
        return (*self.events, *self.items, *self.users)


def recognise_all(db: DuckSession, inputs: Inputs, given: GivenMapping, *, strict: bool = True) -> Recognition:
    """The columns of every file.

    Args:
        strict: refuse files without a field that is needed.

    Raises:
        NoColumn: a needed field that no column of a file seems to hold.
    """
    inputs = reshaped(db, inputs)
    parts: dict[str, tuple[Recognised, ...]] = {}
    positions = any(_without_header(source) for source in inputs.events)
    for part, sources in inputs.parts.items():
        parts[part] = tuple(
            recognise(
                source, part, contents(db, source), given,
                named=part == "events" or not (positions and _without_header(source)),
            )
            for source in sources
        )  # fmt: skip
    events = tuple(_unfolded(db, entry, parts["items"], given, n) for n, entry in enumerate(parts["events"]))
    if parts["items"]:
        events = tuple(_without_items(entry) for entry in events)
    items = tuple(_meeting(db, entry, events, c.ITEM) for entry in parts["items"])
    users = tuple(_meeting(db, entry, events, c.USER) for entry in parts["users"])
    found = Recognition(events, items, users)
    for entry in found.all if strict else ():
        check_needed(entry)
    return found


def _unfolded(
    db: DuckSession, entry: Recognised, items: Sequence[Recognised], given: GivenMapping, number: int
) -> Recognised:
    """Events of which a row has several products, with a row for each; others as they are."""

    @lru_cache(maxsize=1)
    def known() -> set[str]:
        return {x for other in items if other.mapped.get(c.ITEM) for x in _some_ids(db, other, c.ITEM)}

    basket, doubt = baskets.find(entry, known)
    if basket is None:
        return baskets.doubtful(entry, doubt) if doubt else entry
    source, passed_over = baskets.unfold(db, entry, basket, number)
    settled = {f"events.{x}": columns for x, columns in basket.fields.items() if x not in entry.stated}
    found = recognise(source, "events", contents(db, source), {**given, **settled}, named=True, passed_over=passed_over)
    because = "it holds the products of a row, each an event"
    beside = "it stands beside each product of a row"
    outcomes = tuple(
        x if x.taken_as is None else
        replace(x, because=because) if x.name == basket.columns[0] else
        replace(x, because=beside) if x.name in basket.beside else x
        for x in found.columns
    )  # fmt: skip
    return replace(found, stated=entry.stated, columns=outcomes)


def _without_items(entry: Recognised) -> Recognised:
    """Events beside a catalogue, which tells what the items are, unless a user said that the events do."""
    gone = {x for x in ITEM_FIELDS if x not in (c.ITEM, c.PRICE) and x in entry.mapped and x not in entry.stated}
    outcomes = tuple(
        replace(x, taken_as=None, because="not used: the catalogue tells it") if x.taken_as in gone else x
        for x in entry.columns
    )
    return replace(entry, mapped={x: y for x, y in entry.mapped.items() if x not in gone}, columns=outcomes)


def contents(db: DuckSession, source: Source, rows: int = LOOKED_AT) -> dict[str, Content]:
    """The first values of each column of a file."""
    wanted = ", ".join(f"{source.expression(column)} AS v{n}" for n, column in enumerate(source.columns))
    found = db.rows(f"SELECT {wanted} FROM {source.scan()} LIMIT {rows}")
    columns: Sequence[tuple[str | None, ...]] = list(zip(*found, strict=True)) if found else [()] * len(source.columns)
    return {name: Content(tuple(values)) for name, values in zip(source.columns, columns, strict=True)}


def id_text(entry: Recognised, field: str) -> str:
    """SQL of the id in a row: the first of its columns that has one, to the letter; NULL where there is none."""
    columns = entry.mapped.get(field, ())
    found = [_one_id(entry, column) for column in columns]
    if field == c.USER and field not in entry.stated:
        others = zip(found[:-1], columns, strict=False)
        found[:-1] = [_somebody(x, entry.contents[column]) for x, column in others]
    if not found:
        return "CAST(NULL AS VARCHAR)"
    return found[0] if len(found) == 1 else f"coalesce({', '.join(id_sql(x) for x in found)})"


def _somebody(sql: str, content: Content) -> str:
    """SQL of an id of users; NULL where it stands for nobody, as another column tells who it was."""
    words = ", ".join(map(duckdb_session.text, content.nobody))
    return f"CASE WHEN {sql} IN ({words}) THEN NULL ELSE {sql} END" if words else sql


def _one_id(entry: Recognised, column: str) -> str:
    sql = entry.source.expression(column)
    if column in entry.wrapped:
        return f"regexp_replace(trim({sql}), {duckdb_session.text(_WRAPPER)}, '\\1\\2', 'g')"
    if column in entry.padded:
        return f"trim({sql})"
    return f"regexp_replace({sql}, '\\.0+$', '')" if column in entry.whole else sql


def _without_header(source: Source) -> bool:
    return source.dialect is not None and not source.dialect.header


def _meeting(db: DuckSession, entry: Recognised, events: Sequence[Recognised], field: str) -> Recognised:
    """A catalogue (or customers) whose ids are those of the events: another column where the likeliest one has none of
    them, and that one has most."""
    if field in entry.stated or not events or not entry.mapped.get(field) or not events[0].mapped.get(field):
        return entry
    wanted = _some_ids(db, events[0], field)
    if not wanted or _met(db, entry, field, wanted) > 0:
        return entry
    others = [x for x in entry.source.columns if x not in entry.mapped[field] and _may_be_id(entry, x, field)]
    for column in others:
        tried = _with_id(entry, field, column)
        if _met(db, tried, field, wanted) >= MEETS:
            return tried
    return entry


def _with_id(entry: Recognised, field: str, column: str) -> Recognised:
    """The file recognised anew, with a column for its ids."""
    given = {f"{entry.part}.{x}": entry.mapped.get(x, ()) for x in entry.stated} | {f"{entry.part}.{field}": (column,)}
    found = recognise(entry.source, entry.part, entry.contents, given, named=True)
    because = f"by its values: they are the {field} of the events"
    outcomes = tuple(replace(x, because=because) if x.name == column else x for x in found.columns)
    return replace(found, columns=outcomes, stated=entry.stated)


def _may_be_id(entry: Recognised, column: str, field: str) -> bool:
    return names.rank(column, field) is not None or entry.contents[column].unique


def _some_ids(db: DuckSession, entry: Recognised, field: str) -> set[str]:
    sql = id_sql(id_text(entry, field))
    found = db.rows(f"SELECT DISTINCT {sql} FROM (FROM {entry.source.scan()} LIMIT {COMPARED})")
    return {str(x) for (x,) in found if x is not None}


def _met(db: DuckSession, entry: Recognised, field: str, wanted: set[str]) -> float:
    """The share of some ids that a file has."""
    listed = duckdb_session.listed(sorted(wanted)[:2000])
    n = db.one(
        f"SELECT count(DISTINCT x) FROM (SELECT {id_text(entry, field)} AS x FROM {entry.source.scan()}) "
        f"WHERE x IN (SELECT unnest({listed}))"
    )[0]
    return float(n / min(len(wanted), 2000))

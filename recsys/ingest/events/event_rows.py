"""SQL of the rows of a file of events: every field as what it is, and the reason why a row cannot be used."""

import re

from recsys import columns as c
from recsys.ingest.cells import timestamps
from recsys.ingest.cells.numbers import decimal_comma, no_number_sql, number_sql
from recsys.ingest.cells.timestamps import Reading
from recsys.ingest.cells.vocabulary import flag_sql, no_value_sql, says_yes_or_no
from recsys.ingest.columns.column_content import MOSTLY
from recsys.ingest.columns.marked_rows import PART
from recsys.ingest.columns.recognise import Recognised
from recsys.ingest.columns.recognition import id_text
from recsys.ingest.config import MOST_QUANTITY, MOST_VALUE
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.events.event_times import texts, time_text
from recsys.ingest.files.sources import IS_OBJECT
from recsys.ingest.header_words import in_cents
from recsys.ingest.ids.id_encoder import NO_OBJECT, id_sql

REASONS: dict[int, str] = {
    1: "no user_id",
    2: "no item_id",
    3: "no timestamp",
    4: "timestamp cannot be read",
    5: f"timestamp before {timestamps.EARLIEST} or after {timestamps.LATEST}",
    6: "quantity is no number",
    7: f"quantity beyond {MOST_QUANTITY:,.0f}",
    8: "value is no number",
    9: "rating is no number",
    NO_OBJECT: "line is no JSON object",
    11: f"value beyond {MOST_VALUE:,.0f}",
    12: f"rating beyond {MOST_QUANTITY:,.0f}",
}
_NUMBERS = (c.QUANTITY, c.VALUE, c.PRICE, c.RATING)
COMMAS_LOOKED_AT = 2000
_HUNDREDS = re.compile(r"\D*[1-9]\d{2}\D*")
"""Beside numbers such as 899, 1.299 is more than a thousand."""


def has_commas(db: DuckSession, entry: Recognised, column: str) -> bool:
    """Whether the first values of a column are written with a decimal comma; where they do not tell, as those of the
    other columns of numbers of the file, or as is usual between semicolons."""
    values = texts(db, entry.source, entry.source.expression(column), COMMAS_LOOKED_AT)
    own = decimal_comma(values)
    if own is not None or not any("," in x or "." in x for x in values):
        return bool(own)
    others = [x.filled for name, x in entry.contents.items() if name != column and x.numbers > MOSTLY]
    found = decimal_comma(value for filled in others for value in filled)
    if found is not None:
        return found
    if not any("," in x for x in values) and any(_HUNDREDS.fullmatch(x.strip()) for x in values):
        return True
    dialect = entry.source.dialect
    return dialect is not None and dialect.separator == ";" and all("," in x or "." in x for x in values)


def event_rows(
    db: DuckSession,
    entry: Recognised,
    reading: Reading | None,
    extras: dict[str, tuple[str, str]],
    *,
    as_written: bool = False,
    rejects: bool = False,
) -> str:
    """SQL of the rows of a file, in their order, with the reason why one cannot be used (0: none) and the bad value.

    Args:
        extras: further columns, by their name in the result, to the field they belong to and their name in the file.
        as_written: with ids that are a word for a missing one, which are none otherwise.
        rejects: keep lines that the reader refuses in `reject_errors`.
    """
    source, part = entry.source, entry.mapped

    def parsed(name: str) -> str:
        if name not in part:
            return "CAST(NULL AS DOUBLE)"
        number = number_sql(f"{name}_text", comma=has_commas(db, entry, part[name][0]))
        number = f"({number}) / 100" if name in (c.VALUE, c.PRICE) and in_cents(part[name][0]) else number
        return f"CASE WHEN cancelled THEN -abs({number}) ELSE {number} END" if name == c.QUANTITY else number

    raw = {name: source.expression(part[name][0]) for name in (c.EVENT, *_NUMBERS) if name in part}
    if c.RATING in part and says_yes_or_no(entry.contents[part[c.RATING][0]].different):
        raw[c.RATING] = flag_sql(raw[c.RATING])
    if c.TIMESTAMP in part:
        raw[c.TIMESTAMP] = time_text(entry, part[c.TIMESTAMP])
    nothing = "CAST(NULL AS VARCHAR)"
    listed = ", ".join(f"{raw.get(name, nothing)} AS {name}_text" for name in (c.TIMESTAMP, *_NUMBERS))
    more = {
        x: no_value_sql(source.expression(column)) if column in part.get(name, ()) else "NULL"
        for x, (name, column) in extras.items()
    }
    user, item = (id_text(entry, x) if as_written else id_sql(id_text(entry, x)) for x in (c.USER, c.ITEM))
    marks = f"{entry.marked.cancelled_sql(source)} AS cancelled, {entry.marked.part_sql(source)} AS part_"
    inner = (
        f"SELECT {marks}, {user} AS u, {item} AS i, {raw.get(c.EVENT, nothing)} AS {c.EVENT}, {listed}"
        + (f", {IS_OBJECT} AS whole" if source.kind == "json" else "")
        + "".join(f", {sql} AS {x}" for x, sql in more.items())
        + f" FROM {source.scan(rejects=rejects)}"
    )
    ts = reading.sql(f"{c.TIMESTAMP}_text") if reading else "CAST(NULL AS TIMESTAMP)"
    middle = (
        f"SELECT *, {ts} AS ts, " + ", ".join(f"{parsed(name)} AS {name}" for name in _NUMBERS) + f" FROM ({inner})"
    )
    value = f"coalesce({c.VALUE}, {c.PRICE} * coalesce({c.QUANTITY}, 1))"
    reason, bad = _checks(entry, reading, value)
    apart = f"(part_ AND coalesce({value}, 0) = 0)" if entry.marked.kind else "part_"
    return (
        f"SELECT u, i, ts, {c.EVENT}, {c.QUANTITY} AS q, {value} AS v, {c.RATING} AS r, {reason} AS reason, "
        + f"{bad} AS bad, {apart} AS {PART}"
        + "".join(f", {x}" for x in more)
        + f" FROM ({middle})"
    )


def _checks(entry: Recognised, reading: Reading | None, value: str) -> tuple[str, str]:
    """SQL of the code of the first reason against a row, and of the value that is to blame."""
    part = entry.mapped
    checks: list[tuple[int, str, str]] = [(1, "u IS NULL", "''"), (2, "i IS NULL", "''")]
    if entry.source.kind == "json":
        checks.insert(0, (NO_OBJECT, "NOT whole", "''"))
    if reading:
        text = f"{c.TIMESTAMP}_text"
        checks += [
            (3, f"CASE WHEN ts IS NOT NULL THEN false ELSE {no_value_sql(text)} IS NULL END", "''"),
            (4, "ts IS NULL", text),
            (5, f"ts < TIMESTAMP '{timestamps.EARLIEST}' OR ts >= TIMESTAMP '{timestamps.LATEST}'", text),
        ]
    for code, name in ((6, c.QUANTITY), (8, c.VALUE), (8, c.PRICE), (9, c.RATING)):
        if name in part:
            checks.append((code, no_number_sql(f"{name}_text", name), f"{name}_text"))
    for code, name, number, most in (
        (7, c.QUANTITY, c.QUANTITY, MOST_QUANTITY),
        (11, c.VALUE, value, MOST_VALUE),
        (11, c.PRICE, value, MOST_VALUE),
        (12, c.RATING, c.RATING, MOST_QUANTITY),
    ):
        if name in part:
            checks.append((code, f"abs({number}) > {most}", f"{name}_text"))
    reason = "CASE " + " ".join(f"WHEN {test} THEN {code}" for code, test, _ in checks) + " ELSE 0 END"
    bad = "CASE " + " ".join(f"WHEN {test} THEN left({shown}, 200)" for _, test, shown in checks) + " END"
    return reason, bad

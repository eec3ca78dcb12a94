"""Rows of events that are no purchase of their own, as a column tells: cancelled invoices, parts of another row."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recsys.ingest import column_names as names
from recsys.ingest import duckdb_session
from recsys.ingest.cells.vocabulary import no_value_sql
from recsys.ingest.columns.column_content import HALF, MOSTLY, Content
from recsys.ingest.files.sources import Source

PART = "part_of_another"
"""Name of the column of staged rows that tells those that are part of another row."""

_INVOICE = re.compile(r"(?:invoice|bill|receipt|document)(?:no|number|nr|num|id|code)?")
_NUMBER, CANCELLED = re.compile(r"\d{4,}"), re.compile(r"[Cc]\d{4,}")
_PARENTS = (
    "parentitemid", "parentid", "parentorderitemid", "parentlineitemid", "parentlineid", "parentrowid", "parentline",
    "parentlineno", "parentquoteitemid",
)  # fmt: skip
_WHOLES = frozenset(("configurable", "bundle"))
_PARTS = ("simple", "virtual", "downloadable")
_TYPES = frozenset((*_WHOLES, *_PARTS, "grouped", "giftcard", "gift_card"))


@dataclass(frozen=True)
class MarkedRows:
    """Which columns mark rows.

    Attributes:
        cancelled: of numbers of invoices, of which those that begin with C are cancelled.
        parent: of the row that a row is part of; "" where there is none.
        kind: of types such as `configurable` and `simple`, of which the second without money is part of the first.
    """

    cancelled: str = ""
    parent: str = ""
    kind: str = ""

    @property
    def has_parts(self) -> bool:
        """Whether some rows are part of another one."""
        return bool(self.parent or self.kind)

    def cancelled_sql(self, source: Source) -> str:
        """SQL: whether a row is of a cancelled invoice."""
        if not self.cancelled:
            return "false"
        number = f"trim({source.expression(self.cancelled)})"
        return f"coalesce(regexp_full_match({number}, {duckdb_session.text(CANCELLED.pattern)}), false)"

    def part_sql(self, source: Source) -> str:
        """SQL: whether a row may be part of another one; for those of a kind only if it has no money."""
        if self.parent:
            parent = source.expression(self.parent)
            return f"coalesce({no_value_sql(parent)} IS NOT NULL AND trim({parent}) NOT IN ('0', '0.0'), false)"
        if self.kind:
            kinds = ", ".join(map(duckdb_session.text, _PARTS))
            return f"coalesce(lower(trim({source.expression(self.kind)})) IN ({kinds}), false)"
        return "false"

    def hints(self) -> dict[str, str]:
        """What the columns are used for, in words."""
        found = {
            self.cancelled: "no field, but rows whose number begins with C are cancelled: they count as returns",
            self.parent: "no field, but it names the row that a row is part of: such rows are left out",
            self.kind: "no field, but rows without money of one type are part of those of another: they are left out",
        }
        return {name: why for name, why in found.items() if name}


def marked_rows(columns: Sequence[str], contents: Mapping[str, Content], *, with_quantity: bool) -> MarkedRows:
    """Which columns of a file of events mark rows, by their names and what they hold."""
    cancelled = cancelled_invoices(columns, contents) if with_quantity else ""
    parent = next((x for x in columns if names.simple(x) in _PARENTS and _names_rows(x, contents)), "")
    kind = "" if parent else next((x for x in columns if _has_types(contents[x])), "")
    return MarkedRows(cancelled, parent, kind)


def cancelled_invoices(columns: Sequence[str], contents: Mapping[str, Content]) -> str:
    """The column of numbers of invoices of which some begin with C; "" where there is none."""
    return next((x for x in columns if _INVOICE.fullmatch(names.simple(x)) and _has_cancelled(contents[x])), "")


def _has_cancelled(content: Content) -> bool:
    """Whether most values are numbers of digits, and the others such with a C in front."""
    plain = sum(bool(_NUMBER.fullmatch(x.strip())) for x in content.filled)
    return plain > HALF * len(content.filled) and any(CANCELLED.fullmatch(x.strip()) for x in content.different)


def _names_rows(name: str, contents: Mapping[str, Content]) -> bool:
    """Whether some rows have a value, and it is that of another column, which numbers the rows."""
    mine = {x.strip() for x in contents[name].filled} - {"0", "0.0"}
    if not mine or len(contents[name].filled) > MOSTLY * len(contents[name].values):
        return False
    numbered = (x for other, x in contents.items() if other != name and len(x.different) == len(x.values))
    return any(len(mine & {y.strip() for y in x.filled}) > HALF * len(mine) for x in numbered)


def _has_types(content: Content) -> bool:
    held = {x.strip().lower() for x in content.different}
    return bool(held & _WHOLES) and bool(held & set(_PARTS)) and held <= _TYPES

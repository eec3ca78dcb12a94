"""Numbers for the ids and kinds of events: each text is kept once, rows hold its number."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recsys import columns as c
from recsys.errors import InvalidInput
from recsys.ingest import duckdb_session
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.ids.text_encoder import TextEncoder

if TYPE_CHECKING:
    import pyarrow as pa

MOST_KINDS = 50
SIDES = (("u", "user_ids"), ("i", "item_ids"))


@dataclass
class IdEncoder:
    """What the rows read so far have named.

    Attributes:
        users, items: ids to the letter, those that stand for a missing one included.
        kinds: kinds of events in the order they came; the first is the empty one.
    """

    users: TextEncoder = field(default_factory=TextEncoder)
    items: TextEncoder = field(default_factory=TextEncoder)
    kinds: list[str] = field(default_factory=lambda: [""])
    _written: TextEncoder = field(default_factory=TextEncoder)
    _places: list[int] = field(default_factory=list)
    _beside: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def coded(self, db: DuckSession, rows: "pa.RecordBatch") -> dict[str, Any]:
        """The columns u, i and kind of some rows as numbers instead of text, null where there is none.

        Raises:
            InvalidInput: the column of kinds holds more than `MOST_KINDS`.
        """
        items = self._beside.submit(self.items.numbers, rows.column("i"))
        users = self.users.numbers(rows.column("u"))
        found: dict[str, Any] = {"u": _with_nulls(users), "i": _with_nulls(items.result())}
        if c.EVENT in rows.schema.names:
            written = self._written.numbers(rows.column(c.EVENT))
            if len(self._written) > len(self._places):
                self._add_kinds(db)
            places = np.array([*self._places, 0], dtype=np.uint8)  # the last one, -1, is the place of no text at all
            found["kind"] = places[written]
        return found

    def keep(self, db: DuckSession) -> None:
        """Make the tables `user_ids` and `item_ids`: id, and h, its number; and see to rows whose id is a word for a
        missing one."""
        import pyarrow as pa

        for (side, table), numbering in zip(SIDES, (self.users, self.items), strict=True):
            numbers = np.arange(len(numbering), dtype=np.int32)
            db.insert(table, pa.table({"id": numbering.texts(), "h": numbers}), create=True)
            missing = db.rows(f"SELECT h FROM {table} WHERE {id_sql('id')} IS NULL")
            if missing:
                listed = ", ".join(str(number) for (number,) in missing)
                db.run(f"DELETE FROM {table} WHERE h IN ({listed})")
                code = 1 if side == "u" else 2
                db.run(
                    f"UPDATE staged SET {side} = NULL, reason = CASE WHEN reason IN (1, {NO_OBJECT}) THEN reason "
                    f"ELSE {code} END WHERE {side} IN ({listed})"
                )

    def _add_kinds(self, db: DuckSession) -> None:
        texts = self._written.texts(len(self._places)).to_pylist()
        for kind in _plain(db, texts):
            if kind not in self.kinds:
                self.kinds.append(kind)
            self._places.append(self.kinds.index(kind))
            if len(self.kinds) > MOST_KINDS + 1:
                one, other = sorted(self.kinds[1:])[:2]
                raise InvalidInput(
                    f"The column mapped to event holds more than {MOST_KINDS} different values, such as {one!r} and "
                    f"{other!r}: no kinds of events. Name another one (--map event=COLUMN) or none (--map event=)."
                )


NO_OBJECT = 10
"""Why a row cannot be used: its line is no JSON object."""


def id_sql(text: str) -> str:
    """An id to the letter; NULL where there is none."""
    missing = ", ".join(duckdb_session.text(x) for x in c.MISSING)
    return f"CASE WHEN trim({text}) = '' OR {text} IN ({missing}) THEN NULL ELSE {text} END"


def _with_nulls(numbers: NDArray[np.int32]) -> Any:
    import pyarrow as pa

    return pa.array(numbers, mask=numbers < 0) if len(numbers) and numbers.min() < 0 else pa.array(numbers)


def _plain(db: DuckSession, texts: list[str]) -> list[str]:
    """Kinds without blanks around them and without case, as DuckDB has it."""
    return [
        str(kind)
        for (kind,) in db.beside(f"SELECT lower(trim(x)) FROM (SELECT unnest({duckdb_session.listed(texts)}) AS x)")
    ]

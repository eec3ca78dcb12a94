"""Several products in one cell: `P1,P2,P3`, `P1|P2`, `["P1", "P2"]`, `P1 x 2; P3 x 1`, `[{"id": "P1", "qty": 2}]`."""

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from recsys import columns as c
from recsys.ingest import column_names as names
from recsys.ingest import duckdb_session

PARTS, COUNTS = "parts_of_cell", "counts_of_cell"
"""SQL functions from a text, and the form of a `Listing`, to its parts, or how many of each, with `APART` between."""

APART = "\x1f"
MARKS = ("|", ";", ",", "\n", " ")
MOST = 0.5
"""A column holds lists when more than this share of its cells do."""

AGAIN = 0.8
"""Share of the parts that must stand in several cells, or in the catalogue."""

LEAST = 5
_COUNTED = re.compile(
    r"(?P<name>.+?)(?:\s+[x×]\s*|\s*[×*]\s*)(?P<n>\d{1,3})|(?P<m>\d{1,3})\s*[x×]\s+(?P<other>.+)|(?P<it>.+?)\s*\((?P<k>\d{1,3})\)",
    re.I,
)
_COLON = re.compile(r"(.+):(\d{1,3})")
SOME_COUNTED, ALL = 0.3, 0.99


@dataclass(frozen=True)
class Listing:
    """How products are listed in the cells of a column.

    Attributes:
        mark: between them; "[" for lists of JSON or of Python.
        counted: "x" where some have a number of pieces beside them, ":" where all have it behind a colon; "" for none.
    """

    mark: str
    counted: str = ""

    @property
    def form(self) -> str:
        """Both as one text, for SQL."""
        return self.mark + self.counted


def listing(values: Sequence[str], known: Callable[[], Collection[str]]) -> Listing | None:
    """How the cells of a column list products; None where they do not, or where that is not certain.

    Args:
        values: of the first rows, those that mean something.
        known: gives the ids of the catalogue; empty without one.
    """
    if len(values) < LEAST:
        return None
    lists = [_of_json(x) for x in values]
    if sum(x is not None for x in lists) > MOST * len(values):
        return Listing("[")
    return next((found for mark in likely_marks(values) if (found := _certain(values, mark, known))), None)


def likely_marks(values: Sequence[str]) -> list[str]:
    """Marks that stand in most cells of a column."""
    return [m for m in MARKS if sum(len(_split(x, m)) > 1 for x in values) > MOST * len(values)]


def _certain(values: Sequence[str], mark: str, known: Callable[[], Collection[str]]) -> Listing | None:
    """The listing, where its parts stand in several cells and at several places of them, or in the catalogue."""
    plain = [_split(x, mark) for x in values]
    if mark == " " and not _are_ids(plain):
        return None
    found = Listing(mark, _counted([x for cell in plain for x in cell]))
    lists = [[name for name, _ in parts_of(x, found.form)] for x in values]
    seen = Counter(name for cell in lists for name in set(cell))
    total = sum(map(len, lists))
    catalogue = known()
    if sum(x in catalogue for x in values) > MOST * len(values):
        return None
    if sum(name in catalogue for cell in lists for name in cell) >= AGAIN * total:
        return found
    if sum(seen[name] > 1 for cell in lists for name in cell) < AGAIN * total:
        return None
    places: dict[str, set[int]] = {}
    for cell in lists:
        for place, name in enumerate(cell if len(cell) > 1 else ()):
            places.setdefault(name, set()).add(place)
    several = [len(found_at) > 1 for name, found_at in places.items() if seen[name] > 1]
    return found if sum(several) >= MOST * len(several) else None


def _are_ids(lists: Sequence[Sequence[str]]) -> bool:
    """Whether parts between blanks are ids, of which one cell has more than another: words of a name are none."""
    digits = [any(x.isdigit() for x in name) for cell in lists for name in cell]
    sizes = Counter(map(len, lists))
    return sum(digits) >= AGAIN * len(digits) and max(sizes.values()) < 0.9 * len(lists)


def _counted(parts: Sequence[str]) -> str:
    if sum(bool(_COUNTED.fullmatch(x)) for x in parts) > SOME_COUNTED * len(parts):
        return "x"
    return ":" if sum(bool(_COLON.fullmatch(x)) for x in parts) > ALL * len(parts) else ""


def parts_of(text: str, form: str) -> list[tuple[str, str]]:
    """The products in a cell, each with its number of pieces, or "" where none is told."""
    read = _of_json(text) if form[0] == "[" else None
    if read is not None:
        return read
    parts = [text.strip()] if form[0] == "[" else _split(text, form[0])
    return [_with_count(x, form[1:]) for x in parts if x]


def _with_count(part: str, counted: str) -> tuple[str, str]:
    if counted == ":" and (found := _COLON.fullmatch(part)):
        return found[1].strip(), found[2]
    if counted == "x" and (found := _COUNTED.fullmatch(part)):
        return (found["name"] or found["other"] or found["it"]).strip(), found["n"] or found["m"] or found["k"]
    return part, ""


def _split(text: str, mark: str) -> list[str]:
    plain = text.strip().strip("[]{}()") if text.strip()[:1] in "[{(" else text
    return [x for part in plain.split(mark) if (x := part.strip().strip("\"'").strip())]


def _of_json(text: str) -> list[tuple[str, str]] | None:
    """Products of a list as programs write it: texts, numbers, or objects with an id; None where it is no such list."""
    if not text.lstrip().startswith("["):
        return None
    try:
        read = json.loads(text)
    except ValueError:
        try:
            read = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    found = [_of_entry(one) for one in read] if isinstance(read, list) else None
    return None if found is None or any(x is None for x in found) else [x for x in found if x is not None and x[0]]


def _of_entry(one: Any) -> tuple[str, str] | None:
    if isinstance(one, dict):
        item, count = (_likeliest(one, field) for field in (c.ITEM, c.QUANTITY))
        item = item if item is not None else one.get("id")
        return None if item is None else (str(item).strip(), "" if count is None else str(count))
    return (str(one).strip(), "") if isinstance(one, (str, int, float)) and not isinstance(one, bool) else None


def _likeliest(one: dict[str, Any], field: str) -> Any:
    ranked = [(place, key) for key in one if (place := names.rank(str(key), field)) is not None]
    return one[min(ranked)[1]] if ranked else None


def _made(place: int) -> Callable[[Any, Any], Any]:
    """The SQL function of one side of the parts, each different text read once."""

    def work(texts: Any, forms: Any) -> Any:
        import pyarrow as pa

        form = forms[0].as_py() if len(forms) else ","
        whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        coded = (pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole).dictionary_encode()
        read = [None if x is None else parts_of(x, form) for x in coded.dictionary.to_pylist()]
        joined = [None if not found else APART.join(part[place] for part in found) for found in read]
        return pa.array(joined, pa.string()).take(coded.indices)

    return work


duckdb_session.FUNCTIONS[PARTS] = (_made(0), ("VARCHAR", "VARCHAR"), "VARCHAR")
duckdb_session.FUNCTIONS[COUNTS] = (_made(1), ("VARCHAR", "VARCHAR"), "VARCHAR")

"""Categories as they stand in cells: one name, several, lists of programs, and paths from wide to narrow."""

import ast
import html
import json
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from recsys import columns as c
from recsys.ingest import duckdb_session
from recsys.ingest.cells.vocabulary import is_no_value

CATEGORY_NAMES = "category_names"
"""SQL function from a text, the marks of a `Writing` and a level to the names on it, with "|" between."""

MOST_LEVELS = 8
PATHS = ("->", "→", " > ", ">", " » ", "»", "›", " / ", "//", "/", " \\ ", "\\", "::", " | ", "|", ":", ".")
"""Marks between the parts of a path, the likeliest first."""

_ALWAYS = ("->", "→", ">", "»", "›")
"""Of these, without blanks, the marks that stand for nothing else."""

_SEVERAL = ("|", ":")
"""Marks that stand between names of one level as well, or in a name: paths where each name has one place alone."""

_OFTEN = 0.5
_HIERARCHIC = 0.8
_AGAIN = 0.7
_DOTTED = re.compile(r"[\w-]+(\.[\w-]+)+")
_NONE = ("(no genres listed)", "uncategorized", "uncategorised")


@dataclass(frozen=True)
class Writing:
    """How categories are written in a column.

    Attributes:
        path: the mark between the parts of a path; "" where a name is a name.
        between: the mark between several names, beside "|"; "" where there is none.
        levels: parts of the longest path.
    """

    path: str = ""
    between: str = ""
    levels: int = 1


def writing(values: Sequence[str]) -> Writing:
    """How the categories of a column are written, from its different values."""
    texts = [html.unescape(x).strip() for x in values if x and not is_no_value(x) and x.strip()[0] not in "[{("]
    if not texts:
        return Writing()
    for mark in PATHS:
        split = [x for x in texts if _is_path(x, mark)]
        if len(split) < _OFTEN * len(texts):
            continue
        firsts = {y.split(mark)[0].strip() for x in split for y in x.split(",") if mark in y}
        several = mark.strip() in _ALWAYS and any(x.count(",") and _paths_after_comma(x, mark, firsts) for x in split)
        between = "," if several else ""
        parts = [[y.strip() for y in p.split(mark)] for x in texts for p in (x.split(between) if between else [x])]
        if mark.strip() in _ALWAYS or (_is_strict_tree(parts) if mark in _SEVERAL else _is_tree(parts)):
            return Writing(mark, between, min(max(map(len, parts)), MOST_LEVELS))
    return Writing(between=_between(texts))


def _is_path(text: str, mark: str) -> bool:
    return bool(_DOTTED.fullmatch(text)) and not text.replace(".", "").isdigit() if mark == "." else mark in text


def _paths_after_comma(text: str, mark: str, firsts: Collection[str]) -> bool:
    """Whether a cell lists paths: each part between commas is one, or the first name of one."""
    return all(mark in part or part.strip() in firsts for part in text.split(","))


def _is_tree(paths: Sequence[Sequence[str]]) -> bool:
    """Whether the parts go from wide to narrow: few first parts, and each second part below one of them."""
    wholes = {tuple(path) for path in paths}
    firsts = {path[0] for path in wholes}
    if len(wholes) < 3 or len(firsts) > 0.7 * len(wholes):
        return False
    parents: dict[str, set[str]] = {}
    for path in wholes:
        if len(path) > 1:
            parents.setdefault(path[1], set()).add(path[0])
    single = sum(len(found) == 1 for found in parents.values())
    return single >= _HIERARCHIC * len(parents)


def _is_strict_tree(paths: Sequence[Sequence[str]]) -> bool:
    """Whether all parts are paths of a tree in which each name stands on one level, below one name alone."""
    wholes = {tuple(path) for path in paths}
    places: dict[str, set[tuple[int, str]]] = {}
    for path in wholes:
        for n, name in enumerate(path):
            places.setdefault(name, set()).add((n, path[n - 1] if n else ""))
    plain = all(len(path) > 1 and all(path) for path in wholes)
    below: dict[str, set[str]] = {}
    for path in wholes:
        below.setdefault(path[0], set()).add(path[1] if len(path) > 1 else "")
    wide = sum(len(names) > 1 for names in below.values())
    return plain and _is_tree(paths) and all(len(x) == 1 for x in places.values()) and wide > 1


def _between(texts: Sequence[str]) -> str:
    """The mark between several names in a cell: names that stand in other cells too, alone or beside others."""
    for mark in (";", ","):
        several = [x for x in texts if mark in x]
        if len(several) < max(0.1 * len(texts), 2):
            continue
        lists = [[y.strip() for y in x.split(mark) if y.strip()] for x in texts]
        seen = Counter(name for names in lists for name in names)
        again = sum(seen[name] > 1 for names in lists if len(names) > 1 for name in names)
        total = sum(len(names) for names in lists if len(names) > 1)
        if total and again >= _AGAIN * total and (len(seen) < 0.8 * len(texts) or all(map(str.isdigit, seen))):
            return mark
    return ""


def names_in(text: str, how: Writing, level: int) -> list[str]:
    """The names in a cell on a level, from 1 on; each once."""
    if is_no_value(text) or text.strip().lower() in _NONE:
        return []
    found = []
    for one in _listed(html.unescape(text).strip(), how):
        parts = [x.strip() for x in one.split(how.path)] if how.path else [one.strip()]
        if len(parts) >= level and parts[level - 1] and not is_no_value(parts[level - 1]):
            found.append(parts[level - 1])
    return list(dict.fromkeys(found))


def _listed(text: str, how: Writing) -> list[str]:
    if text[0] in "[{(" and text[-1] in "]})":
        inside = _of_a_program(text)
        if inside:
            return inside
    parts = text.split(c.SEPARATOR) if how.path.strip() != c.SEPARATOR else [text]
    return [y for x in parts for y in (x.split(how.between) if how.between else [x])]


def _of_a_program(text: str) -> list[str]:
    """The names of a list as JSON, Python or PostgreSQL write it."""
    for read in (json.loads, ast.literal_eval):
        try:
            return _flat(read(text))
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
    if text[0] == "(":
        return []
    return [x.strip().strip("\"'") for x in text[1:-1].split(",") if x.strip().strip("\"'")]


def _flat(value: Any) -> list[str]:
    if isinstance(value, dict):
        named = next((value[key] for key in ("name", "title", "label", "value", "id") if key in value), None)
        return [] if named is None else [str(named)]
    if isinstance(value, (list, tuple, set)):
        return [x for one in value for x in _flat(one)]
    return [] if value is None else [str(value)]


def category_sql(text: str, how: Writing, level: int = 1) -> str:
    """SQL of the names in a cell on a level, with "|" between; NULL where there is none."""
    marks = duckdb_session.text(json.dumps([how.path, how.between, level]))
    return f"{CATEGORY_NAMES}({text}, {marks})"


def _all_names(texts: Any, marks: Any) -> Any:
    """`names_in` of many texts, each different one read once."""
    import pyarrow as pa

    if not len(marks):
        return pa.array([], pa.string())
    path, between, level = json.loads(marks[0].as_py())
    how = Writing(path, between)
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    coded = (pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole).dictionary_encode()
    read = [
        None if x is None else c.SEPARATOR.join(names_in(x, how, level)) or None for x in coded.dictionary.to_pylist()
    ]
    return pa.array(read, pa.string()).take(coded.indices)


duckdb_session.FUNCTIONS[CATEGORY_NAMES] = (_all_names, ("VARCHAR", "VARCHAR"), "VARCHAR")

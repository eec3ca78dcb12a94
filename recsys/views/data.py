"""What the Data page shows before an import: files looked at, columns mapped, the first rows tried."""

import re
import tempfile
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from recsys import columns as c
from recsys.errors import InvalidInput
from recsys.ingest.cells.day_order import form_of
from recsys.ingest.cells.timestamps import Ambiguous
from recsys.ingest.columns.recognise import Column, Recognised, check_needed
from recsys.ingest.columns.recognition import recognise_all
from recsys.ingest.config import ImportPlan
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.events.event_times import readings, sample
from recsys.ingest.events.staging import Trial, trial
from recsys.ingest.files.found_files import FoundFile, find, shown_names
from recsys.ingest.files.prepare import prepare
from recsys.ingest.files.prepare_all import prepare_all
from recsys.ingest.files.sources import Inputs, Reading, Source
from recsys.ingest.inspection import inspected_file
from recsys.ingest.schema import FIELDS, MEANING, PARTS, NoColumn
from recsys.utils import formatting as fmt
from recsys.views.page_words import PART_TITLES

LONGEST_NAME = 60
TOLD_APART = 1000
"""Values among which one is looked for that shows what the order of day and month changes."""


@dataclass(frozen=True)
class FileInspection:
    """A file as it was found: how it is written, its first rows as text, and what each column is taken for.

    Attributes:
        notes: what was done to read it, and what was guessed, in words.
    """

    name: str
    part: str
    written: str
    rows: pd.DataFrame
    columns: tuple[Column, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inspection:
    """What an import of these files would do, as far as their first rows tell.

    Attributes:
        facts: in words: rows tried, users, items, period, how the times are read.
        warnings: in words: what would be rejected, with an example.
        problem: why it cannot be imported as it stands; empty when it can.
        question: strptime formats to choose from when day and month could be either, to how the first value reads.
        kinds: kinds of events, to the weight they would get.
    """

    files: tuple[FileInspection, ...]
    facts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    problem: str = ""
    question: Mapping[str, str] | None = None
    kinds: Mapping[str, float] | None = None


def look(plan: ImportPlan) -> Inspection:
    """Look at the files of a plan and try its mapping on their first rows.

    Raises:
        InvalidInput: a file that cannot be read at all.
    """
    inputs = Inputs(_prepared(plan, "events"), _prepared(plan, "items"), _prepared(plan, "users"))
    db = DuckSession(None, memory_mb=300)
    try:
        recognised = recognise_all(db, inputs, plan.mapping, strict=False)
        files = tuple(_file(db, entry) for entry in recognised.all)
        base = Inspection(files)
        try:
            for entry in recognised.all:
                check_needed(entry)
        except NoColumn as error:
            return Inspection(files, problem=_choose_one(error))
        try:
            found = readings(db, recognised.events, plan)
        except Ambiguous as error:
            question = _question(db, recognised.events)
            return Inspection(files, problem=str(error), question=question)
        except InvalidInput as error:
            return Inspection(files, problem=str(error))
        tried = [trial(db, entry, reading) for entry, reading in zip(recognised.events, found, strict=True)]
        facts = [f"Times: {reading.words}" for reading in dict.fromkeys(found) if reading]
        if not any(found):
            facts.append("No times: products of each user will be set aside at random for judging")
        return _told(base, plan, tried, facts)
    finally:
        db.close()


def _told(base: Inspection, plan: ImportPlan, tried: Sequence[Trial], facts: list[str]) -> Inspection:
    rows = sum(t.rows for t in tried)
    users, items = (max((getattr(t, side) for t in tried), default=0) for side in ("users", "items"))
    tally = f"{fmt.plural(rows, 'row')} tried: {fmt.plural(users, 'shopper')}, {fmt.plural(items, 'product')}"
    facts.insert(0, tally)
    firsts = [t.first for t in tried if t.first]
    lasts = [t.last for t in tried if t.last]
    if firsts and lasts:
        facts.append(f"Of these rows the first is of {fmt.day(min(firsts))}, the last of {fmt.day(max(lasts))}")
    warnings = []
    for one in tried:
        for reason, (count, example) in one.rejects.items():
            such = f", such as “{example}”" if example else ""
            warnings.append(f"{fmt.plural(count, 'row')} would be rejected: {reason}{such}")
    usable = rows - sum(count for one in tried for count, _ in one.rejects.values())
    problem = "" if usable else "None of the first rows can be used; check which column is mapped to what."
    kinds = {kind or "(none)": plan.weight_of(kind)[0] for one in tried for kind in one.kinds}
    if len(kinds) > 50:
        column = next((x.name for x in columns_of(base, "events") if x.taken_as == c.EVENT), "The column")
        problem = f"{column} holds too many different values to be a kind of event."
    return Inspection(base.files, tuple(facts), tuple(warnings), problem, None, kinds or None)


def plan_of(
    name: str,
    files: Mapping[str, Sequence[str]],
    mapping: Mapping[str, Sequence[str]],
    *,
    weights: Mapping[str, float] | None = None,
    **settings: Any,
) -> ImportPlan:
    """A plan from what the page holds.

    Args:
        name: as it was typed; see `folder_name`.
        files: "events", "items", "users" to paths.
        mapping: what `stated` gives.
        settings: other attributes of `ImportPlan`; None and empty texts leave them to the program.
    """
    return ImportPlan(
        name=folder_name(name),
        events=tuple(files.get("events", ())),
        items=tuple(files.get("items", ())),
        users=tuple(files.get("users", ())),
        mapping={key: tuple(columns) for key, columns in mapping.items()},
        weights={kind: weight for kind, weight in (weights or {}).items() if kind != "(none)"},
        **{key: value for key, value in settings.items() if value not in (None, "")},
    )


def folder_name(text: str) -> str:
    """A name for the folder of a dataset from what somebody typed: "Mein Laden" becomes "Mein-Laden"."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    plain = "".join(x for x in plain if not unicodedata.combining(x))
    return re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._")[:LONGEST_NAME]


def columns_of(found: Inspection, part: str) -> tuple[Column, ...]:
    """The columns of all files of a part, each name once."""
    columns = {column.name: column for file in reversed(found.files) if file.part == part for column in file.columns}
    order = dict.fromkeys(column.name for file in found.files if file.part == part for column in file.columns)
    return tuple(columns[name] for name in order)


def fields(part: str) -> dict[str, str]:
    """What a column of a part can be taken for, in the order to show, each with what it means."""
    return {field: MEANING[field] for field in FIELDS[part]}


def stated(found: Inspection, chosen: Mapping[tuple[str, str], str | None]) -> dict[str, tuple[str, ...]]:
    """What somebody says that differs from what was recognised, as the mapping of a plan.

    Args:
        found: the files, looked at without any mapping.
        chosen: part and column to a field, None for a column that is not to be used.
    """
    mapping: dict[str, tuple[str, ...]] = {}
    for part in PARTS:
        before = {column.name: column.taken_as for column in columns_of(found, part)}
        now = {name: chosen.get((part, name), field) for name, field in before.items()}
        differs = [name for name in before if before[name] != now[name]]
        for field in dict.fromkeys(x for name in differs for x in (before[name], now[name]) if x):
            mapping[f"{part}.{field}"] = tuple(name for name in before if now[name] == field)
    return mapping


def _prepared(plan: ImportPlan, part: str) -> tuple[Source, ...]:
    files = find(getattr(plan, part))
    names = shown_names(files)

    def prepared(file: FoundFile) -> tuple[Source, ...]:
        stat = file.path.stat()
        return _prepared_once(str(file.path), names[file], plan.reading, stat.st_mtime_ns, stat.st_size)

    return prepare_all(files, prepared)


@lru_cache(maxsize=16)
def _prepared_once(path: str, shown: str, reading: Reading, _changed: int, _size: int) -> tuple[Source, ...]:
    return prepare(Path(path), Path(tempfile.mkdtemp(dir=_copies().name)), shown=shown, reading=reading)


@lru_cache(maxsize=1)
def _copies() -> "tempfile.TemporaryDirectory[str]":
    """Where copies in UTF-8 go; removed when the process ends."""
    return tempfile.TemporaryDirectory(prefix="insider-")


def _file(db: DuckSession, entry: Recognised) -> FileInspection:
    found = inspected_file(db, entry)
    rows = pd.DataFrame(list(found.rows), columns=list(entry.source.columns), dtype=object)
    return FileInspection(found.name, found.part, found.written, rows, found.columns, found.notes)


def _choose_one(error: NoColumn) -> str:
    """What to do about a column that is lacking, for those who choose in boxes."""
    label = fmt.label(error.field)
    return (
        f"No column of {error.where} looks like the {label.lower()}. Choose “{label}” for one of its columns, above "
        f"under “{PART_TITLES[error.part]}”."
    )


def _question(db: DuckSession, events: Sequence[Recognised]) -> dict[str, str]:
    """The two forms, each with what it makes of a value that shows the difference."""
    for entry in events:
        columns = entry.mapped.get(c.TIMESTAMP, ())
        values = sample(db, entry, columns, TOLD_APART) if columns else []
        if not values:
            continue
        value = next((x for x in values if len(set(_numbers(x))) == 2), values[0])
        one, other = _numbers(value)
        return {
            form_of(value, day_first=True): f"Day first: {value} is day {one} of month {other}",
            form_of(value, day_first=False): f"Month first: {value} is day {other} of month {one}",
        }
    return {}


def _numbers(value: str) -> tuple[int, int]:
    """The first two numbers of a date."""
    one, other = re.findall(r"\d+", value)[:2]
    return int(one), int(other)

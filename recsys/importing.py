"""From files to a stored dataset: out of core, all or nothing, with a report of what was found and not used."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recsys import catalogue, import_report
from recsys import columns as c
from recsys.dataset import fingerprint_of
from recsys.duck import Duck, OnFraction, text
from recsys.errors import InvalidInput
from recsys.fields import check_columns
from recsys.plan import ImportPlan
from recsys.progress import OnProgress, Progress
from recsys.rejects import FILE, collect
from recsys.runs import process_alive, process_identity
from recsys.sources import Source, find, prepare
from recsys.staging import MOST_KINDS, Staged, stage
from recsys.store import Store, check_name, readable_errors
from recsys.survey import Survey, pieces

WORK = "importing"

LOOK, READ, CODE, WRITE, COUNT, KEEP = (
    "Looking through the files", "Reading the events", "Numbering users and items", "Sorting and writing the events",
    "Counting for the report", "Storing the dataset",
)  # fmt: skip
_SPANS = {
    LOOK: (0.0, 0.06),
    READ: (0.06, 0.4),
    CODE: (0.4, 0.55),
    WRITE: (0.55, 0.8),
    COUNT: (0.8, 0.97),
    KEEP: (0.97, 1),
}


def import_dataset(store: Store, plan: ImportPlan, on_progress: OnProgress = lambda _: None) -> dict[str, Any]:
    """Read, check and store; gives the report.

    Needs memory for DuckDB's share (1 GB) and a piece of a million events, whatever the size of the data; disk space
    below the home for about as much as the files hold. Nothing is stored when anything fails, or the process dies.

    Raises:
        InvalidInput: names the file, the column or the value, and the mend.
        StorageProblem: no room.
        whatever `on_progress` raises: ends the import.
    """
    check_name(plan.name)
    store.sweep()

    def tell(step: str, fraction: float = 0.0) -> None:
        low, high = _SPANS[step]
        on_progress(Progress(step, low + (high - low) * min(fraction, 1.0)))

    with _work_folder(store.home) as work:
        tell(LOOK)
        inputs = _inputs(plan, work, lambda fraction: tell(LOOK, fraction))
        given = plan.mapping
        check_columns(given, {s.shown: s.columns for s in (*inputs.events, *inputs.items, *inputs.users)})
        db = inputs.database or Duck(work / "duck")
        try:
            tell(READ)
            n = len(inputs.events)
            staged = stage(db, inputs.events, plan, given, lambda k: lambda x: tell(READ, (k + x) / n))
            kept = _choose(db, plan, staged, lambda fraction: tell(CODE, fraction))
            tables = catalogue.build(db, staged, inputs.items, inputs.users, given)
            tell(WRITE)
            _write_events(db, plan, kept, work / "events.parquet", lambda fraction: tell(WRITE, fraction))
            catalogue.write(db, "users", work / "users.parquet")
            catalogue.write(db, "items", work / "items.parquet")
            tell(COUNT)
            rejects = collect(db, staged, inputs.items, inputs.users, work / FILE)
            manifest = _manifest(db, plan, inputs, staged, kept, tables, rejects, work, lambda x: tell(COUNT, x))
        finally:
            db.close()
        tell(KEEP)
        files = {name: work / name for name in ("users.parquet", "items.parquet", "events.parquet", FILE)}
        store.save_dataset_files(manifest, files)
    found: dict[str, Any] = manifest["report"]
    return found


@dataclass(frozen=True)
class Inputs:
    """What the plan's paths and query turned out to be."""

    events: tuple[Source, ...]
    items: tuple[Source, ...]
    users: tuple[Source, ...]
    database: Duck | None = None


@dataclass(frozen=True)
class Kept:
    """Which rows are events: an SQL condition on `staged`, the weights by kind, and what the condition leaves out."""

    condition: str
    weights: dict[str, float]
    kinds: tuple[dict[str, Any], ...]
    left_out: dict[str, int]
    min_rating: float | None


def _inputs(plan: ImportPlan, work: Path, on_fraction: OnFraction) -> Inputs:
    paths = {part: find(getattr(plan, part)) for part in ("events", "items", "users")}
    total = max(sum(path.stat().st_size for found in paths.values() for path in found), 1)
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        on_fraction(done / total)

    found = {
        part: tuple(
            prepare(path, work, header=plan.header, separator=plan.separator, on_bytes=count) for path in paths[part]
        )
        for part in paths
    }
    if plan.events_sql and plan.database:
        from recsys.sqlsource import read_query

        db = Duck(work / "duck")
        try:
            source = read_query(db, plan.database, plan.events_sql)
        except BaseException:
            db.close()
            raise
        return Inputs((source,), found["items"], found["users"], db)
    return Inputs(found["events"], found["items"], found["users"])


def _choose(db: Duck, plan: ImportPlan, staged: Staged, on_fraction: OnFraction) -> Kept:
    """Decide which rows are events, and number the users and items that have some."""
    conditions = ["reason = 0"]
    left_out: dict[str, int] = {}

    def leave_out(why: str, condition: str) -> None:
        rows = db.one(f"SELECT count(*) FROM staged WHERE {' AND '.join(conditions)} AND {condition}")[0]
        if rows:
            left_out[why] = rows
        conditions.append(f"NOT coalesce({condition}, false)")

    good = db.one("SELECT count(*) FROM staged WHERE reason = 0")[0]
    if not good:
        _nothing_usable(db)
    weights, kinds = _weights(db, plan, staged)
    for kind, weight in weights.items():
        if weight == 0:
            leave_out(f"events of kind {kind or '(none)'}, which count nothing", f"coalesce(kind, '') = {text(kind)}")
    min_rating = None
    if c.RATING in staged.fields:
        low, high = db.one("SELECT min(r), max(r) FROM staged WHERE reason = 0")
        min_rating = plan.min_rating if plan.min_rating is not None else ((low or 0) + (high or 0)) / 2
        leave_out(f"ratings below {min_rating:g}", f"r < {float(min_rating)!r}")
    if c.QUANTITY in staged.fields:
        leave_out("rows with a quantity of 0", "q = 0")
        if db.one("SELECT count(*) FROM staged WHERE reason = 0 AND q < 0")[0] and plan.returns == "cancel":
            db.run(
                "CREATE TABLE returned AS SELECT u, i FROM staged WHERE reason = 0 AND (u, i) IN "
                "(SELECT (u, i) FROM staged WHERE reason = 0 AND q < 0) GROUP BY u, i "
                "HAVING sum(CAST(coalesce(q, 1) AS DOUBLE)) <= 0"
            )
            leave_out("returns", "q < 0")
            leave_out("purchases that were returned in full", "(u, i) IN (SELECT (u, i) FROM returned)")
        else:
            leave_out("returns", "q < 0")
    condition = " AND ".join(conditions)
    on_fraction(0.3)
    _number(db, condition)
    on_fraction(0.8)
    kept = Kept(condition, weights, kinds, left_out, min_rating)
    if plan.min_users > 1 or plan.min_items > 1:
        _filter(db, plan, kept)
    _check_enough(db, kept)
    return kept


def _weights(db: Duck, plan: ImportPlan, staged: Staged) -> tuple[dict[str, float], tuple[dict[str, Any], ...]]:
    if c.EVENT not in staged.fields:
        return {}, ()
    rows = db.rows(
        "SELECT coalesce(kind, ''), count(*) FROM staged WHERE reason = 0 GROUP BY 1 ORDER BY 2 DESC, 1 "
        f"LIMIT {MOST_KINDS + 1}"
    )
    if len(rows) > MOST_KINDS:
        raise InvalidInput(
            f"The column mapped to event holds more than {MOST_KINDS} different values, such as {rows[0][0]!r} and "
            f"{rows[1][0]!r}: no kinds of events. Name another one (--map event=COLUMN) or none (--map event=)."
        )
    found = {kind: plan.weight_of(kind) for kind, _ in rows}
    kinds = tuple(
        {"kind": kind or "(none)", "events": count, "weight": found[kind][0], "known": found[kind][1]}
        for kind, count in rows
    )
    return {kind: weight for kind, (weight, _) in found.items()}, kinds


def _number(db: Duck, condition: str) -> None:
    for side, table in (("u", "seen_users"), ("i", "seen_items")):
        db.run(
            f"CREATE TABLE {table} AS SELECT {side}, CAST(row_number() OVER (ORDER BY {side}) - 1 AS INTEGER) AS code "
            f"FROM (SELECT DISTINCT {side} FROM staged WHERE {condition})"
        )


def _filter(db: Duck, plan: ImportPlan, kept: Kept) -> None:
    """Take away items with too few users and users with too few items, until all that remain have enough."""
    db.run(
        "CREATE TABLE pairs AS SELECT DISTINCT us.code AS u, it.code AS i FROM staged JOIN seen_users us USING (u) "
        f"JOIN seen_items it USING (i) WHERE {kept.condition}"
    )
    before = db.one("SELECT (SELECT count(*) FROM seen_users), (SELECT count(*) FROM seen_items)")
    while True:
        size = db.one("SELECT count(*) FROM pairs")[0]
        for mine, other, least in (("i", "u", plan.min_users), ("u", "i", plan.min_items)):
            db.run(
                "CREATE OR REPLACE TABLE pairs AS SELECT u, i FROM pairs WHERE "
                f"{mine} IN (SELECT {mine} FROM pairs GROUP BY {mine} HAVING count({other}) >= {least})"
            )
        if db.one("SELECT count(*) FROM pairs")[0] == size:
            break
    for side, table in (("u", "seen_users"), ("i", "seen_items")):
        db.run(
            f"CREATE OR REPLACE TABLE {table} AS SELECT {side}, CAST(row_number() OVER (ORDER BY code) - 1 AS INTEGER) "
            f"AS code FROM {table} WHERE code IN (SELECT {side} FROM pairs)"
        )
    after = db.one("SELECT (SELECT count(*) FROM seen_users), (SELECT count(*) FROM seen_items)")
    kept.left_out[f"users with fewer than {plan.min_items} items"] = before[0] - after[0]
    kept.left_out[f"items with fewer than {plan.min_users} users"] = before[1] - after[1]


def _write_events(db: Duck, plan: ImportPlan, kept: Kept, path: Path, on_fraction: OnFraction) -> None:
    differ = len({weight for weight in kept.weights.values() if weight > 0}) > 1
    weight = ""
    if differ:
        cases = " ".join(f"WHEN {text(kind)} THEN {weight!r}" for kind, weight in kept.weights.items())
        weight = f", CAST(CASE coalesce(kind, '') {cases} END AS FLOAT) AS {c.WEIGHT}"
    distinct = "DISTINCT" if plan.drop_duplicates else ""
    db.run(
        f"COPY (SELECT {distinct} us.code AS {c.USER}, it.code AS {c.ITEM}, date_trunc('second', ts) AS {c.TIMESTAMP}, "
        f"coalesce(q, 1)::FLOAT AS {c.QUANTITY}, coalesce(v, 0)::FLOAT AS {c.VALUE}{weight} "
        f"FROM staged JOIN seen_users us USING (u) JOIN seen_items it USING (i) WHERE {kept.condition} ORDER BY ALL) "
        f"TO {text(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 250000)",
        on_fraction,
    )


def _manifest(
    db: Duck,
    plan: ImportPlan,
    inputs: Inputs,
    staged: Staged,
    kept: Kept,
    tables: catalogue.Tables,
    rejects: Any,
    work: Path,
    on_fraction: Callable[[float], None],
) -> dict[str, Any]:
    import pandas as pd

    users, items = (pd.read_parquet(work / f"{part}.parquet") for part in ("users", "items"))
    survey = Survey(len(users), len(items))
    total = max(db.one(f"SELECT count(*) FROM {text(work / 'events.parquet')}")[0], 1)

    def counted() -> Iterator[Any]:
        for piece in pieces(work / "events.parquet"):
            survey.add(piece)
            on_fraction(survey.events / total)
            yield piece

    fingerprint = fingerprint_of(([users], [items], counted()), tables.category_levels, tables.user_attributes)
    if survey.items_of_user.max() < 2:
        raise InvalidInput(
            "No user has two different items, so nothing tells which items go together. Is user_id mapped to the right "
            "column?"
        )
    summary = import_report.summary(plan.name, fingerprint, users, items, survey, tables)
    found = import_report.build(db, plan, inputs, staged, kept, tables, rejects, survey, users, items, summary)
    return {
        "name": plan.name,
        "category_levels": list(tables.category_levels),
        "user_attributes": list(tables.user_attributes),
        "notes": summary["notes"] | {"source": found["source"], "left_out": found["left_out"]},
        "summary": summary | {"notes": {"source": found["source"], "left_out": found["left_out"]}},
        "report": found,
    }


def _nothing_usable(db: Duck) -> None:
    from recsys.staging import REASONS

    rows = db.rows("SELECT reason, count(*), any_value(bad) FROM staged GROUP BY 1 ORDER BY 2 DESC LIMIT 3")
    rows_lines = db.rows("SELECT reason, count(*) FROM rejected_lines GROUP BY 1 ORDER BY 2 DESC LIMIT 2")
    why = [f"{n:,} with {REASONS[code]}" + (f" (such as {bad!r})" if bad else "") for code, n, bad in rows]
    why += [f"{n:,} with {reason}" for reason, n in rows_lines]
    if not why:
        raise InvalidInput("The events have a header but no rows; at least two users with items in common are needed.")
    raise InvalidInput(f"No row of the events can be used: {'; '.join(why)}.")


def _check_enough(db: Duck, kept: Kept) -> None:
    users, items = db.one("SELECT (SELECT count(*) FROM seen_users), (SELECT count(*) FROM seen_items)")
    left = "".join(f" Left out: {n:,} {why}." for why, n in kept.left_out.items() if n)
    if users == 0 or items == 0:
        raise InvalidInput(f"Nothing is left to learn from.{left} Loosen --min-users and --min-items.")
    if users == 1 or items == 1:
        only = "one user" if users == 1 else "one item"
        raise InvalidInput(
            f"The events know {only} only; recommendations are learned from several users and several items. "
            f"Is the right column mapped?{left}"
        )


@contextmanager
def _work_folder(home: Path) -> Iterator[Path]:
    """A folder below the home for one import; what imports that were killed have left there is removed first."""
    parent = home / WORK
    for left in parent.glob("*"):
        owner = left.name.partition("_")[0]
        if not process_alive(owner):
            shutil.rmtree(left, ignore_errors=True)
    folder = parent / f"{process_identity(os.getpid())}_{uuid.uuid4().hex[:8]}"
    with readable_errors(home):
        folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            parent.rmdir()

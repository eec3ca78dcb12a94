"""Which of the staged rows are events, and which users and items have some."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from recsys import columns as c
from recsys.dataset.documents import KindReport
from recsys.errors import InvalidInput
from recsys.ingest.columns.marked_rows import PART
from recsys.ingest.config import ImportPlan
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.events import outlier_rows
from recsys.ingest.events.event_rows import REASONS
from recsys.ingest.events.staging import Staged

NOTHING_LEFT = 1e-6
"""Of a quantity, after returns: less than this share of it is nothing."""

SIDES = (("u", "user_ids", "seen_users"), ("i", "item_ids", "seen_items"))


@dataclass(frozen=True)
class Filtered:
    """Which rows are events: an SQL condition on `staged`, and what it leaves out.

    Attributes:
        events: how many rows meet the condition; more than remain where `seen_users` or `seen_items` lack some.
        columns: what of an event is known, and where it stands in `staged`: "ts", "q", "v" and, where kinds of events
            differ in weight, "heavy", the place of its weight in `weights`.
        weights: of kinds of events, rising.
        reduced: purchases of which some pieces came back.
        warnings: what somebody should check, in words.
    """

    condition: str
    events: int
    columns: dict[str, str]
    weights: tuple[float, ...]
    kinds: tuple[KindReport, ...]
    left_out: dict[str, int]
    min_rating: float | None
    reduced: int
    warnings: tuple[str, ...] = ()


def choose(db: DuckSession, plan: ImportPlan, staged: Staged) -> Filtered:
    """Decide which rows are events; make `seen_users` and `seen_items` (id, h), those that have some.

    Raises:
        InvalidInput: there is nothing, or too little, to learn from.
    """
    conditions = ["reason = 0"]
    left_out: dict[str, int] = {}
    reduced = 0

    def leave_out(why: str, condition: str) -> None:
        rows = db.one(f"SELECT count(*) FROM staged WHERE {' AND '.join(conditions)} AND {condition}")[0]
        if rows:
            left_out[why] = left_out.get(why, 0) + rows
        conditions.append(f"NOT coalesce({condition}, false)")

    if not db.one("SELECT count(*) FROM staged WHERE reason = 0")[0]:
        _nothing_usable(db, staged)
    weights, kinds = _weights(db, plan, staged)
    for place, weight in weights.items():
        if weight == 0:
            kind = staged.kinds[place] or "(none)"
            leave_out(f"events of kind {kind}, which count nothing", f"kind = {place}")
    notes: list[str] = []
    if PART in staged.fields:
        leave_out("rows that are part of another row", PART)
    for entry in outlier_rows.no_events(db, staged):
        leave_out(entry.why, entry.condition)
    for odd, more in (outlier_rows.anonymous_users(db, staged), outlier_rows.stray_times(db, staged)):
        for entry in odd:
            leave_out(entry.why, f"({entry.condition})")
        notes += more
    min_rating = None
    if c.RATING in staged.fields:
        min_rating = _by_rating(db, plan, leave_out, notes)
    if c.QUANTITY in staged.fields:
        leave_out("rows with a quantity of 0", "q = 0")
        if plan.returns == "cancel":
            gone, reduced = _take_back(db, staged, " AND ".join(conditions), weights)
            leave_out("returns", "q < 0")
            if gone:
                left_out["purchases that were returned in full"] = gone
        else:
            leave_out("returns", "q < 0")
    if {c.VALUE, c.PRICE} & staged.fields:
        leave_out("rows with money below 0: refunds or discounts", "v < 0")
    condition = " AND ".join(conditions)
    _see(db, condition)
    if plan.min_users > 1 or plan.min_items > 1:
        _filter(db, plan, condition, left_out)
    _check_enough(db, left_out)
    events = db.one(f"SELECT count(*) FROM staged WHERE {condition}")[0]
    rising = tuple(sorted({weight for weight in weights.values() if weight > 0}))
    columns = _columns(staged, weights, rising)
    return Filtered(condition, events, columns, rising, kinds, left_out, min_rating, reduced, tuple(notes))


def _by_rating(db: DuckSession, plan: ImportPlan, leave_out: Callable[[str, str], None], notes: list[str]) -> float:
    """Leave out ratings that are low, or far from the scale; gives the lowest that counts."""
    found = outlier_rows.scale(db)
    room = (found.high - found.low) / 2
    if plan.min_rating is None:
        leave_out(
            f"ratings far from the scale of {found.low:g} to {found.high:g}",
            f"(r > {found.high + room!r} OR r < {found.low - room!r})" + (" AND r <> 0" if found.zero_is_none else ""),
        )
    if found.zero_is_none:
        notes.append(f"a rating of 0 is taken for none, as the others go from {found.low:g} to {found.high:g}")
    least = plan.min_rating if plan.min_rating is not None else found.middle
    leave_out(f"ratings below {least:g}", f"r < {float(least)!r}" + (" AND r <> 0" if found.zero_is_none else ""))
    return float(least)


def _weights(db: DuckSession, plan: ImportPlan, staged: Staged) -> tuple[dict[int, float], tuple[KindReport, ...]]:
    """Weight of each kind of events by its place, and what the report says of each."""
    if c.EVENT not in staged.fields:
        return {}, ()
    rows = db.rows("SELECT kind, count(*) FROM staged WHERE reason = 0 GROUP BY 1")
    rows.sort(key=lambda row: (-row[1], staged.kinds[row[0]]))
    found = {place: plan.weight_of(staged.kinds[place]) for place, _ in rows}
    kinds: tuple[KindReport, ...] = tuple(
        {"kind": staged.kinds[place] or "(none)", "events": n, "weight": found[place][0], "known": found[place][1]}
        for place, n in rows
    )
    return {place: weight for place, (weight, _) in found.items()}, kinds


def _by_kind(values: Mapping[int, float]) -> str:
    """SQL of a value for each kind of events, by its place."""
    return "CASE kind " + " ".join(f"WHEN {place} THEN {value!r}" for place, value in values.items()) + " END"


def _columns(staged: Staged, weights: dict[int, float], rising: tuple[float, ...]) -> dict[str, str]:
    found = {}
    if c.TIMESTAMP in staged.fields:
        found["ts"] = "ts"
    if c.QUANTITY in staged.fields:
        found["q"] = "coalesce(q, 1)::FLOAT"
    if {c.VALUE, c.PRICE} & staged.fields:
        found["v"] = "coalesce(v, 0)::FLOAT"
    if len(rising) > 1:
        places = {place: rising.index(weight) for place, weight in weights.items() if weight > 0}
        found["heavy"] = f"({_by_kind(places)})::UTINYINT"
    return found


def _take_back(db: DuckSession, staged: Staged, condition: str, weights: dict[int, float]) -> tuple[int, int]:
    """Take the pieces that came back, and their money, off what the same user bought of the same item, the latest
    first; where there are several kinds of events, off the weightiest.

    Returns:
        how many purchases are gone, and of how many a part is.
    """
    if not db.one("SELECT count(*) FROM staged WHERE reason = 0 AND q < 0")[0]:
        return 0, 0
    with_value = bool({c.VALUE, c.PRICE} & staged.fields)
    latest = "ts DESC, " if c.TIMESTAMP in staged.fields else ""
    order = f"{latest}bought DESC" + (", v DESC" if with_value else "")
    weight = _by_kind(weights) if weights else "1"
    db.run(
        "CREATE TABLE taken AS WITH back AS (SELECT u, i, -sum(q::DOUBLE) AS pieces FROM staged "
        "WHERE reason = 0 AND q < 0 GROUP BY u, i), "
        f"bought AS (SELECT staged.rowid AS place, u, i, {weight} AS w, coalesce(q, 1)::DOUBLE AS bought, pieces"
        f"{', ts' if latest else ''}{', v' if with_value else ''} FROM staged JOIN back USING (u, i) "
        f"WHERE {condition} AND coalesce(q, 1) > 0), "
        "heaviest AS (SELECT * FROM bought QUALIFY w = max(w) OVER (PARTITION BY u, i)), "
        f"later AS (SELECT *, coalesce(sum(bought) OVER (PARTITION BY u, i ORDER BY {order} "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS later FROM heaviest) "
        "SELECT place, bought, bought - least(bought, pieces - later) AS rest FROM later WHERE pieces > later"
    )
    db.rows(f"UPDATE taken SET rest = 0 WHERE rest < {NOTHING_LEFT} * bought")
    value = ", v = v * taken.rest / taken.bought" if with_value else ""
    db.run(f"UPDATE staged SET q = taken.rest{value} FROM taken WHERE staged.rowid = taken.place")
    gone, reduced = db.one("SELECT count(*) FILTER (rest = 0), count(*) FILTER (rest > 0) FROM taken")
    db.rows("DROP TABLE taken")
    return gone, reduced


def _see(db: DuckSession, condition: str) -> None:
    """Users and items with events: all, but those that have rows of other kinds only."""
    unread = db.one("SELECT count(*) FROM rejected_lines WHERE part = 'events'")[0]
    for side, ids, seen in SIDES:
        if unread:
            some = f"IN (SELECT {side} FROM staged WHERE {condition})"
        else:
            doubtful = f"SELECT {side} FROM staged WHERE NOT ({condition}) AND {side} IS NOT NULL"
            some = (
                f"NOT IN (SELECT {side} FROM staged WHERE {side} IN ({doubtful}) GROUP BY {side} "
                f"HAVING count(*) FILTER ({condition}) = 0)"
            )
        db.run(f"CREATE TABLE {seen} AS SELECT id, h FROM {ids} WHERE h {some}")


def _filter(db: DuckSession, plan: ImportPlan, condition: str, left_out: dict[str, int]) -> None:
    """Take away items with too few users and users with too few items, until all that remain have enough."""
    db.run(f"CREATE TABLE pairs AS SELECT DISTINCT u, i FROM staged WHERE {condition}")
    before = _seen(db)
    while True:
        size = db.one("SELECT count(*) FROM pairs")[0]
        for mine, other, least in (("i", "u", plan.min_users), ("u", "i", plan.min_items)):
            db.run(
                "CREATE OR REPLACE TABLE pairs AS SELECT u, i FROM pairs WHERE "
                f"{mine} IN (SELECT {mine} FROM pairs GROUP BY {mine} HAVING count({other}) >= {least})"
            )
        if db.one("SELECT count(*) FROM pairs")[0] == size:
            break
    for side, _, seen in SIDES:
        db.run(f"DELETE FROM {seen} WHERE h NOT IN (SELECT {side} FROM pairs)")
    db.rows("DROP TABLE pairs")
    after = _seen(db)
    few = f"users with fewer than {plan.min_items} items" if plan.min_items > 1 else "users of whom no item was left"
    rare = f"items with fewer than {plan.min_users} users" if plan.min_users > 1 else "items of which no user was left"
    left_out |= {few: before[0] - after[0], rare: before[1] - after[1]}


def _seen(db: DuckSession) -> tuple[int, int]:
    users, items = db.one("SELECT (SELECT count(*) FROM seen_users), (SELECT count(*) FROM seen_items)")
    return users, items


def _nothing_usable(db: DuckSession, staged: Staged) -> None:
    def found() -> Iterator[tuple[int, int, str | None]]:
        for entry in staged.sources:
            yield from db.rows(f"SELECT reason, count(*), any_value(bad) FROM ({entry.rejected()}) GROUP BY 1")

    counts: dict[int, tuple[int, str | None]] = {}
    for code, n, bad in found():
        before, example = counts.get(code, (0, None))
        counts[code] = before + n, example or bad
    most = sorted(counts.items(), key=lambda entry: -entry[1][0])[:3]
    why = [f"{n:,} with {REASONS[code]}" + (f" (such as {bad!r})" if bad else "") for code, (n, bad) in most]
    lines = db.rows("SELECT reason, count(*) FROM rejected_lines GROUP BY 1 ORDER BY 2 DESC LIMIT 2")
    why += [f"{n:,} with {reason}" for reason, n in lines]
    if not why:
        raise InvalidInput("The events have a header but no rows; at least two users with items in common are needed.")
    raise InvalidInput(f"No row of the events can be used: {'; '.join(why)}.")


def _check_enough(db: DuckSession, left_out: dict[str, int]) -> None:
    users, items = _seen(db)
    left = "".join(f" Left out: {n:,} {why}." for why, n in left_out.items() if n)
    if users == 0 or items == 0:
        raise InvalidInput(f"Nothing is left to learn from.{left} Loosen --min-users and --min-items.")
    if users == 1 or items == 1:
        only = "one user" if users == 1 else "one item"
        raise InvalidInput(
            f"The events know {only} only; recommendations are learned from several users and several items. "
            f"Is the right column mapped?{left}"
        )

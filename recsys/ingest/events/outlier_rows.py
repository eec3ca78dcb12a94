"""Rows that would mislead: times that stray, ratings far from the scale, and users who are nobody."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from recsys import columns as c
from recsys.ingest import duckdb_session
from recsys.ingest.cells.vocabulary import NEVER_AN_ID, NOBODY, NOBODY_DIGITS, TOTALS
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.events.staging import Staged
from recsys.utils import formatting

DAY = 86_400
MONTH = 30 * DAY
AHEAD = 2 * DAY
"""Times up to so many seconds after now may be of another zone."""

STRAY = 0.05
"""Share of the rows up to which a group far from the rest is set aside."""

LEAST_GAP = 365 * DAY
MUCH = 5
"""A word for nobody with more than so many times the events of the other users is nobody."""

EDGE = 0.01
"""Share of the ratings at each end that does not decide the scale alone."""

FEW_RATINGS, FEW_SHARE = 3, 0.05
"""So many ratings at each end do not decide it either, where they are no larger a share."""

UNRATED = 0.3
"""Share of ratings of 0 from which on 0 means that there is none, where the others go from 1 on."""


@dataclass(frozen=True)
class OutlierRows:
    """Rows to leave out: the reason in words, and the SQL condition on `staged`."""

    why: str
    condition: str


@dataclass(frozen=True)
class Scale:
    """The ratings that most rows have: the lowest, the highest; and whether 0 stands for no rating."""

    low: float
    high: float
    zero_is_none: bool

    @property
    def middle(self) -> float:
        """The middle between the ends of the scale."""
        return (self.low + self.high) / 2


def stray_times(db: DuckSession, staged: Staged, now: float | None = None) -> tuple[list[OutlierRows], list[str]]:
    """Rows later than now, and small groups far from all others; and what is to be said of rows that stay."""
    if c.TIMESTAMP not in staged.fields:
        return [], []
    low, high, n = db.one("SELECT min(ts), max(ts), count(ts) FROM staged WHERE reason = 0")
    limit = int((time.time() if now is None else now) + AHEAD)
    if not n or (high <= limit and high - low <= 2 * LEAST_GAP):
        return [], []
    found: list[OutlierRows] = []
    notes: list[str] = []
    later = db.one(f"SELECT count(*) FROM staged WHERE reason = 0 AND ts > {limit}")[0]
    if later > n / 2:
        notes.append(f"{later:,} of {n:,} events are later than today; is the clock right, and the form of the times?")
        limit = 2**32
    elif later:
        found.append(OutlierRows("events later than today", f"ts > {limit}"))
    months = db.rows(
        f"SELECT ts // {MONTH}, count(*), min(ts), max(ts) FROM staged WHERE reason = 0 AND ts <= {limit} "
        "GROUP BY 1 ORDER BY 1"
    )
    first, last = _bulk([(rows, begin, end) for _, rows, begin, end in months])
    if months and first > months[0][2]:
        found.append(OutlierRows(f"events long before all others (before {_day(first)})", f"ts < {first}"))
    if months and last < months[-1][3]:
        found.append(
            OutlierRows(f"events long after all others (after {_day(last)})", f"ts > {last} AND ts <= {limit}")
        )
    return found, notes


def _bulk(groups: Sequence[tuple[int, int, int]]) -> tuple[int, int]:
    """First and last time of the rows without small groups at either end that are farther off than the rest is long.

    Args:
        groups: number of rows, first and last time of each, in order.
    """
    if not groups:
        return 0, 0
    total = sum(rows for rows, _, _ in groups)
    first, last = groups[0][1], groups[-1][2]
    before = 0
    for (rows, _, end), (_, begin, _) in pairwise(groups):
        before += rows
        if before > STRAY * total:
            break
        if begin - end > max(LEAST_GAP, last - begin):
            first = begin
    after = 0
    for (rows, begin, _), (_, _, end) in pairwise(reversed(groups)):
        after += rows
        if after > STRAY * total:
            break
        if begin - end > max(LEAST_GAP, end - first):
            last = end
    return first, last


def anonymous_users(db: DuckSession, staged: Staged) -> tuple[list[OutlierRows], list[str]]:
    """Users whose id is a word for nobody: those that certainly are, or have far more events than others; and what is
    to be said of the rest."""
    listed = ", ".join(duckdb_session.text(x) for x in NOBODY)
    users = db.rows(  # no OR: with it DuckDB compares each id with each word
        f"SELECT h, id FROM user_ids WHERE lower(trim(split_part(id, '@', 1))) IN ({listed}) "
        f"UNION SELECT h, id FROM user_ids WHERE regexp_full_match(trim(id), '{NOBODY_DIGITS}')"
    )
    if not users:
        return [], []
    numbers = ", ".join(str(h) for h, _ in users)
    counts = dict(db.rows(f"SELECT u, count(*) FROM staged WHERE reason = 0 AND u IN ({numbers}) GROUP BY 1"))
    total, n = db.one("SELECT count(*), count(DISTINCT u) FROM staged WHERE reason = 0")
    others = (total - sum(counts.values())) / max(n - len(counts), 1)
    found, notes = [], []
    for h, name in sorted(users, key=lambda user: str(user[1])):
        events = counts.get(h, 0)
        if not events:
            continue
        if name.strip().lower() in NEVER_AN_ID or events > max(MUCH * others, 10):
            found.append(OutlierRows(f"events of user {name!r}, which stands for nobody", f"u = {h}"))
        elif not name.strip().lstrip("-").replace(".", "").isdigit():
            notes.append(
                f"user {name!r} has {formatting.plural(events, 'event')}; if it stands for nobody, take those rows out"
            )
    return found, notes


def no_events(db: DuckSession, staged: Staged) -> list[OutlierRows]:
    """Lines of totals, and lines with the names of the columns amid the rows."""
    found = []
    for side, table in (("u", "user_ids"), ("i", "item_ids")):
        listed = duckdb_session.listed(TOTALS)
        rows = db.rows(f"SELECT h FROM {table} WHERE lower(trim(id)) IN (SELECT unnest({listed}))")
        if rows:
            found.append(OutlierRows("lines of totals", f"{side} IN ({', '.join(str(h) for (h,) in rows)})"))
    for user, item in {(x.mapped[c.USER][0], x.mapped[c.ITEM][0]) for x in staged.sources}:
        here = db.rows(
            f"SELECT u.h, i.h FROM user_ids u, item_ids i WHERE u.id = {duckdb_session.text(user)} "
            f"AND i.id = {duckdb_session.text(item)}"
        )
        found += [OutlierRows("lines with the names of the columns", f"(u = {u} AND i = {i})") for u, i in here]
    return found


def scale(db: DuckSession) -> Scale:
    """The scale of the ratings, without what hardly any row has and is far from all others."""
    rows = db.rows("SELECT r, count(*) FROM staged WHERE reason = 0 AND r IS NOT NULL GROUP BY 1 ORDER BY 1")
    if not rows:
        return Scale(0.0, 0.0, False)
    total = sum(n for _, n in rows)
    low, high = _edge(rows, total), _edge(rows[::-1], total)
    room = (high - low) / 2
    within = [r for r, _ in rows if low - room <= r <= high + room]
    zeros = next((n for r, n in rows if r == 0), 0)
    rated = [r for r in within if r != 0]
    if zeros > UNRATED * total and len(rated) >= 5 and min(rated) >= 0.5 and max(rated) >= 5:
        return Scale(min(rated), max(rated), True)
    return Scale(min(within), max(within), False)


def _edge(rows: Sequence[tuple[float, int]], total: int) -> float:
    """The first value up to which more than `EDGE` of the rows go, and more than a few."""
    gathered, least = 0, max(EDGE * total, min(FEW_RATINGS, FEW_SHARE * total))
    for value, n in rows:
        gathered += n
        if gathered > least:
            return value
    return rows[-1][0]


def _day(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"

"""Events that stand in two files: exports whose periods overlap count them twice."""

from recsys import columns as c
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.events.staging import Staged

MOST_ROWS = 500_000
"""Rows that are compared; of more, those of every so many-th user."""

LEAST = 0.01


def notes(db: DuckSession, staged: Staged) -> list[str]:
    """What is to be said of files that hold the same events."""
    if len(staged.sources) < 2 or c.TIMESTAMP not in staged.fields:
        return []
    rows = db.one("SELECT count(*) FROM staged WHERE reason = 0")[0]
    every = rows // MOST_ROWS + 1
    columns = {str(name) for (name,) in db.rows("SELECT column_name FROM duckdb_columns() WHERE table_name = 'staged'")}
    same = ", ".join(("u", "i", "ts", *(x for x in ("kind", "q", "v", "r") if x in columns)))
    looked, twice = db.one(
        "SELECT sum(n), sum(n) FILTER (files > 1) FROM (SELECT count(*) AS n, count(DISTINCT file) AS files "
        f"FROM staged WHERE reason = 0 AND u % {every} = 0 GROUP BY {same})"
    )
    if not looked or (twice or 0) < LEAST * looked:
        return []
    return [
        f"{twice / looked:.0%} of the events stand alike in two files (same user, item and time): exports that overlap "
        "count twice; --drop-duplicates counts them once"
    ]

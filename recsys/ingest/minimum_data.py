"""Data that cannot be learned from: refused when they are imported, rather than when they are trained on."""

import pandas as pd

from recsys import columns as c
from recsys.dataset.splitting import split_days
from recsys.errors import InvalidInput
from recsys.ingest import column_names as names
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.events.statistics import ImportStatistics
from recsys.ingest.read_data import ReadData

LEAST = 3
"""Different items that somebody must have where items are set aside for judging, as there are no times to split by."""


def check(db: DuckSession, read: ReadData, survey: ImportStatistics, items: pd.DataFrame) -> None:
    """Refuse data that no model can be learned from, or chosen by.

    Raises:
        InvalidInput: says what is lacking and what may mend it.
    """
    left = "".join(f" Left out: {n:,} {why}." for why, n in read.kept.left_out.items() if n)
    if survey.items_of_user.max() < 2:
        raise InvalidInput(
            "No user has two different items, so nothing tells which items go together. Is user_id mapped to the right "
            f"column?{left}{_columns(read)}"
        )
    if survey.users_of_item.max() < 2 and not _shared(items, read):
        raise InvalidInput(
            f"Every item has one user only ({survey.events:,} events, {int((survey.users_of_item > 0).sum()):,} items"
            "), so nothing tells who else may like it: the column of item_id may number the rows, or the orders."
            f"{_columns(read)}{_better(read)}"
        )
    days = None if survey.first is None else split_days(survey.first, survey.last)
    if days is None:
        if survey.items_of_user.max() < LEAST:
            why = "no times" if survey.first is None else "all times on one day"
            raise InvalidInput(
                f"The data have {why}, and nobody has {LEAST} different items: without times, one is set aside for "
                f"choosing and one for judging. Map a column of times (--map timestamp=COLUMN), or use more data.{left}"
            )
        return
    _check_periods(db, read, survey, days)


def _check_periods(db: DuckSession, read: ReadData, survey: ImportStatistics, days: tuple[float, float]) -> None:
    """Refuse data where a period would be empty, or nobody in it had bought before."""
    if survey.last is None:
        return
    test = survey.last - pd.Timedelta(days=days[0])
    validation = test - pd.Timedelta(days=days[1])
    one, other = (int(x.timestamp()) for x in (validation, test))
    fit, choosing, judging = db.one(
        f"SELECT count(*) FILTER (ts < {one}), count(*) FILTER (ts >= {one} AND ts < {other}), "
        f"count(*) FILTER (ts >= {other}) FROM staged WHERE {read.kept.condition}"
    )
    empty = next(
        (name for name, n in (("to learn from", fit), ("to choose by", choosing), ("to judge by", judging)) if not n),
        None,
    )
    if empty:
        raise InvalidInput(
            f"The times leave nothing {empty}: of the events from {survey.first:%Y-%m-%d} to {survey.last:%Y-%m-%d}, "
            f"{fit:,} are before {validation:%Y-%m-%d}, {choosing:,} before {test:%Y-%m-%d} and {judging:,} after. Is "
            "the right column mapped to timestamp? Without times (--map timestamp=) items are set aside at random."
        )


def _shared(items: pd.DataFrame, read: ReadData) -> bool:
    """Whether most items have categories: then they can be learned from, though nobody shares an item."""
    levels = read.tables.category_levels
    return bool(levels) and float((items[levels[0]] != c.UNCATEGORISED).mean()) > 0.5


def _columns(read: ReadData) -> str:
    taken = ", ".join(
        f"{field} from {' and '.join(map(repr, columns))}"
        for field, columns in read.recognised.events[0].mapped.items()
        if field in (c.USER, c.ITEM)
    )
    return f" Taken so far: {taken}."


def _better(read: ReadData) -> str:
    """Another column that looks like the item, where the one that was named does not."""

    entry = read.recognised.events[0]
    others = [x.name for x in entry.columns if x.taken_as is None and names.rank(x.name, c.ITEM) is not None]
    if not others:
        return ""
    best = min(others, key=lambda x: names.rank(x, c.ITEM) or 0)
    stated = read.plan.mapping.get(c.ITEM, ())
    if stated and read.recognised.items:
        return (
            f" Column {best!r} of the events looks like the item. If {stated[0]!r} is meant for the catalogue alone: "
            f"--map items.item_id={stated[0]!r}"
        )
    return f" Column {best!r} looks like the item: --map events.item_id={best!r}"

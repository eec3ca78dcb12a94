"""What an import found and what it did with it: one document for JSON; `report_words` says the same to people."""

import math
from typing import Any

import numpy as np
import pandas as pd

from recsys import columns as c
from recsys.dataset.documents import CategorySize, DatasetSummary, ImportReport, Outliers, TrainingPeriods, summarised
from recsys.dataset.splitting import LEAVE_OUT, split_days
from recsys.ingest import accounts
from recsys.ingest.catalog import Tables
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.events.statistics import ImportStatistics
from recsys.ingest.findings import findings
from recsys.ingest.read_data import ReadData
from recsys.utils import formatting as fmt
from recsys.utils.json_values import jsonable

CATEGORIES_SHOWN = 40
HIGH = 0.999


def summary(
    name: str, fingerprint: str, users: pd.DataFrame, items: pd.DataFrame, survey: ImportStatistics, tables: Tables
) -> DatasetSummary:
    """What `Dataset.summary` says, without reading the events at once."""
    return summarised(
        name,
        fingerprint,
        users,
        items,
        items_without_events=int((survey.users_of_item == 0).sum()),
        events=survey.events,
        pairs=survey.pairs,
        repeated=survey.repeated,
        period=None if survey.first is None or survey.last is None else (survey.first, survey.last),
        category_levels=tables.category_levels,
        user_attributes=tables.user_attributes,
        notes={},
    )


def build(
    db: DuckSession,
    read: ReadData,
    survey: ImportStatistics,
    users: pd.DataFrame,
    items: pd.DataFrame,
    counted: DatasetSummary,
) -> ImportReport:
    """The report, ready for JSON."""
    staged, kept, tables, rejects = read.staged, read.kept, read.tables, read.rejects
    suspects = survey.suspects()
    outliers: Outliers = {
        "suspects": [{"user_id": str(users[c.USER].iloc[u]), "events": int(survey.events_of_user[u])} for u in suspects]
    }
    if c.QUANTITY in staged.fields:
        outliers["largest_quantity"], outliers["quantity_99_9_percent"] = _quantities(db, kept.condition)
    account, files = accounts.account(db, read, survey), accounts.files(db, read)
    return {
        **counted,
        "source": ", ".join(source.shown for source in read.inputs.events),
        "warnings": findings(read, account, files),
        "rows": jsonable(account),
        "columns": accounts.columns(read),
        "files": files,
        "rows_read": account.read,
        "rejected": {
            "rows": rejects.total,
            "by_reason": rejects.by_reason,
            "first": jsonable(rejects.first),
        },
        "left_out": kept.left_out,
        "returned_in_part": kept.reduced,
        "kinds": list(kept.kinds),
        "min_rating": kept.min_rating,
        "filters": {"min_users": read.plan.min_users, "min_items": read.plan.min_items},
        "duplicates": survey.duplicates,
        "outliers": outliers,
        "items_per_user": _spread(survey.items_of_user),
        "users_per_item": _spread(survey.users_of_item[survey.users_of_item > 0]),
        "long_tail": survey.long_tail(),
        "catalogue": tables.facts,
        "columns_left_out": tables.left_out,
        "coverage": _coverage(items, tables),
        "tree": _tree(items, survey, tables),
        "training": _training(survey),
    }


def _quantities(db: DuckSession, condition: str) -> tuple[float | None, float | None]:
    """The largest quantity, and the one that 99.9% do not exceed (linear between neighbours): from the counts of equal
    ones, since most are 1."""
    most, rows = db.one(f"SELECT max(q), count(q) FROM staged WHERE {condition}")
    place = HIGH * (rows - 1)
    low, high = db.one(
        f"SELECT min(q) FILTER (upto > {math.floor(place)}), min(q) FILTER (upto > {math.ceil(place)}) FROM (SELECT q, "
        f"sum(n) OVER (ORDER BY q) AS upto FROM (SELECT q, count(q) AS n FROM staged WHERE {condition} GROUP BY q))"
    )
    between = None if most is None else low + (high - low) * (place - math.floor(place))
    return most, between


def _training(survey: ImportStatistics) -> TrainingPeriods:
    days = None if survey.first is None else split_days(survey.first, survey.last)
    if days is None or survey.last is None:
        why = "no times" if survey.first is None else "all times on one day"
        return {
            "kind": "leave-k-out",
            "words": f"everything but up to {LEAVE_OUT} products of each user for validation and {LEAVE_OUT} for the "
            f"test, chosen at random with a seed, because the data have {why}",
        }
    test_start = survey.last - pd.Timedelta(days=days[0])
    validation_start = test_start - pd.Timedelta(days=days[1])
    return {
        "kind": "time",
        "validation_start": validation_start.isoformat(),
        "test_start": test_start.isoformat(),
        "words": f"events before {fmt.day(test_start)}; passes are chosen on those from "
        f"{fmt.day(validation_start)} on, and the {days[0]:.3g} days after are kept for the test",
    }


def _spread(counts: Any) -> dict[str, float]:
    if len(counts) == 0:
        return {"middle": 0.0, "high": 0.0, "most": 0.0}
    return {"middle": float(np.median(counts)), "high": float(np.quantile(counts, 0.9)), "most": float(counts.max())}


def _coverage(items: pd.DataFrame, tables: Tables) -> dict[str, float]:
    named = {c.TITLE: float((items[c.TITLE] != items[c.ITEM]).mean())}
    levels = {level: float((items[level] != c.UNCATEGORISED).mean()) for level in tables.category_levels}
    others = [x for x in items.columns if x not in (c.ITEM, c.TITLE, *tables.category_levels)]
    return named | levels | {name: float(items[name].notna().mean()) for name in others}


def _tree(items: pd.DataFrame, survey: ImportStatistics, tables: Tables) -> list[CategorySize]:
    """The largest categories on the two widest levels: path, items, pairs."""
    if not tables.category_levels:
        return []
    levels = list(tables.category_levels[:2])
    sizes = items[levels].assign(items=1, pairs=survey.users_of_item).groupby(levels, sort=False).sum().reset_index()
    sizes = sizes.sort_values(["pairs", "items", *levels], ascending=[False, False, *([True] * len(levels))])
    return [
        {"path": [str(row[level]) for level in levels], "items": int(row["items"]), "pairs": int(row["pairs"])}
        for _, row in sizes.head(CATEGORIES_SHOWN).iterrows()
    ]

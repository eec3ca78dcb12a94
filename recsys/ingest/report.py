"""What an import found and what it did with it: one document for JSON, and the same in words for people."""

import math
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Section:
    """A heading and its facts, in words; plain text."""

    title: str
    facts: tuple[tuple[str, str], ...]


def sections(found: ImportReport) -> list[Section]:
    """The report in words, for the command line and the page alike."""
    entries = [
        Section("To check", tuple((str(n), text) for n, text in enumerate(found.get("warnings", ()), start=1))),
        Section("Files", _files_words(found)),
        Section("Found", _found_words(found)),
        Section("Kinds of events", _kinds_words(found)),
        Section("Not used", _not_used_words(found)),
        Section("Accounts", _accounts(found) if "rows" in found else ()),
        Section("Items and users", _catalogue_words(found)),
        Section("Out of the ordinary", _outliers_words(found)),
        Section("Training", (("Learns from", found["training"]["words"]),)),
    ]
    return [section for section in entries if section.facts]


Facts = tuple[tuple[str, str], ...]


def _files_words(found: ImportReport) -> Facts:
    files = []
    for file in found["files"]:
        named = {name: cols for name, cols in file.get("mapping", {}).items() if cols != [name]}
        mapped = ", ".join(f"{name} from {' and '.join(cols)}" for name, cols in named.items())
        files.append((file["file"], "; ".join(x for x in (file["part"], file["written"], mapped) if x)))
        if times := file.get("timestamps"):
            files.append(("Times", times))
    return tuple(files)


def _found_words(found: ImportReport) -> Facts:
    number = fmt.number
    return (
        ("Events", f"{number(found['events'])} of {number(found['rows_read'])} rows"),
        ("Users", number(found["users"])),
        ("Items", f"{number(found['items'])}, {number(found['items_without_events'])} of them without events"),
        ("Period", fmt.period(found["period"])),
        ("Density", f"{found['density']:.4%} of all pairs of user and item ({number(found['pairs'])} pairs)"),
        ("Repeated", f"{fmt.share(found['repeat_rate'])} of the pairs have more than one event"),
        ("Equal rows", f"{number(found['duplicates'])} rows equal another in everything; they count as repeats"),
        ("Items per user", _spread_words(found["items_per_user"])),
        ("Users per item", _spread_words(found["users_per_item"])),
        ("Long tail", _tail_words(found)),
    )


def _kinds_words(found: ImportReport) -> Facts:
    return tuple(
        (kind["kind"], f"{fmt.number(kind['events'])} events, weight {kind['weight']:g}" + ("" if kind["known"] else
         f" (not a kind known here: set it with --weight {kind['kind']}=NUMBER)"))
        for kind in found["kinds"]
    )  # fmt: skip


def _not_used_words(found: ImportReport) -> Facts:
    lost = [(f"Rejected: {reason}", fmt.plural(n, "row")) for reason, n in found["rejected"]["by_reason"].items()]
    lost += [(f"Left out: {why}", fmt.number(n)) for why, n in found["left_out"].items()]
    if reduced := found.get("returned_in_part"):
        lost.append(("Purchases that were returned in part", f"{fmt.number(reduced)}, kept with what remained"))
    return tuple(lost) or (("Nothing", "every row was used"),)


def _outliers_words(found: ImportReport) -> Facts:
    outliers = found["outliers"]
    odd = [
        ("Maybe a program", f"user {x['user_id']} has {fmt.number(x['events'])} events") for x in outliers["suspects"]
    ]
    largest, high = outliers.get("largest_quantity"), outliers.get("quantity_99_9_percent")
    if largest is not None and high is not None:
        odd.append(("Largest quantity", f"{largest:,.0f}; 99.9% are at most {high:,.0f}"))
    return tuple(odd)


def _accounts(found: ImportReport) -> tuple[tuple[str, str], ...]:
    """Where every row and line went, and which columns were taken for what."""
    rows = found["rows"]
    entries = [
        (
            "Rows of the events",
            f"{rows['read']:,} read = {rows['used']:,} used + {rows['rejected']:,} rejected + {rows['left_out']:,} "
            "left out",
        )
    ]
    for file in found["files"]:
        if lines := file.get("lines"):
            parts = [f"{lines[key]:,} {label}" for key, label in _LINES if lines[key]]
            entries.append((f"Lines of {file['file']}", f"{lines['lines']:,} = {' + '.join(parts)}"))
    for column in found["columns"]:
        taken = column["taken_as"] or "not used"
        because = column["because"].removeprefix("not used: ")
        entries.append((f"Column {column['column']} of {column['file']}", f"{taken}: {because}"))
    return tuple(entries)


_LINES = (
    ("above", "above the header"), ("header", "header"), ("rows", "rows"), ("within_fields", "within fields"),
    ("empty", "empty"),
)  # fmt: skip


def _catalogue_words(found: ImportReport) -> tuple[tuple[str, str], ...]:
    number, share, facts = fmt.number, fmt.share, found["catalogue"]
    entries = [(f"{fmt.label(level)} names", number(n)) for level, n in found["categories"].items()]
    entries += [(f"{fmt.label(name)} known", f"{share(known)} of items") for name, known in found["coverage"].items()]
    if facts["catalogue_items"]:
        entries += [
            ("Only in the events", _kept(facts["items_only_in_events"], "without title and category")),
            ("Only in the catalogue", _kept(facts["items_only_in_catalogue"], "known by their categories")),
        ]
    for key, label in (
        ("catalogue_items_twice", "Items in several rows"),
        ("catalogue_items_that_disagree", "of these with rows that disagree; the first value of each column was taken"),
        ("catalogue_rows_without_id", "Catalogue rows without an id, not used"),
        ("prices_not_readable", "Prices and numbers that cannot be read, left empty"),
        ("users_without_events", "Users without events, not kept"),
    ):
        if facts.get(key):
            entries.append((label, number(facts[key])))
    for name, attribute in found["user_attributes"].items():
        entries.append((fmt.label(name), f"{number(attribute['values'])} values, known of {share(attribute['known'])}"))
    entries += [(f"Column {column}", f"not kept: {why}") for column, why in found["columns_left_out"].items()]
    return tuple(entries) or (("No catalogue", "titles are the ids; add one with --items"),)


def _kept(items: int, how: str) -> str:
    return f"{fmt.plural(items, 'item')}; kept, {how}" if items else "none"


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


def _spread_words(spread: dict[str, float]) -> str:
    middle, high, most = (fmt.number(spread[name]) for name in ("middle", "high", "most"))
    return f"half have {middle} or more, one in ten {high} or more, at most {most}"


def _tail_words(found: ImportReport) -> str:
    tail = found["long_tail"]
    half = tail["half_of_pairs_on_items"]
    return (
        f"{fmt.number(half)} items ({fmt.share(half / found['items'])}) make half of the pairs; "
        f"{fmt.number(tail['items_with_one_user'])} items have one user only"
    )


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

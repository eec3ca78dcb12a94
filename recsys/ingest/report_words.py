"""The report of an import in words, for the command line and the page alike."""

from collections.abc import Iterable
from dataclasses import dataclass

from recsys.dataset.documents import ImportReport
from recsys.utils import formatting as fmt


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


MANY = 10
"""Of more files than this those that are alike are told of together, in words."""


def _alike(named: Iterable[tuple[str, tuple[str, ...]]], many: bool) -> list[tuple[str, tuple[str, ...]]]:
    """What is told of files, each once: the first file it is told of, and how many more."""
    if not many:
        return list(named)
    found: dict[tuple[str, ...], list[str]] = {}
    for file, told in named:
        found.setdefault(told, []).append(file)
    return [(x[0] + (f" and {len(x) - 1:,} more" if len(x) > 1 else ""), told) for told, x in found.items()]


def _files_words(found: ImportReport) -> Facts:
    named: list[tuple[str, tuple[str, ...]]] = []
    for file in found["files"]:
        mapping = {name: cols for name, cols in file.get("mapping", {}).items() if cols != [name]}
        mapped = ", ".join(f"{name} from {' and '.join(cols)}" for name, cols in mapping.items())
        written = "; ".join(x for x in (file["part"], file["written"], mapped) if x)
        named.append((file["file"], (written, file.get("timestamps") or "")))
    files = []
    for name, (written, times) in _alike(named, len(found["files"]) > MANY):
        files += [(name, written), *([("Times", times)] if times else [])]
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
    counted = [(file["file"], lines) for file in found["files"] if (lines := file.get("lines"))]
    if len(counted) > MANY:
        sums = {key: sum(lines[key] for _, lines in counted) for key in counted[0][1]}
        counted = [(f"{counted[0][0]} and {len(counted) - 1:,} more", sums)]
    for name, lines in counted:
        parts = [f"{lines[key]:,} {label}" for key, label in _LINES if lines[key]]
        entries.append((f"Lines of {name}", f"{lines['lines']:,} = {' + '.join(parts)}"))
    columns = [(x["file"], (x["column"], x["taken_as"] or "not used", x["because"])) for x in found["columns"]]
    for name, (column, taken, because) in _alike(columns, len(found["files"]) > MANY):
        entries.append((f"Column {column} of {name}", f"{taken}: {because.removeprefix('not used: ')}"))
    return tuple(entries)


_LINES = (
    ("above", "above the header"), ("header", "header"), ("rows", "rows"), ("within_fields", "within fields"),
    ("empty", "blank"),
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

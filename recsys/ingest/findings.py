"""The findings at the top of an import's report: what needs somebody's attention first."""

from collections.abc import Sequence

from recsys import columns as c
from recsys.dataset.documents import FileReport
from recsys.dataset.event_kinds import words_of
from recsys.dataset.order_states import came_back_in_part
from recsys.ingest import odd_columns
from recsys.ingest.accounts import Account
from recsys.ingest.cells.vocabulary import says_yes_or_no
from recsys.ingest.column_names import is_time_name
from recsys.ingest.columns.column_content import MOSTLY
from recsys.ingest.columns.recognise import Recognised
from recsys.ingest.events.event_rows import REASONS
from recsys.ingest.read_data import ReadData
from recsys.utils import formatting

MUCH, SOME = 0.5, 0.02
"""Share of rejected rows from which on it is said first, and that from which on it is said at all."""


def findings(read: ReadData, account: Account, files: Sequence[FileReport]) -> list[str]:
    """In words, the weightiest first; nothing for an import without any doubt."""
    found: list[str] = []
    if account.rejected >= SOME * account.read and account.rejected:
        first = next(iter(read.rejects.by_reason.items()), ("", 0))
        blank = "; where cells are merged, or the later lines of an order leave it blank, fill it down"
        found.append(
            f"{account.rejected:,} of {account.read:,} rows of the events were rejected; most: {first[0]} "
            f"({first[1]:,}){blank if first[0] == REASONS[1] else ''}"
        )
    elif account.used < MUCH * account.read:
        most = max(read.kept.left_out.items(), key=lambda entry: entry[1], default=("", 0))
        found.append(f"{account.used:,} of {account.read:,} rows are used; left out: {most[0]} ({most[1]:,})")
    found += read.warnings
    found += read.kept.warnings
    found += [
        f"{x.source.shown} has a header but no rows: nothing of it is used"
        for x in read.recognised.all
        if not any(content.values for content in x.contents.values())
    ]
    found += _lacking(read)
    found += odd_columns.notes(read)
    for kind in read.kept.kinds:
        if not kind["known"] and kind["kind"] != "(none)":
            found.append(
                f"{kind['kind']!r} is no kind of event known here and weighs {kind['weight']:g}: "
                f"--weight {_quoted(kind['kind'])}=NUMBER (0 leaves it out)"
            )
    found += _in_part([x["kind"] for x in read.kept.kinds])
    for word, n in read.tables.unknown_words.items():
        found.append(f"availability {word!r} is not known: {formatting.plural(n, 'item')} count as not available")
    if n := read.tables.facts.get("catalogue_items_that_disagree", 0):
        found.append(
            f"{formatting.plural(n, 'item')} of the catalogue stand in several rows that disagree: of each column the "
            "first value counts"
        )
    if n := read.tables.facts.get("users_that_disagree", 0):
        found.append(
            f"{formatting.plural(n, 'user')} of the files of users stand in several rows that disagree: of each column "
            "the first value counts"
        )
    if n := read.tables.facts.get("catalogue_items_without_title", 0):
        found.append(f"{formatting.plural(n, 'item')} of the catalogue have no title: the id stands in its place")
    if n := read.tables.facts.get("prices_not_readable", 0):
        found.append(
            f"{formatting.plural(n, 'row')} of the catalogue with a number that cannot be read: it is left empty"
        )
    found += [f"{file['file']}: {note}" for file in files for note in file["notes"]]
    return list(dict.fromkeys(found))


def _in_part(kinds: Sequence[str]) -> list[str]:
    """States of orders that leave open which of the products came back."""
    found = [
        f"{kind!r} does not tell which products came back: its rows count as bought; --weight {_quoted(kind)}=0 leaves "
        "them out"
        for kind in kinds
        if came_back_in_part(words_of(kind))
    ]
    if {"closed", "complete"} <= set(kinds):
        found.append(
            "'closed' counts as bought; where it stands for orders that were refunded, as in Magento, --weight "
            "closed=0 leaves them out"
        )
    return found


def _quoted(kind: str) -> str:
    return f'"{kind}"' if " " in kind else kind


def _lacking(read: ReadData) -> list[str]:
    """What the files might have told, but do not, as nothing was recognised."""
    found = []
    for entry in read.recognised.events:
        stated_without = c.TIMESTAMP in entry.stated
        if c.TIMESTAMP not in entry.mapped and not stated_without:
            like = [
                x.name for x in entry.columns if entry.contents[x.name].times > MOSTLY or entry.contents[x.name].epochs
            ]
            hint = (
                f"; like times: {', '.join(map(repr, like))} (--map timestamp=COLUMN)" if like else _named_like(entry)
            )
            found.append(f"{entry.source.shown}: no column of times was found{hint}")
    tellers = read.recognised.items or read.recognised.events
    for name, fits in ((c.TITLE, _like_titles), (c.CATEGORY, _like_categories)):
        if any(name in x.mapped or name in x.stated for x in (*read.recognised.events, *read.recognised.items)):
            continue
        for entry in tellers:
            like = fits(entry)
            if like:
                hint = f"; like it: {', '.join(map(repr, like))} (--map {entry.part}.{name}=COLUMN)"
                found.append(f"{entry.source.shown}: no {name} was found{hint}")
    return found


def _named_like(entry: Recognised) -> str:
    """The columns that are named like times and hold none that is known, in words."""
    found = [
        f"{x.name!r}, such as {entry.contents[x.name].different[0]!r}"
        for x in entry.columns
        if x.taken_as is None and is_time_name(x.name) and not entry.contents[x.name].empty
    ]
    return f"; named like one: {'; '.join(found)}: no time in a form known here" if found else ""


def _like_titles(entry: Recognised) -> list[str]:
    return [
        x.name for x in entry.columns
        if x.taken_as is None and entry.contents[x.name].texts and not entry.contents[x.name].few
    ][:5]  # fmt: skip


def _like_categories(entry: Recognised) -> list[str]:
    return [
        x.name for x in entry.columns
        if x.taken_as is None and entry.contents[x.name].texts and entry.contents[x.name].few
        and not says_yes_or_no(entry.contents[x.name].different)
    ][:5]  # fmt: skip

"""Ids that a spreadsheet has shortened: several of them may have become one."""

from recsys.ingest.duckdb_session import DuckSession
from recsys.utils import formatting

_SHORTENED = r"\d([.,]\d{1,8})?[eE]\+\d{2}"
"""A number of ten digits or more with fewer than ten of them, such as 4.00123E+12."""


def notes(db: DuckSession) -> list[str]:
    """What is to be said of such ids of users and items."""
    found = []
    for table, thing in (("user_ids", "user"), ("item_ids", "item")):
        n, example = db.one(
            f"SELECT count(*), min(id) FROM {table} WHERE contains(lower(id), 'e+') "
            f"AND regexp_full_match(trim(id), '{_SHORTENED}')"
        )
        if n:
            were = "was" if n == 1 else "were"
            found.append(
                f"{formatting.plural(n, f'{thing} id')} such as {example!r} {were} shortened by a spreadsheet, so "
                f"several {thing}s may have become one: export the ids as text"
            )
    return found

"""Events from a query to any database that SQLAlchemy reaches, streamed into the staging database."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from recsys.errors import InvalidInput
from recsys.ingest import duckdb_session
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.files.dialect import unique
from recsys.ingest.files.sources import Source
from recsys.utils.sqlite_address import engine_url

BATCH = 50_000
TABLE = "query_rows"


def read_query(db: DuckSession, url: str, query: str) -> Source:
    """Run a query and keep its rows, as text, in the table `query_rows`; what the query may have changed is undone.

    Raises:
        InvalidInput: the URL, the connection or the query is wrong; the password is not repeated.
    """
    try:
        address = sa.make_url(url)
    except SQLAlchemyError as error:
        raise InvalidInput(
            "--database is no SQLAlchemy URL; write it as sqlite:////folder/shop.db or "
            "postgresql+psycopg://user:password@host/database"
        ) from error
    shown = address.render_as_string(hide_password=True)
    if address.get_backend_name() == "sqlite" and address.database and not Path(address.database).is_file():
        raise InvalidInput(f"There is no SQLite file {address.database}; check --database.")
    rows = 0
    try:
        engine = sa.create_engine(engine_url(address))
        try:
            with engine.connect().execution_options(stream_results=True, yield_per=BATCH) as connection:
                result = connection.execute(sa.text(query))
                if not result.returns_rows:
                    raise InvalidInput("--events-sql returns no rows; it must be a SELECT.")
                columns = unique(list(result.keys()))
                shape = ", ".join(f"{duckdb_session.name(column)} VARCHAR" for column in columns)
                db.rows(f"CREATE TABLE {TABLE} ({shape})")
                for batch in result.partitions():
                    db.append(TABLE, columns, [[_text(value) for value in row] for row in batch])
                    rows += len(batch)
                connection.rollback()
        finally:
            engine.dispose()
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise InvalidInput(
            f"{shown} does not answer the query: {reason}. Check --database and --events-sql."
        ) from error
    if not rows:
        raise InvalidInput(f"The query to {shown} gives no rows.")
    return Source(f"query to {shown}", Path(TABLE), "table", rows, "database", tuple(columns))


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).decode("utf-8", "replace")
    return str(value)

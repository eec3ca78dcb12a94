"""How a file of an SQLite database is opened, also where nothing can be written beside it."""

import os
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa


def sqlite_address(file: str) -> str:
    """The URI of a database file.

    SQLite keeps two more files beside one with a write-ahead log, and does not open it where it cannot make them unless
    it is told that the database does not change (https://www.sqlite.org/wal.html#read_only_databases). So it is told
    that of a file in a folder that this process may not write to, and that no process has open.
    """
    return f"file:{quote(file)}" + ("?mode=ro&immutable=1" if unchanging(file) else "")


def engine_url(url: sa.URL) -> sa.URL:
    """The URL for SQLAlchemy that opens the same database in this way; that of any other database as it is."""
    if url.get_backend_name() != "sqlite" or not url.database or not unchanging(url.database):
        return url
    options = {"mode": "ro", "immutable": "1", "uri": "true"}
    return sa.URL.create(url.drivername, database=f"file:{quote(url.database)}", query=options)


def unchanging(file: str) -> bool:
    """Whether a database file is there, its folder cannot be written, and no process has it open."""
    path = Path(file)
    if not path.exists() or any(path.with_name(path.name + ending).exists() for ending in ("-wal", "-shm")):
        return False
    return not os.access(path.parent, os.W_OK, effective_ids=os.access in os.supports_effective_ids)

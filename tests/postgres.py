"""A PostgreSQL server of our own for tests of what several machines share; Debian: apt-get install postgresql."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.homes import NOBODY
from tests.serving import free_port


def programs() -> Path | None:
    """The folder with `initdb` and `postgres`, newest version first; None where there is no server."""
    found = shutil.which("postgres")
    if found:
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


needs_postgresql = pytest.mark.skipif(
    programs() is None, reason="no PostgreSQL server here; Debian: apt-get install postgresql"
)


@contextmanager
def server() -> Iterator[str]:
    """A server with an empty database until the block ends; gives its SQLAlchemy URL.

    PostgreSQL does not run as root, so there it runs as somebody else.
    """
    there = programs()
    assert there is not None
    who = {"user": NOBODY, "group": NOBODY} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="insider-postgres-"))
    if who:
        os.chown(folder, NOBODY, NOBODY)
    port = free_port()
    options = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True, **who}
    try:
        subprocess.run([there / "initdb", "-D", folder / "data", "-U", "insider", "-A", "trust", "--no-sync",
                        "--encoding", "UTF8", "--locale", "C"], **options)  # fmt: skip
        settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        subprocess.run([there / "pg_ctl", "-D", folder / "data", "-o", settings, "-w", "-l", folder / "log", "start"],
                       **options)  # fmt: skip
        try:
            yield f"postgresql+psycopg://insider@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([there / "pg_ctl", "-D", folder / "data", "-m", "immediate", "-w", "stop"], **options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def database_of_its_own(url: str, name: str) -> str:
    """Another database on a server; gives its URL."""
    with sa.create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    return url.rpartition("/")[0] + f"/{name}"

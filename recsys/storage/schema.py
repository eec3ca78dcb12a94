"""The version of the database schema: new databases get the newest, older ones are migrated, newer ones refused."""

from pathlib import Path

import sqlalchemy as sa

from recsys.errors import StorageProblem
from recsys.storage.tables import metadata

VERSION_TABLE = "insider_schema"
"""Not Alembic's usual name: Optuna keeps its own version in the same database under that one."""

KNOWN = ("0001", "0002", "0003")
"""Versions that can be migrated, oldest first."""

NEWEST = KNOWN[-1]

_version = sa.Table(VERSION_TABLE, sa.MetaData(), sa.Column("version_num", sa.String(32), primary_key=True))


def version(connection: sa.Connection) -> str | None:
    """The version of a database; None for one without tables, or from before versions were kept."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.scalar(sa.select(_version.c.version_num))
    return found


def check_known(found: str | None, shown: str) -> None:
    """Raise StorageProblem for a version that this program does not know."""
    if found is not None and found not in KNOWN:
        raise StorageProblem(
            f"The database {shown} has schema {found}; this program knows schemas up to {NEWEST}. A newer version of "
            "Insider has used it. Use that version, or point INSIDER_DATABASE_URL at another database."
        )


def bring_up_to_date(connection: sa.Connection) -> None:
    """Make the tables of a new database, or migrate an older one, within the transaction of the caller."""
    found = version(connection)
    if found == NEWEST:
        return  # another process has done it in the meantime
    if found is None and not metadata.tables.keys() & set(sa.inspect(connection).get_table_names()):
        metadata.create_all(connection)
        _version.create(connection)
        connection.execute(_version.insert().values(version_num=NEWEST))
        return
    migrate(connection, NEWEST)


def migrate(connection: sa.Connection, to: str) -> None:
    """Migrate forward to a version, within the transaction of the caller."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)

"""Run by Alembic, which has no other way in: migrates over the connection and within the transaction of `schema`."""

from alembic import context

from recsys.storage.schema import VERSION_TABLE
from recsys.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
context.run_migrations()

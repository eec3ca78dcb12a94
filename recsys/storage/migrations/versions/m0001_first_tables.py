"""The tables of the versions that kept no number of their schema. Those that are there stay as they are."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("dataset", sa.String(200), nullable=False),
        sa.Column("recipe", sa.JSON, nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("promote", sa.Boolean, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("started", sa.DateTime),
        sa.Column("ended", sa.DateTime),
        sa.Column("process", sa.String(60)),
        sa.Column("cancel_requested", sa.Boolean, nullable=False, default=False),
        sa.Column("progress", sa.JSON, nullable=False),
        sa.Column("message", sa.Text, nullable=False, default=""),
        sa.Column("model", sa.String(60)),
        if_not_exists=True,
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("before", sa.String(60)),
        sa.Column("note", sa.Text, nullable=False, default=""),
        if_not_exists=True,
    )
    op.create_table(
        "notes",
        sa.Column("subject", sa.String(100), primary_key=True),
        sa.Column("note", sa.Text, nullable=False, default=""),
        sa.Column("tags", sa.JSON, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("content", sa.JSON(none_as_null=True)),
        sa.Column("saved", sa.DateTime, nullable=False),
        sa.UniqueConstraint("kind", "name", "version"),
        if_not_exists=True,
    )
    op.create_table(
        "events",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("dataset", sa.String(200), nullable=False),
        sa.Column("key", sa.String(300), nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(500), nullable=False),
        sa.Column("item_id", sa.String(500), nullable=False),
        sa.Column("timestamp", sa.DateTime, nullable=False),
        sa.Column("event", sa.String(50), nullable=False),
        sa.Column("quantity", sa.Float, nullable=False),
        sa.Column("value", sa.Float, nullable=False),
        sa.Column("received", sa.DateTime, nullable=False),
        sa.UniqueConstraint("dataset", "key"),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    op.create_table(
        "announcements",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("dataset", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("name", sa.String(500), nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("received", sa.DateTime, nullable=False),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("rate", sa.Float, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("ends", sa.DateTime),
        if_not_exists=True,
    )
    op.create_index("events_by_user", "events", ["dataset", "user_id", "id"], if_not_exists=True)
    op.create_index("announcements_by_name", "announcements", ["dataset", "kind", "name", "id"], if_not_exists=True)

"""The tables of the shared database. A change here needs a migration in `recsys/storage/migrations/versions`."""

import sqlalchemy as sa

metadata = sa.MetaData()

_Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")

runs = sa.Table(
    "runs",
    metadata,
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
    sa.Index("runs_by_state", "state"),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("who", sa.String(200), nullable=False),
    sa.Column("action", sa.String(20), nullable=False),
    sa.Column("subject", sa.String(100), nullable=False),
    sa.Column("before", sa.String(60)),
    sa.Column("note", sa.Text, nullable=False, default=""),
)

live = sa.Table(
    "live",
    metadata,
    sa.Column("home", sa.String(40), primary_key=True),
    sa.Column("model", sa.String(60)),
    sa.Column("before", sa.JSON, nullable=False),
    sa.Column("changed", sa.DateTime, nullable=False),
)

notes = sa.Table(
    "notes",
    metadata,
    sa.Column("subject", sa.String(100), primary_key=True),
    sa.Column("note", sa.Text, nullable=False, default=""),
    sa.Column("tags", sa.JSON, nullable=False),
)

documents = sa.Table(
    "documents",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("name", sa.String(60), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("content", sa.JSON(none_as_null=True)),
    sa.Column("saved", sa.DateTime, nullable=False),
    sa.UniqueConstraint("kind", "name", "version"),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", _Number, primary_key=True, autoincrement=True),
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
    sa.Index("events_by_user", "dataset", "user_id", "id"),
    sqlite_autoincrement=True,
)

announcements = sa.Table(
    "announcements",
    metadata,
    sa.Column("id", _Number, primary_key=True, autoincrement=True),
    sa.Column("dataset", sa.String(200), nullable=False),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("name", sa.String(500), nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("received", sa.DateTime, nullable=False),
    sa.Index("announcements_by_name", "dataset", "kind", "name", "id"),
    sqlite_autoincrement=True,
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("rate", sa.Float, nullable=False),
    sa.Column("created", sa.DateTime, nullable=False),
    sa.Column("ends", sa.DateTime),
)

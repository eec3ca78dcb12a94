"""What is live in each home, for several hosts that share a home and a database."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "live",
        sa.Column("home", sa.String(40), primary_key=True),
        sa.Column("model", sa.String(60)),
        sa.Column("before", sa.JSON, nullable=False),
        sa.Column("changed", sa.DateTime, nullable=False),
        if_not_exists=True,
    )

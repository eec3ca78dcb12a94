"""An index on the state of jobs: what is under way is asked for every second, of all jobs that ever were."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index("runs_by_state", "runs", ["state"], if_not_exists=True)

"""What changed in the last week, for the Home page."""

from datetime import UTC, datetime, timedelta

from recsys.services.workspace import Workspace
from recsys.storage import audit
from recsys.storage.model_names import ModelNames
from recsys.utils import formatting as fmt

DAYS = 7
SHOWN = 4
TOLD = {"promote": "made live", "rollback": "went back to", "delete": "deleted"}


def changes(workspace: Workspace, *, now: datetime | None = None) -> tuple[str, ...]:
    """One line for each kind of thing that happened in the last seven days: models, trainings, imports. () if none."""
    now = now or datetime.now(UTC)
    since = now - timedelta(days=DAYS)
    names = ModelNames(workspace.database)
    lines = [
        f"{entry.who} {TOLD[entry.action]} {names.of(entry.subject)}, {fmt.ago(entry.at, now)}"
        for entry in audit.entries(workspace.database)
        if entry.at >= since and entry.action in TOLD
    ][:SHOWN]
    trained = [t for t in workspace.training_runs.all() if t.started is not None and t.started >= since]
    if trained:
        done = [t for t in trained if t.state == "done"]
        newest = f", the newest {fmt.ago(done[0].ended, now)}" if done and done[0].ended else ""
        lines.append(f"{fmt.plural(len(done), 'training')} ended with a model{newest}")
    imports = [
        job
        for job in workspace.job_store.newest(100, kinds=("import", "demo"))
        if job.state == "done" and job.ended is not None and job.ended >= since
    ]
    lines += [f"Dataset “{job.dataset}” was stored {fmt.ago(job.ended, now)}" for job in imports[:SHOWN] if job.ended]
    return tuple(lines)

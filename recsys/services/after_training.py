"""What follows every training: versions that nobody needs go, and the new one gets its map."""

from recsys.services import retention
from recsys.services.jobs import start_map
from recsys.services.workspace import Workspace
from recsys.storage.jobs import Job


def after_training(workspace: Workspace, model_id: str) -> Job:
    """Apply the retention policy and start drawing the map of a new version, in a job of its own; gives that job."""
    retention.apply(workspace, also_keep=model_id)
    return start_map(workspace, model_id)

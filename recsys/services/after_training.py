"""What follows every training: versions that nobody needs go, the new one gets its map, and the dials their curves."""

from recsys.services import retention
from recsys.services.jobs import start_map, start_rough_runs
from recsys.services.workspace import Workspace
from recsys.storage.jobs import Job


def after_training(workspace: Workspace, model_id: str) -> Job:
    """Apply the retention policy, start drawing the map of a new version in a job of its own, and after the first
    training on its data the rough runs in another; gives the job of the map."""
    retention.apply(workspace, also_keep=model_id)
    drawing = start_map(workspace, model_id)
    start_rough_runs(workspace, model_id)
    return drawing

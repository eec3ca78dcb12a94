"""Work that is started from a page, the API or a start of the server, each in a process of its own, and stopped."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from recsys.access import require
from recsys.dataset import demo
from recsys.errors import InvalidInput
from recsys.models.hyperparameters import PRESETS, Hyperparameters
from recsys.services import job_process
from recsys.services.dials import rough_runs
from recsys.services.workspace import Workspace
from recsys.storage.jobs import Job, Kind

if TYPE_CHECKING:
    from recsys.training.search import SearchPlan


START = "Starting a job"
SECONDS_TO_END = 3.0


def start_demo(workspace: Workspace) -> Job:
    """Store the built-in data and train a first model.

    Raises:
        InvalidInput: that is under way already.
    """
    job = ensure_demo(workspace, even_with_model=True)
    if job is None:
        raise InvalidInput("The demo is being prepared already.")
    return job


def ensure_demo(workspace: Workspace, *, even_with_model: bool = False) -> Job | None:
    """Start the demo job if nothing is live and no such job is under way; the job that was started, or None."""
    if workspace.live_id() is not None and not even_with_model:
        return None
    require("admin", "Storing a dataset")
    recipe = PRESETS["default"].to_dict()
    job_id = workspace.job_store.create_unless_active("demo", demo.NAME, recipe, promote=True)
    return None if job_id is None else launch(workspace, job_id)


def start_training(
    workspace: Workspace, dataset: str, recipe: Hyperparameters, *, seed: int = 0, promote: bool = False
) -> Job:
    """Train on a stored dataset."""
    require("admin" if promote else "merchandiser", "Training and promoting" if promote else START)
    workspace.store.dataset_manifest(dataset)
    return launch(workspace, workspace.job_store.create("train", dataset, recipe.to_dict(), seed=seed, promote=promote))


def start_search(workspace: Workspace, plan: "SearchPlan") -> Job:
    """Search for a better recipe and train the best one found."""
    require("merchandiser", START)
    workspace.store.dataset_manifest(plan.dataset)
    return launch(
        workspace, workspace.job_store.create("search", plan.dataset, plan.to_dict(), seed=plan.seed, promote=False)
    )


def start_map(workspace: Workspace, model_id: str, settings: Mapping[str, Any] | None = None) -> Job:
    """Draw the map of a version; `settings` as `MapSettings` has them."""
    return _start_on_model(workspace, "map", model_id, dict(settings or {}))


def start_quality(workspace: Workspace, model_id: str) -> Job:
    """Find out how good a version is, beside the baselines and in every segment."""
    return _start_on_model(workspace, "quality", model_id, {})


def start_rough_runs(workspace: Workspace, model_id: str) -> Job | None:
    """Make the rough runs around a version where they are wanted; None where not, or where some are under way."""
    manifest = workspace.store.model_manifest(model_id)
    if not rough_runs.wanted(workspace, manifest.dataset, manifest.fingerprint):
        return None
    if workspace.job_store.newest(1, kinds=("rough",), active=True):
        return None
    return _start_on_model(workspace, "rough", model_id, {})


def first_model_jobs(workspace: Workspace) -> list[Job]:
    """The newest jobs that were to bring a live model, newest first."""
    jobs = workspace.job_store.newest(kinds=("demo", "train"))
    return [job for job in jobs if job.kind == "demo" or job.promote]


def launch(workspace: Workspace, job_id: int) -> Job:
    """Start the process of a job that is in the queue."""
    workspace.job_store.attach(job_id, job_process.launch(job_id, workspace.settings))
    return workspace.job_store.get(job_id)


def cancel_job(workspace: Workspace, job_id: int) -> None:
    """Ask a job to stop, and its process with it."""
    require("merchandiser", "Stopping a job")
    pid = workspace.job_store.request_cancel(job_id)
    if pid is not None:
        job_process.stop(pid)


def end_own_jobs(workspace: Workspace, seconds: float = SECONDS_TO_END) -> list[int]:
    """End the jobs that this process started, and those that they started; gives their ids. Each is then cancelled.

    Args:
        seconds: after this long, what has not ended by itself is killed.
    """
    ended: dict[int, int] = {}
    limit = time.monotonic() + seconds
    while running := {job: pid for job, pid in workspace.job_store.working().items() if job_process.is_ours(pid)}:
        for job_id, pid in running.items():
            if job_id not in ended:
                workspace.job_store.request_cancel(job_id)
                job_process.stop(pid)
            elif time.monotonic() > limit:
                job_process.kill(pid)
        ended |= running
        time.sleep(0.1)
    return sorted(ended)


def _start_on_model(workspace: Workspace, kind: Kind, model_id: str, settings: Mapping[str, object]) -> Job:
    require("merchandiser", START)
    manifest = workspace.store.model_manifest(model_id)
    job_id = workspace.job_store.create(
        kind, manifest.dataset, settings, seed=manifest.seed, promote=False, model=model_id
    )
    return launch(workspace, job_id)

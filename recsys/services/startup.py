"""What a server does before it answers and when it ends: it cleans up after processes that were killed."""

import logging
from collections.abc import Callable

from recsys.errors import InsiderError
from recsys.services.datasets import sweep_uploads
from recsys.services.promotion import finish_interrupted
from recsys.services.workspace import Workspace

logger = logging.getLogger("insider")


def put_right(workspace: Workspace) -> None:
    """Remove what interrupted writes have left, end jobs that no process works on, and write the line of the audit log
    that an interrupted promotion lacks. What cannot be done now is logged, and done by the next start."""
    steps: tuple[Callable[[], object], ...] = (
        workspace.store.sweep,
        lambda: sweep_uploads(workspace.settings.home),
        lambda: _sweep_imports(workspace),
        workspace.job_store.settle,
        lambda: _finish_change(workspace),
    )
    for step in steps:
        try:
            step()
        except InsiderError as error:
            logger.warning("%s", error)


def wind_down(workspace: Workspace) -> None:
    """Put all that is stored into the database file itself, so that a copy of it alone has every event."""
    try:
        workspace.database.checkpoint()
    except InsiderError as error:
        logger.warning("%s", error)
    workspace.before_fork()


def _sweep_imports(workspace: Workspace) -> None:
    from recsys.storage.work_folder import sweep

    sweep(workspace.settings.home)


def _finish_change(workspace: Workspace) -> None:
    if workspace.store.pointer.intended() is None:
        return
    with workspace.store.changing_live():
        line = finish_interrupted(workspace)
    if line is not None:
        logger.warning("The audit log lacked that %s %s %s: a process was killed in between.", line["who"],
                       "deleted" if line["action"] == "delete" else "made live", line["subject"])  # fmt: skip

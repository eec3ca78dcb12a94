"""The quality report of a stored model: made, and stored with it."""

from typing import Any

from recsys.progress import OnProgress
from recsys.services.workspace import Workspace
from recsys.storage.baseline_cache import baselines_of
from recsys.training.quality_report import report_on


def assess(workspace: Workspace, model_id: str, *, on_progress: OnProgress = lambda _: None) -> dict[str, Any]:
    """The report of `quality_report.report_on` for a version, stored with it.

    Raises:
        InvalidInput: the dataset has changed since the model was trained on it.
    """
    model = workspace.load(model_id).trained
    dataset = workspace.dataset_of(model.id)
    report = report_on(
        model, dataset, on_progress=on_progress, baselines=lambda split: baselines_of(workspace.store, dataset, split)
    )
    workspace.store.save_quality(model.id, report)
    return report

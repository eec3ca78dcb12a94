"""How good a stored model is: its metrics, and the quality report that is stored with it."""

from recsys.dataset.splitting import split_again
from recsys.evaluation.baseline_selection import Which
from recsys.evaluation.benchmark import judge
from recsys.evaluation.documents import EvaluationDocument, QualityReport
from recsys.progress import OnProgress
from recsys.services.workspace import Workspace
from recsys.storage.baseline_cache import baselines_of
from recsys.training.quality_report import report_on


def evaluate_stored(
    workspace: Workspace, model_id: str = "live", *, k: int = 10, baselines: Which = "none"
) -> EvaluationDocument:
    """Metrics of a version on what was held out of its training, in the form of `evaluate --json`."""
    model = workspace.load(model_id).trained
    data = workspace.dataset_of(model.id)
    split = split_again(data, model.manifest.split)
    return judge(model, data, k=k, baselines=baselines_of(workspace.store, data, split, k=k, which=baselines))


def assess(workspace: Workspace, model_id: str, *, on_progress: OnProgress = lambda _: None) -> QualityReport:
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

"""Training in this process: a dataset and a recipe become a stored version, with a record of the training."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from recsys.errors import Corrupted, NotFound
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.learners.histories import HistoriesOf, LocalHistories
from recsys.models.manifest import Lineage, ModelManifest
from recsys.models.model import Model
from recsys.progress import OnProgress, Progress
from recsys.recommend.recommender import Recommender
from recsys.services import promotion
from recsys.services.dials.effects import changes
from recsys.services.workspace import Workspace
from recsys.storage.work_folder import work_folder
from recsys.utils.retry import retry_while_away

if TYPE_CHECKING:
    from recsys.dataset.splitting import Periods, Split
    from recsys.evaluation.baseline_selection import Which
    from recsys.evaluation.benchmark import Baselines


def train_and_store(
    workspace: Workspace,
    dataset: str,
    recipe: Hyperparameters,
    *,
    seed: int = 0,
    promote: bool = False,
    on_progress: OnProgress | None = None,
    source: str = "Python",
    run: int | None = None,
    baselines: "Which | None" = None,
    periods: "Periods | None" = None,
    scheduler: str | None = None,
) -> Recommender:
    """Train in this process, store the version, and promote it if asked to.

    Args:
        source: who asked for it, for the list of trainings: "page", "command line", "search NAME".
        run: the job that does it.
        baselines: the simple methods to judge it beside, those that are kept or else fitted now; None for what
            `baseline_cache.for_training` gives.
        periods: lengths of the test and of the validation period; None for those that suit the data.
        scheduler: address of a Dask scheduler whose workers make the passes of ALS; None for the setting's.
    """
    from recsys.dataset.splitting import make_split
    from recsys.storage.baseline_cache import baselines_of, for_training
    from recsys.training.train import train

    data, live = workspace.dataset(dataset), promotion.live_unless_damaged(workspace)
    about = {"source": source, "run": run, "parent": live}
    with workspace.training_runs.recording(dataset, data.fingerprint, recipe, seed=seed, **about) as record:

        def follow(progress: Progress) -> None:
            record.follow(progress)
            if on_progress is not None:
                on_progress(progress)

        def stored_baselines(split: "Split") -> "Baselines":
            if baselines is None:
                return for_training(workspace.store, data, split)
            return baselines_of(workspace.store, data, split, which=baselines)

        split = make_split(data, periods=periods)
        with _histories(workspace, recipe, scheduler or workspace.settings.scheduler) as histories:
            model = train(data, recipe, seed=seed, on_progress=follow, split=split, baselines=stored_baselines,
                          histories=histories)  # fmt: skip
        lineage = Lineage(training=record.id, source=source, run=run, parent=live)
        against = None if live is None else _known(workspace, live)
        facts = {
            "lineage": lineage,
            "same_as": same_as(workspace, model),
            "changes": retry_while_away(lambda: changes(workspace.training_runs, model.manifest, against)),
        }
        model = replace(model, manifest=model.manifest.with_facts(**facts))
        workspace.store.save_model(model)
        record.done(model.manifest, model.id)
    if promote:
        promotion.promote(workspace, model.id)
    return workspace.load(model.id)


@contextmanager
def _histories(workspace: Workspace, recipe: Hyperparameters, scheduler: str | None) -> Iterator[HistoriesOf]:
    """Where passes of ALS work on everybody's purchases: on the workers of a scheduler, or in this process."""
    if scheduler is None or not recipe.with_als:
        yield LocalHistories
        return
    from recsys.cluster.sharded_histories import histories_on

    with work_folder(workspace.store.home) as folder, histories_on(scheduler, folder) as histories:
        yield histories


def same_as(workspace: Workspace, model: Model) -> str | None:
    """The oldest version with the same embeddings and biases, trained on the same data; None without one."""
    for other in reversed(workspace.store.models()):
        manifest = _known(workspace, other)
        if manifest is None:
            continue
        if (manifest.fingerprint, manifest.embeddings) == (model.manifest.fingerprint, model.manifest.embeddings):
            return other
    return None


def _known(workspace: Workspace, model_id: str) -> ModelManifest | None:
    """What is known of a version; None where it is gone or damaged."""
    try:
        return workspace.store.model_manifest(model_id)
    except (Corrupted, NotFound):
        return None

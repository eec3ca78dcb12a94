"""The process of one run: `python -m recsys.services.worker RUN_ID`."""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from threading import Event
from types import FrameType

from recsys.errors import Cancelled, InsiderError, StorageProblem
from recsys.models.hyperparameters import Hyperparameters
from recsys.progress import OnProgress, Progress
from recsys.projection.settings import MapSettings
from recsys.services.after_training import after_training
from recsys.services.datasets import import_demo, run_import
from recsys.services.jobs import start_quality
from recsys.services.map_job import draw
from recsys.services.training_service import train_and_store
from recsys.services.workspace import Workspace
from recsys.storage.jobs import Job, State
from recsys.utils.retry import retry_while_away

NICENESS = 5
LOWEST = 19
"""Niceness of rough runs."""

SEARCH_SHARE = 0.95
"""Share of a search in its progress; the rest is the training of the best recipe."""

READ = "Reading the built-in purchases"


def work(workspace: Workspace, run_id: int) -> None:
    """Do what the run asks for, and store how it ended. Every way out leaves the run ended."""
    run = workspace.job_store.get(run_id)
    runs = workspace.job_store

    def report(progress: Progress) -> None:
        with suppress(StorageProblem):  # a database that is away must not stop what is being worked on
            if runs.report(run_id, progress) or _stopping.is_set():
                _stop_once()
                raise Cancelled(f"Run {run_id} was cancelled.")

    def finish(state: State, *, message: str = "", model: str | None = None) -> None:
        _stop_once()
        retry_while_away(lambda: runs.finish(run_id, state, message=message, model=model))

    try:
        while not retry_while_away(lambda: runs.claim(run_id, workspace.settings.max_jobs)):
            report(Progress("Waiting for its turn", 0.0))
            time.sleep(0.5)
        finish("done", model=_WORK[run.kind](workspace, run, report))
    except Cancelled:
        finish("cancelled")
    except InsiderError as error:
        finish("failed", message=str(error))
    except MemoryError:
        finish("failed", message="The machine ran out of memory. Use fewer components or less data.")
    except Exception as error:
        finish("failed", message=f"Unexpected {type(error).__name__}: {error}")
        raise


def _train(workspace: Workspace, run: Job, report: OnProgress) -> str:
    if run.kind == "demo":
        report(Progress(READ, 0.0))
        import_demo(workspace)
    first = run.kind == "demo"
    recommender = train_and_store(workspace,
        run.dataset, Hyperparameters.from_dict(run.recipe), seed=run.seed, promote=run.promote, on_progress=report,
        source="first model" if first else "page", run=run.id, baselines="none" if first else None,
    )  # fmt: skip
    if run.kind == "demo":
        start_quality(workspace, recommender.model.id)
    return _finished(workspace, recommender.model.id)


def _search(workspace: Workspace, run: Job, report: OnProgress) -> str:
    from recsys.training.search import PREFIX, SearchPlan, search

    plan = SearchPlan.from_dict(run.recipe)

    def searching(progress: Progress) -> None:
        report(replace(progress, fraction=SEARCH_SHARE * progress.fraction))

    def training(progress: Progress) -> None:
        step = f"The best recipe: {progress.step[0].lower()}{progress.step[1:]}"
        report(replace(progress, step=step, fraction=SEARCH_SHARE + (1 - SEARCH_SHARE) * progress.fraction))

    best = search(workspace.training_runs, workspace.dataset(plan.dataset), plan, searching)[0]
    if best.state != "done":
        raise InsiderError("No training of this search came to an end: see the reasons in the list of trainings.")
    recipe = Hyperparameters.from_dict(best.recipe)
    recommender = train_and_store(
        workspace, plan.dataset, recipe, seed=plan.seed, on_progress=training, source=PREFIX + plan.name, run=run.id
    )
    return _finished(workspace, recommender.model.id)


def _finished(workspace: Workspace, model_id: str) -> str:
    retry_while_away(lambda: after_training(workspace, model_id))
    return model_id


def _draw(workspace: Workspace, run: Job, report: OnProgress) -> str:
    if run.model is None:
        raise InsiderError(f"Run {run.id} names no model to draw.")
    draw(workspace, run.model, MapSettings.from_dict(run.recipe), seed=run.seed, on_progress=report)
    return run.model


def _assess(workspace: Workspace, run: Job, report: OnProgress) -> str:
    from recsys.services.quality_assessment import assess

    if run.model is None:
        raise InsiderError(f"Run {run.id} names no model to assess.")
    assess(workspace, run.model, on_progress=report)
    return run.model


def _rough(workspace: Workspace, run: Job, report: OnProgress) -> str:
    """Rough runs give way: between two of them they wait while any other job runs, those of an earlier job of this kind
    too; `main` gives them the lowest priority."""
    from recsys.services.dials.rough_runs import measure

    if run.model is None:
        raise InsiderError(f"Run {run.id} names no model whose dials to turn.")

    def wait() -> None:
        while any(
            job.kind != run.kind or job.id < run.id
            for job in workspace.job_store.newest(active=True)
        ):  # fmt: skip
            report(Progress("Waiting until nothing else is under way", 0.0))
            time.sleep(1.0)

    measure(
        workspace, run.model, number=workspace.settings.rough_runs, on_progress=report, wait=wait, job=run.id
    )  # fmt: skip
    return run.model


def _import(workspace: Workspace, run: Job, report: OnProgress) -> None:
    run_import(workspace, run, report)


_WORK: Mapping[str, Callable[[Workspace, Job, OnProgress], str | None]] = {
    "demo": _train, "train": _train, "search": _search, "map": _draw, "import": _import,
    "quality": _assess, "rough": _rough,
}  # fmt: skip


_stopping = Event()
"""Set once the process was asked to stop. What the signal raises is lost where Python ignores errors, in callbacks of
weak references for instance; the next report of progress then stops the work."""


def catch_stops() -> None:
    """Have a SIGTERM stop the work of this process, wherever it is, and no traceback written of it."""
    signal.signal(signal.SIGTERM, _stop)
    sys.unraisablehook = _ignored


def _ignored(lost: "sys.UnraisableHookArgs") -> None:
    if not isinstance(lost.exc_value, Cancelled):
        sys.__unraisablehook__(lost)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    _stopping.set()
    _stop_once()
    raise Cancelled("The process was asked to stop.")


def _stop_once() -> None:
    """From now on nobody is asked to stop: what is stored last, how the run ended, is not broken off."""
    if signal.getsignal(signal.SIGTERM) is _stop:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def main() -> None:
    """Work on the run whose number is the first argument."""
    catch_stops()
    workspace, run_id = Workspace(), int(sys.argv[1])
    os.nice(LOWEST if workspace.job_store.get(run_id).kind == "rough" else NICENESS)
    work(workspace, run_id)


if __name__ == "__main__":
    main()

"""The commands `runs` and `note`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from recsys.cli import console
from recsys.cli.common import Json, open_workspace

if TYPE_CHECKING:
    from recsys.services.workspace import Workspace
    from recsys.storage.trials.training_run import TrainingRun


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command(epilog="Example: python -m recsys runs --dataset demo")(runs)
    app.command(epilog="Example: python -m recsys note 12 'more variety' --tag candidate")(note)


def runs(
    dataset: Annotated[str | None, typer.Option(metavar="NAME", help="Only trainings on this dataset.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 30,
    as_json: Json = False,
) -> None:
    """List every training, by page, command or search, and the jobs that wait or run."""
    workspace = open_workspace()
    found, jobs = workspace.training_runs.all(dataset), workspace.job_store.newest()
    if as_json:
        documents = {"runs": jobs, "trainings": [t.to_dict() for t in found[:limit]]}
        console.document(documents)
        return
    if not found and not jobs:
        console.note("Nothing was trained yet. Train: python -m recsys train")
        return
    active = [job for job in jobs if job.active]
    if active:
        rows = [(j.id, j.kind, j.dataset, j.state, j.machine, f"{j.fraction:.0%}", j.step) for j in active]
        console.table(("job", "kind", "dataset", "state", "machine", "done", ""), rows, numbers=("job", "done"))
        console.say()
    trainings_table(workspace, found[:limit])
    if workspace.settings.scheduler:
        console.say(_workers(workspace.settings.scheduler))
    lost = [job for job in jobs if job.state == "failed"][:3]
    for job in lost:
        console.note(f"Job {job.id} failed: {job.message}")


def _workers(scheduler: str) -> str:
    """Who works at a Dask scheduler, or why that cannot be told, in a sentence."""
    from recsys.cluster.executor import connected
    from recsys.errors import InvalidInput

    try:
        with connected(scheduler) as workers:
            return f"Cluster {scheduler}: {', '.join(workers.described())}."
    except InvalidInput as error:  # the trainings are listed all the same
        return str(error)


def note(
    training: Annotated[int, typer.Argument(metavar="TRAINING", help="Number of a training.")],
    text: Annotated[str, typer.Argument(help="The note; it replaces the one that is there.")] = "",
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="Repeatable.")] = None,
    as_json: Json = False,
) -> None:
    """Write a note and tags on a training."""
    from recsys.storage import audit

    workspace = open_workspace()
    workspace.training_runs.get(training)
    audit.set_note(workspace.database, f"training {training}", audit.Note(text, tuple(tag or ())))
    if as_json:
        console.document({"training": training, "note": text, "tags": tag or []})
    else:
        console.say(f"Noted on training {training}.")


def trainings_table(workspace: "Workspace", found: "list[TrainingRun]") -> None:
    """Print trainings as a table, with their notes."""
    from recsys.storage import audit
    from recsys.utils import formatting as fmt

    notes = audit.notes(workspace.database)
    rows = []
    for t in found:
        value = fmt.measured(t.value, is_share=False)
        written = notes.get(f"training {t.id}", audit.Note())
        remark = " · ".join(x for x in (" ".join(f"#{tag}" for tag in written.tags), written.text, t.reason) if x)
        rows.append((t.id, t.dataset, t.state, value, fmt.measured(t.coverage, is_share=True),
                     fmt.duration(t.seconds), t.source, t.model or "", remark))  # fmt: skip
    headings = ("training", "dataset", "state", "NDCG@10", "coverage", "took", "from", "model", "")
    console.table(headings, rows, numbers=("training", "NDCG@10", "coverage", "took"))


def value_text(value: Any) -> str:
    """The value of a hyperparameter as `--set` takes it; a number in four digits."""
    if isinstance(value, list):
        return ",".join(value) or "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)

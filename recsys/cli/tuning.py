"""Commands of the studio: search, the list of trainings, the log of what was made live, and keeping versions few."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recsys.cli import console
from recsys.errors import InsiderError, InvalidInput
from recsys.models.hyperparameters import PRESETS, preset

if TYPE_CHECKING:
    from recsys.services.workspace import Workspace
    from recsys.storage.training_runs import TrainingRun

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one hyperparameter; repeatable.")
]


def register(app: typer.Typer, models: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command(epilog="Example: python -m recsys tune --trials 20 --name spring")(tune)
    app.command(epilog="Example: python -m recsys runs --dataset demo")(runs)
    app.command(epilog="Example: python -m recsys note 12 'wider range' --tag candidate")(note)
    models.command("log", epilog="Example: python -m recsys models log")(log)
    models.command("report", epilog="Example: python -m recsys models report live --out model.html")(report)
    models.command("preview", epilog="Example: python -m recsys models preview 20250102-030405-abcd")(preview)
    models.command("prune", epilog="Example: python -m recsys models prune --keep 10")(prune)


def tune(
    dataset: Annotated[str, typer.Option(metavar="NAME", help="A stored dataset.")] = "demo",
    trials: Annotated[int, typer.Option(metavar="N", help="Trainings in all, those of helpers counted.")] = 20,
    timeout: Annotated[float | None, typer.Option(metavar="S", help="Stop after so many seconds.")] = None,
    name: Annotated[str, typer.Option(metavar="TEXT", help="Go on with, or help, the search of this name.")] = "",
    objective: Annotated[str, typer.Option(metavar="accuracy|variety", help="What to look for.")] = "accuracy",
    preset_name: Annotated[str, typer.Option("--preset", metavar="|".join(PRESETS), help="Start from.")] = "default",
    settings: Settings = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of every training.")] = 0,
    train: Annotated[bool, typer.Option("--train", help="Train the best recipe and store the model.")] = False,
    as_json: Json = False,
) -> None:
    """Search for a better recipe; every trial is a run. Start it several times with one --name to share the work."""
    from recsys.services.training_service import train_and_store
    from recsys.training.search import PREFIX, SearchPlan, pareto, search

    workspace = _workspace()
    data = workspace.dataset(dataset)
    base = preset(preset_name).with_settings(pairs(settings or []))
    minutes = None if timeout is None else timeout / 60
    plan = SearchPlan(dataset, name or _new_name(), trials, base, minutes, objective, seed)  # type: ignore[arg-type]  # Plan checks
    with console.ProgressOnStderr() as show:
        found = search(workspace.training_runs, data, plan, show)
    best = next((t for t in found if t.state == "done"), None)
    model = None
    if train and best is not None:
        recipe = type(base).from_dict(best.recipe)
        with console.ProgressOnStderr() as show:
            model = train_and_store(
                workspace, dataset, recipe, seed=seed, on_progress=show, source=PREFIX + plan.name
            ).model.id
        follow_up(workspace, model)
    front = pareto(found) if objective == "variety" else []
    if as_json:
        console.document(
            {
                "search": plan.name,
                "objective": objective,
                "best": best.to_dict() if best else None,
                "front": [t.id for t in front],
                "model": model,
                "trials": [t.to_dict() for t in found],
            }
        )
        return
    console.say(f"Search {plan.name!r}: {len(found)} trainings on {dataset}.")
    _table(workspace, front or found[:10])
    if best is not None and model is None:
        changed = {key: x for key, x in best.recipe.items() if x != base.to_dict()[key]}
        options = " ".join(f"--set {shlex.quote(f'{key}={_text(value)}')}" for key, value in changed.items())
        console.note(f"Train the best one: python -m recsys train --dataset {dataset} --preset {preset_name} {options}")
    elif model is not None:
        console.note(f"Make it live: python -m recsys models promote {model}")


def follow_up(workspace: "Workspace", model_id: str) -> None:
    """What follows a training; where it cannot be done, that is said, and the model is stored all the same."""
    from recsys.services.after_training import after_training

    try:
        run = after_training(workspace, model_id)
    except InsiderError as error:
        console.note(str(error))
    else:
        console.note(f"Its map is being drawn in the background (run {run.id}).")


def runs(
    dataset: Annotated[str | None, typer.Option(metavar="NAME", help="Only trainings on this dataset.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 30,
    as_json: Json = False,
) -> None:
    """List every training, by page, command or search, and the jobs that wait or run."""
    workspace = _workspace()
    found, jobs = workspace.training_runs.all(dataset), workspace.job_store.newest()
    if as_json:
        documents = {"runs": [job.to_dict() for job in jobs], "trainings": [t.to_dict() for t in found[:limit]]}
        console.document(documents)
        return
    if not found and not jobs:
        console.note("Nothing was trained yet. Train: python -m recsys train")
        return
    active = [job for job in jobs if job.active]
    if active:
        rows = [(j.id, j.kind, j.dataset, j.state, f"{j.fraction:.0%}", j.step) for j in active]
        console.table(("job", "kind", "dataset", "state", "done", ""), rows, numbers=("job", "done"))
        console.say()
    _table(workspace, found[:limit])
    lost = [job for job in jobs if job.state == "failed"][:3]
    for job in lost:
        console.note(f"Job {job.id} failed: {job.message}")


def note(
    training: Annotated[int, typer.Argument(metavar="TRAINING", help="Number of a training.")],
    text: Annotated[str, typer.Argument(help="The note; it replaces the one that is there.")] = "",
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="Repeatable.")] = None,
    as_json: Json = False,
) -> None:
    """Write a note and tags on a training."""
    from recsys.storage import audit

    workspace = _workspace()
    workspace.training_runs.get(training)
    audit.set_note(workspace.database, f"training {training}", audit.Note(text, tuple(tag or ())))
    if as_json:
        console.document({"training": training, "note": text, "tags": tag or []})
    else:
        console.say(f"Noted on training {training}.")


def log(
    ctx: typer.Context, limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Who made what live, went back or deleted, and when."""
    from recsys.storage import audit

    found = audit.entries(_workspace().database, limit)
    if as_json or ctx.obj:
        console.document({"log": [entry.to_dict() for entry in found]})
        return
    rows = [(f"{e.at:%Y-%m-%d %H:%M}", e.who, audit.ACTIONS[e.action], e.subject, e.before, e.note) for e in found]
    console.table(("when (UTC)", "who", "did", "what", "live before", "note"), rows)


def report(
    ctx: typer.Context,
    model_id: Annotated[str, typer.Argument(metavar="ID", help='Id of a model version, or "live".')] = "live",
    out: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Where to; model-ID.html by default.")] = None,
    as_json: Json = False,
) -> None:
    """Write the model card of a version: one HTML file with data, recipe, metrics, baselines, segments, limits."""
    from recsys.views import model_card as card

    workspace = _workspace()
    found = workspace.load(model_id).model.id
    target = out or Path(f"model-{found}.html")
    if not target.absolute().parent.is_dir():
        raise InvalidInput(f"There is no folder {target.absolute().parent}; make it, or choose another --out.")
    target.write_text(card.report(workspace, found), encoding="utf-8")
    if as_json or ctx.obj:
        console.document({"model": found, "out": str(target)})
    else:
        console.say(f"Model card of {found} written to {target}.")


def preview(
    ctx: typer.Context,
    model_id: Annotated[str, typer.Argument(metavar="ID", help="Id of a model version.")],
    as_json: Json = False,
) -> None:
    """What would change if a version went live: figures by segment, shoppers, products, warnings."""
    from recsys.services.promotion_preview import preview as look

    found = look(_workspace(), model_id)
    if as_json or ctx.obj:
        console.document(found.to_dict())
        return
    console.say(found.headline)
    if found.note and found.note != found.headline:
        console.say(found.note)
    rows = [
        (f"{r.group}: {r.name}", f"{r.users:,}", f"{r.live:.4f}", f"{r.candidate:.4f}", f"{r.difference:+.4f}",
         f"{r.low:+.4f} to {r.high:+.4f}", r.verdict)
        for r in (*found.measures, *found.segments)
    ]  # fmt: skip
    headings = ("", "users", "live", "this", "difference", "interval", "")
    console.table(headings, rows, numbers=("users", "live", "this", "difference"))
    for warning in found.warnings:
        console.note(warning)


def prune(
    ctx: typer.Context,
    keep: Annotated[int, typer.Option(metavar="N", help="How many of the newest versions stay.")],
    as_json: Json = False,
) -> None:
    """Delete all but the newest versions; the live one and the one before it always stay."""
    from recsys.services import retention
    from recsys.storage import audit

    gone = retention.apply(_workspace(), keep, who=audit.whoami())
    if as_json or ctx.obj:
        console.document({"deleted": gone})
    else:
        console.say(f"Deleted {len(gone)}: {', '.join(gone) or 'there were no more than that'}")


def is_stale(workspace: "Workspace", dataset: str, as_json: bool) -> bool:
    """Whether the live model wants another training; says why, or why not."""
    from recsys.services.freshness import freshness

    found = freshness(workspace, dataset)
    if found.stale:
        console.note(" ".join(found.reasons))
    elif as_json:
        console.document({"model": found.model, "trained": False, "freshness": found.to_dict()})
    else:
        console.say(f"Not trained: {found.words()}")
    return found.stale


def promoted_unless_worse(workspace: "Workspace", model_id: str) -> bool:
    """Promote a version if the preview finds nothing significantly worse; says why not."""
    from recsys.services.promotion import promote
    from recsys.services.promotion_preview import preview as look

    found = look(workspace, model_id)
    for warning in found.warnings:
        console.note(warning)
    if set(found.warnings) - set(found.unhealthy):
        return False
    promote(workspace, model_id, instead_of=found.live, note="nothing was significantly worse")
    return True


def pairs(texts: list[str]) -> dict[str, str]:
    """`KEY=VALUE` texts as a mapping."""
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise InvalidInput(f"--set {text}: write it as KEY=VALUE, for example --set components=32")
        found[key.strip()] = value.strip()
    return found


def _table(workspace: "Workspace", found: "list[TrainingRun]") -> None:
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
    headings = ("training", "dataset", "state", "NDCG@10", "range", "took", "from", "model", "")
    console.table(headings, rows, numbers=("training", "NDCG@10", "range", "took"))


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(value) or "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


def _new_name() -> str:
    from datetime import UTC, datetime

    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"


def _workspace() -> "Workspace":
    from recsys.services.workspace import Workspace

    return Workspace()

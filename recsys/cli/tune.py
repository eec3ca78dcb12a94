"""The command `tune`: a search for a better recipe."""

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from recsys.cli import console
from recsys.cli.common import (
    Json,
    Settings,
    follow_up,
    open_workspace,
    pairs,
)
from recsys.cli.training_runs import trainings_table, value_text
from recsys.models.hyperparameters import PRESETS, preset

if TYPE_CHECKING:
    pass


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command(epilog="Example: python -m recsys tune --trials 20 --name spring")(tune)


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

    workspace = open_workspace()
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
    trainings_table(workspace, front or found[:10])
    if best is not None and model is None:
        changed = {key: x for key, x in best.recipe.items() if x != base.to_dict()[key]}
        options = " ".join(f"--set {shlex.quote(f'{key}={value_text(value)}')}" for key, value in changed.items())
        console.note(f"Train the best one: python -m recsys train --dataset {dataset} --preset {preset_name} {options}")
    elif model is not None:
        console.note(f"Make it live: python -m recsys models promote {model}")


def _new_name() -> str:
    from datetime import UTC, datetime

    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"

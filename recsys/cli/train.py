"""The command `train`."""

from typing import TYPE_CHECKING, Annotated

import typer

from recsys.cli import console
from recsys.cli.common import (
    DEMO,
    Json,
    OptionalBaselines,
    follow_up,
    open_workspace,
    pairs,
)
from recsys.models.hyperparameters import PRESETS, preset

if TYPE_CHECKING:
    from recsys.models.manifest import ModelManifest
    from recsys.services.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command(
        cls=OptionalBaselines, epilog="Example: python -m recsys train --preset fast --set components=24 --promote"
    )(train)


def train(  # long by its options alone
    dataset: Annotated[str, typer.Option(metavar="NAME", help="A stored dataset.")] = DEMO,
    preset_name: Annotated[str, typer.Option("--preset", metavar="|".join(PRESETS), help="Recipe.")] = "default",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one hyperparameter; repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of everything random.")] = 0,
    promote: Annotated[bool, typer.Option("--promote", help="Make it the live model.")] = False,
    if_stale: Annotated[
        bool, typer.Option("--if-stale", help="Only when much was bought since, or the live model got worse on it.")
    ] = False,
    unless_worse: Annotated[
        bool, typer.Option("--unless-worse", help="Promote only if nothing got significantly worse.")
    ] = False,
    baselines: Annotated[
        str | None,
        typer.Option(
            "--baselines",
            metavar="[none|popular|all]",
            help="Simple methods to hold it against. Without the option: all of them on few events or where they were "
            "judged before, otherwise those that count popularity.",
        ),
    ] = None,
    test_days: Annotated[
        float | None, typer.Option(metavar="DAYS", help="Length of the test period; found from the data without it.")
    ] = None,
    validation_days: Annotated[
        float | None, typer.Option(metavar="DAYS", help="Length of the validation period; as long as the test period.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Dask scheduler whose workers make the passes of ALS; INSIDER_SCHEDULER."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a model, evaluate it and store it as a new version."""
    from recsys.dataset.splitting import Periods
    from recsys.evaluation.baseline_selection import check_which
    from recsys.services.datasets import import_demo
    from recsys.services.training_service import train_and_store

    recipe = preset(preset_name).with_settings(pairs(settings or []))
    workspace = open_workspace()
    if dataset == DEMO and DEMO not in workspace.datasets():
        console.note("Storing the built-in data as demo first...")
        import_demo(workspace)
    if if_stale and not is_stale(workspace, dataset, as_json):
        return
    cluster = scheduler or workspace.settings.scheduler
    if cluster and not recipe.with_als:
        console.note(f"{recipe.learner} trains on this machine: the workers at {cluster} make passes of ALS alone.")
    with console.ProgressOnStderr() as show:
        trained = train_and_store(
            workspace,
            dataset,
            recipe,
            seed=seed,
            promote=promote and not unless_worse,
            on_progress=show,
            source="command line",
            baselines=None if baselines is None else check_which(baselines),
            periods=Periods(test_days, validation_days),
            scheduler=scheduler,
        )
    if promote and unless_worse:
        promote = promoted_unless_worse(workspace, trained.model.id)
    follow_up(workspace, trained.model.id)
    tell(trained.manifest, dataset, promote, as_json)


def tell(manifest: "ModelManifest", dataset: str, promoted: bool, as_json: bool) -> None:
    """Print what came of a training."""
    from recsys.dataset.splitting import held_out
    from recsys.views.dials.account import account
    from recsys.views.train import worries

    if as_json:
        console.document({
            "model": manifest.id, "promoted": promoted, "epochs": manifest.epochs, "same_as": manifest.same_as,
            "metrics": manifest.metrics, "health": manifest.health, "training": account(manifest).to_dict(),
        })  # fmt: skip
        return
    console.say(f"Model {manifest.id}, trained on {dataset} in {manifest.seconds:g} s.")
    for sentence in account(manifest).told:
        console.say(sentence)
    console.say(f"Judged on {held_out(manifest.split)}.")
    console.metrics(manifest.metrics)
    for worry in worries(manifest):
        console.say(worry)
    if promoted:
        console.say("It is live.")
    else:
        console.note(f"Make it live: python -m recsys models promote {manifest.id}")


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

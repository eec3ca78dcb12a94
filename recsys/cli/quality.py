"""Commands about how good a model is: the whole report, and the popularity dial."""

from typing import TYPE_CHECKING, Annotated

import typer

from recsys.cli import console

if TYPE_CHECKING:
    from recsys.services.workspace import Workspace

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


def register(app: typer.Typer, models: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command(epilog="Example: python -m recsys quality --model live")(quality)
    models.command("dial", epilog="Example: python -m recsys models dial live 0.5 --promote")(dial)


def quality(
    model: Annotated[str, typer.Option(metavar="ID", help='A model version, or "live".')] = "live",
    as_json: Json = False,
) -> None:
    """Find out how good a model is: baselines, segments, noise, health, cold start. The page Quality shows it."""
    from recsys.dataset.splitting import SplitDescription, held_out
    from recsys.services.quality_assessment import assess

    workspace = _workspace()
    with console.ProgressOnStderr() as show:
        report = assess(workspace, model, on_progress=show)
    if as_json:
        console.document(report)
        return
    console.say(
        f"Model {report['model']} on {report['dataset']}, judged on {held_out(SplitDescription(**report['split']))}."
    )
    console.metrics(report["evaluation"])
    console.verdicts(report["evaluation"])
    floor = report["noise"]
    console.say()
    console.say(
        f"Noise: {floor['seeds']} trainings that differ only in their seed lie up to {floor['spread']:.4f} NDCG@10 "
        f"apart and share {floor['overlap']:.0%} of their lists."
    )
    console.say()
    console.table(
        ("health", "", ""), [(x["state"], x["name"], x["sentence"]) for x in report["health"]["checks"]], numbers=()
    )
    console.say()
    console.table(
        ("worst segments", "shoppers", "measure", "model", "most popular", "verdict"),
        [
            (f"{x['kind']}: {x['name']}", f"{x['users']:,}", x["measure"], f"{x['value']:.4f}", f"{x['popular']:.4f}",
             x["verdict"])
            for x in sorted(report["segments"], key=lambda x: x["value"] - x["popular"])[:8]
        ],
        numbers=("shoppers", "model", "most popular"),
    )  # fmt: skip


def dial(
    model: Annotated[str, typer.Argument(metavar="ID", help='Id of a model version, or "live".')],
    popularity: Annotated[float, typer.Argument(metavar="B", help="score = taste + B x bias; 1 is as trained.")],
    promote: Annotated[bool, typer.Option("--promote", help="Make it the live model.")] = False,
    as_json: Json = False,
) -> None:
    """Store a new version with the popularity dial turned, judged anew; nothing is trained."""
    from recsys.services.popularity_dial import turn_and_store

    turned = turn_and_store(_workspace(), model, popularity, promote=promote)
    if as_json:
        console.document({"model": turned.id, "promoted": promote, "metrics": turned.manifest.metrics})
        return
    console.say(f"Model {turned.id}: popularity dial at {popularity:g}{', live' if promote else ''}.")
    console.metrics(turned.manifest.metrics)


def _workspace() -> "Workspace":
    from recsys.services.workspace import Workspace

    return Workspace()

"""The commands `evaluate` and `quality`."""

from typing import Annotated

import typer

from recsys.cli import console
from recsys.cli.common import Json, K, OptionalBaselines, open_workspace


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command(cls=OptionalBaselines, epilog="Example: python -m recsys evaluate --baselines --json")(evaluate)
    app.command(epilog="Example: python -m recsys quality --model live")(quality)


def evaluate(
    model: Annotated[str, typer.Option(metavar="ID", help='A model version, or "live".')] = "live",
    baselines: Annotated[
        str,
        typer.Option(
            "--baselines",
            metavar="[none|popular|all]",
            help="Measure other methods beside it: without a word all, otherwise those that count popularity, or none "
            "but bestsellers.",
        ),
    ] = "none",
    k: K = 10,
    as_json: Json = False,
) -> None:
    """Measure a model on what was held out of its training, with 95% confidence intervals."""
    from recsys.dataset.splitting import SplitDescription, held_out
    from recsys.evaluation.baseline_selection import check_which
    from recsys.services.quality_assessment import evaluate_stored

    found = evaluate_stored(open_workspace(), model, k=k, baselines=check_which(baselines))
    if as_json:
        console.document(found)
        return
    judged_on = held_out(SplitDescription.model_validate(found["split"]))
    console.say(f"Model {found['model']} on {found['dataset']}, judged on {judged_on}.")
    console.metrics(found)
    console.verdicts(found)


def quality(
    model: Annotated[str, typer.Option(metavar="ID", help='A model version, or "live".')] = "live",
    as_json: Json = False,
) -> None:
    """Find out how good a model is: baselines, segments, noise, health, cold start. The page Quality shows it."""
    from recsys.dataset.splitting import SplitDescription, held_out
    from recsys.services.quality_assessment import assess

    workspace = open_workspace()
    with console.ProgressOnStderr() as show:
        report = assess(workspace, model, on_progress=show)
    if as_json:
        console.document(report)
        return
    judged_on = held_out(SplitDescription.model_validate(report["split"]))
    console.say(f"Model {report['model']} on {report['dataset']}, judged on {judged_on}.")
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
        ("worst segments", "shoppers", "measure", "model", "bestsellers", "verdict"),
        [
            (f"{x['kind']}: {x['name']}", f"{x['users']:,}", x["measure"], f"{x['value']:.4f}", f"{x['popular']:.4f}",
             x["verdict"])
            for x in sorted(report["segments"], key=lambda x: x["value"] - x["popular"])[:8]
        ],
        numbers=("shoppers", "model", "bestsellers"),
    )  # fmt: skip

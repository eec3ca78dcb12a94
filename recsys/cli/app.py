"""The command line: parse, call, print. Heavy libraries are imported when a command needs them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from recsys.cli import console, keys, quality, tuning
from recsys.cli import dataset as cli_dataset
from recsys.cli import rules as cli_workbench
from recsys.errors import InvalidInput
from recsys.models.hyperparameters import PRESETS, preset

if TYPE_CHECKING:
    from recsys.recommend.rules import Rules
    from recsys.services.workspace import Workspace

DEMO = "demo"


class Commands(TyperGroup):
    """Turns every error into one message on stderr and the exit code of the contract; never a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except TyperException as error:
            _name_the_value(error)
            raise
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            console.note("Stopped.")
            raise typer.Exit(1) from None
        except Exception as error:
            if sys.flags.dev_mode:
                raise
            console.note(f"Error: {console.explain(error)}")
            raise typer.Exit(console.exit_code(error)) from None


class OptionalBaselines(TyperCommand):
    """A command whose option --baselines may stand alone, which means all of them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given = list(args)
        for place, text in enumerate(args):
            if text == "--baselines" and (place + 1 == len(args) or args[place + 1].startswith("-")):
                given[place] = "--baselines=all"
        return super().parse_args(ctx, given)


app = typer.Typer(
    cls=Commands,
    help="Train, question and serve personalised recommendations.",
    epilog="Example: python -m recsys recommend 1001 -k 5",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
)
datasets = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
models = typer.Typer(rich_markup_mode=None)
app.add_typer(
    datasets, name="dataset", help="Store and describe data.", epilog="Example: python -m recsys dataset demo"
)
app.add_typer(models, name="models")
keys.register(app)
tuning.register(app, models)
cli_dataset.register(datasets)
cli_workbench.register(app)
quality.register(app, models)


def whole_number(text: str) -> int:
    """k, checked by the rule that holds everywhere."""
    from recsys.recommend.recommender import check_k

    try:
        return check_k(int(text) if str(text).lstrip("+-").isdecimal() else text)  # type: ignore[arg-type]  # check_k refuses text
    except InvalidInput as error:
        raise typer.BadParameter(str(error)) from None


Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
AskedRules = Annotated[
    str | None,
    typer.Option("--rules", metavar="NAME|off", help="A rule set to lay over the model; by default the served one."),
]
K = Annotated[int, typer.Option("-k", "--k", parser=whole_number, metavar="N", help="How many items.")]
ModelId = Annotated[str, typer.Argument(metavar="ID", help='Id of a model version, or "live".')]


@datasets.command("demo", epilog="Example: python -m recsys dataset demo")
def dataset_demo(as_json: Json = False) -> None:
    """Store the built-in retail data under the name demo."""
    from recsys.services.datasets import import_demo

    console.note("Reading the built-in purchases...")
    _show(import_demo(_workspace()).summary(), as_json)


@datasets.command("list", epilog="Example: python -m recsys dataset list --json")
def dataset_list(as_json: Json = False) -> None:
    """List the stored datasets."""
    store = _workspace().store
    found = [store.dataset_manifest(name)["summary"] for name in store.datasets()]
    if as_json:
        console.document({"datasets": found})
    elif not found:
        console.note("No dataset is stored yet. The built-in one: python -m recsys dataset demo")
    else:
        numbers = ("users", "items", "events")
        rows = [
            [d["name"], *(f"{d[n]:,}" for n in numbers), " to ".join(t[:10] for t in d["period"] or ["no times"])]
            for d in found
        ]
        console.table(("name", *numbers, "period"), rows, numbers=numbers)


@app.command(
    cls=OptionalBaselines, epilog="Example: python -m recsys train --preset fast --set components=24 --promote"
)
def train(
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
    as_json: Json = False,
) -> None:
    """Train a model, evaluate it and store it as a new version."""
    from recsys.dataset.splitting import Periods, held_out
    from recsys.evaluation.baseline_selection import check_which
    from recsys.services.datasets import import_demo
    from recsys.services.training_service import train_and_store
    from recsys.views import train as studio

    recipe = preset(preset_name).with_settings(tuning.pairs(settings or []))
    workspace = _workspace()
    if dataset == DEMO and DEMO not in workspace.datasets():
        console.note("Storing the built-in data as demo first...")
        import_demo(workspace)
    if if_stale and not tuning.is_stale(workspace, dataset, as_json):
        return
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
        )
    if promote and unless_worse:
        promote = tuning.promoted_unless_worse(workspace, trained.model.id)
    tuning.follow_up(workspace, trained.model.id)
    metrics = trained.manifest.metrics
    if as_json:
        health = trained.manifest.health
        console.document({"model": trained.model.id, "promoted": promote, "metrics": metrics, "health": health})
        return
    console.say(f"Model {trained.model.id}, trained on {dataset} in {trained.manifest.seconds:g} s.")
    console.say(f"Judged on {held_out(trained.manifest.split)}.")
    console.metrics(metrics)
    for worry in studio.worries(trained.manifest):
        console.say(worry)
    if promote:
        console.say("It is live.")
    else:
        console.note(f"Make it live: python -m recsys models promote {trained.model.id}")


@app.command(cls=OptionalBaselines, epilog="Example: python -m recsys evaluate --baselines --json")
def evaluate(
    model: Annotated[str, typer.Option(metavar="ID", help='A model version, or "live".')] = "live",
    baselines: Annotated[
        str,
        typer.Option(
            "--baselines",
            metavar="[none|popular|all]",
            help="Measure other methods beside it: without a word all, otherwise those that count popularity, or none "
            "but the most popular.",
        ),
    ] = "none",
    k: K = 10,
    as_json: Json = False,
) -> None:
    """Measure a model on what was held out of its training, with 95% confidence intervals."""
    from recsys.dataset.splitting import SplitDescription, held_out
    from recsys.evaluation.baseline_selection import check_which
    from recsys.services.quality_assessment import evaluate_stored

    found = evaluate_stored(_workspace(), model, k=k, baselines=check_which(baselines))
    if as_json:
        console.document(found)
        return
    console.say(
        f"Model {found['model']} on {found['dataset']}, judged on {held_out(SplitDescription(**found['split']))}."
    )
    console.metrics(found)
    console.verdicts(found)


@app.command(epilog='Example: python -m recsys recommend 1001 -k 5 --category "Produce" --explain')
def recommend(
    user: Annotated[str, typer.Argument(metavar="USER", help="Id of a user.")],
    k: K = 10,
    lane: Annotated[
        str, typer.Option(metavar="discover|again|all", help="New items, items to buy again, or both.")
    ] = "discover",
    category: Annotated[
        list[str] | None, typer.Option(metavar="C", help="Only items of this category; repeatable.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say why.")] = False,
    rules: AskedRules = None,
    as_json: Json = False,
) -> None:
    """What to show one user."""
    from recsys.recommend.recommender import check_lane
    from recsys.services.rule_sets import RuleSets

    workspace = _workspace()
    asked = RuleSets(workspace.database).asked(rules)
    answer = workspace.load().recommend(user, k, check_lane(lane), category, explain, rules=asked)
    if as_json:
        console.document(answer.to_dict())
        return
    console.say(f"For {user}, from model {answer.model} ({answer.path} user):")
    console.items(answer.items)
    if explain:
        for item in answer.items:
            console.say()
            console.say(f"{item.rank}. {item.title}: {item.score:.4f}")
            console.table(
                ("part", "value", "because of"),
                [("" if r.additive else "aside", f"{r.value:+.4f}", f"{r.name} ({r.kind})") for r in item.reasons],
                numbers=("value",),
            )


@app.command(epilog="Example: python -m recsys similar 1082185 -k 5")
def similar(
    item: Annotated[str, typer.Argument(metavar="ITEM", help="Id of an item.")], k: K = 10, as_json: Json = False
) -> None:
    """The items nearest to one item."""
    recommender = _workspace().load()
    found = recommender.similar(item, k)
    if as_json:
        lines = [line.to_dict() for line in found]
        console.document({"item": item, "model": recommender.model.id, "items": lines})
        return
    console.say(f"Near {item}, in model {recommender.model.id} (score: cosine):")
    console.items(found)


@models.callback(invoke_without_command=True, epilog="Example: python -m recsys models --json")
def models_list(ctx: typer.Context, as_json: Json = False) -> None:
    """List the stored model versions, or do something with one."""
    from recsys.services.stored_models import stored_models

    ctx.obj = as_json
    if ctx.invoked_subcommand is not None:
        return
    workspace = _workspace()
    found = stored_models(workspace)
    if as_json:
        console.document({"live": workspace.live_id(), "models": [version.to_dict() for version in found]})
    elif not found:
        console.note("No model is stored yet. Train one: python -m recsys train --promote")
    else:
        from recsys.dataset.splitting import told
        from recsys.utils import formatting as fmt

        rows = []
        for version in found:
            manifest = version.manifest
            ndcg = manifest.measured().get("ndcg", {})
            created = manifest.created.replace("T", " ")[:16]
            value = fmt.measured(ndcg.get("value"), is_share=False)
            rows.append(("live" if version.live else "", version.id, manifest.dataset, created, value))
        console.table(("", "id", "dataset", "created (UTC)", "NDCG@10"), rows, numbers=("NDCG@10",))
        manifests = [version.manifest for version in found]
        for sentence in dict.fromkeys(f"{m.dataset}: {told(m.split)}" for m in manifests if told(m.split)):
            console.note(sentence)


@models.command("show", epilog="Example: python -m recsys models show live")
def models_show(ctx: typer.Context, model_id: ModelId, as_json: Json = False) -> None:
    """Everything known about one version."""
    from recsys.dataset.splitting import held_out

    workspace = _workspace()
    manifest = workspace.store.model_manifest(_resolved(workspace, model_id))
    live = manifest.id == workspace.live_id()
    if as_json or ctx.obj:
        console.document(manifest.to_dict() | {"live": live})
        return
    console.facts(
        [
            ("id", manifest.id + (" (live)" if live else "")),
            ("dataset", manifest.dataset),
            ("created", manifest.created),
            ("seed", manifest.seed),
            ("epochs", manifest.epochs),
            *((name, value) for name, value in manifest.recipe.to_dict().items() if name != "epochs"),
        ]
    )
    console.say()
    console.say(f"Judged on {held_out(manifest.split)}.")
    console.metrics(manifest.metrics)


@models.command("promote", epilog="Example: python -m recsys models promote 20250102-030405-abcd")
def models_promote(ctx: typer.Context, model_id: ModelId, as_json: Json = False) -> None:
    """Make a version live."""
    from recsys.services import promotion
    from recsys.services.promotion_preview import health_warnings

    workspace = _workspace()
    chosen = _resolved(workspace, model_id)
    for warning in health_warnings(workspace, chosen):
        console.note(warning)
    _say_live(promotion.promote(workspace, chosen), as_json or ctx.obj)


@models.command("rollback", epilog="Example: python -m recsys models rollback")
def models_rollback(ctx: typer.Context, as_json: Json = False) -> None:
    """Make the version live that was live before."""
    from recsys.services import promotion

    _say_live(promotion.rollback(_workspace()), as_json or ctx.obj)


@models.command("delete", epilog="Example: python -m recsys models delete 20250102-030405-abcd")
def models_delete(ctx: typer.Context, model_id: ModelId, as_json: Json = False) -> None:
    """Remove a version that is not live."""
    from recsys.services import promotion

    workspace = _workspace()
    promotion.delete_model(workspace, _resolved(workspace, model_id))
    if as_json or ctx.obj:
        console.document({"deleted": model_id})
    else:
        console.say(f"Model {model_id} is deleted.")


@app.command(epilog="Example: python -m recsys batch --out recommendations.parquet -k 20")
def batch(
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE.parquet|FOLDER",
            help="Where to: a file, which is replaced, or a folder of partitions, which goes on where it stopped.",
        ),
    ],
    k: K = 10,
    rules: AskedRules = None,
    partition: Annotated[int, typer.Option(min=1, metavar="N", help="Users in a file of a folder.")] = 20_000,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Dask scheduler whose workers write the folder; INSIDER_SCHEDULER."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write recommendations for every user, those only in the log too, to a Parquet file or a folder of them."""
    from recsys.services.rule_sets import RuleSets

    workspace = _workspace()
    asked = RuleSets(workspace.database).asked(rules)
    found = (
        _batch_file(workspace, out, k, asked)
        if out.suffix == ".parquet"
        else _batch_folder(workspace, out, k, asked, partition, scheduler or workspace.settings.scheduler)
    )
    if as_json:
        console.document(found)
    else:
        under = f" under the rules {found['rules']}" if asked else ""
        console.say(
            f"{found['rows']:,} rows for {found['users']:,} users written to {out}, from model {found['model']}{under}."
        )


def _batch_file(workspace: "Workspace", out: Path, k: int, rules: "Rules | None") -> dict[str, Any]:
    from recsys.services.batch import check_target, everybody, recommend_all, write

    check_target(out)
    recommender = workspace.load()
    table = recommend_all(recommender, k, rules)
    write(table, out)
    return {
        "out": str(out),
        "model": recommender.model.id,
        "k": k,
        "rules": rules.label if rules else None,
        "users": len(everybody(recommender)),
        "rows": len(table),
    }


def _batch_folder(
    workspace: "Workspace", out: Path, k: int, rules: "Rules | None", partition: int, scheduler: str | None
) -> dict[str, Any]:
    from recsys.cluster.batch_partitions import write_partitions

    with console.ProgressOnStderr() as show:
        return write_partitions(
            workspace, out, k=k, rules=rules, partition=partition, scheduler=scheduler, on_progress=show
        )


@app.command(epilog="Example: python -m recsys serve --host 0.0.0.0 --port 8000")
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets the network in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8000,
    api_only: Annotated[bool, typer.Option("--api-only", help="Leave the dashboard out.")] = False,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes; more than 1 with --api-only.")] = 1,
    as_json: Json = False,
) -> None:
    """Serve the dashboard and the API until stopped."""
    from recsys.server.listen import serve as serve_app

    def tell(url: str) -> None:
        if as_json:
            console.document({"url": url})
        else:
            console.say(f"{'' if api_only else f'Dashboard {url}   '}API {url}/docs   (stop with Ctrl+C)")
        sys.stdout.flush()

    try:
        serve_app(host, port, api_only=api_only, workers=workers, on_listening=tell)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _name_the_value(error: Any) -> None:
    """Put what was typed before "Input should be a valid integer"; typer leaves it out."""
    reasons = getattr(error.__cause__, "errors", None)
    if reasons is not None:
        error.message = f"{reasons()[0]['input']!r}. {error.message}."


def _workspace() -> "Workspace":
    from recsys.services.workspace import Workspace

    return Workspace()


def _resolved(workspace: "Workspace", model_id: str) -> str:
    """The id that "live" stands for, or the id itself."""
    return (workspace.live_id() or workspace.load().model.id) if model_id == "live" else model_id


def _say_live(model_id: str, as_json: bool) -> None:
    if as_json:
        console.document({"live": model_id})
    else:
        console.say(f"Model {model_id} is live.")


def _show(summary: dict[str, Any], as_json: bool) -> None:
    if as_json:
        console.document(summary)
    else:
        console.dataset(summary)

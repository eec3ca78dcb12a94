"""The group `models`: what is stored, which version is live, what is known of each."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recsys.cli import console
from recsys.cli.common import Json, ModelId, open_workspace, resolved
from recsys.errors import InvalidInput

if TYPE_CHECKING:
    pass


ELSEWHERE_WORDS = "The log is that of all machines on this database; each has the models of its own home."
models = typer.Typer(rich_markup_mode=None)


@models.callback(invoke_without_command=True, epilog="Example: python -m recsys models --json")
def models_list(ctx: typer.Context, as_json: Json = False) -> None:
    """List the stored model versions, or do something with one."""
    from recsys.services.stored_models import stored_models

    ctx.obj = as_json
    if ctx.invoked_subcommand is not None:
        return
    workspace = open_workspace()
    found = stored_models(workspace)
    if as_json:
        console.document({"live": workspace.live_id(), "models": [version.to_dict() for version in found]})
    elif not found:
        console.note("No model is stored yet. Train one: python -m recsys train --promote")
    else:
        from recsys.dataset.splitting import protocol_note
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
        for sentence in dict.fromkeys(
            f"{m.dataset}: {protocol_note(m.split)}" for m in manifests if protocol_note(m.split)
        ):
            console.note(sentence)


@models.command("show", epilog="Example: python -m recsys models show live")
def models_show(ctx: typer.Context, model_id: ModelId, as_json: Json = False) -> None:
    """Everything known about one version."""
    from recsys.dataset.splitting import held_out

    workspace = open_workspace()
    manifest = workspace.store.model_manifest(resolved(workspace, model_id))
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

    workspace = open_workspace()
    chosen = resolved(workspace, model_id)
    for warning in health_warnings(workspace, chosen):
        console.note(warning)
    _say_live(promotion.promote(workspace, chosen), as_json or ctx.obj)


@models.command("rollback", epilog="Example: python -m recsys models rollback")
def models_rollback(ctx: typer.Context, as_json: Json = False) -> None:
    """Make the version live that was live before."""
    from recsys.services import promotion

    _say_live(promotion.rollback(open_workspace()), as_json or ctx.obj)


@models.command("delete", epilog="Example: python -m recsys models delete 20250102-030405-abcd")
def models_delete(ctx: typer.Context, model_id: ModelId, as_json: Json = False) -> None:
    """Remove a version that is not live."""
    from recsys.services import promotion

    workspace = open_workspace()
    promotion.delete_model(workspace, resolved(workspace, model_id))
    if as_json or ctx.obj:
        console.document({"deleted": model_id})
    else:
        console.say(f"Model {model_id} is deleted.")


@models.command("log", epilog="Example: python -m recsys models log")
def log(
    ctx: typer.Context, limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Who made what live, went back or deleted, and when."""
    from recsys.services.stored_models import ELSEWHERE, whereabouts
    from recsys.storage import audit
    from recsys.utils.json_values import jsonable

    workspace = open_workspace()
    found = audit.entries(workspace.database, limit)
    away = whereabouts(workspace, found)
    if as_json or ctx.obj:
        lines = [jsonable(entry) | {"whereabouts": away.get(entry.subject, "")} for entry in found]
        console.document({"live": workspace.live_id(), "log": lines})
        return

    def shown(name: str | None) -> str:
        return f"{name} ({away[name]})" if name in away else name or ""

    rows = [
        (f"{e.at:%Y-%m-%d %H:%M}", e.who, audit.ACTIONS[e.action], shown(e.subject), shown(e.before), e.note)
        for e in found
    ]
    console.table(("when (UTC)", "who", "did", "what", "live before", "note"), rows)
    if ELSEWHERE in away.values():
        console.note(f"{ELSEWHERE_WORDS} Live in this home: {workspace.live_id() or 'nothing'}.")


@models.command("report", epilog="Example: python -m recsys models report live --out model.html")
def report(
    ctx: typer.Context,
    model_id: Annotated[str, typer.Argument(metavar="ID", help='Id of a model version, or "live".')] = "live",
    out: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Where to; model-ID.html by default.")] = None,
    as_json: Json = False,
) -> None:
    """Write the model card of a version, one HTML file: data, recipe, metrics, what it learned, limits."""
    from recsys.services.model_card import card

    workspace = open_workspace()
    found = workspace.load(model_id).model.id
    target = out or Path(f"model-{found}.html")
    if not target.absolute().parent.is_dir():
        raise InvalidInput(f"There is no folder {target.absolute().parent}; make it, or choose another --out.")
    target.write_text(card.report(workspace, found), encoding="utf-8")
    if as_json or ctx.obj:
        console.document({"model": found, "out": str(target)})
    else:
        console.say(f"Model card of {found} written to {target}.")


@models.command("preview", epilog="Example: python -m recsys models preview 20250102-030405-abcd")
def preview(
    ctx: typer.Context,
    model_id: Annotated[str, typer.Argument(metavar="ID", help="Id of a model version.")],
    as_json: Json = False,
) -> None:
    """What would change if a version went live: figures by segment, shoppers, products, warnings."""
    from recsys.services.promotion_preview import preview as look

    found = look(open_workspace(), model_id)
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


@models.command("prune", epilog="Example: python -m recsys models prune --keep 10")
def prune(
    ctx: typer.Context,
    keep: Annotated[int, typer.Option(metavar="N", help="How many of the newest versions stay.")],
    as_json: Json = False,
) -> None:
    """Delete all but the newest versions; the live one and the one before it always stay."""
    from recsys.services import retention
    from recsys.storage import audit

    gone = retention.apply(open_workspace(), keep, who=audit.whoami())
    if as_json or ctx.obj:
        console.document({"deleted": gone})
    else:
        console.say(f"Deleted {len(gone)}: {', '.join(gone) or 'there were no more than that'}")


@models.command("dial", epilog="Example: python -m recsys models dial live 0.5 --promote")
def dial(
    model: Annotated[str, typer.Argument(metavar="ID", help='Id of a model version, or "live".')],
    popularity: Annotated[
        float, typer.Argument(metavar="B", help="How much of what everybody likes counts; 1 is as trained.")
    ],
    promote: Annotated[bool, typer.Option("--promote", help="Make it the live model.")] = False,
    as_json: Json = False,
) -> None:
    """Store a new version with the popularity dial turned, judged anew; nothing is trained."""
    from recsys.services.dials.popularity_dial import turn_and_store

    turned = turn_and_store(open_workspace(), model, popularity, promote=promote)
    if as_json:
        console.document({"model": turned.id, "promoted": promote, "metrics": turned.manifest.metrics})
        return
    console.say(f"Model {turned.id}: popularity dial at {popularity:g}{', live' if promote else ''}.")
    console.metrics(turned.manifest.metrics)


def _say_live(model_id: str, as_json: bool) -> None:
    if as_json:
        console.document({"live": model_id})
    else:
        console.say(f"Model {model_id} is live.")

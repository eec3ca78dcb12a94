"""The commands `recommend`, `similar` and `batch`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recsys.cli import console
from recsys.cli.common import AskedRules, Json, K, open_workspace

if TYPE_CHECKING:
    from recsys.services.batch import Lists
    from recsys.services.batch_partitions import BatchDone
    from recsys.services.workspace import Workspace

LaneOption = Annotated[
    str, typer.Option("--lane", metavar="discover|again|all", help="New items, items to buy again, or both.")
]


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command(epilog='Example: python -m recsys recommend 1001 -k 5 --category "Produce" --explain')(recommend)
    app.command(epilog="Example: python -m recsys similar 1082185 -k 5")(similar)
    app.command(epilog="Example: python -m recsys batch --out recommendations.parquet -k 20")(batch)


def recommend(
    user: Annotated[str, typer.Argument(metavar="USER", help="Id of a user.")],
    k: K = 10,
    lane: LaneOption = "discover",
    category: Annotated[
        list[str] | None, typer.Option(metavar="C", help="Only items of this category; repeatable.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say why.")] = False,
    rules: AskedRules = None,
    as_json: Json = False,
) -> None:
    """What to show one user."""
    from recsys.recommend.recommender import check_lane
    from recsys.services.workbench.rule_sets import RuleSets, situation_of

    workspace = open_workspace()
    live = workspace.load()
    asked = RuleSets(workspace.database).asked(rules, lambda: situation_of(live, user_id=user))
    answer = live.recommend(user, k, check_lane(lane), category, explain, rules=asked)
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


def similar(
    item: Annotated[str, typer.Argument(metavar="ITEM", help="Id of an item.")], k: K = 10, as_json: Json = False
) -> None:
    """The items nearest to one item."""
    recommender = open_workspace().load()
    found = recommender.similar(item, k)
    if as_json:
        lines = [line.to_dict() for line in found]
        console.document({"item": item, "model": recommender.model.id, "items": lines})
        return
    console.say(f"Near {item}, in model {recommender.model.id} (score: cosine):")
    console.items(found)


def batch(
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE.parquet|FOLDER",
            help="Where to: a file, which is replaced, or a folder of partitions, which goes on where it stopped.",
        ),
    ],
    k: K = 10,
    lane: LaneOption = "discover",
    rules: AskedRules = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Reasons of every item, as JSON in the column reasons; takes longer.")
    ] = False,
    partition: Annotated[int, typer.Option(min=1, metavar="N", help="Users in a file of a folder.")] = 20_000,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Dask scheduler whose workers write the folder; INSIDER_SCHEDULER."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write recommendations for every user, those only in the log too, to a Parquet file or a folder of them."""
    from recsys.recommend.results import check_lane
    from recsys.services.batch import Lists
    from recsys.services.workbench.rule_sets import RuleSets, left_out_of_a_batch

    workspace = open_workspace()
    sets = RuleSets(workspace.database)
    asked = sets.asked(rules)
    if rules is None and (left := left_out_of_a_batch(sets)):
        console.note(f"Served, but not for a list made ahead: {', '.join(left)} (for a segment, placement or item).")
    lists = Lists(k, check_lane(lane), asked, explain)
    found = (
        _batch_file(workspace, out, lists)
        if out.suffix and not out.is_dir()
        else _batch_folder(workspace, out, lists, partition, scheduler or workspace.settings.scheduler)
    )
    if as_json:
        console.document(found)
    else:
        under = f" under the rules {found['rules']}" if asked else ""
        console.say(
            f"{found['rows']:,} rows for {found['users']:,} users written to {out}, from model {found['model']}{under}."
        )


def _batch_file(workspace: "Workspace", out: Path, lists: "Lists") -> "BatchDone":
    from recsys.services.batch import check_target, everybody, recommend_all, write

    check_target(out)
    recommender = workspace.load()
    table = recommend_all(recommender, lists)
    write(table, out)
    return {
        "out": str(out),
        "model": recommender.model.id,
        "k": lists.k,
        "rules": lists.rules.label if lists.rules else None,
        "users": len(everybody(recommender)),
        "rows": len(table),
    }


def _batch_folder(
    workspace: "Workspace", out: Path, lists: "Lists", partition: int, scheduler: str | None
) -> "BatchDone":
    from recsys.services.batch_partitions import write_partitions

    with console.ProgressOnStderr() as show:
        return write_partitions(workspace, out, lists, partition=partition, scheduler=scheduler, on_progress=show)

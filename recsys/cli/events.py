"""The group `events`: the log of events, and what is to be forgotten of it."""

from typing import Annotated, Any

import typer

from recsys.cli import console
from recsys.cli.common import Json

DatasetName = Annotated[
    str | None, typer.Option("--dataset", metavar="NAME", help="A dataset; that of the live model by default.")
]
events = typer.Typer(rich_markup_mode=None, no_args_is_help=True)


@events.command("show", epilog="Example: python -m recsys events show --dataset demo")
def events_show(dataset: DatasetName = None, as_json: Json = False) -> None:
    """How many events the log holds, and how many of them the live model has not learned."""
    from recsys.services.freshness import not_learned

    workspace, name = _log(dataset)
    found = {"dataset": name, **workspace.event_log.size(name), "not_learned": not_learned(workspace, name)}
    if as_json:
        console.document(found)
    else:
        console.facts([(key.replace("_", " "), "none" if value is None else value) for key, value in found.items()])


@events.command("forget", epilog="Example: python -m recsys events forget visitor-4711")
def events_forget(
    user: Annotated[str, typer.Argument(metavar="USER", help="Id of a user.")],
    dataset: DatasetName = None,
    as_json: Json = False,
) -> None:
    """Delete everything the log holds of one user. Stored datasets and models keep what they have."""
    workspace, name = _log(dataset)
    gone = workspace.event_log.forget(name, user)
    if as_json:
        console.document({"dataset": name, "user": user, "deleted": gone})
    else:
        console.say(f"{gone:,} events of {user} are deleted from the log of {name}.")


def _log(dataset: str | None) -> tuple[Any, str]:
    from recsys.services.freshness import logged_dataset
    from recsys.services.workspace import Workspace

    workspace = Workspace()
    return workspace, dataset or logged_dataset(workspace)

"""What several commands have in common: options, the home they work on, "live" in place of an id."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from recsys.cli import console
from recsys.errors import InsiderError, InvalidInput

if TYPE_CHECKING:
    from recsys.services.workspace import Workspace


def whole_number(text: str) -> int:
    """k, checked by the rule that holds everywhere."""
    from recsys.recommend.recommender import check_k

    try:
        return check_k(int(text) if str(text).lstrip("+-").isdecimal() else text)  # type: ignore[arg-type]  # check_k refuses text
    except InvalidInput as error:
        raise typer.BadParameter(str(error)) from None


DEMO = "demo"
"""Name of the built-in dataset."""

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
AskedRules = Annotated[
    str | None,
    typer.Option("--rules", metavar="NAME|off", help="A rule set to lay over the model; by default the served one."),
]
K = Annotated[int, typer.Option("-k", "--k", parser=whole_number, metavar="N", help="How many items.")]
ModelId = Annotated[str, typer.Argument(metavar="ID", help='Id of a model version, or "live".')]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one hyperparameter; repeatable.")
]


def open_workspace() -> "Workspace":
    """The home of the environment."""
    from recsys.services.workspace import Workspace

    return Workspace()


def resolved(workspace: "Workspace", model_id: str) -> str:
    """The id that "live" stands for (that of an earlier version where the live one cannot answer), or the id itself."""
    return (workspace.answering_id() or workspace.load().model.id) if model_id == "live" else model_id


class OptionalBaselines(TyperCommand):
    """A command whose option --baselines may stand alone, which means all of them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given = list(args)
        for place, text in enumerate(args):
            if text == "--baselines" and (place + 1 == len(args) or args[place + 1].startswith("-")):
                given[place] = "--baselines=all"
        return super().parse_args(ctx, given)


def pairs(texts: list[str]) -> dict[str, str]:
    """`KEY=VALUE` texts as a mapping."""
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise InvalidInput(f"--set {text}: write it as KEY=VALUE, for example --set components=32")
        found[key.strip()] = value.strip()
    return found


def follow_up(workspace: "Workspace", model_id: str) -> None:
    """What follows a training; where it cannot be done, that is said, and the model is stored all the same."""
    from recsys.services.after_training import after_training

    try:
        run = after_training(workspace, model_id)
    except InsiderError as error:
        console.note(str(error))
    else:
        console.note(f"Its map is being drawn in the background (run {run.id}).")

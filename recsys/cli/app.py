"""The command line: every group and command. Heavy libraries are imported when a command needs them."""

import sys
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from recsys.cli import backup, console, quality, recommend, rules, serve, train, training_runs, tune
from recsys.cli.dataset import datasets
from recsys.cli.events import events
from recsys.cli.keys import keys
from recsys.cli.models import models


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


def _name_the_value(error: Any) -> None:
    """Put what was typed before "Input should be a valid integer"; typer leaves it out."""
    reasons = getattr(error.__cause__, "errors", None)
    if reasons is not None:
        error.message = f"{reasons()[0]['input']!r}. {error.message}."


app = typer.Typer(
    cls=Commands,
    help="Train, question and serve personalised recommendations.",
    epilog="Example: python -m recsys recommend 1001 -k 5",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
)
app.add_typer(
    datasets, name="dataset", help="Store and describe data.", epilog="Example: python -m recsys dataset demo"
)
train.register(app)
tune.register(app)
training_runs.register(app)
quality.register(app)
app.add_typer(models, name="models")
recommend.register(app)
rules.register(app)
serve.register(app)
backup.register(app)
app.add_typer(
    keys, name="keys", help="Make, turn over and revoke keys of the API.",
    epilog="Example: python -m recsys keys create shop --scope read --scope events",
)  # fmt: skip
app.add_typer(
    events, name="events", help="Look at the log of events, or delete from it.",
    epilog="Example: python -m recsys events show",
)  # fmt: skip

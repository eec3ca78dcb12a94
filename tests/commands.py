"""Running a command of the command line in this process."""

from collections.abc import Mapping
from typing import Any

from typer.testing import CliRunner

from recsys.cli.app import app


def run(*arguments: str, environment: Mapping[str, str] | None = None) -> Any:
    """The result of a command: `exit_code`, `stdout`, `stderr`."""
    return CliRunner().invoke(app, list(arguments), env=dict(environment or {}), prog_name="python -m recsys")

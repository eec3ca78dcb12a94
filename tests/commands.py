"""The command line as tests see it: every command with its options, and a way to run one in this process."""

from collections.abc import Iterator, Mapping
from typing import Any

import typer
from typer.testing import CliRunner

from recsys.cli import app


def commands() -> Iterator[tuple[str, Any]]:
    """Every command (and group that does something by itself), as "dataset show", with what typer knows of it."""
    yield from _below(typer.main.get_command(app), ())


def _below(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", {})
    if path and (not children or command.invoke_without_command):
        yield " ".join(path), command
    for name, child in children.items():
        yield from _below(child, (*path, name))


def options(command: Any) -> list[str]:
    """The long names of a command's options, --help left out; an argument gives nothing."""
    names = (max(param.opts, key=len) for param in command.params if param.param_type_name == "option")
    return [name for name in names if name != "--help"]


def run(*arguments: str, environment: Mapping[str, str] | None = None) -> Any:
    """The result of a command in this process: `exit_code`, `stdout`, `stderr`."""
    return CliRunner().invoke(app, list(arguments), env=dict(environment or {}), prog_name="python -m recsys")

"""Writes docs/reference.md: every command, option, setting and word, as the program itself tells of them.

    python -m docs.reference

A test fails when the page is not what this writes.
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from recsys.cli.app import app
from recsys.settings import Settings
from recsys.views.glossary import as_markdown

FOLDER = Path(__file__).resolve().parent
PAGE = FOLDER / "reference.md"
INTRODUCTION = """\
# Reference

Every command, every setting and every word, written by `python -m docs.reference` from the program itself.

Every command prints one JSON document on stdout with `--json`; progress and messages go to stderr. Exit codes: 0 done,
2 the input is wrong (one message names the value and the mend), 1 anything else.
"""


def commands() -> Iterator[tuple[str, Any]]:
    """Every command, and every group that does something by itself: "models show", and what typer knows of it."""
    yield from _below(typer.main.get_command(app), ())


def _below(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", {})
    if path and (not children or command.invoke_without_command):
        yield " ".join(path), command
    for name, child in children.items():
        yield from _below(child, (*path, name))


def options(command: Any) -> list[Any]:
    """The options of a command but --json and --help, which all have."""
    return [p for p in command.params if p.param_type_name == "option" and not {"--json", "--help"} & set(p.opts)]


def reference() -> str:
    """The whole page."""
    parts = [INTRODUCTION, "## Commands\n", *map(_command, *zip(*commands(), strict=True)), *_settings()]
    return "\n".join(
        [
            *parts,
            "## Words\n",
            "One word for each thing, on the pages, in the API and in the docs.\n",
            as_markdown(),
            "",
        ]
    )


def _command(name: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    usage = " ".join([f"python -m recsys {name}", *(_argument(p) for p in arguments)])
    lines = [f"### `{usage}`\n", " ".join(command.help.split()) + "\n"]
    lines += [f"- `{_metavar(p)}`: {_sentence(p.help)}" for p in arguments if p.help]
    lines += [f"- `{_option(p)}`: {_sentence(p.help)}{_default(p)}" for p in options(command)]
    if lines[-1].startswith("- "):
        lines.append("")
    return "\n".join([*lines, f"```sh\n{_example(command)}\n```\n"])


def _settings() -> list[str]:
    """The table of settings, from what `Settings` says of its attributes."""
    told = (inspect.getdoc(Settings) or "").partition("Attributes:\n")[2]
    entries = re.split(r"\n {4}(?=\w+: )", "\n" + told)
    rows = []
    for entry in entries[1:]:
        text = " ".join(entry.partition(": ")[2].split())
        name = re.search(r"`(INSIDER_\w+)(=\w+)?`", text)
        if name:
            text = text.replace(f" (`{name[1]}`)", "")
            rows.append(f"| `{name[1]}` | {text[:1].upper()}{text[1:]} |")
    return ["## Settings\n", "Environment variables, read when a process starts.\n", "| name | meaning |", "|---|---|",
            *rows, ""]  # fmt: skip


def _metavar(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def _argument(param: Any) -> str:
    return _metavar(param) if param.required else f"[{_metavar(param)}]"


def _option(param: Any) -> str:
    names = ", ".join(sorted(param.opts, key=len))
    return names if param.is_flag else f"{names} {_metavar(param)}"


def _sentence(text: str | None) -> str:
    line = " ".join((text or "").split())
    return line if line.endswith(".") or not line else f"{line}."


def _default(param: Any) -> str:
    value = param.default
    if param.is_flag or value in (None, "", (), []) or callable(value):
        return " Required." if param.required else ""
    return f" Default: {value}."


def _example(command: Any) -> str:
    return str(command.epilog or "").partition("Example: ")[2].strip()


if __name__ == "__main__":
    PAGE.write_text(reference())

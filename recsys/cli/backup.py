"""The commands `backup` and `restore`."""

from pathlib import Path
from typing import Annotated

import typer

from recsys.cli import console
from recsys.cli.common import Json, open_workspace

File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup, one ZIP file.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command(epilog="Example: python -m recsys backup shop.zip")(backup)
    app.command(epilog="Example: python -m recsys restore shop.zip")(restore)


def backup(
    file: File,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Copy the home with its database into one file, also while it is served, and check the copy."""
    from recsys.services.restore import POSTGRES
    from recsys.storage.backup import take

    workspace = open_workspace()
    found = take(workspace.store, workspace.database, file, overwrite=overwrite)
    outside = "" if workspace.database.sqlite_file() else POSTGRES
    for line in (*found.left_out, outside):
        if line:
            console.note(f"Not in the backup: {line}" if line != outside else line)
    if as_json:
        shown = {"created": found.created, "live": found.live, "folders": found.folders, "database": found.database}
        size = file.stat().st_size
        console.document({"file": str(file), "bytes": size, **shown, "left_out": [*found.left_out], "note": outside})
    else:
        counts = ", ".join(f"{len(names):,} {kind}" for kind, names in found.folders.items() if names) or "no folders"
        console.say(f"{file}: {counts}{', the database' if found.database else ''}. Every byte was checked.")


def restore(
    file: File,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Delete what the home holds.")] = False,
    as_json: Json = False,
) -> None:
    """Put a backup into the home, which must be empty, after checking every byte of it."""
    from recsys.services.restore import POSTGRES
    from recsys.services.restore import restore as put

    workspace = open_workspace()
    found = put(workspace, file, overwrite=overwrite)
    if not found.database:
        console.note(POSTGRES)
    if as_json:
        shown = {"created": found.created, "live": found.live, "folders": found.folders, "database": found.database}
        console.document({"home": str(workspace.settings.home), **shown})
    else:
        live = f"model {found.live} is live" if found.live else "no model is live"
        console.say(f"{workspace.settings.home} is as it was on {found.created}; {live}.")

"""Which version is live: promote one, go back to the one before, delete one. Every change is in the audit log."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from recsys.access import require
from recsys.errors import Corrupted, InvalidInput, StorageProblem
from recsys.services.workspace import Workspace
from recsys.storage import audit


def promote(
    workspace: Workspace, model_id: str, *, who: str = "", note: str = "", instead_of: str | None = "any"
) -> str:
    """Make a version live, in one step, after checking that it is whole.

    Args:
        who, note: for the audit log; the account of this process by default.
        instead_of: the version this was decided against. When another one is live by now, nothing changes.

    Raises:
        InvalidInput: somebody else promoted another version in the meantime.
    """
    require("admin", "Promoting a model")
    workspace.load(model_id)
    store = workspace.store
    with store.changing_live():
        finish_interrupted(workspace)
        with store.pointer.transaction(workspace.database) as connection:
            before = live_unless_damaged(workspace)
            if instead_of not in ("any", before):
                raise InvalidInput(
                    f"Model {before!r} was made live in the meantime, so {model_id!r} was not: compare the two first."
                )
            line = audit.line("promote", model_id, who=who, before=before, note=note)
            _with_line(workspace, connection, line, lambda: store.set_live(model_id))
        store.pointer.settled()
    return model_id


def rollback(workspace: Workspace, *, who: str = "") -> str:
    """Make the version live that was live before; gives its id."""
    require("admin", "Rolling back")
    store = workspace.store
    workspace.load(store.earlier())
    with store.changing_live():
        finish_interrupted(workspace)
        with store.pointer.transaction(workspace.database) as connection:
            model_id = store.earlier()
            line = audit.line("rollback", model_id, who=who, before=workspace.live_id())
            _with_line(workspace, connection, line, store.roll_back)
        store.pointer.settled()
    return model_id


def delete_model(workspace: Workspace, model_id: str, *, who: str = "", note: str = "") -> None:
    """Remove a version; the live one is refused."""
    require("admin", "Deleting a model")
    store = workspace.store
    with store.changing_live():
        finish_interrupted(workspace)
        store.check_deletable(model_id)
        with store.pointer.transaction(workspace.database) as connection:
            line = audit.line("delete", model_id, who=who, note=note)
            _with_line(workspace, connection, line, lambda: store.delete_model(model_id))
        store.pointer.settled()


def finish_interrupted(workspace: Workspace) -> dict[str, Any] | None:
    """Write the line of the audit log that a change lacks whose process was killed in between; gives it.

    The change itself is one step: it has happened or not. Whoever calls this holds `store.changing_live`.
    """
    pointer = workspace.store.pointer
    line = pointer.intended()
    if line is None:
        return None
    subject = line["subject"]
    if line["action"] == "delete":
        happened = subject not in workspace.store.models()
    else:
        happened = live_unless_damaged(workspace) == subject
    if happened:
        with pointer.transaction(workspace.database) as connection:
            audit.write_line(connection, line)
    pointer.settled()
    return line if happened else None


def _with_line(
    workspace: Workspace, connection: sa.Connection, line: dict[str, Any], change: Callable[[], object]
) -> None:
    """Change what is live and write the line of the audit log, in the transaction of the caller. Which line it is
    stands in the home before, so that a kill in between loses none (`finish_interrupted`)."""
    try:
        workspace.store.pointer.intend(line)
    except StorageProblem:
        if line["action"] != "delete":
            raise  # deleting is how space is freed: on a full disk it goes without
    audit.write_line(connection, line)
    try:
        change()
    except Exception:
        with suppress(StorageProblem):
            workspace.store.pointer.settled()
        raise


def live_unless_damaged(workspace: Workspace) -> str | None:
    """Id of the live version; None where there is none, or the live pointer cannot be read."""
    try:
        return workspace.live_id()
    except Corrupted:
        return None

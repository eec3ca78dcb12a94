"""Which version is live: promote one, go back to the one before, delete one. Every change is in the audit log."""

from recsys.access import require
from recsys.errors import Corrupted, InvalidInput
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
    with store.changing_live(), workspace.database.begin() as connection:
        before = live_unless_damaged(workspace)
        if instead_of not in ("any", before):
            raise InvalidInput(
                f"Model {before!r} was made live in the meantime, so {model_id!r} was not: compare the two first."
            )
        audit.write(connection, "promote", model_id, who=who, before=before, note=note)
        store.set_live(model_id)
    return model_id


def rollback(workspace: Workspace, *, who: str = "") -> str:
    """Make the version live that was live before; gives its id."""
    require("admin", "Rolling back")
    store = workspace.store
    workspace.load(store.earlier())
    with store.changing_live(), workspace.database.begin() as connection:
        before = workspace.live_id()
        model_id = store.earlier()
        audit.write(connection, "rollback", model_id, who=who, before=before)
        store.roll_back()
    return model_id


def delete_model(workspace: Workspace, model_id: str, *, who: str = "", note: str = "") -> None:
    """Remove a version; the live one is refused."""
    require("admin", "Deleting a model")
    with workspace.store.changing_live(), workspace.database.begin() as connection:
        audit.write(connection, "delete", model_id, who=who, note=note)
        workspace.store.delete_model(model_id)


def live_unless_damaged(workspace: Workspace) -> str | None:
    """Id of the live version; None where there is none, or the live pointer cannot be read."""
    try:
        return workspace.live_id()
    except Corrupted:
        return None

"""Which versions stay: the newest n, and always the live one and those that a roll-back would need."""

from recsys.errors import InsiderError, InvalidInput
from recsys.services.promotion import delete_model
from recsys.services.workspace import Workspace

WHO = "retention"


def removable(workspace: Workspace, keep: int, also_keep: str | None = None) -> list[str]:
    """Versions beyond the newest `keep`, oldest first; never the live one nor the one before it."""
    if keep < 1:
        raise InvalidInput(f"Cannot keep {keep} versions; keep at least 1.")
    live, before = workspace.store.live()
    safe = {live, also_keep, *before[:1]}
    return [model for model in reversed(workspace.store.models()[keep:]) if model not in safe]


def apply(workspace: Workspace, keep: int | None = None, *, also_keep: str | None = None, who: str = WHO) -> list[str]:
    """Delete what the policy lets go (`INSIDER_KEEP_MODELS` unless `keep` is given); gives the ids that went."""
    number = keep if keep is not None else workspace.settings.keep_models
    gone = []
    for model_id in [] if number is None else removable(workspace, number, also_keep):
        try:
            delete_model(workspace, model_id, who=who, note=f"Beyond the newest {number} versions.")
            gone.append(model_id)
        except InsiderError:
            # It was promoted or deleted in the meantime; either way it is not ours to delete.
            continue
    return gone

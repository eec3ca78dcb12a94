"""The list of stored versions."""

from typing import Any

from recsys.services.workspace import Workspace

LISTED = (
    "id", "dataset", "fingerprint", "created", "recipe", "seed", "epochs", "seconds", "metrics", "curve", "lineage",
    "split",
)  # fmt: skip


def stored_models(workspace: Workspace) -> list[dict[str, Any]]:
    """Stored versions, newest first, without their arrays."""
    live = workspace.live_id()
    found = []
    for model_id in workspace.store.models():
        manifest = workspace.store.model_manifest(model_id)
        found.append(
            {key: manifest.get(key) for key in LISTED}
            | {"live": model_id == live, "has_map": workspace.store.has_map(model_id)}
        )
    return sorted(found, key=lambda model: str(model["created"]), reverse=True)

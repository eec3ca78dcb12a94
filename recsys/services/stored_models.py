"""The list of stored versions."""

from dataclasses import dataclass
from typing import Any

from recsys.models.manifest import ModelManifest
from recsys.services.workspace import Workspace

LISTED = (
    "id", "dataset", "fingerprint", "created", "recipe", "seed", "epochs", "seconds", "metrics", "curve", "lineage",
    "split",
)  # fmt: skip


@dataclass(frozen=True)
class StoredModel:
    """A stored version, without its arrays."""

    manifest: ModelManifest
    live: bool
    has_map: bool

    @property
    def id(self) -> str:
        return self.manifest.id

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        document = self.manifest.to_dict()
        return {name: document.get(name) for name in LISTED} | {"live": self.live, "has_map": self.has_map}


def stored_models(workspace: Workspace) -> list[StoredModel]:
    """Stored versions, newest first."""
    live, store = workspace.live_id(), workspace.store
    found = [StoredModel(store.model_manifest(name), name == live, store.has_map(name)) for name in store.models()]
    return sorted(found, key=lambda model: model.manifest.created, reverse=True)


def models_on(workspace: Workspace, dataset: str) -> list[StoredModel]:
    """Those that were trained on a dataset, newest first."""
    return [model for model in stored_models(workspace) if model.manifest.dataset == dataset]

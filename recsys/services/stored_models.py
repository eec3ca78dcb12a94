"""The list of stored versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recsys.models.manifest import ModelManifest
from recsys.services.workspace import Workspace
from recsys.storage.audit import AuditEntry

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
        """The id of the version."""
        return self.manifest.id

    def to_dict(self) -> Mapping[str, object]:
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


DELETED, ELSEWHERE = "deleted since", "not in this home"


def whereabouts(workspace: Workspace, log: Sequence[AuditEntry]) -> dict[str, str]:
    """Why a version that lines of the audit log name cannot be found here: id to `DELETED` or `ELSEWHERE`.

    Several machines may share one database, and with it the log; each has the models of its own home.

    Args:
        log: lines of the log, newest first.
    """
    here, found = set(workspace.store.models()), dict[str, str]()
    for entry in log:
        if entry.action == "delete":
            found.setdefault(entry.subject, DELETED)
        elif entry.action in ("promote", "rollback"):
            for name in (entry.subject, entry.before):
                if name:
                    found.setdefault(name, ELSEWHERE)
    return {name: why for name, why in found.items() if name not in here}

"""The stored versions as the Models page shows them, with where each came from."""

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from recsys.dataset.splitting import protocol_note
from recsys.models.manifest import Lineage
from recsys.services.stored_models import StoredModel, stored_models, whereabouts
from recsys.services.workspace import Workspace
from recsys.storage import audit
from recsys.storage.model_names import ModelNames
from recsys.utils import formatting as fmt
from recsys.views.dials.account import account
from recsys.views.dials.recipe_form import recipe_words


@dataclass(frozen=True)
class Version:
    """One stored version: where it came from and how good it is; `told` is what it says of its training."""

    id: str
    live: bool
    created: datetime
    dataset: str
    recipe: str
    ndcg: float | None
    coverage: float | None
    training: int | None
    parent: str | None
    note: str
    judged: str = ""
    name: str = ""
    told: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Its name and id, or its id alone."""
        return f"{self.name} ({self.id})" if self.name else self.id

    @property
    def label(self) -> str:
        """What it is called in a list to choose from."""
        return f"{self.title} · live" if self.live else self.title

    def words(self) -> str:
        """Where it came from, in a line."""
        parts = [f"trained {fmt.ago(self.created)} on “{self.dataset}”", self.recipe]
        if self.training is not None:
            parts.append(f"training {self.training}")
        if self.parent:
            parts.append(f"when {self.parent} was live")
        if self.judged:
            parts.append(self.judged)
        return " · ".join(parts)


def versions(workspace: Workspace) -> list[Version]:
    """All stored versions, newest first."""
    notes, names = audit.notes(workspace.database), ModelNames(workspace.database)
    return [_version(found, notes, names) for found in stored_models(workspace)]


def table(found: list[Version]) -> pd.DataFrame:
    """The versions as a table."""
    return pd.DataFrame(
        {
            "live": ["Live" if version.live else "" for version in found],
            "id": [version.name or version.id for version in found],
            "created": [version.created for version in found],
            "dataset": [version.dataset for version in found],
            "test": [version.ndcg for version in found],
            "coverage": [version.coverage for version in found],
            "recipe": [version.recipe for version in found],
            "training": pd.array([version.training for version in found], dtype="Int64"),
            "parent": [version.parent for version in found],
            "note": [version.note for version in found],
        }
    )


def log_table(workspace: Workspace, limit: int = 100) -> pd.DataFrame:
    """The audit log as a table, newest first. A version that is not in this home is said to be so."""
    entries = audit.entries(workspace.database, limit)
    away = whereabouts(workspace, entries)
    names = ModelNames(workspace.database)

    def shown(name: str | None) -> str | None:
        return f"{name} ({away[name]})" if name in away else name if name is None else names.with_id(name)

    return pd.DataFrame(
        [
            {
                "at": entry.at, "who": entry.who, "did": audit.ACTIONS.get(entry.action, entry.action),
                "subject": shown(entry.subject), "before": shown(entry.before), "note": entry.note,
            }
            for entry in entries
        ]
    )  # fmt: skip


def describe(workspace: Workspace, version: Version, *, name: str, note: str, who: str) -> None:
    """Give a model a name and a note, where they have changed.

    Raises:
        InvalidInput: another model has that name.
    """
    if name.strip() != version.name:
        ModelNames(workspace.database).give(version.id, name, who=who)
    if note.strip() != version.note:
        audit.set_note(workspace.database, f"model {version.id}", audit.Note(note), who=who)


def _version(stored: StoredModel, notes: dict[str, audit.Note], names: ModelNames) -> Version:
    manifest = stored.manifest
    judged, lineage = manifest.measured(), manifest.lineage or Lineage()
    return Version(
        id=stored.id,
        live=stored.live,
        created=manifest.created_at,
        dataset=manifest.dataset,
        recipe=recipe_words(manifest.recipe),
        ndcg=judged.get("ndcg", {}).get("value"),
        coverage=judged.get("coverage", {}).get("value"),
        training=lineage.training,
        parent=names.given(lineage.parent or "") or lineage.parent,
        note=notes.get(f"model {stored.id}", audit.Note()).text,
        judged=protocol_note(manifest.split).removesuffix("."),
        name=names.given(stored.id),
        told=account(manifest, names.of).told,
    )

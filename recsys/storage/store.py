"""The only code that writes: datasets, model versions, maps and the live pointer, each whole or not at all."""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.dataset.dataset import Dataset, as_stored
from recsys.dataset.documents import DatasetDocument, DatasetManifest
from recsys.errors import Corrupted, InvalidInput, NotFound, StorageProblem
from recsys.evaluation.documents import QualityReport
from recsys.models.manifest import ModelManifest
from recsys.models.model import Model
from recsys.projection.documents import MapFacts, MapManifest
from recsys.storage import model_files
from recsys.storage.artifacts import MANIFEST, SWEEP_SECONDS, ArtifactFolders, Write, mover, npy_writer, parquet_writer
from recsys.storage.live_pointer import LivePointer

KINDS = ("datasets", "models", "maps", "quality", "baselines")
"""The folders of a home in which something is stored."""


class Store:
    """Folders under one home.

    datasets/NAME/   manifest.json, users.parquet, items.parquet, events.parquet
    models/ID/       manifest.json, one .npy per array, items.parquet, users.parquet, *_features.parquet
    maps/ID/         manifest.json, map.parquet, details.parquet, nearest.npy, likeness.npy
    quality/ID/      manifest.json
    baselines/KEY/   manifest.json, one .npy per array
    live.json        {"model": ID, "before": [IDs that were live earlier, newest first]}
    home.json        {"id": ...}, under which a database server has what is live

    Args:
        pointer: what is live; `live.json` where nothing else is given.
    """

    def __init__(self, home: Path, pointer: LivePointer | None = None) -> None:
        self.home = home
        self._folders = ArtifactFolders(home)
        self._pointer = pointer or LivePointer(home)
        self._maps = str(home / "maps")

    def names(self, kind: str) -> list[str]:
        """Names of the folders of one of the `KINDS`."""
        return self._folders.names(kind)

    def checked_files(self, kind: str, name: str) -> dict[str, IO[bytes]]:
        """Every file of a stored folder, its manifest too, opened for reading after all were checked; whoever asks
        closes them. NotFound or Corrupted when that cannot be."""

        def opened(folder: Path, manifest: Mapping[str, Any]) -> dict[str, IO[bytes]]:
            return {file: (folder / file).open("rb") for file in (*manifest["files"], MANIFEST)}

        return self._folders.read(kind, name, kind, opened)

    def datasets(self) -> list[str]:
        """Names of the stored datasets."""
        return self._folders.names("datasets")

    def save_dataset(self, dataset: Dataset) -> None:
        """Store a dataset under its name; one of the same name is replaced."""
        manifest: DatasetDocument = {
            "name": dataset.name,
            "category_levels": list(dataset.category_levels),
            "user_attributes": list(dataset.user_attributes),
            "notes": dict(dataset.notes),
            "summary": dataset.summary(),
        }
        files: dict[str, Write] = {
            "users.parquet": lambda path: dataset.users.to_parquet(path, index=False),
            "items.parquet": lambda path: dataset.items.to_parquet(path, index=False),
            "events.parquet": lambda path: dataset.events.to_parquet(path, index=False, compression="zstd"),
        }
        self._folders.write("datasets", dataset.name, manifest, files)

    def save_dataset_files(self, manifest: DatasetDocument, files: Mapping[str, Path]) -> None:
        """Store a dataset whose tables are files already, below the same home: they are moved, not copied.

        Args:
            manifest: what `save_dataset` writes, and more.
            files: `users.parquet`, `items.parquet`, `events.parquet` and any others, to where they are now.
        """
        writes: dict[str, Write] = {name: mover(path) for name, path in files.items()}
        self._folders.write("datasets", str(manifest["name"]), manifest, writes)

    def dataset_file(self, name: str, file: str) -> Path | None:
        """A file beside the tables of a dataset, or None when it has no such file."""
        manifest = self._folders.manifest("datasets", name, "dataset")
        return self.home / "datasets" / name / file if file in manifest["files"] else None

    def delete_dataset(self, name: str) -> None:
        """Remove a dataset; NotFound when there is none."""
        self._folders.folder("datasets", name, "dataset")
        self._folders.remove("datasets", name)
        self._forget_baselines(name)

    def load_dataset(self, name: str) -> Dataset:
        """Read a dataset back; NotFound or Corrupted when that cannot be."""

        def build(folder: Path, manifest: Mapping[str, Any]) -> Dataset:
            tables = {part: pd.read_parquet(folder / f"{part}.parquet") for part in ("users", "items", "events")}
            return Dataset(
                name,
                tables["users"],
                tables["items"],
                as_stored(tables["events"]),
                tuple(manifest["category_levels"]),
                tuple(manifest["user_attributes"]),
                manifest["notes"],
            )

        return self._folders.read("datasets", name, "dataset", build)

    def dataset_manifest(self, name: str) -> DatasetManifest:
        """What is known of a dataset without reading it: its summary, notes and columns."""
        return cast(DatasetManifest, self._folders.manifest("datasets", name, "dataset"))

    def models(self) -> list[str]:
        """Ids of the versions, newest first."""
        return sorted(self._folders.names("models"), reverse=True)

    def save_model(self, model: Model) -> None:
        """Store a version; it never changes afterwards."""
        self._folders.write("models", model.id, *model_files.parts_of(model))

    def load_model(self, model_id: str) -> Model:
        """Read a version back and check every file of it against its manifest.

        Raises:
            NotFound: no such version.
            Corrupted: a file is missing, cut short or changed; names it.
        """
        return self._folders.read("models", model_id, "model", model_files.model_from)

    def model_manifest(self, model_id: str) -> ModelManifest:
        """What is known of a version without reading its arrays."""
        return ModelManifest.read(self._folders.manifest("models", model_id, "model"))

    def delete_model(self, model_id: str) -> None:
        """Remove a version and its map, also a damaged one. The live one is refused."""
        self.check_deletable(model_id)
        live, before = self.live()
        for kind in ("models", "maps", "quality"):
            if (self.home / kind / model_id).exists():
                self._folders.remove(kind, model_id)
        if model_id in before:  # after the folders: on a full disk there is room for the pointer only now
            self._pointer.write(live, [x for x in before if x != model_id])

    def check_deletable(self, model_id: str) -> None:
        """NotFound for a version that is not there, InvalidInput for the live one."""
        self._folders.folder("models", model_id, "model")
        if model_id == self.live()[0]:
            raise InvalidInput(f"Model {model_id!r} is live; promote another one before deleting it.")

    def save_map(
        self,
        model_id: str,
        table: pd.DataFrame,
        facts: MapFacts | None = None,
        details: pd.DataFrame | None = None,
        arrays: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        """Store the map of a version; an earlier one of it is replaced.

        Args:
            table: `item_id, x, y`.
            facts: how it was drawn and how faithful it is, for `map_facts`.
            details, arrays: more about the items, for `load_map_details`.
        """
        self._folders.manifest("models", model_id, "model")
        files: dict[str, Write] = {"map.parquet": parquet_writer(table)}
        if details is not None:
            files["details.parquet"] = parquet_writer(details)
        files |= {f"{name}.npy": npy_writer(array) for name, array in (arrays or {}).items()}
        self._folders.write("maps", model_id, {"model": model_id, "facts": dict(facts or {})}, files)

    def load_map(self, model_id: str) -> pd.DataFrame | None:
        """The map of a version, or None while there is none."""
        if model_id not in self._folders.names("maps"):
            return None
        return self._folders.read("maps", model_id, "map", lambda folder, _: pd.read_parquet(folder / "map.parquet"))

    def map_manifest(self, model_id: str) -> MapManifest:
        """What is known of a map without reading it: `facts` and `checksum`, which changes when it is drawn again."""
        return cast(MapManifest, self._folders.manifest("maps", model_id, "map"))

    def load_map_details(self, model_id: str) -> tuple[pd.DataFrame | None, dict[str, NDArray[Any]]]:
        """The table and the arrays stored with the map of a version."""

        def build(folder: Path, manifest: Mapping[str, Any]) -> tuple[pd.DataFrame | None, dict[str, NDArray[Any]]]:
            table = pd.read_parquet(folder / "details.parquet") if "details.parquet" in manifest["files"] else None
            names = [name for name in manifest["files"] if name.endswith(".npy")]
            return table, {name[:-4]: np.load(folder / name, allow_pickle=False) for name in names}

        return self._folders.read("maps", model_id, "map", build)

    def save_quality(self, model_id: str, report: QualityReport) -> None:
        """Store what was found out about how good a version is; replaces what was there."""
        self._folders.manifest("models", model_id, "model")
        self._folders.write("quality", model_id, {"model": model_id, "report": dict(report)}, {})

    def load_quality(self, model_id: str) -> QualityReport | None:
        """What `save_quality` stored, or None."""
        if model_id not in self._folders.names("quality"):
            return None
        return cast(QualityReport, self._folders.manifest("quality", model_id, "quality report")["report"])

    def save_baselines(
        self, dataset: str, fingerprint: str, key: str, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> None:
        """Store how the baselines of a dataset were judged; what is stored for other contents of it is removed."""
        self._folders.write(
            "baselines", key, {"dataset": dataset, "fingerprint": fingerprint, "facts": dict(facts)},
            {f"{name}.npy": npy_writer(array) for name, array in arrays.items()},
        )  # fmt: skip
        self._forget_baselines(dataset, but=fingerprint)

    def load_baselines(self, key: str) -> tuple[Mapping[str, Any], dict[str, NDArray[Any]]] | None:
        """What `save_baselines` stored, or None."""
        if key not in self._folders.names("baselines"):
            return None
        return self._folders.read("baselines", key, "set of baselines", lambda folder, manifest: (
            manifest["facts"],
            {name[:-4]: np.load(folder / name, allow_pickle=False) for name in manifest["files"]},
        ))  # fmt: skip

    def _forget_baselines(self, dataset: str, but: str = "") -> None:
        for key in self._folders.names("baselines"):
            with suppress(Corrupted, NotFound, StorageProblem):
                kept = self._folders.manifest("baselines", key, "set of baselines")
                if kept["dataset"] == dataset and kept["fingerprint"] != but:
                    self._folders.remove("baselines", key)

    def has_map(self, model_id: str) -> bool:
        """Whether a map is stored with this version."""
        return os.path.exists(f"{self._maps}/{model_id}/{MANIFEST}")  # noqa: PTH110  asked for every answer

    def live(self) -> tuple[str | None, list[str]]:
        """The live version, and those that were live before it, newest first. Read again only when it has changed."""
        return self._pointer.read()

    def set_live(self, model_id: str) -> None:
        """Point to another version, in one step: a reader sees the old one or the new one."""
        self._folders.manifest("models", model_id, "model")
        try:
            live, before = self.live()
        except Corrupted:
            live, before = None, []  # promoting is how a damaged pointer is mended
        if live == model_id:
            return
        self._pointer.write(model_id, [x for x in ([live] if live else []) + before if x != model_id])

    def earlier(self) -> str:
        """The version that a roll-back would point to."""
        there = set(self._folders.names("models"))
        for model_id in self.live()[1]:
            if model_id in there:
                return model_id
        raise InvalidInput("No earlier model to roll back to: none was live before this one.")

    def roll_back(self) -> str:
        """Point to the version that was live before; gives its id."""
        model_id = self.earlier()
        before = self.live()[1]
        self._pointer.write(model_id, before[before.index(model_id) + 1 :])
        return model_id

    def changing_live(self) -> AbstractContextManager[None]:
        """One process at a time decides what is live; the others wait. The lock goes with the process that holds it."""
        return self._pointer.changing()

    @property
    def pointer(self) -> LivePointer:
        """The live pointer itself, for who changes it together with the audit log."""
        return self._pointer

    def sweep(self, older_than: float = SWEEP_SECONDS) -> None:
        """Remove what writers that were killed have left beside the stored folders."""
        self._folders.sweep(older_than)

"""The only code that writes: datasets, model versions, maps and the live pointer, each whole or not at all."""

import ctypes
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from recsys import lightfm_model
from recsys.access import require
from recsys.dataset import Dataset, Interactions, as_stored
from recsys.errors import Corrupted, InvalidInput, NotFound, StorageProblem
from recsys.features import Features
from recsys.hyperparameters import Hyperparameters
from recsys.model import Model

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
SWEEP_SECONDS = 3600.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")

_HERE, _RENAME_EXCHANGE = -100, 2
"""AT_FDCWD and RENAME_EXCHANGE of Linux's renameat2."""

Write = Callable[[Path], None]
T = TypeVar("T")


class Store:
    """Folders under one home.

        datasets/NAME/   manifest.json, users.parquet, items.parquet, events.parquet
        models/ID/       manifest.json, one .npy per array, items.parquet, users.parquet, *_features.parquet
        maps/ID/         manifest.json, map.parquet, details.parquet, nearest.npy, likeness.npy
        quality/ID/      manifest.json
        baselines/KEY/   manifest.json, one .npy per array
        live.json        {"model": ID, "before": [IDs that were live earlier, newest first]}

    Each folder is written beside its place and renamed into it; its manifest holds the SHA-256 of every file.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._pointer = str(home / "live.json")
        self._maps = str(home / "maps")
        self._live: tuple[tuple[int, ...], str | None, tuple[str, ...]] | None = None

    def datasets(self) -> list[str]:
        return self._names("datasets")

    def save_dataset(self, dataset: Dataset) -> None:
        """Store a dataset under its name; one of the same name is replaced."""
        require("admin", "Storing a dataset")
        manifest = {
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
        self._write("datasets", dataset.name, manifest, files)

    def save_dataset_files(self, manifest: Mapping[str, Any], files: Mapping[str, Path]) -> None:
        """Store a dataset whose tables are files already, below the same home: they are moved, not copied.

        Args:
            manifest: what `save_dataset` writes, and more.
            files: `users.parquet`, `items.parquet`, `events.parquet` and any others, to where they are now.
        """
        require("admin", "Storing a dataset")
        writes: dict[str, Write] = {name: _mover(path) for name, path in files.items()}
        self._write("datasets", str(manifest["name"]), manifest, writes)

    def dataset_file(self, name: str, file: str) -> Path | None:
        """A file beside the tables of a dataset, or None when it has no such file."""
        manifest = self._manifest("datasets", name, "dataset")
        return self.home / "datasets" / name / file if file in manifest["files"] else None

    def delete_dataset(self, name: str) -> None:
        """Remove a dataset; NotFound when there is none."""
        require("admin", "Deleting a dataset")
        if name not in self._names("datasets"):
            self._manifest("datasets", name, "dataset")
        gone = self.home / "datasets" / f".deleted-{uuid.uuid4().hex}"
        with readable_errors(self.home):
            (self.home / "datasets" / name).rename(gone)
            shutil.rmtree(gone, ignore_errors=True)
        self._forget_baselines(name)

    def sweep(self, older_than: float = SWEEP_SECONDS) -> None:
        """Remove what writers that were killed have left beside the stored folders."""
        limit = time.time() - older_than
        for left in [*self.home.glob("*/.writing-*"), *self.home.glob("*/.deleted-*")]:
            with suppress(OSError):
                if left.stat().st_mtime < limit:
                    shutil.rmtree(left, ignore_errors=True)

    def load_dataset(self, name: str) -> Dataset:
        """Read a dataset back; NotFound or Corrupted when that cannot be."""

        def build(folder: Path, manifest: dict[str, Any]) -> Dataset:
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

        return self._read("datasets", name, "dataset", build)

    def dataset_manifest(self, name: str) -> dict[str, Any]:
        """What is known of a dataset without reading it: its summary, notes and columns."""
        return self._manifest("datasets", name, "dataset")

    def models(self) -> list[str]:
        """Ids of the versions, newest first."""
        return sorted(self._names("models"), reverse=True)

    def save_model(self, model: Model) -> None:
        """Store a version; it never changes afterwards."""
        arrays: dict[str, NDArray[Any]] = dict(lightfm_model.state(model.lightfm))
        for side, features in (("item", model.item_features), ("user", model.user_features)):
            arrays |= _csr_arrays(f"{side}_features", features.matrix)
        arrays |= _csr_arrays("history", model.history.counts)
        arrays["history_first"] = model.history.first.astype("datetime64[s]")
        arrays["history_last"] = model.history.last.astype("datetime64[s]")
        if model.again is not None:
            arrays["again"] = model.again
        arrays["history_value"] = model.history.value
        files: dict[str, Write] = {f"{name}.npy": _npy_writer(array) for name, array in arrays.items()}
        for name, table in (
            ("items", model.items),
            ("users", model.users),
            ("item_features", _feature_table(model.item_features)),
            ("user_features", _feature_table(model.user_features)),
        ):
            files[f"{name}.parquet"] = _parquet_writer(table)
        manifest = {
            **model.manifest,
            "id": model.id,
            "recipe": model.recipe.to_dict(),
            "seed": model.seed,
            "category_levels": list(model.category_levels),
            "user_attributes": list(model.user_attributes),
        }
        self._write("models", model.id, manifest, files)

    def load_model(self, model_id: str) -> Model:
        """Read a version back and check every file of it against its manifest.

        Raises:
            NotFound: no such version.
            Corrupted: a file is missing, cut short or changed; names it.
        """
        return self._read("models", model_id, "model", _model_from)

    def model_manifest(self, model_id: str) -> dict[str, Any]:
        """What is known of a version without reading its arrays."""
        return self._manifest("models", model_id, "model")

    def delete_model(self, model_id: str) -> None:
        """Remove a version and its map, also a damaged one. The live one is refused."""
        require("admin", "Deleting a model")
        self._folder("models", model_id, "model")
        live, before = self.live()
        if model_id == live:
            raise InvalidInput(f"Model {model_id!r} is live; promote another one before deleting it.")
        self._write_live(live, [x for x in before if x != model_id])
        for kind in ("models", "maps", "quality"):
            folder = self.home / kind / model_id
            if folder.exists():
                aside = folder.with_name(f".deleted-{uuid.uuid4().hex}")
                folder.rename(aside)
                shutil.rmtree(aside, ignore_errors=True)

    def save_map(
        self,
        model_id: str,
        table: pd.DataFrame,
        facts: Mapping[str, Any] | None = None,
        details: pd.DataFrame | None = None,
        arrays: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        """Store the map of a version; an earlier one of it is replaced.

        Args:
            table: `item_id, x, y`.
            facts: how it was drawn and how faithful it is, for `map_facts`.
            details, arrays: more about the items, for `load_map_details`.
        """
        self._manifest("models", model_id, "model")
        files: dict[str, Write] = {"map.parquet": _parquet_writer(table)}
        if details is not None:
            files["details.parquet"] = _parquet_writer(details)
        files |= {f"{name}.npy": _npy_writer(array) for name, array in (arrays or {}).items()}
        self._write("maps", model_id, {"model": model_id, "facts": dict(facts or {})}, files)

    def load_map(self, model_id: str) -> pd.DataFrame | None:
        """The map of a version, or None while there is none."""
        if model_id not in self._names("maps"):
            return None
        return self._read("maps", model_id, "map", lambda folder, _: pd.read_parquet(folder / "map.parquet"))

    def map_manifest(self, model_id: str) -> dict[str, Any]:
        """What is known of a map without reading it: `facts` and `checksum`, which changes when it is drawn again."""
        return self._manifest("maps", model_id, "map")

    def load_map_details(self, model_id: str) -> tuple[pd.DataFrame | None, dict[str, NDArray[Any]]]:
        """The table and the arrays stored with the map of a version."""

        def build(folder: Path, manifest: dict[str, Any]) -> tuple[pd.DataFrame | None, dict[str, NDArray[Any]]]:
            table = pd.read_parquet(folder / "details.parquet") if "details.parquet" in manifest["files"] else None
            names = [name for name in manifest["files"] if name.endswith(".npy")]
            return table, {name[:-4]: np.load(folder / name, allow_pickle=False) for name in names}

        return self._read("maps", model_id, "map", build)

    def save_quality(self, model_id: str, report: Mapping[str, Any]) -> None:
        """Store what was found out about how good a version is; replaces what was there."""
        self._manifest("models", model_id, "model")
        self._write("quality", model_id, {"model": model_id, "report": dict(report)}, {})

    def load_quality(self, model_id: str) -> dict[str, Any] | None:
        """What `save_quality` stored, or None."""
        if model_id not in self._names("quality"):
            return None
        report: dict[str, Any] = self._manifest("quality", model_id, "quality report")["report"]
        return report

    def save_baselines(
        self, dataset: str, fingerprint: str, key: str, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> None:
        """Store how the baselines of a dataset were judged; what is stored for other contents of it is removed."""
        self._write(
            "baselines", key, {"dataset": dataset, "fingerprint": fingerprint, "facts": dict(facts)},
            {f"{name}.npy": _npy_writer(array) for name, array in arrays.items()},
        )  # fmt: skip
        self._forget_baselines(dataset, but=fingerprint)

    def load_baselines(self, key: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]] | None:
        """What `save_baselines` stored, or None."""
        if key not in self._names("baselines"):
            return None
        return self._read("baselines", key, "set of baselines", lambda folder, manifest: (
            manifest["facts"],
            {name[:-4]: np.load(folder / name, allow_pickle=False) for name in manifest["files"]},
        ))  # fmt: skip

    def _forget_baselines(self, dataset: str, but: str = "") -> None:
        for key in self._names("baselines"):
            with suppress(Corrupted, NotFound, OSError):
                kept = self._manifest("baselines", key, "set of baselines")
                if kept["dataset"] == dataset and kept["fingerprint"] != but:
                    shutil.rmtree(self.home / "baselines" / key, ignore_errors=True)

    def has_map(self, model_id: str) -> bool:
        return os.path.exists(f"{self._maps}/{model_id}/{MANIFEST}")  # noqa: PTH110  asked for every answer

    def live(self) -> tuple[str | None, list[str]]:
        """The live version, and those that were live before it, newest first. Read again only when it has changed."""
        try:
            status = os.stat(self._pointer)  # noqa: PTH116  asked for every answer
            # the pointer is replaced as a whole, by another file
            seen = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)
            if self._live is None or self._live[0] != seen:
                pointer = json.loads((self.home / "live.json").read_text())
                self._live = seen, pointer["model"], tuple(pointer["before"])
            return self._live[1], list(self._live[2])
        except (FileNotFoundError, NotADirectoryError):
            return None, []
        except OSError as error:
            raise StorageProblem(f"Cannot read {self._pointer}: {error.strerror}. Check its permissions.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise Corrupted(f"{self.home / 'live.json'} is damaged; promote a model again.") from error

    def set_live(self, model_id: str) -> None:
        """Point to another version, in one step: a reader sees the old one or the new one."""
        require("admin", "Promoting a model")
        self._manifest("models", model_id, "model")
        try:
            live, before = self.live()
        except Corrupted:
            live, before = None, []  # promoting is how a damaged pointer is mended
        if live == model_id:
            return
        self._write_live(model_id, [x for x in ([live] if live else []) + before if x != model_id])

    def earlier(self) -> str:
        """The version that a roll-back would point to."""
        there = set(self._names("models"))
        for model_id in self.live()[1]:
            if model_id in there:
                return model_id
        raise InvalidInput("No earlier model to roll back to: none was live before this one.")

    def roll_back(self) -> str:
        """Point to the version that was live before; gives its id."""
        require("admin", "Rolling back")
        model_id = self.earlier()
        before = self.live()[1]
        self._write_live(model_id, before[before.index(model_id) + 1 :])
        return model_id

    @contextmanager
    def changing_live(self) -> Iterator[None]:
        """One process at a time decides what is live; the others wait. The lock goes with the process that holds it."""
        with readable_errors(self.home):
            self.home.mkdir(parents=True, exist_ok=True)
            lock = (self.home / "live.lock").open("a")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _write_live(self, model_id: str | None, before: list[str]) -> None:
        pointer = self.home / "live.json"
        aside = pointer.with_name(f".live-{uuid.uuid4().hex}")
        with readable_errors(self.home):
            try:
                aside.write_text(json.dumps({"model": model_id, "before": before}))
                _sync(aside)
                aside.replace(pointer)
            finally:
                aside.unlink(missing_ok=True)

    def _names(self, kind: str) -> list[str]:
        folder = self.home / kind
        if not folder.is_dir():
            return []
        return sorted(x.name for x in folder.iterdir() if not x.name.startswith(".") and (x / MANIFEST).exists())

    def _write(self, kind: str, name: str, manifest: Mapping[str, Any], files: Mapping[str, Write]) -> None:
        check_name(name)
        final = self.home / kind / name
        write_id = uuid.uuid4().hex
        aside = final.with_name(f".writing-{write_id}")
        with readable_errors(self.home):
            try:
                aside.mkdir(parents=True)
                for file, write in files.items():
                    write(aside / file)
                    _sync(aside / file)
                checked = {
                    **manifest,
                    "format_version": FORMAT_VERSION,
                    "write_id": write_id,
                    "files": {f: _sha256(aside / f) for f in files},
                }
                checked["checksum"] = _checksum(checked)
                (aside / MANIFEST).write_text(_text(checked))
                _sync(aside / MANIFEST)
                if final.exists():
                    _exchange(aside, final)
                else:
                    aside.rename(final)
                _sync(final.parent)
            finally:
                shutil.rmtree(aside, ignore_errors=True)

    def _folder(self, kind: str, name: str, what: str) -> Path:
        if name not in self._names(kind):
            there = ", ".join(self._names(kind)) or "none"
            raise NotFound(f"No {what} {name!r}; there are: {there}.")
        return self.home / kind / name

    def _manifest(self, kind: str, name: str, what: str) -> dict[str, Any]:
        path = self._folder(kind, name, what) / MANIFEST
        try:
            text = path.read_text()
            manifest: dict[str, Any] = json.loads(text)
            intact = manifest.get("checksum") == _checksum(manifest)
            # the last digits of a number can change without changing it; later versions may write differently
            intact = intact and (manifest["format_version"] > FORMAT_VERSION or text == _text(manifest))
        except (ValueError, AttributeError):
            intact = False
        if not intact:
            raise Corrupted(f"{what.capitalize()} {name!r} is damaged: {path} was changed or cut short.")
        if manifest["format_version"] > FORMAT_VERSION:
            raise Corrupted(f"{what.capitalize()} {name!r} was written by a newer version of this program.")
        return manifest

    def _read(self, kind: str, name: str, what: str, build: Callable[[Path, dict[str, Any]], T]) -> T:
        """Check every file and build from them; anew when the folder was replaced by another while that was done."""
        while True:
            manifest = self._manifest(kind, name, what)
            try:
                folder = self._checked(kind, name, what, manifest)
                built = build(folder, manifest)
            except (Corrupted, OSError, ValueError):
                if self._manifest(kind, name, what)["checksum"] == manifest["checksum"]:
                    raise
            else:
                if self._manifest(kind, name, what)["checksum"] == manifest["checksum"]:
                    return built

    def _checked(self, kind: str, name: str, what: str, manifest: Mapping[str, Any]) -> Path:
        folder = self.home / kind / name
        for file, expected in manifest["files"].items():
            path = folder / file
            if not path.exists():
                raise Corrupted(f"{what.capitalize()} {name!r} is damaged: {path} is missing.")
            if _sha256(path) != expected:
                raise Corrupted(f"{what.capitalize()} {name!r} is damaged: {path} was changed or cut short.")
        return folder


def check_name(name: str) -> str:
    """A name that can be a folder, as it is; InvalidInput otherwise."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"{name!r} is no name for a folder: use letters, digits, dot, dash and underscore.")
    return name


@contextmanager
def readable_errors(home: Path) -> Iterator[None]:
    """Turns an operating system's refusal to write into words."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            mend = "there is no space left; free some, or point INSIDER_HOME elsewhere"
        elif error.errno in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR):
            mend = "it is read-only; change its permissions, or point INSIDER_HOME elsewhere"
        else:
            mend = f"{error.strerror or error}; check the disk, or point INSIDER_HOME elsewhere"
        raise StorageProblem(f"Cannot write below {home}: {mend}. Nothing was changed.") from error


def _exchange(aside: Path, final: Path) -> None:
    """Swap two folders in one step, so that a reader (and a crash) finds the old one or the new one.

    Linux can do that; elsewhere the old one is moved away first, and a crash in between leaves it beside its place.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    with suppress(AttributeError):  # not Linux, or an old C library
        if libc.renameat2(_HERE, os.fsencode(aside), _HERE, os.fsencode(final), _RENAME_EXCHANGE) == 0:
            return
    old = final.with_name(f".deleted-{uuid.uuid4().hex}")
    final.rename(old)
    aside.rename(final)
    old.rename(aside)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _text(manifest: Mapping[str, Any]) -> str:
    """A manifest as it is written."""
    return json.dumps(manifest, indent=1, ensure_ascii=False)


def _checksum(manifest: Mapping[str, Any]) -> str:
    """SHA-256 of everything in the manifest but this checksum itself."""
    rest = {key: value for key, value in manifest.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _model_from(folder: Path, manifest: dict[str, Any]) -> Model:
    def array(name: str) -> NDArray[Any]:
        # mapped: the processes of one machine share the pages, and a page is copied only if it is written to
        return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="c", allow_pickle=False))

    def csr(name: str) -> sparse.csr_matrix:
        parts = array(f"{name}_data"), array(f"{name}_indices"), array(f"{name}_indptr")
        return sparse.csr_matrix(parts, shape=tuple(array(f"{name}_shape")))

    def features(side: str) -> Features:
        table = pd.read_parquet(folder / f"{side}_features.parquet")
        return Features(
            csr(f"{side}_features"), table["kind"].to_numpy(dtype=object), table["value"].to_numpy(dtype=object)
        )

    recipe, seed = Hyperparameters.from_dict(manifest["recipe"]), manifest["seed"]
    return Model(
        id=manifest["id"],
        recipe=recipe,
        seed=seed,
        lightfm=lightfm_model.restore(recipe, seed, {name: array(name) for name in lightfm_model.STATE}),
        items=pd.read_parquet(folder / "items.parquet"),
        users=pd.read_parquet(folder / "users.parquet"),
        category_levels=tuple(manifest["category_levels"]),
        user_attributes=tuple(manifest["user_attributes"]),
        item_features=features("item"),
        user_features=features("user"),
        history=Interactions(csr("history"), array("history_first"), array("history_last"), array("history_value")),
        manifest=manifest,
        again=array("again") if "again.npy" in manifest["files"] else None,
    )


def _npy_writer(array: NDArray[Any]) -> Write:
    def write(path: Path) -> None:
        with path.open("wb") as file:  # through Python: numpy's own way does not say why a disk takes no more
            np.save(SimpleNamespace(write=file.write), array, allow_pickle=False)

    return write


def _parquet_writer(table: pd.DataFrame) -> Write:
    return lambda path: table.to_parquet(path, index=False)


def _mover(source: Path) -> Write:
    def move(path: Path) -> None:
        source.replace(path)

    return move


def _csr_arrays(name: str, matrix: sparse.csr_matrix) -> dict[str, NDArray[Any]]:
    return {
        f"{name}_data": matrix.data,
        f"{name}_indices": matrix.indices,
        f"{name}_indptr": matrix.indptr,
        f"{name}_shape": np.array(matrix.shape),
    }


def _feature_table(features: Features) -> pd.DataFrame:
    return pd.DataFrame({"kind": features.kinds, "value": features.values})

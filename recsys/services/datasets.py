"""Datasets as people handle them: listed with who uses them, imported by a job, deleted with care."""

import shutil
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NotRequired, TypedDict

import pandas as pd

from recsys.access import require
from recsys.dataset import demo
from recsys.dataset.dataset import Dataset
from recsys.dataset.documents import DatasetSummary, ImportReport
from recsys.errors import InsiderError, InvalidInput
from recsys.ingest.config import ImportPlan
from recsys.ingest.files.addresses import is_address, without_secrets
from recsys.ingest.files.found_files import files_below
from recsys.ingest.rejects import FILE
from recsys.ingest.report_words import Section, sections
from recsys.services.jobs import launch
from recsys.services.stored_models import models_on, stored_models
from recsys.services.workspace import Workspace
from recsys.settings import DATA_FOLDER, Settings
from recsys.storage.artifacts import check_name, readable_errors
from recsys.storage.jobs import Job
from recsys.utils import formatting as fmt

UPLOADS = "uploads"
DATA_FILES = (
    ".csv", ".tsv", ".txt", ".psv", ".gz", ".jsonl", ".ndjson", ".json", ".parquet", ".inter", ".item", ".user",
)  # fmt: skip
UPLOAD_SECONDS = 24 * 3600.0
"""Uploads that nothing was imported from are removed after this long."""


class ListedDataset(TypedDict):
    """A stored dataset in the list: bytes on disk, the models trained on it, and its counts or its `problem`."""

    name: str
    bytes: int
    models: list[str]
    live: bool
    changed: float
    problem: NotRequired[str]
    users: NotRequired[int]
    items: NotRequired[int]
    events: NotRequired[int]
    pairs: NotRequired[int]
    period: NotRequired[list[str] | None]
    fingerprint: NotRequired[str]


def datasets(workspace: Workspace) -> list[ListedDataset]:
    """Every stored dataset: name, counts, period, bytes on disk, and the models trained on it; newest first.

    A damaged one has `problem` instead of counts.
    """
    models = stored_models(workspace)
    found: list[ListedDataset] = []
    for name in workspace.datasets():
        folder = workspace.store.home / "datasets" / name
        size = sum(path.stat().st_size for path in folder.glob("*") if path.is_file())
        users = [model for model in models if model.manifest.dataset == name]
        entry: ListedDataset = {
            "name": name,
            "bytes": size,
            "models": [model.id for model in users],
            "live": any(model.live for model in users),
            "changed": 0.0,
        }
        found.append(entry)
        try:
            manifest = workspace.store.dataset_manifest(name)
        except InsiderError as error:
            entry["problem"] = str(error)
            continue
        summary = manifest["summary"]
        entry["users"], entry["items"], entry["events"] = summary["users"], summary["items"], summary["events"]
        entry["pairs"], entry["period"] = summary["pairs"], summary["period"]
        entry["fingerprint"] = summary["fingerprint"]
        entry["changed"] = (folder / "manifest.json").stat().st_mtime
    return sorted(found, key=lambda entry: -float(entry["changed"]))


def import_demo(workspace: Workspace) -> Dataset:
    """Store the built-in dataset as `demo`."""
    require("admin", "Storing a dataset")
    dataset = demo.load_demo()
    workspace.store.save_dataset(dataset)
    return dataset


def delete_dataset(workspace: Workspace, name: str, *, force: bool = False) -> list[str]:
    """Remove a dataset; gives the models that were trained on it.

    Raises:
        InvalidInput: the live model was trained on it and `force` is not given, or a job works on it.
    """
    require("admin", "Deleting a dataset")
    workspace.store.dataset_manifest(name)
    jobs = workspace.job_store.newest(active=True)
    busy = [job for job in jobs if job.dataset == name and job.kind != "rough"]
    if busy:
        raise InvalidInput(f"Job {busy[0].id} ({busy[0].kind}) works on dataset {name!r}; cancel it first.")
    using = models_on(workspace, name)
    if any(model.live for model in using) and not force:
        raise InvalidInput(
            f"The live model was trained on dataset {name!r}: without it, histories and evaluation are gone. "
            "Promote a model of another dataset first, or delete it with --force."
        )
    workspace.store.delete_dataset(name)
    return [model.id for model in using]


def start_import(workspace: Workspace, plan: ImportPlan) -> Job:
    """Import in a job of its own."""
    require("admin", "Storing a dataset")
    check_name(plan.name)
    run_id = workspace.job_store.create("import", plan.name, plan.to_dict(), seed=0, promote=False)
    return launch(workspace, run_id)


def run_import(workspace: Workspace, run: Job, on_progress: Callable[[Any], None]) -> None:
    """What the job of an import does; uploaded files are removed when it is over."""
    from recsys.ingest.pipeline import import_dataset

    plan = ImportPlan.from_dict(run.recipe)
    try:
        import_dataset(workspace.store, plan, on_progress)
    finally:
        uploads = workspace.store.home / UPLOADS
        for path in map(Path, plan.paths):
            if path.parent.parent == uploads:
                shutil.rmtree(path.parent, ignore_errors=True)


def keep_upload(workspace: Workspace, name: str, stream: IO[bytes], before: str | None = None) -> Path:
    """Write an uploaded file below the home, under its own name in a folder of its own, unless it is there from before.

    Args:
        before: where it was written before, if it was.
    """
    if before is not None and Path(before).is_file():
        return Path(before)
    require("admin", "Uploading a file")
    stream.seek(0)
    sweep_uploads(workspace.store.home)
    uploads = workspace.store.home / UPLOADS
    folder = uploads / uuid.uuid4().hex
    safe = "".join(x if x.isalnum() or x in "._- " else "_" for x in Path(name).name).strip(". ")[-100:] or "upload"
    with readable_errors(workspace.store.home):
        folder.mkdir(parents=True)
        with (folder / safe).open("wb") as out:
            shutil.copyfileobj(stream, out, 1 << 20)
    return folder / safe


def sweep_uploads(home: Path) -> None:
    """Remove uploads that nothing was imported from for a day."""
    for old in (home / UPLOADS).glob("*"):
        with suppress(OSError):
            if time.time() - old.stat().st_mtime > UPLOAD_SECONDS:
                shutil.rmtree(old, ignore_errors=True)


def upload_bytes(home: Path) -> int:
    """Bytes of the uploaded files that are still there."""
    total = 0
    for path in (home / UPLOADS).rglob("*"):
        with suppress(OSError):
            total += path.stat().st_size
    return total


def allowed_folder() -> Path:
    """The folder below which the page may read files of the server: `INSIDER_IMPORT_FOLDER`, or `data`."""
    return Path(Settings.from_environment().import_folder or DATA_FOLDER).resolve()


def allowed_path(text: str) -> str:
    """A path, folder or glob below the allowed folder, relative to it or absolute; InvalidInput for any other, and for
    addresses of other machines.

    Links are followed before it is decided.
    """
    folder = allowed_folder()
    wanted = folder / text.strip()
    if not text.strip():
        raise InvalidInput(f"Name a file below {folder}.")
    if is_address(text.strip()):
        raise InvalidInput(
            f"{without_secrets(text.strip())} is not below {folder}; addresses are read by the command line alone: "
            "python -m recsys dataset import"
        )
    if any(mark in text for mark in "*?["):
        if ".." in Path(text).parts:
            raise InvalidInput(f"{text} leads outside {folder}; only files below it may be imported from here.")
        for match in folder.glob(str(wanted.relative_to(folder))) if wanted.is_relative_to(folder) else ():
            _check_all_below(match, folder, text)
        if not wanted.is_relative_to(folder):
            raise InvalidInput(f"{text} lies outside {folder}; only files below it may be imported from here.")
        return str(wanted)
    _check_all_below(wanted, folder, text)
    return str(wanted.resolve())


def _check_all_below(path: Path, folder: Path, shown: str) -> None:
    """A file, or a folder with all files in it, which a link may lead elsewhere."""
    _check_below(path, folder, shown)
    for file in files_below(path) if path.is_dir() else ():
        _check_below(file, folder, shown)


def _check_below(path: Path, folder: Path, shown: str) -> None:
    if not path.resolve().is_relative_to(folder):
        raise InvalidInput(f"{shown} lies outside {folder}; only files below it may be imported from here.")


def files_of_server(limit: int = 200) -> list[str]:
    """Names of the files below the allowed folder that look like data, relative to it; instead of files in folders such
    as `date=2024-01-01`, the folder above these."""
    folder = allowed_folder()
    found = (path for path in folder.rglob("*") if path.is_file() and path.name.lower().endswith(DATA_FILES))
    parts = (path.relative_to(folder).parts for path in found)
    shown = {"/".join(_above_partitions(names)) for names in parts if names[0] != "store"}
    return sorted(shown)[:limit]


def _above_partitions(names: Sequence[str]) -> Sequence[str]:
    first = next((n for n, name in enumerate(names[:-1]) if "=" in name), 0)
    return names[:first] or names


@dataclass(frozen=True)
class StoredDataset:
    """One dataset as the page shows it.

    Attributes:
        sections: the report in words; for a dataset that was not imported from files, what is known of it.
        report: the document of the import, or None.
        rejects: the file of all rejected rows, or None when there are none.
        warning: what deleting it would cost, in words.
        may_go: whether it may be deleted here.
    """

    name: str
    sections: tuple[Section, ...]
    report: ImportReport | None
    rejects: Path | None
    warning: str
    may_go: bool

    def read_rejects(self) -> bytes:
        """The file of all rejected rows."""
        return b"" if self.rejects is None else self.rejects.read_bytes()


def stored(workspace: Workspace, name: str) -> StoredDataset:
    """One dataset; NotFound or Corrupted when there is none or it cannot be read."""
    manifest = workspace.store.dataset_manifest(name)
    report = manifest.get("report")
    models = models_on(workspace, name)
    live = any(model.live for model in models)
    facts = tuple(sections(report)) if report else (_in_words(manifest["summary"]),)
    file = workspace.store.dataset_file(name, FILE) if report and report["rejected"]["rows"] else None
    if live:
        warning = "The live model was trained on it. Promote a model of another dataset first."
    elif models:
        warning = f"{fmt.plural(len(models), 'model')} trained on it can still answer, but no longer be evaluated."
    else:
        warning = "No model was trained on it."
    return StoredDataset(name, facts, report, file, warning, not live)


def table(found: list[ListedDataset]) -> pd.DataFrame:
    """The list of datasets for people: one row each, sizes in MB."""
    return pd.DataFrame(
        {
            "name": [x["name"] for x in found],
            "events": [x.get("events") for x in found],
            "users": [x.get("users") for x in found],
            "items": [x.get("items") for x in found],
            "period": [x.get("problem") or fmt.period(x.get("period")) for x in found],
            "size": [x["bytes"] / 1e6 for x in found],
            "models": [len(x["models"]) for x in found],
            "live": [x["live"] for x in found],
        }
    )


def import_under_way(workspace: Workspace) -> Job | None:
    """The newest import that has not ended, or None."""
    return next(iter(workspace.job_store.newest(1, kinds=("import",), active=True)), None)


def _in_words(summary: DatasetSummary) -> Section:
    facts = [
        ("Events", fmt.number(summary["events"])),
        ("Shoppers", fmt.number(summary["users"])),
        ("Products", fmt.number(summary["items"])),
        ("Period", fmt.period(summary["period"])),
        ("Density", f"{summary['density']:.4%} of all pairs of shopper and product"),
        ("Repeated", f"{fmt.share(summary['repeat_rate'])} of the pairs have more than one event"),
    ]
    facts += [(f"{fmt.label(level)} names", fmt.number(n)) for level, n in summary["categories"].items()]
    notes = summary["notes"]
    facts += [(f"Left out: {why}", fmt.number(n)) for why, n in notes.get("left_out", {}).items()]
    facts += [(fmt.label(key), str(notes[key])) for key in ("about", "titles", "source") if notes.get(key)]
    return Section("Found", tuple(facts))

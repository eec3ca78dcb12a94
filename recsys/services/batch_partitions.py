"""Lists for every user as a folder of Parquet files, one a partition, each written whole; goes on where it stopped."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pyarrow as pa
import pyarrow.parquet as pq

from recsys import columns as c
from recsys.cluster.executor import pieces, run_tasks
from recsys.errors import Corrupted, InvalidInput, StorageProblem
from recsys.lanes import Lane
from recsys.progress import OnProgress, Progress
from recsys.services.batch import Lists, everybody, recommend_some
from recsys.services.workbench.rule_sets import RuleSets
from recsys.services.workspace import Workspace, open_workspace
from recsys.settings import Settings

PLAN = "_plan.json"
USERS = "_users.parquet"
DONE = "_complete.json"
USERS_A_PARTITION = 20_000


@dataclass(frozen=True)
class BatchPlan:
    """What the folder holds, or is to hold.

    Attributes:
        model: id of the version that answers.
        k, lane, explain: of the lists, as `Lists` has them.
        rules, rules_version: the rule set laid over the model; None and 0 for none.
        users: how many users get a list; `partition` of them in a file.
    """

    model: str
    k: int
    rules: str | None
    rules_version: int
    users: int
    partition: int
    lane: Lane = "discover"
    explain: bool = False


@dataclass(frozen=True)
class Partition:
    """One task, small enough to be sent anywhere."""

    home: str
    database_url: str
    folder: str
    number: int
    start: int
    end: int


class BatchDone(TypedDict):
    """What was written: `users` and `rows` in `partitions` files, of which `kept` were there already."""

    out: str
    model: str
    k: int
    rules: str | None
    users: int
    rows: int
    partitions: NotRequired[int]
    kept: NotRequired[int]


def write_partitions(
    workspace: Workspace,
    folder: Path,
    lists: Lists | None = None,
    *,
    partition: int = USERS_A_PARTITION,
    scheduler: str | None = None,
    on_progress: OnProgress = lambda _: None,
) -> BatchDone:
    """Write the lists of every user; partitions that are there already are kept.

    Args:
        folder: made if it is not there. One that holds another plan is refused.
        lists: which lists; without them the ten best new items.
        partition: users in a file.
        scheduler: address of a Dask scheduler whose workers reach the home, the database and the folder.

    Raises:
        InvalidInput: the folder holds other lists, or the scheduler cannot be used.
        StorageProblem: the folder cannot be written.
    """
    lists = lists or Lists()
    plan = _begun(workspace, folder, lists, partition)
    settings = workspace.settings
    tasks = [
        Partition(str(settings.home), settings.database_url, str(folder.absolute()), number, start, end)
        for number, (start, end) in enumerate(pieces(plan.users, plan.partition))
    ]
    missing = [task for task in tasks if rows_of(_file(folder, task.number)) is None]
    there = len(tasks) - len(missing)
    for done, _ in enumerate(run_tasks(write_partition, missing, scheduler), start=there + 1):
        on_progress(Progress(f"Partition {done} of {len(tasks)} written", done / len(tasks)))
    rows = sum(rows_of(_file(folder, task.number)) or 0 for task in tasks)
    found: BatchDone = {
        "out": str(folder), "model": plan.model, "k": plan.k,
        "rules": lists.rules.label if lists.rules else None,
        "users": plan.users, "rows": rows, "partitions": len(tasks), "kept": there,
    }  # fmt: skip
    _write_text(folder / DONE, json.dumps({"rows": rows, "partitions": len(tasks), "users": plan.users}))
    return found


def write_partition(task: Partition) -> int:
    """One partition, in whatever process: written aside, then renamed. Gives its number."""
    workspace = _workspace(task.home, task.database_url)
    folder = Path(task.folder)
    plan = BatchPlan(**_read_json(folder / PLAN))
    ids = pq.read_table(folder / USERS)[c.USER].slice(task.start, task.end - task.start).to_pylist()
    rules = None if plan.rules is None else RuleSets(workspace.database).get(plan.rules, plan.rules_version)
    lists = Lists(plan.k, plan.lane, rules, plan.explain)
    table = recommend_some(workspace.load(plan.model), ids, lists)
    _write(_file(folder, task.number), lambda path: table.to_parquet(path, index=False))
    return task.number


def rows_of(path: Path) -> int | None:
    """Rows of a partition; None when it is not there or is not whole."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowInvalid):
        return None


def _begun(workspace: Workspace, folder: Path, lists: Lists, partition: int) -> BatchPlan:
    """The plan of the folder: the one that lies there, if it is the one that is wanted, or a new one."""
    live, rules = workspace.load(), lists.rules
    ids = everybody(live)
    plan = BatchPlan(
        model=live.model.id, k=lists.k, lane=lists.lane, explain=lists.explain, users=len(ids), partition=partition,
        rules=rules.name if rules else None, rules_version=rules.version if rules else 0,
    )  # fmt: skip
    if (folder / PLAN).exists():
        there = BatchPlan(**_read_json(folder / PLAN))
        if replace(there, users=plan.users, partition=plan.partition) != plan:
            raise InvalidInput(
                f"{folder} holds lists of model {there.model} in the lane {there.lane} with k={there.k}, "
                f"{'' if there.explain else 'no '}reasons and {there.rules or 'no'} rules. Choose another folder, or "
                "delete this one."
            )
        return there
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput(f"{folder} is there already and holds something else. Choose another folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageProblem(f"Cannot make the folder {folder}: {error.strerror or error}.") from error
    _write(folder / USERS, lambda path: pq.write_table(pa.table({c.USER: pa.array(ids, pa.string())}), path))
    _write_text(folder / PLAN, json.dumps(asdict(plan)))
    return plan


def _workspace(home: str, database_url: str) -> Workspace:
    return open_workspace(replace(Settings.from_environment(home), database_url=database_url))


def _file(folder: Path, number: int) -> Path:
    return folder / f"part-{number:05d}.parquet"


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise Corrupted(f"{path} cannot be read: {error}. Delete the folder and begin again.") from error


def _write_text(path: Path, text: str) -> None:
    _write(path, lambda aside: aside.write_text(text))


def _write(path: Path, write: Callable[[Path], object]) -> None:
    aside = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        write(aside)
        aside.replace(path)
    except OSError as error:
        raise StorageProblem(f"Cannot write {path}: {error.strerror or error}.") from error
    finally:
        aside.unlink(missing_ok=True)

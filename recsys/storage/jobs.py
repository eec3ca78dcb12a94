"""Runs: everything that was asked to be trained or drawn, how far it is, and how it ended."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa

from recsys.errors import NotFound, StorageProblem
from recsys.progress import Progress
from recsys.storage.database import Database, utc_now
from recsys.storage.tables import runs as table
from recsys.utils.processes import host_name, is_of_this_host, process_alive, process_of_host

Kind = Literal["demo", "train", "search", "map", "import", "quality", "rough"]
State = Literal["queued", "running", "done", "failed", "cancelled"]
ACTIVE = ("queued", "running")
LOST = "The process of this run ended without a word: it was killed, or the machine ran out of memory. Start it again."
NO_PROCESS_SECONDS = 60
SILENT_SECONDS = 3600
"""A run on another machine that has said nothing for so long is lost."""


@dataclass(frozen=True)
class Job:
    """One run as it stands now. Times are in UTC; `fraction` is 0 to 1 over all of it; `machine` is the name of the
    machine that works on it, empty while none does."""

    id: int
    kind: Kind
    state: State
    dataset: str
    recipe: Mapping[str, Any]
    seed: int
    promote: bool
    created: datetime
    started: datetime | None
    ended: datetime | None
    step: str
    fraction: float
    epoch: int
    epochs: int
    seconds_left: float | None
    curve: list[dict[str, float]]
    message: str
    model: str | None
    machine: str = ""

    @property
    def active(self) -> bool:
        """Whether it waits or works."""
        return self.state in ACTIVE


class JobStore:
    """The runs of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, kind: Kind, dataset: str, recipe: Mapping[str, Any], *, seed: int, promote: bool, model: str | None = None
    ) -> int:
        """Put a run into the queue; gives its id."""
        values = {
            "kind": kind, "state": "queued", "dataset": dataset, "recipe": recipe, "seed": seed, "promote": promote,
            "model": model, "created": utc_now(), "cancel_requested": False,
            "progress": {"step": "Waiting for its turn"},
        }  # fmt: skip
        with self._database.begin() as connection:
            return _insert(connection, values)

    def create_unless_active(self, kind: Kind, dataset: str, recipe: Mapping[str, Any], *, promote: bool) -> int | None:
        """Like `create`, but None when a run of this kind is queued or running; two callers never both succeed."""
        self.settle()
        with self._database.begin() as connection:
            active = sa.select(table.c.id).where(table.c.kind == kind, table.c.state.in_(ACTIVE))
            if connection.execute(active).first():
                return None
            values = {
                "kind": kind, "state": "queued", "dataset": dataset, "recipe": recipe, "seed": 0, "promote": promote,
                "created": utc_now(), "progress": {"step": "Starting"}, "cancel_requested": False,
            }  # fmt: skip
            return _insert(connection, values)

    def get(self, run_id: int) -> Job:
        """One job; NotFound when there is none. One that no process works on has failed."""
        with self._database.read() as connection:
            row = connection.execute(table.select().where(table.c.id == run_id)).mappings().first()
            if row is None:
                raise NotFound(f"No run {run_id}.")
            return _run(row)

    def newest(
        self, limit: int = 50, *, kinds: Collection[str] = (), model: str | None = None, active: bool = False
    ) -> list[Job]:
        """The newest jobs, newest first. Those that no process works on have failed.

        Args:
            kinds: only these; () for all.
            model: only those that work on this version, or made it.
            active: only those that are queued or running.
        """
        if not self._database.exists():
            return []
        wanted = table.select()
        if kinds:
            wanted = wanted.where(table.c.kind.in_(kinds))
        if model is not None:
            wanted = wanted.where(table.c.model == model)
        if active:
            wanted = wanted.where(table.c.state.in_(ACTIVE))
        with self._database.read() as connection:
            rows = connection.execute(wanted.order_by(table.c.id.desc()).limit(limit)).mappings().all()
            found = [_run(row) for row in rows]
            return [job for job in found if job.active or not active]

    def attach(self, run_id: int, pid: int) -> None:
        """Note which process works on a run."""
        self._update(run_id, process=process_of_host(pid))

    def process(self, run_id: int) -> int | None:
        """The living process of this machine that works on a run, if one does."""
        with self._database.read() as connection:
            process = connection.scalar(sa.select(table.c.process).where(table.c.id == run_id))
        return _pid_here(process) if process else None

    def claim(self, run_id: int, limit: int) -> bool:
        """Start a queued run if fewer than `limit` others are running; whether it did.

        Imports wait for imports alone, and nothing else waits for them; nothing waits for rough runs.
        """
        self.settle()
        with self._database.begin() as connection:
            kind = connection.scalar(sa.select(table.c.kind).where(table.c.id == run_id))
            rivals = table.c.kind == "import" if kind == "import" else table.c.kind.not_in(["import", "rough"])
            running = sa.and_(table.c.state == "running", table.c.kind.not_in(["map", "quality"]), rivals)
            earlier = sa.and_(table.c.state == "queued", table.c.id < run_id, rivals)
            before = connection.scalar(sa.select(sa.func.count()).select_from(table).where(sa.or_(running, earlier)))
            if (before or 0) >= limit:
                return False
            connection.execute(
                table.update().where(table.c.id == run_id, table.c.state == "queued").values(
                    state="running", started=utc_now()
                )
            )  # fmt: skip
        return True

    def report(self, run_id: int, progress: Progress) -> bool:
        """Store how far a run is; whether somebody asked to cancel it."""
        values = {
            "step": progress.step, "fraction": progress.fraction, "epoch": progress.epoch, "epochs": progress.epochs,
            "at": utc_now().isoformat(), "seconds_left": progress.seconds_left,
            "curve": [dict(point) for point in progress.curve],
        }  # fmt: skip
        with self._database.begin() as connection:
            connection.execute(table.update().where(table.c.id == run_id).values(progress=values))
            return bool(connection.scalar(sa.select(table.c.cancel_requested).where(table.c.id == run_id)))

    def finish(self, run_id: int, state: State, *, message: str = "", model: str | None = None) -> None:
        """End a run, unless it has ended already. One that was asked to stop and fails at it counts as cancelled."""
        values: dict[str, object] = {"state": state, "message": message, "ended": utc_now()}
        if model is not None:
            values["model"] = model
        with self._database.begin() as connection:
            asked = connection.scalar(sa.select(table.c.cancel_requested).where(table.c.id == run_id))
            if state == "failed" and asked:
                values |= {"state": "cancelled", "message": ""}
            connection.execute(table.update().where(table.c.id == run_id, table.c.state.in_(ACTIVE)).values(**values))

    def request_cancel(self, run_id: int) -> int | None:
        """Ask a run to stop; gives the process that works on it, if one does."""
        with self._database.begin() as connection:
            connection.execute(table.update().where(table.c.id == run_id).values(cancel_requested=True))
            process = connection.scalar(sa.select(table.c.process).where(table.c.id == run_id))
        return _pid_here(process) if process else None

    def working(self) -> dict[int, int]:
        """Runs that have not ended and whose process lives on this machine, with its number."""
        if not self._database.exists():
            return {}
        wanted = sa.select(table.c.id, table.c.process).where(table.c.state.in_(ACTIVE), table.c.process.is_not(None))
        with self._database.read() as connection:
            rows = connection.execute(wanted).all()
        return {run_id: pid for run_id, process in rows if (pid := _pid_here(process)) is not None}

    def settle(self) -> None:
        """End as failed every run whose process is gone. Readers see that of themselves, and write nothing."""
        if not self._database.exists():
            return
        ended = [
            table.update().where(table.c.id == run_id, table.c.state.in_(ACTIVE)).values(
                state=state, message=message, ended=utc_now()
            )
            for run_id, state, message in self._lost()
        ]  # fmt: skip
        if ended:
            with self._database.begin() as connection:
                for statement in ended:
                    connection.execute(statement)

    def end_all(self, message: str) -> None:
        """End as failed every run that is queued or running: they ran elsewhere, or in another time."""
        with self._database.begin() as connection:
            ended = {"state": "failed", "message": message, "ended": utc_now()}
            connection.execute(table.update().where(table.c.state.in_(ACTIVE)).values(**ended))

    def _lost(self) -> list[tuple[int, State, str]]:
        """Runs that count as active and that no process works on: id, and how each ends. Only reads."""
        with self._database.read() as connection:
            rows = connection.execute(table.select().where(table.c.state.in_(ACTIVE))).mappings().all()
        return [(row["id"], *_lost_as(row)) for row in rows if _is_lost(row)]

    def _update(self, run_id: int, **values: Any) -> None:
        with self._database.begin() as connection:
            connection.execute(table.update().where(table.c.id == run_id).values(**values))


def _is_lost(row: sa.RowMapping) -> bool:
    """Whether a run counts as active and no process works on it."""
    if row["state"] not in ACTIVE:
        return False
    if row["process"]:
        return not _is_worked_on(row["process"], row["progress"], row["created"])
    return (utc_now() - row["created"]).total_seconds() >= NO_PROCESS_SECONDS


def _lost_as(row: sa.RowMapping) -> tuple[State, str]:
    """State and message of a run that is lost."""
    return ("cancelled", "") if row["cancel_requested"] else ("failed", LOST)


def _insert(connection: sa.Connection, values: Mapping[str, object]) -> int:
    key = connection.execute(table.insert().values(**values)).inserted_primary_key
    if key is None:
        raise StorageProblem("The database gave the new run no number.")
    return int(key[0])


def _pid_here(process: str) -> int | None:
    pid, start, host = process.split("@", 2) if process.count("@") > 1 else (*process.split("@"), host_name())
    return int(pid) if host == host_name() and process_alive(f"{pid}@{start}") else None


def _machine(process: str) -> str:
    return process.split("@", 2)[2] if process.count("@") > 1 else host_name()


def _is_worked_on(process: str, progress: Mapping[str, Any], created: datetime) -> bool:
    """Whether the process lives; that of another machine counts as alive while it has reported lately."""
    if is_of_this_host(process):
        return _pid_here(process) is not None
    at = progress.get("at")
    heard = created if at is None else datetime.fromisoformat(at)
    return (utc_now() - heard).total_seconds() < SILENT_SECONDS


def _run(row: sa.RowMapping) -> Job:
    progress = row["progress"]
    state, message = _lost_as(row) if _is_lost(row) else (row["state"], row["message"])
    ended = row["ended"] or (utc_now() if state not in ACTIVE else None)
    done = state == "done"
    return Job(
        id=row["id"],
        kind=row["kind"],
        state=state,
        dataset=row["dataset"],
        recipe=row["recipe"],
        seed=row["seed"],
        promote=row["promote"],
        created=row["created"].replace(tzinfo=UTC),
        started=row["started"].replace(tzinfo=UTC) if row["started"] else None,
        ended=ended.replace(tzinfo=UTC) if ended else None,
        step=progress["step"],
        fraction=1.0 if done else progress.get("fraction", 0.0),
        epoch=progress.get("epoch", 0),
        epochs=progress.get("epochs", 0),
        seconds_left=0.0 if done else progress.get("seconds_left"),
        curve=progress.get("curve", []),
        message=message,
        model=row["model"],
        machine=_machine(row["process"]) if row["process"] else "",
    )

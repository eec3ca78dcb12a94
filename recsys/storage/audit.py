"""Who changed what is live or stored, and when; notes and tags on trainings and models."""

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from recsys.access import require
from recsys.storage.database import Database, utc_now
from recsys.storage.tables import audit as audit_table
from recsys.storage.tables import notes as notes_table

ACTIONS = {
    "promote": "made live", "rollback": "went back to", "delete": "deleted", "note": "wrote a note on",
    "save": "saved", "serve": "now serves",
}  # fmt: skip


@dataclass(frozen=True)
class AuditEntry:
    """One line of the audit log. `before` is the version that was live until then; times are in UTC."""

    id: int
    at: datetime
    who: str
    action: str
    subject: str
    before: str | None
    note: str


@dataclass(frozen=True)
class Note:
    """What somebody wrote on a training (`training 12`) or a model (`model ID`)."""

    text: str = ""
    tags: tuple[str, ...] = ()


def line(action: str, subject: str, *, who: str = "", before: str | None = None, note: str = "") -> dict[str, Any]:
    """What a line of the log says, ready for JSON; nothing is written."""
    values = {"who": who or whoami(), "action": action, "subject": subject, "before": before, "note": note}
    return {"at": utc_now().isoformat(), **values}


def write_line(connection: sa.Connection, values: Mapping[str, Any]) -> None:
    """Add a line to the log, within a transaction of the caller, unless it is there already."""
    row = {**values, "at": datetime.fromisoformat(values["at"])}
    same = sa.and_(*(audit_table.c[name] == row[name] for name in ("at", "action", "subject")))
    if connection.execute(sa.select(audit_table.c.id).where(same)).first() is None:
        connection.execute(audit_table.insert().values(**row))


def write(
    connection: sa.Connection, action: str, subject: str, *, who: str = "", before: str | None = None, note: str = ""
) -> None:
    """Add a line to the log, within a transaction of the caller: the deed and the line happen together."""
    write_line(connection, line(action, subject, who=who, before=before, note=note))


def entries(database: Database, limit: int = 100) -> list[AuditEntry]:
    """The newest lines of the log, newest first."""
    if not database.exists():
        return []
    with database.read() as connection:
        found = connection.execute(audit_table.select().order_by(audit_table.c.id.desc()).limit(limit)).mappings()
        return [AuditEntry(**{**row, "at": row["at"].replace(tzinfo=UTC)}) for row in found]


def notes(database: Database) -> dict[str, Note]:
    """All notes by what they are on."""
    if not database.exists():
        return {}
    with database.read() as connection:
        rows = connection.execute(notes_table.select()).mappings().all()
    return {row["subject"]: Note(row["note"], tuple(row["tags"])) for row in rows}


def set_note(database: Database, subject: str, note: Note, *, who: str = "") -> None:
    """Write a note and tags on a training or a model; what stood there is replaced."""
    require("merchandiser", "Writing a note")
    tags = sorted({tag.strip() for tag in note.tags if tag.strip()})
    with database.begin() as connection:
        connection.execute(notes_table.delete().where(notes_table.c.subject == subject))
        connection.execute(notes_table.insert().values(subject=subject, note=note.text.strip(), tags=tags))
        write(connection, "note", subject, who=who, note=note.text.strip())


def whoami() -> str:
    """The account this process runs under."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"

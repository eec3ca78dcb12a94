"""Named documents that people save: rule sets, personas, expectations, lists. Every change is a new version."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa

from recsys.errors import InvalidInput, NotFound
from recsys.storage import audit
from recsys.storage.database import Database, damaged_row, utc_now
from recsys.storage.tables import documents

Kind = Literal["rules", "persona", "golden", "list", "setting", "presentation"]
NOUNS: Mapping[Kind, str] = {
    "rules": "rule set", "persona": "persona", "golden": "expectation", "list": "list", "setting": "setting",
    "presentation": "presentation",
}  # fmt: skip
LARGEST = 200_000
_NAME = re.compile(r"[\w][\w .+&()-]{0,59}")


@dataclass(frozen=True)
class Document:
    """One version of a named document; `content` is what JSON can carry."""

    name: str
    version: int
    content: Mapping[str, Any]
    saved: datetime


class DocumentStore:
    """The documents of one kind. Nothing is overwritten: saving adds a version, deleting adds an empty one."""

    def __init__(self, database: Database, kind: Kind) -> None:
        self._database = database
        self._kind: Kind = kind

    def save(
        self, name: str, content: Mapping[str, Any], *, audited: str = "", subject: str = "", note: str = ""
    ) -> Document:
        """Store a new version under a name.

        Args:
            audited: the action that the audit log names; "" for no line in it.
            subject: what it names as changed; by default the noun of the kind and the name.
            note: a sentence in the log.

        Raises:
            InvalidInput: a name that cannot be used, or a document that is too large.
        """
        name = checked_name(name)
        text = json.dumps(dict(content), allow_nan=False)
        if len(text) > LARGEST:
            raise InvalidInput(f"{name!r} has {len(text):,} characters; a {self._noun} may have {LARGEST:,}.")
        return self._add(name, json.loads(text), audited, subject, note)

    def get(self, name: str, version: int | None = None) -> Document:
        """The newest version of a document, or a given one; NotFound names those there are."""
        found = [d for d in self._versions(name) if version is None or d.version == version]
        newest = found[-1] if found else None
        if newest is None or newest.content is None:
            there = ", ".join(d.name for d in self.all()[:10]) or "none"
            which = f"{name!r}" if version is None else f"{name!r} in version {version}"
            raise NotFound(f"No {self._noun} {which}; there are: {there}.")
        return newest

    def versions(self, name: str) -> list[Document]:
        """Every version that was saved under a name, oldest first, deleted ones included."""
        return [d for d in self._versions(name) if d.content is not None]

    def all(self) -> list[Document]:
        """The newest version of every document that is not deleted, by name."""
        if not self._database.exists():
            return []
        newest = (
            sa.select(sa.func.max(documents.c.id))
            .where(documents.c.kind == self._kind)
            .group_by(documents.c.name)
            .scalar_subquery()
        )
        with self._database.read() as connection:
            rows = connection.execute(sa.select(documents).where(documents.c.id.in_(newest))).all()
        found = [_document(row) for row in rows if row.content is not None]
        return sorted(found, key=lambda document: document.name.casefold())

    def delete(self, name: str, *, audited: str = "") -> None:
        """Take a document away; its versions stay readable by number."""
        self.get(name)
        self._add(name, None, audited)

    @property
    def _noun(self) -> str:
        return NOUNS[self._kind]

    def _add(
        self, name: str, content: Mapping[str, Any] | None, audited: str = "", subject: str = "", note: str = ""
    ) -> Document:
        mine = sa.and_(documents.c.kind == self._kind, documents.c.name == name)
        now = utc_now()
        with self._database.begin() as connection:
            last = connection.execute(sa.select(sa.func.max(documents.c.version)).where(mine)).scalar() or 0
            connection.execute(
                documents.insert().values(kind=self._kind, name=name, version=last + 1, content=content, saved=now)
            )
            if audited:
                version_note = note or f"version {last + 1}"
                audit.write(connection, audited, subject or f"{self._noun} {name}", note=version_note)
        return Document(name, last + 1, content or {}, now.replace(tzinfo=UTC))

    def _versions(self, name: str) -> list[Document]:
        if not self._database.exists():
            return []
        wanted = sa.select(documents).where(documents.c.kind == self._kind, documents.c.name == name)
        with self._database.read() as connection:
            return [_document(row) for row in connection.execute(wanted.order_by(documents.c.version)).all()]


def checked_name(name: str) -> str:
    """The name without blanks around it, when it can be one."""
    name = " ".join(str(name).split())
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} cannot be a name: begin with a letter or digit; letters, digits, blanks and . + & ( ) - _, "
            "60 characters at most."
        )
    return name


def _document(row: Any) -> Document:
    content: Any = row.content
    damaged = content is not None and not isinstance(content, dict)
    if damaged:
        raise damaged_row(ValueError(f"{row.kind} {row.name!r}, version {row.version}, is no JSON object"))
    return Document(row.name, row.version, content, row.saved.replace(tzinfo=UTC))

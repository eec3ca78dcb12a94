"""Keys of the API: made, turned over and revoked by the command line, known to the database by their hashes alone."""

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from recsys.errors import InvalidInput, NotFound, StorageProblem
from recsys.storage.database import Database, utc_now
from recsys.storage.tables import api_keys
from recsys.utils.json_values import jsonable
from recsys.utils.waiting import taken

READ, EVENTS, ADMIN = "read", "events", "admin"
SCOPES = (READ, EVENTS, ADMIN)
"""What a key may do: ask; send events; everything."""

PREFIX = "ins"
REFRESH_SECONDS = 1.0
"""How soon a key that was made or revoked by another process counts."""


@dataclass(frozen=True)
class ApiKey:
    """One key, without its secret.

    Attributes:
        rate: requests a second that it may make; 0 for the general limit.
        ends: when it stops counting (UTC), or None.
    """

    id: str
    name: str
    scopes: tuple[str, ...]
    rate: float = 0.0
    created: datetime | None = None
    ends: datetime | None = None

    def allows(self, scope: str) -> bool:
        """Whether the key may do what needs this scope."""
        return scope in self.scopes or ADMIN in self.scopes

    @property
    def state(self) -> str:
        """ "valid", "ending" (replaced, and valid for a while) or "ended"."""
        return "valid" if self.ends is None else ("ended" if self.ends <= datetime.now(UTC) else "ending")

    def to_dict(self) -> Mapping[str, object]:
        """All of it, ready for JSON."""
        return jsonable(self) | {"state": self.state}


FROM_ENVIRONMENT = ApiKey("environment", "INSIDER_API_KEY", (ADMIN,))


class ApiKeyStore:
    """The keys of one database and the one of the environment. Safe between threads."""

    def __init__(self, database: Database, environment_key: str | None = None) -> None:
        self._database = database
        self._environment_hash = _hash(environment_key) if environment_key else None
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._hashes: dict[str, tuple[str, ApiKey]] | None = None

    def create(self, name: str, scopes: Sequence[str], *, rate: float = 0.0) -> tuple[ApiKey, str]:
        """A new key, and its text, which is nowhere else and cannot be had again.

        Raises:
            InvalidInput: an empty name, an unknown scope or a negative rate.
        """
        if not 0 < len(name.strip()) <= 100:
            raise InvalidInput("A key needs a name of 1 to 100 characters: whose it is, or what for.")
        for scope in scopes:
            if scope not in SCOPES:
                raise InvalidInput(f"There is no scope {scope!r}; choose among {', '.join(SCOPES)}.")
        if not scopes:
            raise InvalidInput(f"A key needs at least one scope: {', '.join(SCOPES)}.")
        if not 0 <= rate < 1e9:
            raise InvalidInput(f"rate is {rate:g}; it must be a number of requests a second, or 0 for the general one.")
        with self._database.begin() as connection:
            key_id, text = _insert(connection, name.strip(), list(dict.fromkeys(scopes)), rate)
        self._forget()
        return self.get(key_id), text

    def all(self) -> list[ApiKey]:
        """Every key there is or was, newest first."""
        if not self._database.exists():
            return []
        with self._database.read() as connection:
            rows = connection.execute(api_keys.select().order_by(api_keys.c.created.desc())).mappings().all()
            return [_key(row) for row in rows]

    def get(self, key_id: str) -> ApiKey:
        """One key by its id (the middle part of its text)."""
        found = next((key for key in self.all() if key.id == key_id), None)
        if found is None:
            raise NotFound(f"No key {key_id!r}; `python -m recsys keys list` shows those there are.")
        return found

    def rotate(self, key_id: str, *, keep_hours: float = 0.0) -> tuple[ApiKey, str]:
        """A new key with the same name, scopes and rate, in one step; the old one counts for `keep_hours` more."""
        old = self.get(key_id)
        if old.state == "ended":
            raise InvalidInput(f"Key {key_id!r} has ended; make a new one.")
        if not 0 <= keep_hours <= 24 * 366:
            raise InvalidInput(f"keep-hours is {keep_hours:g}; it must be from 0 to {24 * 366}.")
        ends = utc_now() + timedelta(hours=keep_hours)
        with self._database.begin() as connection:
            new_id, text = _insert(connection, old.name, list(old.scopes), old.rate)
            connection.execute(api_keys.update().where(api_keys.c.id == key_id).values(ends=ends))
        self._forget()
        return self.get(new_id), text

    def revoke(self, key_id: str) -> ApiKey:
        """End a key now."""
        self.get(key_id)
        self._end(key_id, utc_now())
        return self.get(key_id)

    def delete(self, key_id: str) -> None:
        """Forget a key that has ended. Without any key left, reading is open again."""
        if self.get(key_id).state != "ended":
            raise InvalidInput(f"Key {key_id!r} still counts; revoke it first: python -m recsys keys revoke {key_id}")
        with self._database.begin() as connection:
            connection.execute(api_keys.delete().where(api_keys.c.id == key_id))
        self._forget()

    def exist(self) -> bool:
        """Whether there is any key, also one that has ended: from then on, nothing is answered without one."""
        return self._environment_hash is not None or bool(self._known())

    def of(self, text: str) -> ApiKey | None:
        """The key that a text is; None when it is none that counts."""
        hashed = _hash(text)
        if self._environment_hash is not None and hmac.compare_digest(hashed, self._environment_hash):
            return FROM_ENVIRONMENT
        expected, key = self._known().get(_id_in(text), ("", None))
        if key is None or not hmac.compare_digest(hashed, expected) or key.state == "ended":
            return None
        return key

    def _end(self, key_id: str, at: datetime) -> None:
        with self._database.begin() as connection:
            connection.execute(api_keys.update().where(api_keys.c.id == key_id).values(ends=at))
        self._forget()

    def _forget(self) -> None:
        with self._lock:
            self._read_at = float("-inf")

    def _known(self) -> dict[str, tuple[str, ApiKey]]:
        """The keys as last read, at most `REFRESH_SECONDS` ago; for as long as the database is away, those that were
        known before. StorageProblem where none were: nobody can tell then who may what."""
        with taken(self._lock):
            if self._hashes is None or time.monotonic() - self._read_at > REFRESH_SECONDS:
                try:
                    self._hashes = self._stored()
                except StorageProblem:
                    if self._hashes is None:
                        raise
                self._read_at = time.monotonic()
            return self._hashes

    def _stored(self) -> dict[str, tuple[str, ApiKey]]:
        if not self._database.exists():
            return {}
        with self._database.read() as connection:
            rows = connection.execute(api_keys.select()).mappings().all()
            return {row["id"]: (row["hash"], _key(row)) for row in rows}


def _insert(connection: sa.Connection, name: str, scopes: list[str], rate: float) -> tuple[str, str]:
    """Store a new key; gives its id and its text."""
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    text = f"{PREFIX}_{key_id}_{secret}"
    connection.execute(
        api_keys.insert().values(id=key_id, name=name, hash=_hash(text), scopes=scopes, rate=rate, created=utc_now())
    )
    return key_id, text


def _hash(text: str) -> str:
    """SHA-256: enough for secrets of 256 random bits, which nobody can guess, and fast enough for every request."""
    return hashlib.sha256(text.encode()).hexdigest()


def _id_in(text: str) -> str:
    parts = text.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[0] == PREFIX else ""


def _key(row: sa.RowMapping) -> ApiKey:
    return ApiKey(
        row["id"], row["name"], tuple(row["scopes"]), row["rate"], row["created"].replace(tzinfo=UTC),
        row["ends"].replace(tzinfo=UTC) if row["ends"] else None,
    )  # fmt: skip

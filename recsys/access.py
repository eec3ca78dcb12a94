"""Who may change what through the dashboard: roles, and the rule where nobody signs in.

A service asks `require` before it changes something. Programs, jobs and the command line are always allowed; the
dashboard installs `ask_with`, which says who is in front of it.
"""

import os
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, cast

from cachetools import LRUCache

from recsys.errors import InsiderError, InvalidInput

Role = Literal["viewer", "merchandiser", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "merchandiser", "admin")
"""Looks at everything; also trains and edits rules, personas and lists; also promotes, imports and deletes."""

HEADER = "x-insider-visitor"
"""Header that the server writes into every connection of the dashboard; what a client sends by this name is dropped."""

SESSIONS_IN_MEMORY = 10_000
_SECRET = secrets.token_hex(16)
_ask: Callable[[], "Visitor | None"] | None = None


class NotAllowed(InsiderError):
    """The visitor's role does not reach."""


@dataclass(frozen=True)
class Visitor:
    """Somebody in front of the dashboard: what they may do, and who they are or why they may not do more."""

    role: Role
    who: str


def ask_with(ask: Callable[[], Visitor | None]) -> None:
    """Install what says who is asking; it gives None where no visitor is (a program, a job)."""
    global _ask
    _ask = ask


def require(role: Role, doing: str) -> None:
    """Raise NotAllowed unless the visitor, if there is one, has at least this role."""
    visitor = _visitor()
    if visitor is not None and not reaches(visitor, role):
        raise NotAllowed(f"{doing} needs the role {role}. {visitor.who}")


def may(role: Role) -> bool:
    """Whether `require` lets whoever asks do what needs this role: for pages that leave out what is refused."""
    visitor = _visitor()
    return visitor is None or reaches(visitor, role)


def _visitor() -> Visitor | None:
    return None if _ask is None else _ask()


def reaches(visitor: Visitor, role: Role) -> bool:
    """Whether somebody has at least this role."""
    return ROLES.index(visitor.role) >= ROLES.index(role)


def mark(*, here: bool) -> str:
    """What the server writes into the header `HEADER` of a connection; nobody else can make it."""
    return f"{_SECRET} {'here' if here else 'away'}"


def without_sign_in(marked: str | None, *, open_to_all: bool) -> Visitor:
    """Where nobody signs in: everything from this machine, looking from anywhere else.

    Args:
        marked: the header `HEADER` of the connection, as the server wrote it; None where no connection is known, as
            when the browser has hung up.
        open_to_all: `INSIDER_OPEN_DASHBOARD`.
    """
    if open_to_all or marked == mark(here=True):
        return Visitor("admin", "")
    if not is_marked(marked):
        return Visitor("viewer", "It is not known who asks: the connection is gone. Load the page again.")
    return Visitor(
        "viewer",
        "From another machine, through a proxy or under another name than localhost the dashboard can be looked at; "
        "changing something needs a sign-in (INSIDER_ROLES). Where the server is reachable from other machines, that "
        "holds for its own browser too, unless INSIDER_TRUST_LOOPBACK=1. INSIDER_OPEN_DASHBOARD=1 lets everybody who "
        "reaches it change everything.",
    )


def is_marked(marked: str | None) -> bool:
    """Whether the server wrote this header."""
    return marked in (mark(here=True), mark(here=False))


class Sessions:
    """Who is in front of each session of the dashboard; the least lately asked for go first. Safe between threads."""

    def __init__(self, most: int = SESSIONS_IN_MEMORY) -> None:
        self._lock = threading.Lock()
        self._visitors: LRUCache[str, Visitor] = LRUCache(most)

    def settle(self, session: str, visitor: Visitor) -> None:
        """Note who is in front of a session."""
        with self._lock:
            self._visitors[session] = visitor

    def of(self, session: str) -> Visitor | None:
        """Who is in front of a session; None when that was never settled."""
        with self._lock:
            return self._visitors.get(session)


sessions = Sessions()
"""Those of this process."""


def signed_in(email: str, roles: Mapping[Role, tuple[str, ...]]) -> Visitor | None:
    """The highest role that an address has; None when it has none."""
    address = email.strip().lower()
    for role in reversed(ROLES):
        if address and any(fnmatchcase(address, pattern) for pattern in roles.get(role, ())):
            return Visitor(role, f"You are signed in as {address}, with the role {role}.")
    return None


def roles_from_environment() -> dict[Role, tuple[str, ...]]:
    """`INSIDER_ROLES`, e.g. `admin=ann@shop.example; merchandiser=*@shop.example`; {} where nobody signs in."""
    found: dict[Role, tuple[str, ...]] = {}
    for part in filter(None, (x.strip() for x in os.environ.get("INSIDER_ROLES", "").split(";"))):
        name, equals, addresses = part.partition("=")
        patterns = tuple(x.strip().lower() for x in addresses.split(",") if x.strip())
        if name.strip() not in ROLES or not equals or not patterns:
            raise InvalidInput(
                f"INSIDER_ROLES has {part!r}; write ROLE=ADDRESS,ADDRESS;ROLE=... with the roles {', '.join(ROLES)}."
            )
        found[cast(Role, name.strip())] = patterns
    return found


def open_to_all() -> bool:
    """`INSIDER_OPEN_DASHBOARD`."""
    return os.environ.get("INSIDER_OPEN_DASHBOARD", "") not in ("", "0")

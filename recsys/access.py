"""Who may change what through the dashboard: roles, and the rule where nobody signs in.

A service asks `require` before it changes something. Programs, jobs and the command line are always allowed; the
dashboard installs `ask_with`, which says who is in front of it.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, cast

from recsys.errors import InsiderError, InvalidInput

Role = Literal["viewer", "merchandiser", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "merchandiser", "admin")
"""Looks at everything; also trains and edits rules, personas and lists; also promotes, imports and deletes."""

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
    visitor = None if _ask is None else _ask()
    if visitor is not None and ROLES.index(visitor.role) < ROLES.index(role):
        raise NotAllowed(f"{doing} needs the role {role}. {visitor.who}")


def without_sign_in(address: str | None, headers: Mapping[str, str], *, open_to_all: bool) -> Visitor:
    """Where nobody signs in: everything from this machine, looking from anywhere else.

    Args:
        address: of the browser; None for this machine.
        headers: of its connection; those of a proxy say that it is not from here.
        open_to_all: `INSIDER_OPEN_DASHBOARD`.
    """
    names = {name.lower() for name in headers}
    here = address in (None, "127.0.0.1", "::1") and not names & {"x-forwarded-for", "forwarded", "x-real-ip", "via"}
    if here or open_to_all:
        return Visitor("admin", "")
    return Visitor(
        "viewer",
        "From another machine the dashboard can be looked at; changing something needs a sign-in (INSIDER_ROLES), or "
        "INSIDER_OPEN_DASHBOARD=1 where everybody who reaches it may.",
    )


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

"""Who may do what through the API: keys and their scopes, this machine alone for writing without any, rate limits."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

from recsys.api.caller import from_this_machine
from recsys.storage.api_keys import ADMIN, EVENTS, READ, ApiKey, ApiKeyStore

OPEN = ("/healthz", "/readyz", "/metrics", "/docs", "/openapi.json")
"""Answered without a key: whoever runs the service asks here."""

ASKING_POSTS = ("/v1/recommendations", "/v1/recommendations/batch")
"""POST routes that store nothing."""

SENDING_POSTS = ("/v1/events",)
CALLERS_IN_MEMORY = 10_000
NO_KEY = "Send a key: the header `Authorization: Bearer KEY`. Keys are made with `python -m recsys keys create NAME`."

THIS_MACHINE = (
    "Without keys, writing is possible from the machine itself alone, and not where the server is reachable from other "
    "machines, unless INSIDER_TRUST_LOOPBACK=1 says that no proxy stands in front of it."
)


@dataclass(frozen=True)
class Refusal:
    """Why a request goes no further: kind of problem, its words, and seconds to wait where waiting helps."""

    kind: str
    detail: str
    retry_after: float | None = None


def needed_scope(method: str, path: str) -> str | None:
    """What a request needs; None for nothing. What is not known to be harmless needs everything."""
    if method == "OPTIONS" or any(path == x or path.startswith(f"{x}/") for x in OPEN):
        return None
    if method in ("GET", "HEAD") or (method == "POST" and path in ASKING_POSTS):
        return READ
    return EVENTS if method == "POST" and path in SENDING_POSTS else ADMIN


class Authenticator:
    """Lets requests through, or says why not.

    With at least one key (`INSIDER_API_KEY`, or made by the command line) everything below /v1 needs one, and also
    where people sign in to the dashboard. Otherwise reading is open and writing is for programs on this machine
    (`recsys.api.caller.from_this_machine`).

    Args:
        rate: requests a second that one key, or one address without a key, may make in this process; 0 for any.
        people_sign_in: whether `INSIDER_ROLES` says who may see the dashboard: the API shows the same data.
        trust_loopback: see `from_this_machine`.
    """

    def __init__(
        self, keys: ApiKeyStore, *, rate: float = 0.0, people_sign_in: bool = False, trust_loopback: bool = False
    ) -> None:
        self._keys = keys
        self._rate = rate
        self._people_sign_in = people_sign_in
        self._trust_loopback = trust_loopback
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def refusal(self, scope: Scope) -> Refusal | None:
        """None for a request that may go on."""
        needed = needed_scope(scope["method"], scope["path"])
        if needed is None:
            return None
        headers = Headers(scope=scope)
        given = headers.get("authorization")
        key: ApiKey | None = None
        closed = self._people_sign_in or self._keys.exist()
        if given is not None or closed:
            # headers arrive as Latin-1; a key may have any characters
            kind, _, text = (given or "").encode("latin-1").decode("utf-8", "replace").partition(" ")
            key = self._keys.of(text.strip()) if kind.lower() == "bearer" else None
            if key is None and (closed or needed != READ):
                return Refusal("no-key", f"The key is not valid. {NO_KEY}" if given else NO_KEY)
            if key is not None and not key.allows(needed):
                return Refusal(
                    "not-allowed",
                    f"The key {key.id!r} may {' and '.join(key.scopes)}; this needs one with the scope {needed!r}.",
                )
        elif needed != READ and not from_this_machine(scope, trust_loopback=self._trust_loopback):
            return Refusal("no-key", f"{THIS_MACHINE} {NO_KEY}")
        return self._too_fast(key, scope)

    def _too_fast(self, key: ApiKey | None, scope: Scope) -> Refusal | None:
        """One token bucket for each caller: `rate` tokens a second, a second's worth (at least one) in hand."""
        rate = (key.rate if key is not None else 0.0) or self._rate
        if rate <= 0:
            return None
        caller = f"key {key.id}" if key is not None else f"address {(scope.get('client') or ('unknown',))[0]}"
        now, most = time.monotonic(), max(rate, 1.0)
        with self._lock:
            tokens, then = self._buckets.pop(caller, (most, now))
            tokens = min(most, tokens + (now - then) * rate)
            enough = tokens >= 1.0
            self._buckets[caller] = (tokens - 1.0 if enough else tokens, now)
            while len(self._buckets) > CALLERS_IN_MEMORY:
                self._buckets.popitem(last=False)
        if enough:
            return None
        wait = (1.0 - tokens) / rate
        return Refusal("too-many", f"More than {rate:g} requests a second; try again in {max(wait, 0.01):.2f} s.", wait)

"""A client of the API for Python programs: typed, with nothing to install beside this package.

from recsys.client import Client

with Client("http://localhost:8000", key="ins_...") as insider:
    for item in insider.recommend("1001", k=5)["items"]:
        print(item["rank"], item["title"])
    insider.send([{"user_id": "1001", "item_id": "1082185", "id": "order-77-1"}])
"""

import http.client
import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, NotRequired, TypedDict, cast
from urllib.parse import quote, urlencode, urlsplit

from recsys.answer_documents import Answer, Item, Reason
from recsys.errors import InsiderError, InvalidInput
from recsys.lanes import Lane

__all__ = ["Answer", "Client", "Event", "Item", "Lane", "Reason", "Receipt", "Refused"]

TRIES = 4
SECONDS_TO_WAIT = 10.0


Found = Mapping[str, Any]
"""An object that the API answered with; `/docs` describes its fields."""


class Event(TypedDict):
    """One thing somebody did; with an `id`, it is stored once however often it is sent."""

    user_id: str
    item_id: str
    id: NotRequired[str]
    timestamp: NotRequired[str]
    event: NotRequired[str]
    quantity: NotRequired[float]
    value: NotRequired[float]


class Receipt(TypedDict):
    """What became of a batch of events."""

    dataset: str
    accepted: int
    duplicates: int
    unknown_items: list[str]


class Refused(InsiderError):
    """The API refused a request: `status`, and the problem it answered with."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or f"The API answered with status {status}."))
        self.status = status
        self.problem = problem


class Client:
    """Calls the API over one connection that is kept open. Not for several threads at once: give each its own.

    Args:
        url: where it runs, e.g. `http://localhost:8000`.
        key: sent as `Authorization: Bearer`.
        timeout: seconds to wait for each answer.
    """

    def __init__(self, url: str = "http://localhost:8000", *, key: str | None = None, timeout: float = 10.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInput(f"{url!r} is no address of the API; write it as http://localhost:8000")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=timeout)
        self._root = parts.path.rstrip("/")
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})

    def recommend(
        self, user_id: str, k: int = 10, *,
        lane: Lane = "discover", category: Sequence[str] = (), explain: bool = False, rules: str | None = None,
    ) -> Answer:  # fmt: skip
        """What to show a user the model, or the log, knows; `Refused` with status 404 for anybody else.

        Args:
            rules: name of a rule set, "off" for none; by default the one that is served.
        """
        query = {"k": k, "lane": lane, "category": list(category), "explain": str(explain).lower()} | _asked(rules)
        return cast(Answer, self._get(f"/v1/users/{_part(user_id)}/recommendations", query))

    def recommend_for(
        self, history: Sequence[str] = (), user: Mapping[str, str] | None = None, k: int = 10, *,
        lane: Lane = "discover", category: Sequence[str] = (), explain: bool = False, rules: str | None = None,
    ) -> Answer:  # fmt: skip
        """What to show somebody never seen, by the items they had and what is known of them.

        Items that the model does not know are left out of the history; `unknown_items` in the answer names them.
        """
        body = {"history": list(history), "user": dict(user or {}), "k": k, "lane": lane,
                "category": list(category), "explain": explain} | _asked(rules)  # fmt: skip
        return cast(Answer, self._call("POST", "/v1/recommendations", body))

    def recommend_batch(
        self, user_ids: Sequence[str], k: int = 10, *, lane: Lane = "discover", rules: str | None = None
    ) -> list[Answer]:
        """What to show up to 1,000 users, in their order; those whom nobody knows are left out."""
        body = {"user_ids": list(user_ids), "k": k, "lane": lane} | _asked(rules)
        return cast(list[Answer], self._call("POST", "/v1/recommendations/batch", body)["answers"])

    def similar(self, item_id: str, k: int = 10) -> list[Item]:
        """The items nearest to one item."""
        return cast(list[Item], self._get(f"/v1/items/{_part(item_id)}/similar", {"k": k})["items"])

    def send(
        self, events: Sequence[Event] = (), *, items: Sequence[Mapping[str, Any]] = (),
        users: Sequence[Mapping[str, Any]] = (), once: str | None = None,
    ) -> Receipt:  # fmt: skip
        """Tell what happened, and what is new; on the disk when this returns.

        Tried again when the connection fails or the server is busy. That stores nothing twice: the request has a name,
        `once`, which is made up if it is not given.
        """
        body = {"events": list(events), "items": list(items), "users": list(users)}
        headers = {"Idempotency-Key": once or uuid.uuid4().hex}
        return cast(Receipt, self._call("POST", "/v1/events", body, headers))

    def history(self, user_id: str, limit: int = 100) -> list[Found]:
        """What a user did, most recent first."""
        return cast(list[Found], self._get(f"/v1/users/{_part(user_id)}/history", {"limit": limit})["items"])

    def users(self, query: str = "") -> Iterator[Found]:
        """All users whose id contains `query`, page by page."""
        return self._pages("/v1/users", "users", query)

    def items(self, query: str = "") -> Iterator[Found]:
        """All items found by `query`, page by page."""
        return self._pages("/v1/items", "items", query)

    def model(self) -> Found:
        """What is live."""
        return self._get("/v1/model", {})

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _pages(self, path: str, name: str, query: str) -> Iterator[Found]:
        cursor: str | None = ""
        while cursor is not None:
            page = self._get(path, {"query": query, "limit": 500} | ({"cursor": cursor} if cursor else {}))
            yield from page[name]
            cursor = page["next"]

    def _get(self, path: str, query: Mapping[str, object]) -> Found:
        return self._call("GET", f"{path}?{urlencode(query, doseq=True)}")

    def _call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Found:
        """Every call may be repeated: the ones that store something carry a name."""
        content = None if body is None else json.dumps(body).encode()
        for attempt in range(1, TRIES + 1):
            try:
                self._connection.request(method, self._root + path, content, {**self._headers, **(headers or {})})
                response = self._connection.getresponse()
                text = response.read()
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                if attempt == TRIES:
                    raise InsiderError(f"The API at {self._connection.host} does not answer: {error}.") from error
                time.sleep(0.1 * 2**attempt)
                continue
            if response.status in (429, 503) and attempt < TRIES:
                wait = response.headers.get("Retry-After", "")
                time.sleep(min(float(wait) if wait.isdecimal() else 0.2 * 2**attempt, SECONDS_TO_WAIT))
                continue
            if response.status != 200:
                raise Refused(response.status, _problem(text))
            return cast(Found, json.loads(text))
        raise AssertionError("the last try returns or raises")


def _problem(text: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _asked(rules: str | None) -> dict[str, str]:
    return {} if rules is None else {"rules": rules}


def _part(text: str) -> str:
    return quote(text, safe="")

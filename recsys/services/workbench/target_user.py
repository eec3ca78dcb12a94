"""Whom an answer is for: a shopper the model knows, or somebody described by items and attributes (a persona)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from recsys.access import require
from recsys.errors import InvalidInput
from recsys.recommend.recommender import Answer, Lane, Recommender, UserState
from recsys.recommend.rules import Rules
from recsys.storage.database import Database
from recsys.storage.documents import DocumentStore


@dataclass(frozen=True)
class Person:
    """Somebody described: what they had (item ids, most recent first, no repeats) and what is known of them."""

    history: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)

    def changed(
        self,
        without: Sequence[str] = (),
        plus: Sequence[str] = (),
        attributes: Mapping[str, str | None] | None = None,
    ) -> "Person":
        """The same person after some "what if".

        Args:
            without: items taken away.
            plus: items added, as their latest.
            attributes: new values; None takes an attribute away.
        """
        away = set(without)
        kept = [item for item in self.history if item not in away and item not in plus]
        known = dict(self.attributes) | dict(attributes or {})
        return replace(
            self,
            history=(*dict.fromkeys(plus), *kept),
            attributes={name: value for name, value in known.items() if value is not None},
        )

    def to_dict(self) -> Mapping[str, object]:
        """All of it, ready for JSON."""
        return {"history": list(self.history), "user": dict(self.attributes)}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> "Person":
        """The reverse of `to_dict`; InvalidInput when it is not that."""
        history, user = given.get("history", []), given.get("user", {})
        if not isinstance(history, list) or not isinstance(user, Mapping):
            raise InvalidInput("A persona is {history: [item ids], user: {attribute: value}}.")
        return cls(tuple(dict.fromkeys(map(str, history))), {str(k): str(v) for k, v in user.items()})


@dataclass(frozen=True)
class TargetUser:
    """Whom the page is about, as one model sees them.

    Attributes:
        name: the shopper's id, or what a persona is called.
        known: whether they are a shopper; somebody described otherwise.
        person: what they had and what is known of them.
        user_state: where they stand in the model.
        missing: items and attributes of a persona that this model does not know; left out.
    """

    name: str
    known: bool
    person: Person
    user_state: UserState
    missing: tuple[str, ...] = ()

    def recommend(
        self,
        live: Recommender,
        k: int = 10,
        lane: Lane = "discover",
        category: Sequence[str] = (),
        rules: Rules | None = None,
        explain: bool = False,
    ) -> Answer:
        """What the API answers for them."""
        if self.known:
            return live.recommend(self.name, k, lane, list(category), explain, rules=rules)
        return live.recommend_for(
            self.person.history, self.person.attributes, k, lane, list(category), explain, rules=rules
        )


def known(live: Recommender, user_id: str) -> TargetUser:
    """A shopper whom the model or the log of recent events knows; NotFound when neither does."""
    user_state = live.user_state(user_id)
    order = np.argsort(-np.nan_to_num(user_state.last.astype("datetime64[s]").astype(np.int64)), kind="stable")
    model = live.model
    ids = tuple(model.item_ids[row] for row in user_state.items[order])
    user = model.rows_of_users.get(user_id, -1)
    if user >= 0:
        given: Any = model.users.iloc[user]
        usable = model.user_features.names
        names = [name for name in model.user_attributes if name in usable and not pd.isna(given[name])]
    else:
        new_activity = live.activity.new_activity(user_id) if live.activity is not None else None
        given = {} if new_activity is None else new_activity.attributes
        names = [name for name in given if live.user_states.usable(name, given[name])]
    return TargetUser(user_id, True, Person(ids, {name: str(given[name]) for name in names}), user_state)


def described(live: Recommender, person: Person, name: str = "") -> TargetUser:
    """Somebody described, folded in. Items and attributes that this model does not know are left out and told."""
    model = live.model
    missing = [item for item in person.history if item not in model.rows_of_items]
    items = tuple(item for item in person.history if item in model.rows_of_items)
    attributes: dict[str, str] = {}
    for key, value in person.attributes.items():
        if live.user_states.usable(key, value):
            attributes[key] = value
        else:
            missing.append(f"{key}: {value}")
    user_state = live.user_state_for(items, attributes)
    return TargetUser(name, False, Person(items, attributes), user_state, tuple(missing))


class Personas:
    """The personas of one home."""

    def __init__(self, database: Database) -> None:
        self._documents = DocumentStore(database, "persona")

    def save(self, name: str, person: Person) -> str:
        """Store somebody described under a name; one without items and attributes is refused."""
        require("merchandiser", "Changing a persona")
        if not person.history and not person.attributes:
            raise InvalidInput(f"Persona {name!r} has neither items nor attributes; give it at least one.")
        return self._documents.save(name, person.to_dict()).name

    def get(self, name: str) -> Person:
        """A stored persona; NotFound names those there are."""
        return Person.from_dict(self._documents.get(name).content)

    def names(self) -> list[str]:
        """Names of the stored personas."""
        return [document.name for document in self._documents.all()]

    def delete(self, name: str) -> None:
        """Delete the persona of that name."""
        require("merchandiser", "Changing a persona")
        self._documents.delete(name)


class Lists:
    """Saved lists of shoppers."""

    def __init__(self, database: Database) -> None:
        self._documents = DocumentStore(database, "list")

    def names(self) -> list[str]:
        """Names of the stored lists of shoppers."""
        return [document.name for document in self._documents.all()]

    def users(self, name: str) -> list[str]:
        """Ids of the shoppers on a list."""
        return [str(user) for user in self._documents.get(name).content["users"]]

    def add(self, name: str, user_id: str) -> int:
        """Put a shopper at the end of a list, which is made if it is not there; gives its length."""
        require("merchandiser", "Changing a list")
        users = self.users(name) if name in self.names() else []
        users = [*(user for user in users if user != user_id), user_id]
        self._documents.save(name, {"users": users})
        return len(users)

    def delete(self, name: str) -> None:
        """Delete the list of that name."""
        require("merchandiser", "Changing a list")
        self._documents.delete(name)

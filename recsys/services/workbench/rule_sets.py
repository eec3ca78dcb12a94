"""Rule sets that are kept: stored, versioned, served by priority to whom their conditions name."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.access import require
from recsys.errors import InvalidInput, NotFound, StorageProblem
from recsys.recommend.conditions import ALWAYS, Conditions, Situation
from recsys.recommend.recommender import Recommender
from recsys.recommend.rules import Rules
from recsys.storage.database import Database
from recsys.storage.documents import Document, DocumentStore

OFF = "off"
SERVED = "served rules"
FRESH_SECONDS = 1.0
"""How long a process may go on serving by what it last read."""


def write(rules: Rules) -> str:
    """Rules as one line of JSON, without name and version."""
    return json.dumps(rules.to_dict(), ensure_ascii=False)


def read(text: str) -> Rules:
    """The reverse of `write`; InvalidInput when the text is not that."""
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidInput(f"They are no JSON: {error}.") from None
    if not isinstance(given, dict):
        raise InvalidInput("They must be one object in JSON.")
    return Rules.from_dict(given)


class RuleSets:
    """The rule sets of one home, and which of them are served, the first that applies before the others.

    Saving, serving, deleting and taking back are written to the audit log in the same transaction.
    """

    def __init__(self, database: Database) -> None:
        self._documents = DocumentStore(database, "rules")
        self._settings = DocumentStore(database, "setting")
        self._seen: tuple[float, tuple[Rules, ...]] | None = None

    def save(self, name: str, rules: Rules) -> Rules:
        """Store a new version; gives the rules as stored."""
        require("merchandiser", "Changing a rule set")
        if name.strip().casefold() == OFF:
            raise InvalidInput(f"{name!r} cannot be the name of a rule set: it means none.")
        self._seen = None
        return _rules(self._documents.save(name, rules.to_dict(), audited="save"))

    def get(self, name: str, version: int | None = None) -> Rules:
        """A stored rule set; NotFound names those there are."""
        return _rules(self._documents.get(name, version))

    def names(self) -> list[str]:
        """Names of the stored rule sets."""
        return [document.name for document in self._documents.all()]

    def versions(self, name: str) -> list[Document]:
        """Every version of a rule set."""
        return self._documents.versions(name)

    def delete(self, name: str) -> None:
        """Remove a rule set; a served one is refused."""
        require("merchandiser", "Changing a rule set")
        if name in self.served_names():
            raise InvalidInput(f"Rule set {name!r} is being served; serve another one, or none, first.")
        self._documents.delete(name, audited="delete")

    def restore(self, name: str) -> Rules:
        """Bring a deleted rule set back as it was, as a new version; NotFound where there was none."""
        versions = self.versions(name)
        if not versions:
            raise NotFound(f"There was no rule set {name!r}.")
        return self.save(name, _rules(versions[-1]).changed({}))

    def serve(self, name: str | None) -> Rules | None:
        """Lay a rule set, and no other, over every answer that does not ask otherwise; None: no rules."""
        found = self.serve_all([] if name is None else [name])
        return found[0] if found else None

    def serve_all(self, names: Sequence[str]) -> tuple[Rules, ...]:
        """Serve several rule sets: an answer follows the first one whose conditions hold for it.

        Raises:
            NotFound: a name that is none; then nothing changes.
        """
        require("merchandiser", "Serving rules")
        found = tuple(self.get(name) for name in dict.fromkeys(names))
        labels = ", ".join(rules.label or "" for rules in found) or "no rules"
        self._settings.save(
            SERVED, {"served": [rules.name for rules in found]}, audited="serve", subject="rules", note=labels
        )
        self._seen = None
        return found

    def undo_serving(self) -> tuple[Rules, ...]:
        """Serve what was served before the last change; sets that are deleted since are left out."""
        versions = self._settings.versions(SERVED)
        before = _names(versions[-2].content) if len(versions) > 1 else []
        there = self.names()
        return self.serve_all([name for name in before if name in there])

    def served_names(self) -> list[str]:
        """Names of the served sets, in the order in which they are tried, as stored now."""
        try:
            return _names(self._settings.get(SERVED).content)
        except NotFound:
            return []

    def served_sets(self) -> tuple[Rules, ...]:
        """The newest versions of the served sets, in the order in which they are tried; at most `FRESH_SECONDS` old,
        or, while the database cannot be read, those that were known before."""
        seen = self._seen
        if seen is None or time.monotonic() - seen[0] > FRESH_SECONDS:
            try:
                found = self._stored()
            except StorageProblem:
                if seen is None:
                    raise
                found = seen[1]
            self._seen = seen = time.monotonic(), found
        return seen[1]

    def _stored(self) -> tuple[Rules, ...]:
        found = []
        for name in self.served_names():
            with suppress(NotFound):
                found.append(self.get(name))
        return tuple(found)

    def served(self, situation: Callable[[], Situation] | None = None) -> Rules | None:
        """What is served in a situation, or None; without one, to somebody of whom nothing is known, today."""
        found = self.served_sets()
        if not found:
            return None
        return first_that_holds(found, situation or Situation)

    def asked(self, name: str | None, situation: Callable[[], Situation] | None = None) -> Rules | None:
        """The rules of a request: the served ones by default, none for "off", else those of that name, whatever their
        conditions are."""
        if name is None:
            return self.served(situation)
        if name == OFF:
            return None
        try:
            return self.get(name)
        except StorageProblem:
            known = next((rules for rules in (self._seen or (0.0, ()))[1] if rules.name == name), None)
            if known is None:
                raise
            return known


def first_that_holds(sets: Sequence[Rules], situation: Situation | Callable[[], Situation]) -> Rules | None:
    """The first rule set whose conditions hold; a situation to be worked out is so only where a set has conditions."""
    known = None
    for rules in sets:
        if rules.when == ALWAYS:
            return rules
        known = known or (situation if isinstance(situation, Situation) else situation())
        if rules.when.hold(known):
            return rules
    return None


def situation_of(
    live: Recommender,
    *,
    user_id: str | None = None,
    attributes: Mapping[str, str] | None = None,
    placement: str = "",
    item: str | None = None,
) -> Situation:
    """What is known of a request: of a user by id, or of somebody with these attributes.

    Raises:
        NotFound: an item that the model does not know.
    """
    known = dict(attributes or {})
    row = live.model.rows_of_users.get(user_id, -1) if user_id is not None else -1
    if row >= 0:
        given = live.users.iloc[int(row)]
        known = {name: str(given[name]) for name in live.model.user_attributes if not pd.isna(given[name])}
    categories = () if item is None else tuple(live.model.categories[int(live.model.item_rows([item])[0])])
    return Situation(known, placement, categories)


def in_segment(live: Recommender, conditions: Conditions) -> NDArray[np.int64]:
    """Row numbers of the users who are in the segments of some conditions; all where there are no segments."""
    if not conditions.segments:
        return np.arange(len(live.users))
    return np.flatnonzero([conditions.includes(known) for known in attributes_of(live)])


def attributes_of(live: Recommender) -> list[dict[str, str]]:
    """What is known of each user, in the order of the model's users: attribute to value."""
    known = live.users[list(live.model.user_attributes)].astype(object)
    return [
        {str(name): str(x) for name, x in row.items() if x}
        for row in known.where(known.notna(), None).to_dict("records")
    ]


def left_out_of_a_batch(sets: RuleSets) -> list[str]:
    """Names of the served sets that a list made ahead for everybody cannot follow: they ask for a segment, a placement
    or an item that is looked at."""
    return [rules.name for rules in sets.served_sets() if replace(rules.when, starts=None, ends=None) != ALWAYS]


def _names(content: Mapping[str, Any]) -> list[str]:
    """The served names in a stored setting; older ones hold a single name."""
    if "served" in content:
        return [str(name) for name in content["served"]]
    return [] if content.get("name") is None else [str(content["name"])]


def _rules(document: Document) -> Rules:
    return Rules.from_dict(document.content, name=document.name, version=document.version)

"""Rule sets that are kept: stored, versioned, served."""

import json
import time

from recsys.access import require
from recsys.errors import InvalidInput, NotFound
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
    """The rule sets of one home, and which of them is served."""

    def __init__(self, database: Database) -> None:
        self._shelf = DocumentStore(database, "rules")
        self._settings = DocumentStore(database, "setting")
        self._seen: tuple[float, Rules | None] | None = None

    def save(self, name: str, rules: Rules) -> Rules:
        """Store a new version; gives the rules as stored."""
        require("merchandiser", "Changing a rule set")
        if name.strip().casefold() == OFF:
            raise InvalidInput(f"{name!r} cannot be the name of a rule set: it means none.")
        return _rules(self._shelf.save(name, rules.to_dict()))

    def get(self, name: str, version: int | None = None) -> Rules:
        """A stored rule set; NotFound names those there are."""
        return _rules(self._shelf.get(name, version))

    def names(self) -> list[str]:
        return [document.name for document in self._shelf.all()]

    def versions(self, name: str) -> list[Document]:
        return self._shelf.versions(name)

    def delete(self, name: str) -> None:
        """Remove a rule set; the served one is refused."""
        require("merchandiser", "Changing a rule set")
        served = self.served()
        if served is not None and served.name == name:
            raise InvalidInput(f"Rule set {name!r} is being served; serve another one, or none, first.")
        self._shelf.delete(name)

    def serve(self, name: str | None) -> Rules | None:
        """Lay a rule set over every answer that does not ask otherwise; None: no rules."""
        require("merchandiser", "Changing a setting")
        rules = None if name is None else self.get(name)
        self._settings.save(SERVED, {"name": name})
        self._seen = None
        return rules

    def served(self) -> Rules | None:
        """What is served now, at most `FRESH_SECONDS` old; always the newest version of it."""
        if self._seen is None or time.monotonic() - self._seen[0] > FRESH_SECONDS:
            try:
                name = self._settings.get(SERVED).content["name"]
                rules = None if name is None else self.get(name)
            except NotFound:
                rules = None
            self._seen = time.monotonic(), rules
        return self._seen[1]

    def asked(self, name: str | None) -> Rules | None:
        """The rules of a request: the served ones by default, none for "off", else those of that name."""
        if name is None:
            return self.served()
        return None if name == OFF else self.get(name)


def _rules(document: Document) -> Rules:
    return Rules.from_dict(document.content, name=document.name, version=document.version)

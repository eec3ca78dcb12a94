"""Rule sets that are kept: stored, versioned, served; and what each one costs offline."""

import json
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.access import require
from recsys.dataset.splitting import Split, some_of
from recsys.errors import InvalidInput, NotFound
from recsys.evaluation.evaluate import evaluate
from recsys.evaluation.metrics import coverage
from recsys.models.model import Model
from recsys.recommend.compiled_rules import CompiledRules, compile_rules
from recsys.recommend.rules import Rules
from recsys.storage.database import Database
from recsys.storage.documents import Document, DocumentStore

OFF = "off"
SERVED = "served rules"
FRESH_SECONDS = 1.0
"""How long a process may go on serving by what it last read."""

PRICED = ("ndcg", "precision", "diversity", "novelty")
MOST_USERS = 2000


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


@dataclass(frozen=True)
class Price:
    """What a rule set costs on the held-out period: means over the same shoppers with and without it.

    Attributes:
        users: how many shoppers were judged.
        without, ruled: measure to mean; `ndcg`, `precision`, `diversity`, `novelty`, `coverage`.
        change: mean of the paired differences in NDCG, with a 95% interval.
    """

    users: int
    k: int
    without: dict[str, float]
    ruled: dict[str, float]
    change: tuple[float, float, float]


class Ruled:
    """The list that rules make of a model's scores, as scores again: the list in its order, all else out."""

    def __init__(self, model: Model, book: CompiledRules, k: int) -> None:
        self._model, self._book, self._k = model, book, k

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        raw = self._model.scores(users)
        out = np.full_like(raw, -np.inf)
        for place, user in enumerate(users):
            had = self._model.history.counts.indices[self._model.history.of_user(int(user))]
            rows, _ = self._book.rank(raw[place], self._k, exclude=had)
            out[place, rows] = np.arange(len(rows), 0, -1, dtype=np.float32)
        return out


def price(model: Model, split: Split, rules: Rules, *, k: int = 10, categories: Any = None, seed: int = 0) -> Price:
    """Judge the lane "discover" with and without the rules, on the same shoppers (at most `MOST_USERS`, drawn).

    The interval is that of the mean paired difference, by bootstrap over shoppers.
    """
    from recsys.evaluation.metrics import bootstrap_interval

    train, test = split.training.counts, some_of(split.test.counts, MOST_USERS, seed)
    scorers: dict[str, Any] = {"without": model, "ruled": Ruled(model, compile_rules(rules, model), k)}
    found = {
        name: evaluate(
            scorer, train, test, k=k, categories=categories, popularity=model.popularity, only=PRICED
        )
        for name, scorer in scorers.items()
    }  # fmt: skip
    sides = {
        name: {m: float(v.mean()) if len(v) else 0.0 for m, v in result.values.items()}
        | {"coverage": coverage(result.shown)}
        for name, result in found.items()
    }
    differences = found["ruled"].values["ndcg"] - found["without"].values["ndcg"]
    low, high = bootstrap_interval(differences, seed=seed) if len(differences) else (0.0, 0.0)
    mean = float(differences.mean()) if len(differences) else 0.0
    return Price(len(found["ruled"].users), k, sides["without"], sides["ruled"], (mean, low, high))


def _rules(document: Document) -> Rules:
    return Rules.from_dict(document.content, name=document.name, version=document.version)

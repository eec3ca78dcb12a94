"""Expectations: what the lists of shoppers and personas must show, and must not, with every model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from recsys.access import require
from recsys.errors import InsiderError, InvalidInput
from recsys.recommend.recommender import Recommender
from recsys.recommend.rules import Rules
from recsys.services.workbench.list_comparison import moves
from recsys.services.workbench.target_user import Personas, TargetUser, described, known
from recsys.storage.database import Database
from recsys.storage.documents import DocumentStore, checked_name
from recsys.utils import formatting as fmt
from recsys.utils.json_values import jsonable


@dataclass(frozen=True)
class Expectation:
    """What is expected of one list.

    Attributes:
        name: what it is called.
        user, persona: whose list: a shopper's id, or the name of a persona; exactly one of them.
        must_show, must_not: item ids or category names; at least one item of each must, or no item of any may, stand
            in the list.
        mix: category name to the least and the largest share of the list it may have.
        k: length of the list.
    """

    name: str
    user: str | None = None
    persona: str | None = None
    must_show: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()
    mix: Mapping[str, tuple[float, float]] | None = None
    k: int = 10

    def __post_init__(self) -> None:
        if (self.user is None) == (self.persona is None):
            raise InvalidInput(f"Expectation {self.name!r} needs either a shopper or a persona.")
        if not (self.must_show or self.must_not or self.mix):
            raise InvalidInput(f"Expectation {self.name!r} asks for nothing; say what must or must not be shown.")
        for category, (low, high) in (self.mix or {}).items():
            if not 0 <= low <= high <= 1:
                raise InvalidInput(f"The share of {category!r} is {low} to {high}; both must lie from 0 to 1.")


EXPECTATION = TypeAdapter(Expectation)
"""Reads one from what is stored."""


@dataclass(frozen=True)
class Verdict:
    """Whether one expectation is met by one model.

    Attributes:
        failures: one sentence for each expectation that is not met; () when all are.
        unmet: which expectations these are, in the same order: the same for every model.
        change: how the list differs from that of the model it was held against, in one sentence, or "".
    """

    expectation: Expectation
    failures: tuple[str, ...]
    change: str = ""
    unmet: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every expectation is met."""
        return not self.failures


class Expectations:
    """The expectations of one home."""

    def __init__(self, database: Database) -> None:
        self._documents = DocumentStore(database, "golden")
        self._personas = Personas(database)

    def save(self, expectation: Expectation) -> None:
        """Keep an expectation, in place of the one of that name."""
        require("merchandiser", "Changing an expectation")
        self._documents.save(checked_name(expectation.name), jsonable(expectation))

    def all(self) -> list[Expectation]:
        """Every expectation."""
        return [
            EXPECTATION.validate_python({**document.content, "name": document.name})
            for document in self._documents.all()
        ]

    def delete(self, name: str) -> None:
        """Delete the one of that name."""
        require("merchandiser", "Changing an expectation")
        self._documents.delete(name)

    def check(self, live: Recommender, rules: Rules | None = None, against: Recommender | None = None) -> list[Verdict]:
        """Every expectation, held against its list of new items by this model.

        Args:
            against: another model, the live one say, to tell what changes.
        """
        return [self._one(expectation, live, rules, against) for expectation in self.all()]

    def _one(
        self, expectation: Expectation, live: Recommender, rules: Rules | None, against: Recommender | None
    ) -> Verdict:
        try:
            items = self._subject(expectation, live).recommend(live, expectation.k, rules=rules).items
        except InsiderError as error:
            return Verdict(expectation, (str(error),), unmet=("no list",))
        change = ""
        if against is not None and against.model.id != live.model.id:
            try:
                before = self._subject(expectation, against).recommend(against, expectation.k, rules=rules).items
                change = moves(live, before, items).summary if _all_known(live, before) else ""
            except InsiderError:
                change = ""
        failures = _failures(expectation, items, live)
        return Verdict(expectation, tuple(failures.values()), change, tuple(failures))

    def _subject(self, expectation: Expectation, live: Recommender) -> TargetUser:
        if expectation.user is not None:
            return known(live, expectation.user)
        return described(live, self._personas.get(str(expectation.persona)), str(expectation.persona))


def _failures(expectation: Expectation, items: Sequence[Any], live: Recommender) -> dict[str, str]:
    """Expectations that are not met, each with a sentence; products by their titles."""

    def called(name: str) -> str:
        row = live.model.rows_of_items.get(name)
        return name if row is None else f"{fmt.shortened(live.model.titles[row], 60)} ({name})"

    shown = [{item.item_id, *item.category} for item in items]
    missing = [name for name in expectation.must_show if not any(name in names for names in shown)]
    found = {f"show {name}": f"“{called(name)}” is not shown." for name in missing}
    for name in expectation.must_not:
        places = [item.rank for item, names in zip(items, shown, strict=True) if name in names]
        if places:
            found[f"hide {name}"] = f"“{called(name)}” is shown, in place {places[0]}."
    for name, (low, high) in (expectation.mix or {}).items():
        share = sum(name in names for names in shown) / len(items) if items else 0.0
        if not low - 1e-9 <= share <= high + 1e-9:
            found[f"mix {name}"] = f"“{name}” has {share:.0%} of the list; {low:.0%} to {high:.0%} is expected."
    return found


def _all_known(live: Recommender, items: Sequence[Any]) -> bool:
    return all(item.item_id in live.model.rows_of_items for item in items)

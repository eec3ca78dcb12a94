"""Golden shoppers: people whose lists are known well enough to say what a new model must show them, and must not."""

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
class Golden:
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
            raise InvalidInput(f"Golden shopper {self.name!r} needs either a shopper or a persona.")
        if not (self.must_show or self.must_not or self.mix):
            raise InvalidInput(f"Golden shopper {self.name!r} expects nothing; say what must or must not be shown.")
        for category, (low, high) in (self.mix or {}).items():
            if not 0 <= low <= high <= 1:
                raise InvalidInput(f"The share of {category!r} is {low} to {high}; both must lie from 0 to 1.")


GOLDEN = TypeAdapter(Golden)
"""Reads one from what is stored."""


@dataclass(frozen=True)
class Verdict:
    """How one golden shopper fared with one model.

    Attributes:
        failures: one sentence for each expectation that is not met; () when all are.
        unmet: which expectations these are, in the same order: the same for every model.
        change: how the list differs from that of the model it was held against, in one sentence, or "".
    """

    golden: Golden
    failures: tuple[str, ...]
    change: str = ""
    unmet: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.failures


class GoldenShoppers:
    """The golden shoppers of one home."""

    def __init__(self, database: Database) -> None:
        self._documents = DocumentStore(database, "golden")
        self._personas = Personas(database)

    def save(self, golden: Golden) -> None:
        require("merchandiser", "Changing a golden shopper")
        self._documents.save(checked_name(golden.name), jsonable(golden))

    def all(self) -> list[Golden]:
        return [
            GOLDEN.validate_python({**document.content, "name": document.name}) for document in self._documents.all()
        ]

    def delete(self, name: str) -> None:
        require("merchandiser", "Changing a golden shopper")
        self._documents.delete(name)

    def check(self, live: Recommender, rules: Rules | None = None, against: Recommender | None = None) -> list[Verdict]:
        """Every golden shopper's list of new items by this model, held to what is expected of it.

        Args:
            against: another model, the live one say, to tell what changes.
        """
        return [self._one(golden, live, rules, against) for golden in self.all()]

    def _one(self, golden: Golden, live: Recommender, rules: Rules | None, against: Recommender | None) -> Verdict:
        try:
            items = self._subject(golden, live).recommend(live, golden.k, rules=rules).items
        except InsiderError as error:
            return Verdict(golden, (str(error),), unmet=("no list",))
        change = ""
        if against is not None and against.model.id != live.model.id:
            try:
                before = self._subject(golden, against).recommend(against, golden.k, rules=rules).items
                change = moves(live, before, items).summary if _all_known(live, before) else ""
            except InsiderError:
                change = ""
        failures = _failures(golden, items, live)
        return Verdict(golden, tuple(failures.values()), change, tuple(failures))

    def _subject(self, golden: Golden, live: Recommender) -> TargetUser:
        if golden.user is not None:
            return known(live, golden.user)
        return described(live, self._personas.get(str(golden.persona)), str(golden.persona))


def _failures(golden: Golden, items: Sequence[Any], live: Recommender) -> dict[str, str]:
    """Expectations that are not met, each with a sentence; products by their titles."""

    def called(name: str) -> str:
        row = live.model.rows_of_items.get(name)
        return name if row is None else f"{fmt.shortened(live.model.titles[row], 60)} ({name})"

    shown = [{item.item_id, *item.category} for item in items]
    missing = [name for name in golden.must_show if not any(name in names for names in shown)]
    found = {f"show {name}": f"“{called(name)}” is not shown." for name in missing}
    for name in golden.must_not:
        places = [item.rank for item, names in zip(items, shown, strict=True) if name in names]
        if places:
            found[f"hide {name}"] = f"“{called(name)}” is shown, in place {places[0]}."
    for name, (low, high) in (golden.mix or {}).items():
        share = sum(name in names for names in shown) / len(items) if items else 0.0
        if not low - 1e-9 <= share <= high + 1e-9:
            found[f"mix {name}"] = f"“{name}” has {share:.0%} of the list; {low:.0%} to {high:.0%} is expected."
    return found


def _all_known(live: Recommender, items: Sequence[Any]) -> bool:
    return all(item.item_id in live.model.rows_of_items for item in items)

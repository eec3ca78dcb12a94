"""A list before and after: something of the shopper changed, rules laid over it, or another model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recsys import columns as c
from recsys.recommend.recommender import Answer, Lane, Recommender
from recsys.recommend.rules import Rules
from recsys.services.workbench.list_comparison import Moves, moves
from recsys.services.workbench.target_user import Person, TargetUser
from recsys.views.product_cards import Mark, ProductCard, cards

EFFECT = "effect"


@dataclass(frozen=True)
class WhatIf:
    """What a change of the shopper does.

    Attributes:
        person: the shopper after the change.
        answer: their list, as `POST /v1/recommendations` gives it.
        moves: that list beside the one of the unchanged person, folded in too, so that only the change counts.
    """

    person: Person
    answer: Answer
    moves: Moves


def what_if(
    live: Recommender,
    subject: TargetUser,
    *,
    without: Sequence[str] = (),
    plus: Sequence[str] = (),
    attributes: Mapping[str, str | None] | None = None,
    nobody: bool = False,
    k: int = 10,
    rules: Rules | None = None,
) -> WhatIf:
    """Take items away, add some, change attributes, or start from nobody.

    Raises:
        NotFound, InvalidInput: for an item, attribute or value that the model does not know.
    """
    live.model.item_rows(list(plus)) if plus else None
    base = Person() if nobody else subject.person
    person = base.changed(without, plus, attributes)
    before = live.recommend_for(subject.person.history, subject.person.attributes, k, rules=rules)
    answer = live.recommend_for(person.history, person.attributes, k, rules=rules)
    return WhatIf(person, answer, moves(live, before.items, answer.items))


@dataclass(frozen=True)
class RulesPreview:
    """What a rule set does to one list.

    Attributes:
        answer: the list under the rules, as the API serves it.
        moves: that list beside the one without rules; both tables have `effect`, a trace in words for each item.
    """

    answer: Answer
    moves: Moves


def rules_preview(
    live: Recommender, subject: TargetUser, rules: Rules, *, k: int = 10, lane: Lane = "discover"
) -> RulesPreview:
    """Lay rules over a shopper's list and tell, item by item, what they did."""
    plain = subject.recommend(live, k, lane)
    ruled = subject.recommend(live, k, lane, rules=rules)
    found = moves(live, plain.items, ruled.items)
    compiled = live.compiled_rules(rules)
    shown, gone = found.table, found.gone
    if compiled is None:
        shown[EFFECT], gone[EFFECT] = "", ""
    else:
        before = {item.item_id: item.rank for item in plain.items}
        rows = live.model.item_rows(shown[c.ITEM].tolist())
        shown[EFFECT] = [
            compiled.note(int(row), int(rank), before.get(item))
            for row, rank, item in zip(rows, shown["rank"], shown[c.ITEM], strict=True)
        ]
        lost = live.model.item_rows(gone[c.ITEM].tolist())
        gone[EFFECT] = [compiled.why_gone(live.model, int(row), rows) for row in lost]
    return RulesPreview(ruled, found)


def moved_cards(live: Recommender, moved: Moves, currency: str = "") -> tuple[ProductCard, ...]:
    """The list now, each product with its move and what the rules did to it."""
    table = moved.table
    effects = table[EFFECT].tolist() if EFFECT in table else [""] * len(table)
    found = cards(live, table[c.ITEM].tolist(), currency=currency)
    return tuple(
        card.changed(
            marks=() if move == "=" else (Mark(move, "Against the list before.", "good" if move == "new" else ""),),
            note=effect, strong=effect == "pinned",
        )
        for card, move, effect in zip(found, table["move"], effects, strict=True)
    )  # fmt: skip


def gone_cards(live: Recommender, moved: Moves, currency: str = "") -> tuple[ProductCard, ...]:
    """What the list had before and has no more, with its place then and why it is gone, where that is known."""
    table = moved.gone
    effects = table[EFFECT].tolist() if EFFECT in table else [""] * len(table)
    found = cards(live, table[c.ITEM].tolist(), currency=currency, numbered=False)
    return tuple(
        card.changed(marks=(Mark(f"was #{before}", "Its place in the list before."),), note=effect)
        for card, before, effect in zip(found, table["before"], effects, strict=True)
    )


def curl_body(person: Person, k: int, rules: str | None) -> Mapping[str, object]:
    """The body of `POST /v1/recommendations` that gives the same list."""
    return {**person.to_dict(), "k": k, "rules": rules}

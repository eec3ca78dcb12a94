"""Rules by hand: what a button on a product does to the rule set that is being edited, and one step back."""

from typing import Any

import streamlit as st

from pages import shared
from pages.product_list import PLACE, Action, Done
from recsys.errors import InsiderError
from recsys.recommend.rules import Rules
from recsys.services.workbench import rule_sets
from recsys.services.workbench.rule_sets import RuleSets

NEW = "New rule set"
EDITED = "rules_"
"""What the keys of the editor's widgets begin with."""

PIN, UNPIN, HIDE, UP, DOWN, EARLIER, LATER = "pin", "unpin", "hide", "up", "down", "earlier", "later"
STEP = 1.0
"""How much one press boosts, in standard deviations of a shopper's scores."""
STRONGEST = 5.0
MOST_STEPS = 50
PARTS = ("pins", "never_items", "boosted")
state = st.session_state


def actions(rules: Rules) -> dict[str, Action]:
    """The buttons of the list under the rules."""
    pushed = {each.name: each.strength for each in rules.boosts if each.of == "item"}
    return {
        EARLIER: Action("↑", "Move the pin up"),
        LATER: Action("↓", "Move the pin down"),
        PIN: Action("Pin", "Pin to the top"),
        UNPIN: Action("Unpin", "Take the pin away", rules.pins),
        HIDE: Action("Hide", "Never show"),
        UP: Action("Boost", "Push up", tuple(item for item, strength in pushed.items() if strength > 0)),
        DOWN: Action("Lower", "Push down", tuple(item for item, strength in pushed.items() if strength < 0)),
    }


def actions_of(item: str, rules: Rules) -> tuple[str, ...]:
    """The buttons that one row has: only pinned rows are put in order by hand."""
    return (EARLIER, LATER, UNPIN, HIDE) if item in rules.pins else (PIN, HIDE, UP, DOWN)


def begin() -> tuple[str, Rules, Rules]:
    """Name of the rule set that is edited, what is stored of it, and what the editor starts from."""
    sets = RuleSets(shared.workspace().database)
    chosen = state.get("edit_rules") or NEW
    start = Rules() if chosen == NEW or chosen not in sets.names() else sets.get(chosen)
    linked, drafted = state.get("linked_rules", (None, None))
    return chosen, start, drafted if linked == chosen and drafted is not None else start


def prefix(chosen: str, start: Rules) -> str:
    """What the keys of the editor of one rule set begin with."""
    return f"{EDITED}{chosen}_{start.version}"


def seed(key: str, value: Any) -> None:
    """Give a widget its first value, unless it has one."""
    if key not in state:
        state[key] = value


def act(done: Done, shown: list[str]) -> None:
    """Change the pins, hidden products and boosts as a button or a drag says. Call it before the editor is drawn.

    Args:
        shown: ids of the items of the list, in its order.
    """
    chosen, start, from_here = begin()
    key = prefix(chosen, start)
    seed(f"{key}_pins", list(from_here.pins))
    seed(f"{key}_never_items", list(from_here.never_items))
    seed(f"{key}_boosted", [each.target for each in from_here.boosts])
    remember(key)
    pins, never = list(state[f"{key}_pins"]), list(state[f"{key}_never_items"])
    item = done.item
    if done.action == PIN and item not in pins:
        pins.append(item)
    elif done.action == UNPIN:
        pins = [pin for pin in pins if pin != item]
    elif done.action == HIDE:
        never = [*(other for other in never if other != item), item]
        pins = [pin for pin in pins if pin != item]
    elif done.action in (EARLIER, LATER) and item in pins:
        at = pins.index(item)
        to = min(max(at + (1 if done.action == LATER else -1), 0), len(pins) - 1)
        pins.insert(to, pins.pop(at))
    elif done.action == PLACE and done.to is not None:
        pins = placed(pins, shown, item, done.to)
    elif done.action in (UP, DOWN):
        push(key, item, STEP if done.action == UP else -STEP, from_here)
    state[f"{key}_pins"], state[f"{key}_never_items"] = pins, never


def placed(pins: list[str], shown: list[str], item: str, to: int) -> list[str]:
    """The pins after a row was dragged onto another one: within the pins, or right below them, it is pinned there;
    further down only the scores order, so that a pin is taken away there."""
    there = [pin for pin in shown if pin in pins]
    others = [pin for pin in pins if pin != item]
    if to > len(there) or (to == len(there) and item in pins):
        return others
    at = pins.index(shown[to]) if shown[to] in pins else len(others)
    return [*others[:at], item, *others[at:]]


def push(key: str, item: str, by: float, from_here: Rules) -> None:
    """Boost an item by so much more; at 0 its boost is gone."""
    target = f"item:{item}"
    before = {each.target: each.strength for each in from_here.boosts}
    boosted = list(state[f"{key}_boosted"])
    at = f"{key}_boost_{target}"
    now = state.get(at, before.get(target, 0.0)) if target in boosted else 0.0
    strength = min(max(now + by, -STRONGEST), STRONGEST)
    state[at] = strength
    kept = [other for other in boosted if other != target]
    state[f"{key}_boosted"] = [*kept, target] if strength else kept


def remember(key: str) -> None:
    """Keep how it was, for `undo`."""
    steps = state.setdefault("draft_steps", [])
    boosts = {name: state[name] for name in map(str, state) if name.startswith(f"{key}_boost_")}
    steps.append({**{f"{key}_{part}": list(state[f"{key}_{part}"]) for part in PARTS}, **boosts})
    del steps[:-MOST_STEPS]


def undo() -> None:
    """Callback: take the last button or drag back."""
    if state.get("draft_steps"):
        for name, value in state.draft_steps.pop().items():
            state[name] = value


def keep() -> None:
    """What is being edited outlives a look at another section."""
    for key in [str(key) for key in state if str(key).startswith(EDITED)]:
        state[key] = state[key]


def from_link() -> None:
    """Take the rules that a link describes as the start of the editor."""
    if text := st.query_params.get("draft"):
        try:
            state.linked_rules = st.query_params.get("edit_rules", NEW), rule_sets.read(text)
        except InsiderError as error:
            st.warning(shared.plain(f"The rules in the link cannot be used: {error}"))

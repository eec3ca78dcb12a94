"""A list of products with pictures and buttons: for a mouse, a finger and a keyboard."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from recsys.views.component_files import component_file
from recsys.views.product_cards import ProductCard

OPEN = "open"
"""The action of a title: show the product's own page."""

PLACE = "place"
"""The action of dragging a row onto another one."""


@dataclass(frozen=True)
class Action:
    """A button of every row that asks for it.

    Attributes:
        label: what stands on it.
        help: what it does; with the product's title it is what a screen reader says.
        on: ids of the items for which it has been pressed.
    """

    label: str
    help: str
    on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Done:
    """What was done in the list: which action, with which item; `to` is the row it was dragged to."""

    action: str
    item: str
    to: int | None = None


def product_list(
    cards: Sequence[ProductCard],
    key: str,
    label: str,
    *,
    actions: Mapping[str, Action] | None = None,
    order: bool = False,
    height: int | None = None,
    on_done: Callable[[Done], None] | None = None,
    on_open: Callable[[str], None] | None = None,
) -> Done | None:
    """Draw products; gives what was just done in the list, once.

    Args:
        label: what the list is, for screen readers.
        actions: by name; a card shows those that it names.
        order: rows can be dragged.
        height: in pixels, from which on the list scrolls within.
        on_done: is called with it before the page is drawn again, and may therefore change what widgets hold.
        on_open: the same for a title that is pressed; by default the product's own page is shown.
    """
    show = st.components.v2.component(
        "insider_product_list",
        html="<ol></ol>",
        css=component_file("product_list.css"),
        js=component_file("product_list.js"),
    )
    data = {
        "label": label, "rows": [asdict(card) for card in cards], "order": order, "height": height,
        "link": "item?item=",
        "actions": {name: asdict(action) for name, action in (actions or {}).items()},
    }  # fmt: skip

    def called() -> None:
        done = _done(st.session_state[key].did)
        if done is not None and done.action == OPEN and on_open is not None:
            on_open(done.item)
        elif done is not None and done.action != OPEN and on_done is not None:
            on_done(done)

    done = _done(show(key=key, data=data, on_did_change=called).did)
    if done is not None and done.action == OPEN and on_open is None:
        st.switch_page("item.py", query_params={"item": done.item})
    return done


def _done(did: Any) -> Done | None:
    return Done(str(did["action"]), str(did["item"]), did.get("to")) if did else None

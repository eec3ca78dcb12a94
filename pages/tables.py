"""A table: on a desk in columns, on a phone as cards with the same facts and actions."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import streamlit as st

from recsys.views.component_files import component_file
from recsys.views.table_cards import Column, as_frame, shown_columns, table_cards

FIRST = 5
"""Cards shown at first, so that what comes after the table is not far away."""
STEP = 20
"""Cards that each press adds."""

state = st.session_state


def show(
    data: Any, *, alt: str, key: str = "", on_rows: Callable[[list[int]], None] | None = None, many: bool = False,
    chosen: Sequence[int] = (), action: str = "Show", column_config: dict[str, Any] | None = None,
    column_order: Sequence[str] | None = None, **table: Any,
) -> None:  # fmt: skip
    """Draw a table; `pages/frame.py` hides the columns on a phone and the cards on a desk.

    Args:
        alt: what the table is, for screen readers; also what tells it from others of the page where it has no key.
        on_rows: is called with the chosen rows before the page is drawn again; without it nothing can be chosen.
        many: several rows can be chosen.
        chosen: rows that are chosen, to mark their cards.
        action: what stands on the button of a card.
        table: for `st.dataframe`.
    """
    frame = as_frame(data)
    choice: dict[str, Any] = {}
    if on_rows is not None:
        choice = {
            "key": key, "selection_mode": "multi-row" if many else "single-row",
            "on_select": lambda: on_rows(list(state[key].selection.rows)),
        }  # fmt: skip
    st.dataframe(
        frame, hide_index=True, alt=alt, column_config=column_config, column_order=column_order, **choice, **table
    )
    columns = shown_columns(frame, column_config or {}, column_order)
    _cards(frame, columns, alt, f"cards_{key or alt}", on_rows, many, chosen, action)


def _cards(
    frame: Any, columns: Sequence[Column], label: str, key: str, on_rows: Callable[[list[int]], None] | None,
    many: bool, chosen: Sequence[int], action: str,
) -> None:  # fmt: skip
    draw = st.components.v2.component(
        "insider_table_cards",
        html='<ol></ol><div class="rest"></div>',
        css=component_file("table_cards.css"),
        js=component_file("table_cards.js"),
    )
    shown = (state[key].shown if key in state else None) or FIRST

    def pressed() -> None:
        row = state[key].pressed
        if row is None or on_rows is None:
            return
        there = [other for other in chosen if other != row]
        on_rows((there if len(there) < len(chosen) else [*there, row]) if many else [row])

    draw(
        key=key,
        data={
            "label": label, "cards": [asdict(card) for card in table_cards(frame, columns, shown)], "of": len(frame),
            "step": STEP, "chosen": list(chosen), "action": action if on_rows else "",
        },
        on_pressed_change=pressed, on_shown_change=lambda: None,
    )  # fmt: skip

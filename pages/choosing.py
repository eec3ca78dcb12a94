"""A table whose rows are chosen by id: in a list that a keyboard can use, or with a click in the table."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from pages import shared, tables

state = st.session_state


def chosen(
    frame: Any, ids: Sequence[str], *, key: str, label: str, names: Callable[[str], str] = str, most: int = 1,
    options: Sequence[str] | None = None, placeholder: str = "Choose", **table: Any,
) -> list[str]:  # fmt: skip
    """Draw the list and the table; the ids that are chosen, at most `most`.

    Args:
        frame: the table; row n is about `ids[n]`.
        key: of the list, and of its value in the link.
        names: what an id is called in the list.
        options: all ids that can be chosen, where the table shows only some.
        table: for `tables.show`.
    """
    offered = list(options or ids)
    asked = [] if key in state else st.query_params.get_all(key)
    missing = [name for name in asked if name not in {*offered, *map(names, offered)}]
    if most == 1:
        if state.get(key) not in offered:
            state.pop(key, None)
        picked = st.selectbox(label, offered, key=key, format_func=names, bind="query-params")
        found = [picked] if picked is not None else []
    else:
        if key in state:
            state[key] = [value for value in state[key] if value in offered]
        found = st.multiselect(
            label, offered, key=key, format_func=names, bind="query-params", max_selections=most,
            placeholder=placeholder, filter_mode="contains", select_all=False,
        )  # fmt: skip
    # another table has another key, so that a selection never stays on rows that now hold something else
    here = f"{key}_table_{hash(tuple(ids))}"

    def take(rows: list[int]) -> None:
        picked = [ids[row] for row in rows][:most]
        if most > 1:
            state[key] = picked
        elif picked:
            state[key] = picked[0]

    tables.show(
        frame, key=here, on_rows=take, many=most > 1, chosen=[row for row, name in enumerate(ids) if name in found],
        action="Choose" if most > 1 else "Look at",
        height=min(38 + 35 * len(ids), 420), placeholder="–", **table,
    )  # fmt: skip
    for name in missing:
        st.warning(
            shared.plain(f"The link asks for “{name}”, which is not there (any more)."), icon=":material/link_off:"
        )
    return list(found)

"""Finding a shopper: behaviour, purchases, attributes, saved lists, those looked at lately, personas."""

import secrets

import streamlit as st

from pages import shared, tables
from pages.workbench import desk
from recsys.errors import InsiderError
from recsys.services.search.user_search import BEHAVIOURS, LATELY_DAYS, Found, Search
from recsys.services.workbench.target_user import Lists, Personas
from recsys.services.workspace import Workspace
from recsys.storage.new_entries import known_by_events
from recsys.utils import formatting as fmt
from recsys.views.shopper import currency_of

PAGE = 20
RECENT = 8
state = st.session_state


def search(attributes: dict[str, list[str]]) -> Search:
    """What is asked for in the finder."""
    return Search(
        query=(state.get("idpart") or "").strip(),
        attributes={name: state[f"by_{name}"] for name in attributes if state.get(f"by_{name}")},
        behaviour=state.get("behaviour") or "",
        bought=(state.get("bought") or "").strip(),
        not_lately=bool(state.get("notlately")),
    )


def go(home: Workspace, attributes: dict[str, list[str]], step: int) -> None:
    """Callback of previous, next and random (0): choose another shopper among those who fit."""
    finder = desk.finder(home)
    try:
        wanted = search(attributes)
        state.shopper = (
            finder.neighbour(state.shopper, step, wanted) if step else finder.any(secrets.randbits(32), wanted)
        )
        state.persona = None
    except InsiderError as error:
        state.finder_problem = str(error)


def choose(user_id: str) -> None:
    """Callback: show this shopper."""
    state.shopper, state.persona = user_id, None


def remember(user_id: str) -> None:
    """Keep the last shoppers looked at."""
    before = [user for user in state.get("seen", []) if user != user_id]
    state.seen = [user_id, *before][:RECENT]


def results(home: Workspace, attributes: dict[str, list[str]], key: str) -> None:
    """A page of the shoppers who fit, to pick from."""
    wanted = search(attributes)
    try:
        with st.spinner("Judging everybody's list…", show_time=True) if wanted.behaviour == "hard" else st.empty():
            found = desk.finder(home).find(wanted, PAGE)
    except InsiderError as error:
        shared.problem(error)
        return
    by_events(wanted)
    if not found.total:
        st.caption("No shopper fits. Take a condition away.")
        return
    shown = f"the first {PAGE} are listed" if found.total > PAGE else "all are listed"
    st.caption(f"{fmt.number(found.total)} shoppers fit; {shown}. Choose one to see them.")
    listed(found, attributes, key)


def by_events(wanted: Search) -> None:
    """Shoppers with a part of the id asked for whom the model has never seen, but the log of events knows."""
    live = shared.live()
    if wanted.query and (ids := known_by_events(live.activity, live.model, wanted.query)):
        st.caption("Known by events since the training alone")
        with st.container(horizontal=True, gap="xsmall"):
            for user in ids:
                st.button(shared.plain(user), key=f"events_{user}", on_click=choose, args=(user,), type="tertiary")


def instead(home: Workspace, attributes: dict[str, list[str]], user_id: str) -> None:
    """Ways on from an id that nobody has: those most like it, else those who buy most; and anybody."""
    found, alike = desk.finder(home).near(user_id, PAGE)
    if alike:
        st.caption("The ids most like it; choose one to see them.")
    else:
        st.caption("No id is like it. These shoppers buy most; choose one to see them.")
    listed(found, attributes, "instead")
    st.button("Anybody, at random", icon=":material/casino:", key="anybody", on_click=go, args=(home, attributes, 0))


def listed(found: Found, attributes: dict[str, list[str]], key: str) -> None:
    """A table of shoppers to pick from."""
    ids = found.table["user_id"].tolist()
    currency = currency_of(shared.workspace(), shared.live())
    tables.show(
        found.table,
        key=key,
        on_rows=lambda rows: choose(ids[rows[0]]) if rows else None,
        height=min(38 + 35 * len(found.table), 300),
        column_config={
            "user_id": st.column_config.TextColumn("Shopper", pinned=True),
            "bought_last": st.column_config.DateColumn("Bought it last", format="D MMM YYYY"),
            "missed": st.column_config.NumberColumn("Missed", help="New products they went on to buy unforeseen."),
            "purchases": st.column_config.NumberColumn("Purchases", format="localized"),
            "products": st.column_config.NumberColumn("Products", format="localized"),
            "spent": st.column_config.NumberColumn("Spent", format=shared.money_format(currency)),
            "last": st.column_config.DateColumn("Last bought", format="D MMM YYYY"),
            **{name: st.column_config.TextColumn(fmt.label(name)) for name in attributes},
        },
        placeholder="–",
        alt="Shoppers that fit",
    )
    desk.buttons(ids, key, choose)


def conditions(attributes: dict[str, list[str]]) -> None:
    """The widgets of the finder; always drawn, so that previous, next and random know them."""
    st.pills(
        "Behaviour", list(BEHAVIOURS), format_func=lambda name: BEHAVIOURS[name][0], key="behaviour",
        bind="query-params",
        help=" ".join(f"**{title}**: {shared.plain(meaning)}" for title, meaning in BEHAVIOURS.values()),
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input(
            "Bought", key="bought", bind="query-params", placeholder="Words of product or category", width=260
        )
        st.toggle(
            "but not lately", key="notlately", bind="query-params",
            help=f"Nothing of it in the last {LATELY_DAYS} days the model has seen.",
        )  # fmt: skip
        st.text_input("Id", key="idpart", bind="query-params", placeholder="Part of it", width=130)
    if attributes:
        with st.grid(3, min_column_width=140, gap="small"):
            for name, values in attributes.items():
                st.selectbox(
                    fmt.label(name), [None, *values], format_func=lambda value: value or "Any",
                    key=f"by_{name}", bind="query-params",
                )  # fmt: skip


def clear(key: str) -> None:
    """Callback of a chip: take one condition away."""
    state[key] = False if key == "notlately" else None if key.startswith("by_") or key == "behaviour" else ""


def chips(attributes: dict[str, list[str]]) -> None:
    """The conditions of the finder that are in force, each to be taken away with a press."""
    found = {
        f"by_{name}": f"{fmt.label(name)}: {state[f'by_{name}']}" for name in attributes if state.get(f"by_{name}")
    }
    if state.get("behaviour"):
        found["behaviour"] = BEHAVIOURS[state.behaviour][0]
    if bought := (state.get("bought") or "").strip():
        lately = ", but not lately" if state.get("notlately") else ""
        found["bought"] = f"Bought {bought}{lately}"
    if part := (state.get("idpart") or "").strip():
        found["idpart"] = f"Id with {part}"
    # Drawn when it is empty too: a bound widget leaves the link when what stands above it comes or goes.
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="filter_chips"):
        if found:
            st.caption("Previous, next and random stay among")
        for key, text in found.items():
            st.button(
                shared.plain(text), icon=":material/close:", key=f"chip_{key}", on_click=clear, args=(key,),
                help="Take this filter away",
            )  # fmt: skip


def kept(home: Workspace) -> None:
    """Shoppers looked at lately and saved lists."""
    if seen := state.get("seen"):
        st.caption("Looked at lately")
        with st.container(horizontal=True, gap="xsmall"):
            for user in seen:
                st.button(shared.plain(user), key=f"seen_{user}", on_click=choose, args=(user,), type="tertiary")
    lists = Lists(home.database)
    if names := lists.names():
        name = st.selectbox("Saved lists", names, index=None, placeholder="Choose a list", key="saved_list")
        if name:
            with st.container(horizontal=True, gap="xsmall"):
                for user in lists.users(name):
                    st.button(shared.plain(user), key=f"listed_{user}", on_click=choose, args=(user,), type="tertiary")
                if st.button("Delete this list", icon=":material/delete:", type="tertiary", key="delete_list"):
                    desk.change(lists.delete, name)


def bar(home: Workspace, attributes: dict[str, list[str]]) -> tuple[str, str | None]:
    """The row above everything: whom the page is about. Gives the shopper's id and the persona, if one is chosen."""
    personas = Personas(home.database).names()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        user_id = st.text_input("Shopper", key="shopper", bind="query-params", width=150, placeholder="Number").strip()
        step = {"on_click": go}
        st.button("Previous", icon=":material/chevron_left:", args=(home, attributes, -1), **step)
        st.button("Next", icon=":material/chevron_right:", args=(home, attributes, 1), **step)
        st.button("Random", icon=":material/casino:", args=(home, attributes, 0), **step)
        with st.popover("Find", icon=":material/search:", on_change="rerun", width="content", key="finding") as panel:
            st.caption("Previous, next and random stay among those who fit.")
            conditions(attributes)
            if panel.open:
                results(home, attributes, "found")
                kept(home)
        persona = None
        if personas:
            persona = st.selectbox(
                "Persona", [None, *personas], format_func=lambda name: name or "None", key="persona",
                bind="query-params", width=170, help="Somebody described, shown in place of a shopper.",
            )  # fmt: skip
        if not persona:
            with st.popover("Keep", icon=":material/bookmark_add:", width="content"):
                name = st.text_input("List", placeholder="Name of a list", key="list_name", max_chars=60)
                if st.button("Add this shopper", type="primary", disabled=not name, key="add_to_list") and desk.attempt(
                    Lists(home.database).add, name, user_id, done=f"{user_id} is on the list “{name}”."
                ):
                    st.caption("You find saved lists under Find.")
    with st.container():  # of its own, as in `chips`
        if problem := state.pop("finder_problem", ""):
            st.warning(shared.plain(problem))
    return user_id, persona

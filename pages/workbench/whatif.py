"""What if: take products away, add some, change what is known, start from nobody; keep the result as a persona."""

import streamlit as st

from pages import shared
from pages.product_list import product_list
from pages.workbench import desk
from recsys.errors import InsiderError
from recsys.recommend.recommender import Recommender
from recsys.recommend.rules import Rules
from recsys.services import export
from recsys.services.search.item_search import find_items
from recsys.services.workbench.target_user import Personas
from recsys.services.workspace import Workspace
from recsys.utils import formatting as fmt
from recsys.views import shopper, what_if
from recsys.views.shopper import ShopperView

MOST_OPTIONS = 1000
KEYS = ("without", "plus", "nobody")
state = st.session_state


def link_labels(live: Recommender) -> dict[str, str]:
    """Ids in the link to the labels of the widgets."""
    ids = [shopper.item_of_label(text) for key in ("without", "plus") for text in st.query_params.get_all(key)]
    return {item: shopper.item_label(title, item) for item, title in shopper.titles(live, ids).items()}


def snapshot(names: list[str]) -> dict[str, object]:
    """Everything changed so far."""
    return {key: state.get(key) for key in (*KEYS, *(f"as_{name}" for name in names))}


def put_back(change: dict[str, object]) -> None:
    for key, value in change.items():
        state[key] = value


def undo(names: list[str]) -> None:
    """Callback: one step back."""
    if len(state.get("whatif_steps", [])) > 1:
        state.whatif_steps.pop()
        put_back(state.whatif_steps[-1])


def reset(names: list[str]) -> None:
    """Callback: nothing changed."""
    put_back({"without": [], "plus": [], "nobody": False, **{f"as_{name}": None for name in names}})


def follow(view: ShopperView, names: list[str]) -> None:
    """A change belongs to one shopper: another one starts unchanged. And every step is kept for undo."""
    if state.get("whatif_of") not in (None, view.user_id):
        reset(names)
        state.whatif_steps = []
    state.whatif_of = view.user_id


@st.fragment
def show(
    home: Workspace,
    live: Recommender,
    view: ShopperView,
    attributes: dict[str, list[str]],
    k: int,
    rules: Rules | None,
    rules_name: str | None,
) -> None:
    """The section."""
    names = list(attributes)
    follow(view, names)
    own = shopper.titles(live, view.subject.person.history[:MOST_OPTIONS])
    if "without" in state:
        state.without = [item for item in state.without if item in own]
    left, right = st.columns([9, 13], gap="small")
    with left, st.container(border=True, height="stretch"):
        st.header("Change something", anchor=False)
        nobody = st.toggle("Start from nobody", key="nobody", bind="query-params", help="As if nothing were known.")
        without = []
        with st.container():  # of its own: a bound widget leaves the link when what stands above it comes or goes
            if not nobody:
                without = st.multiselect(
                    "Taken away", list(own), format_func=lambda item: shopper.item_label(own[item], item),
                    key="without", bind="query-params", placeholder="Choose among what they bought",
                    filter_mode="contains", select_all=False,
                )  # fmt: skip
        word = st.text_input("Find a product to add", placeholder="Words of product or category", key="whatif_word")
        found = find_items(home, word, limit=20)
        there = dict(zip(found["item_id"], found["title"], strict=True)) | shopper.titles(
            live, [*state.get("plus", []), *map(shopper.item_of_label, st.query_params.get_all("plus"))]
        )
        plus = st.multiselect(
            "Added", list(there), format_func=lambda item: shopper.item_label(there[item], item), key="plus",
            bind="query-params",
            placeholder="Choose among those found",
            filter_mode="contains", select_all=False,
        )  # fmt: skip
        changed: dict[str, str | None] = {}
        usable = [name for name in names if name in live.model.user_features.names]
        if usable:
            given = any(state.get(f"as_{name}") for name in usable)
            with (
                st.expander("Who they are", expanded=given),
                st.grid(2, min_column_width=130, gap="small"),
            ):
                for name in usable:
                    value = st.selectbox(
                        fmt.label(name), [None, *attributes[name]], key=f"as_{name}", bind="query-params",
                        format_func=lambda value: value or "As it is",
                    )  # fmt: skip
                    if value:
                        changed[name] = value
        steps = state.setdefault("whatif_steps", [])
        now = snapshot(names)
        if not steps or steps[-1] != now:
            steps.append(now)
        with st.container(horizontal=True, gap="small"):
            st.button("Undo", icon=":material/undo:", on_click=undo, args=(names,), disabled=len(steps) < 2)
            st.button("Reset", icon=":material/restart_alt:", on_click=reset, args=(names,))
    with right, st.container(border=True, height="stretch"):
        st.header("What becomes of the list", anchor=False)
        try:
            result = what_if.what_if(
                live, view.subject, without=without, plus=plus, attributes=changed, nobody=nobody, k=k, rules=rules
            )
        except InsiderError as error:
            shared.problem(error)
            return
        turned = without or plus or changed or nobody
        shared.describe(result.moves.summary if turned else "You have not changed anything yet.")
        product_list(
            what_if.moved_cards(live, result.moves, view.currency), "changed_list", "The list after the change"
        )
        gone = what_if.gone_cards(live, result.moves, view.currency)
        if gone:
            st.markdown("**No longer shown**")
            product_list(gone, "changed_gone", "Products that fell out of the list")
        shared.describe(
            "Both lists are of new products, worked out from history and attributes by fold-in, as the API does for "
            "somebody new; so only your change tells them apart. Recommended can differ: there lately bought products "
            "count more where the training had a half-life."
        )
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            name = st.text_input("Name", placeholder="Name of a persona", key="persona_name", max_chars=60, width=220)
            if (
                st.button("Save as persona", icon=":material/person_add:", disabled=not name)
                and desk.attempt(Personas(home.database).save, name, result.person)
            ):  # fmt: skip
                shared.say_after_rerun(shared.plain(f"Persona “{name}” is saved: choose it above."), ":material/check:")
                st.rerun()
            if not view.subject.known and st.button("Delete this persona", icon=":material/delete:", type="tertiary"):
                desk.change(Personas(home.database).delete, view.user_id)
        with st.expander("The same list from the API"):
            base = st.context.url.split("/shopper")[0] if st.context.url else "http://localhost:8000"
            body = what_if.curl_body(result.person, k, rules_name)
            st.code(export.curl_new(base, body), language="bash", wrap_lines=True)

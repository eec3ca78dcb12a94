"""Expectations: what the list of a shopper must, and must not, show."""

import streamlit as st

from pages import shared
from pages.workbench import desk
from recsys.errors import InsiderError
from recsys.recommend.recommender import Recommender
from recsys.recommend.rules import Rules
from recsys.services.workbench.expectations import Expectation, Expectations
from recsys.services.workspace import Workspace
from recsys.utils import formatting as fmt
from recsys.views import shopper
from recsys.views.shopper import ShopperView

MOST_SHOWN, MOST_EXPECTED = 10, 20
"""Sentences shown of one expectation that is not met, and names that one may hold."""


def verdicts(expectations: Expectations, live: Recommender, rules: Rules | None) -> None:
    """Whether the live model meets each expectation."""
    found = expectations.check(live, rules)
    if not found:
        st.caption("No expectation is saved yet. Say what the list of this shopper must show.")
        return
    for number, verdict in enumerate(found):
        with st.container(border=True, gap="xsmall"):
            with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
                icon, colour = (":material/check_circle:", "green") if verdict.ok else (":material/error:", "red")
                st.badge(shared.plain(verdict.expectation.name), icon=icon, color=colour)
                st.caption(shared.plain(verdict.expectation.user or f"persona {verdict.expectation.persona}"))
                if st.button("Delete", icon=":material/delete:", type="tertiary", key=f"delete_expectation_{number}"):
                    desk.change(expectations.delete, verdict.expectation.name)
            for failure in verdict.failures[:MOST_SHOWN]:
                st.markdown(shared.plain(failure))
            if len(verdict.failures) > MOST_SHOWN:
                shared.describe(f"And {fmt.number(len(verdict.failures) - MOST_SHOWN)} more.")


@st.fragment
def show(home: Workspace, live: Recommender, view: ShopperView, k: int, rules: Rules | None) -> None:
    """The section."""
    expectations = Expectations(home.database)
    left, right = st.columns(2, gap="small")
    with left, st.container(border=True, height="stretch"):
        st.header("Expect something of this list", anchor=False)
        shared.describe("Kept, and checked against every new model before it is promoted.")
        items = {item.item_id: item.title for item in view.answer.items}
        options = [*items, *shopper.category_names(live)]
        must = st.multiselect(
            "Must show", options, format_func=lambda x: items.get(x, x), key="expectation_must",
            placeholder="Products of the list, or categories", max_selections=MOST_EXPECTED,
            filter_mode="contains", select_all=False,
        )  # fmt: skip
        never = st.multiselect(
            "Must not show",
            options,
            format_func=lambda x: items.get(x, x),
            key="expectation_not",
            placeholder="None",
            max_selections=MOST_EXPECTED,
            filter_mode="contains",
            select_all=False,
        )
        category = st.selectbox(
            "Share of a category", [None, *shopper.category_names(live)], key="expectation_category",
            format_func=lambda name: name or "No expectation",
        )  # fmt: skip
        low, high = 0, 100
        if category:
            low, high = st.slider("Share of the list", 0, 100, (10, 60), 5, format="%d%%", key="expectation_share")
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            name = st.text_input("Name", placeholder="Name of the expectation", key="expectation_name", max_chars=60)
            if st.button("Save", type="primary", disabled=not name, key="save_expectation"):
                try:
                    expectations.save(
                        Expectation(
                            name,
                            user=view.user_id if view.subject.known else None,
                            persona=None if view.subject.known else view.user_id,
                            must_show=tuple(must),
                            must_not=tuple(never),
                            mix={category: (low / 100, high / 100)} if category else None,
                            k=k,
                        )
                    )
                    st.toast("Saved.", icon=":material/check:")
                except InsiderError as error:
                    shared.problem(error)
    with right, st.container(border=True, height="stretch"):
        st.header("All expectations, by the live model", anchor=False)
        verdicts(expectations, live, rules)

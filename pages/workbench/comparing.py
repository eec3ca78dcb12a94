"""Two or three models, or rule sets, side by side for one shopper; and two of them over all shoppers."""

import streamlit as st

from pages import making, shared, tables
from pages.product_list import product_list
from pages.workbench import desk, finding
from recsys.errors import InsiderError
from recsys.services.workspace import Workspace
from recsys.views import compare
from recsys.views.glossary import meaning
from recsys.views.shopper import ShopperView


def everybody(home: Workspace, live_id: str, other: str, k: int) -> None:
    """Two models over all shoppers: how far apart, beside mere retraining, and where most."""
    try:
        found = making.once(
            ("everybody", str(home.settings.home), *home.store.models(), live_id, compare.version_of(home, other), k),
            "Comparing everybody's lists",
            lambda bar: compare.everybody(home, live_id, other, k, on_progress=bar),
        )
    except InsiderError as error:
        shared.problem(error)
        return
    st.markdown(shared.plain(found.sentence))
    shared.describe(found.floor)
    if len(found.measures):
        tables.show(
            found.measures,
            column_config={
                "measure": st.column_config.TextColumn("Measure"),
                "clear": st.column_config.TextColumn("Verdict"),
                "difference": st.column_config.TextColumn("Difference"),
                "interval": st.column_config.TextColumn("95% interval", help=meaning("interval")),
                "a": st.column_config.TextColumn("Live"),
                "b": st.column_config.TextColumn("Other"),
            },
            alt="Measures of both models on held-out purchases",
        )
    if found.note:
        st.caption(shared.plain(found.note))
    st.markdown("**Where they differ most**")
    ids = found.most["user_id"].tolist()
    tables.show(
        shared.in_percent(found.most, "overlap"),
        key="differ_most",
        on_rows=lambda rows: finding.choose(ids[rows[0]]) if rows else None,
        height=220,
        column_config={
            "user_id": st.column_config.TextColumn("Shopper"),
            "overlap": st.column_config.NumberColumn("Shared", format=shared.PERCENT),
            "rbo": st.column_config.NumberColumn("Rank-biased overlap", format="%.2f"),
        },
        alt="Shoppers whose lists differ most; select one to see them",
    )
    desk.buttons(ids[:20], "differ_most", finding.choose)


@st.fragment
def show(home: Workspace, view: ShopperView, k: int) -> None:
    """The section."""
    choices = compare.choices(home)
    if not choices:
        st.info(
            "There is nothing to compare with yet: train another model, or save a rule set.",
            icon=":material/compare_arrows:",
        )
        return
    others = st.multiselect(
        "Compare the live model with", list(choices), format_func=choices.get, key="against", bind="query-params",
        max_selections=2, placeholder="Choose one or two models or rule sets",
            filter_mode="contains", select_all=False,
        )  # fmt: skip
    if not others:
        st.caption("Choose a model or a rule set to see both lists side by side.")
        return
    found = compare.side_by_side(home, view.subject, others, k)
    with st.container(border=True):
        st.header("This shopper", anchor=False)
        for problem in found.problems:
            st.warning(shared.plain(problem))
        for sentence in found.sentences:
            st.markdown(shared.plain(sentence))
        shared.describe(found.floor)
        with st.grid(len(found.lists), min_column_width=300, gap="small"):
            for place, (name, listed) in enumerate(compare.listed(home.load(), found, view.currency).items()):
                with st.container():
                    st.markdown(f"**{shared.plain(name)}**")
                    product_list(listed, f"compared_{place}", f"The list of {name}")
        shared.describe("Arrows count places against the list before it; “only here” stands in one list alone.")
    with st.container(border=True):
        st.header("All shoppers", anchor=False)
        which = others[0]
        with st.container():  # of its own: a bound widget leaves the link when what stands above it comes or goes
            if others[1:]:
                which = st.selectbox(
                    "The live model against", others, format_func=choices.get, key="everybody", bind="query-params"
                )
        if st.toggle(
            "Compare over everybody", key="overall", bind="query-params",
            help="Both lists of every shopper (at most 5,000, drawn): how much they share, the measures with a paired "
            "test, and whose lists differ most. Takes some seconds.",
        ):  # fmt: skip
            everybody(home, home.load().model.id, which, k)
            if view.subject.known and st.session_state.get("shopper") not in (None, view.user_id):
                st.rerun()

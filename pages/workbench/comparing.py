"""Two or three models, or rule sets, side by side for one shopper; and two of them over all shoppers."""

import streamlit as st

from pages import shared
from pages.workbench import finding
from recsys.charts import shopper
from recsys.errors import InsiderError
from recsys.services.workspace import Workspace
from recsys.views import compare
from recsys.views.shopper import ShopperView

WIDE_ENOUGH = """<style>
[class*=st-key-lists_of_] {overflow-x: auto}
.st-key-lists_of_2 > div {min-width: 500px}
.st-key-lists_of_3 > div {min-width: 750px}
</style>"""
"""On a small screen the lists are scrolled sideways instead of being squeezed until nothing can be read."""


@st.cache_data(max_entries=10, ttl=300, show_spinner=False)
def _everybody(_home: Workspace, live_id: str, other: str, k: int, version: str) -> compare.Everybody:
    return compare.everybody(_home, live_id, other, k)


def everybody(home: Workspace, live_id: str, other: str, k: int) -> None:
    """Two models over all shoppers: how far apart, beside mere retraining, and where most."""
    try:
        with st.spinner("Comparing everybody's lists…", show_time=True):
            found = _everybody(home, live_id, other, k, compare.version_of(home, other))
    except InsiderError as error:
        shared.problem(error)
        return
    st.markdown(shared.plain(found.sentence))
    shared.describe(found.floor)
    if len(found.measures):
        st.dataframe(
            found.measures,
            hide_index=True,
            column_config={
                "measure": st.column_config.TextColumn("Measure"),
                "a": st.column_config.NumberColumn("Live", format="%.4f"),
                "b": st.column_config.NumberColumn("Other", format="%.4f"),
                "difference": st.column_config.NumberColumn("Difference", format="%+.4f"),
                "low": st.column_config.NumberColumn("from", format="%+.4f", help="95% interval, paired."),
                "high": st.column_config.NumberColumn("to", format="%+.4f"),
                "clear": st.column_config.TextColumn("Verdict"),
            },
            alt="Measures of both models on held-out purchases",
        )
    if found.note:
        st.caption(shared.plain(found.note))
    st.markdown("**Where they differ most**")
    ids = found.most["user_id"].tolist()
    st.dataframe(
        found.most,
        key="differ_most",
        on_select=lambda: finding.pick(ids, "differ_most"),
        selection_mode="single-row",
        hide_index=True,
        height=220,
        column_config={
            "user_id": st.column_config.TextColumn("Shopper"),
            "overlap": st.column_config.NumberColumn("Shared", format="percent"),
            "rbo": st.column_config.NumberColumn("Rank-biased overlap", format="%.2f"),
        },
        alt="Shoppers whose lists differ most; select one to see them",
    )


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
        st.subheader("This shopper", anchor=False)
        for problem in found.problems:
            st.warning(shared.plain(problem))
        for sentence in found.sentences:
            st.markdown(shared.plain(sentence))
        shared.describe(found.floor)
        with st.container(key=f"lists_of_{max(len(found.lists), 2)}"):
            st.html(WIDE_ENOUGH)
            st.plotly_chart(shopper.lists_side_by_side(found.lists), config=shared.STILL, alt=" ".join(found.sentences))
        shared.describe(
            "Lines join the same product: green rises, red falls; arrows count places against the list at its left. "
            "Orange dots stand in one list only."
        )
    with st.container(border=True):
        st.subheader("All shoppers", anchor=False)
        which = others[0]
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

"""Why one product is recommended: its score in parts, and what each of the shopper's own products does to it."""

import streamlit as st

from pages import shared, tables
from recsys.charts import base
from recsys.charts import shopper as charts_shopper
from recsys.recommend.recommender import Recommender
from recsys.recommend.rules import Rules
from recsys.views import shopper
from recsys.views.explanation import item_influences, why
from recsys.views.shopper import ShopperView

state = st.session_state


@st.fragment
def show(live: Recommender, view: ShopperView, rules: Rules | None) -> None:
    """The section."""
    items = {item.item_id: item for item in view.answer.items}
    if "why" not in state and (asked := shopper.item_of_label(st.query_params.get("why", ""))) in items:
        state.why = asked
    if state.get("why") not in (None, *items):
        state.pop("why")
    if not items:
        st.caption("Nothing is recommended, so there is nothing to explain.")
        return
    chosen = st.selectbox(
        "Product", list(items), format_func=lambda item: shopper.item_label(items[item].title, item), key="why",
        bind="query-params", width=560,
    )  # fmt: skip
    reasons = why(live, view.subject, items[chosen], view.currency, rules)
    left, right = st.columns(2, gap="small")
    with left, st.container(border=True, height="stretch"):
        st.header("What the score is made of", anchor=False)
        shared.describe(reasons.facts)
        st.markdown(shared.plain(reasons.sentence))
        if reasons.parts:
            st.plotly_chart(base.score_parts(reasons.parts), config=shared.STILL, alt=reasons.sentence)
            if reasons.footnote:
                shared.describe(reasons.footnote)
        with st.container(horizontal=True, gap="medium"):
            st.page_link(
                "item.py", label="About this product", icon=":material/sell:", query_params={"item": chosen}, help=""
            )
            st.page_link(
                "map.py", label="See it on the map", icon=":material/scatter_plot:", query_params={"item": chosen},
                help="",
            )  # fmt: skip
    with right, st.container(border=True, height="stretch"):
        st.header("What they bought that speaks for it", anchor=False)
        with st.spinner("Leaving out their products, one at a time", show_time=True):
            found = item_influences(live, view.subject, chosen)
        st.markdown(shared.plain(found.sentence))
        if len(found.table):
            st.plotly_chart(
                charts_shopper.effects(found.items, found.falls, "Without it the score falls by"),
                config=shared.STILL, alt=found.sentence,
            )  # fmt: skip
        shared.describe(found.how)
        if len(reasons.nearest):
            with st.expander("Most like it, by the model's embeddings"):
                tables.show(
                    reasons.nearest,
                    column_config={
                        "title": st.column_config.TextColumn("Product"),
                        "likeness": st.column_config.ProgressColumn(
                            "Likeness", min_value=0, max_value=100, format="%d%%", width=120
                        ),
                    },
                    alt="Products of the history that are most like the chosen one",
                )

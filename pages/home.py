"""Home: what is live, how good it is, and the way to everything else."""

import streamlit as st

from pages import shared
from recsys.charts import base
from recsys.views.home import overview

WAYS_IN = (
    ("shopper.py", ":material/shopping_basket:", "Look at a shopper",
     "What they bought beside what the model recommends, and why each product is there."),
    ("train.py", ":material/tune:", "Train a model",
     "Turn the dials, watch the curve, compare with the live model, promote the better one."),
    ("map.py", ":material/scatter_plot:", "See the whole range",
     "Every product as a point: close together means bought by the same people."),
)  # fmt: skip

shared.live()
view = overview(shared.workspace())

with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    st.badge("Live", icon=":material/check_circle:", color="green")
    st.caption(shared.plain(f"Model {view.model_id} · trained {view.made} · dataset “{view.trained_on}”"))
st.title(shared.plain(view.verdict), anchor=False)
st.markdown(shared.plain(view.evidence))
shared.describe(shared.how_fresh())

with st.grid(4, min_column_width=155, gap="small"):
    for line in view.headlines:
        st.metric(
            shared.plain(line.title),
            line.value,
            delta=f"most popular: {line.against}",
            delta_color="off",
            delta_arrow="off",
            help=line.meaning,
            border=True,
            height="stretch",
        )

with st.grid(3, min_column_width=260, gap="small") as grid:
    for target, icon, title, text in WAYS_IN:
        with grid.cell(), st.container(border=True, height="stretch", gap="xsmall"):
            st.page_link(target, label=f"**{title}**", icon=icon, help="")
            st.caption(text)

left, right = st.columns([3, 2], gap="medium")
with left, st.container(border=True, height="stretch"):
    st.subheader("Against most popular", anchor=False)
    shared.describe(
        "Products the shopper had not bought before. Right of 1 × is better than showing everybody the same."
    )
    st.plotly_chart(base.against_popular(view.ratios), config=shared.STILL, alt=view.evidence)
with right, st.container(border=True, height="stretch"):
    st.subheader("The data behind it", anchor=False)
    st.table({shared.plain(fact.label): shared.plain(fact.value) for fact in view.facts}, border="horizontal")
    st.space("stretch")
    shared.describe(view.origin)

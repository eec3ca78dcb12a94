"""Home: what is live, how good it is, and the way to everything else."""

import streamlit as st

from pages import shared, tour
from recsys.charts import base
from recsys.views.glossary import meaning
from recsys.views.home.changes import changes
from recsys.views.home.overview import overview

shared.live()
home = shared.workspace()
view = overview(home)

with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    st.badge("Live", icon=":material/check_circle:", color="green", help=meaning("live"))
    st.caption(shared.plain(f"Model {view.name} · trained {view.made} · dataset “{view.trained_on}”"))
st.title(shared.plain(view.story), anchor=False, help=meaning("list"))
st.markdown(shared.plain(view.beside))
shared.describe(view.judged)
tour.offer()

with st.grid(3, min_column_width=220, gap="small"):
    for line in view.headlines:
        st.metric(
            shared.plain(line.title), line.value, delta=shared.plain(line.against), delta_color="off",
            delta_arrow="off", help=shared.plain(line.meaning), border=True, height="stretch",
        )  # fmt: skip

left, right = st.columns([3, 2], gap="medium")
shopper = left.container(border=True, height="stretch")
with right, st.container(border=True, height="stretch"):
    st.header("Since last week", anchor=False)
    shared.describe(shared.how_fresh())
    for change in changes(home) or ("Nothing was trained, promoted or imported.",):
        st.markdown(f"- {shared.plain(change)}")
    st.header("The data behind it", anchor=False)
    st.table({shared.plain(fact.label): shared.plain(fact.value) for fact in view.facts}, border="horizontal")
    shared.describe(view.origin)

with st.expander("In figures", icon=":material/monitoring:"):
    st.markdown(shared.plain(view.evidence))
    st.plotly_chart(base.against_popular(view.ratios), config=shared.STILL, alt=view.evidence)
    shared.describe(
        "Products the shopper had not bought before. Right of 1 × is better than bestsellers for everybody."
    )
    st.page_link("quality.py", label="Beside every simple method, and for whom", icon=":material/verified:", help="")

with shopper:
    st.header("An example", anchor=False)
    with st.spinner("Looking for a shopper to show", show_time=True):
        found = shared.example_shopper(view.model_id)
    if found is None:
        st.caption("There is no shopper in the data any more who bought something of their list.")
    else:
        st.markdown(shared.plain(f"Shopper {found.user_id} had bought most often:"))
        st.markdown("\n".join(f"- {shared.plain(title)}" for title in found.before))
        st.markdown(shared.plain("Their list then was:"))
        st.markdown("\n".join(
            f"{place}. {f'**{shared.plain(title)}** :green-badge[bought]' if hit else shared.plain(title)}"
            for place, (title, hit) in enumerate(found.shown, 1)
        ))  # fmt: skip
        st.markdown(shared.plain(found.words))
        with st.container(horizontal=True, gap="small"):
            st.page_link("shopper.py", label="Why these?", icon=":material/person:",
                         query_params={"shopper": found.user_id}, help="")  # fmt: skip
            if found.other is not None:
                st.page_link("shopper.py", label="One who bought none of theirs", icon=":material/person:",
                             query_params={"shopper": found.other, "since": "true"}, help="")  # fmt: skip

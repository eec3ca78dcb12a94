"""Quality: how good the model is beside simple methods, for whom it works and for whom it does not."""

import streamlit as st

from pages import shared
from recsys.charts import quality as charts
from recsys.services.jobs import cancel_job, start_quality
from recsys.views import quality

ICONS = {"good": ":material/check_circle:", "look": ":material/visibility:", "bad": ":material/error:"}
COLOURS = {"good": "green", "look": "orange", "bad": "red"}

live = shared.live()
home = shared.workspace()
model_id = live.model.id


@st.fragment(run_every=shared.REFRESH_SECONDS)
def under_way() -> None:
    """How far the assessment is; the page moves on by itself when it is done."""
    run = quality.report_run(home, model_id)
    if run is None or not run.active:
        st.rerun()
    else:
        shared.show_progress(run)
        st.button("Cancel", icon=":material/cancel:", on_click=cancel_job, args=(home, run.id))


view = quality.view(home)
run = quality.report_run(home, model_id)
if run is not None and run.active:
    with st.container(border=True):
        st.subheader("Finding out how good the model is", icon=":material/hourglass_top:", anchor=False)
        under_way()
elif run is not None and run.state == "failed" and view is None:
    st.error(shared.plain(run.message), title="The last assessment failed", icon=":material/error:")
if view is None:
    st.title("How good is it?", anchor=False)
    st.markdown(
        "Nothing has been found out about this model yet beyond the Home page. An assessment fits the usual simple "
        "methods beside it, measures every segment, trains anew from other seeds to see what is noise, and keeps "
        "products and shoppers out of a training to see how it does with new ones. It takes a few minutes, in the "
        "background."
    )
    if (run is None or not run.active) and st.button("Find out", type="primary", icon=":material/play_arrow:"):
        start_quality(home, model_id)
        st.rerun()
    bars = quality.bars_of(live.model.manifest.metrics, "discover")
    if len(bars) > 2:
        with st.container(border=True):
            st.subheader("Beside simple methods, from its training", anchor=False)
            st.plotly_chart(charts.methods(bars), config=shared.STILL, alt="NDCG@10 of every method")
    st.stop()

with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    st.badge("Live", icon=":material/check_circle:", color="green")
    st.caption(shared.plain(f"Model {view.model_id}"))
st.title(shared.plain(view.verdict), anchor=False)
st.markdown(shared.plain(view.evidence))

lane = st.segmented_control(
    "Lane", list(view.lanes), format_func=view.lanes.get, default=next(iter(view.lanes)), required=True, key="lane",
    bind="query-params", help="Discover: products they had never bought. Buy again: products they had bought before.",
)  # fmt: skip
with st.container(border=True):
    st.subheader("Beside simple methods", anchor=False)
    shared.describe("Each was fitted to the same purchases and judged on the same shoppers. Intervals are 95%.")
    st.plotly_chart(charts.methods(view.bars[lane]), config=shared.STILL, alt=view.evidence)
    shared.describe(view.noise)
    with st.expander("All measures", icon=":material/table:"):
        st.dataframe(
            view.table[lane],
            hide_index=True,
            column_config={name: st.column_config.TextColumn(name, help=text) for name, text in view.meanings.items()},
            alt="Every measure of every method",
        )

left, right = st.columns([3, 2], gap="small")
with left, st.container(border=True, height="stretch"):
    st.subheader("For whom it works", anchor=False)
    if view.segments:
        kind = st.selectbox("By", list(view.segments), key="by", bind="query-params")
        shared.describe("Those who gain least over most popular come first.")
        rows = view.segments[kind]
        st.plotly_chart(
            charts.segments(rows, view.segment_measure[kind]), config=shared.STILL, alt=f"Segments by {kind}"
        )
        chosen = st.selectbox("Shoppers for whom it went worst in", [row.title for row in rows], key="segment")
        with st.container(horizontal=True, gap="small"):
            for user in next(row for row in rows if row.title == chosen).examples:
                st.page_link(
                    "shopper.py", label=shared.plain(user), icon=":material/person:",
                    query_params={"shopper": user, "since": "true"}, help="",
                )  # fmt: skip
    else:
        st.caption("No group has enough shoppers to say anything about.")
with right, st.container(border=True, height="stretch"):
    st.subheader("Health", anchor=False)
    for state, name, sentence in view.health:
        st.badge(shared.plain(name), icon=ICONS[state], color=COLOURS[state])
        shared.describe(sentence)

left, right = st.columns(2, gap="small")
with left, st.container(border=True, height="stretch"):
    st.subheader("Popularity dial", anchor=False)
    shared.describe(
        "Score = taste + b × bias. Lower b shows rarer products. Measured on the validation set; "
        f"b is {view.popularity:g} now. Turning it needs no training: python -m recsys models dial live 0.5"
    )
    if view.frontier:
        st.plotly_chart(
            charts.frontier(view.frontier, view.popularity), config=shared.STILL, alt="Accuracy against range shown"
        )
    else:
        st.caption("This version was stored without its frontier; train again to see it.")
with right, st.container(border=True, height="stretch"):
    st.subheader("New shoppers", anchor=False)
    shared.describe("A tenth of the shoppers was kept out of a training, then made known little by little.")
    st.plotly_chart(
        charts.cold_users(view.cold_users, view.cold_users_reference), config=shared.STILL,
        alt="NDCG@10 of new shoppers by how much is known of them",
    )  # fmt: skip
with st.container(border=True):
    st.subheader("New products", anchor=False)
    shared.describe(view.cold_items_note)
    st.plotly_chart(
        charts.methods(view.cold_items, "NDCG@10 among new products only"), config=shared.STILL,
        alt="NDCG@10 of products that no training had seen",
    )  # fmt: skip
st.button("Find out anew", icon=":material/refresh:", on_click=start_quality, args=(home, model_id))

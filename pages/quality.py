"""Quality: how good the model is beside simple methods, for whom it works and for whom it does not."""

import streamlit as st

from pages import making, promoting, shared, tables
from recsys.charts import quality as charts
from recsys.services.dials import popularity_dial
from recsys.services.jobs import cancel_job, start_quality
from recsys.views import quality
from recsys.views.glossary import meaning

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


def assessment() -> None:
    """How far it is, or the button that starts it: one place, so that what was pressed stays in view."""
    run = quality.report_run(home, model_id)
    if run is not None and run.active:
        with st.container(border=True):
            st.header("Finding out how good the model is", icon=":material/hourglass_top:", anchor=False)
            under_way()
        return
    if run is not None and run.state == "failed":
        st.error(shared.plain(run.message), title="The last assessment failed", icon=":material/error:")
    if st.button("Find out" if view is None else "Find out anew", icon=":material/play_arrow:",
                 type="primary" if view is None else "secondary"):  # fmt: skip
        with shared.problems_shown():
            start_quality(home, model_id)
            st.rerun()


def dial() -> None:
    """The popularity dial: what each turn gives, and a button that makes a model of one."""
    st.header("Popularity dial", anchor=False)
    shared.describe(
        f"{meaning('popularity dial')} 1 is as it was trained; this model stands at {view.popularity:g}. Measured on "
        "the validation set. Turning it needs no training."
    )
    if not view.frontier:
        st.caption("This model was stored without these figures; train again to see them.")
        return
    st.plotly_chart(
        charts.frontier(view.frontier, view.popularity), config=shared.STILL, alt="Accuracy against catalogue coverage"
    )
    others = [point["popularity"] for point in view.frontier if point["popularity"] != view.popularity]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        wanted = st.selectbox("Turn it to", others, format_func=lambda value: f"{value:g}", key="dial", width=120)
        pressed = st.button(
            "Make this model", icon=":material/tune:", help="It is stored beside the live one; nothing goes live."
        )
    if pressed:
        with shared.problems_shown():
            with making.waiting("Turning the dial and measuring the new model") as bar:
                made = popularity_dial.turn_and_store(home, model_id, float(wanted), on_progress=bar)
            st.session_state.turned = made.id
    if made_id := st.session_state.get("turned"):
        st.success("It is stored. What it would change, and the way to make it live, is on its page.")
        st.page_link("models.py", label="See what would change", icon=":material/difference:",
                     query_params={"model": made_id}, help="")  # fmt: skip


view = quality.view(home)
if view is None:
    st.title("How good is it?", anchor=False)
    st.markdown(
        "Nothing has been found out about this model yet beyond the Home page. An assessment fits the usual simple "
        "methods beside it, measures every segment, trains anew from other seeds to see what is noise, and keeps "
        "products and shoppers out of a training to see how it does with new ones. It takes a few minutes, in the "
        "background."
    )
    assessment()
    bars = quality.bars_of(live.model.manifest.metrics, "discover")
    if len(bars) > 2:
        with st.container(border=True):
            st.header("Beside simple methods, from its training", anchor=False)
            st.plotly_chart(charts.methods(bars), config=shared.STILL, alt="NDCG@10 of every method")
    st.stop()

with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    st.badge("Live", icon=":material/check_circle:", color="green")
    st.caption(shared.plain(f"Model {promoting.called(view.model_id)}"))
lane = st.segmented_control(
    "Lane", list(view.lanes), format_func=view.lanes.get, default=next(iter(view.lanes)), required=True, key="lane",
    bind="query-params", label_visibility="collapsed",
    help="Discover: products they had never bought. Buy again: products they had bought before.",
)  # fmt: skip
st.title(shared.plain(view.verdict[lane]), anchor=False)
st.markdown(shared.plain(view.evidence[lane]))
with st.container():  # of its own: a bound widget leaves the link when what stands above it comes or goes
    assessment()
with st.container(border=True):
    st.header("Beside simple methods", anchor=False)
    shared.describe("Each was fitted to the same purchases and judged on the same shoppers. Intervals are 95%.")
    st.plotly_chart(charts.methods(view.bars[lane]), config=shared.STILL, alt=view.evidence[lane])
    if lane == "discover":
        shared.describe(view.noise)
    with st.expander("All measures", icon=":material/table:"):
        tables.show(
            view.table[lane],
            column_config={name: st.column_config.TextColumn(name, help=text) for name, text in view.meanings.items()},
            alt="Every measure of every method",
        )
if lane != "discover":
    st.info(
        "Segments, health, popularity dial, new shoppers and new products are about products that a shopper had never "
        "bought: choose Discover above to see them.", icon=":material/info:",
    )  # fmt: skip
    st.stop()

left, right = st.columns([3, 2], gap="small")
with left, st.container(border=True, height="stretch"):
    st.header("For whom it works", anchor=False)
    if view.segments:
        kind = st.selectbox("By", list(view.segments), key="by", bind="query-params")
        shared.describe("Those who gain least over bestsellers come first.")
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
    st.header("Health", anchor=False)
    for state, name, sentence in view.health:
        st.badge(shared.plain(name), icon=ICONS[state], color=COLOURS[state])
        shared.describe(sentence)

left, right = st.columns(2, gap="small")
with left, st.container(border=True, height="stretch"):
    dial()
with right, st.container(border=True, height="stretch"):
    st.header("New shoppers", anchor=False)
    shared.describe("A tenth of the shoppers was kept out of a training, then made known little by little.")
    st.plotly_chart(
        charts.cold_users(view.cold_users, view.cold_users_reference), config=shared.STILL,
        alt="NDCG@10 of new shoppers by how much is known of them",
    )  # fmt: skip
with st.container(border=True):
    st.header("New products", anchor=False)
    shared.describe(view.cold_items_note)
    st.plotly_chart(
        charts.methods(view.cold_items, "NDCG@10 among new products only"), config=shared.STILL,
        alt="NDCG@10 of products that no training had seen",
    )  # fmt: skip

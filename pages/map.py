"""Map: all products as the model sees them, and for any one of them those that are truly next to it."""

import streamlit as st

from pages import shared
from recsys import charts_map, map_colours, map_view
from recsys.errors import InsiderError

MAP = {"scrollZoom": True, "modeBarButtonsToRemove": ["autoScale2d"]}

live = shared.live()
home = shared.workspace()
state = st.session_state
COLOURINGS = map_colours.colourings(live)


@st.fragment(run_every=shared.REFRESH_SECONDS)
def drawing() -> None:
    """How far the drawing is; goes on by itself."""
    try:
        run = map_view.last_run(home, live.model.id)
    except InsiderError as error:
        shared.problem(error)
        return
    if run is not None and run.state == "done":
        st.rerun()
    if run is not None and run.active:
        st.markdown("The products are being arranged, in the background. You can leave this page open.")
        shared.show_progress(run)
        if st.button("Stop", icon=":material/stop_circle:"):
            home.cancel(run.id)
        return
    if run is not None and run.state == "failed":
        st.error(shared.plain(run.message), title="The last drawing failed", icon=":material/error:")
    else:
        st.markdown("This model has no map yet. Drawing one takes about a minute and disturbs nobody.")
    if st.button("Draw the map", type="primary", icon=":material/scatter_plot:"):
        home.start_map(live.model.id)
        st.rerun(scope="fragment")


def pick(found: list[str], table: str) -> None:
    """Callback of a table of products: choose the one in the selected row."""
    rows = state[table].selection.rows
    if rows:
        state.item = found[rows[0]]


def forget() -> None:
    """Callback of "Whole map": no product is looked at any more."""
    state.item = ""


def pick_on_map() -> None:
    """Callback of the map: a click looks at one product."""
    clicked = map_view.clicked(state.map)
    if clicked:
        state.item = clicked


if live.map is None:
    _, middle, _ = st.columns([1, 4, 1])
    with middle, st.container(border=True, gap="small"):
        st.subheader("The map is not drawn yet", icon=":material/scatter_plot:", anchor=False)
        drawing()
    st.stop()

better = shared.by_label("colour", COLOURINGS)
if better and "colour" not in state:
    st.query_params.update(better)
    st.rerun()

with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    query = st.text_input(
        "Find a product", key="item", bind="query-params", width=280, placeholder="Words or a product number",
        icon=":material/search:",
    ).strip()  # fmt: skip
    by = st.selectbox(
        "Colour by", list(COLOURINGS), format_func=COLOURINGS.get, key="colour", bind="query-params", width=180
    )
    if query:
        st.button("Whole map", icon=":material/zoom_out_map:", on_click=forget)

found = map_view.find(home, query)
points = map_view.points(live)
focus = found.focus
left, right = st.columns([7, 3], gap="small")
with left:
    st.plotly_chart(
        charts_map.catalogue(
            points,
            map_colours.colouring(live, by),
            layers=charts_map.layers_of(focus),
            centre=None if focus is None else focus.row,
            currency=found.currency,
        ),
        key="map",
        on_select=pick_on_map,
        selection_mode=("points",),
        config=MAP,
        alt=map_view.summary(live),
    )
with right:
    if focus is not None:
        st.subheader(shared.plain(focus.title), anchor=False)
        shared.describe(focus.facts)
        st.markdown("**Truly nearest**", help="By the cosine of the embeddings; the picture can only come close.")
        table = focus.neighbours
    elif found.products is not None and len(found.products):
        st.markdown("**Which one?**")
        table = found.products
    elif query:
        st.warning(shared.plain(f"No product has {query!r} in its title, categories or number."))
        table = None
    else:
        shared.describe(map_view.summary(live))
        st.caption("Click a point, or search, to see what is truly next to it.")
        table = None
    if table is not None:
        ids = table["item_id"].tolist()
        st.dataframe(
            table,
            key=f"near_{focus.item_id if focus else query}",
            on_select=lambda: pick(ids, f"near_{focus.item_id if focus else query}"),
            selection_mode="single-row",
            hide_index=True,
            height=min(38 + 35 * len(ids), 470),
            column_order=["title", "likeness", "category", "popularity"],
            column_config={
                "title": st.column_config.TextColumn("Product", width=210),
                "category": st.column_config.TextColumn("Category", width=110),
                "likeness": st.column_config.ProgressColumn(
                    "Likeness", min_value=0, max_value=100, format="%d%%", width=90
                ),
                "popularity": st.column_config.NumberColumn("Shoppers", format="localized", width=70),
            },
            alt="Products",
        )

"""Shopper: one shopper's history beside what the model recommends, and why. The link reproduces the view."""

import secrets

import streamlit as st

from pages import shared
from recsys import charts, shopper, words
from recsys.errors import InsiderError, NotFound
from recsys.recommender import LANES, MAX_K

LANE_NAMES = {"discover": "Discover", "again": "Buy again", "all": "Both"}

live = shared.live()
home = shared.workspace()
state = st.session_state
attributes = shopper.attribute_values(live)
LEVEL_NAMES = {level: words.label(level) for level in shopper.levels(live)}


def segment() -> dict[str, str]:
    """The attributes chosen in the finder."""
    return {name: state[f"by_{name}"] for name in attributes if state.get(f"by_{name}")}


def go(step: int) -> None:
    """Callback of previous, next and random (0): choose another shopper of the segment."""
    try:
        if step:
            state.shopper = shopper.neighbour(live, state.shopper, step, segment())
        else:
            state.shopper = shopper.any_shopper(live, secrets.randbits(32), segment())
    except NotFound as error:
        state.finder_problem = str(error)


def pick(found: list[str], table: str) -> None:
    """Callback of a table of shoppers: choose the one in the selected row."""
    rows = state[table].selection.rows
    if rows:
        state.shopper = found[rows[0]]


def pick_item(found: list[str]) -> None:
    """Callback of the table of recommendations: explain the one in the selected row."""
    rows = state.recommended.selection.rows
    if rows:
        state.why = found[rows[0]]


def show_found(query: str, key: str) -> None:
    """A table of shoppers to pick from."""
    found = home.find_users(query, segment(), limit=20)
    if not len(found):
        st.caption("No shopper fits.")
        return
    ids = found["user_id"].tolist()
    st.dataframe(
        found,
        key=key,
        on_select=lambda: pick(ids, key),
        selection_mode="single-row",
        hide_index=True,
        height=min(38 + 35 * len(found), 300),
        column_config={
            "user_id": st.column_config.TextColumn("Shopper", pinned=True),
            "purchases": st.column_config.NumberColumn("Purchases", format="localized"),
            "products": st.column_config.NumberColumn("Products", format="localized"),
            "last": st.column_config.DateColumn("Last bought", format="D MMM YYYY"),
            **{name: st.column_config.TextColumn(words.label(name)) for name in attributes},
        },
        alt="Shoppers that fit",
    )


if "shopper" not in state:
    link = {name: st.query_params.get_all(name) for name in ("shopper", "k", "lane", "category", "level")}
    better = shared.by_label("lane", LANE_NAMES) | shared.by_label("level", LEVEL_NAMES)
    if not link["shopper"]:
        better["shopper"] = shopper.first_shopper(live)
    if better:
        st.query_params.update(better)
        st.rerun()
    for sentence in shopper.link_problems(live, link, {"lane": LANE_NAMES, "level": LEVEL_NAMES}):
        st.warning(shared.plain(f"The link asks for what does not exist: {sentence} The usual is shown instead."))

with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    user_id = st.text_input("Shopper", key="shopper", bind="query-params", width=150, placeholder="Number").strip()
    st.button("Previous", icon=":material/chevron_left:", on_click=go, args=(-1,))
    st.button("Next", icon=":material/chevron_right:", on_click=go, args=(1,))
    st.button("Random", icon=":material/casino:", on_click=go, args=(0,))
    with st.popover("Find", icon=":material/search:", on_change="rerun", width="content") as finder:
        st.caption("Previous, next and random stay among those who fit.")
        with st.grid(2, min_column_width=140, gap="small"):
            for name, values in attributes.items():
                st.selectbox(
                    words.label(name), [None, *values], format_func=lambda value: value or "Any",
                    key=f"by_{name}", bind="query-params",
                )  # fmt: skip
        if finder.open:
            show_found("", "found")
if problem := state.pop("finder_problem", ""):
    st.warning(shared.plain(problem))

with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    lane = st.segmented_control(
        "Show", LANES, format_func=LANE_NAMES.get, default=LANES[0], required=True, key="lane", bind="query-params",
        help="Discover: products they have never bought. Buy again: what they bought before. Both: mixed in the "
        "proportion in which people shop.",
    )  # fmt: skip
    k = st.number_input("How many", 1, MAX_K, 10, key="k", bind="query-params", width=130)
    categories = st.multiselect(
        "Only these categories", shopper.category_names(live), key="category", bind="query-params", width=320,
        placeholder="All categories",
    )  # fmt: skip
    since = st.toggle(
        "What they bought since", key="since", bind="query-params",
        help="Adds what they bought for the first time in the period that the model has not seen.",
    )  # fmt: skip

try:
    view = shopper.view(home, user_id, k=k, lane=lane, category=categories, level=state.get("level"), since=since)
except InsiderError as error:
    st.error(shared.plain(error), icon=":material/person_search:")
    st.caption("Pick one of these instead, or press Random.")
    show_found(user_id[:1], "instead")
    st.stop()

st.title(shared.plain(f"Shopper {view.user_id}"), anchor=False)
with st.container(horizontal=True, gap="xsmall"):
    for name, value in view.attributes:
        st.badge(shared.plain(f"{name}: {value}"), color="gray")
    if not view.attributes:
        st.caption("Nothing is known of them but what they bought.")
shared.describe(view.summary)

money = f"{view.currency}%.2f"
left, right = st.columns([9, 13], gap="small")
with left, st.container(border=True, height="stretch"):
    st.subheader("Bought so far", anchor=False)
    shared.describe(view.learned)
    st.dataframe(
        view.history,
        hide_index=True,
        height=390,
        column_order=[*(["since"] if since else []), "title", "category", "count", "value", "last"],
        column_config={
            "title": st.column_config.TextColumn("Product", width=190),
            "category": st.column_config.TextColumn("Category", width=72),
            "count": st.column_config.NumberColumn("Times", format="localized", width=44),
            "value": st.column_config.NumberColumn("Spent", format=money, width=62),
            "last": st.column_config.DateColumn("Last", format="D MMM YY", width=66),
            "since": st.column_config.TextColumn("New", width=40),
        },
        alt=f"Purchases of shopper {view.user_id}",
    )
with right, st.container(border=True, height="stretch"):
    st.subheader("Recommended", anchor=False)
    shared.describe(view.verdict)
    item_ids = view.recommended["item_id"].tolist()
    st.dataframe(
        view.recommended,
        key="recommended",
        on_select=lambda: pick_item(item_ids),
        selection_mode="single-row",
        hide_index=True,
        height=390,
        column_order=["rank", "title", "category", *view.score_columns, "popularity", "since"],
        column_config={
            "rank": st.column_config.NumberColumn("#", width=30),
            "title": st.column_config.TextColumn("Product", width=270),
            "category": st.column_config.TextColumn("Category", width=84),
            "match": st.column_config.ProgressColumn(
                "Match", min_value=0, max_value=100, format="%d", width=82,
                help="100: the best product for this shopper. 0: a product in the middle of their ranking.",
            ),
            "times": st.column_config.NumberColumn("Times bought", format="localized", width=60),
            "popularity": st.column_config.NumberColumn(
                "Popular", format="#%d", width=62, help="#1 is bought by more shoppers than any other product."
            ),
            "since": st.column_config.TextColumn(
                "Bought", width=66,
                help="When they really bought it, in the period that the model has not seen.",
            ),
        },
        alt=f"Recommendations for shopper {view.user_id}",
    )  # fmt: skip

if not item_ids:
    st.stop()
titles = {item.item_id: f"{item.rank}. {item.title}" for item in view.answer.items}
left, right = st.columns(2, gap="small")
with left, st.container(border=True, height="stretch"):
    heading = st.empty()
    chosen = st.selectbox(
        "Product", item_ids, format_func=titles.get, key="why", bind="query-params", label_visibility="collapsed"
    )
    reasons = shopper.why(live, user_id, view.answer.items[item_ids.index(chosen)], view.currency)
    heading.subheader("Why this product", anchor=False, help=shared.plain(reasons.footnote))
    shared.describe(reasons.facts)
    st.markdown(shared.plain(reasons.sentence))
    if reasons.parts:
        st.plotly_chart(charts.score_parts(reasons.parts), config=shared.STILL, alt=reasons.sentence)
    st.page_link(
        "map.py", label="See it on the map", icon=":material/scatter_plot:", query_params={"item": chosen}, help=""
    )
    st.markdown("**Most like it among what they bought**")
    st.dataframe(
        reasons.nearest,
        hide_index=True,
        column_config={
            "title": st.column_config.TextColumn("Product"),
            "likeness": st.column_config.ProgressColumn(
                "Likeness", min_value=0, max_value=100, format="%d%%", width=120
            ),
        },
        alt="Products of the history that are most like the chosen one",
    )
with right, st.container(border=True, height="stretch"):
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader("Mix of categories", anchor=False)
        if len(LEVEL_NAMES) > 1:
            st.segmented_control(
                "Level", list(LEVEL_NAMES), format_func=LEVEL_NAMES.get, default=next(iter(LEVEL_NAMES)), required=True,
                key="level", bind="query-params", label_visibility="collapsed",
            )  # fmt: skip
    shared.describe("The line is the gap between what they bought and what is recommended.")
    st.plotly_chart(
        charts.category_mix(view.mix), config=shared.STILL, alt="Category shares: bought, recommended, whole shop"
    )

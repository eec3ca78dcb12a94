"""Product: who buys it, what is like it, what the same people buy, and to whom it would be recommended."""

from html import escape
from typing import Any

import streamlit as st

from pages import making, shared, tables
from pages.product_list import product_list
from recsys.errors import InsiderError
from recsys.services import export
from recsys.services.search.item_search import find_items
from recsys.utils import formatting as fmt
from recsys.views import product
from recsys.views.shopper import currency_of

live = shared.live()
home = shared.workspace()
state = st.session_state
currency = currency_of(home, live)
PICTURE = 'style="width:96px;height:96px;object-fit:contain;border-radius:8px"'


def choose(item: str) -> None:
    """Callback of a list of products: show another one."""
    state.item = item


def products(table: Any, key: str, label: str, measure: tuple[str, str] | None = None, note: str = "") -> None:
    """A list of products that lead to their own pages; nothing when there are none."""
    if not len(table):
        st.caption("None.")
        return
    product_list(product.listed(live, table, measure, note, currency), key, label, on_open=choose)


if "item" not in state and "item" not in st.query_params:
    state.item = find_items(home, limit=1)["item_id"].iloc[0]

with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    item_id = st.text_input("Product", key="item", bind="query-params", width=150, placeholder="Number").strip()
    with st.popover("Find", icon=":material/search:", on_change="rerun", width="content") as finder:
        query = st.text_input("Words of product or category", key="item_words")
        if finder.open:
            products(find_items(home, query, limit=20), "item_matches", "Products that fit")

try:
    view = product.view(home, item_id)
except InsiderError as error:
    st.title("No such product", anchor=False)
    st.error(shared.said(error), icon=":material/search_off:")
    st.caption("Pick one of these instead.")
    products(find_items(home, "", limit=20), "item_instead", "Popular products")
    st.stop()

st.set_page_config(page_title=f"{fmt.shortened(view.title, 60)} · Insider")
with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    if picture := product.picture_of(live, item_id):
        st.html(f'<img src="{escape(picture)}" alt="" loading="lazy" referrerpolicy="no-referrer" {PICTURE}>', width=96)
    st.title(shared.plain(fmt.shortened(view.title, 90)), anchor=False)
shared.describe(view.facts)
st.markdown(shared.plain(view.summary))
st.page_link(
    "map.py", label="Its place on the map", icon=":material/scatter_plot:", query_params={"item": item_id}, help=""
)

left, right = st.columns(2, gap="small")
with left, st.container(border=True, height="stretch"):
    st.header("Like it, says the model", anchor=False)
    shared.describe("Products whose embeddings point the same way: they suit the same taste.")
    products(view.similar, "similar", "Products like it", ("Likeness", "likeness"))
with right, st.container(border=True, height="stretch"):
    st.header("Bought by the same people", anchor=False)
    shared.describe("Counted, without a model: how much the two groups of buyers overlap.")
    products(view.together, "together", "Products bought by the same people", ("Overlap", "strength"), "both")

left, right = st.columns(2, gap="small")
with left, st.container(border=True, height="stretch"):
    st.header("Who buys it", anchor=False)
    if len(view.who):
        shared.describe("Where buyers differ most from all shoppers, among those of whom it is known.")
        tables.show(
            shared.in_percent(view.who, "share", "everybody"),
            column_order=["attribute", "value", "share", "everybody", "times"],
            column_config={
                "attribute": st.column_config.TextColumn("What"),
                "value": st.column_config.TextColumn("Value"),
                "share": st.column_config.NumberColumn("Buyers", format=shared.PERCENT),
                "everybody": st.column_config.NumberColumn("All", format=shared.PERCENT),
                "times": st.column_config.NumberColumn("Times", format="%.2f ×"),
            },
            alt="Attributes of the buyers",
        )  # fmt: skip
    else:
        st.caption("Nothing is known of its buyers, or they are fewer than five.")
with right, st.container(border=True, height="stretch"):
    st.header("To whom it would be recommended", anchor=False)
    people = making.once(
        ("audience", str(home.settings.home), live.model.id, item_id), "Looking through all shoppers",
        lambda bar: product.audience(live, item_id, on_progress=bar),
    )  # fmt: skip
    if people.in_lists is not None:
        shared.describe(f"It stands among the first ten new products of {fmt.number(people.in_lists)} shoppers.")
    shared.describe("Shoppers who have not bought it, whom it suits best first.")
    ids = people.table["user_id"].tolist()

    def open_shopper(rows: list[int]) -> None:
        if rows:
            state.shopper_asked = ids[rows[0]]

    tables.show(
        people.table, on_rows=open_shopper, key="audience", height=300,
        placeholder="–",
        column_config={
            "user_id": st.column_config.TextColumn("Shopper", pinned=True),
            **{name: st.column_config.TextColumn(fmt.label(name)) for name in live.model.user_attributes},
            "match": st.column_config.NumberColumn(
                "Match", format="%.1f", help="Standard deviations above the mean of their scores."
            ),
            "place": st.column_config.NumberColumn("Place", format="#%d", help="Among the products new to them."),
        },
        alt="Audience of the product; choose a shopper to see them",
    )  # fmt: skip
    other = st.selectbox("Open a shopper of the table", ids, index=None, key="open_shopper", placeholder="Choose one")
    if user := state.pop("shopper_asked", None) or other:
        state.pop("open_shopper", None)
        state.shopper = user
        st.switch_page("shopper.py", query_params={"shopper": user})
    st.download_button(
        "Audience as CSV", lambda: export.csv_bytes(people.table), product.file_name(item_id),
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip

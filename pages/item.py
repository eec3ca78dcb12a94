"""Product: who buys it, what is like it, what the same people buy, and to whom it would be recommended."""

from typing import Any

import streamlit as st

from pages import shared
from recsys.errors import InsiderError
from recsys.services.item_search import find_items
from recsys.utils import formatting as fmt
from recsys.views import export, product

live = shared.live()
home = shared.workspace()
state = st.session_state


def pick(found: list[str], table: str) -> None:
    """Callback of a table of products: show the one in the selected row."""
    rows = state[table].selection.rows
    if rows:
        state.item = found[rows[0]]


def products(table: Any, key: str, columns: dict[str, object], alt: str) -> None:
    """A table of products to pick from."""
    if not len(table):
        st.caption("None.")
        return
    found = table["item_id"].tolist()
    st.dataframe(
        table, key=key, on_select=lambda: pick(found, key), selection_mode="single-row", hide_index=True,
        column_order=["title", "category", *columns], alt=alt,
        column_config={"title": st.column_config.TextColumn("Product", width=200),
                       "category": st.column_config.TextColumn("Category", width=90), **columns},
    )  # fmt: skip


if "item" not in state and "item" not in st.query_params:
    state.item = find_items(home, limit=1)["item_id"].iloc[0]

with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    item_id = st.text_input("Product", key="item", bind="query-params", width=150, placeholder="Number").strip()
    with st.popover("Find", icon=":material/search:", on_change="rerun", width="content") as finder:
        query = st.text_input("Words of product or category", key="item_words")
        if finder.open:
            matches = find_items(home, query, limit=20)
            columns = {"popularity": st.column_config.NumberColumn("Shoppers", format="localized")}
            products(matches, "item_matches", columns, "Products that fit")

try:
    view = product.view(home, item_id)
except InsiderError as error:
    st.error(shared.plain(error), icon=":material/search_off:")
    st.caption("Pick one of these instead.")
    products(find_items(home, "", limit=20), "item_instead", {}, "Popular products")
    st.stop()

st.title(shared.plain(fmt.shortened(view.title, 90)), anchor=False)
shared.describe(view.facts)
st.markdown(shared.plain(view.summary))
st.page_link(
    "map.py", label="Its place on the map", icon=":material/scatter_plot:", query_params={"item": item_id}, help=""
)

left, right = st.columns(2, gap="small")
with left, st.container(border=True, height="stretch"):
    st.subheader("Like it, says the model", anchor=False)
    shared.describe("Products whose embeddings point the same way: they suit the same taste.")
    bar = st.column_config.ProgressColumn("Likeness", min_value=0, max_value=100, format="%d%%", width=110)
    products(view.similar, "similar", {"likeness": bar}, "Products like it")
with right, st.container(border=True, height="stretch"):
    st.subheader("Bought by the same people", anchor=False)
    shared.describe("Counted, without a model: how much the two groups of buyers overlap.")
    bar = st.column_config.ProgressColumn("Overlap", min_value=0, max_value=100, format="%d%%", width=110)
    both = st.column_config.NumberColumn("Both", format="localized", width=60, help="Shoppers who have both.")
    products(view.together, "together", {"both": both, "strength": bar}, "Products bought by the same people")

left, right = st.columns(2, gap="small")
with left, st.container(border=True, height="stretch"):
    st.subheader("Who buys it", anchor=False)
    if len(view.who):
        shared.describe("Where buyers differ most from all shoppers, among those of whom it is known.")
        st.dataframe(
            view.who, hide_index=True, column_order=["attribute", "value", "share", "everybody", "times"],
            column_config={
                "attribute": st.column_config.TextColumn("What"),
                "value": st.column_config.TextColumn("Value"),
                "share": st.column_config.NumberColumn("Buyers", format="percent"),
                "everybody": st.column_config.NumberColumn("All", format="percent"),
                "times": st.column_config.NumberColumn("Times", format="%.2f ×"),
            },
            alt="Attributes of the buyers",
        )  # fmt: skip
    else:
        st.caption("Nothing is known of its buyers, or they are fewer than five.")
with right, st.container(border=True, height="stretch"):
    st.subheader("To whom it would be recommended", anchor=False)
    with st.spinner("Looking through all shoppers…"):
        people = product.audience(live, item_id)
    if people.in_lists is not None:
        shared.describe(f"It stands among the first ten new products of {fmt.number(people.in_lists)} shoppers.")
    shared.describe("Shoppers who have not bought it, whom it suits best first.")
    ids = people.table["user_id"].tolist()
    chosen = st.dataframe(
        people.table, on_select="rerun", selection_mode="single-row", key="audience", hide_index=True, height=300,
        placeholder="–",
        column_config={
            "user_id": st.column_config.TextColumn("Shopper", pinned=True),
            **{name: st.column_config.TextColumn(fmt.label(name)) for name in live.model.user_attributes},
            "match": st.column_config.NumberColumn("Match", format="%.1f σ", help="Above their own mean score."),
            "place": st.column_config.NumberColumn("Place", format="#%d", help="Among the products new to them."),
        },
        alt="Audience of the product; select a shopper to see them",
    )  # fmt: skip
    for row in chosen.selection.rows:
        state.shopper = ids[row]
        st.switch_page("shopper.py", query_params={"shopper": ids[row]})
    st.download_button(
        "Audience as CSV", lambda: export.csv_bytes(people.table), product.file_name(item_id),
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip

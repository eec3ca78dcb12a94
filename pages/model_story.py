"""What a model learned, told by examples: the section of the Models page."""

from collections.abc import Sequence

import streamlit as st

from pages import making, shared
from recsys.services.model_card.page_links import Link
from recsys.services.model_card.shopper_examples import ShopperExample
from recsys.services.model_card.story import Story, story

PAGES = {
    "shopper": ("shopper.py", "Shopper", ":material/shopping_basket:"),
    "item": ("item.py", "Product", ":material/sell:"),
    "map": ("map.py", "On the map", ":material/scatter_plot:"),
}
"""The file of a page, what a link to it is called, and its icon."""


def show(model_id: str) -> None:
    """The story of a model; worked out once for each visitor, with what is done in view."""
    home = shared.workspace()
    told = making.once(
        ("story", str(home.settings.home), model_id, home.live_id()),
        "Reading the model",
        lambda bar: story(home, model_id, on_progress=bar),
    )
    if told.shoppers is None:
        st.info(shared.plain(told.note), icon=":material/info:")
    else:
        st.markdown(f"**{shared.plain(told.shoppers.headline())}**")
        shared.describe(told.shoppers.evidence)
        _shoppers("Served best", told.shoppers.best)
        _shoppers("Ahead of bestsellers", told.shoppers.ahead)
        _shoppers("Served worst", told.shoppers.worst)
    _pairs(told)
    shared.describe(told.seen)


def _shoppers(title: str, examples: Sequence[ShopperExample]) -> None:
    if not examples:
        return
    st.subheader(title, anchor=False)
    with st.grid(3, min_column_width=300, gap="small"):
        for example in examples:
            with st.container(border=True, gap="small"):
                st.markdown(shared.plain(example.words()))
                for heading, titles in example.lines():
                    st.markdown(f"**{heading}**  \n{shared.plain(titles)}")
                _links(example.links)


def _pairs(told: Story) -> None:
    st.subheader("Pairs that nobody would guess", anchor=False)
    with st.grid(3, min_column_width=300, gap="small"):
        for example in told.pairs:
            with st.container(border=True, gap="small"):
                st.markdown(shared.plain(example.pair.words()))
                _links(example.links)
    shared.describe(told.looked_at)


def _links(links: Sequence[Link]) -> None:
    with st.container(horizontal=True, gap="small"):
        for link in links:
            file, name, icon = PAGES[link.page]
            subject = link.query.get(link.page, "")
            st.page_link(file, label=shared.plain(f"{name} {subject}".strip()), icon=icon, query_params=link.query,
                         help="")  # fmt: skip

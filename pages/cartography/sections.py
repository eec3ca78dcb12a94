"""What stands below the map: the selection, what is odd, another model beside this one."""

from typing import Any

import streamlit as st

from pages import promoting, shared, tables
from recsys.errors import InsiderError
from recsys.item_map import scene
from recsys.item_map import selection as map_selection
from recsys.item_map.oddities import KINDS
from recsys.item_map.points import ItemMap, open_map
from recsys.services import export
from recsys.services.stored_models import stored_models
from recsys.services.workspace import Workspace
from recsys.utils import formatting as fmt

state = st.session_state
LISTED = 15
ODD_WORDS = {
    "wrong": "Products whose title reads like another category than the one they stand in; first those where every "
    "category level disagrees. Behaviour alone does not tell such mistakes, titles do.",
    "alone": "Products that nothing is near to in the model: bought by people who have little else in common, or new.",
    "twice": "Products with the same words in the title that the same kind of shopper buys: perhaps one is enough.",
}


def look_at(found: list[str], rows: list[int]) -> None:
    """Callback of a table of products: fly to the one in the chosen row."""
    if rows:
        go_to(found[rows[0]])


def go_to(item_id: str) -> None:
    """Callback: fly to a product."""
    state.item = item_id


def products(table: Any, of: int) -> None:
    """The first of `of` products as buttons, which a keyboard and a thumb can use: each flies to its product."""
    with st.container(gap=None, key="map_products"):
        for row in table.head(LISTED).itertuples():
            likeness = f" · {row.likeness:.0f}% alike" if "likeness" in table else ""
            st.button(
                shared.plain(f"{row.title}{likeness}"), key=f"to_{row.item_id}", type="tertiary", on_click=go_to,
                args=(str(row.item_id),), icon=":material/arrow_forward:",
                help=shared.plain(f"{row.category} · {fmt.plural(int(row.popularity), 'shopper')}"),
            )  # fmt: skip
    if of > LISTED:
        shared.describe(f"The first {LISTED} of {fmt.number(of)}; another word narrows it down.")


def choose_one(table: Any, key: str) -> None:
    """The same for a long table: a list to type into."""
    titles = dict(zip(table["item_id"].astype(str), table["title"].astype(str), strict=True))
    st.selectbox(
        "Show on the map", list(titles), index=None, key=key, format_func=titles.get, placeholder="Choose a product",
        on_change=lambda: state[key] and go_to(state[key]),
    )  # fmt: skip


def selection(home: Workspace, item_map: ItemMap, chosen: tuple[str, ...], currency: str) -> None:
    """What is in the box or lasso."""
    if not chosen:
        shared.describe(
            "Nothing is selected. Choose the lasso or the box at the top right of the map, and draw around products."
        )
        return
    view = scene.selection(item_map, chosen, currency)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{shared.plain(view.summary)}**")
        st.download_button(
            "Products", lambda: export.csv_bytes(view.items), "selection.csv", icon=":material/download:",
            on_click="ignore", help="These products as a table for a spreadsheet.",
        )  # fmt: skip
        st.download_button(
            "Audience", lambda: export.csv_bytes(view.audience), "audience.csv", icon=":material/group:",
            on_click="ignore", help="Everybody who bought any of them: shopper, products, purchases, money spent.",
        )  # fmt: skip
        with st.popover("Make a rule", icon=":material/rule:"):
            name = st.text_input("Name of the rule set", "From the map", key="rule_name")
            strength = st.slider("Push down or up", -3.0, 3.0, 1.0, 0.5, help="1: as much as products usually differ.")
            reason = map_selection.why_no_rule(chosen)
            if reason:
                st.caption(shared.plain(reason))
            if st.button("Store the rule set", type="primary", disabled=bool(reason)):
                try:
                    stored = map_selection.save_rule(home, name, chosen, strength)
                    st.success(shared.plain(f"Stored as {stored.label}. Try it on the Shopper page."))
                except InsiderError as error:
                    shared.problem(error)
    left, middle, right = st.columns([5, 3, 3], gap="small")
    with left:
        st.markdown("**Most bought**")
        tables.show(
            view.items.head(200),
            height=330,
            column_order=["title", "category", "popularity", "spent"],
            column_config={
                "title": st.column_config.TextColumn("Product", width=230),
                "category": st.column_config.TextColumn("Category", width=110),
                "popularity": st.column_config.NumberColumn("Shoppers", format="localized", width=70),
                "spent": st.column_config.NumberColumn("Spent", format=shared.money_format(currency), width=80),
            },
            alt="Products in the selection",
        )
    with middle:
        st.markdown("**Categories**")
        _shares(view.mix, "category", "Category")
    with right:
        st.markdown("**Who buys it**")
        if len(view.buyers):
            _shares(view.buyers, "value", "Shoppers")
        else:
            st.caption("Nothing is known of the shoppers but what they bought.")


def _shares(table: Any, name: str, title: str) -> None:
    tables.show(
        shared.in_percent(table, "share", "of_all"),
        height=330,
        column_order=[name, "share", "of_all"],
        column_config={
            name: st.column_config.TextColumn(title, width=130),
            "share": st.column_config.NumberColumn("Here", format=shared.PERCENT, width=60),
            "of_all": st.column_config.NumberColumn("Of all", format=shared.PERCENT, width=60),
        },
        alt=f"{title}: share here and of all",
    )


def odd(item_map: ItemMap, kind: str) -> None:
    """A list for whoever looks after the catalogue."""
    table = scene.odd_ones(item_map, kind)
    shared.describe(ODD_WORDS[kind])
    if not len(table):
        st.caption("Nothing of this kind was found.")
        return
    ids = table["item_id"].tolist()
    choose_one(table, f"one_{kind}")
    tables.show(
        table,
        key=f"odd_{kind}",
        on_rows=lambda rows: look_at(ids, rows),
        action="On the map",
        height=360,
        column_order=["title", "category", "instead", "why", "popularity"],
        column_config={
            "title": st.column_config.TextColumn("Product", width=260),
            "category": st.column_config.TextColumn("Stands in", width=150),
            "instead": st.column_config.TextColumn("Rather" if kind == "wrong" else "Nearest product", width=170),
            "why": st.column_config.TextColumn("Why", width=330),
            "popularity": st.column_config.NumberColumn("Shoppers", format="localized", width=70),
        },
        alt=KINDS[kind],
    )
    st.download_button(
        "Take the list along",
        lambda: export.csv_bytes(table),
        f"odd-{kind}.csv",
        icon=":material/download:",
        on_click="ignore",
    )


def compare(home: Workspace, item_map: ItemMap, by: str, currency: str, chosen: tuple[str, ...]) -> None:
    """Another model's map beside this one."""
    others = [model.id for model in stored_models(home) if model.has_map and model.id != item_map.live.model.id]
    if not others:
        shared.describe("No other model has a map. Train one on the Train page; its map is drawn by itself.")
        return
    names = {model: promoting.called(model) for model in (item_map.live.model.id, *others)}
    if better := shared.by_label("other", names):
        st.query_params.update(better)
        st.rerun()
    other = st.selectbox(
        "The other model", others, key="other", bind="query-params", width=260, format_func=names.__getitem__
    )
    second = open_map(home, home.load(other))
    laid = scene.comparison(item_map, second)
    shared.describe(laid.summary)
    left, right = st.columns(2, gap="small")
    figures = scene.other_figure(item_map, second, by, currency, chosen)
    for place, figure, name in zip((left, right), figures, (item_map.live.model.id, other), strict=True):
        with place:
            st.markdown(f"**{shared.plain(names[name])}**")
            st.plotly_chart(figure, key=f"compare_{name}", config=shared.STILL, alt=f"Map of model {names[name]}")
    st.markdown("**Moved most**")
    ids = laid.table["item_id"].tolist()
    choose_one(laid.table, "one_moved")
    tables.show(
        laid.table,
        key="moved",
        on_rows=lambda rows: look_at(ids, rows),
        action="On the map",
        height=300,
        column_order=["title", "category", "moved", "kept", "popularity"],
        column_config={
            "title": st.column_config.TextColumn("Product", width=300),
            "category": st.column_config.TextColumn("Category", width=150),
            "moved": st.column_config.NumberColumn("Moved", format="%.1f%%", help="Of the map's width."),
            "kept": st.column_config.NumberColumn(
                "Same neighbours", format="%d%%", help="Of the 15 truly nearest in both models."
            ),
            "popularity": st.column_config.NumberColumn("Shoppers", format="localized"),
        },
        alt="Products that moved most between the two maps",
    )

"""History beside recommendations, the weeks, and the mix of categories; everything to take along."""

import streamlit as st

from pages import shared
from recsys.charts import base as charts
from recsys.charts import shopper as charts_shopper
from recsys.recommend.rules import Rules
from recsys.services.workspace import Workspace
from recsys.views import export, shopper, shopper_history
from recsys.views.shopper import ShopperView

PERIOD_NAMES = {"all": "All the time", "year": "Last year", "quarter": "Last quarter", "month": "Last month"}
state = st.session_state


def pick_item(found: list[str]) -> None:
    """Callback of the table of recommendations: explain the one in the selected row."""
    rows = state.recommended.selection.rows
    if rows:
        state.why = found[rows[0]]


def history(view: ShopperView, categories: list[str], since: bool) -> None:
    """What they bought, with filters by period and category."""
    st.subheader("Bought so far", anchor=False)
    shared.describe(view.learned)
    period, category = st.columns([2, 3], gap="small")
    with period:
        st.selectbox(
            "Period", list(PERIOD_NAMES), format_func=PERIOD_NAMES.get, key="period", bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
    with category:
        st.selectbox(
            "Category of the history", [None, *categories], format_func=lambda name: name or "All categories",
            key="boughtin", bind="query-params", label_visibility="collapsed",
        )  # fmt: skip
    if not len(view.history):
        st.caption("Nothing in this period and category.")
        return
    st.dataframe(
        view.history,
        hide_index=True,
        height=390,
        column_order=[*(["since"] if since else []), "title", "category", "count", "value", "last", "first"],
        column_config={
            "title": st.column_config.TextColumn("Product", width=150),
            "category": st.column_config.TextColumn("Category", width=72),
            "count": st.column_config.NumberColumn("Times", format="localized", width=44),
            "value": st.column_config.NumberColumn("Spent", format=f"{view.currency}%.2f", width=62),
            "last": st.column_config.DateColumn("Last", format="D MMM YY", width=66),
            "first": st.column_config.DateColumn("First", format="D MMM YY", width=66),
            "since": st.column_config.TextColumn("New", width=40),
        },
        placeholder="–",
        alt=f"Purchases of {view.user_id}",
    )


def recommendations(view: ShopperView) -> None:
    """The list, with what makes it readable."""
    st.subheader("Recommended", anchor=False)
    shared.describe(view.verdict)
    item_ids = view.recommended["item_id"].tolist()
    if not item_ids:
        return
    st.dataframe(
        view.recommended,
        key="recommended",
        on_select=lambda: pick_item(item_ids),
        selection_mode="single-row",
        hide_index=True,
        height=min(38 + 35 * len(item_ids), 446),
        column_order=["rank", "title", "category", "fresh", *view.score_columns, "price", "popularity", "since"],
        column_config={
            "rank": st.column_config.NumberColumn("#", width=30),
            "title": st.column_config.TextColumn("Product", width=196),
            "category": st.column_config.TextColumn("Category", width=76),
            "price": st.column_config.NumberColumn("Price", format=f"{view.currency}%.2f", width=60),
            "fresh": st.column_config.TextColumn(
                "New", width=38, help="✦: of a category they have bought nothing of before."
            ),
            "match": st.column_config.ProgressColumn(
                "Match", min_value=0, max_value=100, format="%d", width=72,
                help="100: the best product for this shopper. 0: a product in the middle of their ranking.",
            ),
            "times": st.column_config.NumberColumn("Times bought", format="localized", width=60),
            "popularity": st.column_config.NumberColumn(
                "Popular", format="#%d", width=62, help="#1 is bought by more shoppers than any other product."
            ),
            "since": st.column_config.TextColumn(
                "Bought", width=66,
                help="That they really bought it, and when, is among what the model has not seen.",
            ),
        },
        placeholder="–",
        alt=f"Recommendations for {view.user_id}",
    )  # fmt: skip


def take_along(view: ShopperView, k: int, rules: str | None, categories: list[str]) -> None:
    """Both tables as files, and the list as a call of the API."""
    base = st.context.url.split("/shopper")[0] if st.context.url else "http://localhost:8000"
    with st.popover("Take along", icon=":material/download:", width="content"):
        name = f"insider-{shopper.file_name(view)}"
        sheets = {"Recommended": view.recommended, "Bought": view.history}
        st.download_button(
            "Both tables for Excel", lambda: export.excel_bytes(sheets), f"{name}.xlsx", icon=":material/table:",
            on_click="ignore", key="excel",
        )  # fmt: skip
        st.download_button(
            "Recommendations as CSV", lambda: export.csv_bytes(view.recommended), f"{name}-recommended.csv",
            on_click="ignore", key="csv_recommended",
        )  # fmt: skip
        st.download_button(
            "History as CSV", lambda: export.csv_bytes(view.history), f"{name}-bought.csv", on_click="ignore",
            key="csv_bought",
        )  # fmt: skip
        st.caption("The same list from the API")
        st.code(shopper.as_curl(view, base, k, rules, categories), language="bash", wrap_lines=True)
        st.caption("The address of this page is a link to exactly what you see.")


def show(
    home: Workspace, view: ShopperView, categories: list[str], levels: dict[str, str], since: bool, rules: Rules | None
) -> None:
    """The section."""
    left, right = st.columns([9, 13], gap="small")
    with left, st.container(border=True, height="stretch"):
        history(view, categories, since)
    with right, st.container(border=True, height="stretch"):
        recommendations(view)
    left, right = st.columns(2, gap="small")
    with left, st.container(border=True, height="stretch"):
        st.subheader("Week by week", anchor=False)
        weeks = shopper_history.timeline(home, home.load(), view.subject)
        if weeks is None:
            st.caption("There are no times to tell: a persona, data without times, or data that are no longer stored.")
        else:
            shared.describe("All they bought, by department; grey is what the model has not seen.")
            st.plotly_chart(
                charts_shopper.purchases_by_week(weeks, view.currency), config=shared.STILL,
                alt="Purchases of each week by category",
            )  # fmt: skip
    with right, st.container(border=True, height="stretch"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.subheader("Mix of categories", anchor=False)
            if len(levels) > 1:
                st.segmented_control(
                    "Level", list(levels), format_func=levels.get, default=next(iter(levels)), required=True,
                    key="level", bind="query-params", label_visibility="collapsed",
                )  # fmt: skip
        shared.describe("The line is the gap between what they bought and what is recommended.")
        st.plotly_chart(
            charts.category_mix(view.mix), config=shared.STILL, alt="Category shares: bought, recommended, whole shop"
        )

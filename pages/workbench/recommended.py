"""History beside recommendations, the weeks, and the mix of categories; everything to take along."""

from collections.abc import Mapping

import streamlit as st

from pages import shared, tables
from pages.product_list import Action, product_list
from pages.workbench import drafting
from recsys.charts import base as charts
from recsys.charts import shopper as charts_shopper
from recsys.recommend.recommender import Recommender
from recsys.services import export
from recsys.services.workspace import Workspace
from recsys.views import shopper, shopper_history
from recsys.views.shopper import ShopperView

PERIOD_NAMES = {"all": "All the time", "year": "Last year", "quarter": "Last quarter", "month": "Last month"}
WHY = "why"
ACTIONS = {
    WHY: Action("Why", "Why is this recommended"),
    drafting.PIN: Action("Pin", "Pin to the top, for everybody, in a rule"),
    drafting.HIDE: Action("Hide", "Never show, to anybody, by a rule"),
    drafting.UP: Action("Boost", "Push up, for everybody, in a rule"),
}
HEIGHT = 640
state = st.session_state


def history(live: Recommender, view: ShopperView, categories: list[str], since: bool) -> None:
    """What they bought, with filters by period and category."""
    st.header("Bought so far", anchor=False)
    shared.describe(view.learned(since))
    period, category = st.columns([2, 3], gap="small")
    with period:
        chosen = st.selectbox(
            "Period", list(PERIOD_NAMES), format_func=PERIOD_NAMES.get, key="period", bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
    with category:
        bought_in = st.selectbox(
            "Category of the history", [None, *categories], format_func=lambda name: name or "All categories",
            key="boughtin", bind="query-params", label_visibility="collapsed",
        )  # fmt: skip
    table = shopper.history(live, view, since=since, period=chosen or "all", bought_in=bought_in)
    if not len(table):
        st.caption("Nothing in this period and category.")
        return
    marks, money = (["since"] if since else []), (["value"] if (table["value"] > 0).any() else [])
    tables.show(
        table,
        height=HEIGHT - 60,
        row_height=46,
        column_order=[*marks, "title", "category", "count", *money, "last", "first"],
        column_config={
            "title": st.column_config.TextColumn("Product", width=150),
            "category": st.column_config.TextColumn("Category", width=72),
            "count": st.column_config.NumberColumn("Times", format="localized", width=44),
            "value": st.column_config.NumberColumn("Spent", format=shared.money_format(view.currency), width=74),
            "last": st.column_config.DateColumn("Last", format="D MMM YY", width=66),
            "first": st.column_config.DateColumn("First", format="D MMM YY", width=66),
            "since": st.column_config.TextColumn("Not seen", width=60, help="✓: the model has not seen this."),
        },
        placeholder="–",
        alt=f"Purchases of {view.user_id}",
    )


def recommendations(live: Recommender, view: ShopperView) -> None:
    """The list, with what makes it readable; every row leads on."""
    st.header("Recommended", anchor=False)
    shared.describe(view.verdict)
    found = shopper.recommended_cards(live, view, tuple(ACTIONS))
    if not found:
        return
    done = product_list(
        found, "recommended", f"Recommendations for {view.user_id}", actions=ACTIONS,
        height=HEIGHT if len(found) > 10 else None,
    )  # fmt: skip
    if done is None:
        return
    if done.action == WHY:
        state.show_next = {"section": "Why", "why": done.item}
    else:
        drafting.act(done, [card.id for card in found])
        state.show_next = {"section": "Rules"}
    st.rerun()


def take_along(live: Recommender, view: ShopperView, k: int, rules: str | None, categories: list[str]) -> None:
    """Both tables as files, and the list as a call of the API."""
    base = st.context.url.split("/shopper")[0] if st.context.url else "http://localhost:8000"
    listed = {
        "since": bool(state.get("since")), "period": state.get("period") or "all", "bought_in": state.get("boughtin"),
    }  # fmt: skip

    def bought() -> object:
        return shopper.history(live, view, **listed)

    with st.popover("Take along", icon=":material/download:", width="content"):
        name = f"insider-{shopper.file_name(view)}"
        st.download_button(
            "Both tables for Excel", lambda: export.excel_bytes({"Recommended": view.recommended, "Bought": bought()}),
            f"{name}.xlsx", icon=":material/table:", on_click="ignore", key="excel",
        )  # fmt: skip
        st.download_button(
            "Recommendations as CSV", lambda: export.csv_bytes(view.recommended), f"{name}-recommended.csv",
            on_click="ignore", key="csv_recommended",
        )  # fmt: skip
        st.download_button(
            "History as CSV", lambda: export.csv_bytes(bought()), f"{name}-bought.csv", on_click="ignore",
            key="csv_bought",
        )  # fmt: skip
        st.caption("The same list from the API")
        st.code(shopper.as_curl(view, base, k, rules, categories), language="bash", wrap_lines=True)
        st.caption("The address of this page is a link to exactly what you see.")


@st.fragment
def show(
    home: Workspace, live: Recommender, view: ShopperView, categories: list[str], levels: Mapping[str, str], since: bool
) -> None:
    """The section."""
    left, right = st.columns([9, 13], gap="small")
    with left, st.container(border=True, height="stretch"):
        history(live, view, categories, since)
    with right, st.container(border=True, height="stretch"):
        recommendations(live, view)
    left, right = st.columns(2, gap="small")
    with left, st.container(border=True, height="stretch"):
        st.header("Week by week", anchor=False)
        weeks = shopper_history.timeline(home, live, view.subject)
        if weeks is None:
            st.caption("There are no times to tell: a persona, data without times, or data that are no longer stored.")
        else:
            shared.describe("All they bought, by department; grey is what the model has not seen.")
            st.plotly_chart(
                charts_shopper.purchases_by_week(weeks, view.currency), config=shared.STILL,
                alt="Purchases of each week by category",
            )  # fmt: skip
    with right, st.container(border=True, height="stretch"):
        level = None
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.header("Mix of categories", anchor=False)
            if len(levels) > 1:
                level = st.segmented_control(
                    "Level", list(levels), format_func=levels.get, default=next(iter(levels)), required=True,
                    key="level", bind="query-params", label_visibility="collapsed",
                )  # fmt: skip
        shared.describe("The line is the gap between what they bought and what is recommended.")
        st.plotly_chart(
            charts.category_mix(shopper.category_mix(live, view, level)), config=shared.STILL,
            alt="Category shares: bought, recommended, whole shop",
        )  # fmt: skip

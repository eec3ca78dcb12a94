"""The question before a version goes live: what would change, and whether that is wanted."""

import streamlit as st

from pages import shared
from recsys.errors import InsiderError
from recsys.services.promotion import promote
from recsys.services.promotion_preview import Expectation, Preview, Row, preview
from recsys.utils import formatting as fmt


def who() -> str:
    """Who is at the page, for the audit log: the signed-in address, or "dashboard" where nobody signs in."""
    return str(getattr(st.user, "email", None) or "dashboard")


@st.cache_data(max_entries=8, show_spinner=False)
def _preview(home: str, candidate: str, live: str | None) -> Preview:
    return preview(shared.workspace(), candidate)


def look(candidate: str) -> Preview:
    """What a promotion would change; worked out once for each pair of versions."""
    workspace = shared.workspace()
    with st.spinner("Holding both models against the same shoppers…"):
        return _preview(str(workspace.settings.home), candidate, workspace.live_id())


@st.dialog("Make this model live?", width="large", icon=":material/publish:")
def ask(model_id: str) -> None:
    """Show what would change, and promote."""
    try:
        found = look(model_id)
        first(found)
        sure = True
        if found.warnings or found.identical:
            sure = st.checkbox("I have seen this and want it all the same", key=f"sure_{model_id}")
        note = st.text_input("Why (for the log)", key="promotion_note", max_chars=300)
        if st.button("Make it live", type="primary", icon=":material/publish:", disabled=not sure):
            promote(shared.workspace(), model_id, who=who(), note=note, instead_of=found.live)
            st.toast(f"Model {model_id} is live.", icon=":material/check_circle:")
            st.rerun()
        if not found.identical:
            show(found)
    except InsiderError as error:
        shared.problem(error)


def first(found: Preview) -> None:
    """What will change, in one sentence, and what should give pause."""
    if found.identical:
        st.info(shared.plain(found.headline), title="The same model", icon=":material/content_copy:")
    else:
        st.markdown(f"**{shared.plain(found.headline)}**")
    for text in found.warnings:
        st.warning(shared.plain(text), icon=":material/trending_down:")


def show(found: Preview) -> None:
    """Figures, segments, shoppers and products of a preview."""
    if found.note and found.note != found.headline:
        st.info(shared.plain(found.note), icon=":material/info:")
    if found.golden:
        with st.expander("Golden shoppers", icon=":material/star:", expanded=True):
            st.dataframe(
                {
                    "Golden shopper": [x.name for x in found.golden],
                    "Expectations": [_expectations(x) for x in found.golden],
                    "What changes": [x.change for x in found.golden],
                },
                hide_index=True,
                alt="Golden shoppers: expectations and what changes",
            )
    if not found.measures:
        return
    shared.describe(
        f"Both judged on the same shoppers and purchases. {fmt.share(found.kept or 0, 0)} of a shopper's list stays "
        "on average. The interval is that of the difference, the verdict that of the paired randomisation test."
    )
    differences(found.measures, "Metric")
    segments, shoppers, items = st.tabs(
        ["By segment", "Shoppers whose list changes most", "Products that gain or lose"]
    )
    with segments:
        shared.describe("NDCG@10; intervals and verdicts allow for the number of segments.")
        differences(found.segments, "Segment")
    with shoppers:
        st.dataframe(
            found.shoppers, hide_index=True, height=300, alt="Shoppers whose list changes most",
            column_config={
                "user_id": st.column_config.TextColumn("Shopper", pinned=True),
                "shared": st.column_config.NumberColumn("Products that stay", format="percent"),
                "ndcg_live": st.column_config.NumberColumn("NDCG@10, live", format="%.3f"),
                "ndcg_candidate": st.column_config.NumberColumn("NDCG@10, this", format="%.3f"),
            },
        )  # fmt: skip
    with items:
        st.dataframe(
            found.items, hide_index=True, height=300, alt="Products that gain or lose most places in lists",
            column_config={
                "item_id": st.column_config.TextColumn("Id"),
                "title": st.column_config.TextColumn("Product", pinned=True, width="medium"),
                "live": st.column_config.NumberColumn("In lists, live"),
                "candidate": st.column_config.NumberColumn("In lists, this"),
                "change": st.column_config.NumberColumn("Change", format="%+d"),
            },
        )  # fmt: skip


def _expectations(golden: Expectation) -> str:
    if golden.ok:
        return "met"
    return " ".join(golden.failures) + ("" if golden.broken else " The live model fails here as well.")


def differences(rows: tuple[Row, ...], title: str) -> None:
    """Both models and the difference between them, one row each."""
    st.dataframe(
        {
            title: [row.name if title == "Metric" else f"{row.group}: {row.name}" for row in rows],
            "Verdict": [row.verdict for row in rows],
            "Difference": [row.difference for row in rows],
            "from": [row.low for row in rows],
            "to": [row.high for row in rows],
            "Live": [row.live for row in rows],
            "This": [row.candidate for row in rows],
            "Shoppers": [row.users for row in rows],
        },
        hide_index=True,
        height=min(38 + 35 * len(rows), 300),
        column_config={
            title: st.column_config.TextColumn(pinned=True),
            "Shoppers": st.column_config.NumberColumn(format="localized"),
            "Live": st.column_config.NumberColumn(format="%.4f"),
            "This": st.column_config.NumberColumn(format="%.4f"),
            "Difference": st.column_config.NumberColumn(format="%+.4f"),
            "from": st.column_config.NumberColumn(format="%+.4f", help="Lower end of the interval of the difference."),
            "to": st.column_config.NumberColumn(format="%+.4f", help="Upper end of the interval of the difference."),
        },
        alt=f"Live model and this one, by {title.lower()}",
    )

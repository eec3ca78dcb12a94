"""The question before a version goes live: what would change, and whether that is wanted."""

import streamlit as st

from pages import making, shared, tables
from recsys.errors import InsiderError
from recsys.services.promotion import promote, rollback
from recsys.services.promotion_figures import Row
from recsys.services.promotion_preview import CheckedExpectation, Preview, health_warnings, preview
from recsys.services.workbench.expectations import Expectations
from recsys.services.workbench.target_user import Personas
from recsys.storage.model_names import ModelNames
from recsys.utils import formatting as fmt
from recsys.views import train
from recsys.views.glossary import meaning


def who() -> str:
    """Who is at the page, for the audit log: the signed-in address, or "dashboard" where nobody signs in."""
    return str(getattr(st.user, "email", None) or "dashboard")


def called(model_id: str | None) -> str:
    """The name of a model, or its id."""
    return ModelNames(shared.workspace().database).of(model_id)


def look(candidate: str, *, by_segment: bool = True) -> Preview:
    """What a promotion would change; worked out once for two models, the expectations and what is known of the
    candidate's health, with its progress in view."""
    workspace = shared.workspace()
    personas = Personas(workspace.database)
    asked = repr((Expectations(workspace.database).all(), [(name, personas.get(name)) for name in personas.names()]))
    return making.once(
        ("preview", str(workspace.settings.home), candidate, workspace.live_id(), by_segment, asked,
         health_warnings(workspace, candidate)),
        "Comparing with the live model",
        lambda bar: preview(workspace, candidate, by_segment=by_segment, on_progress=bar),
    )  # fmt: skip


def live_line(words: str) -> None:
    """Which model is live, and the ways back: to the one before it, and from what was just done."""
    workspace = shared.workspace()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge("Live", icon=":material/check_circle:", color="green")
        shared.describe(words)
        before = train.earlier_model(workspace)
        if before and st.button("Roll back", icon=":material/undo:", help=f"Makes {called(before)} live again."):
            ask_back(before)
        done = st.session_state.get("undo")
        if done and done["now"] == workspace.live_id():
            st.button(f"Undo: {done['what']}", icon=":material/history:", on_click=_undo, args=(done,))


def _undo(done: dict[str, str]) -> None:
    """Callback of Undo: the model that was live before the last change is live again."""
    with shared.problems_shown():
        promote(
            shared.workspace(), done["before"], who=who(), note=f"undone: {done['what']}", instead_of=done["now"]
        )  # fmt: skip
        st.session_state.pop("undo")
        st.toast(f"Model {called(done['before'])} is live again.", icon=":material/history:")


def _remember(what: str, before: str | None, now: str) -> None:
    if before is not None:
        st.session_state.undo = {"what": what, "before": before, "now": now}


@st.dialog("Go back to the model before?", width="large", icon=":material/undo:")
def ask_back(model_id: str) -> None:
    """Show what would change, and go back."""
    try:
        live = shared.workspace().live_id()
        st.markdown(shared.plain(f"{called(model_id)} was live before {called(live)}. It would answer at once."))
        found = look(model_id)
        first(found)
        if st.button("Go back", type="primary", icon=":material/undo:"):
            now = rollback(shared.workspace(), who=who())
            _remember("going back", live, now)
            shared.say_after_rerun(f"Model {called(now)} is live again.", ":material/undo:")
            st.rerun()
        if not found.identical:
            show(found, "asked")
    except InsiderError as error:
        shared.problem(error)


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
            _remember("promotion", found.live, model_id)
            shared.say_after_rerun(f"Model {called(model_id)} is live.", ":material/check_circle:")
            st.rerun()
        if not found.identical:
            show(found, "asked")
    except InsiderError as error:
        shared.problem(error)


def headline(found: Preview) -> None:
    """What will change, in one sentence."""
    if found.identical:
        st.info(shared.plain(found.headline), title="The same model", icon=":material/content_copy:")
    else:
        st.markdown(f"**{shared.plain(found.headline)}**")


def first(found: Preview) -> None:
    """What will change, in one sentence, and what should give pause."""
    headline(found)
    for text in found.warnings:
        st.warning(shared.plain(text), icon=":material/trending_down:")


def show(found: Preview, place: str = "shown") -> None:
    """Figures, segments, shoppers and products of a preview; `place` tells two of the same on one page apart."""
    if found.note and found.note != found.headline:
        st.info(shared.plain(found.note), icon=":material/info:")
    if found.expectations:
        with st.expander("Expectations", icon=":material/star:", expanded=True):
            tables.show(
                {
                    "Expectation": [x.name for x in found.expectations],
                    "Met": [_verdict(x) for x in found.expectations],
                    "What changes": [x.change for x in found.expectations],
                },
                key=f"{place}_expectations",
                alt="Expectations: whether they are met, and what changes",
            )
    if not found.measures:
        return
    shared.describe(
        f"Both judged on the same shoppers and purchases. {fmt.share(found.kept or 0, 0)} of a shopper's list stays "
        "on average. The interval is that of the difference, the verdict that of the paired randomisation test."
    )
    differences(found.measures, "Metric", place=place)
    segments, shoppers, items = st.tabs(
        ["By segment", "Shoppers whose list changes most", "Products that gain or lose"]
    )
    with segments:
        shared.describe("NDCG@10; intervals and verdicts allow for the number of segments.")
        differences(found.segments, "Segment", place=place)
    with shoppers:
        tables.show(
            shared.in_percent(found.shoppers, "shared"), key=f"{place}_shoppers", height=300,
            alt="Shoppers whose list changes most",
            column_config={
                "user_id": st.column_config.TextColumn("Shopper", pinned=True),
                "shared": st.column_config.NumberColumn("Products that stay", format=shared.PERCENT),
                "ndcg_live": st.column_config.NumberColumn("NDCG@10, live", format="%.3f"),
                "ndcg_candidate": st.column_config.NumberColumn("NDCG@10, this", format="%.3f"),
            },
        )  # fmt: skip
    with items:
        tables.show(
            found.items, key=f"{place}_items", height=300, alt="Products that gain or lose most places in lists",
            column_config={
                "item_id": st.column_config.TextColumn("Id"),
                "title": st.column_config.TextColumn("Product", pinned=True, width="medium"),
                "live": st.column_config.NumberColumn("In lists, live"),
                "candidate": st.column_config.NumberColumn("In lists, this"),
                "change": st.column_config.NumberColumn("Change", format="%+d"),
            },
        )  # fmt: skip


def _verdict(checked: CheckedExpectation) -> str:
    if checked.ok:
        return "met"
    return " ".join(checked.failures) + ("" if checked.broken else " The live model fails here as well.")


def differences(
    rows: tuple[Row, ...], title: str, names: tuple[str, str] = ("Live", "This"), place: str = "shown"
) -> None:
    """Two models, called `names`, and the difference between them, one row each."""
    one, other = names
    texts = [row.texts() for row in rows]
    tables.show(
        {
            title: [row.name if title == "Metric" else f"{row.group}: {row.name}" for row in rows],
            "Verdict": [row.verdict for row in rows],
            "Difference": [text["difference"] for text in texts],
            "95% interval": [text["interval"] for text in texts],
            one: [text["live"] for text in texts],
            other: [text["candidate"] for text in texts],
            "Shoppers": [row.users for row in rows],
        },
        key=f"{place}_{title}",
        height=min(38 + 35 * len(rows), 300),
        column_config={
            title: st.column_config.TextColumn(pinned=True),
            "Shoppers": st.column_config.NumberColumn(format="localized"),
            "95% interval": st.column_config.TextColumn(help=meaning("interval")),
        },
        alt=f"{one} and {other}, by {title.lower()}",
    )

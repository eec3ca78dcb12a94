"""Models: the stored versions, what each would change if it were live, and who did what."""

import streamlit as st

from pages import promoting, shared
from recsys.errors import InsiderError
from recsys.services.promotion import delete_model, rollback
from recsys.storage import audit
from recsys.views import models, train
from recsys.views.model_card import report
from recsys.views.models import Version

home = shared.workspace()


@st.dialog("Delete this version?", icon=":material/delete:")
def delete(model_id: str) -> None:
    """Ask before a version is gone."""
    st.markdown(shared.plain(f"Model {model_id} and its map are removed from the disk. This cannot be undone."))
    if st.button("Delete it", type="primary", icon=":material/delete:"):
        try:
            delete_model(home, model_id, who=promoting.who())
            st.rerun()
        except InsiderError as error:
            shared.problem(error)


def one(version: Version) -> None:
    """One version: what to do with it, and what it would change."""
    st.subheader(shared.plain(version.id), anchor=False)
    shared.describe(version.words())
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        if not version.live and st.button("Promote", type="primary", icon=":material/publish:"):
            promoting.ask(version.id)
        if not version.live and st.button("Delete", icon=":material/delete:"):
            delete(version.id)
        st.download_button(
            "Model card", lambda: report(home, version.id), on_click="ignore",
            file_name=f"model-{version.id}.html", mime="text/html",
            icon=":material/description:", help="Everything about it in one HTML file; takes a moment to write.",
        )  # fmt: skip
    with st.form(f"note_{version.id}", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input("Note", version.note, max_chars=300, width="stretch")
        if st.form_submit_button("Save", icon=":material/save:"):
            with shared.problems_shown():
                audit.set_note(home.database, f"model {version.id}", audit.Note(text), who=promoting.who())
                st.rerun()
    if not version.live:
        with st.expander("What would change", icon=":material/difference:", on_change="rerun") as change:
            if change.open:
                with shared.problems_shown():
                    found = promoting.look(version.id)
                    promoting.first(found)
                    if not found.identical:
                        promoting.show(found)


found = models.versions(home)
if not found:
    shared.waiting_panel()
    st.stop()

with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    st.badge("Live", icon=":material/check_circle:", color="green")
    shared.describe(f"{home.live_id() or 'none'} · {shared.how_fresh()}")
    before = train.earlier_model(home)
    if before and st.button("Roll back", icon=":material/undo:", help=f"Makes {before} live again."):
        with shared.problems_shown():
            st.toast(f"Model {rollback(home, who=promoting.who())} is live again.", icon=":material/undo:")
            st.rerun()

picked = st.dataframe(
    models.table(found), key="versions", on_select="rerun", selection_mode="single-row", hide_index=True,
    height=min(38 + 35 * len(found), 420), placeholder="–", alt="Stored versions, newest first",
    column_config={
        "live": st.column_config.TextColumn("", width=50),
        "id": st.column_config.TextColumn("Version", pinned=True),
        "created": st.column_config.DatetimeColumn("Trained", format="D MMM YYYY, HH:mm"),
        "dataset": st.column_config.TextColumn("Data"),
        "test": st.column_config.NumberColumn("NDCG@10", format="%.4f", help="On what was held out of its training."),
        "coverage": st.column_config.NumberColumn("Range", format="percent", help="Share of all products shown."),
        "recipe": st.column_config.TextColumn("Recipe"),
        "training": st.column_config.NumberColumn("Training"),
        "parent": st.column_config.TextColumn("Live at that time"),
        "note": st.column_config.TextColumn("Note"),
    },
)  # fmt: skip
rows = picked.selection.rows
with st.container(border=True):
    one(found[rows[0]] if rows and rows[0] < len(found) else found[0])

with st.expander("Who did what", icon=":material/history:"):
    log = models.log_table(home)
    if len(log):
        st.dataframe(
            log, hide_index=True, height=min(38 + 35 * len(log), 320), placeholder="–",
            alt="Audit log, newest first",
            column_config={
                "at": st.column_config.DatetimeColumn("When", format="D MMM YYYY, HH:mm"),
                "who": st.column_config.TextColumn("Who"),
                "did": st.column_config.TextColumn("Did"),
                "subject": st.column_config.TextColumn("What"),
                "before": st.column_config.TextColumn("Live before"),
                "note": st.column_config.TextColumn("Note", width="large"),
            },
        )  # fmt: skip
    else:
        st.caption("Nothing yet.")

"""Models: what is stored, what each would change if it were live, and who did what."""

import streamlit as st

from pages import choosing, making, model_story, promoting, shared, tables
from recsys.errors import InsiderError
from recsys.services.model_card.card import report
from recsys.services.promotion import delete_model
from recsys.views import models
from recsys.views.glossary import meaning
from recsys.views.models import Version

home = shared.workspace()


@st.dialog("Delete this model?", icon=":material/delete:")
def delete(model_id: str) -> None:
    """Ask before a model is gone."""
    st.markdown(
        shared.plain(
            f"Model {promoting.called(model_id)} and its map are removed from the disk. This cannot be undone."
        )
    )
    if st.button("Delete it", type="primary", icon=":material/delete:"):
        try:
            delete_model(home, model_id, who=promoting.who())
            st.rerun()
        except InsiderError as error:
            shared.problem(error)


def one(version: Version) -> None:
    """One model: what to do with it, and what it would change."""
    st.header(shared.plain(version.title), anchor=False)
    shared.describe(version.words())
    if version.told:
        st.markdown("\n".join(f"- {shared.plain(sentence)}" for sentence in version.told))
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        if not version.live and st.button("Promote", type="primary", icon=":material/publish:"):
            promoting.ask(version.id)
        making.download(
            "Model card", lambda on_progress: report(home, version.id, on_progress=on_progress),
            f"model-{version.id}.html", "text/html", key="card", icon=":material/description:", about=version.id,
            help="Everything about it in one HTML file, to send or to keep.",
        )  # fmt: skip
        if not version.live and st.button("Delete", icon=":material/delete:"):
            delete(version.id)
    with st.form(f"note_{version.id}", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name", version.name, max_chars=60, width=260, placeholder="Spring, more variety")
        text = st.text_input("Note", version.note, max_chars=300, width="stretch")
        if st.form_submit_button("Save", icon=":material/save:"):
            with shared.problems_shown():
                models.describe(home, version, name=name, note=text, who=promoting.who())
                st.rerun()
    with st.expander(
        "What it learned", icon=":material/menu_book:", key="story", bind="query-params", on_change="rerun"
    ) as told:
        if told.open:
            with shared.problems_shown():
                model_story.show(version.id)
    if not version.live:
        with st.expander(
            "What would change", icon=":material/difference:", key="change", bind="query-params", on_change="rerun"
        ) as change:
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

st.title("Models", anchor=False)
promoting.live_line(f"{promoting.called(home.live_id())} · {shared.how_fresh()}")

by_id = {version.id: version for version in found}
labels = {version.id: version.label for version in found}
if better := shared.by_label("model", labels):
    st.query_params.update(better)
    st.rerun()
(shown,) = choosing.chosen(
    shared.in_percent(models.table(found), "coverage"), list(by_id), key="model", label="Look at",
    names=labels.__getitem__,
    alt="Stored models, newest first",
    column_config={
        "live": st.column_config.TextColumn("", width=50),
        "id": st.column_config.TextColumn("Model", pinned=True),
        "created": st.column_config.DatetimeColumn("Trained", format="D MMM YYYY, HH:mm"),
        "dataset": st.column_config.TextColumn("Data"),
        "test": st.column_config.NumberColumn("Accuracy", format="%.4f", help=meaning("accuracy")),
        "coverage": st.column_config.NumberColumn(
            "Coverage", format=shared.PERCENT, help=meaning("catalogue coverage")
        ),
        "recipe": st.column_config.TextColumn("Recipe"),
        "training": st.column_config.NumberColumn("Training", help=meaning("training")),
        "parent": st.column_config.TextColumn("Live at that time"),
        "note": st.column_config.TextColumn("Note"),
    },
)  # fmt: skip
with st.container(border=True):
    one(by_id[shown])

with st.expander("Who did what", icon=":material/history:"):
    log = models.log_table(home)
    if len(log):
        tables.show(
            log, height=min(38 + 35 * len(log), 320), placeholder="–",
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

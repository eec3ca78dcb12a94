"""The run panel: how far a training or a search is, or what came of it."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages import promoting, shared, tables
from pages.training.columns import TRAINING_COLUMNS
from recsys.charts import dials, quality, runs
from recsys.services.jobs import cancel_job
from recsys.services.workspace import Workspace
from recsys.storage.jobs import Job
from recsys.utils import formatting as fmt
from recsys.views import train
from recsys.views.dials.learning import Learning
from recsys.views.home import overview

STATES = {
    "queued": ("Waiting", ":material/hourglass_empty:", "gray"),
    "running": ("Training", ":material/autorenew:", "blue"),
    "done": ("Done", ":material/check:", "green"),
    "failed": ("Failed", ":material/error:", "red"),
    "cancelled": ("Cancelled", ":material/cancel:", "orange"),
}


def show(home: Workspace, run: Job) -> Callable[[], None]:
    """One run: how far it is or what came of it. Gives what takes some seconds, to be called once the page stands."""
    if run.active:
        under_way(home, run.id)
        return nothing
    heading(home, run)
    return ended(home, run)


def nothing() -> None:
    """Nothing is left to do."""


@st.fragment(run_every=shared.REFRESH_SECONDS)
def under_way(home: Workspace, run_id: int) -> None:
    """How far a run is; the whole page follows when it ends."""
    with shared.problems_shown():
        run = home.job_store.get(run_id)
        if not run.active:
            st.rerun()
        waiting = train.waiting_for(home, run)
        heading(home, run)
        st.progress(run.fraction, text=shared.plain(run.step))
        st.caption(shared.plain(waiting or overview.progress_words(run) or "A moment until the first pass is measured"))
        if st.button("Cancel", icon=":material/stop:"):
            with shared.problems_shown():
                cancel_job(home, run_id)
        if run.curve:
            learning(train.curve(home, run), run)
        if run.kind == "search":
            leaderboard(home, run)


def leaderboard(home: Workspace, run: Job) -> None:
    """The trainings of a search so far, best first."""
    table, found, front = train.board(home, run)
    if not len(table):
        return
    if front:
        st.plotly_chart(
            runs.trade_off(found, front), config=shared.STILL, key=f"front_{run.id}",
            alt="Accuracy against catalogue coverage, with the best trade-offs joined",
        )  # fmt: skip
    tables.show(
        shared.in_percent(table, "coverage"), height=min(38 + 35 * len(table), 320),
        column_config=TRAINING_COLUMNS,
        placeholder="–", alt="Trainings of this search, best first",
    )  # fmt: skip


def ended(home: Workspace, run: Job) -> Callable[[], None]:
    """What came of a run; gives what is left to do, as `show`."""
    if run.state == "failed":
        st.error(shared.plain(run.message), title=f"This {train.run_noun(run)} failed", icon=":material/error:")
    elif run.state == "cancelled" and run.kind == "search":
        st.info("This search was stopped. What it found stays; a search of the same name goes on from there.")
    elif run.state == "cancelled":
        st.info("This training was cancelled. Nothing was stored; the live model is as it was.")
    found = train.outcome(home, run)
    left = nothing
    if found is not None:
        left = result(found, run)
    elif run.curve and run.kind != "search":
        learning(train.curve(home, run), run)
    if run.kind == "search":
        leaderboard(home, run)
    return left


def result(found: train.Outcome, run: Job) -> Callable[[], None]:
    """The finished model beside the live one, and the way to make it live; gives what is left to do, as `show`."""
    change = st.container()
    st.markdown(shared.plain(found.verdict))
    if found.note:
        st.info(shared.plain(found.note), icon=":material/info:")
    if found.standing == "candidate" and st.button("Promote", type="primary", icon=":material/publish:"):
        promoting.ask(found.model_id)
    learning(found.curve, run)
    if found.told:
        st.markdown("\n".join(f"- {shared.plain(sentence)}" for sentence in found.told))
    for worry in found.worries:
        st.warning(shared.plain(worry), icon=":material/health_and_safety:")
    if len(found.bars) > 2:
        shared.describe("Beside simple methods, fitted to the same purchases and judged on the same shoppers:")
        st.plotly_chart(quality.methods(found.bars), config=shared.STILL, key="beside", alt="NDCG@10 of every method")
    if found.lines:
        tables.show(
            {
                "Metric": [line.title for line in found.lines],
                "This model": [line.ours for line in found.lines],
                "Live model": [line.live for line in found.lines],
                "Bestsellers": [line.popular for line in found.lines],
            },
            column_config={"Metric": st.column_config.TextColumn(pinned=True)},
            alt="Metrics of this training beside the live model and bestsellers, 95% intervals in brackets",
        )
        shared.describe(
            "Products the shopper had not bought before, among those held out of training; 95% intervals in brackets."
        )
    return lambda: what_would_change(found, change)


def what_would_change(found: train.Outcome, place: DeltaGenerator) -> None:
    """The sentence that a promotion begins with, at the head of the result."""
    if found.standing != "candidate":
        return
    with place, shared.problems_shown():
        preview = promoting.look(found.model_id, by_segment=False)
        if preview.headline != preview.note or not found.note:
            promoting.headline(preview)


def learning(found: Learning, run: Job) -> None:
    """The learning curve with its lines, how to read them, and the training loss."""
    if not found.points:
        return
    st.plotly_chart(
        dials.learning_figure(found), config=shared.STILL, key=f"learning_{run.id}",
        alt="NDCG@10 and catalogue coverage on validation by pass, with the live model and the best simple method",
    )  # fmt: skip
    for note in found.notes:
        shared.describe(note)
    with st.expander("Training loss", icon=":material/show_chart:"):
        st.plotly_chart(
            runs.curves({found.title: run.curve}, "loss", height=220), config=shared.STILL, key=f"loss_{run.id}",
            alt="Training loss by pass",
        )  # fmt: skip


def heading(home: Workspace, run: Job) -> None:
    """Number, state and recipe of a run."""
    title, icon, colour = STATES[run.state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(train.run_title(run, train.training_numbers(home)), anchor=False, width="content")
        st.badge(title, icon=icon, color=colour)
    shared.describe(train.run_words(run))


def others(home: Workspace, shown: Job) -> None:
    """The other runs, each to be shown by a button."""
    found = [run for run in train.trainings(home) if run.id != shown.id]
    if not found:
        return
    with st.expander(f"Earlier and waiting ({len(found)})", icon=":material/history:"):
        numbers = train.training_numbers(home)
        for run in found:
            title, icon, _ = STATES[run.state]
            label = f"{train.run_title(run, numbers)} · {title} · {fmt.ago(run.created)}"
            if st.button(label, key=f"show_{run.id}", icon=icon, type="tertiary"):
                st.session_state.run = run.id
                st.rerun()

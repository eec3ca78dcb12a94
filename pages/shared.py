"""What all pages share: the open workspace, plain text in Markdown places, and the panel before the first model."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from recsys.charts import base
from recsys.errors import InsiderError, NoModel
from recsys.recommend.recommender import Recommender
from recsys.services import freshness
from recsys.services.jobs import start_demo
from recsys.services.promotion import rollback
from recsys.services.workspace import Workspace, open_workspace
from recsys.settings import Settings
from recsys.storage.jobs import Job
from recsys.utils import formatting as fmt
from recsys.views.home import overview
from recsys.views.home.example_shopper import Example, example
from recsys.views.page_words import page_words

if TYPE_CHECKING:
    import pandas as pd

STILL = {"displayModeBar": False}
"""Plotly settings for a chart to look at, not to work in."""

REFRESH_SECONDS = 1.0


@st.cache_resource(max_entries=2, show_spinner=False)
def _open(home: str, database_url: str) -> Workspace:
    return open_workspace(Settings.from_environment())


def workspace() -> Workspace:
    """The workspace of this process, opened once."""
    settings = Settings.from_environment()
    return _open(str(settings.home), settings.database_url)


def plain(text: object) -> str:
    """Text from data or from a link, for places that read Markdown: every mark in it is shown as it is.

    Addresses get an invisible word joiner, so that they are not turned into links.
    """
    line = re.sub(r"(?i)(https?|www|@)(?=[:.\w])", "\\1\u2060", " ".join(str(text).split()))
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", line)


def by_label(name: str, labels: Mapping[str, str]) -> dict[str, str]:
    """The parameter of the link that a bound widget will read: it wants labels, people and programs write values."""
    given = st.query_params.get(name, "")
    return {name: labels[given]} if labels.get(given, given) != given else {}


def labelled(name: str, labels: Mapping[str, str]) -> list[str]:
    """The same for a parameter that may stand several times; [] where nothing is to be changed."""
    given = st.query_params.get_all(name)
    wanted = [labels.get(value, value) for value in given]
    return wanted if wanted != given else []


def money_format(currency: str) -> str:
    """How a column of a table shows money: with separators of thousands, as printf writes it."""
    return f"{currency.replace('%', '%%')}%,.2f"


PERCENT = "%.1f%%"
"""The format of a column of percentages, as everywhere else in the dashboard."""


def in_percent(table: "pd.DataFrame", *shares: str) -> "pd.DataFrame":
    """The table with columns of shares (0 to 1) as percentages, which `PERCENT` then formats."""
    return table.assign(**{name: 100 * table[name].astype(float) for name in shares if name in table})


def problem(error: InsiderError) -> None:
    """Show an error that is meant to be read."""
    st.error(said(error), icon=":material/error:")


def said(error: object) -> str:
    """A message in the words of the pages, as plain text."""
    return plain(page_words(str(error)))


@contextmanager
def problems_shown() -> Iterator[None]:
    """Show what goes wrong within, in words: for buttons, and for fragments, which run without the page's frame."""
    try:
        yield
    except InsiderError as error:
        problem(error)


def live() -> Recommender:
    """Answers from the live model; before there is one, the page shows how far it is and ends here."""
    try:
        found = workspace().load()
        if damage := workspace().damaged_live():
            st.warning(plain(damage), title="The live model is damaged", icon=":material/warning:")
        return found
    except NoModel:
        waiting_panel()
        st.stop()
    except InsiderError as error:
        st.error(plain(error), title="The live model cannot be used", icon=":material/error:")
        if st.button("Go back to the model before it", icon=":material/undo:"):
            rollback(workspace())
            st.rerun()
        st.stop()


@st.cache_data(max_entries=4, show_spinner=False)
def _example(home: str, model_id: str) -> Example | None:
    return example(workspace())


def example_shopper(model_id: str) -> Example | None:
    """The shopper that Home and the tour show for the live model; worked out once for each."""
    return _example(str(workspace().settings.home), model_id)


@st.cache_data(max_entries=4, ttl=300, show_spinner=False)
def _freshness(home: str, live: str | None) -> str:
    return freshness.freshness(workspace()).words()


def how_fresh() -> str:
    """How old and how good the live model is on the newest data, in a sentence; worked out every five minutes."""
    return _freshness(str(workspace().settings.home), workspace().live_id())


def waiting_panel() -> None:
    """Says that there is no model yet and shows how far the first one is."""
    _, middle, _ = st.columns([1, 4, 1])
    with middle, st.container(border=True, gap="small"):
        st.title("Preparing the first recommendations", icon=":material/hourglass_top:", anchor=False)
        st.markdown(
            "There is no model yet. A first one is being trained on the built-in shopping data, in the background: "
            "you can leave this page open, it moves on by itself."
        )
        _progress_of_first_model()


@st.fragment(run_every=REFRESH_SECONDS)
def _progress_of_first_model() -> None:
    try:
        run = overview.first_model_run(workspace())
    except InsiderError as error:
        problem(error)
        return
    if run is None:
        st.rerun()
    elif run.state in ("failed", "cancelled"):
        _stopped(run)
    else:
        show_progress(run)


def _stopped(run: Job) -> None:
    if run.state == "failed":
        st.error(plain(run.message), title="The preparation failed", icon=":material/error:")
    else:
        st.info("The preparation was cancelled.", icon=":material/cancel:")
    if st.button("Try again", type="primary", icon=":material/refresh:"):
        try:
            start_demo(workspace())
        except InsiderError as error:
            problem(error)


def show_progress(run: Job) -> None:
    """Bar, step, passes, seconds left and, once there is one, the learning curve of a run."""
    st.progress(run.fraction, text=plain(run.step))
    st.caption(plain(overview.progress_words(run) or "Starting up"))
    if run.curve:
        st.plotly_chart(
            base.learning_curves({"This training": run.curve}),
            config=STILL,
            alt="Validation NDCG@10 after each pass so far",
        )


def say_after_rerun(text: str, icon: str) -> None:
    """Keep a sentence for the next run of the page, which says it: a toast before `st.rerun` may be lost."""
    st.session_state.said = text, icon


def say_what_was_done() -> None:
    """Say what `say_after_rerun` kept."""
    if said := st.session_state.pop("said", None):
        text, icon = said
        st.toast(text, icon=icon)


def describe(words_: str) -> None:
    """A line of explanation under a heading; plain text."""
    st.caption(plain(words_))


__all__ = ["STILL", "describe", "fmt", "live", "plain", "problem", "show_progress", "waiting_panel", "workspace"]

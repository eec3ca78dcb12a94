"""Drawing the map, the first time or anew, and how far that is."""

import streamlit as st

from pages import shared
from recsys.errors import InsiderError
from recsys.item_map import view
from recsys.projection.settings import ENGINES, METRICS, PARTS, MapSettings
from recsys.services.jobs import cancel_job, start_map
from recsys.services.workspace import Workspace

PART_NAMES = {"all": "All of it", "own": "Without category and brand"}
ENGINE_NAMES = {"fast": "Insider", "library": "umap-learn"}


@st.fragment(run_every=shared.REFRESH_SECONDS)
def progress(home: Workspace, model_id: str, seen: int | None = None) -> None:
    """How far the drawing is; goes on by itself, and shows the page anew when one other than `seen` is done."""
    try:
        run = view.last_run(home, model_id)
    except InsiderError as error:
        shared.problem(error)
        return
    if run is not None and run.state == "done" and run.id != seen:
        st.rerun()
    if run is not None and run.active:
        st.markdown("The products are being arranged, in the background. You can leave this page open.")
        shared.show_progress(run)
        if st.button("Stop", icon=":material/stop_circle:", key="stop_map"):
            cancel_job(home, run.id)
        return
    if run is not None and run.state == "failed":
        st.error(shared.plain(run.message), title="The last drawing failed", icon=":material/error:")
    elif run is not None and run.state == "cancelled":
        st.info("The last drawing was stopped.", icon=":material/cancel:")


def first(home: Workspace, model_id: str) -> None:
    """The page of a model without a map."""
    _, middle, _ = st.columns([1, 4, 1])
    with middle, st.container(border=True, gap="small"):
        st.title("The map is not drawn yet", icon=":material/scatter_plot:", anchor=False)
        run = view.last_run(home, model_id)
        if run is None or not run.active:
            st.markdown("This model has no map yet. Drawing one takes some seconds and disturbs nobody.")
            if st.button("Draw the map", type="primary", icon=":material/scatter_plot:"):
                start_map(home, model_id)
                st.rerun()
        progress(home, model_id)


def anew(home: Workspace, model_id: str, settings: MapSettings) -> None:
    """A form with everything that decides how a map is drawn."""
    run = view.last_run(home, model_id)
    progress(home, model_id, None if run is None or run.active else run.id)
    if run is not None and run.active:
        return
    with st.form("draw_anew", border=False), st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        neighbours = st.number_input(
            "Neighbours", 2, 200, settings.neighbours, width=120,
            help="How many neighbours of a product are to stay near it. Few show detail, many the large picture.",
        )  # fmt: skip
        spread = st.slider(
            "Spread", 0.0, 1.0, settings.min_dist, 0.05, width=180, help="0: tight clumps. 1: evenly spread out."
        )
        metric = st.selectbox(
            "Likeness by", METRICS, METRICS.index(settings.metric), width=140,
            help="cosine compares directions; euclidean lengths as well, which go with popularity.",
        )  # fmt: skip
        part = st.selectbox(
            "Part of the embedding", PARTS, PARTS.index(settings.part), format_func=PART_NAMES.get, width=230,
            help="Without what a product shares with its category and brand: only what shoppers' behaviour told of it.",
        )  # fmt: skip
        engine = st.selectbox(
            "Drawn by", ENGINES, ENGINES.index(settings.engine), format_func=ENGINE_NAMES.get, width=140,
            help="The same objective either way. umap-learn is the reference, and slower.",
        )  # fmt: skip
        keep = st.checkbox(
            "Start from the map before", settings.keep, help="So that people find things where they were."
        )
        if st.form_submit_button("Draw anew", icon=":material/refresh:"):
            wanted = MapSettings(int(neighbours), spread, metric, part, keep, engine)
            start_map(home, model_id, wanted.to_dict())
            st.rerun()

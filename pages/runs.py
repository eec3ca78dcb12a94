"""Runs: every training by page, command or search; some of them side by side; what all of them teach."""

import streamlit as st

from pages import choosing, making, promoting, shared, tables
from pages.training.columns import TRAINING_COLUMNS
from recsys.charts import runs
from recsys.services.stored_models import stored_models
from recsys.storage import audit
from recsys.storage.trials.training_run import TrainingRun
from recsys.views import runs as run_view

STATES = ("done", "running", "pruned", "failed", "cancelled")

home = shared.workspace()
state = st.session_state


def chosen_trainings(found: list[TrainingRun], notes: dict[str, audit.Note]) -> list[TrainingRun]:
    """The list and the table; the trainings that are chosen, also those that the filters hide."""
    by_name = {run_view.name_of(training): training for training in everything}
    picked = choosing.chosen(
        shared.in_percent(run_view.table(found, notes), "coverage"),
        [run_view.name_of(training) for training in found], key="trainings",
        label="Look at, or compare", most=run_view.MOST_COMPARED, options=list(by_name),
        placeholder=f"One training, or up to {run_view.MOST_COMPARED}; or choose rows of the table",
        column_config=TRAINING_COLUMNS, alt="All trainings, newest first",
    )  # fmt: skip
    return [by_name[name] for name in picked]


def compare(chosen: list[TrainingRun]) -> None:
    """Several trainings side by side."""
    pair = tuple((training.id, training.state) for training in chosen)
    if state.get("compared", (None,))[0] != pair:
        with making.waiting("Comparing the trainings") as bar:
            state.compared = pair, run_view.side_by_side(home, chosen, on_progress=bar)
    found = state.compared[1]
    if found.note:
        st.info(shared.plain(found.note), icon=":material/info:")
    if not found.curves:
        return
    with st.grid(2, min_column_width=330, gap="small") as grid:
        for what in ("ndcg", "coverage"):
            with grid.cell():
                st.plotly_chart(
                    runs.curves(found.curves, what), config=shared.STILL, key=f"compare_{what}",
                    alt=f"{what} by pass of the chosen trainings",
                )  # fmt: skip
    if found.paired:
        one, other = (run_view.name_of(training) for training in chosen)
        shared.describe(f"{other} against {one}, paired over the same shoppers of the test set.")
        promoting.differences(found.paired, "Metric", (one, other))
    if len(found.metrics):
        shared.describe("On the test set; 95% intervals in brackets.")
        tables.show(found.metrics, alt="Metrics of the chosen trainings on the test set")
    if len(found.parameters):
        shared.describe("Only what differs.")
        tables.show(found.parameters, alt="Parameters in which the chosen trainings differ")
    shared.describe(run_view.noise_floor(home, chosen[0]))


def one(training: TrainingRun, note: audit.Note) -> None:
    """One training: its curve, why it ended, note and tags, and what to do with it."""
    st.header(run_view.name_of(training), anchor=False)
    if training.state == "running":
        st.badge("Running", icon=":material/autorenew:", color="blue")
    if training.reason:
        st.warning(shared.plain(training.reason), icon=":material/info:")
    left, right = st.columns([3, 2], gap="medium")
    with left:
        if training.curve:
            st.plotly_chart(
                runs.curves({run_view.name_of(training): training.curve}, "ndcg"), config=shared.STILL,
                alt="Validation NDCG@10 by pass",
            )  # fmt: skip
        else:
            st.caption(run_view.without_curve(training))
    with right, st.form(f"note_{training.id}", border=False):
        text = st.text_area("Note", note.text, max_chars=2000, height=90)
        tags = st.multiselect(
            "Tags", list(note.tags), list(note.tags), accept_new_options=True, filter_mode="contains", select_all=False
        )
        if st.form_submit_button("Save", icon=":material/save:"):
            note_given = audit.Note(text, tuple(tags))
            with shared.problems_shown():
                audit.set_note(home.database, f"training {training.id}", note_given, who=promoting.who())
                st.rerun()
    with st.container(horizontal=True, gap="small"):
        if st.button(
            "Start from this", icon=":material/tune:", help="Turns the dials of the Train page to its recipe."
        ):
            state.point, state.wanted_point = f"training:{training.id}", f"training:{training.id}"
            st.switch_page("train.py")
        there = training.model in home.store.models()
        if there and training.model != home.live_id() and st.button("Promote", icon=":material/publish:"):
            promoting.ask(str(training.model))


def figures(found: list[TrainingRun]) -> None:
    """Optuna's figures over the trainings in the table, of the newest data among them."""
    newest = found[0].fingerprint
    same = [training for training in found if training.fingerprint == newest]
    kind = st.segmented_control(
        "Figure", list(runs.FIGURES), format_func=runs.FIGURES.get, default="parallel", required=True,
        key="figure", label_visibility="collapsed",
    )  # fmt: skip
    shared.describe(runs.MEANINGS[kind])
    names = runs.varied(same)
    params: list[str] = []
    if kind == "contour" and len(names) > 1:
        params = st.multiselect(
            "Two parameters",
            names,
            names[:2],
            max_selections=2,
            key="contour_params",
            filter_mode="contains",
            select_all=False,
        )
    elif kind == "parallel" and len(names) > runs.MOST_AXES:
        params = st.multiselect(
            "Parameters", names, max_selections=runs.MOST_AXES, key="parallel_params",
            placeholder=f"The {runs.MOST_AXES} that matter most",
            filter_mode="contains", select_all=False,
        )  # fmt: skip
    figure = runs.trainings_figure(kind, same, params)
    if figure is None:
        st.caption(
            f"This needs at least {runs.FEWEST} finished trainings on the same data that differ in something. "
            "A search makes them: Train, then Search."
        )
        return
    st.plotly_chart(figure, config=shared.STILL, key="optuna_figure", alt=runs.MEANINGS[kind])


st.title("Runs", anchor=False)
shared.describe("Every training, whoever started it: choose one to look into it, several to compare them.")
everything = home.training_runs.all()
if not everything:
    st.header("Nothing was trained yet", anchor=False)
    st.caption("Every training appears here, whether it was started on the Train page, by a command or by a search.")
    if stored_models(home):
        st.info(
            "There are models, but the database knows of no training: it is a new one. Check INSIDER\\_DATABASE\\_URL, "
            "if you expected the list.", icon=":material/info:",
        )  # fmt: skip
    st.page_link("train.py", label="Train a model", icon=":material/tune:")
    st.stop()

written = audit.notes(home.database)
datasets = sorted({training.dataset for training in everything})
with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    only = st.selectbox("Data", datasets, key="runs_dataset", width=170, index=datasets.index(everything[0].dataset))
    states = st.multiselect(
        "State", STATES, key="runs_states", width=260, placeholder="Any", filter_mode="contains", select_all=False
    )
    words_given = st.text_input("Find", key="runs_find", placeholder="Source, note, tag, model…", width="stretch")
shown = run_view.filtered(everything, written, dataset=only, states=states, text=words_given)
if not shown:
    st.caption("No training fits.")
    st.stop()
chosen = chosen_trainings(shown, written)
if not chosen:
    shared.describe(f"Choose one to look into it, or up to {run_view.MOST_COMPARED} to compare them.")
elif len(chosen) == 1:
    with st.container(border=True):
        one(chosen[0], written.get(f"training {chosen[0].id}", audit.Note()))
else:
    with st.container(border=True):
        compare(chosen)
with st.container(border=True):
    st.header("What they teach", anchor=False)
    figures(shown)

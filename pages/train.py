"""Train: turn the dials, watch the model learn, hold it against the live one, promote it or go back."""

from html import escape

import streamlit as st

from pages import promoting, shared
from pages.train_columns import TRAINING_COLUMNS
from recsys.charts import dials, quality, runs
from recsys.errors import InvalidInput
from recsys.models.hyperparameters import LEARNERS, Hyperparameters
from recsys.services.jobs import cancel_job, start_search, start_training
from recsys.storage.jobs import Job
from recsys.training.search import OBJECTIVES
from recsys.utils import formatting as fmt
from recsys.views import home as overview
from recsys.views import recipe_form, train
from recsys.views.cost_estimate import estimate, search_words
from recsys.views.dials import small_curves
from recsys.views.dials.learning import Learning

STATES = {
    "queued": ("Waiting", ":material/hourglass_empty:", "gray"),
    "running": ("Training", ":material/autorenew:", "blue"),
    "done": ("Done", ":material/check:", "green"),
    "failed": ("Failed", ":material/error:", "red"),
    "cancelled": ("Cancelled", ":material/cancel:", "orange"),
}

# Small curves below the dials; on wide screens the run stays in view while the dials scroll.
STYLE = """<style>
.small-curve { margin: -0.4rem 0 0.4rem; font-size: 0.78rem; opacity: 0.85; }
.small-curve img { display: block; width: 100%; height: 44px; }
.small-curve figcaption { display: flex; justify-content: space-between; gap: 0.5rem; }
.small-curve b { font-weight: 600; text-align: center; }
@media (min-width: 900px) {
  [data-testid="stColumn"]:has(.st-key-run_panel) {
    position: sticky; top: 4rem; align-self: flex-start; max-height: calc(100vh - 5rem); overflow-y: auto;
  }
}
</style>"""

MODES = {"once": "Train once", "search": "Search"}

home = shared.workspace()
state = st.session_state


def set_dials(point: str) -> None:
    """Turn every dial to the recipe of a starting point."""
    recipe = train.recipe_at(home, point)
    columns = recipe_form.columns_of(home, state.dataset)
    state.start = recipe
    for dial in recipe_form.DIALS:
        state[f"dial_{dial.name}"] = getattr(recipe, dial.name)
    state.dial_learner, state.dial_start = recipe.learner, recipe.start
    state.dial_identity, state.dial_brand = recipe.identity, recipe.brand
    state.dial_category_levels = recipe_form.chosen(recipe.category_levels, columns.category_levels)
    state.dial_user_attributes = recipe_form.chosen(recipe.user_attributes, columns.user_attributes)


def start_over() -> None:
    """Callback of "Start from" and of the dataset: other columns, other dials."""
    set_dials(state.point)


def dial_widget(dial: recipe_form.Dial, curve: small_curves.SmallCurve) -> None:
    """One slider, its help says what it does; below it what it did so far."""
    key = f"dial_{dial.name}"
    if key not in state:
        state[key] = getattr(state.start, dial.name)
    title = f"{dial.title} ({dial.unit})" if dial.unit and dial.scale == "whole" else dial.title
    if dial.scale == "whole":
        st.slider(title, dial.low, dial.high, step=1, key=key, help=dial.meaning)
    else:
        st.select_slider(
            title, recipe_form.steps_of(dial, state[key]), key=key, help=dial.meaning,
            format_func=lambda value: recipe_form.step_label(dial, value),
        )  # fmt: skip
    if not curve.points:
        st.html('<p class="small-curve">No runs with this dial yet</p>')
        return
    picture = dials.small_picture(curve, state[key])
    st.html(
        f'<figure class="small-curve"><img src="{picture}" alt="{escape(curve.described)}" '
        f'title="{escape(curve.described)}"><figcaption><span>{escape(curve.low)}</span><b>{escape(curve.told)}</b>'
        f"<span>{escape(curve.high)}</span></figcaption></figure>"
    )


@st.fragment(run_every=shared.REFRESH_SECONDS)
def rough_runs_under_way(job_id: int) -> None:
    """How far the rough runs are, and the way to stop them; the page follows with their curves when they end."""
    with shared.problems_shown():
        job = home.job_store.get(job_id)
        if not job.active:
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            shared.describe(f"Rough runs for the small curves, at low priority: {job.step}")
            if st.button("Stop them", icon=":material/stop:", type="tertiary", key="stop_rough"):
                cancel_job(home, job_id)


def dialled(names: tuple[str, ...], columns: recipe_form.Columns) -> tuple[Hyperparameters | None, str]:
    """The recipe that the dials show, or None and why there cannot be such a one."""
    values = {name: state.get(f"dial_{name}", getattr(state.start, name)) for name in names}
    try:
        return recipe_form.recipe_of(state.start, values, columns), ""
    except InvalidInput as error:
        return None, str(error)


def recipe_panel() -> None:
    """The dials, what they will cost, and the button."""
    datasets = home.datasets()
    points = train.starting_points(home)
    if state.get("dataset") not in datasets:
        state.dataset = datasets[0]
    if state.get("point") not in points:
        state.point = "preset:default"
    if "start" not in state or state.pop("wanted_point", None):
        set_dials(state.point)
    with st.container(horizontal=True, gap="small"):
        st.selectbox("Data", datasets, key="dataset", on_change=start_over, width=180)
        st.selectbox(
            "Start from", list(points), format_func=points.get, key="point", on_change=start_over, width="stretch",
            help="Turns all dials to a preset, to the live model's recipe, or to that of an earlier run.",
        )  # fmt: skip
    columns = recipe_form.columns_of(home, state.dataset)
    learner = st.selectbox(
        "Learner", LEARNERS, key="dial_learner", help=" ".join(recipe_form.LEARNER_MEANINGS.values()),
        format_func=lambda name: recipe_form.LEARNER_MEANINGS[name].partition(":")[0],
    )  # fmt: skip
    choices = recipe_form.choices_for(learner, columns)
    acting = recipe_form.dials_for(learner)
    recipe, refusal = dialled(("learner", *choices, *(dial.name for dial in acting)), columns)
    idle = recipe_form.idle_dials(recipe or state.start, columns)
    shown = [dial for dial in acting if dial.name not in idle]
    curves = small_curves.small_curves(home, state.dataset, recipe or state.start)
    shared.describe(small_curves.legend(curves))
    if (seeding := small_curves.seeding(home, state.dataset)) is not None:
        rough_runs_under_way(seeding.id)
    with st.grid(2, min_column_width=200, gap="small"):
        for dial in shown:
            with st.container(gap="xxsmall"):
                dial_widget(dial, curves.get(dial.name, small_curves.SmallCurve()))
    if idle:
        shared.describe(recipe_form.idle_words(idle))
    if "start" in choices:
        if "dial_start" not in state:
            state.dial_start = state.start.start
        st.segmented_control(
            "Begin", list(recipe_form.START_MEANINGS), key="dial_start", required=True,
            format_func=recipe_form.START_MEANINGS.get,
            help="Where the gradient steps start: at random, or at what ALS learns with the preset's dials.",
        )  # fmt: skip
    with st.expander("What it may learn from", icon=":material/dataset:"):
        if "identity" in choices:
            if "dial_identity" not in state:
                state.dial_identity = state.start.identity
            st.checkbox(
                "Each product by itself", key="dial_identity",
                help="A vector of its own for every product. Without it a product is its categories and brand alone.",
            )  # fmt: skip
        if "category_levels" in choices:
            st.pills(
                "Category levels", columns.category_levels, selection_mode="multi", key="dial_category_levels",
                format_func=fmt.label, help="Products of one category share what is learned about it.",
            )  # fmt: skip
        if "brand" in choices:
            st.checkbox("Brand", key="dial_brand", help="Products of one brand share what is learned about it.")
        if "user_attributes" in choices:
            st.pills(
                "Shopper attributes", columns.user_attributes, selection_mode="multi", key="dial_user_attributes",
                format_func=fmt.label, help="Lets the model say something about shoppers it knows little of.",
            )  # fmt: skip
    st.number_input(
        "Seed", 0, 2**32 - 1, key="seed", width=160,
        help="Of everything random. Two seeds give somewhat different lists from the same recipe.",
    )  # fmt: skip
    if recipe is None:
        st.warning(shared.plain(refusal), icon=":material/tune:")
        st.button("Train", type="primary", icon=":material/play_arrow:", disabled=True)
        return
    mode = st.segmented_control(
        "What to do", list(MODES), format_func=MODES.get, default="once", required=True, key="mode",
        help="Train once with these dials, or let a search look for better ones, starting from these.",
    )  # fmt: skip
    if mode == "search":
        search_panel(recipe)
        return
    if adapted := recipe_form.adapted_words(recipe):
        shared.describe(adapted)
    shared.describe(estimate(home, state.dataset, recipe).words)
    if st.button("Train", type="primary", icon=":material/play_arrow:"):
        with shared.problems_shown():
            run = start_training(home, state.dataset, recipe, seed=state.seed, promote=home.live_id() is None)
            state.run = run.id
            st.rerun()


def search_panel(recipe: Hyperparameters) -> None:
    """Budget, goal and name of a search, and the button."""
    goal = st.radio(
        "Look for", list(OBJECTIVES), key="goal", captions=[text.partition(": ")[2] for text in OBJECTIVES.values()],
        format_func=lambda name: OBJECTIVES[name].partition(":")[0],
    )  # fmt: skip
    with st.container(horizontal=True, gap="small"):
        number = st.number_input("Trainings", 1, 1000, 20, key="trials", width=130)
        minutes = st.number_input("Minutes at most", 0, 10_000, 0, key="minutes", width=150, help="0: no limit.")
        name = st.text_input(
            "Name", key="search_name", placeholder="A new search", max_chars=60, width="stretch",
            help="The name of an earlier search on these data goes on with it. Several may work on one search.",
        )  # fmt: skip
    shared.describe(
        f"{search_words(home, state.dataset, recipe, number)} The search varies the learner (ALS, "
        "softmax and the one above), its dials, category levels, brand and shopper attributes; the best recipe is "
        "trained at the end."
    )
    if st.button("Search", type="primary", icon=":material/travel_explore:"):
        with shared.problems_shown():
            plan = train.plan(state.dataset, recipe, name, number, minutes, goal, state.seed)
            state.run = start_search(home, plan).id
            st.rerun()


@st.fragment(run_every=shared.REFRESH_SECONDS)
def under_way(run_id: int) -> None:
    """How far a run is; the whole page follows when it ends."""
    with shared.problems_shown():
        run = home.job_store.get(run_id)
        if not run.active:
            st.rerun()
        waiting = train.waiting_for(home, run)
        heading(run)
        st.progress(run.fraction, text=shared.plain(run.step))
        st.caption(shared.plain(waiting or overview.progress_words(run) or "A moment until the first pass is measured"))
        if st.button("Cancel", icon=":material/stop:"):
            with shared.problems_shown():
                cancel_job(home, run_id)
        if run.curve:
            learning(train.curve(home, run), run)
        if run.kind == "search":
            leaderboard(run)


def leaderboard(run: Job) -> None:
    """The trainings of a search so far, best first."""
    table, found, front = train.board(home, run)
    if not len(table):
        return
    if front:
        st.plotly_chart(
            runs.trade_off(found, front), config=shared.STILL, key=f"front_{run.id}",
            alt="Accuracy against range of products shown, with the best trade-offs joined",
        )  # fmt: skip
    st.dataframe(
        table, hide_index=True, height=min(38 + 35 * len(table), 320), column_config=TRAINING_COLUMNS,
        placeholder="–", alt="Trainings of this search, best first",
    )  # fmt: skip


def ended(run: Job) -> None:
    """What came of a run."""
    if run.state == "failed":
        st.error(shared.plain(run.message), title=f"This {train.run_noun(run)} failed", icon=":material/error:")
    elif run.state == "cancelled" and run.kind == "search":
        st.info("This search was stopped. What it found stays; a search of the same name goes on from there.")
    elif run.state == "cancelled":
        st.info("This training was cancelled. Nothing was stored; the live model is as it was.")
    found = train.outcome(home, run)
    if found is not None:
        result(found, run)
    elif run.curve and run.kind != "search":
        learning(train.curve(home, run), run)
    if run.kind == "search":
        leaderboard(run)


def result(found: train.Outcome, run: Job) -> None:
    """The finished model beside the live one, and the way to make it live."""
    st.markdown(f"**{shared.plain(found.verdict)}**")
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
        st.dataframe(
            {
                "Metric": [line.title for line in found.lines],
                "This model": [line.ours for line in found.lines],
                "Live model": [line.live for line in found.lines],
                "Bestsellers": [line.popular for line in found.lines],
            },
            hide_index=True,
            column_config={"Metric": st.column_config.TextColumn(pinned=True)},
            alt="Metrics of this training beside the live model and bestsellers, 95% intervals in brackets",
        )
        shared.describe(
            "Products the shopper had not bought before, among those held out of training; 95% intervals in brackets."
        )


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


def heading(run: Job) -> None:
    """Number, state and recipe of a run."""
    title, icon, colour = STATES[run.state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(train.run_title(run, train.training_numbers(home)), anchor=False, width="content")
        st.badge(title, icon=icon, color=colour)
    shared.describe(train.run_words(run))


def run_panel(run: Job) -> None:
    """One run: how far it is or what came of it."""
    if run.active:
        under_way(run.id)
    else:
        heading(run)
        ended(run)


if not home.datasets() and not train.trainings(home) and home.live_id() is None:
    shared.waiting_panel()
    st.stop()

st.html(STYLE)
st.title("Train", anchor=False)
promoting.live_line(train.live_words(home))
left, right = st.columns([5, 6], gap="medium")
with left, st.container(border=True, gap="small"):
    st.header("Recipe", anchor=False)
    if home.datasets():
        recipe_panel()
    else:
        st.caption("There are no data to learn from any more. What was trained stays; import data to train again.")
        st.page_link("data.py", label="Data", icon=":material/database:")
with right, st.container(border=True, gap="small", key="run_panel"):
    shown = train.run_to_show(home, state.get("run"))
    if shown is None:
        st.header("Nothing trained by hand yet", anchor=False)
        st.caption("Press Train: the model learns in the background and appears here, beside the live one.")
    else:
        run_panel(shown)
        others = [run for run in train.trainings(home) if run.id != shown.id]
        if others:
            with st.expander(f"Earlier and waiting ({len(others)})", icon=":material/history:"):
                numbers = train.training_numbers(home)
                for run in others:
                    title, icon, _ = STATES[run.state]
                    label = f"{train.run_title(run, numbers)} · {title} · {fmt.ago(run.created)}"
                    if st.button(label, key=f"show_{run.id}", icon=icon, type="tertiary"):
                        state.run = run.id
                        st.rerun()

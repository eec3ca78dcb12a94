"""The recipe panel: the dials with what each did so far, what a training will cost, and the buttons that start one."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from pages import shared
from recsys.charts import dials
from recsys.errors import InvalidInput
from recsys.models.hyperparameters import LEARNERS, RANGES, Hyperparameters
from recsys.services.jobs import cancel_job, start_search, start_training
from recsys.services.workspace import Workspace
from recsys.training.search import OBJECTIVES
from recsys.utils import formatting as fmt
from recsys.views import train
from recsys.views.dials import recipe_form, small_curves
from recsys.views.dials.cost_estimate import estimate, search_words

MODES = {"once": "Train once", "search": "Search"}

state = st.session_state


def show(home: Workspace) -> None:
    """The dials, what they will cost, and the button."""
    choose_start(home)
    columns = recipe_form.columns_of(home, state.dataset)
    learner = st.selectbox(
        "Learner", LEARNERS, key="dial_learner", help=" ".join(recipe_form.LEARNER_MEANINGS.values()),
        format_func=recipe_form.learner_title,
    )  # fmt: skip
    choices = recipe_form.choices_for(learner, columns)
    acting = recipe_form.dials_for(learner)
    recipe, refusal = dialled(("learner", *choices, *(dial.name for dial in acting)), columns)
    idle = recipe_form.idle_dials(recipe or state.start, columns)
    dial_grid(home, [dial for dial in acting if dial.name not in idle], recipe or state.start)
    if idle:
        shared.describe(recipe_form.idle_words(idle))
    if "start" in choices:
        send("dial_start", state.start.start)
        st.segmented_control(
            "Begin", list(recipe_form.START_MEANINGS), key="dial_start", required=True,
            format_func=recipe_form.START_MEANINGS.get,
            help="Where the gradient steps start: at random, or at what ALS learns with the preset's dials.",
        )  # fmt: skip
    with st.expander("What it may learn from", icon=":material/dataset:"):
        features(choices, columns)
        weights(recipe_form.weights_for(recipe or state.start, columns))
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
        search_panel(home, recipe)
    else:
        train_once(home, recipe)


def choose_start(home: Workspace) -> None:
    """The dataset, and the recipe that the dials start from."""
    datasets = home.datasets()
    points = train.starting_points(home)
    if state.get("dataset") not in datasets:
        state.dataset = datasets[0]
    if state.get("point") not in points:
        state.point = "preset:default"
    if "start" not in state or state.pop("wanted_point", None):
        set_dials(home)
    send("dataset", datasets[0])
    send("point", "preset:default")
    send("dial_learner", state.start.learner)
    with st.container(horizontal=True, gap="small"):
        st.selectbox("Data", datasets, key="dataset", on_change=set_dials, args=(home,), width=180)
        st.selectbox(
            "Start from", list(points), format_func=points.get, key="point", on_change=set_dials, args=(home,),
            width="stretch",
            help="Turns all dials to a preset, to the live model's recipe, or to that of an earlier run.",
        )  # fmt: skip


def send(key: str, value: object) -> None:
    """Set a widget to what it stands at, or else to this value, until a run of the page has come to its end.

    Streamlit sends a value that the program has set in the run that sets it and in no other. Where a job ends during
    that run, the page runs anew before the browser has the value: every dial would stand at its lowest. Sent in every
    run, it would take back what was turned meanwhile.
    """
    if key not in state or not state.get("dials_sent"):
        state[key] = state.get(key, value)


def all_sent() -> None:
    """Note that a run of the page has come to its end: the browser has what was set in it."""
    state.dials_sent = True


def set_dials(home: Workspace) -> None:
    """Turn every dial to the recipe of the chosen starting point. Callback of it and of the dataset, too."""
    recipe = train.recipe_at(home, state.point)
    columns = recipe_form.columns_of(home, state.dataset)
    state.start, state.dials_sent = recipe, False
    for dial in recipe_form.DIALS:
        state[f"dial_{dial.name}"] = getattr(recipe, dial.name)
    state.dial_learner, state.dial_start = recipe.learner, recipe.start
    state.dial_identity, state.dial_brand = recipe.identity, recipe.brand
    state.dial_category_levels = recipe_form.chosen(recipe.category_levels, columns.category_levels)
    state.dial_user_attributes = recipe_form.chosen(recipe.user_attributes, columns.user_attributes)
    state.dial_bands, state.dial_words = recipe_form.bands_chosen(recipe, columns), recipe.words
    for name in recipe_form.WEIGHTS:
        state[f"dial_{name}"] = getattr(recipe, name)


def dialled(names: tuple[str, ...], columns: recipe_form.Columns) -> tuple[Hyperparameters | None, str]:
    """The recipe that the dials show, or None and why there cannot be such a one."""
    values = {name: state.get(f"dial_{name}", getattr(state.start, name)) for name in names}
    try:
        return recipe_form.recipe_of(state.start, values, columns), ""
    except InvalidInput as error:
        return None, str(error)


def dial_grid(home: Workspace, shown: Sequence[recipe_form.Dial], recipe: Hyperparameters) -> None:
    """The dials that act, each with its small curve."""
    curves = small_curves.small_curves(home, state.dataset, recipe)
    shared.describe(small_curves.legend(curves))
    if (seeding := small_curves.seeding(home, state.dataset)) is not None:
        rough_runs_under_way(home, seeding.id)
    with st.grid(2, min_column_width=200, gap="small"):
        for dial in shown:
            with st.container(gap="xxsmall"):
                dial_widget(dial, curves.get(dial.name, small_curves.SmallCurve()))


@st.fragment(run_every=shared.REFRESH_SECONDS)
def rough_runs_under_way(home: Workspace, job_id: int) -> None:
    """How far the rough runs are, and the way to stop them; the page follows with their curves when they end."""
    with shared.problems_shown():
        job = home.job_store.get(job_id)
        if not job.active:
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            shared.describe(f"Rough runs for the small curves, at low priority: {job.step}")
            if st.button("Stop them", icon=":material/stop:", type="tertiary", key="stop_rough"):
                cancel_job(home, job_id)


def dial_widget(dial: recipe_form.Dial, curve: small_curves.SmallCurve) -> None:
    """One slider, its help says what it does; below it what it did so far."""
    key = f"dial_{dial.name}"
    send(key, getattr(state.start, dial.name))
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


def features(choices: Sequence[str], columns: recipe_form.Columns) -> None:
    """Which features of products and shoppers are learned from."""
    if "identity" in choices:
        send("dial_identity", state.start.identity)
        st.checkbox(
            "Each product by itself", key="dial_identity",
            help="A vector of its own for every product. Without it a product is its categories and brand alone.",
        )  # fmt: skip
    if "category_levels" in choices:
        send("dial_category_levels", recipe_form.chosen(state.start.category_levels, columns.category_levels))
        st.pills(
            "Category levels", columns.category_levels, selection_mode="multi", key="dial_category_levels",
            format_func=fmt.label, help="Products of one category share what is learned about it.",
        )  # fmt: skip
    if "brand" in choices:
        send("dial_brand", state.start.brand)
        st.checkbox("Brand", key="dial_brand", help="Products of one brand share what is learned about it.")
    if "bands" in choices:
        send("dial_bands", recipe_form.bands_chosen(state.start, columns))
        st.pills(
            "Bands of numbers", columns.bands, selection_mode="multi", key="dial_bands", format_func=fmt.label,
            help="Numbers of products are cut into up to eight bands: products of one band share what is learned about "
            "it. It is new products that gain.",
        )  # fmt: skip
    if "words" in choices:
        send("dial_words", state.start.words)
        st.select_slider(
            "Words of titles", sorted({*recipe_form.WORD_STEPS, state.dial_words}), key="dial_words",
            format_func=lambda value: f"{value:,}" if value else "none", help=RANGES["words"].meaning,
        )  # fmt: skip
    if "user_attributes" in choices:
        send("dial_user_attributes", recipe_form.chosen(state.start.user_attributes, columns.user_attributes))
        st.pills(
            "Shopper attributes", columns.user_attributes, selection_mode="multi", key="dial_user_attributes",
            format_func=fmt.label, help="Lets the model say something about shoppers it knows little of.",
        )  # fmt: skip


def weights(names: Sequence[str]) -> None:
    """How much each group of features counts among what products share."""
    for name in names:
        send(f"dial_{name}", getattr(state.start, name))
        st.select_slider(
            recipe_form.WEIGHTS[name], sorted({*recipe_form.WEIGHT_STEPS, state[f"dial_{name}"]}),
            key=f"dial_{name}", format_func=lambda value: f"x {value:g}", help=RANGES[name].meaning,
        )  # fmt: skip


def train_once(home: Workspace, recipe: Hyperparameters) -> None:
    """What one training will cost, and the button."""
    if adapted := recipe_form.adapted_words(recipe):
        shared.describe(adapted)
    shared.describe(estimate(home, state.dataset, recipe).words)
    if st.button("Train", type="primary", icon=":material/play_arrow:"):
        with shared.problems_shown():
            run = start_training(home, state.dataset, recipe, seed=state.seed, promote=home.live_id() is None)
            state.run = run.id
            st.rerun()


def search_panel(home: Workspace, recipe: Hyperparameters) -> None:
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
        "softmax and the one above), its dials, category levels, brand, bands, words and shopper attributes; the best "
        "recipe is trained at the end."
    )
    if st.button("Search", type="primary", icon=":material/travel_explore:"):
        with shared.problems_shown():
            plan = train.plan(state.dataset, recipe, name, number, minutes, goal, state.seed)
            state.run = start_search(home, plan).id
            st.rerun()

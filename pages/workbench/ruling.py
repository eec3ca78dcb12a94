"""Rules over the model: the list under them and its buttons, the editor, what they cost, saving and serving."""

import streamlit as st

from pages import making, shared
from pages.product_list import product_list
from pages.workbench import drafting, serving
from pages.workbench.drafting import NEW
from pages.workbench.rule_editor import editor
from recsys.charts import shopper as charts
from recsys.errors import InsiderError
from recsys.recommend.recommender import Recommender
from recsys.recommend.rules import Rules
from recsys.services.workbench import rule_sets
from recsys.services.workbench.rule_sets import RuleSets
from recsys.services.workspace import Workspace
from recsys.views import rule_cost, what_if
from recsys.views.shopper import ShopperView

IN_VIEW = """<style>
@media (min-width: 641px) { [data-testid="stColumn"]:has(.st-key-list_under_rules) {
  position: sticky; top: 4rem; align-self: flex-start; max-height: calc(100vh - 5rem); overflow-y: auto } }
</style>"""
"""On a wide screen the list stays where it is while the editor beside it is scrolled."""

state = st.session_state


def price(home: Workspace, live: Recommender, rules: Rules, stored: bool) -> None:
    """What the rules cost on the held-out period: of a stored rule set always, of changes when asked for."""
    st.header("What they cost", anchor=False)
    if not stored and not st.toggle(
        "Judge these rules", key="priced", bind="query-params",
        help="On what shoppers went on to buy: every list with and without the rules. Takes some seconds each time.",
    ):  # fmt: skip
        return
    try:
        which = str(home.settings.home), live.model.id
        found = making.once(
            ("price", *which, rules), "Judging every list with and without the rules",
            lambda bar: rule_cost.priced(home, live.model.id, rules, on_progress=bar),
        )  # fmt: skip
        turns = making.once(
            ("dial", *which), "Judging the popularity dial alone",
            lambda bar: rule_cost.dial_alone(home, live.model.id, on_progress=bar),
        )  # fmt: skip
    except InsiderError as error:
        shared.problem(error)
        return
    st.markdown(shared.plain(found.sentence))
    with st.grid(3, min_column_width=150, gap="small"):
        for line in found.lines:
            st.metric(
                shared.plain(line.title), line.value, delta=f"was {line.before}", delta_color="off",
                delta_arrow="off", help=line.meaning, border=True,
            )  # fmt: skip
    st.plotly_chart(
        charts.cost_of_rules(turns, found.price.without, found.price.ruled), config=shared.STILL,
        alt=f"Accuracy against catalogue coverage. {found.sentence}",
    )  # fmt: skip
    shared.describe("All on the same shoppers and purchases, held out of training.")


def as_text(rules: Rules, start: Rules) -> None:
    """The rules as they are now, for a file and for the link; in the link only where they are not the stored ones."""
    state.draft = rule_sets.write(rules) if rules != start.changed({}) else ""
    with st.expander("As a file"):
        st.text_input(
            "Not saved yet", key="draft", bind="query-params", disabled=True, placeholder="Nothing is changed.",
            help="Changes that are not saved stand in the address of this page: whoever opens it sees them.",
        )  # fmt: skip
        st.code(rule_sets.write(rules), language="json", wrap_lines=True)
        shared.describe("The same in a file is what the command “rules save” takes.")


def listed(live: Recommender, view: ShopperView, rules: Rules, k: int) -> None:
    """The list under the rules, with its buttons, and what fell out of it."""
    try:
        found = what_if.rules_preview(live, view.subject, rules, k=k)
    except InsiderError as error:
        shared.problem(error)
        return
    if not found.answer.items:
        st.warning("These rules leave nothing to show. Take a filter away.", icon=":material/filter_alt_off:")
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        shared.describe(found.moves.summary)
        st.button(
            "Undo", icon=":material/undo:", on_click=drafting.undo, disabled=not state.get("draft_steps"),
            key="undo_draft", help="Take the last button or drag on the list back.",
        )  # fmt: skip
    cards = what_if.moved_cards(live, found.moves, view.currency)
    shown = [card.changed(actions=drafting.actions_of(card.id, rules)) for card in cards]
    product_list(
        shown, "ruled", "The list under the rules", actions=drafting.actions(rules), order=True,
        on_done=lambda done: drafting.act(done, [card.id for card in cards]),
    )  # fmt: skip
    shared.describe(
        "Pinned products come first, in your order: drag them, or use the arrows. The scores order the rest."
    )
    gone = what_if.gone_cards(live, found.moves, view.currency)
    if gone:
        st.markdown("**No longer shown**")
        product_list(gone, "ruled_gone", "Products that fell out of the list")


@st.fragment
def show(home: Workspace, live: Recommender, view: ShopperView, k: int) -> None:
    """The section."""
    sets = RuleSets(home.database)
    choices = [NEW, *sets.names()]
    if wanted := state.pop("edit_rules_next", None):
        state.edit_rules = wanted
    if state.get("edit_rules") not in choices:
        state.pop("edit_rules", None)
    st.html(IN_VIEW)
    left, right = st.columns([10, 11], gap="small")
    with right, st.container(border=True):
        chosen = st.selectbox("Rule set", choices, key="edit_rules", bind="query-params")
        _, start, begin = drafting.begin()
        if start.version:
            st.caption(f"Version {start.version}; saving adds the next one.")
        try:
            rules = editor(live, begin, drafting.prefix(chosen, start))
        except InsiderError as error:
            shared.problem(error)
            return
        as_text(rules, start)
        serving.keeping(home, sets, chosen, rules)
    stored = start.version > 0 and rules == start.changed({})
    with left, st.container(border=True, key="list_under_rules"):
        st.header("What they do to this list", anchor=False)
        listed(live, view, rules, k)
    with st.container(border=True):
        price(home, live, rules, stored)
    with st.container(border=True):
        serving.served(home, live, sets, chosen, rules, stored, k)

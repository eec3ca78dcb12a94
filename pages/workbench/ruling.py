"""Rules over the model: edit a rule set, see what it does to this shopper, what it costs, keep it, serve it."""

import streamlit as st

from pages import shared
from pages.workbench import desk
from pages.workbench.rule_editor import editor
from recsys.charts import shopper
from recsys.errors import InsiderError
from recsys.recommend.recommender import Recommender
from recsys.recommend.rules import Rules
from recsys.services import rule_sets
from recsys.services.rule_sets import RuleSets
from recsys.services.workspace import Workspace
from recsys.views import rule_cost, what_if
from recsys.views.shopper import ShopperView

NEW = "New rule set"
EDITED = "rules_"
"""What the keys of the editor's widgets begin with."""
state = st.session_state


@st.cache_data(max_entries=50, show_spinner=False)
def _price(_home: Workspace, model_id: str, rules: Rules) -> rule_cost.Priced:
    return rule_cost.priced(_home, model_id, rules)


@st.cache_data(max_entries=4, show_spinner=False)
def _dial(_home: Workspace, model_id: str) -> tuple[dict[str, float], ...]:
    return rule_cost.dial_alone(_home, model_id)


def price(home: Workspace, live: Recommender, rules: Rules, stored: bool) -> None:
    """What the rules cost on the held-out period: of a stored rule set always, of changes when asked for."""
    st.markdown("**What they cost**")
    if not stored and not st.toggle(
        "Judge these rules", key="priced", bind="query-params",
        help="On what shoppers went on to buy: every list with and without the rules. Takes some seconds each time.",
    ):  # fmt: skip
        return
    try:
        with st.spinner("Judging every list with and without the rules…", show_time=True):
            found, turns = _price(home, live.model.id, rules), _dial(home, live.model.id)
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
        shopper.cost_of_rules(turns, found.price.without, found.price.ruled), config=shared.STILL,
        alt=f"Accuracy against range shown. {found.sentence}",
    )  # fmt: skip
    shared.describe("All on the same shoppers and purchases, held out of training.")


def keeping(home: Workspace, sets: RuleSets, chosen: str, rules: Rules) -> None:
    """Save, serve, delete."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.text_input(
            "Name", "" if chosen == NEW else chosen, key=f"rules_name_{chosen}", max_chars=60, width=200,
            placeholder="Name of the rule set",
        )  # fmt: skip
        if st.button("Save", type="primary", disabled=not name, key="save_rules") and desk.attempt(
            sets.save, name, rules, done=f"Rule set “{name}” is saved."
        ):
            state.edit_rules_next = name
            state.pop("linked_rules", None)
            st.rerun()
        if chosen != NEW:
            served = sets.served()
            if served is not None and served.name == chosen:
                if st.button("Stop serving", icon=":material/cancel:", key="unserve_rules"):
                    desk.change(sets.serve, None)
                st.badge("Served", icon=":material/check_circle:", color="green")
            else:
                if st.button("Serve", icon=":material/publish:", key="serve_rules", help="Every answer of the API "
                             "that does not ask otherwise will follow these rules."):  # fmt: skip
                    desk.change(sets.serve, chosen)
                if st.button("Delete", icon=":material/delete:", type="tertiary", key="delete_rules"):
                    desk.change(sets.delete, chosen)


def keep() -> None:
    """What is being edited outlives a look at another section."""
    for key in [str(key) for key in state if str(key).startswith(EDITED)]:
        state[key] = state[key]


def from_link() -> None:
    """Take the rules that a link describes as the start of the editor."""
    if text := st.query_params.get("draft"):
        try:
            state.linked_rules = st.query_params.get("edit_rules", NEW), rule_sets.read(text)
        except InsiderError as error:
            st.warning(shared.plain(f"The rules in the link cannot be used: {error}"))


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


def show(home: Workspace, live: Recommender, view: ShopperView, k: int) -> None:
    """The section."""
    sets = RuleSets(home.database)
    choices = [NEW, *sets.names()]
    if wanted := state.pop("edit_rules_next", None):
        state.edit_rules = wanted
    if state.get("edit_rules") not in choices:
        state.pop("edit_rules", None)
    left, right = st.columns([8, 13], gap="small")
    with left, st.container(border=True, height="stretch"):
        chosen = st.selectbox("Rule set", choices, key="edit_rules", bind="query-params")
        start = Rules() if chosen == NEW else sets.get(chosen)
        if start.version:
            st.caption(f"Version {start.version}; saving adds the next one.")
        linked, drafted = state.get("linked_rules", (None, None))
        begin = drafted if linked == chosen and drafted is not None else start
        try:
            rules = editor(live, begin, f"{EDITED}{chosen}_{start.version}")
        except InsiderError as error:
            shared.problem(error)
            return
        keeping(home, sets, chosen, rules)
        as_text(rules, start)
    with right, st.container(border=True, height="stretch"):
        st.subheader("What they do to this list", anchor=False)
        try:
            found = what_if.rules_preview(live, view.subject, rules, k=k)
        except InsiderError as error:
            shared.problem(error)
            return
        if not found.answer.items:
            st.warning("These rules leave nothing to show. Take a filter away.", icon=":material/filter_alt_off:")
            return
        shared.describe(found.moves.summary)
        desk.product_table(
            found.moves.table, ("move", "rank", "title", "category", "effect"), "The list under the rules"
        )
        desk.gone(found.moves.gone, ("before", "title", "category", "effect"))
        price(home, live, rules, start.version > 0 and rules == start.changed({}))

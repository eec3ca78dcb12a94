"""Saving, serving and deleting rule sets: a preview and a question before, one step back after."""

import streamlit as st

from pages import making, shared
from pages.workbench import desk
from pages.workbench.drafting import NEW
from recsys.errors import InsiderError
from recsys.recommend.recommender import Recommender
from recsys.recommend.rules import Rules
from recsys.services.workbench.rule_sets import RuleSets
from recsys.services.workspace import Workspace
from recsys.utils import formatting as fmt
from recsys.views import rule_cost

state = st.session_state


def _reach(live: Recommender, rules: Rules, before: Rules | None, k: int) -> str:
    folder = str(shared.workspace().settings.home)
    return making.once(
        ("reach", folder, live.model.id, rules, before, k), "Counting whose list changes",
        lambda bar: rule_cost.reach_words(live, rules, before, k, on_progress=bar),
    )  # fmt: skip


def keeping(home: Workspace, sets: RuleSets, chosen: str, rules: Rules) -> None:
    """Save under a name."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.text_input(
            "Name", "" if chosen == NEW else chosen, key=f"rules_name_{chosen}", max_chars=60, width=200,
            placeholder="Name of the rule set",
        )  # fmt: skip
        if st.button("Save", type="primary", disabled=not name, key="save_rules") and desk.attempt(
            sets.save, name, rules
        ):
            shared.say_after_rerun(shared.plain(f"Rule set “{name}” is saved."), ":material/check:")
            state.edit_rules_next = name
            state.pop("linked_rules", None)
            state.pop("draft_steps", None)
            st.rerun()


def changed(action: object, *args: object, done: str, undo: str, name: str = "") -> None:
    """Do it, and remember how it is taken back; a refusal stays to be read."""
    if desk.attempt(action, *args):  # type: ignore[arg-type]  # one of the methods of RuleSets
        state.rules_undo = (done, undo, name)
        st.rerun()


def one_step_back(sets: RuleSets) -> None:
    """What was just changed, with the way back."""
    if "rules_undo" not in state:
        return
    done, undo, name = state.rules_undo
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.success(shared.plain(done), icon=":material/check:")
        if st.button("Undo", icon=":material/undo:", key="undo_serving"):
            state.pop("rules_undo")
            if undo == "restore":
                state.edit_rules_next = name
                desk.change(sets.restore, name)
            else:
                desk.change(sets.undo_serving)
        if st.button("Close", type="tertiary", key="close_undo"):
            state.pop("rules_undo")
            st.rerun(scope="fragment")


@st.dialog("Serve these rules?")
def ask_to_serve(live: Recommender, sets: RuleSets, names: list[str], k: int) -> None:
    """Before serving: what the change does, and a question."""
    before = sets.served_sets()
    now = [sets.get(name) for name in names]
    st.markdown(f"**Served now**: {shared.plain(', '.join(r.label or '' for r in before) or 'no rules')}")
    st.markdown(f"**From now on**: {shared.plain(', '.join(r.label or '' for r in now) or 'no rules')}")
    try:
        folder = str(shared.workspace().settings.home)
        for sentence in making.once(
            ("serving", folder, live.model.id, tuple(before), tuple(now), k), "Counting whose list changes",
            lambda bar: rule_cost.serving_words(live, before, now, k, on_progress=bar),
        ):  # fmt: skip
            st.markdown(shared.plain(sentence))
        for rules in now:
            shared.describe(f"{rules.label} applies {rules.when.words}.")
    except InsiderError as error:
        shared.problem(error)
        return
    shared.describe(
        "Every answer of the API that does not ask otherwise changes at once. The audit log keeps who did it."
    )
    with st.container(horizontal=True, gap="small"):
        if st.button("Serve", type="primary", key="confirm_serve"):
            told = ", ".join(names) or "no rules"
            changed(sets.serve_all, names, done=f"Served from now on: {told}.", undo="serve")
        if st.button("Cancel", key="cancel_serve"):
            st.rerun()


@st.dialog("Delete this rule set?")
def ask_to_delete(sets: RuleSets, name: str) -> None:
    """Before deleting: a question."""
    st.markdown(
        shared.plain(
            f"“{name}” has {fmt.plural(len(sets.versions(name)), 'version')}. It is not served, so no answer changes."
        )
    )
    with st.container(horizontal=True, gap="small"):
        if st.button("Delete", type="primary", key="confirm_delete"):
            changed(sets.delete, name, done=f"Rule set “{name}” is deleted.", undo="restore", name=name)
        if st.button("Cancel", key="cancel_delete"):
            st.rerun()


def served(home: Workspace, live: Recommender, sets: RuleSets, chosen: str, rules: Rules, stored: bool, k: int) -> None:
    """Which sets are served, in what order, and the way to change it."""
    st.header("Served rules", anchor=False)
    one_step_back(sets)
    names = sets.served_names()
    if names:
        shared.describe("An answer follows the first set whose conditions hold for it.")
    else:
        shared.describe("No rules are served: answers come from the model alone, unless a request names a rule set.")
    for place, name in enumerate(names):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(shared.plain(f"{place + 1}. {name}"), icon=":material/check_circle:", color="green")
            shared.describe(sets.get(name).when.words)
            if place and st.button("Earlier", icon=":material/arrow_upward:", key=f"earlier_{place}", type="tertiary"):
                other = [*names]
                other.insert(place - 1, other.pop(place))
                ask_to_serve(live, sets, other, k)
            if place + 1 < len(names) and st.button(
                "Later", icon=":material/arrow_downward:", key=f"later_{place}", type="tertiary"
            ):
                other = [*names]
                other.insert(place + 1, other.pop(place))
                ask_to_serve(live, sets, other, k)
            if st.button("Stop", icon=":material/cancel:", key=f"unserve_{place}", type="tertiary"):
                ask_to_serve(live, sets, [other for other in names if other != name], k)
    if chosen == NEW:
        shared.describe("Save the rules under a name to serve them.")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if chosen not in names:
            if st.button("Serve", icon=":material/publish:", key="serve_rules", disabled=not stored, type="primary"):
                ask_to_serve(live, sets, [chosen], k)
            if names and st.button(
                "Serve before the others", icon=":material/low_priority:", key="serve_first", disabled=not stored
            ):
                ask_to_serve(live, sets, [chosen, *names], k)
            if st.button("Delete", icon=":material/delete:", type="tertiary", key="delete_rules"):
                ask_to_delete(sets, chosen)
        if not stored:
            shared.describe("Save your changes first; what is served is always the newest version.")
        elif st.button("How many shoppers are affected?", icon=":material/group:", key="reach", type="tertiary"):
            st.markdown(shared.plain(_reach(live, rules, None, k)))

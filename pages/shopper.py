"""Shopper: one shopper's history beside what the model recommends, why, what if, under which rules. All in the link."""

import streamlit as st

from pages import shared
from pages.workbench import comparing, desk, drafting, expectations, finding, reasons, recommended, ruling, whatif
from recsys.errors import InsiderError
from recsys.recommend.recommender import LANES, MAX_K
from recsys.services.search.user_search import BEHAVIOURS
from recsys.services.workbench.target_user import Personas
from recsys.utils import formatting as fmt
from recsys.views import compare, shopper, shopper_history, shopper_link

LANE_NAMES = {"discover": "Discover", "again": "Buy again", "all": "Both"}
SECTIONS = ("Recommended", "Why", "What if", "Rules", "Compare", "Expectations")
IN_LINK = (
    "shopper",
    "k",
    "lane",
    "category",
    "level",
    "persona",
    "rules",
    "behaviour",
    "period",
    "without",
    "plus",
    "against",
)

live = shared.live()
home = shared.workspace()
state = st.session_state
attributes, category_names = desk.choices(live.model.id, live)
LEVEL_NAMES = {level: fmt.label(level) for level in shopper.levels(live)}
BEHAVIOUR_NAMES = {name: title for name, (title, _) in BEHAVIOURS.items()}
rule_choices = desk.rule_choices(home)

problems = (
    st.container()
)  # a container of its own: bound widgets leave the link when what stands above them comes or goes
if "shopper" not in state:
    link = {name: st.query_params.get_all(name) for name in IN_LINK}
    labels = {
        "lane": LANE_NAMES, "level": LEVEL_NAMES, "period": recommended.PERIOD_NAMES, "behaviour": BEHAVIOUR_NAMES,
        "against": compare.choices(home), "without": whatif.link_labels(live), "plus": whatif.link_labels(live),
    }  # fmt: skip
    better = {name: found for name, titles in labels.items() if (found := shared.labelled(name, titles))}
    if not link["shopper"]:
        better["shopper"] = [shopper.first_shopper(live)]
    if better:
        st.query_params.update(better)
        st.rerun()
    there = {
        "persona": Personas(home.database).names(), "rules": rule_choices, "behaviour": list(BEHAVIOURS),
        "period": list(shopper_history.PERIODS), "against": list(labels["against"]),
    }  # fmt: skip
    for sentence in shopper_link.link_problems(live, link, labels, there):
        problems.warning(shared.plain(f"The link asks for what does not exist: {sentence} The usual is shown instead."))
    for name, values in (("period", recommended.PERIOD_NAMES), ("level", LEVEL_NAMES)):
        for value, title in values.items():
            if link[name] in ([title], [value]):
                state[name] = value
    drafting.from_link()
    if st.query_params.get("boughtin") in category_names:
        state.boughtin = st.query_params["boughtin"]

if wanted := state.pop("show_next", None):  # a button of a list leads to another section
    state.update(wanted)

user_id, persona = finding.bar(home, attributes)
finding.chips(attributes)

with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    lane = st.segmented_control(
        "Show", LANES, format_func=LANE_NAMES.get, default=LANES[0], required=True, key="lane", bind="query-params",
        help="Discover: products they have never bought. Buy again: what they bought before. Both: mixed in the "
        "proportion in which people shop.",
    )  # fmt: skip
    k = st.number_input("How many", 1, MAX_K, 10, key="k", bind="query-params", width=120)
    categories = st.multiselect(
        "Only these categories", category_names, key="category", bind="query-params", width=280,
        placeholder="All categories",
            filter_mode="contains", select_all=False,
        )  # fmt: skip
    truth, truth_help = shopper_history.truth_words(live)
    since = st.toggle(truth, key="since", bind="query-params", help=truth_help)
    chosen_rules = desk.AS_SERVED
    if len(rule_choices) > 2:
        if state.get("rules") not in (None, *rule_choices):
            state.pop("rules")
        chosen_rules = st.selectbox(
            "Rules", rule_choices, key="rules", bind="query-params", width=150,
            help="“as served”: what the API does when nothing is asked; “off”: the model alone.",
        )  # fmt: skip

try:
    rules = desk.rules_in_force(home, chosen_rules)
    view = shopper.view(home, user_id, k=k, lane=lane, category=categories, rules=rules, persona=persona)
except InsiderError as error:
    st.title("Nothing to show", anchor=False)
    st.error(shared.said(error), icon=":material/person_search:")
    finding.instead(home, attributes, user_id)
    st.stop()
if view.subject.known:
    finding.remember(view.user_id)
rules_name = None if chosen_rules == desk.AS_SERVED else chosen_rules

st.set_page_config(page_title=f"Shopper {view.user_id} · Insider")
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
    st.title(shared.plain(f"Shopper {view.user_id}" if view.subject.known else f"Persona {view.user_id}"), anchor=False)
    recommended.take_along(live, view, k, rules_name, categories)
with st.container(horizontal=True, gap="xsmall"):
    for name, value in view.attributes:
        st.badge(shared.plain(f"{name}: {value}"), color="gray")
    if view.answer.rules:
        st.badge(shared.plain(f"Rules: {view.answer.rules}"), icon=":material/rule:", color="blue")
    if not view.attributes:
        st.caption("Nothing is known of them but what they bought.")
shared.describe(view.summary)
with st.container():
    if view.subject.missing:
        st.warning(
            shared.plain(f"This model does not know {fmt.joined(list(view.subject.missing[:5]))}; it is left out."),
            icon=":material/help:",
        )

tabs = st.tabs(SECTIONS, on_change="rerun", key="section", bind="query-params")
section = dict(zip(SECTIONS, tabs, strict=True))
with section["Recommended"]:
    if section["Recommended"].open:
        recommended.show(home, live, view, category_names, LEVEL_NAMES, since)
with section["Why"]:
    if section["Why"].open:
        reasons.show(live, view, rules)
with section["What if"]:
    if section["What if"].open:
        whatif.show(home, live, view, attributes, k, rules, rules_name)
with section["Rules"]:
    if section["Rules"].open:
        ruling.show(home, live, view, k)
    else:
        drafting.keep()
with section["Compare"]:
    if section["Compare"].open:
        comparing.show(home, view, k)
with section["Expectations"]:
    if section["Expectations"].open:
        expectations.show(home, live, view, k, rules)

"""Rules over the model: edit a rule set, see what it does to this shopper, what it costs, keep it, serve it."""

import streamlit as st

from pages import shared
from pages.workbench import desk
from recsys import charts_shopper, preview, rule_price, shopper
from recsys.errors import InsiderError
from recsys.recommender import Recommender
from recsys.rule_sets import RuleSets
from recsys.rules import Rules
from recsys.shopper import ShopperView
from recsys.workspace import Workspace

NEW = "New rule set"
state = st.session_state


@st.cache_data(max_entries=50, show_spinner=False)
def _price(_home: Workspace, model_id: str, rules: Rules) -> rule_price.Priced:
    return rule_price.priced(_home, model_id, rules)


def _limit(label: str, value: float | None, key: str) -> float | None:
    return st.number_input(label, min_value=0.0, value=value, placeholder="none", key=key)


def editor(live: Recommender, start: Rules, key: str) -> Rules:
    """The widgets of one rule set, filled from `start`; InvalidInput for rules that contradict each other."""
    names, brands = shopper.category_names(live), shopper.brand_names(live)
    titles = shopper.titles(live, [*start.pins, *start.never_items])

    def several(label: str, options: list[str], chosen: tuple[str, ...], name: str) -> tuple[str, ...]:
        return tuple(
            st.multiselect(
                label, list(dict.fromkeys([*chosen, *options])), default=list(chosen), key=f"{key}_{name}",
                format_func=lambda x: titles.get(x, x), placeholder="None",
            )
        )  # fmt: skip

    st.markdown("**Variety**")
    diversity = st.slider(
        "Diversity", 0.0, 1.0, start.diversity, 0.05, key=f"{key}_diversity",
        help="0: by score alone. 1: each product as unlike those above it as possible (maximal marginal relevance).",
    )  # fmt: skip
    popularity = st.slider(
        "Popularity", 0.0, 2.0, start.popularity, 0.05, key=f"{key}_popularity",
        help="Score = taste + this × how much everybody likes it. 1: as trained. Below: rarer products.",
    )  # fmt: skip
    with st.container(horizontal=True, gap="small"):
        most = st.number_input(
            "At most of one category", 1, None, start.most_per_category, placeholder="any number", key=f"{key}_most"
        )
        hide = st.number_input(
            "Hide the most popular", 0, None, start.hide_popular, key=f"{key}_hide", help="So many products."
        )
    with st.expander("Filters", expanded=bool(start.only_categories or start.never_categories or start.never_items)):
        only = several("Only these categories", names, start.only_categories, "only")
        never = several("Never these categories", names, start.never_categories, "never")
        only_brands = never_brands = ()
        if brands:
            only_brands = several("Only these brands", brands, start.only_brands, "only_brands")
            never_brands = several("Never these brands", brands, start.never_brands, "never_brands")
        low = high = None
        if "price" in live.items:
            with st.container(horizontal=True, gap="small"):
                low = _limit("Price from", start.min_price, f"{key}_low")
                high = _limit("Price to", start.max_price, f"{key}_high")
        available = False
        if "available" in live.items:
            available = st.toggle("Only what is available", start.available_only, key=f"{key}_available")
    with st.expander("Pins and boosts", expanded=bool(start.pins or start.boosts or start.price_weight)):
        word = st.text_input("Find products to pin", key=f"{key}_word", placeholder="Words of product or category")
        found = shared.workspace().find_items(word, limit=20)
        titles |= dict(zip(found["item_id"], found["title"], strict=True))
        titles |= shopper.titles(live, state.get(f"{key}_pins", []))
        pins = several("Pinned, in this order", list(titles), start.pins, "pins")
        up = several("Push these categories up", names, start.pushed("category", 1), "up")
        down = several("Push these categories down", names, start.pushed("category", -1), "down")
        strength = st.slider(
            "How strongly", 0.0, 5.0, start.category_strength, 0.25,
            key=f"{key}_strength", help="In standard deviations of the shopper's own scores.",
        )  # fmt: skip
        weight = 0.0
        if "price" in live.items:
            weight = st.slider(
                "Weight of the price", -3.0, 3.0, start.price_weight, 0.25, key=f"{key}_weight",
                help="Above 0 pushes dearer products up, below 0 cheaper ones.",
            )  # fmt: skip
    boosts = start.with_category_boosts(up, down, strength)
    return Rules(
        only_categories=only, never_categories=never, only_brands=only_brands, never_brands=never_brands,
        never_items=start.never_items, min_price=low, max_price=high, available_only=available, hide_popular=int(hide),
        pins=pins, boosts=boosts, popularity=popularity, price_weight=weight,
        most_per_category=most,
        category_level=start.category_level, diversity=diversity,
    )  # fmt: skip


def frontier(live: Recommender, rules: Rules) -> None:
    """Where the popularity dial stands on the frontier that was measured at training."""
    found = rule_price.on_frontier(live, rules)
    if found is None:
        return
    st.markdown("**The popularity dial, as measured at training**")
    st.plotly_chart(
        charts_shopper.dial_frontier(found.points, found.here), config=shared.STILL, alt="Accuracy against range shown"
    )


def price(home: Workspace, live: Recommender, rules: Rules) -> None:
    """What the rules cost on the held-out period."""
    if st.button("What do these rules cost?", icon=":material/balance:", key="price_rules"):
        state.priced = (live.model.id, rules)
    if state.get("priced") != (live.model.id, rules):
        st.caption("Judged on what shoppers went on to buy: every list with and without the rules. Takes some seconds.")
        return
    try:
        with st.spinner("Judging every list with and without the rules…", show_time=True):
            found = _price(home, live.model.id, rules)
    except InsiderError as error:
        shared.problem(error)
        return
    st.markdown(shared.plain(found.sentence))
    with st.grid(5, min_column_width=110, gap="small"):
        for line in found.lines:
            st.metric(
                shared.plain(line.title), line.value, delta=f"was {line.before}", delta_color="off",
                delta_arrow="off", help=line.meaning, border=True,
            )  # fmt: skip


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
        try:
            rules = editor(live, start, f"rules_{chosen}_{start.version}")
        except InsiderError as error:
            shared.problem(error)
            return
        keeping(home, sets, chosen, rules)
    with right, st.container(border=True, height="stretch"):
        st.subheader("What they do to this list", anchor=False)
        try:
            found = preview.rules_preview(live, view.subject, rules, k=k)
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
        price(home, live, rules)
        frontier(live, rules)

"""The widgets of one rule set."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import streamlit as st

from pages import shared
from pages.workbench import drafting
from recsys.dataset.categories import middle_level
from recsys.recommend.conditions import ALWAYS, BETWEEN, Conditions
from recsys.recommend.recommender import Recommender
from recsys.recommend.rules import STRONGEST, Rules, boost
from recsys.services.search.item_search import find_items
from recsys.utils import formatting as fmt
from recsys.views import shopper

USUAL = 5.0
"""Boosts up to so strong can be set, or as strong as one that is stored."""
state = st.session_state


def _several(
    label: str,
    options: Sequence[str],
    chosen: Sequence[str],
    key: str,
    named: Callable[[str], str] = str,
    help: str = "",
) -> tuple[str, ...]:
    drafting.seed(key, list(chosen))
    return tuple(
        st.multiselect(
            label, list(dict.fromkeys([*state[key], *options])), key=key, format_func=named, placeholder="None",
            help=help or None, filter_mode="contains", select_all=False,
        )
    )  # fmt: skip


def _variety(live: Recommender, start: Rules, key: str) -> dict[str, object]:
    st.markdown("**Variety**")
    diversity = st.slider(
        "Diversity", 0.0, 1.0, start.diversity, 0.05, key=f"{key}_diversity",
        help="0: by score alone. 1: each product as unlike those above it as possible (maximal marginal relevance).",
    )  # fmt: skip
    popularity = st.slider(
        "Popularity", 0.0, 2.0, start.popularity, 0.05, key=f"{key}_popularity",
        help="How much of what everybody likes counts beside the shopper's own taste. 1: as trained. Below: rarer "
        "products.",
    )  # fmt: skip
    levels = list(live.model.category_levels)
    found: dict[str, object] = {"diversity": diversity, "popularity": popularity}
    with st.container(horizontal=True, gap="small"):
        found["hide_popular"] = st.number_input(
            "Hide bestsellers",
            0,
            None,
            start.hide_popular,
            key=f"{key}_hide",
            help="So many of the products that most shoppers bought.",
            width=150,
        )
        if levels:
            found["most_per_category"] = st.number_input(
                "At most of one category", 1, None, start.most_per_category, placeholder="any number",
                key=f"{key}_most", width=150,
            )  # fmt: skip
        if levels[1:] and found.get("most_per_category") is not None:
            usual = middle_level(levels)
            level = st.selectbox(
                "counted by", levels, levels.index(start.category_level or usual), key=f"{key}_level",
                format_func=fmt.label, width=150,
            )  # fmt: skip
            found["category_level"] = start.category_level if level == (start.category_level or usual) else level
    return found


def _filters(live: Recommender, start: Rules, key: str, brands: list[str]) -> dict[str, object]:
    names = shopper.category_names(live)
    found: dict[str, object] = {}
    if names:
        found["only_categories"] = _several("Only these categories", names, start.only_categories, f"{key}_only")
        found["never_categories"] = _several("Never these categories", names, start.never_categories, f"{key}_never")
    if brands:
        found["only_brands"] = _several("Only these brands", brands, start.only_brands, f"{key}_only_brands")
        found["never_brands"] = _several("Never these brands", brands, start.never_brands, f"{key}_never_brands")
    if "price" in live.items:
        with st.container(horizontal=True, gap="small"):
            for name, label in (("min_price", "Price from"), ("max_price", "Price to")):
                found[name] = st.number_input(
                    label, 0.0, None, getattr(start, name), placeholder="none", key=f"{key}_{name}", width=150,
                    help="Products without a price are kept." if name == "min_price" else None,
                )  # fmt: skip
    if "available" in live.items:
        found["sold_out"] = st.toggle(
            "Also what is sold out", start.sold_out, key=f"{key}_sold_out",
            help="What the catalogue marks as not available is left out otherwise.",
        )  # fmt: skip
        found["available_only"] = start.available_only and not found["sold_out"]
    return found


def _products(live: Recommender, start: Rules, key: str) -> tuple[dict[str, object], Mapping[str, str]]:
    """Pins and products never shown; and the titles of all products that can be chosen."""
    word = st.text_input("Find products", key=f"{key}_word", placeholder="Words of product or category")
    found = find_items(shared.workspace(), word, limit=20)
    pushed = [each.name for each in start.boosts if each.of == "item"]
    chosen = [item for name in ("pins", "never_items") for item in state.get(f"{key}_{name}", [])]
    chosen += [target.removeprefix("item:") for target in state.get(f"{key}_boosted", [])]
    titles = shopper.titles(live, [*start.pins, *start.never_items, *pushed, *chosen])
    titles |= dict(zip(found["item_id"], found["title"], strict=True))

    def named(item: str) -> str:
        return shopper.item_label(titles.get(item, item), item)

    return {
        "pins": _several(
            "Pinned, in this order", list(titles), start.pins, f"{key}_pins", named,
            "They come first, unless the shopper has had them or a filter takes them away.",
        ),
        "never_items": _several("Never these products", list(titles), start.never_items, f"{key}_never_items", named),
    }, titles  # fmt: skip


def _boosts(
    live: Recommender, start: Rules, key: str, brands: list[str], titles: Mapping[str, str]
) -> dict[str, object]:
    before = {each.target: each.strength for each in start.boosts}
    named = {f"category:{name}": f"Category {name}" for name in shopper.category_names(live)}
    named |= {f"brand:{name}": f"Brand {name}" for name in brands}
    named |= {f"item:{item}": shopper.item_label(title, item) for item, title in titles.items()}
    targets = _several(
        "Push up or down", list(named), list(before), f"{key}_boosted", lambda target: named.get(target, target),
        "Categories, brands, or products found above.",
    )  # fmt: skip
    boosts = []
    for target in targets:
        strength = before.get(target, 1.0)
        most = USUAL if abs(strength) <= USUAL else STRONGEST
        drafting.seed(f"{key}_boost_{target}", strength)
        chosen = st.slider(
            shared.plain(named.get(target, target)), -most, most, step=0.25, key=f"{key}_boost_{target}",
            help="In standard deviations of the shopper's own scores. Above 0: up; below: down.",
        )  # fmt: skip
        if chosen:
            boosts.append(boost(target, chosen))
    found: dict[str, object] = {"boosts": tuple(boosts)}
    if "price" in live.items:
        found["price_weight"] = st.slider(
            "Weight of the price", -3.0, 3.0, start.price_weight, 0.25, key=f"{key}_weight",
            help="Above 0 pushes dearer products up, below 0 cheaper ones.",
        )  # fmt: skip
    return found


def _conditions(live: Recommender, start: Conditions, key: str) -> Conditions:
    """Dates, segments, placements and the category of the item that is looked at."""
    days = {}
    with st.container(horizontal=True, gap="small"):
        for name, label in (("starts", "First day"), ("ends", "Last day")):
            given = getattr(start, name)
            drafting.seed(f"{key}_{name}", None if given is None else date.fromisoformat(given))
            days[name] = st.date_input(label, key=f"{key}_{name}", format="YYYY-MM-DD", width=150, help="In UTC.")
    values = shopper.attribute_values(live)
    segments = [f"{name}{BETWEEN}{value}" for name, there in values.items() for value in there]
    found = {
        "segments": _several(
            "Only for these shoppers", segments, start.segments, f"{key}_segments",
            help="Of several values of one attribute they need one; of every attribute named they need one.",
        ),
        "beside": _several(
            "Only beside products of these categories", shopper.category_names(live), start.beside, f"{key}_beside",
            help="The request says which product is looked at: `item` in the API.",
        ),
    }  # fmt: skip
    drafting.seed(f"{key}_placements", list(start.placements))
    placements = st.multiselect(
        "Only in these placements", list(dict.fromkeys([*state[f"{key}_placements"], "home", "product", "basket"])),
        key=f"{key}_placements", placeholder="Any", accept_new_options=True, filter_mode="contains", select_all=False,
        help="As your shop calls the places of its lists: `placement` in the API. Type to add one.",
    )  # fmt: skip
    told = {name: None if day is None else day.isoformat() for name, day in days.items()}
    return Conditions(told["starts"], told["ends"], found["segments"], tuple(placements), found["beside"])


def editor(live: Recommender, start: Rules, key: str) -> Rules:
    """All of them, filled from `start`; InvalidInput for rules that contradict each other."""
    brands = shopper.brand_names(live)
    found = _variety(live, start, key)
    filtered = (
        start.only_categories, start.never_categories, start.only_brands, start.never_brands, start.min_price,
        start.max_price, start.available_only, start.sold_out,
    )  # fmt: skip
    with st.expander("Filters", expanded=any(value not in ((), None, False) for value in filtered)):
        found |= _filters(live, start, key, brands)
    moved = (start.pins, start.never_items, start.boosts, start.price_weight)
    with st.expander("Products, pins and boosts", expanded=any(moved)):
        products, titles = _products(live, start, key)
        found |= products | _boosts(live, start, key, brands, titles)
    with st.expander("When, where and for whom", expanded=start.when != ALWAYS):
        found["when"] = _conditions(live, start.when, key)
    return start.changed(found)

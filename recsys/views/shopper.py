"""What the Shopper page shows: one shopper's past beside what the model recommends. The link reproduces the view."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from recsys import columns as c
from recsys.dataset.splitting import timestamp
from recsys.errors import InsiderError
from recsys.recommend.recommender import Answer, Lane, Recommender, UserState
from recsys.recommend.rules import Rules
from recsys.services.export import curl_known, curl_new
from recsys.services.workbench.target_user import Personas, TargetUser, described, known
from recsys.services.workspace import Workspace
from recsys.utils import formatting as fmt
from recsys.views import shopper_history
from recsys.views.explanation import item_facts, why
from recsys.views.product_cards import Mark, Meter, ProductCard, cards
from recsys.views.shopper_history import SINCE, category_of

MATCH = "match"
POPULARITY = "popularity"
FRESH = "fresh"
MATCH_MEANS = "100%: the best product for this shopper. 0%: a product in the middle of their ranking."

__all__ = ["ShopperView", "item_facts", "view", "why"]


@dataclass(frozen=True)
class ShopperView:
    """One shopper (or persona) as the page shows them.

    Attributes:
        subject: whom it is about.
        attributes: what is known of them, name and value in words.
        summary: one line on what they bought before the model's cut.
        answer: the recommendations, as the API gives them.
        recommended: one row per recommendation: `item_id, rank, title, category, price, match, times, popularity`,
            `fresh`: a mark when they had nothing of that category before, and `since`: when it was really bought after
            the cut, or "".
        hits: how many of them were bought in the held-out period; None when that cannot be known.
        verdict: one line on the hits.
        cut: last day the model has seen; a dash in data without times.
        later: all that they did, the held-out part included; None for a persona, or when the data are gone.
        currency: sign before amounts of money, or "".
    """

    subject: TargetUser
    attributes: tuple[tuple[str, str], ...]
    summary: str
    answer: Answer
    recommended: pd.DataFrame
    hits: int | None
    verdict: str
    cut: str
    later: pd.DataFrame | None
    currency: str

    @property
    def user_id(self) -> str:
        """The shopper's id, or the persona's name."""
        return self.subject.name

    def learned(self, since: bool = False) -> str:
        """What of their history the model has learned from; `since`: what it has not seen is listed as well."""
        if not self.subject.known:
            return "What this persona has; the model works their taste out from it."
        if self.cut == fmt.NOTHING:
            if since:
                return "The model has learned from this, but not from what is marked as set aside."
            return "The model has learned from this; the data have no times."
        if since:
            return f"The model has learned from what they bought until {self.cut}. It has not seen what is marked."
        return f"Until {self.cut}; the model has learned from this."


def subject_of(
    workspace: Workspace, user_id: str, persona: str | None = None, live: Recommender | None = None
) -> TargetUser:
    """The shopper, or the persona when one is named; NotFound when there is none."""
    model = live or workspace.load()
    return described(model, Personas(workspace.database).get(persona), persona) if persona else known(model, user_id)


def view(
    workspace: Workspace,
    user_id: str,
    *,
    k: int = 10,
    lane: Lane = "discover",
    category: Sequence[str] = (),
    rules: Rules | None = None,
    persona: str | None = None,
) -> ShopperView:
    """Everything about one shopper.

    Args:
        rules: what is laid over the model.
        persona: name of a persona to show in place of the shopper.

    Raises:
        NotFound, InvalidInput: as `Recommender.recommend` does, and for what does not exist.
    """
    live = workspace.load()
    subject = subject_of(workspace, user_id, persona, live)
    answer = subject.recommend(live, k, lane, category, rules)
    later = shopper_history.later_of(workspace, live, user_id) if subject.known else None
    cut = timestamp(live.manifest.split.test_start)
    recommended = _recommended(live, subject.user_state, answer, later, cut)
    hits = None if later is None else int((recommended[SINCE] != "").sum())
    currency = currency_of(workspace, live)
    return ShopperView(
        subject=subject,
        attributes=tuple((fmt.label(name), value) for name, value in _attributes(live, subject).items()),
        summary=shopper_history.summary(live, subject, currency),
        answer=answer,
        recommended=recommended,
        hits=hits,
        verdict=_verdict(len(recommended), hits, cut, timestamp(live.manifest.split.end), subject.known, answer.rules),
        cut=fmt.day(cut),
        later=later,
        currency=currency,
    )


def history(
    live: Recommender, shown: ShopperView, *, since: bool = False, period: str = "all", bought_in: str | None = None
) -> pd.DataFrame:
    """What they had, as `shopper_history.table` gives it.

    Args:
        since: put what they bought for the first time after the model's cut into it as well.
        period, bought_in: what of it to list.
    """
    later = shown.later if since else None
    return shopper_history.table(live, shown.subject, later, period=period, category=bought_in)


def category_mix(live: Recommender, shown: ShopperView, level: str | None = None) -> pd.DataFrame:
    """Shares of categories, as `shopper_history.category_mix` gives them; the widest level by default."""
    return shopper_history.category_mix(live, shown.subject.user_state.items, shown.answer.items, level)


def recommended_cards(live: Recommender, shown: ShopperView, actions: tuple[str, ...] = ()) -> tuple[ProductCard, ...]:
    """The recommendations as they are drawn; `actions` are the buttons of each."""
    table = shown.recommended
    found = []
    rows: list[dict[str, Any]] = [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
    for card, row in zip(cards(live, table[c.ITEM].tolist(), currency=shown.currency), rows, strict=True):
        facts = [*card.facts, f"popularity #{fmt.number(row[POPULARITY])}"]
        if not np.isnan(row["times"]):
            facts.append(f"bought {fmt.times(int(row['times']))}")
        marks = [Mark("New category", "They have bought nothing of this category before.")] if row[FRESH] else []
        if row[SINCE]:
            bought = f"Bought{row[SINCE].removeprefix('✓')}"
            marks.insert(0, Mark(bought, "They really did, in the part that the model has not seen.", "good"))
        match = float(row[MATCH])
        meter = None if np.isnan(match) else Meter("Match", match, f"{match:.0f}%", MATCH_MEANS)
        found.append(card.changed(facts=tuple(facts), marks=tuple(marks), meter=meter, actions=actions))
    return tuple(found)


def levels(live: Recommender) -> list[str]:
    """Category levels the mix can be shown by, widest first."""
    return list(live.model.category_levels)


def category_names(live: Recommender, most: int = 2) -> list[str]:
    """Names one can filter by: those of the widest levels, in alphabetical order."""
    names: set[str] = set()
    for level in live.model.category_levels[:most]:
        names |= set(live.items[level].astype(str))
    return sorted(names, key=str.casefold)


def brand_names(live: Recommender, most: int = 1000) -> list[str]:
    """Brands one can filter by, the most frequent ones, in alphabetical order; [] where there are none or too many."""
    if c.BRAND not in live.items:
        return []
    counts = live.items[c.BRAND].dropna().astype(str).value_counts().head(most)
    return sorted(counts.index, key=str.casefold)


def item_label(title: str, item_id: str) -> str:
    """What an item is called in a choice and in a link: a title that is not too long, and the id, once."""
    return f"{fmt.shortened(title.removesuffix(f' · no. {item_id}'), 60)} ({item_id})"


def item_of_label(text: str) -> str:
    """The id in a label; the text itself when it is none, so that links may hold ids as well."""
    head, bracket, tail = text.rpartition(" (")
    return tail.removesuffix(")") if head and bracket and tail.endswith(")") else text


def titles(live: Recommender, item_ids: Sequence[str]) -> dict[str, str]:
    """Titles of those of the items that the model knows."""
    ids = list(dict.fromkeys(item_ids))
    rows = live.model.rows_of_items
    return {item: live.model.titles[rows[item]] for item in ids if item in rows}


def attribute_values(live: Recommender) -> dict[str, list[str]]:
    """Known values of every user attribute, sorted."""
    return {name: sorted(live.users[name].dropna().astype(str).unique()) for name in live.model.user_attributes}


def first_shopper(live: Recommender) -> str:
    """Somebody to begin with: the shopper who has bought the most different products."""
    return str(live.users[c.USER].iat[int(np.argmax(np.diff(live.model.history.counts.indptr)))])


def as_curl(view: ShopperView, base: str, k: int, rules: str | None, categories: Sequence[str]) -> str:
    """The list on the page as a call of the API.

    Args:
        base: address of the server, without a slash at its end.
        rules: name of the rule set, "off", or None for what is served.
    """
    options = {"k": k, "lane": view.answer.lane, "category": list(categories), "rules": rules}
    if view.subject.known:
        return curl_known(base, view.subject.name, options)
    return curl_new(base, {**view.subject.person.to_dict(), **options})


def file_name(view: ShopperView) -> str:
    """The shopper's id or the persona's name, fit for the name of a file."""
    return "".join(x if x.isalnum() else "-" for x in view.subject.name)[:60] or "shopper"


def _verdict(shown: int, hits: int | None, cut: Any, end: Any, known_shopper: bool, rules: str | None) -> str:
    if shown == 0:
        ways = "take a category away, or choose another kind of list"
        return f"Nothing is left to recommend: {f'turn the rules “{rules}” off, {ways}' if rules else ways}."
    if not known_shopper:
        return "Worked out from the products and attributes of the persona alone, as the API does for somebody new."
    if hits is None:
        return "What they bought since cannot be told: the data this model was trained on are no longer stored."
    bought = {0: "None", shown: "All"}.get(hits, fmt.number(hits))
    if pd.isna(cut):
        verb = "is" if hits == 1 else "are"
        return (
            f"{bought} of these {fmt.number(shown)} {verb} among the products of theirs that were set aside at random."
        )
    days = fmt.number((end - cut).total_seconds() / 86400)
    return f"{bought} of these {fmt.number(shown)} {'was' if hits == 1 else 'were'} bought in the {days} days after."


def _recommended(
    live: Recommender, user_state: UserState, answer: Answer, later: pd.DataFrame | None, cut: pd.Timestamp
) -> pd.DataFrame:
    model = live.model
    rows = model.item_rows([item.item_id for item in answer.items])
    scores = live.scores_for(user_state.user_vector)
    had = user_state.items
    best = np.delete(scores, had).max() if len(had) < len(scores) else scores.max()
    middle = float(np.median(scores))
    reach = float(best) - middle
    match = np.clip((scores[rows] - middle) / reach, 0, 1) if reach > 0 else np.ones(len(rows))
    fresh = np.array([item.lane == "discover" for item in answer.items], dtype=bool)
    times = pd.Series(user_state.counts, index=had).reindex(rows)
    bought = {} if later is None else _marks(later, cut)
    table = pd.DataFrame(
        {
            c.ITEM: [item.item_id for item in answer.items],
            "rank": [item.rank for item in answer.items],
            c.TITLE: [item.title for item in answer.items],
            c.CATEGORY: category_of(live, rows),
            MATCH: np.where(fresh, 100 * match, np.nan),
            "times": times.to_numpy(),
            POPULARITY: [item.popularity_rank for item in answer.items],
        }
    )
    if c.PRICE in model.items:
        table.insert(4, c.PRICE, model.items[c.PRICE].iloc[rows].to_numpy())
    own = set(category_of(live, had))
    table[FRESH] = ["" if name in own or not name else "✦" for name in table[c.CATEGORY]]
    table[SINCE] = [bought.get(item, "") for item in table[c.ITEM]]
    return table


def _marks(later: pd.DataFrame, cut: Any) -> dict[str, str]:
    """A mark with the day for every item bought in the held-out part; without a day in data without times."""
    if pd.isna(cut):
        return dict.fromkeys(later[c.ITEM][later["after_cut"]], "✓")
    held_out = later[later[c.LAST] >= cut]
    days = (fmt.day(day, year=False) for day in held_out[c.LAST])
    return {item: f"✓ {day}" for item, day in zip(held_out[c.ITEM], days, strict=True)}


def _attributes(live: Recommender, subject: TargetUser) -> dict[str, str]:
    """Everything known of them, also what the model does not use."""
    if not subject.known:
        return dict(subject.person.attributes)
    user = live.model.rows_of_users.get(subject.name, -1)
    if user < 0:
        return {}
    row = live.users.iloc[user]
    return {name: str(row[name]) for name in live.model.user_attributes if not pd.isna(row[name])}


def currency_of(workspace: Workspace, live: Recommender) -> str:
    """Sign before amounts of money in the data of this model, or ""."""
    try:
        notes = workspace.store.dataset_manifest(live.manifest.dataset)["notes"]
    except InsiderError:
        return ""
    return str(notes.get("currency", ""))

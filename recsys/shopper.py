"""What the Shopper page shows: one shopper's past beside what the model recommends, and why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c
from recsys import words
from recsys.errors import InsiderError, InvalidInput, NotFound
from recsys.reasons import Reason, reasons_for, similar_from_history
from recsys.recommender import Answer, Lane, RankedItem, Recommender, Standing, check_k, check_lane
from recsys.workspace import Workspace

CATEGORIES_SHOWN = 10
REST = "Everything else"
SINCE = "since"
MATCH = "match"
POPULARITY = "popularity"

LIKE_THEM = "Shoppers like them"
ITSELF = "This product itself"
EVERYBODY = "Liked by everybody"


@dataclass(frozen=True)
class ShopperView:
    """One shopper as the page shows them.

    Attributes:
        attributes: what is known of them, name and value in words.
        summary: one line on what they bought before the model's cut.
        history: `title, category, count, last, value`, and `since`: a mark when it was first bought after the cut.
        answer: the recommendations, as the API gives them.
        recommended: one row per recommendation: `item_id, rank, title, category, price, match, times, popularity`,
            and `since`: when it was really bought after the cut, or "".
        hits: how many of them were bought in the held-out period; None when that cannot be known.
        verdict: one line on the hits.
        score_columns: which of `match` and `times` have something to say in this lane.
        cut: last day the model has seen; a dash in data without times.
        mix: `category, history, recommended, shop`, for `charts.category_mix`.
        currency: sign before amounts of money, or "".
    """

    user_id: str
    attributes: tuple[tuple[str, str], ...]
    summary: str
    history: pd.DataFrame
    answer: Answer
    recommended: pd.DataFrame
    hits: int | None
    verdict: str
    score_columns: tuple[str, ...]
    cut: str
    mix: pd.DataFrame
    currency: str

    @property
    def learned(self) -> str:
        """What of their history the model has learned from."""
        if self.cut == words.NOTHING:
            return "The model has learned from this; the data have no times."
        return f"Until {self.cut}; the model has learned from this."


def view(
    workspace: Workspace,
    user_id: str,
    *,
    k: int = 10,
    lane: Lane = "discover",
    category: Sequence[str] = (),
    level: str | None = None,
    since: bool = False,
) -> ShopperView:
    """Everything about one shopper.

    Args:
        level: category level of the mix; the widest by default.
        since: put what they bought for the first time after the model's cut into the history as well.

    Raises:
        NotFound, InvalidInput: as `Recommender.recommend` does, and for a level that does not exist.
    """
    live = workspace.load()
    model = live.model
    user = model.user_row(user_id)
    answer = live.recommend(user_id, k=k, lane=lane, category=list(category))
    later = _later(workspace, live, user_id)
    cut = pd.Timestamp(model.manifest["split"]["test_start"])
    currency = _currency(workspace, live)
    history = _history(live, user, None if later is None else later[later["after_cut"]], since)
    recommended = _recommended(live, live.standing(user_id), answer, later, cut)
    hits = None if later is None else int((recommended[SINCE] != "").sum())
    return ShopperView(
        user_id=user_id,
        attributes=tuple(
            (words.label(str(name)), str(value))
            for name, value in model.users.iloc[user][list(model.user_attributes)].items()
            if not pd.isna(value)
        ),
        summary=_summary(live, user, currency),
        history=history,
        answer=answer,
        recommended=recommended,
        hits=hits,
        verdict=_verdict(len(recommended), hits, cut, pd.Timestamp(model.manifest["split"]["end"])),
        score_columns=tuple(name for name in (MATCH, "times") if recommended[name].notna().any()),
        cut=words.day(cut),
        mix=category_mix(live, user, answer.items, level),
        currency=currency,
    )


def category_mix(live: Recommender, user: int, items: Sequence[RankedItem], level: str | None = None) -> pd.DataFrame:
    """Shares of the categories of one level: of the products a shopper had, of those recommended, and of the products
    all shoppers had. The most frequent ones, then everything else; each column sums to 1 (or 0 where nothing is)."""
    model = live.model
    chosen = _level(live, level or next(iter(model.category_levels), None))
    if chosen is None:
        return pd.DataFrame({c.CATEGORY: [], "history": [], "recommended": [], "shop": []})
    codes, names = pd.factorize(model.items[chosen].astype(object), sort=True)

    def shares(weights: NDArray[Any]) -> NDArray[np.float64]:
        sums = np.bincount(codes, weights=weights, minlength=len(names)).astype(np.float64)
        return sums / sums.sum() if sums.sum() else sums

    own = np.zeros(len(codes))
    own[model.history.counts.indices[model.history.of_user(user)]] = 1
    shown = np.zeros(len(codes))
    shown[model.item_rows([item.item_id for item in items])] = 1
    table = pd.DataFrame(
        {
            c.CATEGORY: [str(name) for name in names],
            "history": shares(own),
            "recommended": shares(shown),
            "shop": shares(model.popularity),
        }
    )
    largest = [table[side].sort_values(ascending=False, kind="stable").index for side in ("history", "recommended")]
    chosen_rows = list(dict.fromkeys(row for pair in zip(*largest, strict=True) for row in pair))[:CATEGORIES_SHOWN]
    kept = table.loc[chosen_rows].sort_values("history", ascending=False, kind="stable")
    if len(kept) < len(table):
        rest = table.drop(kept.index)[["history", "recommended", "shop"]].sum()
        kept = pd.concat([kept, pd.DataFrame([{c.CATEGORY: REST, **rest}])])
    return kept.reset_index(drop=True)


def levels(live: Recommender) -> list[str]:
    """Category levels the mix can be shown by, widest first."""
    return list(live.model.category_levels)


def category_names(live: Recommender, most: int = 2) -> list[str]:
    """Names one can filter by: those of the widest levels, in alphabetical order."""
    names: set[str] = set()
    for level in live.model.category_levels[:most]:
        names |= set(live.items[level].astype(str))
    return sorted(names, key=str.casefold)


def attribute_values(live: Recommender) -> dict[str, list[str]]:
    """Known values of every user attribute, sorted."""
    return {name: sorted(live.users[name].dropna().astype(str).unique()) for name in live.model.user_attributes}


def neighbour(live: Recommender, user_id: str, step: int, attributes: Mapping[str, str] | None = None) -> str:
    """The shopper `step` places further in table order among those with all `attributes`, round and round.

    For a shopper who is not one of them: the first of the segment, or the last when going backwards.
    """
    segment = _segment(live, attributes)
    place = np.flatnonzero(segment == user_id)
    if len(place) == 0:
        return str(segment[0 if step > 0 else -1])
    return str(segment[(int(place[0]) + step) % len(segment)])


def any_shopper(live: Recommender, seed: int, attributes: Mapping[str, str] | None = None) -> str:
    """A shopper drawn at random among those with all `attributes`."""
    segment = _segment(live, attributes)
    return str(segment[np.random.default_rng(seed).integers(len(segment))])


def first_shopper(live: Recommender) -> str:
    """Somebody to begin with: the shopper who has bought the most different products."""
    return str(live.users[c.USER].iat[int(np.argmax(np.diff(live.model.history.counts.indptr)))])


def link_problems(
    live: Recommender, link: Mapping[str, Sequence[str]], labels: Mapping[str, Mapping[str, str]] | None = None
) -> list[str]:
    """What is wrong with a link to the page, one sentence each; [] when nothing is.

    Args:
        link: the values of `k`, `lane`, `category` and `level` as they stand in it.
        labels: for a name, what its values are called on the page; a link may use either.
    """
    named = {(name, title): value for name, titles in (labels or {}).items() for value, title in titles.items()}
    checks: dict[str, Callable[[str], object]] = {
        "k": lambda text: check_k(_whole(text)),
        "lane": check_lane,
        "category": live.allowed,
        "level": lambda name: _level(live, name),
    }
    found = (
        _refusal(check, named.get((name, text), text)) for name, check in checks.items() for text in link.get(name, ())
    )
    return [message for message in found if message]


@dataclass(frozen=True)
class Why:
    """Why one item is recommended.

    Attributes:
        facts: categories, price and popularity of the item on one line.
        sentence: in plain words.
        parts: name and value of the parts of the score that differ between products; [] in the lane "again".
        footnote: what the parts leave out: the constant, and the attributes behind the part `LIKE_THEM`.
        constant: what is added to every product of this shopper alike; `parts` and it make up the score exactly.
        score: the model's score of the item.
        nearest: `title`, `likeness` (100 times the cosine): the shopper's own products that are most alike.
    """

    title: str
    facts: str
    sentence: str
    parts: tuple[tuple[str, float], ...]
    footnote: str
    constant: float
    score: float
    nearest: pd.DataFrame


def why(live: Recommender, user_id: str, item: RankedItem, currency: str = "") -> Why:
    """The reasons for one line of an answer."""
    model = live.model
    standing = live.standing(user_id)
    row = int(model.item_rows([item.item_id])[0])
    history = standing.items
    reasons = reasons_for(model, row, standing.taste)
    own_level, varying = reasons[-1], reasons[:-1]
    likes = [reason for reason in varying if reason.kind == "user"]
    parts = [(_part_name(reason), reason.value) for reason in varying if reason.kind != "user"]
    if likes:
        parts.append((LIKE_THEM, sum(reason.value for reason in likes)))
    parts.sort(key=lambda part: -abs(part[1]))
    nearest = similar_from_history(model, row, history[history != row], most=5)
    again = item.lane == "again"
    return Why(
        title=item.title,
        facts=item_facts(live, row, currency),
        sentence=_bought_sentence(standing, row) if again else _sentence(parts, nearest),
        parts=() if again else tuple(parts),
        footnote=_footnote(own_level.value, likes),
        constant=own_level.value,
        score=sum(reason.value for reason in reasons),
        nearest=pd.DataFrame({c.TITLE: [r.name for r in nearest], "likeness": [100 * r.value for r in nearest]}),
    )


def item_facts(live: Recommender, row: int, currency: str = "") -> str:
    """Categories, price and popularity of the item with this row number, on one line."""
    model = live.model
    facts = [" › ".join(dict.fromkeys(model.categories[row]))] if model.category_levels else []
    price = float(model.items[c.PRICE].to_numpy(dtype=float)[row]) if c.PRICE in model.items else np.nan
    if not np.isnan(price):
        facts.append(words.money(price, currency))
    facts.append(f"bought by {words.number(model.popularity[row])} shoppers")
    return " · ".join(facts)


def _sentence(parts: Sequence[tuple[str, float]], nearest: Sequence[Reason]) -> str:
    fixed = {
        LIKE_THEM: "shoppers like them buy it",
        ITSELF: "this very product fits what they buy",
        EVERYBODY: "it is liked by everybody",
    }
    told = [fixed.get(name, f"they lean towards “{name}”") for name, value in parts if value > 0][:2]
    text = f"Mostly because {words.joined(told)}." if told else "Nothing speaks for it strongly; little else is left."
    return f"{text} Of what they bought, “{nearest[0].name}” is most like it." if nearest else text


def _bought_sentence(standing: Standing, row: int) -> str:
    place = int(np.searchsorted(standing.items, row))
    times = int(standing.counts[place])
    last = words.day(standing.last[place])
    return f"Bought {words.times(times)} before, last on {last}: what is bought often and lately comes first."


def _footnote(constant: float, likes: Sequence[Reason]) -> str:
    text = f"Every product of this shopper gets {constant:+.2f} on top, which changes no order."
    if not likes:
        return text
    return f"{LIKE_THEM}: {', '.join(f'{_part_name(reason)} ({reason.value:+.2f})' for reason in likes)}. {text}"


def _part_name(reason: Reason) -> str:
    if reason.kind == "user":
        name, _, value = reason.name.partition(": ")
        return f"{words.label(name)}: {value}"
    return {"item": ITSELF, "bias": EVERYBODY}.get(reason.kind, reason.name)


def _verdict(shown: int, hits: int | None, cut: Any, end: Any) -> str:
    if shown == 0:
        return "Nothing is left to recommend: take a category away, or choose another kind of list."
    if hits is None:
        return "What they bought since cannot be told: the data this model was trained on are no longer stored."
    bought = {0: "None", shown: "All"}.get(hits, words.number(hits))
    if pd.isna(cut):
        return (
            f"{bought} of these {words.number(shown)} are among the products of theirs that were set aside at random."
        )
    days = words.number((end - cut).total_seconds() / 86400)
    return f"{bought} of these {words.number(shown)} were bought in the {days} days after."


def _summary(live: Recommender, user: int, currency: str) -> str:
    pairs = live.model.history
    span = pairs.of_user(user)
    products = span.stop - span.start
    if products == 0:
        return "Bought nothing in what the model learned from."
    bought = words.number(float(pairs.counts.data[span].sum()))
    spent = words.money(float(pairs.value[span].sum()), currency)
    first, last = words.day(pairs.first[span].min()), words.day(pairs.last[span].max())
    when = "" if first == words.NOTHING else f", from {first} to {last}"
    return f"{words.number(products)} products in {bought} purchases for {spent}{when}"


def _history(live: Recommender, user: int, new: pd.DataFrame | None, since: bool) -> pd.DataFrame:
    model = live.model
    span = model.history.of_user(user)
    rows = model.history.counts.indices[span]
    table = pd.DataFrame(
        {
            c.TITLE: model.items[c.TITLE].to_numpy()[rows],
            c.CATEGORY: _category_column(live)[rows],
            c.COUNT: model.history.counts.data[span].astype(int),
            c.LAST: model.history.last[span],
            c.VALUE: model.history.value[span].astype(float),
            SINCE: "",
        }
    )
    if since and new is not None and len(new):
        level = _level(live, None)
        later = pd.DataFrame(
            {
                c.TITLE: new[c.TITLE],
                c.CATEGORY: "" if level is None else new[level],
                c.COUNT: new[c.COUNT],
                c.LAST: new[c.LAST],
                c.VALUE: new[c.VALUE].astype(float),
                SINCE: "✓",
            }
        )
        table = pd.concat([later, table])
    return table.sort_values([c.LAST, c.COUNT], ascending=False, kind="stable", ignore_index=True)


def _recommended(
    live: Recommender, standing: Standing, answer: Answer, later: pd.DataFrame | None, cut: pd.Timestamp
) -> pd.DataFrame:
    model = live.model
    rows = model.item_rows([item.item_id for item in answer.items])
    scores = live.scores_for(standing.taste)
    had = standing.items
    best = np.delete(scores, had).max() if len(had) < len(scores) else scores.max()
    middle = float(np.median(scores))
    reach = float(best) - middle
    match = np.clip((scores[rows] - middle) / reach, 0, 1) if reach > 0 else np.ones(len(rows))
    fresh = np.array([item.lane == "discover" for item in answer.items], dtype=bool)
    times = pd.Series(standing.counts, index=had).reindex(rows)
    bought = {} if later is None else _marks(later, cut)
    table = pd.DataFrame(
        {
            c.ITEM: [item.item_id for item in answer.items],
            "rank": [item.rank for item in answer.items],
            c.TITLE: [item.title for item in answer.items],
            c.CATEGORY: _category_column(live)[rows],
            MATCH: np.where(fresh, 100 * match, np.nan),
            "times": times.to_numpy(),
            POPULARITY: [item.popularity_rank for item in answer.items],
        }
    )
    if c.PRICE in model.items:
        table.insert(4, c.PRICE, model.items[c.PRICE].to_numpy()[rows])
    table[SINCE] = [bought.get(item, "") for item in table[c.ITEM]]
    return table


def _marks(later: pd.DataFrame, cut: Any) -> dict[str, str]:
    """A mark with the day for every item bought in the held-out part; without a day in data without times."""
    if pd.isna(cut):
        return dict.fromkeys(later[c.ITEM][later["after_cut"]], "✓")
    held_out = later[later[c.LAST] >= cut]
    days = (words.day(day, year=False) for day in held_out[c.LAST])
    return {item: f"✓ {day}" for item, day in zip(held_out[c.ITEM], days, strict=True)}


def _later(workspace: Workspace, live: Recommender, user_id: str) -> pd.DataFrame | None:
    """All that the shopper did, the held-out period included; None when the dataset is gone or is another one now."""
    try:
        return workspace.history(user_id, model_id=live.model.id)
    except InsiderError:
        return None


def _currency(workspace: Workspace, live: Recommender) -> str:
    try:
        notes = workspace.store.dataset_manifest(live.manifest["dataset"])["notes"]
    except InsiderError:
        return ""
    return str(notes.get("currency", ""))


def _segment(live: Recommender, attributes: Mapping[str, str] | None) -> NDArray[np.object_]:
    users = live.users
    keep = np.ones(len(users), dtype=bool)
    for name, value in (attributes or {}).items():
        keep &= (users[name] == value).to_numpy(dtype=bool)
    found = users[c.USER].to_numpy(dtype=object)[keep]
    if len(found) == 0:
        wanted = words.joined([f"{words.label(name).lower()} “{value}”" for name, value in (attributes or {}).items()])
        raise NotFound(f"No shopper has {wanted} together; take one of these away.")
    return found


def _level(live: Recommender, level: str | None) -> str | None:
    there = live.model.category_levels
    if level is None:
        return there[len(there) // 2] if there else None
    if level not in there:
        raise NotFound(f"No category level {level!r}; there are: {', '.join(there) or 'none'}.")
    return level


def _category_column(live: Recommender) -> NDArray[np.object_]:
    level = _level(live, None)
    return live.items[level].to_numpy(dtype=object) if level else np.full(len(live.items), "", dtype=object)


def _whole(text: str) -> Any:
    """The number that a text is; the text itself when it is none."""
    try:
        return int(text)
    except ValueError:
        return text


def _refusal(check: Callable[[str], object], text: str) -> str:
    try:
        check(text)
    except InvalidInput as error:
        return str(error)
    return ""

"""What a shopper has bought: as a table with filters, week by week, and as a mix of categories."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c
from recsys.dataset.categories import middle_level
from recsys.dataset.splitting import timestamp
from recsys.errors import InsiderError, NotFound
from recsys.recommend.recommender import RankedItem, Recommender
from recsys.services.search.user_history import user_history
from recsys.services.workbench.target_user import TargetUser
from recsys.services.workspace import Workspace
from recsys.utils import formatting as fmt
from recsys.utils import palette

CATEGORIES_SHOWN = 10
CATEGORIES_DRAWN = 6
REST = "Everything else"
SINCE = "since"
PERIODS = {"all": None, "year": 365, "quarter": 91, "month": 30}
"""Name of a period to its length in days before the newest purchase."""


def truth_words(live: Recommender) -> tuple[str, str]:
    """What the held-out truth of a shopper is called, and what it is: by time, or set aside at random where the data
    have no times."""
    if live.model.manifest.split.kind == "leave-k-out":
        return (
            "What was set aside of theirs",
            "Adds those of their products that were set aside at random in training: the model has not seen them.",
        )
    return (
        "What they bought since",
        "Adds what they bought for the first time in the period that the model has not seen.",
    )


def chosen_level(live: Recommender, level: str | None) -> str | None:
    """The level itself when there is one of that name; the middle one by default; None without categories."""
    there = live.model.category_levels
    if level is None:
        return middle_level(there)
    if level not in there:
        raise NotFound(f"No category level {level!r}; there are: {', '.join(there) or 'none'}.")
    return level


def category_of(live: Recommender, rows: NDArray[Any]) -> NDArray[np.object_]:
    """The category of the middle level of each item."""
    level = chosen_level(live, None)
    if level is None:
        return np.full(len(rows), "", dtype=object)
    return live.items[level].iloc[rows].to_numpy(dtype=object)


def later_of(workspace: Workspace, live: Recommender, user_id: str) -> pd.DataFrame | None:
    """All that the shopper did, the held-out period included; None when the dataset is gone or is another one now."""
    try:
        return user_history(workspace, user_id, model_id=live.model.id)
    except InsiderError:
        return None


def table(
    live: Recommender,
    subject: TargetUser,
    later: pd.DataFrame | None = None,
    *,
    period: str = "all",
    category: str | None = None,
) -> pd.DataFrame:
    """What they had, most recent first: `item_id, title, category, count, first, last, value, since`.

    Args:
        later: what they bought for the first time after the cut, to be put in with a mark in `since`.
        period: one of `PERIODS`.
        category: only items that carry this name on any level.

    Raises:
        NotFound: unknown period or category.
    """
    model, user_state = live.model, subject.user_state
    rows = user_state.items
    found = pd.DataFrame(
        {
            c.ITEM: [model.item_ids[row] for row in rows],
            c.TITLE: [model.titles[row] for row in rows],
            c.CATEGORY: category_of(live, rows),
            c.COUNT: user_state.counts.astype(int),
            c.FIRST: _aligned(live, subject, "first"),
            c.LAST: user_state.last.astype("datetime64[s]"),
            c.VALUE: _aligned(live, subject, "value"),
            SINCE: "",
        }
    )
    if not subject.known:
        place = {item: number for number, item in enumerate(subject.person.history)}
        found = found.sort_values(c.ITEM, key=lambda ids: ids.map(place), ignore_index=True)
    if later is not None and len(new := later[later["after_cut"]]):
        level = chosen_level(live, None)
        more = new[[c.ITEM, c.TITLE, c.COUNT, c.FIRST, c.LAST, c.VALUE]].assign(
            **{c.CATEGORY: "" if level is None else new[level], SINCE: "✓"}
        )
        found = pd.concat([more.astype({c.VALUE: float}), found[~found[c.ITEM].isin(more[c.ITEM])]])
    if subject.known:
        found = found.sort_values([c.LAST, c.COUNT], ascending=False, kind="stable", ignore_index=True)
    if category:
        allowed = live.allowed(category)
        ids = set(model.items[c.ITEM].to_numpy(dtype=object)[allowed])
        found = found[found[c.ITEM].isin(ids)]
    if period not in PERIODS:
        raise NotFound(f"No period {period!r}; there are: {', '.join(PERIODS)}.")
    days = PERIODS[period]
    if days is not None and len(found):
        found = found[found[c.LAST] >= found[c.LAST].max() - pd.Timedelta(days=days)]
    return found.reset_index(drop=True)


@dataclass(frozen=True)
class Timeline:
    """Purchases by week.

    Attributes:
        weeks: `week` (its first day), `category`, `purchases`, `value`; the most bought categories of the widest
            level, the others together.
        categories: in the order to draw, most bought first.
        colours: of each category, the same for every shopper; `REST` has none.
        cut: from when on the model has not seen them; NaT in data without times.
    """

    weeks: pd.DataFrame
    categories: tuple[str, ...]
    colours: Mapping[str, str]
    cut: pd.Timestamp


def category_colours(values: pd.Series) -> dict[str, str]:
    """The colour of every category of one level, by its place among all, the one with the most items first: the same
    for every shopper, on every page and on the map.

    Args:
        values: (n_items,) the category of each item of the catalogue.
    """
    return palette.colours_of(palette.names_by_size(values.astype(object).where(values.notna(), c.UNCATEGORISED)))


def timeline(workspace: Workspace, live: Recommender, subject: TargetUser) -> Timeline | None:
    """Every purchase of a shopper by week; None where there are no times to tell."""
    cut = timestamp(live.manifest.split.test_start)
    if not subject.known:
        return None
    own = _purchases(workspace, live, subject.name)
    if own is None or own[c.TIMESTAMP].isna().all():
        return None
    level = next(iter(live.model.category_levels), None)
    names = own[c.CATEGORY].to_numpy(dtype=object)
    most = pd.Series(names).value_counts().head(CATEGORIES_DRAWN).index.astype(str).tolist()
    kept = np.where(pd.Series(names).isin(most), names, REST)
    week = own[c.TIMESTAMP].dt.to_period("W").dt.start_time.to_numpy()
    weeks = (
        pd.DataFrame({"week": week, c.CATEGORY: kept, "purchases": 1, c.VALUE: own[c.VALUE].to_numpy(dtype=float)})
        .groupby(["week", c.CATEGORY], as_index=False)
        .sum()
    )
    colours = category_colours(live.items[level]) if level else {}
    return Timeline(weeks, (*most, *([REST] if REST in kept else [])), colours, cut)


def _purchases(workspace: Workspace, live: Recommender, user_id: str) -> pd.DataFrame | None:
    """`timestamp`, `value` and `category` (of the widest level) of every purchase: those in the data of the model, and
    those that were logged since. None where the data are gone, or hold no times."""
    try:
        data = workspace.dataset_of(live.model.id)
    except InsiderError:
        return None
    if not data.timed:
        return None
    level = data.category_levels[0] if data.category_levels else None
    user = data.user_index.get_indexer(pd.Index([user_id]))[0]
    first, last = np.searchsorted(data.events[c.USER].to_numpy(), [user, user + 1]) if user >= 0 else (0, 0)
    own = data.events.iloc[first:last]
    names = data.items[level].iloc[own[c.ITEM]].to_numpy(dtype=object) if level else "All"
    found = own[[c.TIMESTAMP, c.VALUE]].assign(**{c.CATEGORY: names})
    new_activity = live.activity.new_activity(user_id) if live.activity is not None else None
    if new_activity is None:
        return found
    fresh = np.flatnonzero(~new_activity.in_data)
    rows = live.model.item_index.get_indexer(pd.Index([new_activity.item_ids[place] for place in fresh], dtype=object))
    known = live.items[level].iloc[rows].to_numpy(dtype=object) if level else "All"
    since = np.where(rows >= 0, known, c.UNCATEGORISED if level else "All")
    added = pd.DataFrame(
        {c.TIMESTAMP: new_activity.times[fresh], c.VALUE: new_activity.values[fresh], c.CATEGORY: since}
    )
    return pd.concat([found, added]) if len(found) else added


def category_mix(
    live: Recommender, had: NDArray[np.int64], items: Sequence[RankedItem], level: str | None = None
) -> pd.DataFrame:
    """Shares of the categories of one level: of the products a shopper had, of those recommended, and of the products
    all shoppers had. The most frequent ones, then everything else; each column sums to 1 (or 0 where nothing is)."""
    model = live.model
    chosen = chosen_level(live, level or next(iter(model.category_levels), None))
    if chosen is None:
        return pd.DataFrame({c.CATEGORY: [], "history": [], "recommended": [], "shop": []})
    codes, names = pd.factorize(model.items[chosen].astype(object), sort=True)

    def shares(weights: NDArray[Any], of: NDArray[Any] = codes) -> NDArray[np.float64]:
        sums = np.bincount(of, weights=weights, minlength=len(names)).astype(np.float64)
        return sums / sums.sum() if sums.sum() else sums

    shown = model.item_rows([item.item_id for item in items])
    mix = pd.DataFrame(
        {
            c.CATEGORY: [str(name) for name in names],
            "history": shares(np.ones(len(had)), codes[had]),
            "recommended": shares(np.ones(len(shown)), codes[shown]),
            "shop": shares(model.popularity),
        }
    )
    largest = [mix[side].sort_values(ascending=False, kind="stable").index for side in ("history", "recommended")]
    chosen_rows = list(dict.fromkeys(row for pair in zip(*largest, strict=True) for row in pair))[:CATEGORIES_SHOWN]
    kept = mix.loc[chosen_rows].sort_values("history", ascending=False, kind="stable")
    if len(kept) < len(mix):
        rest = mix.drop(kept.index)[["history", "recommended", "shop"]].sum()
        kept = pd.concat([kept, pd.DataFrame([{c.CATEGORY: REST, **rest}])])
    return kept.reset_index(drop=True)


def summary(live: Recommender, subject: TargetUser, currency: str) -> str:
    """One line on what they had."""
    if not subject.known:
        items, known = len(subject.person.history), len(subject.person.attributes)
        return f"Described by {fmt.number(items)} products and {fmt.number(known)} attributes; folded in."
    user_state = subject.user_state
    if len(user_state.items) == 0:
        return "Bought nothing in what the model learned from."
    bought = fmt.number(float(user_state.counts.sum()))
    money = float(np.nansum(_aligned(live, subject, "value")))
    spent = f" for {fmt.money(money, currency)}" if money else ""  # many data hold no money
    times = [moment for name in ("first", "last") for moment in _aligned(live, subject, name)]
    known_times = [moment for moment in times if not pd.isna(moment)]
    when = f", from {fmt.day(min(known_times))} to {fmt.day(max(known_times))}" if known_times else ""
    return f"{fmt.number(len(user_state.items))} products in {bought} purchases{spent}{when}"


def _aligned(live: Recommender, subject: TargetUser, what: str) -> NDArray[Any]:
    """`first`, `last` or `value` of what the model learned from, for every item the subject had; else nothing."""
    history, items = live.model.history, subject.user_state.items
    values = getattr(history, what)
    empty: Any = np.datetime64("NaT") if what != "value" else np.nan
    out = np.full(len(items), empty, dtype="datetime64[s]" if what != "value" else np.float64)
    user = live.model.rows_of_users.get(subject.name, -1) if subject.known else -1
    if user >= 0:
        span = history.of_user(int(user))
        place = np.searchsorted(items, history.counts.indices[span])
        out[place] = values[span]
    return out

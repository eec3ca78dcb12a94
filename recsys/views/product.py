"""What the Product page shows: who buys an item, what lies near it, what is bought by the same people, its audience."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c
from recsys.dataset.categories import middle_level
from recsys.models.model import Model
from recsys.progress import OnProgress, Progress, silent
from recsys.recommend.recommender import Recommender
from recsys.services.workspace import Workspace
from recsys.utils import formatting as fmt
from recsys.views.explanation import item_facts
from recsys.views.product_cards import Meter, ProductCard, cards
from recsys.views.shopper import currency_of

NEIGHBOURS = 10
FEWEST_TOGETHER = 2
MOST_EXACT = 200_000_000
"""Scores (shoppers times items) up to which it is counted exactly in how many lists an item stands."""

PARTS = 8
"""In so many steps `audience` tells how far it is."""


@dataclass(frozen=True)
class ProductView:
    """One item.

    Attributes:
        facts: categories and price on one line.
        summary: who buys it, in a sentence.
        similar: `item_id, title, category, likeness` (100 times the cosine of the embeddings).
        together: `item_id, title, category, both` (shoppers who have both), `strength` (100 times the cosine of the
            two columns of shoppers), strongest first.
        who: `attribute, value, share, everybody, times`: how buyers differ from all shoppers whose value is known.
    """

    item_id: str
    title: str
    facts: str
    summary: str
    similar: pd.DataFrame
    together: pd.DataFrame
    who: pd.DataFrame


def view(workspace: Workspace, item_id: str) -> ProductView:
    """Everything about one item; NotFound when the live model does not know it."""
    live = workspace.load()
    model = live.model
    row = int(model.item_rows([item_id])[0])
    buyers, counts = buyers_of(model, row)
    currency = currency_of(workspace, live)
    similar = live.similar(item_id, NEIGHBOURS)
    return ProductView(
        item_id=item_id,
        title=str(model.items[c.TITLE].iat[row]),
        facts=item_facts(live, row, currency, buyers=False),
        summary=_summary(model, buyers, counts, int(model.popularity_rank[row])),
        similar=pd.DataFrame(
            {
                c.ITEM: [item.item_id for item in similar],
                c.TITLE: [item.title for item in similar],
                c.CATEGORY: [middle_level(item.category) or "" for item in similar],
                "likeness": [100 * max(item.score, 0.0) for item in similar],
            }
        ),
        together=bought_together(model, row, buyers),
        who=_who(model, buyers),
    )


def listed(
    live: Recommender, table: pd.DataFrame, measure: tuple[str, str] | None = None, note: str = "", currency: str = ""
) -> tuple[ProductCard, ...]:
    """Products of a table as they are drawn.

    Args:
        measure: what a column from 0 to 100 is called, and its name; drawn as a bar.
        note: a column of numbers of shoppers who have both products.
    """
    found = cards(live, table[c.ITEM].tolist(), currency=currency)
    rows = table.to_dict("records")
    drawn = []
    for card, row in zip(found, rows, strict=True):
        meter = None if measure is None else Meter(measure[0], float(row[measure[1]]), f"{row[measure[1]]:.0f}%")
        both = () if not note else (f"{fmt.number(row[note])} shoppers have both",)
        drawn.append(card.changed(meter=meter, facts=(*card.facts, *both)))
    return tuple(drawn)


def picture_of(live: Recommender, item_id: str) -> str | None:
    """The address of an item's picture, or None."""
    return cards(live, [item_id])[0].image


def buyers_of(model: Model, row: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Row numbers of the shoppers who had an item before the cut, and how often."""
    pairs = model.history.counts
    entries = np.flatnonzero(pairs.indices == row)
    return np.searchsorted(pairs.indptr, entries, side="right") - 1, pairs.data[entries]


def bought_together(model: Model, row: int, buyers: NDArray[np.int64], most: int = NEIGHBOURS) -> pd.DataFrame:
    """Items that the same shoppers have, by cosine of the two columns of the shopper-item matrix.

        strength = |both| / sqrt(|one| * |other|)

    At least `FEWEST_TOGETHER` shoppers must have both.
    """
    pairs = model.history.counts
    together = np.bincount(pairs[buyers].indices, minlength=len(model.items)) if len(buyers) else np.zeros(0)
    if not len(together):
        return pd.DataFrame({c.ITEM: [], c.TITLE: [], c.CATEGORY: [], "both": [], "strength": []})
    size = np.sqrt(np.maximum(model.popularity, 1) * max(len(buyers), 1))
    strength = np.where(together >= FEWEST_TOGETHER, together / size, 0.0)
    strength[row] = 0.0
    best = np.argsort(-strength, kind="stable")[:most]
    best = best[strength[best] > 0]
    return pd.DataFrame(
        {
            c.ITEM: model.items[c.ITEM].iloc[best].to_numpy(dtype=object),
            c.TITLE: model.items[c.TITLE].iloc[best].to_numpy(dtype=object),
            c.CATEGORY: [middle_level(model.categories[i]) or "" for i in best] if model.category_levels else "",
            "both": together[best].astype(int),
            "strength": 100 * strength[best],
        }
    )


@dataclass(frozen=True)
class Audience:
    """To whom an item would be recommended.

    Attributes:
        table: `user_id`, the attributes, `match` (standard deviations above the mean of the shopper's own scores) and
            `place` (where it stands among the products new to them), best match first.
        in_lists: how many shoppers have it among their first ten, or None where that is too much to count.
    """

    table: pd.DataFrame
    in_lists: int | None


def audience(live: Recommender, item_id: str, limit: int = 100, on_progress: OnProgress = silent) -> Audience:
    """The shoppers who have not had an item and whom it suits best.

    Scores of different shoppers have different scales, so that each is standardised over all items:
    z = (score - mean) / standard deviation; both follow from the mean and covariance of the item embeddings (with the
    bias as one more column), so that no score of another item is needed.
    """
    model = live.model
    row = int(model.item_rows([item_id])[0])
    items = np.column_stack([model.item_embeddings, model.item_biases]).astype(np.float64)
    users = np.column_stack([model.user_embeddings, np.ones(len(model.users))]).astype(np.float64)
    mean, covariance = items.mean(axis=0), np.cov(items, rowvar=False, bias=True)
    spread = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", users, covariance, users, optimize=True), 1e-12))
    match = users @ (items[row] - mean) / spread
    match[buyers_of(model, row)[0]] = -np.inf
    best = np.argsort(-match, kind="stable")[: min(limit, len(match))]
    best = best[np.isfinite(match[best])]
    scores = model.scores(best)
    own = scores[:, row].copy()
    for place, user in enumerate(best):
        scores[place, model.history.counts.indices[model.history.of_user(int(user))]] = -np.inf
    table = model.users.iloc[best][[c.USER, *model.user_attributes]].reset_index(drop=True)
    table.insert(1, "match", match[best])
    table.insert(2, "place", (scores > own[:, None]).sum(axis=1) + 1)
    in_lists = None
    if len(model.users) * len(model.items) <= MOST_EXACT:
        in_lists = 0
        for number, some in enumerate(np.array_split(np.arange(len(model.users)), PARTS)):
            on_progress(Progress("Looking through everybody's list", 0.1 + 0.9 * number / PARTS))
            in_lists += int((live.top_k_of(some, 10)[0] == row).any(axis=1).sum())
    return Audience(table, in_lists)


def _summary(model: Model, buyers: NDArray[np.int64], counts: NDArray[np.float32], rank: int) -> str:
    if not len(buyers):
        return "Nobody has bought it in what the model learned from; it is known by its categories alone."
    share = len(buyers) / max(len(model.users), 1)
    again = float((counts > 1).mean())
    return (
        f"{fmt.number(len(buyers))} of {fmt.number(len(model.users))} shoppers have it ({fmt.share(share)}); "
        f"{fmt.share(again, 0)} of them bought it more than once. Place {fmt.number(rank)} in popularity."
    )


def _who(model: Model, buyers: NDArray[np.int64], most: int = 8) -> pd.DataFrame:
    rows = []
    for name in model.user_attributes:
        everybody = model.users[name].dropna().value_counts(normalize=True).to_dict()
        own = model.users[name].iloc[buyers].dropna()
        if len(own) < 5:
            continue
        shares = own.value_counts(normalize=True)
        for value, share in shares.items():
            rows.append((fmt.label(name), str(value), share, everybody[value], share / everybody[value], len(own)))
    table = pd.DataFrame(rows, columns=["attribute", "value", "share", "everybody", "times", "known"])
    order = (np.log(table["times"]).abs() * np.sqrt(table["share"])).sort_values(ascending=False).index
    return table.loc[order[:most]].sort_values("times", ascending=False, ignore_index=True)


def file_name(item_id: str) -> str:
    """What the exported audience of an item is called."""
    return f"insider-audience-{''.join(x if x.isalnum() else '-' for x in item_id)[:60]}.csv"

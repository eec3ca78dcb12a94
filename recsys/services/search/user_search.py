"""Finding shoppers by who they are, what they bought and how they behave; and items by their words.

Everything is worked out in arrays over all shoppers; a caller gets one page of the result.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from recsys import columns as c
from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import some_of, split_again, timestamp
from recsys.errors import InvalidInput, NotFound
from recsys.evaluation.evaluate import evaluate
from recsys.models.model import Model
from recsys.services.workspace import Workspace
from recsys.storage.new_entries import with_new_users
from recsys.storage.unlearned_events import mark_of
from recsys.utils import formatting as fmt

LATELY_DAYS = 42
NEW_DAYS = 60
ONE_CATEGORY_SHARE = 0.8
ONE_CATEGORY_PRODUCTS = 3
LOYAL_SHARE = 0.2
ENOUGH_ALIKE, MOST_ALIKE = 10, 5000
"""Ids compared letter by letter with one that nobody has: at least so many where there are, at most so many."""

BEHAVIOURS: Mapping[str, tuple[str, str]] = {
    "new": ("New", f"First bought in the last {NEW_DAYS} days before the model's cut."),
    "lapsed": ("Lapsed", f"Bought nothing in the last {LATELY_DAYS} days before the model's cut."),
    "loyal": ("Loyal", f"Among the {LOYAL_SHARE:.0%} who buy most, and still there lately."),
    "one": ("One category", f"At least {ONE_CATEGORY_SHARE:.0%} of their products are of one category."),
    "hard": ("Hard to serve", "Went on to buy new products, and none of them was among the ten recommended."),
}
"""Name to title and meaning."""


@dataclass(frozen=True)
class Search:
    """Whom to look for; every condition must hold.

    Attributes:
        query: beginning or part of the id.
        attributes: name to value.
        behaviour: one of `BEHAVIOURS`, or "".
        bought: an item id, or words of title and categories; the shopper must have had an item that holds them all.
        not_lately: and none of these in the last `LATELY_DAYS` days before the cut.
    """

    query: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    behaviour: str = ""
    bought: str = ""
    not_lately: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing is asked for."""
        return not (self.query or self.attributes or self.behaviour or self.bought)


@dataclass(frozen=True)
class Found:
    """One page of a search.

    Attributes:
        total: how many shoppers fit in all.
        table: `user_id`, attributes, `purchases`, `products`, `spent`, `last`; for words that were bought also
            `bought_last`, for "hard" also `missed` (new products they went on to buy).
    """

    total: int
    table: pd.DataFrame


def find_users(
    workspace: Workspace, query: str = "", attributes: Mapping[str, str] | None = None, limit: int = 20
) -> pd.DataFrame:
    """Users of the live model and those whom the log alone knows, by their id and attributes.

    Returns:
        `user_id`, the attributes, `purchases`, `products`, `last` over all of their events; the id that is `query`
        first, then those that begin with it, then those that contain it.
    """
    answers = workspace.load()
    opened = workspace.open_dataset(answers.manifest.dataset, mark_of(answers.manifest))
    table = opened.user_table
    if answers.activity is not None:
        table = with_new_users(table, answers.activity, opened.dataset.user_index, query)
    table = table[_with_attributes(table, opened.dataset.user_attributes, attributes or {})]
    if query:
        hit, order = _match_ids(table[c.USER].astype("string[pyarrow]"), query)
        rows = np.flatnonzero(hit)
        table = table.iloc[rows[np.argsort(order[rows], kind="stable")]]
    return table.head(limit).reset_index(drop=True)


def _with_attributes(users: pd.DataFrame, known: Sequence[str], wanted: Mapping[str, str]) -> NDArray[np.bool_]:
    """(n_users,): whether a user has all these attributes; InvalidInput names one that there is not."""
    keep = np.ones(len(users), dtype=bool)
    for name, value in wanted.items():
        if name not in known:
            raise InvalidInput(f"No user attribute {name!r}; there are: {', '.join(known) or 'none'}.")
        keep &= (users[name] == value).to_numpy(dtype=bool)
    return keep


def _match_ids(ids: "pd.Series[str]", query: str) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """(n_users,) whether an id holds the text; and 0 for the id itself, 1 for one that begins with it, else 2."""
    hit = ids.str.contains(query, regex=False).to_numpy(dtype=bool)
    begins = ids.str.startswith(query).to_numpy(dtype=bool)
    return hit, np.where((ids == query).to_numpy(dtype=bool), 0, np.where(begins, 1, 2))


class UserSearch:
    """Searches the shoppers of one model. What is slow is worked out once, at its first use.

    Args:
        dataset: the one the model was trained on, or None where it is gone; only "hard to serve" needs it.
    """

    def __init__(self, model: Model, dataset: Dataset | None = None) -> None:
        self._model = model
        self._dataset = dataset

    def rows(self, search: Search) -> NDArray[np.int64]:
        """Row numbers of the shoppers who fit, in the order to show them.

        Raises:
            InvalidInput: an unknown behaviour or attribute, or a question the data cannot answer.
        """
        model = self._model
        keep = np.ones(len(model.users), dtype=bool)
        keep &= _with_attributes(model.users, model.user_attributes, search.attributes)
        order: NDArray[Any] | None = None
        if search.behaviour:
            if search.behaviour not in BEHAVIOURS:
                raise InvalidInput(f"No behaviour {search.behaviour!r}; there are: {', '.join(BEHAVIOURS)}.")
            mask, order = self._behaviours[search.behaviour]()
            keep &= mask
        if search.bought:
            last = self.last_bought(search.bought)
            keep &= ~np.isnat(last)
            if search.not_lately:
                keep &= last < self._lately
            order = (
                -np.where(np.isnat(last), 0, last.astype("datetime64[s]").astype(np.int64)) if order is None else order
            )
        if search.query:
            hit, order = _match_ids(self._ids, search.query)
            keep &= hit
        found = np.flatnonzero(keep)
        return found if order is None else found[np.argsort(order[found], kind="stable")]

    def find(self, search: Search, limit: int = 20, start: int = 0) -> Found:
        """One page of the shoppers who fit."""
        rows = self.rows(search)
        page = rows[start : start + limit]
        table = self._table(page)
        if search.bought:
            table.insert(1, "bought_last", self.last_bought(search.bought)[page])
        if search.behaviour == "hard":
            table.insert(1, "missed", self._judged[1][page])
        return Found(len(rows), table)

    def near(self, text: str, limit: int = 20) -> tuple[Found, bool]:
        """Shoppers to offer in place of one whom nobody knows.

        Returns:
            Those whose ids are most like the text, and True; or those who buy most, and False, when none is.
        """
        rows = self._alike(text.strip().casefold())
        alike = len(rows) > 0
        if not alike:
            rows = np.argsort(-self.purchases, kind="stable")
        return Found(len(rows), self._table(rows[:limit])), alike

    def _alike(self, text: str) -> NDArray[np.int64]:
        """Row numbers of ids that begin with or hold as much of the text as any does, most alike first."""
        ids = self._ids.str.lower()
        digits = "".join(x for x in text if x.isdigit())
        parts = [text[:end] for end in range(len(text), max(len(text) // 2, 1), -1)]
        parts += [digits[:end] for end in range(len(digits), max(len(digits) // 2, 1), -1)]
        hit = np.zeros(len(ids), dtype=bool)
        for part in filter(None, dict.fromkeys(parts)):
            hit |= ids.str.contains(part, regex=False).to_numpy(dtype=bool)
            if hit.sum() >= ENOUGH_ALIKE:
                break
        rows = np.flatnonzero(hit)[:MOST_ALIKE]
        likeness = [SequenceMatcher(None, text, user_id, autojunk=False).ratio() for user_id in ids.iloc[rows]]
        return rows[np.argsort(-np.array(likeness, dtype=float), kind="stable")]

    def _table(self, page: NDArray[np.int64]) -> pd.DataFrame:
        model = self._model
        table = model.users.iloc[page][[c.USER, *model.user_attributes]].reset_index(drop=True)
        table.insert(1, "purchases", self.purchases[page].astype(int))
        table.insert(2, "products", self.products[page])
        table.insert(3, "spent", self.spent[page])
        table.insert(4, c.LAST, self.last[page])
        return table

    def neighbour(self, user_id: str, step: int, search: Search) -> str:
        """The shopper `step` places further among those who fit, round and round; from outside: the first or last."""
        rows = self._some(search)
        ids = self._model.users[c.USER]
        try:
            place = np.flatnonzero(rows == self._model.user_row(user_id))
        except NotFound:
            place = np.zeros(0, dtype=np.int64)
        if len(place) == 0:
            return str(ids.iat[int(rows[0 if step > 0 else -1])])
        return str(ids.iat[int(rows[(int(place[0]) + step) % len(rows)])])

    def any(self, seed: int, search: Search) -> str:
        """One of those who fit, drawn at random."""
        rows = self._some(search)
        return str(self._model.users[c.USER].iat[int(rows[np.random.default_rng(seed).integers(len(rows))])])

    def last_bought(self, query: str) -> NDArray[np.datetime64]:
        """(n_users,): when each shopper last had an item that fits the words; NaT for never."""
        model = self._model
        hit = model.items_with_words(query)
        pairs = model.history
        entries = np.flatnonzero(hit[pairs.counts.indices])
        users = np.searchsorted(pairs.counts.indptr, entries, side="right") - 1
        newest = np.full(len(model.users), np.iinfo(np.int64).min)
        np.maximum.at(newest, users, pairs.last[entries].astype("datetime64[s]").astype(np.int64))
        return newest.astype("datetime64[s]")

    # Of every shopper

    @cached_property
    def products(self) -> NDArray[np.int64]:
        """(n_users,) different items."""
        return np.diff(self._model.history.counts.indptr).astype(np.int64)

    @cached_property
    def purchases(self) -> NDArray[np.float64]:
        """(n_users,) events."""
        return np.asarray(self._model.history.counts.sum(axis=1)).ravel().astype(np.float64)

    @cached_property
    def spent(self) -> NDArray[np.float64]:
        """(n_users,) money."""
        return self._per_user(self._model.history.value.astype(np.float64), np.add, 0.0)

    @cached_property
    def last(self) -> NDArray[np.datetime64]:
        """(n_users,) time of the last event, NaT without one."""
        return self._times(self._model.history.last, np.maximum)

    @cached_property
    def first(self) -> NDArray[np.datetime64]:
        """(n_users,) time of the first event, NaT without one."""
        return self._times(self._model.history.first, np.minimum)

    @cached_property
    def top_share(self) -> NDArray[np.float64]:
        """(n_users,) share of a shopper's products that are of their largest category (widest level)."""
        model = self._model
        if not model.category_levels:
            return np.zeros(len(model.users))
        codes = pd.factorize(model.items[model.category_levels[0]].astype(object))[0]
        n = len(codes)
        of_category = sparse.csr_matrix((np.ones(n, np.float32), (np.arange(n), codes)))
        had = model.history.counts.copy()
        had.data = np.ones_like(had.data)
        counts = (had @ of_category).tocsr()
        most = np.zeros(len(model.users))
        filled = np.diff(counts.indptr) > 0
        if len(counts.data):
            most[filled] = np.maximum.reduceat(counts.data, counts.indptr[:-1][filled])
        return np.divide(most, self.products, out=np.zeros(len(most)), where=self.products > 0)

    @cached_property
    def _ids(self) -> "pd.Series[str]":
        return self._model.users[c.USER].astype("string[pyarrow]")

    @cached_property
    def _cut(self) -> np.datetime64:
        cut: np.datetime64 = timestamp(self._model.manifest.split.test_start).to_datetime64()
        return cut.astype("datetime64[s]")

    @property
    def _lately(self) -> np.datetime64:
        return self._cut - np.timedelta64(LATELY_DAYS, "D")

    @cached_property
    def _behaviours(self) -> dict[str, Callable[[], tuple[NDArray[np.bool_], NDArray[Any] | None]]]:
        return {
            "new": lambda: (self.first >= self._cut - np.timedelta64(NEW_DAYS, "D"), -self.purchases),
            "lapsed": lambda: ((self.last < self._lately), -self.purchases),
            "loyal": self._loyal,
            "one": lambda: (
                (self.top_share >= ONE_CATEGORY_SHARE) & (self.products >= ONE_CATEGORY_PRODUCTS), -self.products
            ),
            "hard": lambda: (self._judged[0] == 0, -self._judged[1]),
        }  # fmt: skip

    def _loyal(self) -> tuple[NDArray[np.bool_], NDArray[Any]]:
        there = self.purchases[self.purchases > 0]
        enough = np.quantile(there, 1 - LOYAL_SHARE) if len(there) else np.inf
        return (self.purchases >= enough) & (self.last >= self._lately), -self.purchases

    @cached_property
    def _judged(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """(n_users,) NDCG@10, NaN where it was not judged, and how many new products they went on to buy."""
        if self._dataset is None or self._dataset.fingerprint != self._model.manifest.fingerprint:
            raise InvalidInput("Who is hard to serve cannot be told: the data of this model are no longer stored.")
        split = split_again(self._dataset, self._model.manifest.split)
        test = some_of(split.judged)
        found = evaluate(self._model, split.training.counts, test, only=("ndcg",))
        ndcg = np.full(test.shape[0], np.nan)
        ndcg[found.users] = found.values["ndcg"]
        later = test.astype(bool)
        new = (later - later.multiply(split.training.counts.astype(bool))).tocsr()
        new.eliminate_zeros()
        return ndcg, np.diff(new.indptr).astype(np.int64)

    def _some(self, search: Search) -> NDArray[np.int64]:
        rows = self.rows(search)
        if len(rows) == 0:
            who = [f"{fmt.label(name).lower()} “{value}”" for name, value in search.attributes.items()]
            if who and not (search.behaviour or search.bought):
                raise NotFound(f"No shopper has {fmt.joined(who)} together; take one of these away.")
            raise NotFound("No shopper fits; take a condition away.")
        return rows

    def _per_user(self, values: NDArray[Any], gather: np.ufunc, empty: Any) -> NDArray[Any]:
        starts = self._model.history.counts.indptr[:-1]
        out = np.full(len(starts), empty, dtype=values.dtype)
        filled = self.products > 0
        if filled.any():
            out[filled] = gather.reduceat(values, starts[filled])
        return out

    def _times(self, moments: NDArray[np.datetime64], gather: np.ufunc) -> NDArray[np.datetime64]:
        seconds = moments.astype("datetime64[s]").astype(np.int64)
        return self._per_user(seconds, gather, np.iinfo(np.int64).min).astype("datetime64[s]")
